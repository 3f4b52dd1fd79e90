//! What the sources are held to.

use super::names::{Names, explicit};
use super::source::{Mention, Source, Use, module_of};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The layers, lowest first: each may name itself and those before it. One that does not exist yet does no harm here.
pub(crate) const LAYERS: [&str; 15] = [
    "object",
    "mesh",
    "rule",
    "policy",
    "engine",
    "review",
    "manifest",
    "suite",
    "telemetry",
    "store",
    "certificate",
    "cluster",
    "server",
    "cli",
    "main",
];

/// The last of the layers that know nothing of the world.
const LAST_PURE: &str = "suite";

/// What a pure layer may not mention: files, network, environment, clock, threads, terminal, async.
const WORLD: [&str; 19] = [
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::time::UNIX_EPOCH",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
    "jiff::tz::TimeZone::system",
    "tokio",
    "hyper",
    "axum",
    "tempfile",
    "walkdir",
];

/// Macros that write to the terminal.
const PRINTING: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// The most lines of a file: a longer one is split.
const MAX_LINES: usize = 400;

/// The rules, as a message names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    Unreadable,
    Layers,
    Pure,
    Orphan,
    ModRs,
    Length,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "a source must parse",
            Self::Layers => "a layer names only itself and lower layers",
            Self::Pure => "the pure layers know nothing of the world",
            Self::Orphan => "every source is named by a plain `mod`",
            Self::ModRs => "modules are foo.rs beside foo/",
            Self::Length => "a file has at most 400 lines",
        })
    }
}

/// One place where a rule is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Breach {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) rule: Rule,
    pub(crate) what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} ({})", self.file, self.line, self.what, self.rule)
    }
}

/// Every breach in these sources, given as (path from the package's root, text).
pub(crate) fn breaches(files: &[(String, String)]) -> Vec<Breach> {
    let mut found = BTreeSet::new();
    let mut sources = Vec::new();
    for (path, text) in files {
        match Source::read(path, text) {
            Ok(source) => sources.push(source),
            Err(error) => {
                let line = error.span().start().line;
                found.insert(Breach { file: path.clone(), line, rule: Rule::Unreadable, what: error.to_string() });
            }
        }
    }
    let house = House::new(&sources);
    for source in &sources {
        found.extend(house.of_file(source));
        found.extend(source.mentions.iter().flat_map(|mention| house.of_mention(source, mention)));
    }
    found.into_iter().collect()
}

fn rank(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|known| *known == layer)
}

fn is_pure(layer: &str) -> bool {
    rank(layer).is_some_and(|rank| Some(rank) <= self::rank(LAST_PURE))
}

/// What has to be known of all sources to judge one of them.
struct House<'a> {
    names: Names<'a>,
    /// The layer that defines an exported macro.
    macros: BTreeMap<&'a str, &'a str>,
    /// The files that some `mod` names; true where only tests do.
    reached: BTreeMap<&'a str, bool>,
}

impl<'a> House<'a> {
    fn new(sources: &'a [Source]) -> Self {
        let mut house = Self { names: Names::new(sources), macros: BTreeMap::new(), reached: BTreeMap::new() };
        for source in sources {
            let layer = source.module.first().map_or("", String::as_str);
            house.macros.extend(source.exported.iter().map(|name| (name.as_str(), layer)));
        }
        for root in ["src/lib.rs", "src/main.rs"] {
            house.reach(sources, root, false);
        }
        house
    }

    fn reach(&mut self, sources: &'a [Source], path: &str, test: bool) {
        let Some(source) = sources.iter().find(|source| source.path == path) else {
            return;
        };
        if self.reached.get(source.path.as_str()).is_some_and(|known| *known <= test) {
            return;
        }
        self.reached.insert(&source.path, test);
        for declaration in &source.declarations {
            let module: Vec<&str> = declaration.module.iter().map(String::as_str).collect();
            // what main.rs names stands beside it, not below src/main/
            let module = if path == "src/main.rs" { module.get(1..).unwrap_or_default() } else { &module };
            for end in [".rs", "/mod.rs"] {
                self.reach(sources, &format!("src/{}{end}", module.join("/")), test || declaration.test);
            }
        }
    }

    fn of_file(&self, source: &Source) -> Vec<Breach> {
        let mut found = Vec::new();
        let mut refuse = |line, rule, what| found.push(Breach { file: source.path.clone(), line, rule, what });
        if let Some(layer) = source.module.first().filter(|layer| rank(layer).is_none()) {
            refuse(1, Rule::Layers, format!("`{layer}` is no layer"));
        }
        if !self.reached.contains_key(source.path.as_str()) {
            refuse(1, Rule::Orphan, "no `mod` names this file".to_owned());
        }
        for declaration in source.declarations.iter().filter(|declaration| declaration.has_path) {
            refuse(declaration.line, Rule::Orphan, "`#[path]` says where a module lies".to_owned());
        }
        if source.path.ends_with("/mod.rs") {
            let home = module_of(&source.path).join("/");
            refuse(1, Rule::ModRs, format!("this belongs into src/{home}.rs"));
        }
        if source.lines > MAX_LINES {
            refuse(MAX_LINES + 1, Rule::Length, format!("{} lines", source.lines));
        }
        found
    }

    fn of_mention(&self, source: &Source, mention: &Mention) -> Vec<Breach> {
        let said = mention.segments.join("::");
        let test = mention.test || self.reached.get(source.path.as_str()).copied().unwrap_or(false);
        let layers = self.climbs(mention).map(|why| (Rule::Layers, format!("`{said}` {why}")));
        let world = if test { None } else { self.reaches_world(mention) };
        let world = world.map(|what| (Rule::Pure, format!("`{said}` reaches `{what}`")));
        let at = |(rule, what)| Breach { file: source.path.clone(), line: mention.line, rule, what };
        layers.into_iter().chain(world).map(at).collect()
    }

    /// Why this mention points up, if it does.
    fn climbs(&self, mention: &Mention) -> Option<String> {
        let own = mention.module.first()?;
        let own_rank = rank(own)?;
        if mention.what == Use::Path && mention.segments.len() == 1 {
            return None;
        }
        let path = explicit(&mention.module, &mention.segments)?;
        let Some(named) = path.first() else {
            return (own != "main").then(|| "takes in the whole crate".to_owned());
        };
        let named = self.macros.get(named.as_str()).copied().unwrap_or(named);
        match rank(named) {
            None => Some(format!("leads to `{named}`, which is no layer")),
            Some(rank) if rank > own_rank => Some(format!("points up: `{own}` stands below `{named}`")),
            Some(_) => None,
        }
    }

    /// The piece of the world that a mention in a pure layer reaches, if it does.
    fn reaches_world(&self, mention: &Mention) -> Option<String> {
        mention.module.first().filter(|layer| is_pure(layer))?;
        if mention.what == Use::Macro {
            let name = mention.segments.last()?;
            if PRINTING.contains(&name.as_str()) {
                return Some(format!("{name}!"));
            }
        }
        let meanings = self.names.outside(mention);
        let reached = |world: &&&str| {
            let world: Vec<&str> = world.split("::").collect();
            meanings.iter().any(|path| {
                let shared = path.iter().zip(&world).take_while(|(said, known)| said == known).count();
                shared == world.len() || (mention.what == Use::Glob && shared == path.len() && shared > 0)
            })
        };
        WORLD.iter().find(reached).map(|world| (*world).to_owned())
    }
}
