//! `hold-application-until-proxy-starts`.

mod text;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::protobuf::field;
use crate::mesh::{
    Place, PodFacts, PodTemplate, Unreadable, WORKLOADS_AND_JOBS, injection, pod_template, proxy_configs,
};
use crate::object::{Edit, Node};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// The application waits for its proxy.
    ///
    /// # What it does
    /// Refuses pod templates with a sidecar that turn `holdApplicationUntilProxyStarts` off in the annotation
    /// `proxy.istio.io/config`, and advises those to turn it on that decline a native sidecar. With `require` it refuses all
    /// that do not turn it on. With `action: Patch` it is set in the annotation, whose other text stays as it is.
    ///
    /// # Why
    /// Containers of a Pod start at the same time. An application that calls somebody before its proxy runs gets refused
    /// connections. A native sidecar starts first by itself; all others need to be waited for.
    /// <https://istio.io/latest/docs/ops/common-problems/injection/#pod-or-containers-start-with-network-issues-if-istio-proxy-is-not-ready>
    ///
    /// # Known limits
    /// Mesh config (`defaultConfig.holdApplicationUntilProxyStarts`) is not seen, nor whether the cluster makes native
    /// sidecars. An annotation whose text has no place for it, such as several documents or a map that is indented, is not
    /// mended.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct HoldApplicationUntilProxyStarts {
        /// Each template with a sidecar must turn it on. For meshes whose sidecars are not native and whose mesh config
        /// does not turn it on.
        #[serde(default)]
        require: bool,
    }
}

/// The annotation with proxy config.
const CONFIG: &str = "proxy.istio.io/config";
/// The annotation that chooses a native sidecar, or none.
const NATIVE: &str = "sidecar.istio.io/nativeSidecar";
/// The field.
const HOLD: &str = "holdApplicationUntilProxyStarts";
/// Part of it in both of its spellings.
const WORD: &str = "hold";

impl Rule for HoldApplicationUntilProxyStarts {
    const METADATA: Metadata = Metadata {
        name: "hold-application-until-proxy-starts",
        severity: Severity::Low,
        kinds: &WORKLOADS_AND_JOBS,
        mends: &WORKLOADS_AND_JOBS,
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, namespace_labels, .. } = input;
        let kind = (&*request.kind.group, &*request.kind.kind);
        let Some(template) = pod_template(kind.0, kind.1, object)? else { return Ok(()) };
        let facts = PodFacts::of(&template)?;
        let native = template.annotation(NATIVE)?;
        if facts.has_proxy || facts.declines_injection() || facts.host_network || native == Some("true") {
            return Ok(());
        }
        let said = said(kind, object)?;
        let message = match &said {
            Some((true, _)) => return Ok(()),
            Some((false, _)) => "this application does not wait for its proxy",
            None if native == Some("false") => "without a native sidecar the application does not wait for its proxy",
            None => "nothing makes this application wait for its proxy",
        };
        let refused = said.is_some() || self.require;
        let inner = said.and_then(|(_, place)| place.inner);
        if refused && !template.is_gateway()? {
            let sidecar = namespace_labels.map(|labels| injection(&request.namespace, labels, facts, false).is_ok());
            findings.violation_if(sidecar, Finding { inner, ..finding(&template, message)? });
        } else if native == Some("false") {
            findings.advise([finding(&template, message)?]);
        }
        Ok(())
    }
}

/// What the annotation says, and where.
fn said(kind: (&str, &str), object: Node<'_>) -> Result<Option<(bool, Place)>, Unreadable> {
    let carriers = proxy_configs(kind.0, kind.1, object)?;
    let Some(carrier) = carriers.iter().find(|carrier| carrier.name == CONFIG) else { return Ok(None) };
    let Some(opened) = carrier.open(WORD)?.filter(|opened| !opened.root().is_null()) else { return Ok(None) };
    opened.root().expect_map().map_err(|error| opened.unreadable(&error))?;
    let Some(node) = field(opened.root(), HOLD) else { return Ok(None) };
    let on = node.as_bool().ok_or_else(|| opened.unreadable(&node.wrong_type("a boolean")))?;
    Ok(Some((on, opened.place(node))))
}

fn finding(template: &PodTemplate<'_>, message: &str) -> Result<Finding, CannotJudge> {
    let path = template.annotation_path(CONFIG);
    let mended = text::held(template.annotation(CONFIG)?.unwrap_or_default());
    let fix = mended.map(|text| Edit::Set { path: path.clone(), value: text.into() });
    Ok(Finding {
        path,
        subject: CONFIG.to_owned(),
        message: message.to_owned(),
        wanted: format!("`{HOLD}: true`"),
        remedy: format!("write {HOLD}: true into the annotation {CONFIG} of the pod template"),
        fix: fix.into_iter().collect(),
        ..Finding::default()
    })
}
