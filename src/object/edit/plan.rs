//! Edits as one tree of their paths: what contradicts itself, or fits no object at all, is noticed here.

use std::collections::{BTreeMap, HashSet};

use json_patch::jsonptr::{Pointer, PointerBuf};
use serde_json::Value;

use super::{Edit, EditError};
use crate::object::MAX_DEPTH;
use crate::object::builder::Depth;

const UNREAD: &str = "is not read, so no edit goes there";
const UNREAD_MEMBER: &str = "would get a member that is not read";
const TOO_DEEP: &str = "nests deeper than any object that can be read";

/// What the edits do at one path and below it.
#[derive(Debug, Default)]
pub(super) struct Plan<'e> {
    pub(super) change: Option<Change<'e>>,
    /// What they do below, by member's name or index. Empty beside [`Change::Set`] and [`Change::Remove`].
    pub(super) below: BTreeMap<String, Plan<'e>>,
    /// Whether anything stands here or below afterwards, so that parents have to be made for it.
    pub(super) makes: bool,
    /// Whether a map that stands here may have members that were not read.
    pub(super) veiled: bool,
}

#[derive(Debug)]
pub(super) enum Change<'e> {
    Set(&'e Value),
    Remove,
    Append(Items<'e>),
}

impl<'e> Change<'e> {
    fn of(edit: &'e Edit) -> Self {
        match edit {
            Edit::Set { value, .. } => Self::Set(value),
            Edit::Remove { .. } => Self::Remove,
            Edit::Append { value, .. } => {
                let mut items = Items::default();
                items.add(value);
                Self::Append(items)
            }
        }
    }
}

/// Items to append, each once.
#[derive(Debug, Default)]
pub(super) struct Items<'e> {
    pub(super) ordered: Vec<&'e Value>,
    known: HashSet<&'e Value>,
}

impl<'e> Items<'e> {
    fn add(&mut self, item: &'e Value) {
        if self.known.insert(item) {
            self.ordered.push(item);
        }
    }
}

impl<'e> Plan<'e> {
    pub(super) fn new(edits: impl IntoIterator<Item = &'e Edit>) -> Result<Self, EditError> {
        let mut plan = Self::default();
        edits.into_iter().try_for_each(|edit| plan.insert(edit))?;
        Ok(plan)
    }

    fn insert(&mut self, edit: &'e Edit) -> Result<(), EditError> {
        let path = edit.path();
        let depth = fit(edit).map_err(|message| EditError { path: path.clone(), message: message.to_owned() })?;
        let mut plan = self;
        for (steps, token) in path.tokens().enumerate() {
            let name = token.decoded();
            if plan.is_closed_to(&name) {
                return Err(contradiction(path, steps));
            }
            plan.makes |= edit.value().is_some();
            plan = plan.below.entry(name.into_owned()).or_default();
        }
        plan.veiled = depth != Depth::Inside;
        plan.makes |= edit.value().is_some();
        if plan.take(edit) { Ok(()) } else { Err(contradiction(path, path.count())) }
    }

    /// Whether the change here rules out any below `name`.
    fn is_closed_to(&self, name: &str) -> bool {
        match self.change {
            None => false,
            Some(Change::Append(_)) => index(name).is_none(),
            Some(Change::Set(_) | Change::Remove) => true,
        }
    }

    /// Takes in an edit of this very path, and says whether it agrees with the others.
    fn take(&mut self, edit: &'e Edit) -> bool {
        let agrees = match (&mut self.change, edit) {
            (Some(Change::Set(known)), Edit::Set { value, .. }) => *known == value,
            (Some(Change::Remove), Edit::Remove { .. }) => true,
            (Some(Change::Append(items)), Edit::Append { value, .. }) => {
                items.add(value);
                true
            }
            (Some(_), _) => false,
            (None, Edit::Append { .. }) => self.below.keys().all(|name| index(name).is_some()),
            (None, _) => self.below.is_empty(),
        };
        self.change.get_or_insert_with(|| Change::of(edit));
        agrees
    }
}

/// Which item of a list a token names: digits without a leading zero.
pub(super) fn index(token: &str) -> Option<usize> {
    token.parse().ok().filter(|index: &usize| index.to_string() == token)
}

/// Where in an object an edit leads, or why it fits no object.
pub(super) fn fit(edit: &Edit) -> Result<Depth, &'static str> {
    let path = edit.path();
    let depth = reach(path)?;
    let (inside, above) = match edit {
        Edit::Append { .. } => (Depth::Inside, path.count() + 1),
        _ => (depth, path.count()),
    };
    if let Some(value) = edit.value() {
        check(value, inside, MAX_DEPTH.checked_sub(above).ok_or(TOO_DEEP)?)?;
    }
    Ok(depth)
}

/// Where in an object a path leads, or why no edit may go there.
fn reach(path: &Pointer) -> Result<Depth, &'static str> {
    if path.is_root() {
        return Err("is the object itself; an edit changes what stands in it");
    }
    if path.tokens().take(MAX_DEPTH + 1).count() > MAX_DEPTH {
        return Err(TOO_DEEP);
    }
    path.tokens().try_fold(Depth::Object, |depth, token| depth.below(&token.decoded())).ok_or(UNREAD)
}

/// Whether a value may stand at `depth`, with room for so many levels of lists and maps.
///
/// Recursion is bounded by that room.
fn check(value: &Value, depth: Depth, room: usize) -> Result<(), &'static str> {
    match value {
        Value::Array(items) => {
            let room = room.checked_sub(1).ok_or(TOO_DEEP)?;
            items.iter().try_for_each(|item| check(item, Depth::Inside, room))
        }
        Value::Object(members) => {
            let room = room.checked_sub(1).ok_or(TOO_DEEP)?;
            members.iter().try_for_each(|(name, member)| check(member, depth.below(name).ok_or(UNREAD_MEMBER)?, room))
        }
        _ => Ok(()),
    }
}

fn contradiction(path: &Pointer, steps: usize) -> EditError {
    let path = PointerBuf::from_tokens(path.tokens().take(steps));
    EditError { path, message: "is changed in two ways that exclude each other".to_owned() }
}
