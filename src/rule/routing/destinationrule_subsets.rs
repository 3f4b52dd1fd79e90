//! `destinationrule-subsets`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{GroupKind, is_subdomain};
use crate::object::Node;
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// The subsets of a DestinationRule have names of their own, and labels.
    ///
    /// # What it does
    /// Refuses subsets without a name, with one that is no DNS label, or with that of another subset. It advises against
    /// subsets without labels, unless they have a traffic policy. With `labelKeys` subsets are told apart by these.
    ///
    /// # Why
    /// A route names a subset by its name: of two with one name, one counts. A subset without labels is all Pods of the
    /// Service, so that a canary gets what the stable version should:
    /// <https://istio.io/latest/docs/reference/config/networking/destination-rule/#Subset>.
    ///
    /// # Known limits
    /// Whether Pods have the labels, and whether a route leads to the subset, is not looked up.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct DestinationruleSubsets {
        /// A subset whose labels have none of these keys is a violation; `[version]` for the usual convention.
        #[serde(default)]
        label_keys: Vec<String>,
    }
}

impl Rule for DestinationruleSubsets {
    const METADATA: Metadata = Metadata {
        name: "destinationrule-subsets",
        severity: Severity::Medium,
        kinds: &[GroupKind { group: "networking.istio.io", kind: "DestinationRule" }],
        codes: &["KIA0203", "KIA0209"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Some(spec) = input.object.map("spec")? else { return Ok(()) };
        let mut names = BTreeSet::new();
        for subset in spec.maps("subsets")? {
            let name = subset.text("name")?.unwrap_or_default();
            if !is_subdomain(name) || name.contains('.') || name.len() > 63 {
                findings.violation(Finding {
                    message: format!("`{name}` is no name for a subset"),
                    wanted: "lower case letters, digits and `-`, 63 at most".to_owned(),
                    remedy: "give the subset a name such as `v1`".to_owned(),
                    ..finding(subset, name, "name")
                });
            } else if !names.insert(name) {
                findings.violation(Finding {
                    message: format!("another subset has the name `{name}` already"),
                    wanted: "a name of its own for every subset".to_owned(),
                    remedy: "rename one of them".to_owned(),
                    ..finding(subset, name, "name")
                });
            }
            let labels = subset.map("labels")?.filter(|labels| labels.members().next().is_some());
            let policy = subset.map("trafficPolicy")?;
            match labels {
                None if policy.is_none() => findings.advise([Finding {
                    message: format!("subset `{name}` has no labels, and so all Pods of the Service"),
                    wanted: "at least one label".to_owned(),
                    remedy: "name the labels of its Pods".to_owned(),
                    ..finding(subset, name, "labels")
                }]),
                Some(labels) if !self.has_key(labels) => findings.violation(Finding {
                    message: format!("subset `{name}` has none of the labels that tell versions apart"),
                    wanted: format!("a label {}", self.label_keys.join(" or ")),
                    remedy: "select its Pods by that label".to_owned(),
                    ..finding(subset, name, "labels")
                }),
                _ => {}
            }
        }
        Ok(())
    }
}

impl DestinationruleSubsets {
    fn has_key(&self, labels: Node<'_>) -> bool {
        self.label_keys.is_empty() || self.label_keys.iter().any(|key| labels.get(key).is_some())
    }
}

fn finding(subset: Node<'_>, name: &str, member: &str) -> Finding {
    Finding::below(subset, &[member], format!("subset {name} {member}"))
}
