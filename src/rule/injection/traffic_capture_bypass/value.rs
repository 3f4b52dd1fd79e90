//! What the values of annotations let past the proxy.

use super::TrafficCaptureBypass;
use crate::mesh::{Cidr, is_true};
use crate::object::{Image, quoted};

/// Something that goes past the proxy.
pub(super) struct Bypass {
    /// A port, a range: what findings are told apart by.
    pub(super) what: String,
    /// What the annotation does with it.
    pub(super) effect: String,
}

impl Bypass {
    pub(super) fn new(what: &str, effect: impl Into<String>) -> Self {
        Self { what: what.to_owned(), effect: effect.into() }
    }
}

const INBOUND_CAPTURE: &str = "ambient.istio.io/bypass-inbound-capture";
const REROUTED: &str = "istio.io/reroute-virtual-interfaces";
/// What counts without a sidecar too, in ambient.
pub(super) const AMBIENT: [&str; 2] = [INBOUND_CAPTURE, REROUTED];

type Judge = fn(&str, &TrafficCaptureBypass) -> Vec<Bypass>;

/// Annotations with what judges their values.
pub(super) const JUDGES: [(&str, Judge); 13] = [
    ("traffic.sidecar.istio.io/excludeInboundPorts", ports),
    ("traffic.sidecar.istio.io/excludeOutboundPorts", ports),
    ("traffic.sidecar.istio.io/excludeOutboundIPRanges", ranges),
    ("traffic.sidecar.istio.io/excludeInterfaces", interfaces),
    ("traffic.sidecar.istio.io/includeInboundPorts", inclusion),
    ("traffic.sidecar.istio.io/includeOutboundIPRanges", inclusion),
    ("sidecar.istio.io/interceptionMode", interception),
    ("traffic.sidecar.istio.io/kubevirtInterfaces", rerouted),
    (REROUTED, rerouted),
    (INBOUND_CAPTURE, inbound_capture),
    ("inject.istio.io/templates", templates),
    ("sidecar.istio.io/bootstrapOverride", bootstrap),
    ("sidecar.istio.io/proxyImage", proxy_image),
];

/// The items of a list between commas.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn ports(text: &str, rule: &TrafficCaptureBypass) -> Vec<Bypass> {
    let judge = |item: &str| match item.parse::<u16>() {
        Ok(port) if rule.allowed_ports.contains(&port) => None,
        Ok(port) => Some(Bypass::new(item, format!("lets port {port} past the proxy"))),
        Err(_) => Some(Bypass::new(item, format!("has {} in it, which is no port", quoted(item)))),
    };
    items(text).filter_map(judge).collect()
}

fn ranges(text: &str, _: &TrafficCaptureBypass) -> Vec<Bypass> {
    let judge = |item: &str| match Cidr::parse(item) {
        Some(_) => Bypass::new(item, format!("lets traffic to {item} past the proxy")),
        None => Bypass::new(item, format!("has {} in it, which is no range of addresses", quoted(item))),
    };
    items(text).map(judge).collect()
}

fn interfaces(text: &str, _: &TrafficCaptureBypass) -> Vec<Bypass> {
    let judge = |item| Bypass::new(item, format!("lets traffic of the interface {} past the proxy", quoted(item)));
    items(text).map(judge).collect()
}

/// What arrives at these interfaces is taken for traffic that the Pod sends. That is for bridges to machines inside it.
/// `+` and `*` stand for any end of a name.
///
/// <https://github.com/istio/istio/blob/master/tools/istio-iptables/pkg/capture/run.go>
fn rerouted(text: &str, _: &TrafficCaptureBypass) -> Vec<Bypass> {
    let is_own = |item: &&str| item.contains(['+', '*']) || item.starts_with("eth") || item.starts_with("net");
    let effect = |item| format!("takes what arrives at {} for outbound: no inbound policy is asked", quoted(item));
    items(text).filter(is_own).map(|item| Bypass::new(item, effect(item))).collect()
}

fn inclusion(text: &str, _: &TrafficCaptureBypass) -> Vec<Bypass> {
    let effect = match text.trim() {
        "*" => return Vec::new(),
        "" => "is empty: nothing goes through the proxy".to_owned(),
        some => format!("sends nothing but {} through the proxy", quoted(some)),
    };
    vec![Bypass::new(text, effect)]
}

fn interception(text: &str, _: &TrafficCaptureBypass) -> Vec<Bypass> {
    if text == "NONE" { vec![Bypass::new(text, "turns interception off")] } else { Vec::new() }
}

fn inbound_capture(text: &str, _: &TrafficCaptureBypass) -> Vec<Bypass> {
    if is_true(text) { vec![Bypass::new(text, "lets all inbound traffic past ztunnel")] } else { Vec::new() }
}

fn templates(text: &str, rule: &TrafficCaptureBypass) -> Vec<Bypass> {
    let other = |item: &&str| !rule.allowed_templates.iter().any(|allowed| allowed == item);
    let judge = |item| Bypass::new(item, format!("injects by the template {}, which is not allowed", quoted(item)));
    items(text).filter(other).map(judge).collect()
}

fn bootstrap(text: &str, _: &TrafficCaptureBypass) -> Vec<Bypass> {
    vec![Bypass::new(text, "gives the proxy a bootstrap of its own")]
}

/// Without a slash it is an image of the mesh's own registry: the injector puts that in front.
fn proxy_image(text: &str, rule: &TrafficCaptureBypass) -> Vec<Bypass> {
    if text.contains('/') { image(text, rule) } else { Vec::new() }
}

pub(super) fn image(text: &str, rule: &TrafficCaptureBypass) -> Vec<Bypass> {
    if Image::parse(text).is_from(&rule.registries) {
        return Vec::new();
    }
    vec![Bypass::new(
        text,
        format!("replaces the proxy by the image {}, from a registry that is not allowed", quoted(text)),
    )]
}
