//! Which charts are Istio's, and which values: Helm has no word for it.

use crate::object::Node;

/// Names of which one stands in the values of every control plane that sets anything for the whole mesh: with a map at
/// one of them, values are Istio's, whatever their chart is called.
pub(super) const MARKS: [&str; 2] = ["meshConfig", "pilot"];

/// Names below `global.proxy` that say the same. Other charts have a map there too, for what they reach the outside by.
const PROXY: [&str; 8] = [
    "autoInject",
    "clusterDomain",
    "componentLogLevel",
    "holdApplicationUntilProxyStarts",
    "includeIPRanges",
    "logLevel",
    "statusPort",
    "tracer",
];

/// Part of the name of the chart that makes a control plane, and of an umbrella chart's values for it.
const ISTIOD: &str = "istiod";

/// Other names of it: the chart's folder, the values below which its own defaults stand.
const NAMES: [&str; 2] = ["istio-discovery", "_internal_defaults_do_not_set"];

/// Words of which one stands in values that are Istio's.
pub(super) const WORDS: [&str; 6] = ["meshConfig", "pilot", ISTIOD, "istio-discovery", "_internal_defaults", "proxy"];

/// Whether a chart, by its name, folder or address, makes a control plane.
pub(super) fn is_chart(text: &str) -> bool {
    let name = text.trim_end_matches('/').rsplit('/').next().unwrap_or(text);
    name == "istio" || is_istiod(name)
}

/// Whether values under this name are for a control plane's chart.
pub(super) fn is_istiod(name: &str) -> bool {
    name.contains(ISTIOD) || NAMES.contains(&name)
}

/// Whether values are a control plane's by what stands in them.
pub(super) fn is_marked(values: Node<'_>) -> bool {
    let proxy = values.at(&["global", "proxy"]);
    MARKS.iter().any(|mark| values.get(mark).is_some_and(Node::is_map))
        || proxy.is_some_and(|proxy| PROXY.iter().any(|name| proxy.get(name).is_some()))
}
