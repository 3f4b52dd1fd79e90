//! The README's section "In a cluster", command by command. The kubelet's part is the test's: it reads the Deployment and
//! runs what that says, with the files of the ConfigMap and a token of the ServiceAccount.

use std::fs;
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::life::refused;
use super::{Helm, configurations};
use crate::balancer::Balancer;
use crate::common::cli::{Run, filter};
use crate::common::{PATIENCE, Process};
use crate::turn::Cluster;

const OWN: &str = "vigla-system";

/// The command of the README that begins like this, with these arguments more.
fn readme(helm: &Helm, command: &str, more: &[&str]) -> Run {
    let readme = include_str!("../../../README.md").replace("\\\n", "");
    let (_, section) = readme.split_once("## In a cluster\n").expect("the section");
    let (_, rest) = section.split_once(command).expect("the command");
    let rest = rest.split(['\n', '`']).next().expect("a line").split_whitespace();
    let arguments: Vec<&str> = command.split_whitespace().skip(1).chain(rest).chain(more.iter().copied()).collect();
    helm.run(&arguments)
}

fn get(cluster: &Cluster, what: [&str; 2]) -> Value {
    cluster.kubectl(&["get", what[0], what[1], "-n", OWN, "-o", "json"]).succeeds().report()
}

/// Puts the ConfigMap where the Deployment mounts it.
fn mount(cluster: &Cluster, folder: &TempDir) {
    let map = get(cluster, ["configmap", "vigla"]);
    for (name, text) in map["data"].as_object().expect("data") {
        fs::write(folder.path().join(name), text.as_str().expect("text")).expect("a file");
    }
}

/// A container of the Deployment.
fn run(cluster: &Cluster, folder: &TempDir) -> Process {
    let token = cluster.kubectl(&["create", "token", "vigla", "-n", OWN]).succeeds().out;
    let kubeconfig = cluster.kubeconfig("alice", None);
    let (before, after) = kubeconfig.split_once("name: alice, user: {token: ").expect("a user");
    let (_, after) = after.split_once('}').expect("its end");
    let kubeconfig = format!("{before}name: alice, user: {{token: {}}}{after}", token.trim());
    let file = folder.path().join("kubeconfig");
    fs::write(&file, kubeconfig).expect("a file");

    let deployment = get(cluster, ["deployment", "vigla"]);
    let arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array().expect("args").clone();
    let arguments = arguments.iter().filter_map(Value::as_str).filter(|it| !it.starts_with("--listen=")).skip(1);
    let here = folder.path().to_str().expect("UTF-8");
    let mut arguments: Vec<String> = arguments.map(|it| it.replace("/etc/vigla/settings", here)).collect();
    arguments.extend(["--own-namespace", OWN, "--kubeconfig", file.to_str().expect("UTF-8")].map(str::to_owned));
    Process::serve(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn the_commands_of_the_readme_put_vigla_in_front_of_the_api_server() {
    let (cluster, balancer) = (Cluster::take(), Balancer::start());
    let helm = Helm::of(&cluster);
    // What the chart brings, but for the port: what stands in for the Pods takes a free one.
    let webhooks = helm.file("webhooks.json", &configurations(OWN, Some(balancer.port), &[]));
    let webhooks = format!("webhooks.configurations={webhooks}");
    readme(&helm, "helm install vigla ", &["--set-file", &webhooks]).succeeds();
    let here = json!({"spec": {"type": "ExternalName", "externalName": "localhost"}}).to_string();
    cluster.kubectl(&["patch", "service", "vigla", "-n", OWN, "-p", &here]).succeeds();
    let folder = tempfile::tempdir().expect("a folder");
    mount(&cluster, &folder);
    let mut replicas = [run(&cluster, &folder), run(&cluster, &folder)];
    let addresses = replicas.each_mut().map(Process::listens);
    balancer.route(&addresses);

    // The brake: it passes, with a warning.
    let (begun, filter) = (Instant::now(), filter("lua", "default"));
    loop {
        let run =
            cluster.kubectl_as("admin", &["create", "--dry-run=server", "-f", "-"], &filter.to_string()).succeeds();
        if run.err.contains("Warning: envoyfilter-namespace: ") {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "no warning: {}", run.err);
    }

    readme(&helm, "helm upgrade vigla ", &[]).succeeds();
    mount(&cluster, &folder);
    refused(&cluster, "denied the request: envoyfilter-namespace: ");
    let [mut first, second] = replicas;
    first.signal("KILL");
    first.wait();
    balancer.route(&addresses[1..]);
    refused(&cluster, "denied the request: envoyfilter-namespace: ");

    drop(second);
    readme(&helm, "helm uninstall vigla ", &[]).succeeds();
    cluster.apply_until_allowed(&filter);
    cluster.kubectl(&["delete", "envoyfilter", "lua"]).succeeds();
    assert_eq!(cluster.kubectl(&["get", "secrets", "-n", OWN, "-o", "name"]).succeeds().out, "");
}
