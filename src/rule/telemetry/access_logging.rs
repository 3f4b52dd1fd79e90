//! `access-logging`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::protobuf::{boolean, field, message, text};
use crate::mesh::{
    Attachment, GroupKind, MESH_CONFIGS, Mesh, Place, Unreadable, attachment, is_mesh_wide, mesh_configs,
    telemetry_mode,
};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Request, Rule, Severity, documented};

documented! {
    /// Proxies log the requests that they see.
    ///
    /// # What it does
    /// Refuses a `Telemetry` that turns access logs off for a namespace or the mesh (`accessLogging` with `disabled: true`,
    /// on both sides), and an update of mesh config that takes the last of `accessLogFile`,
    /// `defaultProviders.accessLogging` and `enableEnvoyAccessLogService` away. Advises against turning them off for single
    /// workloads, and against logs of the whole mesh without a `filter`, which grow with all of its traffic.
    ///
    /// # Why
    /// What a proxy did not write down nobody finds out afterwards: who called whom, which requests failed, and why.
    /// <https://istio.io/latest/docs/tasks/observability/logs/access-log/>,
    /// <https://istio.io/latest/docs/reference/config/telemetry/#AccessLogging>.
    ///
    /// # Known limits
    /// Each object is read alone: that mesh config gives its logs up for a `Telemetry` is refused, and whether a provider
    /// exists is not known. An entry that turns off single `providers` passes.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct AccessLogging {
        /// Mesh config that turns no access log on is refused too. For meshes that do not use `Telemetry` for it.
        #[serde(default)]
        require_in_mesh_config: bool,
    }
}

const TELEMETRY: GroupKind = GroupKind { group: "telemetry.istio.io", kind: "Telemetry" };

/// Part of every key in mesh config that is looked for, in both of its spellings.
const WORD: &str = "ccess";

impl Rule for AccessLogging {
    const METADATA: Metadata = Metadata {
        name: "access-logging",
        severity: Severity::Low,
        kinds: &GroupKind::all_of::<{ MESH_CONFIGS.len() + 1 }>(&[&MESH_CONFIGS, &[TELEMETRY]]),
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        if TELEMETRY.is(&request.kind.group, &request.kind.kind) {
            return check_telemetry(&request.namespace, object, mesh, findings);
        }
        let now = logs(object, request, mesh)?;
        if now.as_ref().is_some_and(|now| now.on) {
            return Ok(());
        }
        let old = request.old_object.tree().map_err(CannotJudge::request)?;
        let before = old.as_ref().map_or(Ok(None), |old| logs(old.root(), request, mesh))?;
        if before.is_some_and(|before| before.on) {
            let place = now.map_or_else(|| object.into(), |now| now.place);
            findings.violation(finding(place, "this turns the mesh's access logs off"));
        } else if let Some(now) = now.filter(|_| self.require_in_mesh_config) {
            findings.violation(finding(now.place, "this mesh config turns no access log on"));
        }
        Ok(())
    }
}

/// What an object's mesh config says of access logs.
struct Logs {
    /// Whether it turns one on.
    on: bool,
    /// Where it says so, or could.
    place: Place,
}

/// Nothing where there is no mesh config.
fn logs(object: Node<'_>, request: &Request<'_>, mesh: &Mesh) -> Result<Option<Logs>, Unreadable> {
    let kind = (&*request.kind.group, &*request.kind.kind);
    let mut found: Option<Logs> = None;
    for carrier in mesh_configs(kind, (&request.namespace, &request.name), object, mesh)? {
        let logs = match carrier.open(WORD)?.filter(|opened| !opened.root().is_null()) {
            Some(opened) => {
                let on = turned_on(opened.root()).map_err(|error| opened.unreadable(&error))?;
                Logs { on: on.is_some(), place: opened.place(on.unwrap_or(opened.root())) }
            }
            None => Logs { on: false, place: carrier.node().into() },
        };
        found = found.filter(|first| first.on || !logs.on).or(Some(logs));
    }
    Ok(found)
}

/// What turns an access log on in a mesh config.
fn turned_on(config: Node<'_>) -> Result<Option<Node<'_>>, WrongType> {
    config.expect_map()?;
    let file = text(config, "accessLogFile")?.filter(|(_, file)| !file.is_empty()).map(|(node, _)| node);
    let service = boolean(config, "enableEnvoyAccessLogService")?.filter(|(_, on)| *on).map(|(node, _)| node);
    let providers = message(config, "defaultProviders")?.and_then(|providers| field(providers, "accessLogging"));
    Ok(file.or(service).or(providers.filter(|list| list.items().next().is_some())))
}

fn check_telemetry(namespace: &str, object: Node<'_>, mesh: &Mesh, findings: &mut Findings) -> Result<(), CannotJudge> {
    let Some(spec) = object.map("spec")? else { return Ok(()) };
    let everywhere = is_mesh_wide(TELEMETRY.kind, namespace, object, mesh)?;
    // Entries that turn logs off, by side; one that turns some on.
    let (mut off, mut on) = (Vec::new(), false);
    for entry in spec.maps("accessLogging")? {
        let mode = telemetry_mode(entry)?;
        if entry.boolean("disabled")? != Some(true) {
            on = true;
            let filter = entry.map("filter")?.map_or(Ok(None), |filter| filter.text("expression"))?;
            if everywhere && filter.is_none_or(str::is_empty) {
                findings.advise([unfiltered(entry)]);
            }
        } else if entry.maps("providers")?.is_empty() {
            off.push((entry, mode));
        }
    }
    let is_off = |side: &str| off.iter().any(|(_, mode)| *mode == side || *mode == "CLIENT_AND_SERVER");
    if let Some((entry, _)) = off.first()
        && !on
        && is_off("CLIENT")
        && is_off("SERVER")
    {
        let node = entry.get("disabled").unwrap_or(*entry);
        match attachment(TELEMETRY.kind, object)? {
            Attachment::Everything => {
                let whose = if everywhere { "the whole mesh" } else { "the whole namespace" };
                findings.violation(finding(node.into(), &format!("this turns access logs off for {whose}")));
            }
            Attachment::Workloads | Attachment::Targets(_) => {
                findings.advise([finding(node.into(), "this turns access logs off for some workloads")]);
            }
        }
    }
    Ok(())
}

fn finding(place: Place, message: &str) -> Finding {
    Finding {
        path: place.path,
        inner: place.inner,
        subject: "access logs".to_owned(),
        message: message.to_owned(),
        wanted: "an access log, to `/dev/stdout` or to a provider".to_owned(),
        remedy: "keep them on; to write less, give accessLogging of a Telemetry a filter".to_owned(),
        ..Finding::default()
    }
}

fn unfiltered(entry: Node<'_>) -> Finding {
    Finding {
        subject: "filter".to_owned(),
        message: "every request in the mesh is logged, twice where both sides have a proxy".to_owned(),
        wanted: "a filter such as `response.code >= 400`".to_owned(),
        remedy: "give it filter.expression, or log on one side with match.mode".to_owned(),
        ..finding(entry.into(), "")
    }
}
