//! Files, folders and standard input as texts.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind, Read};
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
    /// Whether it is a folder in which there is nothing to be read.
    pub(super) is_empty: bool,
}

impl Unread {
    fn new(name: String, message: String) -> Self {
        Self { name, message, is_empty: false }
    }
}

/// Whether one of `paths` stands for standard input.
pub(super) fn name_stdin(paths: &[PathBuf]) -> bool {
    paths.iter().any(|path| is_stdin(path))
}

/// Reads everything that `paths` name: files as they are, folders with all YAML and JSON files below them, `-` for
/// standard input. What several paths or links lead to is read once.
pub(super) fn read_all(paths: &[PathBuf]) -> (Vec<Source>, Vec<Unread>) {
    let mut reader = Reader::default();
    paths.iter().for_each(|path| reader.path(path));
    (reader.sources, reader.unread)
}

#[derive(Default)]
struct Reader {
    sources: Vec<Source>,
    unread: Vec<Unread>,
    /// What was read, by its path without links.
    seen: HashSet<PathBuf>,
}

impl Reader {
    fn path(&mut self, path: &Path) {
        if is_stdin(path) {
            if self.seen.insert(path.to_owned()) {
                self.add(read_stdin());
            }
        } else if path.is_dir() {
            self.folder(path);
        } else {
            self.file(path);
        }
    }

    fn folder(&mut self, folder: &Path) {
        let mut empty = true;
        for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter().filter_entry(is_visible) {
            match entry {
                Ok(entry) if !entry.file_type().is_file() || !is_manifest(entry.path()) => continue,
                Ok(entry) => self.file(entry.path()),
                Err(error) if is_nothing(&error) => continue,
                Err(error) => self.unread.push(unread(folder, &error)),
            }
            empty = false;
        }
        if empty {
            let message = "holds no file named *.yaml, *.yml or *.json; name the files themselves".to_owned();
            self.unread.push(Unread { name: folder.display().to_string(), message, is_empty: true });
        }
    }

    fn file(&mut self, path: &Path) {
        let file = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if self.seen.insert(file) {
            self.add(read_file(path));
        }
    }

    fn add(&mut self, result: Result<Source, Unread>) {
        match result {
            Ok(source) => self.sources.push(source),
            Err(error) => self.unread.push(error),
        }
    }
}

/// Whether a path stands for standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether nothing is lost where `error` says that an entry of a folder cannot be read.
fn is_nothing(error: &walkdir::Error) -> bool {
    // A link back to a folder above: all below it is read already.
    if error.loop_ancestor().is_some() {
        return true;
    }
    // A link that leads nowhere, by a name that no file is read by. Without an extension it may be a folder's.
    let Some(path) = error.path().filter(|path| dangles(path, error)) else {
        return false;
    };
    is_hidden(path.file_name().unwrap_or_default()) || (path.extension().is_some() && !is_manifest(path))
}

fn dangles(path: &Path, error: &walkdir::Error) -> bool {
    error.io_error().is_some_and(|error| error.kind() == ErrorKind::NotFound) && path.is_symlink()
}

/// Why an entry of `folder` cannot be read.
fn unread(folder: &Path, error: &walkdir::Error) -> Unread {
    let path = error.path().unwrap_or(folder);
    let message = match fs::read_link(path).ok().filter(|_| dangles(path, error)) {
        Some(target) => format!("cannot be read: a link to `{}`, which is not there", target.display()),
        // The walker's own words say the path once more.
        None => format!("cannot be read: {}", error.io_error().map_or_else(|| error.to_string(), ToString::to_string)),
    };
    Unread::new(path.display().to_string(), message)
}

fn is_visible(entry: &DirEntry) -> bool {
    entry.depth() == 0 || !is_hidden(entry.file_name())
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
}

/// Reads one file.
pub(super) fn read_file(path: &Path) -> Result<Source, Unread> {
    let name = path.display().to_string();
    match fs::read(path) {
        Ok(bytes) => text(name, bytes),
        Err(error) => Err(Unread::new(name, format!("cannot be read: {error}"))),
    }
}

fn read_stdin() -> Result<Source, Unread> {
    let name = "<stdin>".to_owned();
    let mut bytes = Vec::new();
    match io::stdin().lock().read_to_end(&mut bytes) {
        Ok(_) => text(name, bytes),
        Err(error) => Err(Unread::new(name, format!("cannot be read: {error}"))),
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
            Err(Unread::new(name, format!("not UTF-8 after byte {valid}; save it as UTF-8")))
        }
    }
}
