//! Istio's Helm values in the objects of tools that render charts: `HelmRelease` of Flux, `Application` of Argo CD.

use super::carrier::{may_hold, read};
use super::helm_parameter::{Overlay, Parameter};
use super::istio_chart::{MARKS, WORDS, is_chart, is_istiod, is_marked};
use super::{GroupKind, Opened, Place, Unreadable};
use crate::object::{Inner, Node, ReadError, WrongType, split_documents};

/// Of Argo CD. Its status is no subresource.
/// <https://github.com/argoproj/argo-cd/blob/master/manifests/crds/application-crd.yaml>
pub const APPLICATION: GroupKind = GroupKind { group: "argoproj.io", kind: "Application" };

/// Kinds of tools that render any chart, Istio's among them.
pub const RELEASES: [GroupKind; 2] = [APPLICATION, GroupKind { group: "helm.toolkit.fluxcd.io", kind: "HelmRelease" }];

/// The most control planes that one object may set values for: nobody has so many, and each is found again by its path,
/// which thousands beside each other would make slow.
const MOST: usize = 100;

/// The most parameters of one object, those that others bring with them included: Helm gets each on its command line.
const MOST_PARAMETERS: usize = 10_000;

/// A chart and what an object says to it.
struct Release<'t> {
    /// Whether its name is that of a control plane's chart.
    is_istiod: bool,
    /// What holds the rest.
    holder: Node<'t>,
    /// The map, or the string with YAML.
    values: Option<Node<'t>>,
    parameters: Vec<Parameter<'t>>,
}

/// Whether an UPDATE of an [`APPLICATION`] leaves its `spec` as it was, and asks for no sync of another source: rules read
/// nothing else.
///
/// Argo CD compares each with the cluster every few minutes, and writes what it finds (`status`, `operation`, annotations)
/// into the object itself.
#[must_use]
pub fn is_refresh(object: Node<'_>, old: Node<'_>) -> bool {
    let spec = |object: Node<'_>| object.get("spec").map(Node::to_json);
    let sync = object.at(&["operation", "sync"]);
    let another = sync.is_some_and(|sync| ["source", "sources"].iter().any(|key| sync.get(key).is_some()));
    !another && spec(object).is_some_and(|spec_now| spec(old) == Some(spec_now))
}

/// The values for control planes in an object of one of [`RELEASES`], each by its root: those of the chart, or of a chart
/// in it.
///
/// # Errors
/// Where something on the way has another type than the API gives it, or the values of a control plane are no YAML.
pub(super) fn release_values<'t>(kind: &str, object: Node<'t>) -> Result<Vec<Opened<'t>>, Unreadable> {
    let Some(spec) = object.map("spec")? else { return Ok(Vec::new()) };
    let releases = if kind == APPLICATION.kind { application(object, spec)? } else { vec![helm_release(spec)?] };
    let too_many = |message| Err(Unreadable { place: object.into(), message });
    if releases.iter().map(|release| release.parameters.len()).sum::<usize>() > MOST_PARAMETERS {
        return too_many(format!("these are more than {MOST_PARAMETERS} parameters"));
    }
    let mut found = Vec::new();
    for release in releases {
        let is_istiod = release.is_istiod;
        if let Some(opened) = release.open()? {
            roots(&opened, is_istiod, &mut found);
        }
        if found.len() > MOST {
            return too_many(format!("these are the values of more than {MOST} control planes"));
        }
    }
    Ok(found)
}

/// <https://fluxcd.io/flux/components/helm/helmreleases/>
fn helm_release(spec: Node<'_>) -> Result<Release<'_>, WrongType> {
    let chart = spec.map_at(&["chart", "spec"])?.map_or(Ok(None), |chart| chart.text("chart"))?;
    let reference = spec.map("chartRef")?.map_or(Ok(None), |reference| reference.text("name"))?;
    let values = spec.map("values")?;
    let is_istiod = [chart, reference].into_iter().flatten().any(is_chart);
    Ok(Release { is_istiod, holder: spec, values, parameters: Vec::new() })
}

/// All sources of an application, those that one sync takes instead included.
/// <https://argo-cd.readthedocs.io/en/stable/user-guide/helm/>,
/// <https://argo-cd.readthedocs.io/en/stable/user-guide/sync-kubectl/>
fn application<'t>(object: Node<'t>, spec: Node<'t>) -> Result<Vec<Release<'t>>, WrongType> {
    let mut sources = Vec::new();
    for holder in [Some(spec), object.map_at(&["operation", "sync"])?].into_iter().flatten() {
        sources.extend(holder.maps("sources")?);
        sources.extend(holder.map("source")?);
    }
    sources.extend(spec.map_at(&["sourceHydrator", "drySource"])?);
    let mut releases = Vec::new();
    for source in sources {
        let Some(helm) = source.map("helm")? else { continue };
        let mut is_istiod = false;
        for name in ["chart", "path", "repoURL"] {
            is_istiod |= source.text(name)?.is_some_and(is_chart);
        }
        let text = helm.text("values")?.and_then(|_| helm.get("values"));
        // With an object the string does not count.
        let values = helm.get("valuesObject").filter(|node| !node.is_null()).or(text);
        let parameters = Parameter::list(helm, "parameters")?;
        releases.push(Release { is_istiod, holder: helm, values, parameters });
    }
    Ok(releases)
}

impl<'t> Release<'t> {
    /// Its values with its parameters; none where they cannot be Istio's.
    fn open(self) -> Result<Option<Opened<'t>>, Unreadable> {
        let Self { is_istiod, holder, values, parameters } = self;
        let named = is_istiod || parameters.iter().any(|set| WORDS.iter().any(|word| set.names(word)));
        let tree = match values.and_then(|node| Some((node, node.as_str()?))) {
            Some((_, text)) if !named && !WORDS.iter().any(|word| may_hold(text, word)) => return Ok(None),
            Some((node, text)) => match one_document(node, text).and_then(|()| read(node, text)) {
                // What cannot be read, and says nothing of Istio, is not ours to refuse. Many a chart has a proxy.
                Err(_) if !named && !WORDS.iter().any(|word| *word != "proxy" && text.contains(word)) => {
                    return Ok(None);
                }
                read => read?,
            },
            None => None,
        };
        let node = values.unwrap_or(holder);
        if parameters.is_empty() {
            return Ok(values.map(|_| Opened::new("values", node, tree, None)));
        }
        let said = tree.as_ref().map(|tree| tree.root()).or(values.filter(|node| node.is_map()));
        let too_deep = |ReadError { message, .. }| Unreadable { place: Place::from(node), message };
        let overlay = Overlay::new(said, parameters).map_err(too_deep)?;
        Ok(Some(Opened::new("values", node, tree, Some(overlay))))
    }
}

/// Adds the roots of Istio's values: this map, where its chart's name or what stands in it says so, and maps in it.
fn roots<'t>(values: &Opened<'t>, is_named: bool, found: &mut Vec<Opened<'t>>) {
    let mut open = vec![(values.root(), Vec::new(), is_named)];
    while let Some((node, path, is_named)) = open.pop().filter(|_| found.len() <= MOST) {
        if !node.is_map() {
            continue;
        }
        if is_named || is_marked(node) {
            found.push(values.part("values", path.iter().copied()));
        }
        for (key, member) in node.members().filter(|(key, _)| *key != "global" && !MARKS.contains(key)) {
            open.push((member, path.iter().copied().chain([key]).collect(), is_istiod(key)));
        }
    }
}

/// Whether values stand in one document: of several some versions of Helm take the first, and others lay all together.
fn one_document(node: Node<'_>, text: &str) -> Result<(), Unreadable> {
    let Some(second) = split_documents(text).get(1).copied() else { return Ok(()) };
    let place = Place { path: node.pointer(), inner: Some(Inner::unreadable(second.start(), text)) };
    let message = "these are several documents, of which Helm may read one or all; write one".to_owned();
    Err(Unreadable { place, message })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::object::read_json;

    /// Where the roots of Istio's values are, and what stands there.
    fn found(kind: &str, spec: &Value) -> Result<Vec<(String, Value)>, String> {
        let text = json!({"spec": spec}).to_string();
        let tree = read_json(&text).unwrap();
        let values = release_values(kind, tree.root()).map_err(|error| error.message)?;
        let place = |opened: &Opened<'_>| {
            let Place { path, inner } = opened.place(opened.root());
            format!("{path}{}", inner.map(|inner| format!(" {}", inner.path)).unwrap_or_default())
        };
        Ok(values.iter().map(|opened| (place(opened), opened.root().to_json())).collect())
    }

    fn places(kind: &str, spec: &Value) -> Vec<String> {
        found(kind, spec).unwrap().into_iter().map(|(place, _)| place).collect()
    }

    #[test]
    fn a_chart_is_istios_by_its_name_wherever_it_comes_from() {
        let values = json!({"a": 1});
        for (chart, is) in [
            (json!({"chart": {"spec": {"chart": "istiod"}}}), true),
            (json!({"chart": {"spec": {"chart": "./manifests/charts/istio-control/istio-discovery/"}}}), true),
            (json!({"chart": {"spec": {"chart": "istio"}}}), true),
            (json!({"chartRef": {"kind": "OCIRepository", "name": "team-istiod"}}), true),
            (json!({"chart": {"spec": {"chart": "istio-dashboards"}}}), false),
            (json!({"chart": {"spec": {"chart": "istiod/dashboards"}}}), false),
            (json!({"chart": null}), false),
        ] {
            let mut spec = chart.clone();
            spec["values"] = values.clone();
            assert_eq!(places("HelmRelease", &spec), if is { vec!["/spec/values"] } else { vec![] }, "{chart}");
        }
        for (source, is) in [
            (json!({"chart": "istiod"}), true),
            (json!({"path": "charts/istiod"}), true),
            (json!({"repoURL": "oci://gcr.io/istio-release/charts/istiod", "path": "."}), true),
            (json!({"repoURL": "https://git.example.com/istio-apps.git", "path": "shop"}), false),
        ] {
            let mut source = source;
            source["helm"] = json!({"valuesObject": values});
            let expected = if is { vec!["/spec/source/helm/valuesObject"] } else { vec![] };
            assert_eq!(places("Application", &json!({"source": source})), expected, "{source}");
        }
    }

    #[test]
    fn values_are_istios_by_what_stands_in_them() {
        for (values, expected) in [
            (json!({"meshConfig": {}}), vec!["/spec/values"]),
            (json!({"pilot": {}}), vec!["/spec/values"]),
            (json!({"global": {"proxy": {"tracer": "none"}}}), vec!["/spec/values"]),
            (json!({"global": {"proxy": {"http": "proxy.example:3128"}}, "profile": {}}), vec![]),
            (json!({"a": {"b": {"pilot": {}}}}), vec!["/spec/values/a/b"]),
            (json!({"meshConfig": {}, "a": {"istiod": {"x": 1}}}), vec!["/spec/values", "/spec/values/a/istiod"]),
            (json!({"_internal_defaults_do_not_set": {}}), vec!["/spec/values/_internal_defaults_do_not_set"]),
            (json!({"meshConfig": "x", "pilot": true, "global": {"proxy": null}, "istiod": null}), vec![]),
            (json!({"global": "eu", "list": [{"pilot": {}}]}), vec![]),
        ] {
            assert_eq!(places("HelmRelease", &json!({"values": values})), expected, "{values}");
        }
        let many: Value =
            (0..=MOST).map(|at| (at.to_string(), json!({"pilot": {}}))).collect::<serde_json::Map<_, _>>().into();
        let error = found("HelmRelease", &json!({"values": many})).unwrap_err();
        assert!(error.contains("more than 100"), "{error}");
        let many = "a=1,".repeat(MOST_PARAMETERS) + "a";
        let error = found("Application", &json!({"source": {"helm": {"parameters": [{"name": many}]}}})).unwrap_err();
        assert!(error.contains("more than 10000 parameters"), "{error}");
    }

    #[test]
    fn a_refresh_leaves_the_spec_as_it_was() {
        let old = json!({"metadata": {}, "spec": {"a": [1], "b": {}}});
        for (object, expected) in [
            (json!({"spec": {"b": {}, "a": [1]}, "metadata": {"labels": {}}, "operation": {}, "status": {}}), true),
            (json!({"spec": {"a": [1], "b": null}}), false),
            (json!({"spec": {"a": [1, 1], "b": {}}}), false),
            (json!({"spec": null}), false),
            (json!({}), false),
        ] {
            let [object, old] = [object, old.clone()].map(|object| object.to_string());
            let [object, old] = [&object, &old].map(|text| read_json(text).unwrap());
            assert_eq!(is_refresh(object.root(), old.root()), expected, "{}", object.root().to_json());
        }
        let none = read_json("{}").unwrap();
        assert!(!is_refresh(none.root(), none.root()));
    }

    #[test]
    fn places_lead_into_strings_and_to_parameters() {
        let set = |name: &str| json!([{"name": name, "value": "2"}]);
        for (helm, expected) in [
            (json!({"values": "a:\n  istiod: {b: 1}"}), Some(("/spec/source/helm/values /a/istiod", json!({"b": 1})))),
            (json!({"values": "a: {\"\\x70ilot\": {}}"}), Some(("/spec/source/helm/values /a", json!({"pilot": {}})))),
            (
                json!({"values": "a: {istiod: {b: 1}}", "parameters": set("c")}),
                Some(("/spec/source/helm/values /a/istiod", json!({"b": 1}))),
            ),
            (json!({"parameters": set("istiod.b")}), Some(("/spec/source/helm", json!({"b": 2})))),
            (json!({"values": "a: {", "parameters": set("b")}), None),
            (json!({"values": "proxy: 1\n---\nb: 1"}), None),
            (
                json!({"values": "---\nistiod: {b: 1}\n---\n# end"}),
                Some(("/spec/source/helm/values /istiod", json!({"b": 1}))),
            ),
            (json!({"values": "", "parameters": null}), None),
            (json!({}), None),
        ] {
            let found = found("Application", &json!({"source": {"path": "mesh", "helm": helm}})).unwrap();
            let expected: Vec<_> = expected.into_iter().map(|(place, value)| (place.to_owned(), value)).collect();
            assert_eq!(found, expected, "{helm}");
        }
        for helm in [
            json!({"values": "istiod: {"}),
            json!({"values": "a: 1\na: 2\npilot: {}"}),
            json!({"values": "a: 1\n---\npilot: {}"}),
            json!({"values": 1}),
            json!({"parameters": {}}),
        ] {
            assert!(found("Application", &json!({"source": {"helm": helm}})).is_err(), "{helm}");
        }
    }
}
