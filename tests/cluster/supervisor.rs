//! `tests/control-plane/run.sh` leaves nothing behind, whatever happens to those who use it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use crate::common::PATIENCE;
use crate::common::cli::Run;
use crate::control_plane::{kubeconfig_of, run_sh, scripts};

/// The processes with this folder in their command lines.
fn processes(folder: &Path) -> Vec<(String, String)> {
    let listing = Command::new("ps").args(["-A", "-ww", "-o", "pid=,args="]).output().expect("ps runs");
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    let lines = listing.lines().filter(|line| line.contains(&*folder.to_string_lossy()));
    let mut found: Vec<_> = lines.filter_map(|line| line.trim().split_once(' ')).collect();
    found.sort_by_key(|(_, command)| command.contains("/kube-apiserver "));
    found.into_iter().map(|(id, command)| (id.to_owned(), command.to_owned())).collect()
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// Fails where it does not come true.
fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
    }
}

fn kill(id: &str) {
    assert!(Command::new("kill").args(["-s", "KILL", id]).status().expect("kill runs").success());
}

/// A control plane of its own in this folder.
fn start(folder: &TempDir, arguments: &[&str]) -> (Child, String) {
    let mut command = run_sh();
    let mut child =
        command.args(arguments).env("TMPDIR", folder.path()).stderr(Stdio::piped()).spawn().expect("bash runs");
    let kubeconfig = kubeconfig_of(&mut child).expect("a control plane");
    let kubeconfig = fs::read_to_string(kubeconfig).expect("a kubeconfig");
    assert_eq!(processes(folder.path()).len(), 2);
    (child, kubeconfig)
}

/// What it says on the way out, and its exit code.
fn end(mut child: Child) -> (String, Option<i32>) {
    drop(child.stdin.take());
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("UTF-8");
    (said, child.wait().expect("an end").code())
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn nothing_is_left_when_its_user_is_killed() {
    let folder = TempDir::new().expect("a folder");
    let script = r#"coproc PLANE { exec bash "$0"; }; read -r line <&"${PLANE[0]}"; echo "$line"; wait"#;
    let mut command = Command::new("bash");
    command.args(["-c", script]).arg(scripts().join("run.sh")).env("TMPDIR", folder.path()).stdout(Stdio::piped());
    let mut user = command.spawn().expect("bash runs");
    assert!(kubeconfig_of(&mut user).expect("a control plane").exists());
    assert_eq!(processes(folder.path()).len(), 2);
    user.kill().expect("killed");
    user.wait().expect("an end");
    wait_until("the processes live on", || processes(folder.path()).is_empty());
    wait_until("the folder stays", || entries(folder.path()).is_empty());
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn nothing_is_left_when_its_user_ends_before_it_is_ready() {
    let folder = TempDir::new().expect("a folder");
    let mut child = run_sh().env("TMPDIR", folder.path()).spawn().expect("bash runs");
    wait_until("nothing starts", || processes(folder.path()).len() == 2);
    drop((child.stdin.take(), child.stdout.take()));
    assert!(child.wait().expect("an end").success());
    assert_eq!(processes(folder.path()), []);
    assert_eq!(entries(folder.path()), [""; 0]);
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn a_port_in_use_is_left_to_its_owner() {
    let folder = TempDir::new().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let (child, kubeconfig) = start(&folder, &[&port]);
    assert!(kubeconfig.contains("https://127.0.0.1:2"), "{kubeconfig}");
    assert!(!kubeconfig.contains(&format!("127.0.0.1:{port}")), "{kubeconfig}");
    assert_eq!(end(child), (String::new(), Some(0)));
    assert_eq!(entries(folder.path()), [""; 0]);
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn logs_are_kept_where_asked() {
    let folder = TempDir::new().expect("a folder");
    let (mut child, _) = start(&folder, &[]);
    child.stdin.as_mut().expect("a pipe").write_all(b"keep\n").expect("it reads");
    let (said, code) = end(child);
    let kept = folder.path().join(&entries(folder.path())[0]);
    assert_eq!((said, code), (format!("the control plane's logs are in {}\n", kept.display()), Some(0)));
    assert_eq!(entries(&kept), ["etcd.log", "kube-apiserver.log"]);
    assert_eq!(processes(folder.path()), []);
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn a_server_that_ends_by_itself_is_reported_with_its_logs() {
    let folder = TempDir::new().expect("a folder");
    let (mut child, _) = start(&folder, &[]);
    let stdin = child.stdin.take();
    kill(&processes(folder.path())[1].0);
    let (said, code) = end(child);
    assert!(said.contains("error: kube-apiserver ended by itself\n"), "{said}");
    assert!(said.contains("the control plane's logs are in "), "{said}");
    assert_eq!(code, Some(1));
    assert_eq!(processes(folder.path()), []);
    drop(stdin);
}

#[test]
#[ignore = "needs a control plane: tests/control-plane/build.sh"]
fn says_how_to_build_what_is_not_there() {
    let run: Run = run_sh().env("KUBEBUILDER_ASSETS", "/nowhere").output().expect("bash runs").into();
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert_eq!(run.err, "error: no etcd in /nowhere; tests/control-plane/build.sh builds it\n");
}
