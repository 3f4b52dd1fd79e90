//! Proxy config, wherever it stands: its share, and the runtime value by which Envoy overrides every share.
//!
//! Istio takes 0 for unset, and 1 for more than 100 (`proxyConfigSamplingValue`):
//! <https://github.com/istio/istio/blob/master/pilot/pkg/networking/core/tracing.go>

use super::istiod::DEFAULT;
use super::judge::{Judge, Share};
use super::runtime;
use crate::mesh::protobuf::{double, field, message};
use crate::mesh::{Carrier, OVERRIDES, Opened, PROXY_CONFIG, PodFacts, PodTemplate};
use crate::object::{Node, WrongType};

/// Part of every key that is looked for: `tracing`, `tracing.random_sampling`.
const WORD: &str = "tracing";

/// Where a Pod brings a bootstrap of its own for Envoy.
const BOOTSTRAP: &str = "sidecar.istio.io/bootstrapOverride";

/// Judges a proxy config.
pub(super) fn check(judge: &mut Judge<'_>, carrier: Carrier<'_>) {
    open(judge, carrier, |judge, opened| proxy_config(judge, opened, opened.root()));
}

/// Judges the proxy config in a mesh config, and says whether its share is set: then no other default counts.
///
/// It goes by one name alone: what stands in `default_config` istiod reads and throws away (`ApplyMeshConfig`).
/// <https://github.com/istio/istio/blob/master/pkg/config/mesh/mesh.go>
pub(super) fn check_default(judge: &mut Judge<'_>, carrier: Carrier<'_>) -> bool {
    open(judge, carrier, |judge, opened| {
        opened.root().expect_map()?;
        let default = opened.root().get("defaultConfig").filter(|node| !node.is_null());
        default.map_or(Ok(false), |default| proxy_config(judge, opened, default))
    })
}

fn open(
    judge: &mut Judge<'_>,
    carrier: Carrier<'_>,
    read: impl FnOnce(&mut Judge<'_>, &Opened<'_>) -> Result<bool, WrongType>,
) -> bool {
    match carrier.open(WORD) {
        Ok(Some(opened)) if !opened.root().is_null() => match read(judge, &opened) {
            Ok(set) => set,
            Err(error) => {
                judge.refused(carrier.name, opened.unreadable(&error));
                true
            }
        },
        Ok(_) => false,
        Err(error) => {
            judge.refused(carrier.name, error);
            true
        }
    }
}

fn proxy_config(judge: &mut Judge<'_>, opened: &Opened<'_>, config: Node<'_>) -> Result<bool, WrongType> {
    config.expect_map()?;
    if let Some(values) = message(config, "runtimeValues")?
        && let Some(node) = values.get(runtime::KEY)
    {
        runtime::check(judge, node, opened.place(node), &format!("{} {}", opened.name(), runtime::KEY))?;
    }
    let Some(tracing) = message(config, "tracing")? else { return Ok(false) };
    let Some(node) = field(tracing, "sampling") else { return Ok(false) };
    let percent = double(node)?;
    let subject = format!("{} tracing.sampling", opened.name());
    let share = Share::at(node, opened.place(node), subject, "sampling", percent).mended_in_place();
    if percent == 0.0 {
        return Ok(false);
    }
    if percent > 100.0 {
        judge.passed_over(&share, DEFAULT)
    } else {
        judge.share(share)
    }
    Ok(true)
}

/// Advises against a bootstrap and against containers that are not looked into. The latter bring no proxy config.
pub(super) fn check_unseen(judge: &mut Judge<'_>, kind: &str, template: &PodTemplate<'_>) -> Result<(), WrongType> {
    let annotations = template.metadata.map_or(Ok(None), |metadata| metadata.map("annotations"))?;
    let annotation = |key: &str| annotations.and_then(|annotations| annotations.get(key));
    let remedy = "set what is needed in the annotation proxy.istio.io/config";
    if let Some(node) = annotation(BOOTSTRAP) {
        let message = "a bootstrap of its own may make this proxy trace every request, and is not seen here".to_owned();
        judge.advise(node, BOOTSTRAP, message, remedy);
    }
    // In an injected Pod it says what stands in its containers, too.
    let noted = kind == "Pod" && PodFacts::of(template)?.has_proxy;
    let Some(node) = annotation(OVERRIDES).filter(|_| !noted) else { return Ok(()) };
    match Carrier::new(OVERRIDES, node).open(PROXY_CONFIG) {
        Ok(Some(opened)) if opened.root().descendants().any(|node| node.as_str() == Some(PROXY_CONFIG)) => {
            let message =
                format!("`{OVERRIDES}` lays a {PROXY_CONFIG} over the proxy's, which may trace every request");
            judge.refuse(OVERRIDES, node.into(), message, remedy);
        }
        Ok(_) => {
            let message =
                "a container that is laid over the proxy's may make it trace every request, and is not seen here";
            judge.advise(node, OVERRIDES, message.to_owned(), remedy);
        }
        Err(error) => judge.refused(OVERRIDES, error),
    }
    Ok(())
}
