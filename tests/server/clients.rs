//! A server that only certain clients may call.

use std::fs;

use hyper::http::StatusCode;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use crate::common::{Door, Http, REVIEW, REVIEW_UID, Vigla, soon};
use crate::exposition::Exposition;
use crate::startup::refusal;

/// A CA of clients.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn make() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// The door for a client of this common name.
    fn shown(&self, name: &str, door: &Door) -> Door {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        door.clone().shown(certificate.into(), key)
    }
}

struct Guarded {
    vigla: Vigla,
    folder: TempDir,
    ops: Door,
}

/// `--dev`, with a file of CAs for its clients.
fn guarded(authority: &Authority, more: &[&str]) -> Guarded {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("clients.crt");
    fs::write(&file, authority.0.pem()).unwrap();
    let flags = ["--client-ca", file.to_str().unwrap(), "--ops-listen", "127.0.0.1:0"];
    let mut vigla = Vigla::start(&[&flags, more].concat());
    assert!(vigla.next_line().starts_with("curl "));
    let ops = vigla.next_line();
    let ops = ops.strip_prefix("probes and metrics on https://").unwrap().parse().unwrap();
    let ops = Door::new(ops, &vigla.ca);
    Guarded { vigla, folder, ops }
}

async fn is_judged(door: &Door) {
    for http in [Http::One, Http::Two] {
        let answer = door.post(http, "/validate", REVIEW).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert!(answer.body.contains(REVIEW_UID));
    }
}

/// In TLS 1.3 the client may write before it hears that it is not wanted.
async fn is_turned_away(door: &Door) {
    let mut stream = door.raw(&["http/1.1"]).await;
    let error = soon(stream.read_u8()).await.unwrap_err().to_string();
    assert!(error.contains("received fatal alert: "), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_has_a_certificate_may_call_and_probes_have_a_port_of_their_own() {
    let (authority, other) = (Authority::make(), Authority::make());
    let Guarded { mut vigla, ops, .. } = guarded(&authority, &[]);
    let door = vigla.door.clone();
    is_judged(&authority.shown("kube-apiserver", &door)).await;
    is_turned_away(&door).await;
    is_turned_away(&other.shown("kube-apiserver", &door)).await;

    vigla.wait_for_log(" ready");
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(ops.get(Http::One, path).await.status, StatusCode::OK, "{path}");
        let answer = authority.shown("kube-apiserver", &door).get(Http::One, path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(ops.post(Http::One, "/validate", REVIEW).await.status, StatusCode::NOT_FOUND);
    assert_eq!(Exposition::of(&ops).await.value(r#"vigla_errors_total{kind="handshake"}"#), 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_these_only_who_has_the_name() {
    let authority = Authority::make();
    let mut guarded = guarded(&authority, &["--client-name", "kube-apiserver", "--client-name=proxy, front"]);
    let door = guarded.vigla.door.clone();
    is_judged(&authority.shown("kube-apiserver", &door)).await;
    is_judged(&authority.shown("proxy, front", &door)).await;
    is_turned_away(&authority.shown("proxy", &door)).await;
    is_turned_away(&authority.shown("kube-apiserver.example.com", &door)).await;
    let line = guarded.vigla.wait_for_log("kube-apiserver.example.com");
    assert!(line.contains("turned away a client whose common name is not among --client-name"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cas_of_clients_are_taken_up_when_they_change() {
    let (before, after) = (Authority::make(), Authority::make());
    let mut guarded = guarded(&before, &[]);
    let (door, file) = (guarded.vigla.door.clone(), guarded.folder.path().join("clients.crt"));
    let (one, other) = (before.shown("kube-apiserver", &door), after.shown("kube-apiserver", &door));
    is_turned_away(&other).await;
    fs::write(&file, "half a file").unwrap();
    guarded.vigla.wait_for_log("refused new CAs of clients; those in use stay");
    is_judged(&one).await;
    let detail = guarded.ops.get(Http::One, "/readyz").await.body;
    assert!(detail.starts_with("ok\nclients: refused new CAs, and those in use stay: no certificate in"), "{detail}");

    fs::write(&file, before.0.pem() + &after.0.pem()).unwrap();
    guarded.vigla.wait_for_log("took up new CAs of clients");
    is_judged(&one).await;
    is_judged(&other).await;
    assert_eq!(guarded.ops.get(Http::One, "/readyz").await.body, "ok\n");
    let metrics = Exposition::of(&guarded.ops).await;
    for (result, count) in [("refused", 1.0), ("taken_up", 1.0)] {
        assert_eq!(metrics.value(&format!(r#"vigla_reloads_total{{what="clients",result="{result}"}}"#)), count);
    }
}

#[test]
fn a_door_that_cannot_open_so_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("clients.crt");
    fs::write(&file, "half a file").unwrap();
    let file = file.to_str().unwrap();
    let refused = refusal(&["--dev", "--client-ca", file, "--ops-listen", "127.0.0.1:0"]);
    assert!(refused.starts_with("error: no certificate in `"), "{refused}");
    let refused = refusal(&["--dev", "--client-ca", "/nowhere/ca.crt", "--ops-listen", "127.0.0.1:0"]);
    assert!(refused.starts_with("error: cannot read `/nowhere/ca.crt`: "), "{refused}");
    let refused = refusal(&["--dev", "--client-ca", file]);
    let reason = "the kubelet, and who reads metrics, have no certificate to show and need a port of their own";
    assert_eq!(refused, format!("error: --client-ca needs --ops-listen: {reason}"));
    let refused = refusal(&["--dev", "--client-name", "kube-apiserver"]);
    assert_eq!(refused, "error: --client-name needs --client-ca: without it nobody is asked for a certificate");
}
