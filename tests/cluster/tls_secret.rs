//! A certificate of Vigla's own making, by the permissions that its documentation names.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::date;
use kube::Client;
use rustls::pki_types::CertificateDer;
use serde_json::json;
use tokio::sync::watch;
use vigla::cluster::tls_secret::{Place, Terms, keep};
use vigla::policy::{PolicySet, Sources, Text};
use vigla::server::tls::{self, Managed};
use vigla::server::{Health, Server, Stop, Webhook};
use vigla::telemetry::Metrics;

use crate::balancer::Balancer;
use crate::common::{Door, Http, PATIENCE, soon};
use crate::installation::{Installation, SETTINGS, certificates, wait_until};
use crate::outage::create_all_the_time;
use crate::turn::Cluster;

/// A Secret of this type has to have two of the entries.
const EMPTY: &str = r#"{"data": {"ca.crt": null, "ca.key": null, "tls.crt": "", "tls.key": ""}}"#;

/// The certificate that is shown to who trusts the CA and asks for the Service.
async fn shown(door: &Door) -> CertificateDer<'static> {
    door.raw(&[]).await.get_ref().1.peer_certificates().expect("a certificate")[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn the_first_replica_makes_the_certificate_and_the_second_takes_it() {
    let cluster = Cluster::take();
    let installation = Installation::new(&cluster);
    installation.permit_all();
    installation.register();
    let (first, door) = installation.serve();
    wait_until("not judged", || installation.refuses_filters());
    let secret = installation.secret().expect("a Secret");
    assert_eq!(secret.type_.as_deref(), Some("kubernetes.io/tls"));
    assert_eq!(secret.metadata.annotations.expect("annotations")["vigla.dev/certificate"], "self-managed");
    let authorities = installation.authorities();
    assert_eq!(authorities.len(), 1);
    let published = installation.published();
    assert!(published.len() > 2 && published.iter().all(|bundle| *bundle == authorities), "{published:?}");

    let (_second, other_door) = installation.serve();
    assert_eq!(shown(&door).await, shown(&other_door).await);
    drop(first);
    assert!(installation.refuses_filters());
    assert_eq!(installation.secret().expect("a Secret").metadata.resource_version, secret.metadata.resource_version);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn replicas_that_start_at_once_agree() {
    let cluster = Cluster::take();
    let installation = Installation::new(&cluster);
    installation.permit_all();
    for _ in 0..3 {
        let mut replicas: Vec<_> = (0..4).map(|_| installation.start()).collect();
        let doors: Vec<_> = replicas.iter_mut().map(|replica| installation.door(replica)).collect();
        assert_eq!(installation.authorities().len(), 1);
        let certificate = certificates(&installation.entry("tls.crt"));
        for door in &doors {
            assert_eq!(shown(door).await, certificate[0]);
        }
        drop(replicas);
        cluster.kubectl(&["delete", "secret", "vigla-tls", "-n", &installation.namespace]).succeeds();
    }
}

/// In processes, with the periods that they have.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn every_replica_takes_up_a_certificate_that_is_made_anew() {
    let cluster = Cluster::take();
    let installation = Installation::new(&cluster);
    installation.permit_all();
    let (mut replicas, authorities) = ([installation.serve(), installation.serve()], installation.authorities());
    let before = certificates(&installation.entry("tls.crt"));
    let secret = ["secret", "vigla-tls", "-n", &installation.namespace];
    let without = ["--type=merge", "-p", r#"{"data": {"tls.crt": ""}}"#];
    cluster.kubectl(&[&["patch"], &secret[..], &without].concat()).succeeds();
    for (replica, _) in &mut replicas {
        replica.wait_for_log("took up a new certificate");
    }
    let certificate = certificates(&installation.entry("tls.crt"));
    assert_ne!(certificate, before);
    for (_, door) in &replicas {
        assert_eq!(shown(door).await, certificate[0]);
    }
    assert_eq!(installation.authorities(), authorities, "the CA was sound");
}

/// Two replicas behind a Service, while objects are applied all the time.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn a_secret_that_is_deleted_or_damaged_is_made_anew_and_no_request_is_lost() {
    let cluster = Cluster::take();
    let installation = Installation::new(&cluster);
    installation.permit_all();
    let terms = Terms { notice: Duration::from_secs(1), period: Duration::from_millis(300), ..Terms::default() };
    let replicas = replicas(&cluster.client_of("alice").await, &installation, &terms).await;
    installation.balancer.route(&replicas);
    installation.register();
    wait_until("not judged", || installation.refuses_filters());

    let (end, client) = (watch::Sender::new(false), cluster.client().await);
    let good = create_all_the_time(client.clone(), "istio-config", &end);
    let bad = create_all_the_time(client, &installation.namespace, &end);
    let secret = ["secret", "vigla-tls", "-n", &installation.namespace];
    let half = r#"{"data": {"ca.key": "aGFsZg==", "tls.crt": "aGFsZg=="}}"#;
    let mishaps = [&["delete"][..], &["patch", "--type=merge", "-p", half], &["patch", "--type=merge", "-p", EMPTY]];
    for mishap in mishaps.repeat(3) {
        let before = installation.authorities();
        cluster.kubectl(&[&mishap[..1], &secret[..], &mishap[1..]].concat()).succeeds();
        wait_until("no new CA", || {
            let secret = installation.secret().and_then(|secret| secret.data);
            let bundle = secret.and_then(|mut data| data.remove("ca.crt")).unwrap_or_default();
            certificates(&bundle.0).len() > before.len()
        });
        assert_eq!(installation.authorities()[1..], before, "those before it stay");
        wait_until("not published", || installation.is_published());
    }
    let (begun, certificate) = (Instant::now(), certificates(&installation.entry("tls.crt")));
    for address in replicas {
        let door = Door::named(address, installation.host(), &installation.authorities());
        while shown(&door).await != certificate[0] {
            assert!(begun.elapsed() < PATIENCE, "not taken up");
        }
    }
    wait_until("not judged", || installation.refuses_filters());

    end.send_replace(true);
    let ((let_in, refused), (bad_let_in, bad_refused)) = (good.await.expect("an end"), bad.await.expect("an end"));
    assert_eq!((refused, bad_let_in), (vec![], 0));
    assert!(let_in > 100, "{let_in}");
    let denied = |why: &String| why.contains("denied the request: envoyfilter-namespace: ");
    assert!(bad_refused.iter().all(denied), "{bad_refused:#?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn a_missing_permission_is_told_once_until_it_is_there() {
    let cluster = Cluster::take();
    let installation = Installation::new(&cluster);
    cluster.apply(&installation.manifests()).succeeds();
    let mut replica = installation.start();
    let trouble = "cannot look after the certificate";
    let begun = replica.log_until(trouble);
    assert!(begun.iter().any(|line| line.contains("the door stays shut until there is a certificate")), "{begun:#?}");
    let line = begun.last().expect("a line");
    assert!(line.contains("User \\\"alice\\\" cannot get resource \\\"secrets\\\""), "{line}");
    assert!(line.contains("Vigla's service account needs `get` and `update` of this Secret, and, where"), "{line}");

    // What it may do from now on it does, and says what it still may not.
    installation.permit(&["Role", "RoleBinding"]);
    let lines = replica.log_until(trouble);
    assert_eq!(lines.iter().filter(|line| line.contains(trouble)).count(), 1, "{lines:#?}");
    let line = lines.last().expect("a line");
    assert!(line.contains("cannot get resource \\\"validatingwebhookconfigurations\\\""), "{line}");
    assert!(line.contains("Vigla's service account needs `get` and `patch` of both"), "{line}");
    let door = installation.door(&mut replica);
    replica.wait_for_log(": ready");
    let detail = door.get(Http::One, "/readyz").await;
    assert!(
        detail.status.is_success() && detail.body.starts_with("ok\ncertificate: cannot be looked after, "),
        "{detail:?}"
    );
    assert!(detail.body.contains("needs `get` and `patch` of both"), "{detail:?}");

    installation.permit(&["ClusterRole", "ClusterRoleBinding"]);
    let lines = replica.log_until("looks after the certificate again");
    assert_eq!(lines.iter().filter(|line| line.contains(trouble)).count(), 0, "{lines:#?}");
    assert!(installation.is_published());
    let begun = Instant::now();
    while door.get(Http::One, "/readyz").await.body.contains("certificate: ") {
        assert!(begun.elapsed() < PATIENCE, "the note stays");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn without_the_api_server_the_certificate_in_use_stays() {
    let cluster = Cluster::take();
    let installation = Installation::new(&cluster);
    installation.permit_all();
    let way = Balancer::start();
    way.route(&[cluster.address()]);
    let kubeconfig = cluster.kubeconfig("alice", Some(way.port));
    fs::write(installation.folder.path().join("elsewhere"), kubeconfig).expect("a file");
    let mut replica = installation.start_by("elsewhere");
    let door = installation.door(&mut replica);
    let (before, trouble) = (shown(&door).await, "cannot look after the certificate");
    for _ in 0..2 {
        way.cut();
        let lost = replica.wait_for_log(trouble);
        assert_eq!(shown(&door).await, before);
        let detail = door.get(Http::One, "/readyz").await;
        assert!(detail.status.is_success(), "{detail:?}");
        way.route(&[cluster.address()]);
        let back = replica.log_until("looks after the certificate again");
        // The first failure may be the end of a connection, the next ones that there is none: each is told once.
        let reasons = [&lost].into_iter().chain(&back).filter_map(|line| line.split_once(trouble));
        let reasons: Vec<_> = reasons.map(|(_, reason)| reason).collect();
        assert_eq!(reasons.iter().collect::<BTreeSet<_>>().len(), reasons.len(), "{reasons:#?}");
    }
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn a_secret_of_somebody_else_is_left_alone() {
    let cluster = Cluster::take();
    let installation = Installation::new(&cluster);
    installation.permit_all();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "vigla-tls", "namespace": installation.namespace},
                        "stringData": {"password": "hunter2"}});
    cluster.apply(&secret.to_string()).succeeds();
    let mut replica = installation.start();
    let line = replica.wait_for_log("cannot look after the certificate");
    let place = format!("Secret {}/vigla-tls holds something that Vigla did not write", installation.namespace);
    assert!(line.contains(&place) && line.contains("delete this one"), "{line}");
    assert!(!line.contains("hunter2"));
    assert_eq!(installation.entry("password"), b"hunter2");

    cluster
        .kubectl(&[
            "patch",
            "secret",
            "vigla-tls",
            "-n",
            &installation.namespace,
            "--type=merge",
            "-p",
            r#"{"data": null}"#,
        ])
        .succeeds();
    installation.door(&mut replica);
}

/// Asked to stop while its door is shut.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn who_waits_for_a_certificate_can_be_stopped() {
    let cluster = Cluster::take();
    let installation = Installation::new(&cluster);
    let mut replica = installation.start();
    replica.wait_for_log("the door stays shut");
    replica.signal("TERM");
    assert!(replica.wait().success());
}

/// Two replicas in this process, which start at once.
async fn replicas(client: &Client, installation: &Installation<'_>, terms: &Terms) -> [SocketAddr; 2] {
    let (namespace, service, secret) = (installation.namespace.clone(), "vigla".to_owned(), "vigla-tls".to_owned());
    let place = Place { namespace, service, secret };
    let (one, other) = tokio::join!(replica(client, &place, terms), replica(client, &place, terms));
    [one, other]
}

async fn replica(client: &Client, place: &Place, terms: &Terms) -> SocketAddr {
    let kept = keep(client, place.clone(), terms.clone()).expect("a host");
    let mut managed = soon(Managed::start(kept)).await.expect("a certificate");
    let config = tls::config(managed.identity(), None).expect("a configuration");
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), config).await.expect("a port");
    let (address, health, metrics) = (server.address(), Health::default(), Arc::new(Metrics::default()));
    let settings = Text::new("settings.yaml".to_owned(), SETTINGS.to_owned());
    let sources = Sources { settings: Some(settings), ..Sources::default() };
    let (set, _) = PolicySet::load(&sources, date(2026, 11, 21)).expect("policies");
    let webhook = Webhook::new(set, Arc::clone(&metrics));
    let looked_after = (health.clone(), Arc::clone(&metrics));
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            managed.look(&looked_after.0, &looked_after.1);
        }
    });
    let (_, stop) = Stop::by_hand();
    tokio::spawn(server.run(Arc::new(webhook), metrics, health, stop, Duration::ZERO));
    address
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn through_rotations_of_certificates_and_cas_no_request_is_lost() {
    let cluster = Cluster::take();
    let installation = Installation::new(&cluster);
    let client = cluster.client().await;
    // Lifetimes that pass while one looks on.
    let seconds = Duration::from_secs;
    let (certificate, authority, notice) = (seconds(9), seconds(30), seconds(1));
    let terms = Terms { certificate, authority, notice, period: Duration::from_millis(300) };
    let replicas = replicas(&client, &installation, &terms).await;
    installation.balancer.route(&replicas);
    installation.register();
    wait_until("not judged", || installation.refuses_filters());

    let end = watch::Sender::new(false);
    let good = create_all_the_time(client.clone(), "istio-config", &end);
    let bad = create_all_the_time(client, &installation.namespace, &end);
    let (mut authorities, mut shown_ones) = (BTreeSet::new(), BTreeSet::new());
    let begun = Instant::now();
    while authorities.len() < 3 || shown_ones.len() < 5 {
        assert!(begun.elapsed() < 2 * PATIENCE, "{} CAs, {} certificates", authorities.len(), shown_ones.len());
        authorities.insert(installation.authorities()[0].to_vec());
        // What the API server trusts, and who has the next connection.
        let trusted = installation.published().swap_remove(0);
        for address in replicas {
            shown_ones.insert(shown(&Door::named(address, installation.host(), &trusted)).await.to_vec());
            installation.balancer.route(&[address]);
        }
    }
    end.send_replace(true);
    let ((let_in, refused), (bad_let_in, bad_refused)) = (good.await.expect("an end"), bad.await.expect("an end"));
    assert_eq!((refused, bad_let_in), (vec![], 0));
    assert!(let_in > 100, "{let_in}");
    let denied = |why: &String| why.contains("denied the request: envoyfilter-namespace: ");
    assert!(bad_refused.iter().all(denied), "{bad_refused:#?}");
    assert!(installation.published().iter().all(|bundle| bundle.len() <= 2), "what has ended has left");
}
