//! Files, folders and standard input as texts.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// A text and where it came from.
#[derive(Debug)]
pub(super) struct Source {
    /// The file as the user would name it.
    pub(super) name: String,
    /// Its text without a byte order mark.
    pub(super) text: String,
}

/// A file that could not be read.
#[derive(Debug)]
pub(super) struct Unread {
    /// The file.
    pub(super) name: String,
    /// Why, and what to do.
    pub(super) message: String,
}

/// Reads everything that `paths` name: files as they are, folders with all YAML and JSON files below them, `-` for
/// standard input.
pub(super) fn read_all(paths: &[PathBuf]) -> (Vec<Source>, Vec<Unread>) {
    let mut sources = Vec::new();
    let mut unread = Vec::new();
    for path in paths {
        let found = if path.as_os_str() == "-" { vec![read_stdin()] } else { read_path(path) };
        for result in found {
            match result {
                Ok(source) => sources.push(source),
                Err(error) => unread.push(error),
            }
        }
    }
    (sources, unread)
}

fn read_path(path: &Path) -> Vec<Result<Source, Unread>> {
    if !path.is_dir() {
        return vec![read_file(path)];
    }
    let walk = WalkDir::new(path).follow_links(true).sort_by_file_name();
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for entry in walk.into_iter().filter_entry(is_visible) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_manifest(entry.path()) => {
                // Links lead to the same file by many ways; it is judged once.
                let file = fs::canonicalize(entry.path()).unwrap_or_else(|_| entry.path().to_owned());
                if seen.insert(file) {
                    found.push(read_file(entry.path()));
                }
            }
            Ok(_) => {}
            // A link back to a folder above: all below it is read already.
            Err(error) if error.loop_ancestor().is_some() => {}
            Err(error) => {
                let name = error.path().unwrap_or(path).display().to_string();
                found.push(Err(Unread { name, message: format!("cannot be read: {error}") }));
            }
        }
    }
    if found.is_empty() {
        let message = "holds no file named *.yaml, *.yml or *.json; name the files themselves".to_owned();
        found.push(Err(Unread { name: path.display().to_string(), message }));
    }
    found
}

fn is_visible(entry: &DirEntry) -> bool {
    entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.')
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
}

/// Reads one file.
pub(super) fn read_file(path: &Path) -> Result<Source, Unread> {
    let name = path.display().to_string();
    match fs::read(path) {
        Ok(bytes) => text(name, bytes),
        Err(error) => Err(Unread { name, message: format!("cannot be read: {error}") }),
    }
}

fn read_stdin() -> Result<Source, Unread> {
    let name = "<stdin>".to_owned();
    let mut bytes = Vec::new();
    match io::stdin().lock().read_to_end(&mut bytes) {
        Ok(_) => text(name, bytes),
        Err(error) => Err(Unread { name, message: format!("cannot be read: {error}") }),
    }
}

fn text(name: String, bytes: Vec<u8>) -> Result<Source, Unread> {
    match String::from_utf8(bytes) {
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
            Ok(Source { name, text })
        }
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            Err(Unread { name, message: format!("not UTF-8 after byte {valid}; save it as UTF-8") })
        }
    }
}
