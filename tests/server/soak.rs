//! Two replicas behind a Service, through all that happens to them in a year.
//!
//! `VIGLA_SOAK=100000 cargo test --release --test server soak` sends so many requests.

use std::collections::BTreeSet;
use std::env;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::{Method, StatusCode};

use crate::common::{Door, Http, HttpsClient, REVIEW, REVIEW_UID, Vigla, send};
use crate::mount::Mount;
use crate::reload::{filter_in_shop, judged, settings, verdict};
use crate::rotation::Authority;

/// What a Service leads to: the replicas that are ready.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<Vec<Door>>>);

impl Service {
    fn lead_to(&self, doors: &[&Door]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = doors.iter().copied().cloned().collect();
    }

    fn pick(&self, turn: usize) -> Door {
        let doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        doors[turn % doors.len()].clone()
    }
}

/// A caller who never stops before all is over, and keeps connections, or makes a new one each time.
struct Caller {
    service: Service,
    http: Http,
    fresh: bool,
    over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
}

impl Caller {
    /// The sets that judged the filter, each with whether it let that in.
    async fn call(self) -> BTreeSet<(String, bool)> {
        let (mut clients, mut seen) = (Vec::<(Door, HttpsClient<_>)>::new(), BTreeSet::new());
        let bodies = [Bytes::from(REVIEW), Bytes::from(filter_in_shop())];
        for turn in 0.. {
            if self.over.load(Ordering::Relaxed) {
                break;
            }
            let door = self.service.pick(turn / 2);
            clients.retain(|_| !self.fresh);
            let known = clients.iter().find(|(known, _)| known.address == door.address);
            let client = known.map_or_else(|| door.client(self.http), |(_, client)| client.clone());
            if known.is_none() {
                clients.push((door.clone(), client.clone()));
            }
            let request = door.request(Method::POST, "/validate").header("content-type", "application/json");
            let answer = send(&client, request.body(Full::new(bodies[turn % 2].clone())).unwrap()).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            if turn % 2 == 1 {
                seen.insert(judged(&answer.body));
            } else {
                assert!(
                    answer.body.contains(REVIEW_UID) && answer.body.contains(r#""allowed":true"#),
                    "{}",
                    answer.body
                );
            }
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
        seen
    }
}

/// Ends a replica as Kubernetes does, while the Service leads to the other one alone.
fn stop(mut replica: Vigla, service: &Service, other: &Door) {
    replica.signal("TERM");
    replica.wait_for_log("asked to stop");
    service.lead_to(&[other]);
    assert!(replica.wait().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_replicas_lose_no_request_through_rotations_reloads_and_restarts() {
    let wanted: usize = env::var("VIGLA_SOAK").map_or(3000, |count| count.parse().expect("a number of requests"));
    let authority = Authority::make();
    let mut certificates = Mount::new(&authority.issue().files());
    let mut policies = Mount::new(&[("mine.yaml", &settings("Deny"))]);
    let folder = policies.folder().to_owned();
    let serve = |certificates: &Mount| authority.serve(certificates, &["--policies", &folder, "--drain-delay", "1"]);
    let (mut one, mut other) = (serve(&certificates), serve(&certificates));
    let service = Service::default();
    service.lead_to(&[&one.door, &other.door]);
    let deny = verdict(&one).await;

    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = [(Http::One, false), (Http::One, true), (Http::Two, false), (Http::Two, true)]
        .map(|(http, fresh)| {
            let (service, over, answered) = (service.clone(), Arc::clone(&over), Arc::clone(&answered));
            tokio::spawn(Caller { service, http, fresh, over, answered }.call())
        })
        .into();
    let (mut rounds, mut warn) = (0, None);
    while rounds < 2 || answered.load(Ordering::Relaxed) < wanted {
        certificates.swap(&authority.issue().files());
        for replica in [&mut one, &mut other] {
            replica.wait_for_log("took up a new certificate");
        }
        for action in ["Warn", "Deny"] {
            policies.swap(&[("mine.yaml", &settings(action))]);
            for replica in [&mut one, &mut other] {
                replica.wait_for_log("took up new policies");
            }
            if action == "Warn" {
                warn = Some(verdict(&one).await);
            }
        }
        stop(one, &service, &other.door);
        let back = serve(&certificates);
        service.lead_to(&[&other.door, &back.door]);
        (one, other) = (other, back);
        rounds += 1;
        assert!(callers.iter().all(|caller| !caller.is_finished()), "a request was lost");
    }
    over.store(true, Ordering::Relaxed);
    let expected = BTreeSet::from([deny, warn.expect("a round")]);
    for caller in callers {
        assert_eq!(caller.await.expect("a request was lost or answered wrong"), expected);
    }
    assert!(answered.load(Ordering::Relaxed) >= wanted);
}
