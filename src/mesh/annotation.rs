//! Istio's annotations and labels: which there are, and on which kinds they mean something.

mod table;

pub use table::{ANNOTATIONS, LABELS};

/// An annotation or a label that Istio knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its key.
    pub name: &'static str,
    /// How far along it is: `Alpha`, `Beta`, `Stable`, `None`.
    pub status: &'static str,
    /// Whether it should not be used any more.
    pub deprecated: bool,
    /// The kinds on which it means something; `Any` is every kind. What is for Pods counts in pod templates alone.
    pub kinds: &'static [&'static str],
}

impl Known {
    /// Whether it means something on objects of that kind.
    #[must_use]
    pub fn is_for(&self, kind: &str) -> bool {
        self.kinds.iter().any(|known| *known == kind || *known == "Any")
    }
}

/// The annotation of that key, where Istio knows one.
#[must_use]
pub fn known_annotation(key: &str) -> Option<&'static Known> {
    find(&ANNOTATIONS, key)
}

/// The label of that key, where Istio knows one.
#[must_use]
pub fn known_label(key: &str) -> Option<&'static Known> {
    find(&LABELS, key)
}

/// Whether Go reads the text of an annotation as true.
///
/// <https://pkg.go.dev/strconv#ParseBool>
#[must_use]
pub fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

/// The tables are sorted by name.
fn find(table: &'static [Known], key: &str) -> Option<&'static Known> {
    table.binary_search_by(|known| known.name.cmp(key)).ok().and_then(|at| table.get(at))
}

/// Whether a key is one of Istio's, known or not: its domain is `istio.io` or lies below.
#[must_use]
pub fn is_istio_key(key: &str) -> bool {
    let domain = key.split_once('/').map(|(domain, _)| domain);
    domain.is_some_and(|domain| domain == "istio.io" || domain.ends_with(".istio.io"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_for_some_kinds() {
        let inject = known_annotation("sidecar.istio.io/inject").unwrap();
        assert!(inject.deprecated && inject.is_for("Pod") && !inject.is_for("Deployment"));
        let label = known_label("sidecar.istio.io/inject").unwrap();
        assert!(!label.deprecated && label.is_for("Pod"));
        assert!(known_annotation("galley.istio.io/analyze-suppress").unwrap().is_for("VirtualService"));
        assert!(known_label("istio.io/rev").unwrap().is_for("Namespace"));
        assert!(known_annotation("kubernetes.io/ingress.class").is_some());
        for unknown in ["sidecar.istio.io/injected", "Sidecar.istio.io/inject", "", "app"] {
            assert_eq!((known_annotation(unknown), known_label(unknown)), (None, None), "{unknown}");
        }
        assert_eq!(known_annotation("istio.io/dataplane-mode"), None);
    }

    #[test]
    fn the_tables_are_searched_as_they_are_sorted() {
        for table in [&ANNOTATIONS[..], &LABELS] {
            assert!(table.is_sorted_by(|one, other| one.name < other.name));
        }
        assert!(ANNOTATIONS.iter().all(|known| known_annotation(known.name) == Some(known)));
        assert!(LABELS.iter().all(|known| known_label(known.name) == Some(known)));
    }

    #[test]
    fn a_key_of_istio_has_its_domain() {
        for (key, expected) in [
            ("istio.io/rev", true),
            ("sidecar.istio.io/nonsense", true),
            ("a.b.istio.io/x", true),
            ("notistio.io/x", false),
            ("istio.io", false),
            ("istio-injection", false),
            ("istio.io.example.com/x", false),
            ("kubernetes.io/ingress.class", false),
        ] {
            assert_eq!(is_istio_key(key), expected, "{key}");
        }
    }
}
