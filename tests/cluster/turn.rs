//! The clusters, each for one test at a time: webhook configurations are everybody's.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use std::{fs, ptr};

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;

use crate::common::PATIENCE;
use crate::common::cli::Run;
use crate::control_plane::ControlPlane;

/// Started on first use.
type Plane = LazyLock<Result<ControlPlane, String>>;

/// Much of a test is waiting, so that a second one costs little. Each takes 700 MB.
static PLANES: [Plane; 2] = [const { LazyLock::new(ControlPlane::start) }; 2];
/// Those that no test has.
static FREE: LazyLock<Mutex<Vec<&Plane>>> = LazyLock::new(|| Mutex::new(PLANES.iter().collect()));
static RETURNED: Condvar = Condvar::new();
static NAMESPACES: AtomicUsize = AtomicUsize::new(0);

/// A control plane, until it is dropped.
struct Turn(&'static Plane);

impl Turn {
    fn free() -> MutexGuard<'static, Vec<&'static Plane>> {
        FREE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for one of these, however those ended who have it.
    fn take(wanted: impl Fn(&Plane) -> bool) -> Self {
        let mut free = Self::free();
        loop {
            if let Some(at) = free.iter().position(|plane| wanted(plane)) {
                return Self(free.remove(at));
            }
            free = RETURNED.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        Self::free().insert(0, self.0);
        RETURNED.notify_all();
    }
}

/// The cluster, for one test. Webhook configurations end with it; objects stay, so each test has its own namespaces.
pub(crate) struct Cluster {
    plane: &'static ControlPlane,
    /// Objects that show whether a configuration is in force, with what becomes of them where none is.
    probes: RefCell<Vec<(Value, String)>>,
    turn: Turn,
}

impl Cluster {
    /// Waits for a cluster that no other test has.
    pub(crate) fn take() -> Self {
        Self::of(Turn::take(|_| true))
    }

    /// Ends the test and begins the next one on the same cluster.
    pub(crate) fn take_again(self) -> Self {
        let plane = self.turn.0;
        drop(self);
        Self::of(Turn::take(|one| ptr::eq(one, plane)))
    }

    fn of(turn: Turn) -> Self {
        let plane = turn.0.as_ref().unwrap_or_else(|reason| panic!("{reason}"));
        Self { plane, probes: RefCell::default(), turn }
    }

    /// The real `kubectl`, as an administrator.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Run {
        self.kubectl_as("admin", arguments, "")
    }

    /// The real `kubectl`, as `alice` or `bob`, who may do something in their own namespaces alone, or as `admin`.
    pub(crate) fn kubectl_as(&self, user: &str, arguments: &[&str], stdin: &str) -> Run {
        self.plane.kubectl(user, arguments, stdin)
    }

    /// `kubectl apply`, as an administrator.
    pub(crate) fn apply(&self, manifest: &str) -> Run {
        self.kubectl_as("admin", &["apply", "-f", "-"], manifest)
    }

    /// Applies until it is let in: the API server takes a moment to notice that nobody is asked any more.
    pub(crate) fn apply_until_allowed(&self, object: &Value) {
        let begun = Instant::now();
        while self.apply(&object.to_string()).code != 0 {
            assert!(begun.elapsed() < PATIENCE, "still refused");
        }
    }

    /// The API as controllers use it, as an administrator.
    pub(crate) async fn client(&self) -> Client {
        self.client_of("admin").await
    }

    /// The same, as `alice` or `bob`.
    pub(crate) async fn client_of(&self, user: &str) -> Client {
        let kubeconfig = Kubeconfig::from_yaml(&self.kubeconfig(user, None)).expect("a kubeconfig");
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        Client::try_from(config.expect("a whole kubeconfig")).expect("a client")
    }

    /// A kubeconfig for `admin`, `alice` or `bob`, who reach the API server at `port`, or where it is.
    pub(crate) fn kubeconfig(&self, user: &str, port: Option<u16>) -> String {
        let text = fs::read_to_string(self.plane.kubeconfig()).expect("a kubeconfig");
        let text = text.replace("user: admin}", &format!("user: {user}}}"));
        let address = self.address().to_string();
        port.map_or(text.clone(), |port| text.replace(&address, &format!("127.0.0.1:{port}")))
    }

    /// Where the API server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        let text = fs::read_to_string(self.plane.kubeconfig()).expect("a kubeconfig");
        let (_, rest) = text.split_once("https://").expect("a URL");
        rest.split_once('"').expect("its end").0.parse().expect("an address")
    }

    /// A new namespace.
    pub(crate) fn namespace(&self) -> String {
        let name = format!("test-{}", NAMESPACES.fetch_add(1, Ordering::Relaxed));
        self.kubectl(&["create", "namespace", &name]).succeeds();
        name
    }

    /// A new namespace in which this user may do what a tenant does.
    pub(crate) fn namespace_of(&self, user: &str) -> String {
        let name = self.namespace();
        let (role, user) = ("--clusterrole=tenant", format!("--user={user}"));
        self.kubectl(&["create", "rolebinding", "tenant", "-n", &name, role, &user]).succeeds();
        name
    }

    /// Creates webhook configurations and waits until they are in force: until each of these objects, tried without
    /// being stored, meets with another answer than before. One object for each configuration: the API server takes
    /// notice of them one by one.
    pub(crate) fn register(&self, configurations: &str, probes: &[Value]) {
        let before: Vec<_> = probes.iter().map(|probe| (probe.clone(), self.attempt(probe))).collect();
        self.apply(configurations).succeeds();
        let begun = Instant::now();
        for (probe, before) in &before {
            while self.attempt(probe) == *before {
                assert!(begun.elapsed() < PATIENCE, "not in force, still {before}");
            }
        }
        self.probes.borrow_mut().extend(before);
    }

    /// What the API server makes of a new object, which it does not store.
    fn attempt(&self, object: &Value) -> String {
        let arguments = ["create", "--dry-run=server", "-o", "json", "-f", "-"];
        let run = self.kubectl_as("admin", &arguments, &object.to_string());
        if run.code != 0 {
            return run.err;
        }
        let mut made = run.report();
        for new_each_time in ["creationTimestamp", "managedFields", "uid"] {
            made["metadata"].as_object_mut().expect("metadata").remove(new_each_time);
        }
        format!("{made}{}", run.err)
    }
}

impl Drop for Cluster {
    /// The next test finds none of this one's webhooks.
    fn drop(&mut self) {
        let kinds = "validatingwebhookconfigurations,mutatingwebhookconfigurations";
        let deleted = self.kubectl(&["delete", kinds, "--all"]);
        if deleted.code != 0 {
            eprintln!("the webhook configurations stay: {}", deleted.err);
        }
        let begun = Instant::now();
        for (probe, before) in self.probes.take() {
            while self.attempt(&probe) != before && begun.elapsed() < PATIENCE {}
        }
        if std::thread::panicking() {
            self.plane.keep_logs();
        }
    }
}
