//! A cluster that does not answer, or is not there. What one that does answer changes, the cluster tests show.

use std::path::PathBuf;

use hyper::http::StatusCode;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::cli::{filter, folder};
use crate::common::review::{read, review, wire};
use crate::common::{Http, Vigla};
use crate::startup::refusal;

/// A filter is denied outside of development.
const SETTINGS: &str = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\npolicies:\n  envoyfilter-namespace:\n    \
                        enforcement: [{namespaceSelector: {matchLabels: {env: dev}}, action: Warn}]\n";

/// Where nobody listens: this port is for the system to give away, and it does not.
const NOBODY: &str = "https://127.0.0.1:1";

/// A folder with these Settings and a kubeconfig of a cluster at this address.
fn files(server: &str) -> TempDir {
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- {{name: test, cluster: {{server: \"{server}\"}}}}\n\
         contexts:\n- {{name: test, context: {{cluster: test, user: nobody}}}}\nusers:\n- {{name: nobody, user: {{}}}}\n"
    );
    folder(&[("settings.yaml", SETTINGS), ("kubeconfig", &kubeconfig)])
}

fn path(folder: &TempDir, name: &str) -> String {
    let path: PathBuf = folder.path().join(name);
    path.to_str().unwrap().to_owned()
}

async fn is_allowed(vigla: &Vigla) -> bool {
    let review = wire(&review("CREATE", "shop", &filter("lua", "shop"), &Value::Null));
    read(vigla.door.post(Http::One, "/validate", review).await.body.as_bytes()).allowed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_not_there_keeps_nobody_from_judging() {
    let files = files(NOBODY);
    let (settings, kubeconfig) = (path(&files, "settings.yaml"), path(&files, "kubeconfig"));
    let mut vigla = Vigla::start(&["--settings", &settings, "--kubeconfig", &kubeconfig]);
    let line = vigla.wait_for_log("WARN");
    assert!(line.contains("namespaces: labels unknown: the API server https://"), "{line}");
    assert!(line.contains("Connection refused (os error 111)"), "{line}");
    // Its labels are unknown, and the strictest branch holds.
    assert!(!is_allowed(&vigla).await);
    loop {
        let answer = vigla.door.get(Http::One, "/readyz").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
        let (reason, details) = answer.body.split_once('\n').unwrap();
        assert_eq!(reason, "not ready: waiting for the labels of namespaces, for half a minute at most");
        if details.starts_with("namespaces: labels unknown: the API server https://") {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cluster_nothing_is_waited_for() {
    let files = files(NOBODY);
    let settings = path(&files, "settings.yaml");
    let vigla = Vigla::start(&["--settings", &settings]);
    let answer = vigla.door.get(Http::One, "/readyz").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "ok\n"));
    assert!(!is_allowed(&vigla).await, "unknown labels take the strictest branch");
}

#[test]
fn rejects_a_kubeconfig_that_names_no_cluster() {
    let files = files(NOBODY);
    let write = |name: &str, text: &str| {
        std::fs::write(files.path().join(name), text).unwrap();
        path(&files, name)
    };
    let good = path(&files, "kubeconfig");
    let empty = write("empty", "apiVersion: v1\nkind: Config\n");
    let broken = write("broken", "apiVersion: v1\nkind: Config\nusers: [\n");
    let no_ca = write(
        "no-ca",
        &std::fs::read_to_string(&good).unwrap().replace("{server:", "{certificate-authority: gone, server:"),
    );
    let missing = path(&files, "none");
    for (arguments, expected) in [
        (&["--kubeconfig", &missing][..], "cannot read the kubeconfig `none`: No such file or directory (os error 2)"),
        (&["--kubeconfig", &empty], "no context is in use in the kubeconfig; name one by --context"),
        (&["--kubeconfig", &broken], "cannot use the kubeconfig: "),
        (&["--kubeconfig", &no_ca], "cannot use the kubeconfig: failed to load certificate authority: "),
        (
            &["--kubeconfig", &good, "--context", "prod"],
            "no context `prod` in the kubeconfig; `kubectl config get-contexts` lists them",
        ),
    ] {
        let line = refusal(&[&["--dev"], arguments].concat());
        let line = line.replace(&format!("{}/", files.path().display()), "");
        assert!(line.starts_with(&format!("error: {expected}")), "{line}");
    }
}
