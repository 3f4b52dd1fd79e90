//! `EnvoyFilter`: shares that are patched into Envoy's configuration after Istio has written its own.
//!
//! A connection manager's share is a percentage, a route's a fraction, and a route's `tracing` replaces the manager's. To
//! Envoy `tracing` without a share means every request.
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto>

use super::judge::{Judge, Share};
use super::runtime;
use crate::mesh::protobuf::{double, field};
use crate::mesh::{EnvoyPatch, Place, Unreadable, envoy_patches};
use crate::object::{Node, Value, WrongType};

const REMEDY: &str = "leave tracing to Telemetry: randomSamplingPercentage";

/// Where a filter keeps its configuration.
const CONFIGS: [&str; 3] = ["config", "typedConfig", "typed_config"];

pub(super) fn check(judge: &mut Judge<'_>, object: Node<'_>) -> Result<(), WrongType> {
    for EnvoyPatch { apply_to, operation, value, .. } in envoy_patches(object)? {
        if let Some(value) = value
            && operation != "REMOVE"
        {
            Patch { apply_to, value, merges: operation == "MERGE" }.check(judge);
        }
    }
    Ok(())
}

struct Patch<'t> {
    apply_to: &'t str,
    value: Node<'t>,
    merges: bool,
}

impl<'t> Patch<'t> {
    fn check(&self, judge: &mut Judge<'_>) {
        for node in self.value.descendants() {
            match node.key() {
                Some("tracing") if node.is_map() => self.check_tracing(judge, node),
                Some(runtime::KEY) => {
                    let checked = runtime::check(judge, node, node.into(), self.apply_to);
                    self.or_refuse(judge, node, checked);
                }
                _ => {}
            }
        }
        for tracing in self.tracings().filter(|tracing| field(*tracing, "randomSampling").is_none()) {
            self.or_refuse(judge, tracing, tracing.expect_map());
            let said = "`tracing` without `random_sampling`";
            judge.share(Share::full(tracing.into(), self.apply_to, said, serde_json::Value::Null).remedy(REMEDY));
        }
    }

    fn or_refuse(&self, judge: &mut Judge<'_>, node: Node<'_>, checked: Result<(), WrongType>) {
        if let Err(error) = checked {
            let message = format!("this is {}, expected {}", error.found, error.expected);
            judge.refused(self.apply_to, Unreadable { place: Place::from(node), message });
        }
    }

    /// Judges the share in a `tracing`, where it has one.
    fn check_tracing(&self, judge: &mut Judge<'_>, tracing: Node<'_>) {
        let Some(node) = field(tracing, "randomSampling") else { return };
        let checked = match node.value() {
            // Nested in a runtime layer, where the key has a point.
            Value::Number(_) | Value::Text(_) => runtime::check(judge, node, node.into(), self.apply_to),
            _ => sampling(node).map(|percent| {
                judge.share(Share::at(node, node.into(), self.apply_to, "random_sampling", percent).remedy(REMEDY));
            }),
        };
        self.or_refuse(judge, node, checked);
    }

    /// Every `tracing` that without a share means every request: on a route, and in a connection manager that is written
    /// whole and not merged into Istio's.
    fn tracings(&self) -> impl Iterator<Item = Node<'t>> {
        let own = (self.apply_to == "HTTP_ROUTE").then_some(self.value);
        let routes = self.value.descendants().filter(|node| node.key() == Some("routes"));
        let merged = usize::from(self.merges && self.apply_to == "NETWORK_FILTER");
        let managers = self.value.descendants().skip(merged).flat_map(managers);
        let holders = own.into_iter().chain(routes.flat_map(Node::items)).chain(managers);
        holders.filter_map(|holder| field(holder, "tracing"))
    }
}

/// The connection managers that a node holds directly: as a filter, and as a TypedStruct, which Istio never merges.
fn managers(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let configs = CONFIGS.iter().filter_map(move |key| node.get(key));
    let own = configs.filter(|config| type_of(*config, "@type").is_none_or(is_manager));
    let wrapped = ["type_url", "typeUrl"].iter().filter_map(move |key| type_of(node, key)).any(is_manager);
    own.chain(node.get("value").filter(|_| wrapped))
}

fn type_of<'t>(node: Node<'t>, key: &str) -> Option<&'t str> {
    node.get(key).and_then(Node::as_str)
}

fn is_manager(url: &str) -> bool {
    url.ends_with("HttpConnectionManager")
}

/// A share in percent: `{value: 1}` in a connection manager, `{numerator: 1, denominator: HUNDRED}` on a route.
fn sampling(node: Node<'_>) -> Result<f64, WrongType> {
    let fraction = runtime::fraction(node)?;
    let percent = field(node, "value").map_or(Ok(0.0), double)?;
    // What is no percentage stays so.
    Ok(if percent >= 0.0 { percent.max(fraction) } else { percent })
}
