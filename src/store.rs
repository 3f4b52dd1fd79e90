//! Files that a server stands on, read again while it runs.
//!
//! They are read, not watched. A mounted ConfigMap or Secret changes by a link that the kubelet swaps, which inotify
//! tells differently from one file system to the next; and a node's processes share its few instances (by default 128 a
//! user), for want of which a webhook must not fail. Reading some files every second costs next to nothing.

use std::path::Path;
use std::time::Duration;
use std::{io, thread};

/// How often files are read. A change is taken up after two readings at most, and one more that found it half done.
const PERIOD: Duration = Duration::from_secs(1);

/// What was read of some files.
#[derive(Debug)]
pub struct Watched<T> {
    taken: T,
    last: T,
}

impl<T: Clone + PartialEq> Watched<T> {
    /// What was read first, and taken up as it was.
    pub fn new(first: T) -> Self {
        Self { taken: first.clone(), last: first }
    }

    /// What is to be taken up, told once: `now`, if it differs from what was taken up last and was read twice in a row.
    /// Files that are being changed may be read by halves, but hardly twice by the same ones.
    pub fn settle(&mut self, now: T) -> Option<&T> {
        let settled = now == self.last && now != self.taken;
        if settled {
            self.taken = now;
            return Some(&self.taken);
        }
        self.last = now;
        None
    }
}

/// Whether reading a path once more is of use: a pipe is empty by then, or keeps its reader waiting.
pub fn lasts(path: &Path) -> bool {
    path.is_file() || path.is_dir()
}

/// Calls `look` again and again for as long as the process lives, on a thread of its own: files and compiling would hold
/// up requests.
///
/// # Errors
/// Where the system has no thread left.
pub fn keep_looking(mut look: impl FnMut() + Send + 'static) -> io::Result<()> {
    let looking = move || {
        loop {
            thread::sleep(PERIOD);
            look();
        }
    };
    thread::Builder::new().name("reload".to_owned()).spawn(looking).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_up_what_was_read_twice() {
        let mut watched = Watched::new("old");
        assert_eq!(watched.settle("old"), None);
        assert_eq!(watched.settle("new"), None);
        assert_eq!(watched.settle("new"), Some(&"new"));
        assert_eq!(watched.settle("new"), None, "told once");
        assert_eq!(watched.settle("old"), None);
        assert_eq!(watched.settle("old"), Some(&"old"), "back to what it was");
    }

    #[test]
    fn passes_over_what_is_being_changed() {
        let mut watched = Watched::new("old");
        for now in ["half", "half and half", "old", "half", "new"] {
            assert_eq!(watched.settle(now), None, "{now}");
        }
        assert_eq!(watched.settle("new"), Some(&"new"));
    }
}
