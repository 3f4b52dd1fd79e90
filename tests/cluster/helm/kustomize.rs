//! The chart, rendered for those who do without Helm.

use std::path::Path;
use std::{env, fs};

use super::Helm;
use crate::turn::Cluster;

const MARK: &str =
    "# Rendered from manifests/chart: VIGLA_GENERATE=1 cargo test --test cluster -- --ignored kustomize\n";

/// These templates, in one file.
fn render(helm: &Helm, mode: &str, templates: &[&str]) -> String {
    let files = templates.iter().map(|name| format!("templates/{name}.yaml"));
    let release = ["template", "vigla", "manifests/chart", "--namespace", "vigla-system"];
    let values = format!("image.repository=vigla,certificates.mode={mode}");
    let one = |file: String| {
        let what = ["--set", &values, "--show-only", &file];
        helm.run(&[&release[..], &what].concat()).succeeds().out
    };
    MARK.to_owned() + &files.map(one).collect::<String>()
}

/// `VIGLA_GENERATE=1` writes it.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn what_is_rendered_is_fresh_and_taken() {
    let cluster = Cluster::take();
    let helm = Helm::of(&cluster);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("manifests/kustomize");
    let vigla = ["availability", "configmap", "deployment", "networkpolicy", "rbac", "service"];
    for (name, mode, templates) in [
        ("manifests/kustomize/webhooks.yaml", "selfManaged", &["webhooks"][..]),
        ("manifests/kustomize/vigla.yaml", "selfManaged", &vigla),
        ("certs/cert-manager.yaml", "certManager", &["certificate"]),
    ] {
        let (path, text) = (root.join(name), render(&helm, mode, templates));
        if env::var_os("VIGLA_GENERATE").is_some() {
            fs::write(&path, &text).expect("a file that can be written");
        }
        assert!(
            fs::read_to_string(&path).is_ok_and(|found| found == text),
            "{name} is stale; it says how to mend that"
        );
    }

    cluster.apply("{apiVersion: v1, kind: Namespace, metadata: {name: vigla-system}}").succeeds();
    let run = cluster.kubectl(&["apply", "--dry-run=server", "-k", folder.to_str().expect("UTF-8")]).succeeds();
    assert_eq!((run.err.as_str(), run.out.lines().count()), ("", 15), "{}", run.out);
}
