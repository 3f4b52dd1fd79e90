//! What a path stands for, given the imports of all sources.

use super::source::{Mention, Source, Use};
use std::collections::{BTreeMap, BTreeSet};

/// How many imports are followed from a name to what it stands for.
const MAX_HOPS: usize = 6;

/// The path from the crate's root that these segments say outright, by `crate`, `vigla`, `self` or `super`.
pub(crate) fn explicit(module: &[String], segments: &[String]) -> Option<Vec<String>> {
    let (first, mut rest) = segments.split_first()?;
    let mut base = match first.as_str() {
        // the binary is a crate of its own, and its root is our module `main`
        "crate" if module.first().is_some_and(|layer| layer == "main") => module.get(..1)?,
        "crate" | "vigla" => &[],
        "self" => module,
        "super" => module.split_last()?.1,
        _ => return None,
    };
    while let Some((_, below)) = rest.split_first().filter(|(next, _)| *next == "super") {
        (base, rest) = (base.split_last()?.1, below);
    }
    Some([base, rest].concat())
}

/// What the modules bring in.
pub(crate) struct Names<'a> {
    modules: BTreeSet<&'a [String]>,
    by_name: BTreeMap<(&'a [String], &'a str), Vec<&'a Mention>>,
    by_glob: BTreeMap<&'a [String], Vec<&'a Mention>>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(sources: &'a [Source]) -> Self {
        let modules = sources.iter().flat_map(|source| &source.modules).map(Vec::as_slice).collect();
        let mut names = Self { modules, by_name: BTreeMap::new(), by_glob: BTreeMap::new() };
        for mention in sources.iter().flat_map(|source| &source.mentions) {
            match &mention.what {
                Use::Import(name) => names.by_name.entry((&mention.module, name)).or_default().push(mention),
                Use::Glob => names.by_glob.entry(&mention.module).or_default().push(mention),
                Use::Path | Use::Macro => {}
            }
        }
        names
    }

    /// All paths into other crates that a mention may stand for.
    pub(crate) fn outside(&self, mention: &Mention) -> Vec<Vec<String>> {
        self.meanings(&mention.module, &mention.segments, MAX_HOPS)
    }

    fn meanings(&self, module: &[String], segments: &[String], hops: usize) -> Vec<Vec<String>> {
        if let Some(path) = explicit(module, segments) {
            return self.imported(&path, hops);
        }
        let mut found = self.imported(&[module, segments].concat(), hops);
        found.push(segments.to_vec());
        found
    }

    /// The same for a path from the crate's root: follows what its module brings in.
    fn imported(&self, path: &[String], hops: usize) -> Vec<Vec<String>> {
        let is_module = |split: &(&[String], &[String])| self.modules.contains(split.0);
        let splits = (0..path.len()).rev().filter_map(|at| path.split_at_checked(at));
        let Some(((module, rest), hops)) = splits.into_iter().find(is_module).zip(hops.checked_sub(1)) else {
            return Vec::new();
        };
        let Some((name, tail)) = rest.split_first() else {
            return Vec::new();
        };
        let by_name = self.by_name.get(&(module, name.as_str())).into_iter().flatten();
        let by_glob = self.by_glob.get(module).into_iter().flatten();
        by_name
            .map(|import| self.meanings(module, &[import.segments.as_slice(), tail].concat(), hops))
            .chain(by_glob.map(|glob| self.meanings(module, &[glob.segments.as_slice(), rest].concat(), hops)))
            .flatten()
            .collect()
    }
}
