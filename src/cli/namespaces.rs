//! What a run knows of namespaces: from the documents that it judges, and from `--namespace-labels`.

use crate::manifest::Item;
use crate::mesh::{Labels, Snapshot, check_label_key, check_label_value, labels};

/// One `--namespace-labels NS:k=v,…`. `NS:` says "known, none"; `*:` says it of all that are not named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    namespace: String,
    labels: Labels,
}

/// Reads the argument.
pub(super) fn parse(text: &str) -> Result<Known, String> {
    let expected = "expected NAMESPACE:key=value,… (nothing after the colon: no labels; `*:` for all not named)";
    let (namespace, said) = text.split_once(':').ok_or(expected)?;
    let mut labels = Labels::new();
    for pair in said.split(',').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or_else(|| format!("`{pair}` has no value; {expected}"))?;
        let (key, value) = (key.trim(), value.trim());
        check_label_key(key).and_then(|()| check_label_value(value))?;
        labels.insert(key.to_owned(), value.to_owned());
    }
    match (namespace.trim(), labels.is_empty()) {
        ("", _) => Err(format!("no namespace before the colon; {expected}")),
        ("*", false) => Err("`*:` takes no labels: it says that all namespaces not named have none".to_owned()),
        (namespace, _) => Ok(Known { namespace: namespace.to_owned(), labels }),
    }
}

/// The labels of the Namespaces among the documents, which are one future state.
pub(super) fn snapshot<'i>(items: impl Iterator<Item = &'i Item<'i>>) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for item in items {
        let request = &item.request;
        if let Some(object) = request.object.node().filter(|_| request.is_namespace()) {
            snapshot.namespaces.insert(request.name.to_string(), labels(object).into());
        }
    }
    snapshot
}

/// What the flag says counts, whatever else is known.
pub(super) fn overrule(mut snapshot: Snapshot, known: &[Known]) -> Snapshot {
    for Known { namespace, labels } in known {
        if namespace == "*" {
            snapshot.others_have_none = true;
        } else {
            snapshot.namespaces.insert(namespace.clone(), labels.clone().into());
        }
    }
    snapshot
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_labels_of_namespaces() {
        let labels = |text| parse(text).map(|known| (known.namespace, known.labels.into_iter().collect::<Vec<_>>()));
        let own = |text: &str| text.to_owned();
        assert_eq!(labels("shop:a=b,c/d=e"), Ok((own("shop"), vec![(own("a"), own("b")), (own("c/d"), own("e"))])));
        assert_eq!(labels("shop:a="), Ok((own("shop"), vec![(own("a"), own(""))])));
        assert_eq!(labels("shop:"), Ok((own("shop"), vec![])));
        assert_eq!(labels("*:"), Ok((own("*"), vec![])));
        for bad in ["shop", ":a=b", "shop:a", "*:a=b", "", "shop:=a", "shop:a=b=c", "shop:a b=c"] {
            assert!(labels(bad).is_err(), "{bad}");
        }
    }
}
