//! Tells the compiler which commit this is, for `vigla --version`: what `VIGLA_COMMIT` says (a source archive has no
//! git), else what git says. Only in release builds: in others every commit would compile everything anew.
//!
//! Nothing else of the surroundings goes into a build, so that one commit gives one binary.

use std::env;
use std::path::Path;
use std::process::Command;

/// What makes the answer another one. A path that does not exist would ask again at every build.
const DEPENDS_ON: [&str; 6] = [".git/logs/HEAD", "Cargo.lock", "Cargo.toml", "build.rs", "policies", "src"];

fn main() {
    println!("cargo::rerun-if-env-changed=VIGLA_COMMIT");
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if !is_release || env::var_os("VIGLA_COMMIT").is_some() {
        return;
    }
    for path in DEPENDS_ON.into_iter().filter(|path| Path::new(path).exists()) {
        println!("cargo::rerun-if-changed={path}");
    }
    if let Some(commit) = commit() {
        println!("cargo::rustc-env=VIGLA_COMMIT={commit}");
    }
}

/// The commit, with `-dirty` where files differ from it. Only of this folder's own repository: an archive may have been
/// unpacked inside another one.
fn commit() -> Option<String> {
    let mut git = Command::new("git");
    git.args(["--git-dir", ".git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]);
    let said = git.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(said.stdout).ok().map(|commit| commit.trim().to_owned())
}
