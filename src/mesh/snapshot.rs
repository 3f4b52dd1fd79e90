//! What is known of the rest of the cluster.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::object::Node;

/// Labels by key.
pub type Labels = BTreeMap<String, String>;

/// What is known of objects other than the one at hand: for now the labels of namespaces.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Labels by namespace. Shared: at every change of one the others go into a new snapshot, in 0.2 ms for 5000.
    pub namespaces: HashMap<String, Arc<Labels>>,
    /// Whether a namespace that is not listed is known to have no labels.
    pub others_have_none: bool,
}

impl Snapshot {
    /// The labels of a namespace, where they are known. Without `kubernetes.io/metadata.name`, which always is.
    #[must_use]
    pub fn labels(&self, namespace: &str) -> Option<&Labels> {
        static NONE: Labels = Labels::new();
        self.namespaces.get(namespace).map(Arc::as_ref).or(self.others_have_none.then_some(&NONE))
    }
}

/// An object's own labels. What is no string is none.
#[must_use]
pub fn labels(object: Node<'_>) -> Labels {
    let labels = object.at(&["metadata", "labels"]).into_iter().flat_map(Node::members);
    labels.filter_map(|(key, value)| Some((key.to_owned(), value.as_str()?.to_owned()))).collect()
}
