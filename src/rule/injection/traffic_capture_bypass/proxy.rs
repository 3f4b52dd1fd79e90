//! What a template says of the proxy itself.

use super::value::{self, Bypass};
use super::{TrafficCaptureBypass, finding};
use crate::mesh::protobuf::field;
use crate::mesh::{OVERRIDES, PodTemplate, Unreadable, proxy_configs};
use crate::object::{Node, Value, WrongType};
use crate::rule::{Finding, Findings};

/// Settings and an image that the injector lays over its own.
pub(super) fn overridden(
    template: &PodTemplate<'_>,
    rule: &TrafficCaptureBypass,
    findings: &mut Findings,
) -> Result<(), WrongType> {
    if template.annotation(OVERRIDES)?.is_some() {
        let bypass = Bypass::new("", "lays settings of one's own over the proxy");
        findings.violation(finding(template, OVERRIDES, bypass));
    }
    let Some(proxy) = template.proxy()? else { return Ok(()) };
    let Some(image) = proxy.node.text("image")?.filter(|image| !["", "auto"].contains(image)) else {
        return Ok(());
    };
    for bypass in value::image(image, rule) {
        findings.violation(Finding {
            path: proxy.node.nearest(["image"]).pointer(),
            wanted: "no image, or `auto`".to_owned(),
            ..finding(template, "istio-proxy", bypass)
        });
    }
    Ok(())
}

/// A proxy config that turns interception off.
pub(super) fn not_intercepting(
    group: &str,
    kind: &str,
    object: Node<'_>,
    template: &PodTemplate<'_>,
    findings: &mut Findings,
) -> Result<(), Unreadable> {
    for carrier in proxy_configs(group, kind, object)? {
        // In whichever of its two spellings.
        let Ok(Some(opened)) = carrier.open("nterception") else { continue };
        if let Some(mode) = field(opened.root(), "interceptionMode").filter(|mode| is_none(*mode)) {
            let place = opened.place(mode);
            findings.violation(Finding {
                path: place.path,
                inner: place.inner,
                ..finding(template, carrier.name, Bypass::new("NONE", "turns interception off"))
            });
        }
    }
    Ok(())
}

/// Whether an interception mode is `NONE`, by its name or its number.
fn is_none(mode: Node<'_>) -> bool {
    match mode.value() {
        Value::Text(text) => text == "NONE",
        Value::Number(number) => number.as_i64() == Some(2),
        _ => false,
    }
}
