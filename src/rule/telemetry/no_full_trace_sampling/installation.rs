//! What installers make a control plane of: `IstioOperator`, `Istio` and `IstioRevision` of the Sail operator, and Helm
//! values in the objects of other tools.
//!
//! The chart writes istiod's variable after those of `env`, from `traceSampling`, which a profile copies over the top of
//! the values; a variable that the operator merges into the Deployment replaces it.
//! <https://github.com/istio/istio/tree/master/manifests/charts/istio-control/istio-discovery>

use json_patch::jsonptr::PointerBuf;

use super::istiod::{self, VARIABLE};
use super::judge::{Judge, Share};
use super::proxy_config;
use crate::mesh::{HelmValue, HelmValues, Place, helm_values};
use crate::object::{Node, Value, WrongType};
use crate::rule::CannotJudge;

/// Judges Helm values in the objects of tools that render charts. What they say comes from Git, which would put it back:
/// it is not mended here.
pub(super) fn check_releases(judge: &mut Judge<'_>, kind: (&str, &str), object: Node<'_>) -> Result<(), CannotJudge> {
    judge.leave();
    for values in helm_values(kind, object)? {
        let mut decided = false;
        for carrier in values.mesh_configs() {
            decided |= proxy_config::check_default(judge, carrier);
        }
        if !decided {
            check_values(judge, kind.0, &values)?;
        }
    }
    Ok(())
}

/// Judges what sets the share where mesh config does not. `decided`: whether mesh config does.
pub(super) fn check(
    judge: &mut Judge<'_>,
    kind: (&str, &str),
    object: Node<'_>,
    decided: bool,
) -> Result<(), CannotJudge> {
    let Some(spec) = object.map("spec")? else { return Ok(()) };
    let pilot = spec.map_at(&["components", "pilot", "k8s"])?;
    if let Some(pilot) = pilot {
        check_overlays(judge, pilot)?;
    }
    if decided {
        return Ok(());
    }
    if let Some(pilot) = pilot
        && istiod::check_container(judge, pilot)?
    {
        return Ok(());
    }
    helm_values(kind, object)?.iter().try_for_each(|values| check_values(judge, kind.0, values))
}

/// Judges what Helm values set beside mesh config. `group`: of the object.
fn check_values(judge: &mut Judge<'_>, group: &str, values: &HelmValues<'_>) -> Result<(), CannotJudge> {
    // The profile `demo` traces every request.
    let demo = values.profiles()?.into_iter().find(|(_, name)| *name == "demo").map(|(profile, _)| profile);
    let own = values.all(&["pilot"], "traceSampling")?;
    let top = values.all(&[], "traceSampling")?;
    let shares = match (demo, own.is_empty()) {
        (Some(profile), true) => {
            judge.share(full(profile, group));
            Vec::new()
        }
        (_, false) => own,
        (None, true) => top,
    };
    let written = shares.is_empty() || shares.iter().any(|share| !is_empty(share.node));
    for HelmValue { node, place } in shares.into_iter().filter(|share| !is_empty(share.node)) {
        check_trace_sampling(judge, node, place);
    }
    for HelmValue { node, place } in variables(values)? {
        match istiod::percent(node) {
            _ if !written => istiod::check_value(judge, node, place),
            Some(percent) => {
                judge.idle_share(istiod::share(node, place, percent), "the chart's own value comes after it");
            }
            None => {}
        }
    }
    Ok(())
}

/// istiod's variable among those that the chart passes on.
fn variables<'v>(values: &'v HelmValues<'_>) -> Result<Vec<HelmValue<'v>>, CannotJudge> {
    let own = values.all(&["pilot", "env"], VARIABLE)?;
    if own.is_empty() { Ok(values.all(&["env"], VARIABLE)?) } else { Ok(own) }
}

/// Every request, by the profile. `group`: of the object, which says where its mesh config stands.
fn full(profile: HelmValue<'_>, group: &str) -> Share {
    let values: &[&str] = if group == "install.istio.io" { &[] } else { &["values"] };
    let path = ["spec"].iter().chain(values).chain(&["meshConfig", "defaultConfig", "tracing", "sampling"]);
    Share::full(profile.place, "profile", "the profile `demo`", profile.node.to_json())
        .remedy("take another profile, or set meshConfig.defaultConfig.tracing.sampling to 1")
        .mended_at(PointerBuf::from_tokens(path.copied()))
}

/// Judges what the chart makes istiod's variable of.
pub(super) fn check_trace_sampling(judge: &mut Judge<'_>, node: Node<'_>, place: Place) {
    let percent = istiod::percent(node);
    let share = Share::at(node, place, "traceSampling", "traceSampling", percent.unwrap_or_default());
    istiod::check_share(judge, percent, share.mended_in_place());
}

/// What a Helm template takes for nothing: then the chart writes no variable.
fn is_empty(node: Node<'_>) -> bool {
    match node.value() {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Text(text) => text.is_empty(),
        Value::List | Value::Map => node.children().next().is_none(),
    }
}

/// Judges patches of what was rendered that name istiod's variable.
fn check_overlays(judge: &mut Judge<'_>, pilot: Node<'_>) -> Result<(), WrongType> {
    for overlay in pilot.list("overlays")? {
        overlay.expect_map()?;
        for patch in overlay.list("patches")? {
            patch.expect_map()?;
            check_patch(judge, patch)?;
        }
    }
    Ok(())
}

fn check_patch(judge: &mut Judge<'_>, patch: Node<'_>) -> Result<(), WrongType> {
    let named = patch.text("path")?.is_some_and(|path| path.contains(VARIABLE));
    let Some(value) = patch.get("value") else { return Ok(()) };
    let entries = value.descendants().filter(|node| node.get("name").and_then(Node::as_str) == Some(VARIABLE));
    let mut shares: Vec<Node<'_>> = entries.map(|entry| entry.get("value").unwrap_or(entry)).collect();
    if named && shares.is_empty() {
        shares.push(value);
    }
    let mentioned = || value.descendants().find(|node| node.as_str().is_some_and(|text| text.contains(VARIABLE)));
    if shares.is_empty() {
        shares.extend(mentioned());
    }
    for node in shares {
        let percent = istiod::percent(node);
        let share = istiod::share(node, node.into(), percent.unwrap_or_default());
        match percent {
            Some(percent) if percent.is_nan() || (percent <= 100.0 && judge.denies(percent)) => judge.share(share),
            _ => {
                let message = format!("an overlay changes {VARIABLE} past what the values say");
                judge.advise(node, VARIABLE, message, "set meshConfig.defaultConfig.tracing.sampling instead");
            }
        }
    }
    Ok(())
}
