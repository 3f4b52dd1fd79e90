//! `require-app-version-labels`.

mod derive;

use json_patch::jsonptr::Pointer;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::{
    JOBS, LATEST, Mesh, NAME_LABELS, PodFacts, PodTemplate, REVISION_LABELS, WORKLOADS_AND_JOBS, is_in_mesh,
    is_label_value, pod_template,
};
use crate::object::{Edit, Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Operation, Request, Rule, Severity, documented};

documented! {
    /// Pods say by labels which application they belong to and which version of it they run.
    ///
    /// # What it does
    /// Requires both of every pod template, under `metadata.labels` of the template: the labels of a Deployment itself,
    /// or those in its selector alone, do not reach its Pods. The application is said by `app`, `app.kubernetes.io/name`
    /// or `service.istio.io/canonical-name`, the version by `version`, `app.kubernetes.io/version` or
    /// `service.istio.io/canonical-revision`, in any mixture. A label without a value counts as missing. Advises against
    /// the version `latest`.
    ///
    /// Judged are Pods, Deployments, StatefulSets, DaemonSets, ReplicaSets, ReplicationControllers, DeploymentConfigs and
    /// Rollouts, but not what one of them makes of its template. They are judged when they are created and when labels or
    /// spec of their template change, by a new image for one; to scale or to restart an old Deployment only warns. Exempt
    /// are control-plane namespaces, gateways, Pods on their node's network and those that decline injection
    /// (`sidecar.istio.io/inject: "false"`).
    ///
    /// With `action: Patch` both labels are added to the template, where both can be told. The application is the
    /// object's own label `app`, else `app.kubernetes.io/name` or `k8s-app` of the template or the object, else the
    /// object's name without an end such as `-v2` or `-canary`. The version is the object's own `version`, else
    /// `app.kubernetes.io/version`, else that end. Nothing is added that contradicts the selector.
    ///
    /// # Why
    /// Istio's telemetry, Kiali and tracing know a workload by these two, and subsets of a DestinationRule choose
    /// versions by them. Without them metrics of two versions fall together as `latest`, and a canary cannot be told
    /// from what it replaces: <https://istio.io/latest/docs/ops/deployment/application-requirements/#pod-requirements>.
    ///
    /// # Known limits
    /// On Pods that were injected already the canonical labels are the injector's and do not count; a bare Pod needs one
    /// of the others. `onlyMesh` takes it that injection is not on by default for all namespaces. Knative labels its Pods
    /// itself and is not judged. A label that a fix adds may make a Service select the Pods that did not before.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct RequireAppVersionLabels {
        /// Only the labels `app` and `version` count, as older Kiali and subsets by convention read them.
        #[serde(default)]
        strict: bool,
        /// Requires the labels only of Pods that are part of the mesh, by sidecar or ambient. Where that depends on labels of
        /// the namespace that are not known, a missing label is advice.
        #[serde(default)]
        only_mesh: bool,
        /// Requires the labels of Jobs and CronJobs too.
        #[serde(default)]
        jobs: bool,
        /// A fix may take the version from the first container's image tag. The label stays as it is when the next
        /// image comes.
        #[serde(default)]
        version_from_image: bool,
    }
}

/// One of the two things that labels must say.
struct Part {
    label: &'static str,
    /// All labels that say it, the one that Istio prefers first.
    accepted: [&'static str; 3],
    says: &'static str,
}

const APP: Part = Part { label: "app", accepted: NAME_LABELS, says: "which application the Pods belong to" };
const VERSION: Part = Part { label: "version", accepted: REVISION_LABELS, says: "which version the Pods run" };

impl Rule for RequireAppVersionLabels {
    const METADATA: Metadata = Metadata {
        name: "require-app-version-labels",
        severity: Severity::Medium,
        kinds: &WORKLOADS_AND_JOBS,
        mends: &WORKLOADS_AND_JOBS,
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, namespace_labels } = input;
        let (group, kind) = (&*request.kind.group, &*request.kind.kind);
        if !self.jobs && JOBS.iter().any(|job| job.is(group, kind)) {
            return Ok(());
        }
        let Some(template) = pod_template(group, kind, object)? else { return Ok(()) };
        let facts = PodFacts::of(&template)?;
        if is_exempt(&template, facts, &request.namespace, mesh)? {
            return Ok(());
        }
        let in_mesh = if self.only_mesh { is_in_mesh(&request.namespace, namespace_labels, facts) } else { Some(true) };
        if in_mesh == Some(false) {
            return Ok(());
        }
        for part in [APP, VERSION] {
            match template.first_label(self.accepted(&part, facts), is_label_value)? {
                None => {
                    let finding = self.missing(&part, &template, input)?;
                    findings.violation_if(in_mesh, finding);
                }
                Some((label, LATEST)) if part.label == VERSION.label => findings.advise([latest(&template, label)]),
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Whether the mesh does not need to tell these Pods apart.
fn is_exempt(template: &PodTemplate<'_>, facts: PodFacts<'_>, namespace: &str, mesh: &Mesh) -> Result<bool, WrongType> {
    let control_plane = mesh.has_control_plane(namespace);
    Ok(control_plane || facts.host_network || facts.declines_injection() || template.is_gateway()?)
}

impl RequireAppVersionLabels {
    /// The labels that count on these Pods.
    fn accepted(&self, part: &Part, facts: PodFacts<'_>) -> impl Iterator<Item = &'static str> + use<> {
        let (strict, label) = (self.strict, part.label);
        // The injector writes canonical labels on every Pod: there they say nothing that somebody meant.
        let by_injector = move |label: &str| facts.injected && label.starts_with("service.istio.io/");
        part.accepted.into_iter().filter(move |&other| if strict { other == label } else { !by_injector(other) })
    }

    fn missing(&self, part: &Part, template: &PodTemplate<'_>, input: Input<'_>) -> Result<Finding, WrongType> {
        let Part { label, says, .. } = *part;
        let Input { object, request, .. } = input;
        let found = template.label(label)?;
        let message = match found {
            None => format!("no label says {says}"),
            Some("") => format!("the label `{label}` is empty, and no other says {says}"),
            Some(_) => format!("the label `{label}` has a value that no label may have, and no other says {says}"),
        };
        let mut accepted: Vec<_> =
            self.accepted(part, PodFacts::of(template)?).map(|label| format!("`{label}`")).collect();
        accepted.reverse();
        let value = derive::value(label, object, template, request, self.version_from_image);
        let new = is_new(template, request);
        // A value that somebody sent and that is wrong is theirs to mend.
        let mends = new && found.is_none_or(str::is_empty);
        let set = |value: String| Edit::Set { path: template.label_path(label), value: value.into() };
        Ok(Finding {
            path: template.label_path(label),
            // What a new template lacks is not what the stored one lacked.
            subject: if new { format!("{label} of a new template") } else { label.to_owned() },
            value: found.map_or(Value::Null, Value::from),
            message,
            wanted: accepted.join(" or "),
            remedy: remedy(&template.label_path(label), value.as_deref(), request),
            fix: value.filter(|_| mends).map(set).into_iter().collect(),
            ..Finding::default()
        })
    }
}

fn remedy(path: &Pointer, value: Option<&str>, request: &Request<'_>) -> String {
    let field = path.as_str().trim_start_matches('/').replace('/', ".");
    let such_as = value.map(|value| format!(", to `{value}` for one")).unwrap_or_default();
    let kind = &request.kind.kind;
    let reach =
        if kind == "Pod" { String::new() } else { format!("; labels of the {kind} itself do not reach its Pods") };
    format!("set {field}{such_as}{reach}")
}

/// Whether the template is not the stored one: then its Pods are new anyway, and a label more makes no roll-out.
///
/// Annotations alone make none new, so that an old workload can be restarted. A Pod that runs stays what it is.
fn is_new(template: &PodTemplate<'_>, request: &Request<'_>) -> bool {
    let kind = &request.kind;
    if request.operation != Operation::Update {
        return true;
    }
    let Ok(Some(old)) = request.old_object.tree() else { return true };
    let said = |template: &PodTemplate<'_>| {
        let labels = template.metadata.and_then(|metadata| metadata.get("labels")).map(Node::to_json);
        (labels, template.spec.map(Node::to_json))
    };
    match pod_template(&kind.group, &kind.kind, old.root()) {
        Ok(Some(old)) => kind.kind != "Pod" && said(&old) != said(template),
        Ok(None) | Err(_) => true,
    }
}

fn latest(template: &PodTemplate<'_>, label: &'static str) -> Finding {
    Finding {
        path: template.label_path(label),
        subject: label.to_owned(),
        value: LATEST.into(),
        message: format!("`{label}: {LATEST}` says nothing of what runs: a canary looks like what it replaces"),
        wanted: "the version that runs".to_owned(),
        remedy: "name the version, and change it with the image".to_owned(),
        ..Finding::default()
    }
}
