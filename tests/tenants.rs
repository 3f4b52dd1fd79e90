//! Tenants in Settings: what is refused of them, and that no spelling of a host makes it somebody else's.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests are tests"
)]

#[path = "common/review.rs"]
mod review;

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;
use proptest::sample::select;
use review::{read, review as wrap, wire};
use serde_json::{Value, json};
use vigla::mesh::{Glob, Host, Snapshot};
use vigla::policy::{PolicySet, Profile, Sources, Text};
use vigla::review::{Endpoint, Reply, respond};

const SETTINGS: &str = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\n";

fn load(said: &str) -> Result<PolicySet, Vec<String>> {
    let settings = Some(Text::new("settings.yaml".to_owned(), format!("{SETTINGS}{said}")));
    let loaded = PolicySet::load(&Sources { settings, ..Sources::default() }, date(2027, 1, 1));
    loaded.map(|(set, _)| set).map_err(|errors| errors.0.iter().map(ToString::to_string).collect())
}

/// A policy of one's own by the same rule counts, and a flag as much as Settings.
#[test]
fn says_that_tenants_have_no_effect_where_no_policy_holds_anybody_to_them() {
    let notices = |said: &str, policies: &[&str], profile| {
        let settings = Some(Text::new("settings.yaml".to_owned(), format!("{SETTINGS}{said}")));
        let policies = vec![policies.iter().map(|said| Text::new("own.yaml".to_owned(), (*said).to_owned())).collect()];
        let sources = Sources { settings, policies, profile, ..Sources::default() };
        let (_, notices) = PolicySet::load(&sources, date(2027, 1, 1)).unwrap();
        notices.iter().map(|notice| notice.0.to_string()).collect::<Vec<_>>()
    };
    let own = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy\nmetadata: {name: ours}\n\
               spec: {rule: tenant-hosts, action: Warn}\n";
    let tenants = "tenants: [{name: a, namespaces: [a]}]\n";
    let with = |more: &str| format!("{tenants}{more}");
    let useless = ["settings.yaml:3:1: `tenants` have no effect: no policy by the rule `tenant-hosts` is in force; \
                    `policies: {tenant-hosts: {enabled: true}}` puts one in force in any profile"];
    assert_eq!(notices(&with("profile: required\n"), &[], None), useless);
    assert_eq!(notices(tenants, &[], Some(Profile::Required)), useless);
    assert_eq!(notices(&with("policies: {tenant-hosts: {enabled: false}}\n"), &[], None), useless);
    for (said, policies) in [
        (tenants, &[][..]),
        (&with("profile: required\npolicies: {tenant-hosts: {enabled: true}}\n"), &[]),
        (&with("profile: required\n"), &[own]),
        ("profile: required\n", &[]),
    ] {
        assert_eq!(notices(said, policies, None), [""; 0], "{said}");
    }
}

#[test]
fn rejects_tenants_that_leave_open_who_owns_what() {
    let two = |one: &str, other: &str| {
        format!("tenants:\n- {{name: a, namespaces: [a], {one}}}\n- {{name: b, namespaces: [b], {other}}}\n")
    };
    for (said, expected) in [
        ("tenants: [{namespaces: [a]}]\n".to_owned(), "3:11: missing field `name`"),
        ("tenants: [{name: a}]\n".to_owned(), "3:11: missing field `namespaces`"),
        ("tenants: [{name: \" \", namespaces: [a]}]\n".to_owned(), "3:18: blank"),
        ("tenants: [{name: a, namespaces: []}]\n".to_owned(), "3:21: an empty list; name at least one"),
        ("tenants: [{name: a, namespaces: [A]}]\n".to_owned(), "3:34: bad glob `A`"),
        ("tenants: [{name: a, namespaces: [a], host: x}]\n".to_owned(), "3:38: unknown field `host`"),
        ("tenants: {a: {}}\n".to_owned(), "3:1: invalid type: map"),
        (
            "tenants:\n- {name: a, namespaces: [a]}\n- {name: a, namespaces: [b]}\n".to_owned(),
            "5:10: a second tenant `a`",
        ),
        (
            "tenants:\n- {name: a, namespaces: [x, \"a-*\"]}\n- {name: b, namespaces: [\"*-b\"]}\n".to_owned(),
            "5:26: `*-b` and a namespace of tenant `a` may be the same",
        ),
        (two("hosts: [x.com]", "hosts: [y.com, x.com]"), "5:45: some of `x.com` is tenant `a`'s already"),
        (two("hosts: [\"*.x.com\"]", "hosts: [B.X.com.]"), "5:38: some of `b.x.com` is tenant `a`'s already"),
        (two("hosts: [b.x.com]", "hosts: [\"*.com\"]"), "5:38: some of `*.com` is tenant `a`'s already"),
        (two("hosts: [10.0.0.0/8]", "hosts: [10.1.2.3]"), "5:38: some of `10.1.2.3/32` is tenant `a`'s already"),
        (two("hosts: [10.0.0.0/8]", "hosts: [\"::ffff:10.1.2.3\"]"), "5:38: some of"),
        (two("hosts: [x.b.svc.cluster.local]", ""), "4:38: some of `x.b.svc.cluster.local` is tenant `b`'s already"),
        (two("", "hosts: [\"*.a.svc.cluster.local\"]"), "5:38: some of"),
        (two("hosts: [\"*\"]", ""), "4:38: `*` stands for Services of every namespace"),
        (two("hosts: [\"*.local\"]", ""), "4:38: `*.local` stands for Services of every namespace"),
        (two("hosts: [cart]", ""), "4:38: `cart` is another host in every namespace; write it in full"),
        (two("hosts: [\"x.com:443\"]", ""), "4:38: `x.com:443` is no host"),
        (two("hosts: [\"a.*.com\"]", ""), "4:38: `a.*.com` is no host"),
        (two("hosts: [\"10.0.0.0/33\"]", ""), "4:38: `10.0.0.0/33` is no host"),
        (two("hosts: [\"\"]", ""), "4:38: `` is no host"),
        (two("hosts: [\"0x7f.1\"]", ""), "4:38: `0x7f.1` is no host"),
        (two("hosts: x.com", ""), "4:37: invalid type: string"),
        (two("gateways: [public]", ""), "4:41: `public` is no gateway; expected `namespace/name`"),
        (two("gateways: [a/b/c]", ""), "4:41: `a/b/c` is no gateway"),
        (two("gateways: [\"*/public\"]", ""), "4:41: `*/public` is no gateway"),
        (
            format!("{}sharedHosts: [b.x.com]\n", two("hosts: [\"*.x.com\"]", "")),
            "6:15: some of `b.x.com` is tenant `a`'s",
        ),
        (format!("{}sharedHosts: [\"*\"]\n", two("", "")), "6:15: `*` stands for"),
        (format!("{}sharedHosts: [c.b.svc.cluster.local]\n", two("", "")), "6:15: some of"),
    ] {
        let found = load(&said).map(|_| ()).expect_err(&said);
        assert_eq!(found.len(), 1, "{said}: {found:?}");
        assert!(found[0].starts_with(&format!("settings.yaml:{expected}")), "{said}\n{}", found[0]);
    }
}

#[test]
fn accepts_tenants_side_by_side() {
    for said in [
        "tenants: []\n",
        "tenants: [{name: a, namespaces: [a]}]\nsharedHosts: [\"*.istio-system.svc.cluster.local\", x.com, 10.0.0.0/8]\n",
        "tenants:\n- {name: a, namespaces: [a], hosts: [x.com, \"*.x.com\"], gateways: [edge/public]}\n\
         - {name: b, namespaces: [b, \"b-*\"], hosts: [y.com, a.dev, x.com.au], gateways: [edge/public]}\n",
        // A host of two labels is one of the outside, whoever has a namespace of that name.
        "tenants:\n- {name: a, namespaces: [dev]}\n- {name: b, namespaces: [b], hosts: [web.dev]}\n",
        "mesh: {clusterDomain: corp.example}\ntenants: [{name: a, namespaces: [a], hosts: [\"*.cluster.local\"]}]\n",
    ] {
        assert_eq!(load(said).map(|_| ()), Ok(()), "{said}");
    }
}

static SET: LazyLock<PolicySet> = LazyLock::new(|| {
    let tenants = "profile: required\n\
        policies: {tenant-hosts: {enabled: true}}\n\
        sharedHosts: [\"*.istio-system.svc.cluster.local\"]\n\
        tenants:\n\
        - {name: payments, namespaces: [payments, \"payments-*\"], hosts: [payments.example.com, \"*.pay.example.com\"]}\n\
        - {name: shop, namespaces: [shop], hosts: [shop.example.com, \"*.b.example.com\"]}\n";
    load(tenants).unwrap()
});

/// Whether an object may be created in a namespace, by the door that the API server asks.
fn is_allowed(namespace: &str, kind: &str, group: &str, spec: &Value) -> bool {
    let object = json!({
        "apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": "x", "namespace": namespace}, "spec": spec,
    });
    let review = wire(&wrap("CREATE", namespace, &object, &Value::Null));
    let now = Timestamp::UNIX_EPOCH;
    let Reply::Review(body) =
        respond(&SET, &Snapshot::default(), Endpoint::Validate, review.as_bytes(), now, &mut |_| {})
    else {
        panic!("{object}");
    };
    read(&body).allowed
}

/// The places of objects that take a host; the first three complete one without a dot.
const COMPLETING: usize = 3;
const PLACES: usize = 11;

/// Whether Istio completes a host there by the object's own namespace.
fn is_completed(place: usize, host: &str) -> bool {
    place < COMPLETING && Host(host).is_short()
}

fn may_name(place: usize, namespace: &str, host: &str) -> bool {
    let istio = |kind, spec| is_allowed(namespace, kind, "networking.istio.io", &spec);
    let gateway_api = |kind, spec| is_allowed(namespace, kind, "gateway.networking.k8s.io", &spec);
    match place {
        0 => istio("VirtualService", json!({"hosts": [host]})),
        1 => istio("DestinationRule", json!({"host": host})),
        2 => istio("VirtualService", json!({"http": [{"route": [{"destination": {"host": host}}]}]})),
        3 => istio("ServiceEntry", json!({"hosts": [host]})),
        4 => istio("ServiceEntry", json!({"endpoints": [{"address": host}]})),
        5 => istio("Gateway", json!({"servers": [{"hosts": [format!("./{host}")]}]})),
        6 => istio("Sidecar", json!({"egress": [{"hosts": [format!("*/{host}")]}]})),
        7 => gateway_api("HTTPRoute", json!({"hostnames": [host]})),
        8 => gateway_api("GRPCRoute", json!({"rules": [{"backendRefs": [{"kind": "Hostname", "name": host}]}]})),
        9 => gateway_api("Gateway", json!({"listeners": [{"protocol": "HTTPS", "hostname": host}]})),
        _ => istio("VirtualService", json!({"tls": [{"match": [{"sniHosts": [host]}]}]})),
    }
}

/// The same host in other letters, with dots at the end, with a port.
fn spelled(host: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (host, any::<u64>(), select(vec!["", "", ".", "..", ":80"])).prop_map(|(host, upper, end)| {
        let letter = |(at, c): (usize, char)| if upper >> (at % 64) & 1 == 1 { c.to_ascii_uppercase() } else { c };
        host.chars().enumerate().map(letter).collect::<String>() + end
    })
}

/// What stands for a Service of tenant payments, or for more, whoever completes it.
fn foreign_service() -> impl Strategy<Value = String> {
    let name = select(vec!["ledger", "*", "db-0.db", "*.db", "*ledger", "x"]);
    let namespace = select(vec!["payments", "payments-eu"]);
    let end = select(vec!["", ".svc", ".svc.cluster", ".svc.cluster.local", ".svc.clusterset.local"]);
    (name, namespace, end).prop_map(|(name, namespace, end)| format!("{name}.{namespace}{end}"))
}

fn foreign_host() -> impl Strategy<Value = String> {
    let hosts = [
        "payments.example.com",
        "a.pay.example.com",
        "*.pay.example.com",
        "*.x.pay.example.com",
        "*pay.example.com",
        "*.example.com",
        "*.com",
        "*com",
        "*",
        "*.local",
        "*.cluster.local",
        "*.svc.cluster.local",
        "*.svc",
        "*s.example.com",
        "*payments.svc.cluster.local",
    ];
    select(hosts.map(str::to_owned).to_vec())
}

/// Names of words that meet in hosts of all kinds.
fn words() -> impl Strategy<Value = String> {
    let words = vec![
        "shop",
        "payments",
        "payments-eu",
        "attic",
        "istio-system",
        "svc",
        "cluster",
        "clusterset",
        "local",
        "example",
        "com",
        "pay",
        "b",
        "x",
        "",
    ];
    ("\\*?\\.?", proptest::collection::vec(select(words), 0..6)).prop_map(|(star, words)| star + &words.join("."))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_spelling_of_a_foreign_host_is_allowed(
        place in 0..PLACES,
        namespace in select(vec!["shop", "attic"]),
        host in spelled(prop_oneof![foreign_service(), foreign_host()]),
    ) {
        prop_assert!(!may_name(place, namespace, &host) || is_completed(place, &host), "{} {}", namespace, host);
    }

    #[test]
    fn every_spelling_of_an_own_host_is_allowed(
        place in 0..PLACES,
        host in select(vec![
            "shop.example.com", "a.b.example.com", "*.b.example.com", "*.x.b.example.com", "cart.shop.svc.cluster.local",
            "*.shop.svc.cluster.local", "db-0.db.shop.svc.cluster.local", "cart.shop.svc", "cart.shop.svc.clusterset.local",
        ]),
        upper in any::<bool>(),
        dot in any::<bool>(),
    ) {
        let host = if upper { host.to_ascii_uppercase() } else { host.to_owned() };
        let host = if dot { host + "." } else { host };
        prop_assert!(may_name(place, "shop", &host), "{}", host);
    }

    /// By another way than the rule's: ends of text for what a tenant owns.
    #[test]
    fn what_a_tenant_may_name_is_its_own(place in 0..PLACES, host in spelled(words())) {
        if may_name(place, "shop", &host) {
            let lower = host.to_ascii_lowercase();
            let bare = lower.strip_suffix('.').unwrap_or(&lower);
            let own = [".shop.svc.cluster.local", ".shop.svc", ".shop.svc.clusterset.local", ".b.example.com"];
            let listed = own.iter().any(|end| bare.ends_with(end)) || bare == "shop.example.com";
            let shared = bare.ends_with(".istio-system.svc.cluster.local");
            // No host is named there at all.
            let nothing = host.is_empty() && [4, 9].contains(&place);
            prop_assert!(listed || shared || is_completed(place, &host) || nothing, "{} {}", place, host);
        }
    }

    /// What nobody's namespace may name stands for no host that a client of a tenant would write.
    #[test]
    fn what_nobodys_namespace_may_name_is_no_tenants(place in 0..PLACES, host in spelled(words())) {
        if may_name(place, "attic", &host) && !is_completed(place, &host) {
            let bare = Host(&host).canonical().into_owned();
            for tenants in [
                "ledger.payments", "ledger.payments.svc", "ledger.payments.svc.cluster.local", "x.shop", "x.x.shop.svc",
                "x.payments-eu.svc.cluster.local", "payments.example.com", "x.pay.example.com", "x.b.example.com",
            ] {
                prop_assert!(!Host(tenants).is_subset_of(Host(&bare)), "{} {} {}", place, host, tenants);
            }
            for end in [".payments", ".payments.svc", ".shop.svc.cluster.local", ".pay.example.com", ".b.example.com"] {
                prop_assert!(!bare.ends_with(end), "{} {}", place, host);
            }
        }
    }

    #[test]
    fn no_text_is_too_odd(place in 0..PLACES, host in "\\PC*") {
        let _ = (may_name(place, "attic", &host), may_name(place, "shop", &host));
    }

    #[test]
    fn a_name_that_two_globs_match_makes_them_overlap(one in "[ab*]{1,6}", other in "[ab*]{1,6}", name in "[ab]{0,6}") {
        let (one, other) = (Glob::try_from(one).unwrap(), Glob::try_from(other).unwrap());
        if one.matches(&name) && other.matches(&name) {
            prop_assert!(one.overlaps(&other) && other.overlaps(&one));
        }
    }
}
