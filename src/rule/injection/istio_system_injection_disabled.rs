//! `istio-system-injection-disabled`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::{
    DATAPLANE_MODE, INJECT, INJECTION, POD_TEMPLATES, PodTemplate, REVISION, own_label, own_label_path, pod_template,
};
use crate::object::{Edit, Node, WrongType};
use crate::rule::{
    CannotJudge, Finding, Findings, GroupKind, Input, Metadata, OF_NAMESPACES, Operation, Request, Rule, Severity,
    documented,
};

documented! {
    /// A control plane's namespace says that nothing is injected there.
    ///
    /// # What it does
    /// Requires the label `istio-injection: disabled` on every control-plane namespace (`istio-system`). A namespace
    /// that is created without the label gets it; another value, and taking the label away, is refused, by its subresources
    /// `status` and `finalize` too. Advises against
    /// `istio.io/rev`, and refuses `istio.io/dataplane-mode: ambient`. Advises against Pods and pod templates in such a
    /// namespace that ask for a sidecar (`sidecar.istio.io/inject: "true"`), gateways left aside.
    ///
    /// # Why
    /// Istio's injector fails closed. Where it matches the namespace of its own control plane and istiod is down, no Pod
    /// can be created there any more, istiod's own among them: the mesh cannot recover by itself
    /// (<https://github.com/istio/istio/issues/26380>). `istioctl install` and `helm --create-namespace` make the
    /// namespace without labels, so it is mended and not refused.
    ///
    /// # Known limits
    /// Gateways that are injected get no proxy in a namespace with this label; they belong in one of their own. A
    /// namespace that never had the label keeps its state on updates, with a warning.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct IstioSystemInjectionDisabled {
        /// Accepts `istio.io/dataplane-mode: ambient`.
        #[serde(default)]
        allow_ambient: bool,
        /// `istio.io/rev` is a violation and no advice, so that a fix takes it away. One that was there before the
        /// update stays, with a warning.
        #[serde(default)]
        remove_revision: bool,
    }
}

const NAMESPACE: GroupKind = GroupKind { group: "", kind: "Namespace" };

impl Rule for IstioSystemInjectionDisabled {
    const METADATA: Metadata = Metadata {
        name: "istio-system-injection-disabled",
        severity: Severity::High,
        kinds: &GroupKind::all_of::<{ 1 + POD_TEMPLATES.len() }>(&[&[NAMESPACE], &POD_TEMPLATES]),
        mends: &[NAMESPACE],
        subresources: &OF_NAMESPACES,
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, mesh, .. } = input;
        // A Namespace's own name is the namespace of its requests.
        let namespace = if request.is_namespace() { &*request.name } else { &*request.namespace };
        if !mesh.has_control_plane(namespace) {
            return Ok(());
        }
        if request.is_namespace() {
            self.judge_namespace(object, request, findings)?;
        } else if let Some(template) = pod_template(&request.kind.group, &request.kind.kind, object)?
            && template.label(INJECT)? == Some("true")
            && !template.uses_gateway_template()?
        {
            findings.advise([sidecar(namespace, &template)]);
        }
        Ok(())
    }
}

impl IstioSystemInjectionDisabled {
    fn judge_namespace(
        &self,
        object: Node<'_>,
        request: &Request<'_>,
        findings: &mut Findings,
    ) -> Result<(), WrongType> {
        let name = &*request.name;
        let label = |key: &str| own_label(object, key);
        match label(INJECTION)? {
            Some("disabled") => {}
            found => findings.violation(injection(name, found, request.operation)),
        }
        match label(REVISION)?.map(|found| revision(name, found)) {
            Some(finding) if self.remove_revision => {
                findings.violation(Finding { fix: vec![Edit::Remove { path: own_label_path(REVISION) }], ..finding });
            }
            advice => findings.advise(advice),
        }
        if label(DATAPLANE_MODE)? == Some("ambient") && !self.allow_ambient {
            findings.violation(ambient(name));
        }
        Ok(())
    }
}

fn injection(name: &str, found: Option<&str>, operation: Operation) -> Finding {
    // Where the user sent a value, or takes one away, that is an intention: nothing to mend over their head.
    let mends = found.is_none() && operation == Operation::Create;
    let set = Edit::Set { path: own_label_path(INJECTION), value: "disabled".into() };
    let message = match found {
        None => format!("the control-plane namespace `{name}` does not say that nothing is injected there"),
        Some("enabled") => format!("sidecars are injected into the control-plane namespace `{name}`"),
        Some(_) => {
            format!("the control-plane namespace `{name}` disables injection by a value that Istio does not know")
        }
    };
    Finding {
        path: own_label_path(INJECTION),
        subject: INJECTION.to_owned(),
        value: found.map_or(Value::Null, Value::from),
        message,
        wanted: "`disabled`".to_owned(),
        remedy: format!(
            "label it: kubectl label namespace {name} istio-injection=disabled --overwrite; gateways that are injected \
             belong in a namespace of their own"
        ),
        fix: mends.then_some(set).into_iter().collect(),
        ..Finding::default()
    }
}

fn revision(name: &str, found: &str) -> Finding {
    Finding {
        path: own_label_path(REVISION),
        subject: REVISION.to_owned(),
        value: found.into(),
        message: format!("a revision on the control-plane namespace `{name}`, where nothing is injected"),
        wanted: "no revision".to_owned(),
        remedy: format!("remove it: kubectl label namespace {name} istio.io/rev-"),
        ..Finding::default()
    }
}

fn ambient(name: &str) -> Finding {
    Finding {
        path: own_label_path(DATAPLANE_MODE),
        subject: DATAPLANE_MODE.to_owned(),
        value: "ambient".into(),
        message: format!("the control-plane namespace `{name}` is part of the ambient mesh"),
        wanted: "`none`, or no such label".to_owned(),
        remedy: "remove the label, or allow it with the parameter allowAmbient".to_owned(),
        ..Finding::default()
    }
}

fn sidecar(namespace: &str, template: &PodTemplate<'_>) -> Finding {
    Finding {
        path: template.label_path(INJECT),
        subject: INJECT.to_owned(),
        value: "true".into(),
        message: format!(
            "Pods in the control-plane namespace `{namespace}` ask for a sidecar, and nothing is injected there"
        ),
        wanted: "`false`, or no such label".to_owned(),
        remedy: "remove the label, or run them in a namespace of their own".to_owned(),
        ..Finding::default()
    }
}
