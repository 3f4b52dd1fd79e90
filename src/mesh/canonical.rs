//! The canonical service: by which name and revision telemetry knows a workload.
//!
//! <https://istio.io/latest/docs/ops/deployment/application-requirements/#pod-requirements>

use std::borrow::Cow;

use super::PodTemplate;
use crate::object::WrongType;

/// Labels that say a workload's name; the first one with a value counts.
pub const NAME_LABELS: [&str; 3] = ["service.istio.io/canonical-name", "app.kubernetes.io/name", "app"];

/// Labels that say its revision; the first one with a value counts.
pub const REVISION_LABELS: [&str; 3] = ["service.istio.io/canonical-revision", "app.kubernetes.io/version", "version"];

/// The revision of what has none.
pub const LATEST: &str = "latest";

/// The longest value of a label, in characters.
const LONGEST: usize = 63;

impl<'t> PodTemplate<'t> {
    /// The first of some labels whose value is `good`, and that value.
    ///
    /// # Errors
    /// Where a label up to that one is no string.
    pub fn first_label(
        &self,
        labels: impl IntoIterator<Item = &'static str>,
        good: fn(&str) -> bool,
    ) -> Result<Option<(&'static str, &'t str)>, WrongType> {
        for label in labels {
            if let Some(value) = self.label(label)?.filter(|value| good(value)) {
                return Ok(Some((label, value)));
            }
        }
        Ok(None)
    }

    /// The name and the revision that the injector gives the Pods of a workload. An empty label is as good as none.
    ///
    /// # Errors
    /// Where one of the labels is no string.
    pub fn canonical(&self, workload: &'t str) -> Result<(Cow<'t, str>, &'t str), WrongType> {
        let value = |labels, default| {
            let label = self.first_label(labels, |value| !value.is_empty())?;
            Ok(label.map_or(default, |(_, value)| value))
        };
        Ok((fit(value(NAME_LABELS, workload)?), value(REVISION_LABELS, LATEST)?))
    }
}

/// A name as it may stand in a label.
fn fit(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(LONGEST) {
        None => Cow::Borrowed(name),
        Some(_) => {
            let cut: String = name.chars().take(LONGEST).collect();
            Cow::Owned(cut.trim_end_matches(['-', '_', '.']).to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::mesh::pod_template;
    use crate::object::read_json;

    #[test]
    fn the_first_label_with_a_value_counts() {
        let long = "a".repeat(61) + ".-b";
        for (labels, expected) in [
            (json!(null), ("cart-v1", "latest")),
            (json!({"app": "cart", "version": "v1"}), ("cart", "v1")),
            (
                json!({"app": "a", "app.kubernetes.io/name": "b", "version": "1", "app.kubernetes.io/version": "2"}),
                ("b", "2"),
            ),
            (
                json!({"app": "a", "app.kubernetes.io/name": "b", "service.istio.io/canonical-name": "c",
                    "version": "1", "app.kubernetes.io/version": "2", "service.istio.io/canonical-revision": "3"}),
                ("c", "3"),
            ),
            (json!({"app": "cart", "app.kubernetes.io/name": "", "version": ""}), ("cart", "latest")),
            // Cut to what a label holds, and to a letter or digit at its end.
            (json!({"app": long}), (&*"a".repeat(61), "latest")),
        ] {
            let text = json!({"metadata": {"labels": labels}}).to_string();
            let tree = read_json(&text).unwrap();
            let template = pod_template("", "Pod", tree.root()).unwrap().unwrap();
            let (name, revision) = template.canonical("cart-v1").unwrap();
            assert_eq!((&*name, revision), expected, "{labels}");
        }
    }
}
