//! Policy and Settings documents: what is refused, where, and in what words; and what a set is made of.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests are tests"
)]

use jiff::civil::date;
use vigla::policy::{LoadErrors, Notice, PolicySet, Profile, Sources, Text};

const POLICY: &str = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy\nmetadata: {name: mine}\nspec:\n";
const RULE: &str = "  rule: envoyfilter-namespace\n";
const SETTINGS: &str = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\n";

fn text(file: &str, text: &str) -> Text {
    Text::new(file.to_owned(), text.to_owned())
}

fn load(policies: &[&[&str]], settings: Option<&str>) -> Result<(PolicySet, Vec<Notice>), LoadErrors> {
    let argument =
        |texts: &&[&str]| texts.iter().enumerate().map(|(n, said)| text(&format!("{n}.yaml"), said)).collect();
    let sources = Sources {
        policies: policies.iter().map(argument).collect(),
        settings: settings.map(|said| text("settings.yaml", said)),
        ..Sources::default()
    };
    PolicySet::load(&sources, date(2027, 1, 1))
}

fn refused(policies: &[&[&str]], settings: Option<&str>) -> Vec<String> {
    match load(policies, settings) {
        Ok(_) => panic!("loaded: {policies:?} {settings:?}"),
        Err(errors) => errors.0.iter().map(ToString::to_string).collect(),
    }
}

fn assert_refused(spec: &str, expected: &str) {
    let found = refused(&[&[&format!("{POLICY}{spec}")]], None);
    assert_eq!(found.len(), 1, "{spec}: {found:?}");
    assert!(found[0].starts_with(expected), "{spec}\n{}", found[0]);
}

/// One clear error with its place.
#[test]
fn rejects_a_broken_policy_at_its_place() {
    for (spec, expected) in [
        ("  rule: nonsense\n  action: Deny\n", "0.yaml:5:9: unknown rule `nonsense`"),
        ("  action: Deny\n", "0.yaml:4:1: missing field `rule`"),
        (RULE, "0.yaml:4:1: missing field `action`"),
        (&format!("{RULE}  action: deny\n"), "0.yaml:6:11: unknown variant `deny`, expected one of `Deny`, `Patch`"),
        (&format!("{RULE}  action: [Deny]\n"), "0.yaml:6:3: invalid type: sequence"),
        (&format!("{RULE}  action: Deny\n  acton: Deny\n"), "0.yaml:7:3: unknown field `acton`"),
        (&format!("{RULE}  action: Deny\n  action: Deny\n"), "0.yaml:7:3: duplicate key `action`"),
        (&format!("{RULE}  action: Deny\n  profile: strict\n"), "0.yaml:7:12: unknown variant `strict`"),
        (&format!("{RULE}  action: Deny\n  params: {{x: 1}}\n"), "0.yaml:7:12: unknown field `x`"),
        (
            &format!("{RULE}  action: Deny\n  params: {{requireSelector: 3}}\n"),
            "0.yaml:7:29: invalid type: integer `3`",
        ),
        (&format!("{RULE}  action: Deny\n  params: 3\n"), "0.yaml:7:11: invalid type: integer `3`, expected a map"),
        (&format!("{RULE}  action: Patch\n"), "0.yaml:6:11: the rule `envoyfilter-namespace` has no fix"),
        (
            &format!("{RULE}  action: Deny\n  enforcement: [{{after: 2027-01-01, action: Patch}}]\n"),
            "0.yaml:7:45: the rule `envoyfilter-namespace` has no fix",
        ),
        (&format!("{RULE}  action: Deny\n  enforcement: [{{after: 2027-13-01, action: Warn}}]\n"), "0.yaml:7:25: "),
        (
            &format!("{RULE}  action: Deny\n  match: {{operations: [DELETE]}}\n"),
            "0.yaml:7:11: the rule `envoyfilter-namespace` does not judge DELETE",
        ),
        (
            &format!("{RULE}  action: Deny\n  match: {{operations: []}}\n"),
            "0.yaml:7:11: expected at least one operation",
        ),
        (&format!("{RULE}  action: Deny\n  match: {{operations: [PATCH]}}\n"), "0.yaml:7:24: unknown variant `PATCH`"),
        (
            &format!("{RULE}  action: Deny\n  match: {{namespaces: {{include: [\"a b\"]}}}}\n"),
            "0.yaml:7:34: bad glob `a b`: ` ` stands in no name",
        ),
        (&format!("{RULE}  action: Deny\n  match: {{namespaces: {{include: [\"\"]}}}}\n"), "0.yaml:7:34: empty glob"),
        (
            "  rule: sidecar-resources\n  action: Patch\n  params: {defaults: {proxyCPU: fast}}\n",
            "0.yaml:7:33: expected a quantity such as `500m`",
        ),
        (
            "  rule: container-resources\n  action: Patch\n  params: {defaults: {limits: {memory: much}}}\n",
            "0.yaml:7:40: expected a quantity such as `500m`",
        ),
    ] {
        assert_refused(spec, expected);
    }
}

#[test]
fn rejects_selectors_that_kubernetes_would() {
    for (spec, expected) in [
        (
            &format!(
                "{RULE}  action: Deny\n  match: {{namespaceSelector: {{matchExpressions: [{{key: a, operator: In}}]}}}}\n"
            ),
            "0.yaml:7:50: bad selector: `In` needs at least one of `values`",
        ),
        (
            &format!(
                "{RULE}  action: Deny\n  match: {{namespaceSelector: {{matchExpressions: [{{key: a, operator: Gt}}]}}}}\n"
            ),
            "0.yaml:7:69: unknown variant `Gt`",
        ),
        (
            &format!("{RULE}  action: Deny\n  match: {{namespaceSelector: {{matchLabels: {{a: 1}}}}}}\n"),
            "0.yaml:7:48: invalid type: integer `1`",
        ),
        (
            &format!("{RULE}  action: Deny\n  match: {{namespaceSelector: {{matchLabels: {{a: b c}}}}}}\n"),
            "0.yaml:7:31: `b c` is no value of a label",
        ),
        (
            &format!(
                "{RULE}  action: Deny\n  match: {{namespaceSelector: {{matchExpressions: [{{key: /a, operator: Exists}}]}}}}\n"
            ),
            "0.yaml:7:50: bad selector: `/a` is no key of a label",
        ),
    ] {
        assert_refused(spec, expected);
    }
}

#[test]
fn rejects_conditions_that_say_nothing_or_too_much() {
    for (spec, expected) in [
        (&format!("{RULE}  action: Deny\n  match: {{labels: {{a: b}}}}\n"), "0.yaml:7:11: unknown field `labels`"),
        (&format!("{RULE}  action: Deny\n  match: {{namespaces: {{include: []}}}}\n"), "0.yaml:7:24: an empty list"),
        (
            &format!("{RULE}  action: Deny\n  enforcement: [{{users: {{users: []}}, action: Audit}}]\n"),
            "0.yaml:7:18: a condition on users that names nobody",
        ),
        (
            &format!("{RULE}  action: Deny\n  enforcement: [{{after: 2027-03-01T23:00:00-08:00, action: Warn}}]\n"),
            "0.yaml:7:25: bad date",
        ),
    ] {
        assert_refused(spec, expected);
    }
}

#[test]
fn rejects_entries_that_never_decide() {
    for (enforcement, at) in [
        ("[{after: 2027-01-01, action: Warn}, {after: 2027-06-01, action: Deny}]", "0.yaml:7:52"),
        ("[{action: Warn}, {after: 2027-06-01, action: Deny}]", "0.yaml:7:33"),
        ("[{action: Warn}, {namespaces: {include: [a]}, action: Deny}]", "0.yaml:7:33"),
        ("[{namespaces: {include: [a]}, action: Warn}, {namespaces: {include: [a]}, action: Deny}]", "0.yaml:7:61"),
        (
            "[{namespaces: {include: [\"*\"]}, action: Warn}, {namespaces: {include: [dev]}, action: Audit}]",
            "0.yaml:7:63",
        ),
    ] {
        let found = refused(&[&[&format!("{POLICY}{RULE}  action: Deny\n  enforcement: {enforcement}\n")]], None);
        assert!(found[0].starts_with(&format!("{at}: this entry never decides")), "{enforcement}: {}", found[0]);
    }
    for enforcement in [
        "[{after: 2027-06-01, action: Deny}, {after: 2027-01-01, action: Warn}]",
        "[{namespaces: {include: [a]}, action: Warn}, {action: Audit}]",
        "[{after: 2027-06-01, namespaces: {include: [a]}, action: Warn}, {namespaces: {include: [a]}, action: Audit}]",
    ] {
        let loaded = load(&[&[&format!("{POLICY}{RULE}  action: Deny\n  enforcement: {enforcement}\n")]], None);
        assert!(loaded.is_ok(), "{enforcement}");
    }
}

#[test]
fn rejects_what_is_no_document_of_ours() {
    for (said, expected) in [
        ("apiVersion: v1\nkind: ConfigMap\n", "0.yaml:2:7: expected kind Policy, Settings or Suite, found `ConfigMap`"),
        ("kind: Policy\nmetadata: {name: a}\nspec: {}\n", "0.yaml:3:1: missing field `rule`"),
        ("a: [\n", "0.yaml:"),
        ("[1]\n", "0.yaml:1:1: expected kind"),
        (&format!("{}{RULE}  action: Deny\n", POLICY.replace("mine", "\"a=deny,b\"")), "0.yaml:3:18: bad name"),
        (&POLICY.replace("v1alpha1", "v1"), "0.yaml:1:13: unknown variant `policies.vigla.dev/v1`"),
    ] {
        let found = refused(&[&[said]], None);
        assert!(found[0].starts_with(expected), "{said}: {}", found[0]);
    }
}

#[test]
fn rejects_broken_settings_at_their_place() {
    for (said, expected) in [
        ("profile: all\n", "settings.yaml:3:10: unknown variant `all`"),
        ("maxAction: Patch\n", "settings.yaml:3:12: unknown variant `Patch`"),
        ("mesh: {rootnamespace: a}\n", "settings.yaml:3:8: unknown field `rootnamespace`"),
        ("mesh: {trustDomain: a}\n", "settings.yaml:3:8: unknown field `trustDomain`, expected one of `rootNamespace`"),
        ("mesh: {sharedMeshConfigs: [\"it's\"]}\n", "settings.yaml:3:8: `it\\'s` is no name of a ConfigMap"),
        ("policies: {nope: {action: Warn}}\n", "settings.yaml:3:12: no policy `nope`"),
        (
            "policies: {envoyfilter-namespace: {action: Patch}}\n",
            "settings.yaml:3:44: the rule `envoyfilter-namespace` has no fix",
        ),
        ("policies: {envoyfilter-namespace: {params: {x: 1}}}\n", "settings.yaml:3:45: unknown field `x`"),
        ("policies: {envoyfilter-namespace: {match: {operations: [DELETE]}}}\n", "settings.yaml:3:44: the rule"),
        (
            "policies: {envoyfilter-namespace: {enforcement: [{action: Warn}, {action: Deny}]}}\n",
            "settings.yaml:3:66: this entry never decides",
        ),
        (
            "exceptions: [{policy: nope, reason: r, owner: o, expires: 2027-01-01}]\n",
            "settings.yaml:3:23: no policy `nope`",
        ),
        (
            "exceptions: [{policy: envoyfilter-namespace, owner: o, expires: 2027-01-01}]\n",
            "settings.yaml:3:14: missing field `reason`",
        ),
        (
            "exceptions: [{policy: envoyfilter-namespace, reason: r, owner: o}]\n",
            "settings.yaml:3:14: missing field `expires`",
        ),
        (
            "mesh: {controlPlaneNamespaces: [kube-system]}\n",
            "settings.yaml:3:8: `kube-system` is a control-plane namespace",
        ),
    ] {
        let found = refused(&[], Some(&format!("{SETTINGS}{said}")));
        assert_eq!(found.len(), 1, "{said}: {found:?}");
        assert!(found[0].starts_with(expected), "{said}\n{}", found[0]);
    }
    assert!(refused(&[], Some(POLICY))[0].starts_with("settings.yaml:2:7: expected kind Settings, found `Policy`"));
}

#[test]
fn one_settings_document_a_run_wherever_it_stands() {
    assert!(load(&[&[SETTINGS]], None).is_ok());
    let found = refused(&[&[SETTINGS]], Some(SETTINGS));
    assert_eq!(found, ["settings.yaml:2:7: a second Settings document; the first stands in `0.yaml`"]);
}

#[test]
fn a_later_argument_replaces_and_one_argument_names_a_policy_once() {
    let built_in = POLICY.replace("name: mine", "name: envoyfilter-namespace");
    let warn = format!("{built_in}{RULE}  action: Warn\n");
    let audit = format!("{built_in}{RULE}  action: Audit\n");
    let action = |set: &PolicySet| {
        let listed = set.listed().iter().find(|listed| listed.name == "envoyfilter-namespace").unwrap();
        format!("{:?}", listed.action)
    };
    assert_eq!(action(&load(&[], None).unwrap().0), "Deny");
    assert_eq!(action(&load(&[&[&warn]], None).unwrap().0), "Warn");
    assert_eq!(action(&load(&[&[&warn], &[&audit]], None).unwrap().0), "Audit");
    let found = refused(&[&[&warn, &audit]], None);
    assert_eq!(found, ["1.yaml:3:18: a second policy `envoyfilter-namespace`; the first stands in `0.yaml`"]);
}

/// What stands in a document is right as it stands, or the next change of something else breaks it.
#[test]
fn a_document_that_something_else_covers_is_checked_all_the_same() {
    let broken = format!("{POLICY}{RULE}  action: Patch\n");
    let expected = "0.yaml:6:11: the rule `envoyfilter-namespace` has no fix; expected Deny, Warn or Audit";
    let covered = refused(&[&[&broken]], Some(&format!("{SETTINGS}policies: {{mine: {{action: Warn}}}}\n")));
    assert_eq!(covered, [expected]);
    let replaced = refused(&[&[&broken], &[&broken.replace("Patch", "Warn")]], None);
    assert_eq!(replaced, [expected]);
}

#[test]
fn all_broken_documents_are_named_in_one_go_and_nothing_is_loaded_by_halves() {
    let broken = format!("{POLICY}  rule: nonsense\n  action: Deny\n---\n{POLICY}{RULE}  action: no\n---\nb: [\n");
    let found =
        refused(&[&[&broken, &broken.replace("name: mine", "name: other")]], Some(&format!("{SETTINGS}x: 1\n")));
    let files: Vec<&str> = found.iter().map(|error| error.split(':').next().unwrap()).collect();
    assert_eq!(files, ["0.yaml", "0.yaml", "0.yaml", "1.yaml", "1.yaml", "1.yaml", "settings.yaml"], "{found:#?}");
}

#[test]
fn an_exception_that_has_expired_is_said_and_stops_nothing() {
    let expires = |day: &str| {
        let said = format!(
            "{SETTINGS}exceptions: [{{policy: envoyfilter-namespace, reason: r, owner: edge, expires: {day}}}]\n"
        );
        load(&[], Some(&said)).unwrap().1
    };
    assert_eq!(expires("2027-01-01"), []);
    let notices = expires("2026-12-31");
    assert_eq!(notices.len(), 1);
    assert!(notices[0].0.to_string().contains("expired on 2026-12-31") && notices[0].0.message.contains("edge"));
}

#[test]
fn a_profile_holds_those_before_it_and_the_flag_wins_over_settings() {
    let count = |profile| PolicySet::built_in(profile).unwrap().policies().len();
    assert!(
        count(Profile::Required) <= count(Profile::Baseline) && count(Profile::Baseline) <= count(Profile::Restricted)
    );
    let own = format!("{POLICY}{RULE}  action: Warn\n  profile: restricted\n");
    let in_force = |flag, settings: Option<&str>| {
        let sources = Sources {
            policies: vec![vec![text("0.yaml", &own)]],
            settings: settings.map(|said| text("settings.yaml", &format!("{SETTINGS}{said}"))),
            profile: flag,
            own_namespace: None,
        };
        let (set, _) = PolicySet::load(&sources, date(2027, 1, 1)).unwrap();
        let listed = set.listed().iter().find(|listed| listed.name == "mine").unwrap().clone();
        (listed.in_force, listed.why)
    };
    assert_eq!(in_force(None, None), (false, "profile `baseline` (default) does not hold `restricted`".to_owned()));
    assert_eq!(
        in_force(None, Some("profile: restricted")),
        (true, "profile `restricted` (Settings) holds `restricted`".to_owned())
    );
    assert!(!in_force(Some(Profile::Required), Some("profile: restricted")).0);
    assert!(in_force(Some(Profile::Required), Some("policies: {mine: {enabled: true}}")).0);
}

#[test]
fn the_listing_says_whose_word_an_action_is() {
    let from = |said: &str| {
        let (set, _) = load(&[], Some(&format!("{SETTINGS}{said}\n"))).unwrap();
        let listed = set.listed().iter().find(|listed| listed.name == "envoyfilter-namespace").unwrap();
        (format!("{:?}", listed.action), listed.action_from)
    };
    assert_eq!(from("profile: baseline"), ("Deny".to_owned(), "its document"));
    assert_eq!(from("maxAction: Deny"), ("Deny".to_owned(), "its document"));
    assert_eq!(from("maxAction: Warn"), ("Warn".to_owned(), "maxAction"));
    let changed = "policies: {envoyfilter-namespace: {action: Audit}}";
    assert_eq!(from(changed), ("Audit".to_owned(), "Settings"));
    assert_eq!(from(&format!("maxAction: Warn\n{changed}")), ("Audit".to_owned(), "Settings"));
}

#[test]
fn a_control_plane_namespace_must_not_be_our_own() {
    let sources = Sources { own_namespace: Some("istio-system".to_owned()), ..Sources::default() };
    let refused = |sources| PolicySet::load(&sources, date(2027, 1, 1)).unwrap_err().to_string();
    let alone = refused(sources.clone());
    assert!(alone.starts_with("--own-namespace: `istio-system` is a control-plane namespace"), "{alone}");
    let with =
        |said: &str| Sources { settings: Some(text("settings.yaml", &format!("{SETTINGS}{said}"))), ..sources.clone() };
    // Settings that name no control planes are not to blame.
    assert_eq!(refused(with("profile: baseline\n")), alone);
    let named = refused(with("mesh: {controlPlaneNamespaces: [istio-system]}\n"));
    assert!(named.starts_with("settings.yaml:3:8: `istio-system` is a control-plane namespace"), "{named}");
}

#[test]
fn the_hash_tells_sets_apart() {
    let hash = |policies: &[&[&str]], settings| load(policies, settings).unwrap().0.hash().to_owned();
    let own = format!("{POLICY}{RULE}  action: Warn\n");
    let hashes =
        [hash(&[], None), hash(&[&[&own]], None), hash(&[], Some(SETTINGS)), hash(&[&[&format!("{own}# x\n")]], None)];
    let different: std::collections::BTreeSet<&String> = hashes.iter().collect();
    assert_eq!(different.len(), hashes.len());
    assert_eq!(hash(&[], None), hashes[0]);
    assert_ne!(
        PolicySet::built_in(Profile::Required).unwrap().hash(),
        PolicySet::built_in(Profile::Restricted).unwrap().hash()
    );
}

/// Every example of the documentation is true: it loads.
#[test]
fn the_examples_of_the_documentation_load() {
    let guide = include_str!("../docs/policies.md");
    let examples: Vec<&str> =
        guide.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect();
    assert!(examples.len() >= 4);
    for example in examples {
        let loaded =
            if example.contains("kind: Settings") { load(&[], Some(example)) } else { load(&[&[example]], None) };
        if let Err(errors) = loaded {
            panic!("{errors}\n{example}");
        }
    }
}
