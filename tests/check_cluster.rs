//! `vigla check --cluster` where there is nothing to be asked. What a cluster holds, the cluster tests judge.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::cli::{Run, command, folder};

/// `vigla check` by somebody who never set up kubectl, in a folder with a kubeconfig of a cluster that is not there.
fn check(arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
                      clusters:\n- {name: test, cluster: {server: \"https://me:s3cret@127.0.0.1:1\"}}\n\
                      contexts:\n- {name: test, context: {cluster: test, user: nobody}}\nusers: [{name: nobody, user: {}}]\n";
    let folder =
        folder(&[("kubeconfig", kubeconfig), ("a.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")]);
    let mut command = command(folder.path(), &[&["check"], arguments].concat());
    command.env_remove("KUBECONFIG").env_remove("KUBERNETES_SERVICE_HOST").env("HOME", "/nowhere");
    let mut run: Run = command.envs(variables.iter().copied()).output().expect("vigla runs").into();
    run.err = run.err.replace(folder.path().to_str().unwrap(), "");
    run
}

#[test]
fn a_cluster_that_is_not_there_is_bad_input() {
    for (arguments, variables) in [
        (&["--cluster", "--kubeconfig", "kubeconfig"][..], &[][..]),
        (&["--cluster"], &[("KUBECONFIG", "kubeconfig")]),
        (&["--cluster", "--context", "test"], &[("KUBECONFIG", "kubeconfig")]),
        (&[], &[("VIGLA_CLUSTER", "yes"), ("VIGLA_KUBECONFIG", "kubeconfig")]),
    ] {
        let run = check(arguments, variables);
        assert_eq!((run.code, run.out.as_str()), (2, ""));
        let place = "error: no answer from the API server at https://127.0.0.1:1 (context `test`): ";
        assert!(run.err.starts_with(place), "{}", run.err);
        let advice = "Connection refused (os error 111); see that it runs and can be reached from here, or name another \
                      by --context or --kubeconfig\n";
        assert!(run.err.ends_with(advice), "{}", run.err);
        assert_eq!(run.err.lines().count(), 1, "{}", run.err);
        assert!(!run.err.contains("s3cret"), "{}", run.err);
    }
}

#[test]
fn no_cluster_at_all_is_said_with_how_to_name_one() {
    let run = check(&["--cluster"], &[]);
    let expected = "error: cannot read the kubeconfig `/nowhere/.kube/config`: No such file or directory (os error 2); \
                    --kubeconfig or KUBECONFIG names another\n";
    assert_eq!((run.code, run.err.as_str()), (2, expected));
    let run = check(&["--cluster", "--context", "other"], &[("KUBECONFIG", "kubeconfig")]);
    let expected = "error: no context `other` in the kubeconfig; `kubectl config get-contexts` lists them\n";
    assert_eq!((run.code, run.err.as_str()), (2, expected));
}

#[test]
fn what_contradicts_each_other_is_refused() {
    for (arguments, variables, expected) in [
        (&["a.yaml", "--cluster"][..], &[][..], "--cluster judges what exists in a cluster; leave out the files"),
        (&["--cluster", "--old", "a.yaml"], &[], "--old is the state before of files"),
        (&[], &[], "nothing to judge; name files, folders or `-`, or give --cluster"),
        (&[], &[("VIGLA_CLUSTER", "no")], "nothing to judge; name files, folders or `-`, or give --cluster"),
    ] {
        let run = check(arguments, variables);
        assert_eq!(run.code, 2);
        assert!(run.err.starts_with(&format!("error: {expected}")), "{}", run.err);
    }
    assert_eq!(check(&["a.yaml"], &[("VIGLA_CLUSTER", "no"), ("KUBECONFIG", "/nowhere")]).code, 0);
}
