//! Policies and Settings that change while the server runs.

use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::{Method, StatusCode};
use serde_json::Value;

use crate::common::cli::filter;
use crate::common::review::{read, review, wire};
use crate::common::{Http, PATIENCE, Vigla, send};
use crate::exposition::Exposition;
use crate::mount::Mount;

/// Settings under which a filter in `shop` is denied, or only warned of.
pub(crate) fn settings(action: &str) -> String {
    format!(
        "apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\npolicies:\n  \
         envoyfilter-namespace: {{action: {action}}}\n"
    )
}

/// Two documents, each with an error.
fn broken(word: &str) -> String {
    let policy = |name| {
        format!(
            "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy\nmetadata: {{name: {name}}}\n\
             spec: {{rule: {word}, action: Deny}}\n"
        )
    };
    format!("{}---\n{}", policy("one"), policy("two"))
}

pub(crate) fn filter_in_shop() -> String {
    wire(&review("CREATE", "shop", &filter("lua", "shop"), &Value::Null))
}

/// The set that judged, and whether a filter in `shop` may come in.
pub(crate) async fn verdict(vigla: &Vigla) -> (String, bool) {
    judged(&vigla.door.post(Http::One, "/validate", filter_in_shop()).await.body)
}

pub(crate) fn judged(body: &str) -> (String, bool) {
    let answer = read(body.as_bytes());
    (answer.audit_annotations["policy-set"].clone(), answer.allowed)
}

async fn ready(vigla: &Vigla) -> String {
    let answer = vigla.door.get(Http::One, "/readyz").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_up_policies_at_every_swap() {
    let mut mount = Mount::new(&[("settings.yaml", &settings("Deny"))]);
    let mut vigla = Vigla::start(&["--policies", mount.folder()]);
    let (first, allowed) = verdict(&vigla).await;
    assert!(!allowed);
    for (file, action, allows) in [("settings.yaml", "Warn", true), ("other.yaml", "Deny", false)] {
        mount.swap(&[(file, &settings(action))]);
        let line = vigla.wait_for_log("took up new policies");
        let (set, allowed) = verdict(&vigla).await;
        assert_eq!(allowed, allows, "{action}");
        assert!(line.contains(&format!("set=\"{set}\"")), "{line}");
        assert_eq!(set == first, action == "Deny", "the same documents, the same set");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_up_settings_out_of_their_file() {
    let mut mount = Mount::new(&[("settings.yaml", &settings("Deny"))]);
    let mut vigla = Vigla::start(&["--settings", mount.path("settings.yaml").to_str().unwrap()]);
    assert!(!verdict(&vigla).await.1);
    mount.swap(&[("settings.yaml", &settings("Warn"))]);
    vigla.wait_for_log("took up new policies");
    assert!(verdict(&vigla).await.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_documents_leave_the_set_in_force_and_are_told_once() {
    let mut mount = Mount::new(&[("mine.yaml", &settings("Warn"))]);
    let mut vigla = Vigla::start(&["--policies", mount.folder()]);
    let before = verdict(&vigla).await;
    // The second refusal comes some readings after the first: told again at each, that would stand in between.
    for word in ["nothing", "nothing-either"] {
        mount.swap(&[("mine.yaml", &broken(word))]);
        let lines = vigla.log_until("refused new policies");
        assert_eq!(lines.iter().filter(|line| line.contains("refused")).count(), 1, "{lines:#?}");
        let line = lines.last().unwrap();
        for place in ["mine.yaml:4:", "mine.yaml:9:"] {
            assert!(line.contains(place) && line.contains(&format!("unknown rule `{word}`")), "{line}");
        }
        let detail = ready(&vigla).await;
        let expected = format!("ok\npolicies: refused new ones, and set {} stays in force: ", before.0);
        assert!(detail.starts_with(&expected), "{detail}");
        assert!(detail.contains("mine.yaml:4:") && detail.ends_with(" (and 1 more, in the log)\n"), "{detail}");
        assert_eq!(verdict(&vigla).await, before);
    }
    mount.swap(&[("mine.yaml", &settings("Deny"))]);
    vigla.wait_for_log("took up new policies");
    assert_eq!(ready(&vigla).await, "ok\n");
    let (set, allowed) = verdict(&vigla).await;
    assert!(!allowed);
    let metrics = Exposition::of(&vigla.door).await;
    assert_eq!(metrics.value(r#"vigla_reloads_total{what="policies",result="refused"}"#), 2.0);
    assert_eq!(metrics.value(r#"vigla_reloads_total{what="policies",result="taken_up"}"#), 1.0);
    let in_force: Vec<_> = metrics.families["vigla_policy_set"].samples.iter().map(|it| &*it.labels["hash"]).collect();
    assert_eq!(in_force, [&*set], "the one before is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_exceptions_are_counted() {
    let exception =
        |expires: &str| format!("{{policy: envoyfilter-namespace, reason: r, owner: o, expires: {expires}}}");
    let settings = |exceptions: [&str; 3]| {
        let head = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\nexceptions:";
        format!("{head} [{}]\n", exceptions.map(exception).join(", "))
    };
    let mut mount = Mount::new(&[("mine.yaml", &settings(["2026-01-31", "2026-02-28", "2999-12-31"]))]);
    let mut vigla = Vigla::start(&["--policies", mount.folder()]);
    vigla.wait_for_log(" ready");
    assert_eq!(Exposition::of(&vigla.door).await.value("vigla_expired_exceptions"), 2.0);
    mount.swap(&[("mine.yaml", &settings(["2026-01-31", "2999-12-31", "2999-12-31"]))]);
    vigla.wait_for_log("took up new policies");
    let begun = Instant::now();
    while Exposition::of(&vigla.door).await.value("vigla_expired_exceptions") != 1.0 {
        assert!(begun.elapsed() < PATIENCE, "not counted anew");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_vanish_leave_the_set_in_force() {
    let mut mount = Mount::new(&[("mine.yaml", &settings("Warn"))]);
    let mut vigla = Vigla::start(&["--policies", mount.folder()]);
    let before = verdict(&vigla).await;
    mount.swap(&[]);
    let line = vigla.wait_for_log("refused new policies");
    assert!(line.contains("holds no file named"), "{line}");
    assert_eq!(verdict(&vigla).await, before);
    fs::remove_dir_all(mount.folder()).unwrap();
    let line = vigla.wait_for_log("refused new policies");
    assert!(line.contains("cannot be read"), "{line}");
    assert_eq!(verdict(&vigla).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn says_that_an_exception_has_expired_at_every_loading() {
    let excepting = |name: &str| {
        settings("Deny")
            + &format!(
                "exceptions:\n- {{policy: envoyfilter-namespace, names: [{name}], reason: r, owner: edge, \
                 expires: 2020-01-31}}\n"
            )
    };
    let mut mount = Mount::new(&[("mine.yaml", &excepting("a"))]);
    let mut vigla = Vigla::start(&["--policies", mount.folder()]);
    vigla.wait_for_log("expired on 2020-01-31 and holds no longer");
    mount.swap(&[("mine.yaml", &excepting("b"))]);
    vigla.wait_for_log("expired on 2020-01-31 and holds no longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn says_that_standard_input_stays_as_it_is() {
    let mount = Mount::new(&[("mine.yaml", &settings("Warn"))]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigla"));
    command.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--policies", "-"]);
    command.stdin(File::open(mount.path("mine.yaml")).unwrap());
    let mut vigla = Vigla::spawn(command);
    vigla.wait_for_log("to be read but once: policies and Settings stay as they are");
    assert!(verdict(&vigla).await.1);
}

/// Whatever happens to the set while requests are under way, each is judged by one set as a whole.
#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_judged_by_one_set() {
    let mut mount = Mount::new(&[("mine.yaml", &settings("Deny"))]);
    let mut vigla = Vigla::start(&["--policies", mount.folder()]);
    let done = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = [Http::One, Http::Two, Http::Two]
        .map(|http| {
            let (door, done) = (vigla.door.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let (client, body) = (door.client(http), Bytes::from(filter_in_shop()));
                let mut seen = BTreeSet::new();
                while !done.load(Ordering::Relaxed) {
                    let request = door.request(Method::POST, "/validate").header("content-type", "application/json");
                    let answer = send(&client, request.body(Full::new(body.clone())).unwrap()).await;
                    seen.insert(judged(&answer.body));
                }
                seen
            })
        })
        .into();
    let deny = verdict(&vigla).await;
    mount.swap(&[("mine.yaml", &settings("Warn"))]);
    vigla.wait_for_log("took up new policies");
    let warn = verdict(&vigla).await;
    mount.swap(&[("mine.yaml", &settings("Deny"))]);
    vigla.wait_for_log("took up new policies");
    done.store(true, Ordering::Relaxed);
    assert!(!deny.1 && warn.1 && deny.0 != warn.0);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), BTreeSet::from([deny.clone(), warn.clone()]));
    }
}
