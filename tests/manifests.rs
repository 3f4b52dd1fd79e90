//! `vigla manifests` as a user runs it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests are tests"
)]

mod common;

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use common::cli::{Run, command, folder, vigla};
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tempfile::TempDir;
use vigla::object::{read_yaml, split_documents};
use vigla::rule::RULES;

const URL: [&str; 3] = ["manifests", "--url", "https://vigla.test:8443"];

/// What is printed as one List.
fn items(folder: &Path, flags: &[&str]) -> [Value; 2] {
    let run = vigla(folder, &[&URL[..], &["-o", "json"], flags].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let list = run.report();
    assert_eq!((&list["apiVersion"], &list["kind"]), (&json!("v1"), &json!("List")));
    serde_json::from_value(list["items"].clone()).expect("two configurations")
}

/// The resources of all webhooks of a configuration, each with its failure policy.
fn resources(configuration: &Value) -> Vec<(&str, &str)> {
    let webhooks = configuration["webhooks"].as_array().expect("webhooks");
    let of = |webhook| {
        let (webhook, rules): (&Value, _) = (webhook, webhook["rules"].as_array().expect("rules"));
        rules.iter().flat_map(|rule| rule["resources"].as_array().expect("resources")).map(|resource| {
            (resource.as_str().expect("a resource"), webhook["failurePolicy"].as_str().expect("a failure policy"))
        })
    };
    webhooks.iter().flat_map(of).collect()
}

/// A folder with a certificate, `ca.pem`, its key, `key.pem`, and both in one file with words between, `both.pem`.
fn certificates() -> TempDir {
    let own = rcgen::generate_simple_self_signed(vec!["vigla.test".to_owned()]).unwrap();
    let (ca, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    folder(&[
        ("ca.pem", &ca),
        ("key.pem", &key),
        ("both.pem", &format!("the key\n{key}subject=CN = vigla.test\n{ca}{ca}")),
        ("broken.pem", broken),
        ("cut.pem", ca.split("-----END").next().unwrap()),
        ("text.pem", "no certificate\n"),
    ])
}

#[test]
fn manifests_lists_exactly_what_the_built_in_policies_need() {
    let run = vigla(Path::new("."), &["manifests", "--service", "vigla-system/vigla:8443"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("without --ca"), "{}", run.err);
    insta::assert_snapshot!("manifests", run.out);
}

#[test]
fn manifests_says_the_same_in_yaml_and_json_and_the_api_reads_it() {
    let folder = certificates();
    let run = vigla(folder.path(), &[&URL[..], &["--ca", "ca.pem"]].concat());
    assert_eq!((run.code, &*run.err), (0, ""));
    let documents: Vec<Value> =
        split_documents(&run.out).into_iter().map(|document| read_yaml(document).unwrap().root().to_json()).collect();
    let [validating, mutating] = items(folder.path(), &["--ca", "ca.pem"]);
    assert_eq!(documents, [validating.clone(), mutating.clone()]);
    let typed: ValidatingWebhookConfiguration = serde_json::from_value(validating.clone()).expect("the API's type");
    assert_eq!(serde_json::to_value(typed).unwrap(), validating, "no field that the API does not know");
    let typed: MutatingWebhookConfiguration = serde_json::from_value(mutating.clone()).expect("the API's type");
    assert_eq!(serde_json::to_value(typed).unwrap(), mutating);
}

#[test]
fn the_ca_bundle_holds_the_certificates_and_nothing_else_of_the_file() {
    let folder = certificates();
    let [validating, mutating] = items(folder.path(), &["--ca", "both.pem"]);
    for webhook in [&validating, &mutating].into_iter().flat_map(|items| items["webhooks"].as_array().unwrap()) {
        let bundle = BASE64_STANDARD.decode(webhook["clientConfig"]["caBundle"].as_str().unwrap()).unwrap();
        let found: Vec<_> = CertificateDer::pem_slice_iter(&bundle).collect::<Result<_, _>>().expect("PEM");
        let ca = CertificateDer::from_pem_file(folder.path().join("ca.pem")).unwrap();
        assert_eq!(found, [ca.clone(), ca]);
        let text = String::from_utf8(bundle).unwrap();
        assert!(!text.contains("KEY") && !text.contains("subject") && !text.contains('\r'), "{text}");
    }
}

#[test]
fn the_url_and_the_service_lead_to_the_paths_of_the_server() {
    let here = Path::new(".");
    let client = |configuration: &Value| configuration["webhooks"][0]["clientConfig"].clone();
    let [validating, mutating] = items(here, &[]);
    assert_eq!(client(&validating), json!({"url": "https://vigla.test:8443/validate"}));
    assert_eq!(client(&mutating), json!({"url": "https://vigla.test:8443/mutate"}));
    let run = vigla(here, &["manifests", "--service", "guard/vigla", "-o", "json"]);
    let service = json!({"service": {"namespace": "guard", "name": "vigla", "path": "/validate"}});
    assert_eq!(client(&run.report()["items"][0]), service);
}

#[test]
fn the_namespace_of_the_service_is_vigla_s_own() {
    let values = |run: Run| {
        let list = run.report();
        let selector = &list["items"][0]["webhooks"][0]["namespaceSelector"];
        selector["matchExpressions"][0]["values"].as_array().unwrap().clone()
    };
    let here = Path::new(".");
    let system = ["kube-node-lease", "kube-public", "kube-system"];
    assert_eq!(values(vigla(here, &[&URL[..], &["-o", "json"]].concat())), system);
    let service = ["manifests", "--service", "guard/vigla", "-o", "json"];
    assert_eq!(values(vigla(here, &service)), [&system[..], &["guard"]].concat());
    let own = [&URL[..], &["-o", "json", "--own-namespace", "guard"]].concat();
    assert_eq!(values(vigla(here, &own)), [&system[..], &["guard"]].concat());
}

const SETTINGS: &str = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\n";

#[test]
fn the_profile_and_settings_decide_what_is_listed() {
    let strict = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy\nmetadata: {name: strict}\n\
                  spec: {rule: istio-system-injection-disabled, profile: restricted, action: Warn}\n";
    let off: String = RULES.iter().map(|rule| format!("  {}: {{enabled: false}}\n", rule.metadata.name)).collect();
    let folder = folder(&[
        ("own/strict.yaml", strict),
        ("off.yaml", &format!("{SETTINGS}policies:\n{off}")),
        ("brake.yaml", &format!("{SETTINGS}maxAction: Warn\n")),
        ("deny.yaml", &format!("{SETTINGS}policies: {{istio-system-injection-disabled: {{action: Deny}}}}\n")),
    ]);
    let listed = |flags: &[&str]| items(folder.path(), flags);
    let own = ["--policies", "own", "--settings", "off.yaml"];
    let [validating, mutating] = listed(&own);
    assert_eq!((&validating["webhooks"], &mutating["webhooks"]), (&json!([]), &json!([])));
    let [validating, mutating] = listed(&[&own[..], &["--profile", "restricted"]].concat());
    assert!(resources(&validating).contains(&("namespaces", "Ignore")) && resources(&mutating).is_empty());

    let [validating, mutating] = listed(&["--settings", "brake.yaml"]);
    assert!(resources(&validating).iter().all(|(_, policy)| *policy == "Ignore"), "{validating}");
    assert!(resources(&validating).contains(&("envoyfilters", "Ignore")) && resources(&mutating).is_empty());
    assert!(resources(&listed(&[])[1]).contains(&("namespaces", "Ignore")));
    let [validating, mutating] = listed(&["--settings", "deny.yaml"]);
    assert!(!resources(&mutating).contains(&("namespaces", "Ignore")), "{mutating}");
    assert!(resources(&validating).contains(&("namespaces", "Fail")), "{validating}");
}

#[test]
fn bad_input_exits_with_2_and_a_clear_line() {
    let folder = certificates();
    for (arguments, expected) in [
        (&["manifests"][..], "--url <https://HOST[:PORT]>|--service <NAMESPACE/NAME[:PORT]>"),
        (&["manifests", "--url", "https://a", "--service", "b/c"], "cannot be used with"),
        (&["manifests", "--url", "http://vigla.test"], "HTTPS only"),
        (&["manifests", "--url", "https://me@vigla.test"], "may not name a user"),
        (&["manifests", "--url", "https://vigla.test?a"], "neither query nor fragment"),
        (&["manifests", "--url", "https://vigla.test#a"], "neither query nor fragment"),
        (&["manifests", "--url", "https://vigla.test/validate"], "/validate and /mutate are added"),
        (&["manifests", "--service", "vigla"], "expected NAMESPACE/NAME[:PORT]"),
        (&["manifests", "--service", "a/b:0"], "bad port"),
        (&["manifests", "--service", "a/b", "--own-namespace", "c"], "--own-namespace says `c` and --service `a`"),
        (&["manifests", "--service", "istio-system/vigla"], "`istio-system` is a control-plane namespace"),
        (&["manifests", "--url", "https://a", "--own-namespace", "A"], "expected the name of a namespace"),
        (&["manifests", "--url", "https://a", "--ca", "none.pem"], "cannot read `none.pem`"),
        (&["manifests", "--url", "https://a", "--ca", "text.pem"], "no certificate in `text.pem`"),
        (&["manifests", "--url", "https://a", "--ca", "key.pem"], "no certificate in `key.pem`"),
        (&["manifests", "--url", "https://a", "--ca", "cut.pem"], "`cut.pem` is not well-formed PEM"),
        (&["manifests", "--url", "https://a", "--ca", "broken.pem"], "it is no well-formed X.509 certificate"),
        (&["manifests", "--url", "https://a", "--policies", "none"], "none"),
    ] {
        let run = vigla(folder.path(), arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(expected) && run.out.is_empty(), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn what_other_commands_take_as_output_is_no_error() {
    let run: Run = command(Path::new("."), &URL).env("VIGLA_OUTPUT", "text").output().unwrap().into();
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.starts_with("apiVersion: "), "{}", run.out);
}
