//! Which namespaces a resource is for: `exportTo`.

use super::own_annotation;
use crate::object::{Node, WrongType};

/// To whom a VirtualService, DestinationRule, ServiceEntry or Service is exported.
///
/// <https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService> (`exportTo`)
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Export<'t> {
    /// Not said: what mesh config says for the kind, and Istio's default is everyone.
    Unsaid,
    /// `*`: everyone.
    Everyone,
    /// `~`: nobody.
    Nobody,
    /// These namespaces; `.` is the resource's own.
    To(Vec<&'t str>),
}

impl<'t> Export<'t> {
    /// What a list of namespaces means. `*` wins over `~` and over names beside it, which Istio refuses in its own kinds
    /// and accepts in the annotation.
    fn of(namespaces: Vec<&'t str>) -> Self {
        match namespaces.as_slice() {
            [] => Self::Unsaid,
            all if all.contains(&"*") => Self::Everyone,
            all if all.contains(&"~") => Self::Nobody,
            _ => Self::To(namespaces),
        }
    }

    /// Whether it may reach other namespaces than the resource's own.
    #[must_use]
    pub fn reaches_beyond(&self, own: &str) -> bool {
        match self {
            Self::Unsaid | Self::Everyone => true,
            Self::Nobody => false,
            Self::To(namespaces) => namespaces.iter().any(|namespace| *namespace != "." && *namespace != own),
        }
    }
}

/// `spec.exportTo` of Istio's own kinds.
///
/// # Errors
/// Where it is no list of strings.
pub fn export(object: Node<'_>) -> Result<Export<'_>, WrongType> {
    let Some(spec) = object.map("spec")? else { return Ok(Export::Unsaid) };
    Ok(Export::of(spec.texts("exportTo")?.into_iter().map(|(_, namespace)| namespace).collect()))
}

/// The annotation `networking.istio.io/exportTo` of a Service: names with commas between them.
///
/// <https://github.com/istio/istio/blob/master/pilot/pkg/serviceregistry/kube/conversion.go>
///
/// # Errors
/// Where it is no string.
pub fn service_export(object: Node<'_>) -> Result<Export<'_>, WrongType> {
    let text = own_annotation(object, "networking.istio.io/exportTo")?.filter(|text| !text.is_empty());
    Ok(text.map_or(Export::Unsaid, |text| Export::of(text.split(',').map(str::trim).collect())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::read_json;

    #[test]
    fn says_who_is_reached() {
        for (list, expected, beyond) in [
            (json!(null), Export::Unsaid, true),
            (json!([]), Export::Unsaid, true),
            (json!(["*"]), Export::Everyone, true),
            (json!([".", "*"]), Export::Everyone, true),
            (json!(["~"]), Export::Nobody, false),
            (json!(["."]), Export::To(vec!["."]), false),
            (json!(["shop"]), Export::To(vec!["shop"]), false),
            (json!([".", "pay"]), Export::To(vec![".", "pay"]), true),
        ] {
            let text = json!({"spec": {"exportTo": list}}).to_string();
            let tree = read_json(&text).unwrap();
            let found = export(tree.root()).unwrap();
            assert_eq!((found.reaches_beyond("shop"), found), (beyond, expected), "{list}");
        }
        for wrong in [json!("*"), json!([1]), json!([null]), json!({})] {
            let text = json!({"spec": {"exportTo": wrong}}).to_string();
            assert!(export(read_json(&text).unwrap().root()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn services_say_it_in_an_annotation() {
        for (value, expected) in [
            ("", Export::Unsaid),
            ("*", Export::Everyone),
            ("., pay", Export::To(vec![".", "pay"])),
            ("~", Export::Nobody),
            ("~,*", Export::Everyone),
        ] {
            let text = json!({"metadata": {"annotations": {"networking.istio.io/exportTo": value}}}).to_string();
            assert_eq!(service_export(read_json(&text).unwrap().root()), Ok(expected), "{value}");
        }
    }
}
