//! Tracers and providers in mesh config that Istio gave up.

use crate::mesh::protobuf::{field, message};
use crate::mesh::{Mesh, Opened, mesh_configs};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Findings, Request};

const LIGHTSTEP: &str = "Lightstep is deprecated since Istio 1.15";
const OPENCENSUS: &str = "OpenCensus is gone since Istio 1.25";
const STACKDRIVER: &str = "Stackdriver gets no traces since OpenCensus is gone, in Istio 1.25";

/// The fields of a provider and of a tracer, and what there is to say of them.
const PROVIDERS: [(&str, &str); 3] =
    [("lightstep", LIGHTSTEP), ("opencensus", OPENCENSUS), ("stackdriver", STACKDRIVER)];
const TRACERS: [(&str, &str); 3] =
    [("lightstep", LIGHTSTEP), ("openCensusAgent", OPENCENSUS), ("stackdriver", STACKDRIVER)];

pub(super) fn judge(
    object: Node<'_>,
    request: &Request<'_>,
    mesh: &Mesh,
    findings: &mut Findings,
) -> Result<(), CannotJudge> {
    let kind = (&*request.kind.group, &*request.kind.kind);
    for carrier in mesh_configs(kind, (&request.namespace, &request.name), object, mesh)? {
        let Some(opened) = carrier.open("")?.filter(|opened| !opened.root().is_null()) else { continue };
        for (node, name, said) in named(opened.root()).map_err(|error| opened.unreadable(&error))? {
            add(&opened, node, &name, said, findings);
        }
    }
    Ok(())
}

type Named<'t> = (Node<'t>, String, &'static str);

/// What a mesh config names of them, each with what findings call it.
fn named(root: Node<'_>) -> Result<Vec<Named<'_>>, WrongType> {
    root.expect_map()?;
    let mut found = Vec::new();
    let providers = field(root, "extensionProviders");
    if let Some(other) = providers.filter(|node| !node.is_list()) {
        return Err(other.wrong_type("a list"));
    }
    for provider in providers.into_iter().flat_map(Node::items) {
        provider.expect_map()?;
        let name = provider.text("name")?.unwrap_or_default();
        let of = |(key, said)| Some((field(provider, key)?, format!("provider {name}"), said));
        found.extend(PROVIDERS.into_iter().filter_map(of));
    }
    let config = message(root, "defaultConfig")?;
    if let Some(tracing) = config.map_or(Ok(None), |config| message(config, "tracing"))? {
        let of = |(key, said)| Some((field(tracing, key)?, "tracing".to_owned(), said));
        found.extend(TRACERS.into_iter().filter_map(of));
    }
    Ok(found)
}

fn add(opened: &Opened<'_>, node: Node<'_>, name: &str, said: &str, findings: &mut Findings) {
    let place = opened.place(node);
    let mut finding = super::finding(name, format!("{name}: {said}"), "the provider `opentelemetry`");
    finding.path = place.path;
    finding.inner = place.inner;
    finding.value = node.key().into();
    // It may be there for its logs and metrics.
    if said == STACKDRIVER { findings.advise([finding]) } else { findings.violation(finding) }
}
