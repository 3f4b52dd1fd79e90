//! What the chart makes of its values, without anything being stored.

use std::path::Path;

use serde_json::Value;
use vigla::object::{read_yaml, split_documents};

use super::{Helm, IMAGE, configurations};
use crate::common::cli::{Run, check_with, folder, vigla};
use crate::turn::Cluster;

/// Values, each set with what is special about it.
const SOUND: [&[&str]; 10] = [
    &[],
    &["--set", "settings.maxAction=Warn,settings.profile=required"],
    &[
        "--set",
        "settings.profile=restricted,replicas=1,listen=[::],port=9443,drainDelay=30,logLevel=debug,logFormat=text",
    ],
    &["--set", "certificates.mode=certManager"],
    &["--set", "certificates.mode=certManager,certificates.issuer.name=ours,certificates.issuer.kind=ClusterIssuer"],
    &["--set", "certificates.mode=secret,certificates.secretName=door"],
    &["--set", "image.digest=sha256:0000000000000000000000000000000000000000000000000000000000000000"],
    &["--set", "imagePullSecrets[0].name=pull,tolerations[0].operator=Exists,nodeSelector.pool=system"],
    &["--set", "clients.ca=-----BEGIN CERTIFICATE-----,clients.names={kube-apiserver,front-proxy},opsPort=9090"],
    &["--set", "networkPolicy.from[0].ipBlock.cidr=10.0.0.0/28,priorityClassName=,resources.limits.memory=1Gi"],
];

/// Where certificates come from.
const MODES: [&str; 3] = ["selfManaged", "certManager", "secret"];

fn objects(run: Run) -> Vec<Value> {
    let out = run.succeeds().out;
    let documents = split_documents(&out).into_iter();
    documents
        .map(|text| read_yaml(text).expect("YAML").root().to_json())
        .filter(|object: &Value| !object.is_null())
        .collect()
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn the_api_server_takes_the_chart_under_all_kinds_of_values() {
    let cluster = Cluster::take();
    let helm = Helm::of(&cluster);
    let own = cluster.namespace();
    // Says so where Pods are not as restricted as they could be.
    cluster.kubectl(&["label", "namespace", &own, "pod-security.kubernetes.io/warn=restricted"]).succeeds();
    for values in SOUND {
        let lint = [&["lint", "--strict", "manifests/chart", "--namespace", &own][..], &IMAGE, values].concat();
        helm.run(&lint).succeeds();
        let rendered = helm.chart("template", &own, values).succeeds().out;
        let run = cluster.kubectl_as("admin", &["apply", "--dry-run=server", "-f", "-"], &rendered).succeeds();
        assert_eq!(run.err, "", "{values:?}");
        assert_eq!(run.out.matches(" created (server dry run)").count(), rendered.matches("\nkind: ").count());
        assert_eq!(check_with(&rendered, &["--profile", "restricted"]).code, 0, "{values:?}: its own policies");
    }
    let ports = helm.chart("template", &own, &["--set", "hostNetwork=true"]).succeeds().out;
    cluster.kubectl_as("admin", &["apply", "--dry-run=server", "-f", "-"], &ports).succeeds();
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn refuses_values_that_cannot_be_meant() {
    let helm = Helm::new();
    let elsewhere = helm.file("elsewhere.json", &configurations("other", None, &[]));
    let elsewhere = format!("webhooks.configurations={elsewhere}");
    let text = helm.file("text.json", "no JSON");
    let text = format!("webhooks.configurations={text}");
    for (values, expected) in [
        (["--set", "replica=2"], "additional properties 'replica' not allowed"),
        (["--set", "replicas=0"], "/replicas"),
        (["--set", "port=443"], "/port"),
        (["--set", "clients.ca=ca.crt"], "/clients/ca"),
        (["--set", "certificates.mode=acme"], "/certificates/mode"),
        (["--set", "certificates.ca=ca.crt"], "/certificates/ca"),
        (["--set", "image.digest=latest"], "/image/digest"),
        (["--set", "settings.profile=strict"], "/settings/profile"),
        (["--set", "settings.maxAction=Patch"], "/settings/maxAction"),
        (["--set", "settings.exceptions[0].policy=envoyfilter-namespace"], "/settings/exceptions/0"),
        (["--set", "settings.policies.envoyfilter-namespace.acton=Warn"], "'acton' not allowed"),
        (["--set", "settings.policies.envoyfilter-namespace.action=Warn"], "webhooks.configurations: `policies`"),
        (["--set", "settings.mesh.rootNamespace=mesh"], "webhooks.configurations: `policies`"),
        (["--set", "policies.own=text"], "webhooks.configurations: `policies`"),
        (["--set-file", &elsewhere], "webhook `deny.core.vigla.dev` leads elsewhere"),
        (["--set-file", &text], "this is not the List that"),
        (["--set", "image.repository="], "image.repository: no image is published"),
    ] {
        let run = helm.chart("template", "guard", &values);
        assert!(run.code == 1 && run.err.contains(expected), "{values:?}: {}", run.err);
    }
    for namespace in ["default", "kube-system", "istio-system"] {
        let run = helm.chart("template", namespace, &[]);
        assert!(run.err.contains("Vigla needs one of its own"), "{}", run.err);
    }
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn asks_about_what_the_policies_in_the_values_judge() {
    let helm = Helm::new();
    let printed = |more: &[&str]| -> Vec<Value> {
        let list: Value = serde_json::from_str(&configurations("guard", None, more)).expect("JSON");
        list["items"].as_array().expect("items").clone()
    };
    let rendered = |more: &[&str]| {
        let mut objects = objects(helm.chart("template", "guard", more));
        objects.retain(|object| object["kind"].as_str().is_some_and(|kind| kind.ends_with("WebhookConfiguration")));
        objects.sort_by_key(|object| object["kind"] == "MutatingWebhookConfiguration");
        objects
    };
    let webhooks = |configurations: &[Value]| -> Vec<Value> {
        configurations.iter().map(|configuration| configuration["webhooks"].clone()).collect()
    };
    for profile in ["required", "baseline", "restricted"] {
        let values = format!("settings.profile={profile}");
        assert_eq!(webhooks(&rendered(&["--set", &values])), webhooks(&printed(&["--profile", profile])), "{profile}");
    }

    let policy = helm.file(
        "own.yaml",
        "{apiVersion: policies.vigla.dev/v1alpha1, kind: Policy, metadata: {name: envoyfilter-namespace},\n \
         spec: {rule: envoyfilter-namespace, action: Warn}}\n",
    );
    let own = helm.file("own.json", &configurations("guard", None, &["--policies", &policy]));
    let (own, file) = (format!("webhooks.configurations={own}"), format!("policies.own={policy}"));
    let values = ["--set-file", &own, "--set-file", &file];
    let expected = webhooks(&printed(&["--policies", &policy]));
    assert_eq!(webhooks(&rendered(&values)), expected);
    assert!(expected[0].as_array().expect("webhooks").iter().any(|webhook| webhook["name"] == "warn.mesh.vigla.dev"));

    // The brake changes what happens while nobody answers, and no name, for the CA is kept by it.
    let braked = rendered(&[&values[..], &["--set", "settings.maxAction=Warn"]].concat());
    for (free, braked) in expected.iter().zip(webhooks(&braked)) {
        for (free, braked) in free.as_array().expect("webhooks").iter().zip(braked.as_array().expect("webhooks")) {
            let mut free = free.clone();
            free["failurePolicy"] = "Ignore".into();
            assert_eq!(&free, braked);
        }
    }
}

/// The kubelet's part: the flags, with the files at hand.
#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn vigla_takes_the_flags_and_files_that_the_deployment_gives_it() {
    let helm = Helm::new();
    let policy = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy\nmetadata: {name: own}\n\
                  spec: {rule: envoyfilter-namespace, action: Warn}\n";
    let file = format!("policies.own={}", helm.file("own.yaml", policy));
    let webhooks = format!("webhooks.configurations={}", helm.file("w.json", &configurations("guard", None, &[])));
    let exception =
        "settings.exceptions=[{\"policy\":\"own\",\"reason\":\"r\",\"owner\":\"o\",\"expires\":\"2099-01-31\"}]";
    let values = ["--set-file", &file, "--set-file", &webhooks, "--set-json", exception];
    let objects = objects(helm.chart("template", "guard", &values));
    let maps: Vec<&Value> = objects.iter().filter(|object| object["kind"] == "ConfigMap").collect();
    let files: Vec<(&str, &str)> = maps
        .iter()
        .flat_map(|map| map["data"].as_object().expect("data"))
        .map(|(name, text)| (name.as_str(), text.as_str().expect("text")))
        .collect();
    assert_eq!(files.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["settings.yaml", "own.yaml"]);
    assert_eq!(files[1].1, policy);
    let folder = folder(&files);
    let judging = ["policies", "--settings", "settings.yaml", "--policies", "own.yaml", "-o", "json"];
    let listed = vigla(folder.path(), &judging).succeeds().out;
    assert!(listed.contains("\"own\""), "{listed}");

    let help = vigla(Path::new("."), &["serve", "--help"]).succeeds().out;
    for mode in MODES {
        let mode =
            format!("certificates.mode={mode},clients.ca=-----BEGIN CERTIFICATE-----,clients.names={{apiserver}}");
        let objects = self::objects(helm.chart("template", "guard", &[&values[..], &["--set", &mode]].concat()));
        let deployment = objects.iter().find(|object| object["kind"] == "Deployment").expect("a Deployment");
        let arguments = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
        let arguments: Vec<&str> = arguments.as_array().expect("args").iter().filter_map(Value::as_str).collect();
        assert_eq!(arguments[0], "serve");
        for argument in &arguments[1..] {
            let flag = argument.split('=').next().expect("a flag");
            assert!(help.contains(&format!("{flag} <")), "{mode}: vigla serve knows no {flag}");
        }
    }
}
