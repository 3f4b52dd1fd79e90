//! Which of many sets of edits stand in each other's way. One tree of all paths tells, whatever the number of sets.

use std::collections::{BTreeMap, HashSet};

use super::Edit;
use super::plan::{fit, index};

/// The sets, by their place among `sets`, that contradict another; none where all can be laid over one object.
///
/// Two edits contradict each other where they leave different things at one path, or where one changes what stands below
/// a path that the other sets or removes, whatever the values. Items for one list do not contradict each other, or a
/// change of an item that is there; a change of a member at or below the list does. Equal edits are one.
///
/// A set that contradicts itself, or has an edit that fits no object at all, is among them: ask [`super::overlay`] of
/// each alone first.
#[must_use]
pub fn conflicting<'e>(sets: impl IntoIterator<Item = &'e [Edit]>) -> HashSet<usize> {
    let mut found = HashSet::new();
    let mut edited = Edited::default();
    for (set, edits) in sets.into_iter().enumerate() {
        for edit in edits {
            match fit(edit) {
                Ok(_) => edited.add(set, edit),
                Err(_) => found.extend([set]),
            }
        }
    }
    edited.find(false, &mut found);
    found
}

/// The edits of one path, each with its set, and those below it.
#[derive(Default)]
struct Edited<'e> {
    here: Vec<(usize, &'e Edit)>,
    below: BTreeMap<String, Self>,
}

impl<'e> Edited<'e> {
    fn add(&mut self, set: usize, edit: &'e Edit) {
        let mut edited = self;
        for token in edit.path().tokens() {
            edited = edited.below.entry(token.decoded().into_owned()).or_default();
        }
        edited.here.push((set, edit));
    }

    /// Takes down whose edits contradict others; `closed`: everything from here on down contradicts what stands above.
    ///
    /// Recursion is bounded: no path that fits an object is longer than [`crate::object::MAX_DEPTH`].
    fn find(&self, closed: bool, found: &mut HashSet<usize>) {
        let neighbours = self.here.iter().zip(self.here.iter().skip(1));
        let differ =
            |((_, one), (_, other)): (&(_, &Edit), &(_, &Edit))| one != other && !(appends(one) && appends(other));
        let mut contradicted = closed || neighbours.into_iter().any(differ);
        let whole = self.here.iter().any(|(_, edit)| !appends(edit));
        for (name, below) in &self.below {
            let closes = whole || (!self.here.is_empty() && index(name).is_none());
            contradicted |= closes;
            below.find(closed || closes, found);
        }
        if contradicted {
            found.extend(self.here.iter().map(|(set, _)| *set));
        }
    }
}

fn appends(edit: &Edit) -> bool {
    matches!(edit, Edit::Append { .. })
}
