//! `vigla check --cluster` over what exists.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::process::Command;

use futures_util::{StreamExt, stream};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use serde_json::{Value, json};

use crate::common::cli::{Run, filter, folder, vigla};
use crate::control_plane::kubectl;
use crate::turn::Cluster;

/// More than the API server gives at once.
const MANY: usize = 510;

/// A filter is only warned of in development.
const SETTINGS: &str = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\npolicies:\n  envoyfilter-namespace:\n    \
                        enforcement: [{namespaceSelector: {matchLabels: {env: dev}}, action: Warn}]\n";

/// `vigla check --cluster` as this user.
fn check(cluster: &Cluster, user: &str, arguments: &[&str]) -> Run {
    let folder = folder(&[("settings.yaml", SETTINGS), ("kubeconfig", &cluster.kubeconfig(user, None))]);
    let common = ["check", "--cluster", "--kubeconfig", "kubeconfig", "--settings", "settings.yaml"];
    vigla(folder.path(), &[&common, arguments].concat())
}

/// How many findings on filters have which effect, by namespace.
fn found(run: &Run) -> BTreeMap<(String, String), usize> {
    let report = run.report();
    let mut found = BTreeMap::new();
    for finding in report["findings"].as_array().expect("findings") {
        if finding["object"]["kind"] == "EnvoyFilter" {
            let text = |value: &Value| value.as_str().expect("text").to_owned();
            *found.entry((text(&finding["object"]["namespace"]), text(&finding["effect"]))).or_default() += 1;
        }
    }
    found
}

fn count(run: &Run, namespace: &str, effect: &str) -> usize {
    found(run).get(&(namespace.to_owned(), effect.to_owned())).copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
async fn finds_what_is_old_in_every_namespace() {
    let cluster = Cluster::take();
    let (shop, till) = (cluster.namespace(), cluster.namespace());
    cluster.kubectl(&["label", "namespace", &till, "env=dev"]).succeeds();
    cluster.apply(&filter("lua", &till).to_string()).succeeds();
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("networking.istio.io", "v1alpha3", "EnvoyFilter"));
    let filters: Api<DynamicObject> = Api::namespaced_with(cluster.client().await, &shop, &kind);
    let create = async |n: usize| {
        let object = serde_json::from_value(filter(&format!("n{n:03}"), &shop)).expect("an object");
        filters.create(&PostParams::default(), &object).await.expect("it is let in");
    };
    stream::iter(0..MANY).for_each_concurrent(16, create).await;

    let run = check(&cluster, "admin", &["-o", "json"]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert_eq!((count(&run, &shop, "deny"), count(&run, &till, "warn")), (MANY, 1), "{}", run.err);
    let report = run.report();
    let finding =
        report["findings"].as_array().expect("findings").iter().find(|found| found["object"]["name"] == "n509");
    let finding = finding.expect("one of the last page");
    assert_eq!(finding["object"]["apiVersion"], "networking.istio.io/v1alpha3");
    let unknown = ["file", "document", "line", "column", "endLine", "endColumn"].map(|field| finding[field].clone());
    assert_eq!(unknown, [const { Value::Null }; 6]);
    assert_eq!((&finding["path"], &finding["value"]), (&json!("/metadata/namespace"), &json!(shop)));
    let summary = &report["summary"];
    assert!(summary["documents"].as_u64() > Some(MANY as u64) && summary["kinds"].as_u64() > Some(5), "{summary}");
    assert_eq!((&summary["files"], &summary["errors"]), (&json!(0), &json!(0)));

    let one = check(&cluster, "admin", &["-o", "json", "-n", &till]);
    assert_eq!((one.code, found(&one).len(), count(&one, &till, "warn")), (0, 1, 1), "{}", one.err);
    let told = check(&cluster, "admin", &["-o", "json", "-n", &till, "--namespace-labels", &format!("{till}:")]);
    assert_eq!((told.code, count(&told, &till, "deny")), (1, 1), "{}", told.err);
    let none = check(&cluster, "admin", &["-n", "not-there"]);
    assert_eq!((none.code, none.err.as_str()), (2, "error: namespaces \"not-there\" not found\n"));
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn says_which_kinds_it_may_not_list_and_judges_the_others() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    cluster.kubectl(&["label", "namespace", &shop, "env=dev"]).succeeds();
    cluster.apply(&filter("lua", &shop).to_string()).succeeds();
    let role = ["create", "clusterrole", "filters", "--verb=list", "--resource=envoyfilters.networking.istio.io"];
    cluster.kubectl(&role).succeeds();
    cluster.kubectl(&["create", "clusterrolebinding", "filters", "--clusterrole=filters", "--user=bob"]).succeeds();
    let run = check(&cluster, "bob", &["-o", "json"]);
    let text = check(&cluster, "bob", &[]);
    cluster.kubectl(&["delete", "clusterrole,clusterrolebinding", "filters"]).succeeds();

    assert_eq!(run.code, 2, "{}", run.err);
    // Without the labels the strictest branch holds, and that is said.
    assert_eq!(count(&run, &shop, "deny"), 1);
    assert!(
        run.err.contains("note: labels of namespaces are unknown (--namespace-labels): namespaces is forb"),
        "{}",
        run.err
    );
    let errors: Vec<String> = run.errors();
    let of = |plural: &str| errors.iter().filter(|error| error.starts_with(&format!("null:null {plural} "))).count();
    assert_eq!([of("deployments.apps"), of("pods"), of("envoyfilters.networking.istio.io")], [1, 1, 0], "{errors:#?}");
    assert!(
        errors.contains(
            &"null:null pods are not judged: pods is forbidden: User \"bob\" cannot list resource \"pods\" in API group \
              \"\" at the cluster scope; ask for the permission, or name a namespace of your own by -n"
                .to_owned()
        ),
        "{errors:#?}"
    );
    assert_eq!(text.code, 2);
    assert!(text.err.contains("\nerror: pods are not judged: pods is forbidden: "), "{}", text.err);
}

/// The role that the documentation shows.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn the_rights_in_the_documentation_are_enough() {
    let cluster = Cluster::take();
    let shop = cluster.namespace();
    cluster.kubectl(&["label", "namespace", &shop, "env=dev"]).succeeds();
    cluster.apply(&filter("lua", &shop).to_string()).succeeds();
    let page = include_str!("../../docs/check.md");
    let (_, rest) = page.split_once("```yaml\n").expect("a role");
    let (role, _) = rest.split_once("```").expect("its end");
    cluster.apply(role).succeeds();
    let bind = ["--clusterrole=vigla-check", "--user=bob"];
    cluster.kubectl(&[&["create", "rolebinding", "check", "-n", &shop], &bind[..]].concat()).succeeds();
    let of_one = check(&cluster, "bob", &["-o", "json", "-n", &shop, "--profile", "restricted"]);
    cluster.kubectl(&[&["create", "clusterrolebinding", "check"], &bind[..]].concat()).succeeds();
    let of_all = check(&cluster, "bob", &["-o", "json", "--profile", "restricted"]);
    cluster.kubectl(&["delete", "clusterrolebinding/check", "clusterrole/vigla-check"]).succeeds();

    for run in [of_one, of_all] {
        assert_eq!(run.errors(), Vec::<String>::new());
        assert!(
            run.report()["summary"]["kinds"].as_u64() > Some(5) && !run.err.contains("note: labels"),
            "{}",
            run.err
        );
        assert_eq!(count(&run, &shop, "warn"), 1, "{}", run.err);
    }
}

/// Who has a namespace alone, and kubectl.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn a_tenant_checks_a_namespace_by_the_plugin() {
    let cluster = Cluster::take();
    let hers = cluster.namespace_of("alice");
    cluster.apply(&filter("lua", &hers).to_string()).succeeds();
    let folder = folder(&[("kubeconfig", &cluster.kubeconfig("alice", None))]);
    symlink(env!("CARGO_BIN_EXE_vigla"), folder.path().join("kubectl-vigla")).expect("a link");
    let plugin = |arguments: &[&str]| -> Run {
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").expect("a PATH"));
        let mut command: Command = kubectl();
        command.arg("vigla").args(arguments).env("PATH", path).env("KUBECONFIG", folder.path().join("kubeconfig"));
        command.env_remove("NO_COLOR").output().expect("kubectl runs").into()
    };
    let help = plugin(&["check", "--help"]).succeeds().out;
    assert!(help.contains("Usage: kubectl vigla check "), "{help}");
    let wrong = plugin(&["check", "--nonsense"]);
    assert!(wrong.code == 2 && wrong.err.contains("Usage: kubectl vigla check "), "{}", wrong.err);

    let run = plugin(&["check", "--cluster", "-n", &hers]);
    // What a tenant may not see is no secret, and no reason to judge nothing.
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    let (said, _) = run.err.rsplit_once(" (").expect("milliseconds");
    insta::assert_snapshot!("check", format!("{}{said}", run.out).replace(&hers, "hers"));
}
