//! The walk through an object and the plan of its edits, side by side: everything that depends on the object.

use std::collections::BTreeMap;

use json_patch::jsonptr::{Pointer, PointerBuf, Token};

use super::EditError;
use super::plan::{Change, Plan, index};
use crate::object::{Content, Node, Value};

/// What is made of the walk: it is told, in the order of the result, what stands in it.
pub(super) trait Sink {
    /// Stays as it is, with all that is below it.
    fn keep(&mut self, key: Option<&str>, node: Node<'_>);
    /// A list or map that stands there or is made; what is told next stands in it, until [`Sink::close`].
    fn open(&mut self, spot: Spot<'_>, path: &Pointer, content: Content<'static>);
    fn close(&mut self);
    /// A value that is new, or replaces what stands there.
    fn put(&mut self, spot: Spot<'_>, path: &Pointer, value: &serde_json::Value);
    /// A member that is no longer there.
    fn remove(&mut self, path: &Pointer);
}

/// A place in a list or map.
#[derive(Clone, Copy)]
pub(super) struct Spot<'s> {
    /// The member's name in a map; nothing in a list, and for the object itself.
    pub(super) key: Option<&'s str>,
    /// What stands there before.
    pub(super) there: Option<Node<'s>>,
}

impl Spot<'_> {
    /// Whether a list or map stands here.
    pub(super) fn holds(self) -> bool {
        self.there.is_some_and(|node| node.is_map() || node.is_list())
    }

    fn is_vacant(self) -> bool {
        self.there.is_none_or(Node::is_null)
    }
}

/// Tells `sink` the object at `root` with all changes of `plan`.
pub(super) fn walk<S: Sink>(root: Node<'_>, plan: &Plan<'_>, sink: S) -> Result<S, EditError> {
    let mut walk = Walk { sink, path: PointerBuf::new() };
    let spot = Spot { key: None, there: Some(root) };
    if plan.below.is_empty() {
        walk.sink.keep(None, root);
    } else if spot.holds() {
        walk.below(spot, plan)?;
    } else {
        return Err(walk.nothing_below(root));
    }
    Ok(walk.sink)
}

struct Walk<S> {
    sink: S,
    /// Where the walk is.
    path: PointerBuf,
}

impl<S: Sink> Walk<S> {
    fn error(&self, message: impl Into<String>) -> EditError {
        EditError { path: self.path.clone(), message: message.into() }
    }

    fn nothing_below(&self, node: Node<'_>) -> EditError {
        self.error(format!("is {}, and nothing stands below that", node.type_name()))
    }

    /// One step down. Recursion is bounded by the length of paths, see [`Plan`].
    fn step<'t>(&mut self, token: impl Into<Token<'t>>, spot: Spot<'_>, plan: &Plan<'_>) -> Result<(), EditError> {
        self.path.push_back(token);
        match &plan.change {
            None => self.below(spot, plan)?,
            Some(Change::Set(value)) => self.set(spot, value, plan)?,
            Some(Change::Remove) => self.remove(spot, plan)?,
            Some(Change::Append(items)) => self.append(spot, &items.ordered, plan)?,
        }
        self.path.pop_back();
        Ok(())
    }

    fn set(&mut self, spot: Spot<'_>, value: &serde_json::Value, plan: &Plan<'_>) -> Result<(), EditError> {
        if let Some(node) = spot.there {
            if equals(node, value) {
                self.sink.keep(spot.key, node);
                return Ok(());
            }
            self.overwrites(node, plan)?;
        }
        self.sink.put(spot, &self.path, value);
        Ok(())
    }

    fn remove(&mut self, spot: Spot<'_>, plan: &Plan<'_>) -> Result<(), EditError> {
        let Some(node) = spot.there else { return Ok(()) };
        if spot.key.is_none() {
            return Err(self.error("is an item of a list; only members of maps are removed"));
        }
        self.overwrites(node, plan)?;
        self.sink.remove(&self.path);
        Ok(())
    }

    /// Whether what stands here may go: with an unread member of it something would be lost that no rule has seen.
    fn overwrites(&self, node: Node<'_>, plan: &Plan<'_>) -> Result<(), EditError> {
        if plan.veiled && node.is_map() {
            return Err(self.error("may hold members that are not read; set or remove what stands in it"));
        }
        Ok(())
    }

    fn append(&mut self, spot: Spot<'_>, items: &[&serde_json::Value], plan: &Plan<'_>) -> Result<(), EditError> {
        match spot.there {
            Some(node) if !node.is_list() && !node.is_null() => {
                Err(self.error(format!("is {}, expected a list", node.type_name())))
            }
            _ => self.list(spot, items, plan),
        }
    }

    /// What stays where it is, with changes below it.
    fn below(&mut self, spot: Spot<'_>, plan: &Plan<'_>) -> Result<(), EditError> {
        match spot.there {
            Some(node) if node.is_list() => self.list(spot, &[], plan),
            Some(node) if !node.is_map() && !node.is_null() => Err(self.nothing_below(node)),
            Some(node) if spot.is_vacant() && !plan.makes => {
                self.sink.keep(spot.key, node);
                Ok(())
            }
            None if !plan.makes => Ok(()),
            _ => self.map(spot, plan),
        }
    }

    fn map(&mut self, spot: Spot<'_>, plan: &Plan<'_>) -> Result<(), EditError> {
        self.sink.open(spot, &self.path, Content::Map);
        let mut rest: BTreeMap<_, _> = plan.below.iter().map(|(name, below)| (name.as_str(), below)).collect();
        for (name, member) in spot.there.into_iter().flat_map(Node::members) {
            match rest.remove(name) {
                Some(below) => self.step(name, Spot { key: Some(name), there: Some(member) }, below)?,
                None => self.sink.keep(Some(name), member),
            }
        }
        for (name, below) in rest {
            self.step(name, Spot { key: Some(name), there: None }, below)?;
        }
        self.sink.close();
        Ok(())
    }

    fn list(&mut self, spot: Spot<'_>, more: &[&serde_json::Value], plan: &Plan<'_>) -> Result<(), EditError> {
        let mut rest = self.by_index(plan)?;
        self.sink.open(spot, &self.path, Content::List);
        for (at, item) in spot.there.into_iter().flat_map(Node::items).enumerate() {
            match rest.remove(&at) {
                Some(below) => self.step(at, Spot { key: None, there: Some(item) }, below)?,
                None => self.sink.keep(None, item),
            }
        }
        if let Some(at) = rest.keys().next() {
            return Err(self.error(format!("has no item `{at}`")));
        }
        self.path.push_back("-");
        for value in more {
            self.sink.put(Spot { key: None, there: None }, &self.path, value);
        }
        self.path.pop_back();
        self.sink.close();
        Ok(())
    }

    fn by_index<'p>(&self, plan: &'p Plan<'p>) -> Result<BTreeMap<usize, &'p Plan<'p>>, EditError> {
        let numbered = |(token, below): (&'p String, &'p Plan<'p>)| match index(token) {
            Some(at) => Ok((at, below)),
            None => Err(self.error(format!("is a list, and `{token}` is no index of an item"))),
        };
        plan.below.iter().map(numbered).collect()
    }
}

fn equals(node: Node<'_>, value: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (node.value(), value) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(ours), Json::Bool(theirs)) => ours == *theirs,
        (Value::Number(ours), Json::Number(theirs)) => ours == theirs,
        (Value::Text(ours), Json::String(theirs)) => ours == theirs,
        (Value::List, Json::Array(theirs)) => {
            node.items().count() == theirs.len() && node.items().zip(theirs).all(|(ours, theirs)| equals(ours, theirs))
        }
        (Value::Map, Json::Object(theirs)) => {
            let equal = |(name, ours)| theirs.get(name).is_some_and(|theirs| equals(ours, theirs));
            node.members().count() == theirs.len() && node.members().all(equal)
        }
        _ => false,
    }
}
