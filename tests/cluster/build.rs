//! `tests/control-plane/build.sh` where it cannot build.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::common::cli::Run;
use crate::control_plane::scripts;

/// The script in a checkout where it has not run yet, with nothing but these programs.
fn build(programs: &[&str], variables: &[(&str, &str)]) -> Run {
    let checkout = TempDir::new().expect("a folder");
    let path = checkout.path().join("bin");
    fs::create_dir(&path).expect("a folder");
    for program in ["bash", "cat", "cksum", "cp", "dirname", "mkdir", "rm", "tail"].iter().chain(programs) {
        symlink(find(program), path.join(program)).expect("a link");
    }
    let copied = checkout.path().join("tests/control-plane");
    copy(&scripts(), &copied);
    let mut command = Command::new("bash");
    command.arg(copied.join("build.sh")).env("PATH", path).env("GOMODCACHE", checkout.path().join("modules"));
    command.env_remove("KUBEBUILDER_ASSETS").envs(variables.iter().copied()).output().expect("bash runs").into()
}

fn find(program: &str) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").expect("a PATH");
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.exists()).expect(program)
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.expect("an entry");
        let target = to.join(entry.path().strip_prefix(from).expect("below it"));
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).expect("a folder");
        } else {
            fs::copy(entry.path(), target).expect("a file");
        }
    }
}

const LEAVE_OUT: &str = "[only the cluster tests need this: `cargo test` without `--ignored` leaves them out]";

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn says_that_go_is_missing() {
    let run = build(&[], &[]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    let missing = "no `go` in PATH: install Go 1.26 or later from https://go.dev/dl";
    assert_eq!(run.err, format!("error: {missing} {LEAVE_OUT}\n"));
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn says_that_modules_cannot_be_fetched() {
    let run = build(&["go"], &[("GOPROXY", "off")]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert_eq!(
        run.err,
        format!("error: cannot fetch Kubernetes: go: module lookup disabled by GOPROXY=off {LEAVE_OUT}\n")
    );
}
