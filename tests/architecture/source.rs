//! What one source file says: the paths it mentions, the modules it names.

/// What a path is mentioned for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Use {
    /// In an expression, a type, a pattern, an attribute or a macro's tokens.
    Path,
    /// Brought into the module under this name.
    Import(String),
    /// Everything below it is brought into the module.
    Glob,
    /// Called as a macro.
    Macro,
}

/// One path as it is written.
#[derive(Debug)]
pub(crate) struct Mention {
    pub(crate) segments: Vec<String>,
    pub(crate) what: Use,
    /// The module it is written in, from the crate's root.
    pub(crate) module: Vec<String>,
    pub(crate) line: usize,
    pub(crate) test: bool,
}

/// One `mod name;`: a module in a file of its own.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) module: Vec<String>,
    pub(crate) line: usize,
    pub(crate) test: bool,
    pub(crate) has_path: bool,
}

/// One file under `src/`, read.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) lines: usize,
    /// The module that the file is: none for `lib.rs`, `main` for `main.rs`.
    pub(crate) module: Vec<String>,
    /// All modules written out in this file, itself included.
    pub(crate) modules: Vec<Vec<String>>,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) declarations: Vec<Declaration>,
    /// Macros that `#[macro_export]` puts at the crate's root.
    pub(crate) exported: Vec<String>,
}

/// The module that a file is.
pub(crate) fn module_of(path: &str) -> Vec<String> {
    let name = path.strip_prefix("src/").unwrap_or(path);
    let name = name.strip_suffix(".rs").unwrap_or(name);
    let name = name.strip_suffix("/mod").unwrap_or(name);
    name.split('/').filter(|part| *part != "lib").map(str::to_owned).collect()
}
