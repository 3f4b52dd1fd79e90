//! What the command line says of itself: version, completions, manual pages.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use std::path::Path;
use std::process::Command;

use common::cli::{Run, vigla};
use vigla::policy::{PolicySet, Profile};
use vigla::telemetry::COMMIT;

#[test]
fn version_names_the_commit_and_the_built_in_policies() {
    let set = PolicySet::built_in(Profile::default()).unwrap();
    let commit = COMMIT.map(|commit| format!("commit {commit}, ")).unwrap_or_default();
    let expected = format!("vigla {} ({commit}built-in policies {})\n", env!("CARGO_PKG_VERSION"), set.hash());
    for flag in ["--version", "-V"] {
        let run = vigla(Path::new("."), &[flag]);
        assert_eq!((run.code, run.out, &*run.err), (0, expected.clone(), ""));
    }
}

#[test]
fn completions_exist_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = vigla(Path::new("."), &["completions", shell]);
        assert_eq!((run.code, &*run.err), (0, ""));
        for word in ["explain", "log-format"] {
            assert!(run.out.contains(word), "{shell} knows no {word}");
        }
    }
    let run = vigla(Path::new("."), &["completions", "tcsh"]);
    assert_eq!((run.code, &*run.out), (2, ""));
}

#[test]
fn bash_completes_a_command() {
    let script = "source <(\"$0\" completions bash); COMP_WORDS=(vigla exp); COMP_CWORD=1; \
                  _vigla vigla exp vigla; echo \"${COMPREPLY[@]}\"";
    let Ok(output) = Command::new("bash").args(["-c", script, env!("CARGO_BIN_EXE_vigla")]).output() else {
        return; // No bash here.
    };
    assert_eq!(Run::from(output).out, "explain\n");
}

#[test]
fn every_command_has_a_manual_page() {
    let page = |arguments: &[&str]| {
        let run = vigla(Path::new("."), &[&["man"], arguments].concat());
        assert_eq!((run.code, &*run.err), (0, ""), "{arguments:?}");
        run.out
    };
    let all = page(&[]);
    assert!(all.contains(".TH vigla 1"), "{all}");
    let commands: Vec<&str> =
        all.lines().filter_map(|line| line.strip_prefix("vigla\\-")?.strip_suffix("(1)")).collect();
    assert!(commands.contains(&"serve") && commands.contains(&"man"), "{all}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        let page = page(&[command]);
        assert!(page.contains(&format!(".TH vigla-{command} 1")) && page.contains("VIGLA_COLOR"), "{page}");
    }
    let run = vigla(Path::new("."), &["man", "sevre"]);
    assert_eq!((run.code, &*run.out), (2, ""));
    assert!(run.err.contains("no command `sevre`"), "{}", run.err);
}
