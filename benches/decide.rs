//! What one decision costs, step by step, without a network: read, judge, answer. Allocations are counted too: they do
//! not depend on what else the machine does.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a benchmark may end by panicking")]

#[path = "common/fixtures.rs"]
#[expect(dead_code, reason = "the server's benchmark needs more of it")]
mod fixtures;

use divan::{AllocProfiler, Bencher, black_box};
use jiff::Timestamp;
use jiff::civil::Date;
use vigla::engine::{Phase, decide};
use vigla::manifest::{self, Content, Defaults};
use vigla::mesh::Snapshot;
use vigla::object::read_object;
use vigla::policy::{PolicySet, Profile, Sources, Text};
use vigla::review::{Endpoint, respond};
use vigla::rule::{Body, Operation};
use vigla::suite::{self, Surroundings};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn review(name: &str) -> String {
    if name == "Pod" { fixtures::pod() } else { fixtures::envoy_filter() }
}

fn object(name: &str) -> String {
    let review: serde_json::Value = serde_json::from_str(&review(name)).unwrap();
    review.pointer("/request/object").unwrap().to_string()
}

fn built_in() -> PolicySet {
    PolicySet::built_in(Profile::Restricted).unwrap()
}

fn policy(name: usize, rule: &str, action: &str) -> Text {
    let document = format!(
        "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy\nmetadata: {{name: p{name}}}\n\
         spec: {{rule: {rule}, action: {action}}}\n"
    );
    Text::new(format!("{name}.yaml"), document)
}

fn load(policies: Vec<Vec<Text>>) -> PolicySet {
    PolicySet::load(&Sources { policies, ..Sources::default() }, Date::MIN).unwrap().0
}

fn created() -> Defaults {
    Defaults { operation: Operation::Create, namespace: None, user: None }
}

/// The object into the arena.
#[divan::bench(args = ["Pod", "EnvoyFilter"])]
fn parse(bencher: Bencher, name: &str) {
    let object = object(name);
    bencher.bench(|| read_object(black_box(&object)));
}

/// The same into serde_json's tree, for comparison.
#[divan::bench(args = ["Pod", "EnvoyFilter"])]
fn parse_as_serde_json_value(bencher: Bencher, name: &str) {
    let object = object(name);
    bencher.bench(|| serde_json::from_str::<serde_json::Value>(black_box(&object)));
}

/// The policies for a request out of the index.
#[divan::bench]
fn find_policies(bencher: Bencher) {
    let set = built_in();
    bencher.bench(|| set.matching(black_box("networking.istio.io"), "EnvoyFilter", Operation::Create, "").count());
}

/// A request that is read already. A Pod that a controller made is judged by its template alone; this one is its own.
#[divan::bench(args = ["Pod", "EnvoyFilter"])]
fn judge(bencher: Bencher, name: &str) {
    let review = if name == "Pod" { fixtures::bare_pod() } else { review(name) };
    let review: serde_json::Value = serde_json::from_str(&review).unwrap();
    judge_object(bencher, &review["request"]["object"].to_string());
}

fn judge_object(bencher: Bencher, object: &str) {
    let set = built_in();
    let contents = manifest::read(object, &created());
    let Some(Content::Item(item)) = contents.first() else { panic!("an object") };
    bencher.bench(|| decide(&set, black_box(&item.request), &Snapshot::default(), Timestamp::UNIX_EPOCH, Phase::Sent));
}

/// A VirtualService of so many routes: what each costs must not grow with them.
#[divan::bench(args = [10, 100, 1000])]
fn judge_routes(bencher: Bencher, routes: usize) {
    let route = |n: usize| {
        format!(
            r#"{{"name":"r{n}","match":[{{"uri":{{"prefix":"/r{n}/"}}}}],"timeout":"5s",
            "retries":{{"attempts":2,"perTryTimeout":"2s","retryOn":"5xx"}},
            "route":[{{"destination":{{"host":"cart.shop.svc.cluster.local","subset":"v1"}},"weight":90}},
            {{"destination":{{"host":"cart.shop.svc.cluster.local","subset":"v2"}},"weight":10}}]}}"#
        )
    };
    let routes: Vec<String> = (0..routes).map(route).collect();
    let object = format!(
        r#"{{"apiVersion":"networking.istio.io/v1","kind":"VirtualService","metadata":{{"name":"cart","namespace":"shop"}},
        "spec":{{"hosts":["cart.shop.svc.cluster.local"],"http":[{}]}}}}"#,
        routes.join(",")
    );
    judge_object(bencher, &object);
}

/// An object that many policies mend, each alone and then all together.
#[divan::bench(args = [10, 100, 1000])]
fn mend(bencher: Bencher, policies: usize) {
    let policy = |name| policy(name, "istio-system-injection-disabled", "Patch");
    let set = load(vec![(0..policies).map(policy).collect()]);
    let namespace = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"istio-system"}}"#;
    let contents = manifest::read(namespace, &created());
    let Some(Content::Item(item)) = contents.first() else { return };
    bencher
        .bench(|| decide(&set, black_box(&item.request), &Snapshot::default(), Timestamp::UNIX_EPOCH, Phase::Mended));
}

/// As many findings as are kept, on both sides of an UPDATE, in the opposite order.
#[divan::bench(args = [10, 100, 1000])]
fn tell_new_from_old(bencher: Bencher, findings: usize) {
    let filter = |targets: &mut dyn Iterator<Item = usize>| {
        let targets: Vec<String> = targets.map(|n| format!(r#"{{"kind":"Service","name":"cart-{n}"}}"#)).collect();
        format!(
            r#"{{"apiVersion":"networking.istio.io/v1alpha3","kind":"EnvoyFilter",
            "metadata":{{"name":"lua","namespace":"istio-config"}},"spec":{{"targetRefs":[{}]}}}}"#,
            targets.join(",")
        )
    };
    let (new, old) = (filter(&mut (0..findings)), filter(&mut (0..findings).rev()));
    let mut contents = manifest::read(&new, &created());
    let Some(Content::Item(item)) = contents.first_mut() else { return };
    item.request.operation = Operation::Update;
    item.request.old_object = Body::Read(read_object(&old).unwrap());
    let set = built_in();
    bencher.bench(|| decide(&set, black_box(&item.request), &Snapshot::default(), Timestamp::UNIX_EPOCH, Phase::Sent));
}

/// Suites of as many policies of one's own, ten cases each, half of them with parameters.
#[divan::bench(args = [5, 50, 500])]
fn run_suites(bencher: Bencher, policies: usize) {
    let text = |name, text| Text::new(format!("{name}.yaml"), text);
    let case = |n: usize| {
        let params = if n.is_multiple_of(2) { "params: {requireSelector: true}, " } else { "" };
        format!(
            "- {{name: c{n}, {params}object: {{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, \
             metadata: {{name: lua, namespace: shop}}}}, expect: {{warn: [{{message: shop}}]}}}}\n"
        )
    };
    let cases: String = (0..10).map(case).collect();
    let head = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Suite\npolicy: p";
    let suites: Vec<Text> =
        (0..policies).map(|name| text(format!("s{name}"), format!("{head}{name}\ncases:\n{cases}"))).collect();
    let policies = (0..policies).map(|name| policy(name, "envoyfilter-namespace", "Warn")).collect();
    let sources = Sources { policies: vec![policies], ..Sources::default() };
    let files = &|_: &str, _: &str| Err(String::new());
    let around = Surroundings { sources: &sources, files, today: Date::constant(2027, 1, 1) };
    bencher.bench_local(|| {
        let report = suite::run(&suites, None, &around);
        assert!(report.bad.is_empty() && report.outcomes.iter().all(suite::Outcome::passed));
    });
}

/// One suite with as many cases.
#[divan::bench(args = [50, 500, 5000])]
fn run_cases(bencher: Bencher, cases: usize) {
    let case = |n: usize| {
        format!(
            "- name: c{n}\n  object: {{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, \
             metadata: {{name: lua, namespace: shop}}}}\n  expect: {{deny: [{{message: shop}}]}}\n"
        )
    };
    let cases: String = (0..cases).map(case).collect();
    let head = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Suite\npolicy: envoyfilter-namespace\ncases:\n";
    let suites = [Text::new("suite.yaml".to_owned(), format!("{head}{cases}"))];
    let files = &|_: &str, _: &str| Err(String::new());
    let around = Surroundings { sources: &Sources::default(), files, today: Date::constant(2027, 1, 1) };
    bencher.bench_local(|| {
        let report = suite::run(&suites, None, &around);
        assert!(report.bad.is_empty() && report.outcomes.iter().all(suite::Outcome::passed));
    });
}

/// Five policies that match, alone and among a thousand loaded: what does not match must cost nothing.
#[divan::bench(args = [0, 995])]
fn answer_with_others_loaded(bencher: Bencher, others: usize) {
    let matching = (0..5).map(|name| policy(name, "envoyfilter-namespace", "Warn"));
    let rest = (0..others).map(|name| policy(name + 5, "istio-system-injection-disabled", "Warn"));
    let set = load(vec![matching.chain(rest).collect()]);
    let body = review("EnvoyFilter");
    let snapshot = Snapshot::default();
    bencher.bench(|| {
        let body = black_box(body.as_bytes());
        respond(&set, &snapshot, Endpoint::Validate, body, Timestamp::UNIX_EPOCH, &mut |_| {})
    });
}

/// From the body of a call to the body of its answer.
#[divan::bench(args = ["Pod", "EnvoyFilter"])]
fn answer(bencher: Bencher, name: &str) {
    let set = built_in();
    let body = review(name);
    bencher.bench(|| {
        respond(
            &set,
            &Snapshot::default(),
            Endpoint::Validate,
            black_box(body.as_bytes()),
            Timestamp::UNIX_EPOCH,
            &mut |_| {},
        )
    });
}

/// What `vigla check` does with a file of many small Deployments, of which each is judged and mended.
#[divan::bench(args = [20_000])]
fn check_deployments(bencher: Bencher, deployments: usize) {
    let deployment = |n: usize| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: cart-{n}\n  namespace: shop\nspec:\n  replicas: 2\n  \
             selector:\n    matchLabels:\n      app: cart-{n}\n  template:\n    metadata:\n      labels:\n        \
             app: cart-{n}\n        version: \"1.4\"\n    spec:\n      containers:\n      - name: cart\n        \
             image: registry.example.com/cart:1.4\n        ports:\n        - containerPort: 8080\n---\n"
        )
    };
    let file: String = (0..deployments).map(deployment).collect();
    let (set, snapshot) = (PolicySet::built_in(Profile::Baseline).unwrap(), Snapshot::default());
    bencher.bench_local(|| {
        let contents = manifest::read(black_box(&file), &created());
        let denied = contents.iter().filter(|content| {
            let Content::Item(item) = content else { panic!("a Deployment") };
            !decide(&set, &item.request, &snapshot, Timestamp::UNIX_EPOCH, Phase::Mended).is_allowed()
        });
        assert_eq!(denied.count(), 0);
    });
}
