//! `no-demo-profile`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{HELM_VALUES, Place, helm_values};
use crate::object::quoted;
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// A control plane is not installed with a profile for demonstrations.
    ///
    /// # What it does
    /// Refuses the profiles `demo` and `preview` of `IstioOperator`, `Istio` and `IstioRevision`, in `spec.profile` and in
    /// their values, as a name and as a path, and in the values of a `HelmRelease` and of an `Application` for istiod. Advises against profiles that Istio does not have, such as `production`.
    ///
    /// # Why
    /// `demo` is made to fit a laptop: it traces every request, logs every access and asks for resources that no load
    /// fits in. `preview` turns on what is experimental. <https://istio.io/latest/docs/setup/additional-setup/config-profiles/>.
    ///
    /// # Known limits
    /// What `istioctl install --set profile=demo` renders names no profile any more. Files of values that a
    /// `HelmRelease` or an `Application` names are not seen. Of a chart that is not called istiod, values are taken for
    /// Istio's where they set `meshConfig`, `pilot` or one of Istio's names below `global.proxy`.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct NoDemoProfile {
        /// Profiles that are refused.
        #[serde(default = "demo")]
        profiles: Vec<String>,
        /// Profiles of one's own, which pass.
        #[serde(default)]
        own: Vec<String>,
    }
}

fn demo() -> Vec<String> {
    vec!["demo".to_owned(), "preview".to_owned()]
}

/// Istio's profiles, those of platforms and of older releases included.
const PROFILES: [&str; 15] = [
    "ambient",
    "default",
    "demo",
    "empty",
    "external",
    "minimal",
    "openshift",
    "openshift-ambient",
    "platform-gke",
    "platform-k3d",
    "platform-k3s",
    "platform-openshift",
    "preview",
    "remote",
    "stable",
];

impl Rule for NoDemoProfile {
    const METADATA: Metadata = Metadata {
        name: "no-demo-profile",
        severity: Severity::High,
        kinds: &HELM_VALUES,
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let is = |names: &[String], name: &str| names.iter().any(|own| own == name);
        let kind = &input.request.kind;
        for values in helm_values((&kind.group, &kind.kind), input.object)? {
            for (profile, name) in values.profiles()? {
                if is(&self.profiles, name) {
                    let message = format!("the profile {} is not for production", quoted(name));
                    findings.violation(finding(profile.place, name, message));
                } else if !name.is_empty() && !PROFILES.contains(&name) && !is(&self.own, name) {
                    let message = format!("Istio has no profile {}", quoted(name));
                    findings.advise([finding(profile.place, name, message)]);
                }
            }
        }
        Ok(())
    }
}

fn finding(place: Place, name: &str, message: String) -> Finding {
    Finding {
        path: place.path,
        inner: place.inner,
        subject: "profile".to_owned(),
        value: name.into(),
        message,
        wanted: "`default`, `minimal` or `ambient`".to_owned(),
        remedy: "take the profile `default`, which is made for production, and set the values that differ".to_owned(),
        ..Finding::default()
    }
}
