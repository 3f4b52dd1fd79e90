//! What one decision costs, step by step, without a network: read, judge, answer. Allocations are counted too: they do
//! not depend on what else the machine does.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a benchmark may end by panicking")]

#[path = "common/fixtures.rs"]
#[expect(dead_code, reason = "the server's benchmark needs more of it")]
mod fixtures;

use divan::{AllocProfiler, Bencher, black_box};
use jiff::Timestamp;
use jiff::civil::Date;
use vigla::engine::decide;
use vigla::manifest::{self, Content, Defaults};
use vigla::mesh::Snapshot;
use vigla::object::read_object;
use vigla::policy::{PolicySet, Profile, Sources, Text};
use vigla::review::{Endpoint, respond};
use vigla::rule::Operation;

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

/// A request that is read already.
#[divan::bench]
fn judge(bencher: Bencher) {
    let set = built_in();
    let object = object("EnvoyFilter");
    let defaults = Defaults { operation: Operation::Create, namespace: None, user: None };
    let contents = manifest::read(&object, &defaults);
    let Some(Content::Item(item)) = contents.first() else { return };
    bencher.bench(|| decide(&set, black_box(&item.request), &Snapshot::default(), Timestamp::UNIX_EPOCH));
}

/// Five policies that match, alone and among a thousand loaded: what does not match must cost nothing.
#[divan::bench(args = [0, 995])]
fn answer_with_others_loaded(bencher: Bencher, others: usize) {
    let policy = |name: usize, rule: &str| {
        let document = format!(
            "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy\nmetadata: {{name: p{name}}}\n\
             spec: {{rule: {rule}, action: Warn}}\n"
        );
        Text::new(format!("{name}.yaml"), document)
    };
    let matching = (0..5).map(|name| policy(name, "envoyfilter-namespace"));
    let rest = (0..others).map(|name| policy(name + 5, "istio-system-injection-disabled"));
    let sources = Sources { policies: vec![matching.chain(rest).collect()], ..Sources::default() };
    let (set, _) = PolicySet::load(&sources, Date::MIN).unwrap();
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
