//! What keeps the server from starting: exit code 2 and one line that says what, where, and what to do.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use assert_cmd::Command;
use hyper::http::StatusCode;
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use crate::common::{Http, REVIEW, Vigla};

/// Two certificates with their keys, `a` and `b`, in a folder.
struct Files(TempDir);

impl Files {
    fn make() -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["a", "b"] {
            let key = KeyPair::generate().unwrap();
            let names = vec!["127.0.0.1".to_owned()];
            let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
            fs::write(folder.path().join(format!("{name}.crt")), certificate.pem()).unwrap();
            fs::write(folder.path().join(format!("{name}.key")), key.serialize_pem()).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The one line that starting with these two files leads to; the folder's name left out.
    fn refusal(&self, certificate: &str, key: &str) -> String {
        let (certificate, key) = (self.path(certificate), self.path(key));
        let line = refusal(&["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()]);
        line.replace(&format!("{}/", self.0.path().display()), "")
    }
}

/// The one line on standard error that starting with these flags leads to.
pub(crate) fn refusal(flags: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigla"));
    let assert = command.args(["serve", "--listen", "127.0.0.1:0"]).args(flags).assert().code(2).stdout("");
    let text = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_with_a_certificate_from_files() {
    let files = Files::make();
    let vigla = Vigla::start_with(&files.path("a.crt"), &files.path("a.key"), &files.path("a.crt"), &[]);
    assert_eq!(vigla.door.post(Http::One, "/validate", REVIEW).await.status, StatusCode::OK);
}

/// Where there is no openssl, nothing is shown.
#[tokio::test(flavor = "multi_thread")]
async fn serves_with_the_certificate_that_the_documentation_makes() {
    let page = include_str!("../../docs/webhook.md");
    let (_, rest) = page.split_once("```\nopenssl req ").expect("how to make one");
    let (arguments, _) = rest.split_once("\nvigla serve").expect("what to do with it");
    let folder = TempDir::new().unwrap();
    let shell =
        |line: &str| std::process::Command::new("sh").args(["-c", line]).current_dir(folder.path()).output().unwrap();
    if !shell("command -v openssl").status.success() {
        return;
    }
    let made = shell(&format!("openssl req {arguments}"));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let [certificate, key] = ["server.crt", "server.key"].map(|name| folder.path().join(name));
    let vigla = Vigla::start_with(&certificate, &key, &certificate, &[]);
    assert_eq!(vigla.door.post(Http::One, "/validate", REVIEW).await.status, StatusCode::OK);
}

#[test]
fn rejects_files_without_what_is_needed() {
    let files = Files::make();
    files.write("two.key", files.read("a.key") + &files.read("b.key"));
    files.write("binary", [0, 159, 146, 150]);
    let missing = "No such file or directory (os error 2)";
    let no_certificate = "expected a PEM section `BEGIN CERTIFICATE`";
    let no_key = "expected one PEM section `BEGIN PRIVATE KEY` (or RSA, EC), not encrypted";
    for (certificate, key, line) in [
        ("none", "a.key", format!("error: cannot read `none`: {missing}")),
        ("a.crt", "none", format!("error: cannot read `none`: {missing}")),
        ("a.key", "a.key", format!("error: no certificate in `a.key`; {no_certificate}")),
        ("binary", "a.key", format!("error: no certificate in `binary`; {no_certificate}")),
        ("a.crt", "a.crt", format!("error: no private key in `a.crt`; {no_key}")),
        ("a.crt", "two.key", "error: 2 private keys in `two.key`; expected one".to_owned()),
    ] {
        assert_eq!(files.refusal(certificate, key), line);
    }
}

#[test]
fn rejects_a_key_of_another_certificate() {
    assert_eq!(
        Files::make().refusal("a.crt", "b.key"),
        "error: the private key in `b.key` does not belong to the certificate in `a.crt`, which must be the \
         first of its chain"
    );
}

#[test]
fn rejects_damaged_files() {
    let files = Files::make();
    let section = |kind, text| format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n");
    files.write("cut.crt", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    files.write("open.crt", "-----BEGIN CERTIFICATE\nMIIB\n");
    files.write("text.crt", section("CERTIFICATE", "not base64!"));
    files.write("odd.crt", section("CERTIFICATE", "AAAA"));
    files.write("odd.key", section("PRIVATE KEY", "AAAA"));
    let kinds = "expected RSA of 2048 bits or more, ECDSA on P-256 or P-384, or Ed25519";
    for (certificate, key, line) in [
        (
            "cut.crt",
            "a.key",
            "`cut.crt` is not well-formed PEM: the line `-----END CERTIFICATE-----` is missing".to_owned(),
        ),
        (
            "open.crt",
            "a.key",
            "`open.crt` is not well-formed PEM: a line that begins a section does not end in `-----`".to_owned(),
        ),
        (
            "text.crt",
            "a.key",
            "`text.crt` is not well-formed PEM: a section holds something else than base64".to_owned(),
        ),
        (
            "odd.crt",
            "a.key",
            "the certificate in `odd.crt` cannot be used: it is no well-formed X.509 certificate".to_owned(),
        ),
        ("a.crt", "odd.key", format!("the private key in `odd.key` cannot be used; {kinds}")),
    ] {
        assert_eq!(files.refusal(certificate, key), format!("error: {line}"));
    }
}

#[test]
fn rejects_an_encrypted_key_as_such() {
    let files = Files::make();
    files.write("new.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n");
    files.write(
        "old.key",
        "-----BEGIN EC PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-128-CBC,00\r\n\r\nMIIB\r\n\
         -----END EC PRIVATE KEY-----\r\n",
    );
    for key in ["new.key", "old.key"] {
        assert_eq!(
            files.refusal("a.crt", key),
            format!(
                "error: the private key in `{key}` is encrypted; expected one without a passphrase \
                 (`openssl pkey -in {key}` prints it)"
            )
        );
    }
}

#[test]
fn rejects_a_folder_for_temporary_files_that_is_none() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigla"));
    let command = command.args(["serve", "--dev", "--listen", "127.0.0.1:0"]).env("TMPDIR", "/nowhere");
    command
        .assert()
        .code(2)
        .stdout("")
        .stderr("error: cannot write the CA to `/nowhere`: entity not found; name another folder in TMPDIR\n");
}

#[test]
fn rejects_flags_that_contradict_each_other() {
    for (flags, line) in [
        (
            &[][..],
            "error: no certificate; give --tls-secret and --service in a cluster, --tls-cert and --tls-key anywhere, \
             or --dev to try things out",
        ),
        (&["--tls-cert", "a.crt"], "error: --tls-cert needs --tls-key"),
        (&["--tls-key", "a.key"], "error: --tls-key needs --tls-cert"),
        (
            &["--dev", "--tls-key", "a.key"],
            "error: --dev makes its own certificate; leave out --tls-cert, --tls-key and --tls-secret",
        ),
        (
            &["--tls-secret", "door", "--tls-key", "a.key"],
            "error: --tls-secret makes its own certificate; leave out --tls-cert and --tls-key, or --tls-secret",
        ),
        (&["--tls-secret", "door"], "error: --tls-secret needs --service, which the certificate is to name"),
        (
            &["--tls-secret", "door", "--service", "vigla/vigla"],
            "error: --tls-secret needs an API server; expected the token of a service account, as Pods have it, \
             or --kubeconfig",
        ),
    ] {
        assert_eq!(refusal(flags), line);
    }
}

#[test]
fn rejects_a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigla"));
    let assert = command.args(["serve", "--dev", "--listen", &address.to_string()]).assert().code(2).stdout("");
    assert.stderr(format!(
        "error: cannot listen on `{address}`: the port is in use; stop what uses it, or choose another \
         (port 0 takes a free one)\n"
    ));
}

#[test]
fn flags_can_come_from_the_environment() {
    let stderr = |dev: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigla"));
        let assert = command.arg("serve").env("VIGLA_DEV", dev).env("VIGLA_TLS_KEY", "a.key").assert().code(2);
        String::from_utf8(assert.get_output().stderr.clone()).unwrap()
    };
    for on in ["true", "1", "yes", "on", "TRUE"] {
        assert_eq!(
            stderr(on),
            "error: --dev makes its own certificate; leave out --tls-cert, --tls-key and --tls-secret\n",
            "{on}"
        );
    }
    for off in ["false", "0", "no", "off", ""] {
        assert_eq!(stderr(off), "error: --tls-key needs --tls-cert\n", "{off}");
    }
}
