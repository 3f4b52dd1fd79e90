//! What the labels of a template would be, told by what else the object says.

use crate::mesh::{LATEST, PodTemplate, is_label_value};
use crate::object::{Image, Node};
use crate::rule::Request;

/// What follows an application's name where several of its versions run side by side.
const TRACKS: [&str; 5] = ["stable", "canary", "primary", "blue", "green"];

/// The value for the label `app` or `version`, where there is one that may stand there.
///
/// Says nothing of what it cannot read: it only helps, and the finding stays.
pub(super) fn value(
    label: &str,
    object: Node<'_>,
    template: &PodTemplate<'_>,
    request: &Request<'_>,
    from_image: bool,
) -> Option<String> {
    let of_object = |label: &str| object.at(&["metadata", "labels", label])?.as_str();
    let of_either = |label: &str| template.label(label).ok().flatten().or_else(|| of_object(label));
    let name = name(object, request);
    let (stem, version) = split(name);
    let told = match label {
        "app" => [of_object("app"), of_either("app.kubernetes.io/name"), of_either("k8s-app"), Some(stem)],
        _ => [
            of_object("version"),
            of_either("app.kubernetes.io/version"),
            version,
            from_image.then(|| tag(template)).flatten(),
        ],
    };
    let usable = |value: &&str| is_label_value(value) && *value != LATEST;
    let value = told.into_iter().flatten().find(usable)?;
    (!contradicts_selector(object, label, value)).then(|| value.to_owned())
}

/// The name of the object, or what it will start with.
fn name<'t>(object: Node<'t>, request: &'t Request<'_>) -> &'t str {
    let stem = || object.at(&["metadata", "generateName"])?.as_str();
    if request.name.is_empty() { stem().unwrap_or_default().trim_end_matches('-') } else { &request.name }
}

/// An application's name and the version at its end: `cart` and `v2` of `cart-v2`.
fn split(name: &str) -> (&str, Option<&str>) {
    let is_number = |end: &str| {
        let digits = end.strip_prefix('v').unwrap_or_default();
        digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
    };
    match name.rsplit_once('-') {
        Some((stem, end)) if TRACKS.contains(&end) || is_number(end) => (stem, Some(end)),
        _ => (name, None),
    }
}

/// The tag of the first container's image, its proxy left aside.
fn tag<'t>(template: &PodTemplate<'t>) -> Option<&'t str> {
    let own = |container: &Node<'_>| container.get("name").and_then(Node::as_str) != Some("istio-proxy");
    let image = template.spec?.get("containers")?.items().find(own)?.get("image")?.as_str()?;
    Image::parse(image).tag
}

/// Whether the selector asks for something else of this label, or may: what it says cannot be changed any more.
fn contradicts_selector(object: Node<'_>, label: &str, value: &str) -> bool {
    let selectors = [&["spec", "selector"][..], &["spec", "jobTemplate", "spec", "selector"]];
    selectors.into_iter().filter_map(|path| object.at(path)).any(|selector| {
        // A ReplicationController's and a DeploymentConfig's are labels without more.
        let equal = [selector.get(label), selector.at(&["matchLabels", label])];
        let mut expressions = selector.get("matchExpressions").into_iter().flat_map(Node::items);
        equal.into_iter().flatten().any(|other| other.as_str() != Some(value))
            || expressions.any(|expression| expression.get("key").and_then(Node::as_str) == Some(label))
    })
}
