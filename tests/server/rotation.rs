//! Certificates that change while the server runs.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::{Method, StatusCode};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::CertificateDer;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::common::{Door, Http, REVIEW, REVIEW_UID, Vigla, send, soon};
use crate::exposition::Exposition;
use crate::mount::Mount;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A CA below another one, whose certificate lies in a file.
pub(crate) struct Authority {
    below: CertifiedIssuer<'static, KeyPair>,
    file: NamedTempFile,
}

/// A certificate chain and its key, in PEM.
pub(crate) struct Pair {
    chain: String,
    key: String,
    leaf: CertificateDer<'static>,
}

impl Pair {
    pub(crate) fn files(&self) -> [(&str, &str); 2] {
        [("tls.crt", &self.chain), ("tls.key", &self.key)]
    }
}

impl Authority {
    pub(crate) fn make() -> Self {
        let params = || {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params
        };
        let root = CertifiedIssuer::self_signed(params(), KeyPair::generate().unwrap()).unwrap();
        let mut own = params();
        own.distinguished_name.push(rcgen::DnType::CommonName, "one below");
        let below = CertifiedIssuer::signed_by(own, KeyPair::generate().unwrap(), &root).unwrap();
        let file = NamedTempFile::new().unwrap();
        fs::write(&file, root.pem()).unwrap();
        Self { below, file }
    }

    pub(crate) fn issue(&self) -> Pair {
        let now = SystemTime::now();
        self.issue_for(now - DAY, now + DAY)
    }

    fn issue_for(&self, not_before: SystemTime, not_after: SystemTime) -> Pair {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (not_before.into(), not_after.into());
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.below).unwrap();
        Pair { chain: leaf.pem() + &self.below.pem(), key: key.serialize_pem(), leaf: leaf.into() }
    }

    /// A server over the files of a mount.
    pub(crate) fn serve(&self, mount: &Mount, more: &[&str]) -> Vigla {
        Vigla::start_with(&mount.path("tls.crt"), &mount.path("tls.key"), self.file.path(), more)
    }
}

/// The certificates that the server shows.
async fn shown(door: &Door) -> Vec<CertificateDer<'static>> {
    door.raw(&[]).await.get_ref().1.peer_certificates().unwrap().to_vec()
}

async fn ready(vigla: &Vigla) -> String {
    let answer = vigla.door.get(Http::One, "/readyz").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_up_a_chain_at_every_swap_and_keeps_connections() {
    let authority = Authority::make();
    let first = authority.issue();
    let mut mount = Mount::new(&first.files());
    let mut vigla = authority.serve(&mount, &[]);
    let mut open = vigla.door.raw(&[]).await;
    let below: CertificateDer<'static> = authority.below.der().clone();
    assert_eq!(shown(&vigla.door).await, [first.leaf, below.clone()]);
    for _ in 0..2 {
        let next = authority.issue();
        mount.swap(&next.files());
        vigla.wait_for_log("took up a new certificate");
        assert_eq!(shown(&vigla.door).await, [next.leaf, below.clone()]);

        open.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"ok\n") {
            assert_ne!(soon(open.read_buf(&mut answer)).await.unwrap(), 0, "closed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_pair_leaves_the_certificate_in_use() {
    let authority = Authority::make();
    let (first, other, now) = (authority.issue(), authority.issue(), SystemTime::now());
    let mut mount = Mount::new(&first.files());
    let mut vigla = authority.serve(&mount, &[]);
    let expired = authority.issue_for(now - 2 * DAY, now - DAY);
    let early = authority.issue_for(now + DAY, now + 2 * DAY);
    for (files, why) in [
        (vec![("tls.crt", &*other.chain), ("tls.key", &*first.key)], "does not belong to the certificate in"),
        (expired.files().into(), "the certificate has expired; it was valid until"),
        (early.files().into(), "the certificate is not valid yet, but from"),
        (vec![("tls.crt", "half a file"), ("tls.key", &*other.key)], "no certificate in"),
        (vec![("tls.crt", &*other.chain)], "cannot read"),
    ] {
        mount.swap(&files);
        let lines = vigla.log_until("refused a new certificate");
        assert_eq!(lines.iter().filter(|line| line.contains("refused")).count(), 1, "{lines:#?}");
        assert!(lines.last().unwrap().contains(why), "{lines:#?}");
        let detail = ready(&vigla).await;
        assert!(detail.starts_with("ok\ncertificate: refused a new one, and the one in use stays"), "{detail}");
        assert!(detail.contains(why), "{detail}");
        assert_eq!(shown(&vigla.door).await[0], first.leaf);
    }
    mount.swap(&other.files());
    vigla.wait_for_log("took up a new certificate");
    assert_eq!(ready(&vigla).await, "ok\n");
    assert_eq!(shown(&vigla.door).await[0], other.leaf);
    let metrics = Exposition::of(&vigla.door).await;
    assert_eq!(metrics.value(r#"vigla_reloads_total{what="certificate",result="refused"}"#), 5.0);
    assert_eq!(metrics.value(r#"vigla_reloads_total{what="certificate",result="taken_up"}"#), 1.0);
}

/// The API server would refuse it; whoever mounts a Secret may be about to renew it.
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_waits_for_a_valid_one() {
    let (authority, now) = (Authority::make(), SystemTime::now());
    let mut mount = Mount::new(&authority.issue_for(now - 2 * DAY, now - DAY).files());
    let mut vigla = authority.serve(&mount, &[]);
    vigla.wait_for_log("not ready: the certificate has expired; it was valid until");
    mount.swap(&authority.issue().files());
    vigla.wait_for_log("took up a new certificate");
    vigla.wait_for_log(" ready");
    assert_eq!(ready(&vigla).await, "ok\n");
}

/// Requests until `done`, and at least so many: over one connection, or each over its own.
async fn call(door: Door, http: Http, fresh: bool, done: Arc<AtomicBool>, answered: Arc<AtomicUsize>) {
    let mut client = door.client(http);
    while !done.load(Ordering::Relaxed) || answered.load(Ordering::Relaxed) < 10_000 {
        if fresh {
            client = door.client(http);
        }
        let request = door.request(Method::POST, "/validate").header("content-type", "application/json");
        let answer = send(&client, request.body(Full::new(Bytes::from(REVIEW))).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert!(answer.body.contains(REVIEW_UID) && answer.body.contains(r#""allowed":true"#), "{}", answer.body);
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_rotations_lose_no_request() {
    let authority = Authority::make();
    let mut mount = Mount::new(&authority.issue().files());
    let mut vigla = authority.serve(&mount, &[]);
    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = [(Http::One, false), (Http::One, true), (Http::Two, false), (Http::Two, true)]
        .map(|(http, fresh)| {
            tokio::spawn(call(vigla.door.clone(), http, fresh, Arc::clone(&done), Arc::clone(&answered)))
        })
        .into();
    for _ in 0..3 {
        let next = authority.issue();
        mount.swap(&next.files());
        vigla.wait_for_log("took up a new certificate");
        assert_eq!(shown(&vigla.door).await[0], next.leaf);
    }
    done.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    assert!(answered.load(Ordering::Relaxed) >= 10_000);
}
