//! Vigla, served under a name that the API server can call.

use std::fs;
use std::io::{Write, stderr};
use std::net::ToSocketAddrs;
use std::sync::LazyLock;

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use crate::common::Vigla;

/// A name that means this machine. The API server speaks HTTP/1.1 to it, as to a Service; to loopback addresses it
/// speaks HTTP/2.
const NAME: &str = "vigla.test";

static HOST: LazyLock<&str> = LazyLock::new(|| {
    let is_here = (NAME, 0).to_socket_addrs().is_ok_and(|mut found| found.all(|address| address.ip().is_loopback()));
    if is_here {
        return NAME;
    }
    // Past the harness, which keeps what tests print to itself.
    writeln!(stderr(), "{NAME} is not this machine: the API server calls 127.0.0.1, by HTTP/2 (CONTRIBUTING.md)").ok();
    "127.0.0.1"
});

/// `vigla serve` with a certificate from files.
pub(crate) struct Webhook {
    pub(crate) vigla: Vigla,
    /// Where it is, without a path.
    pub(crate) url: String,
    _certificate: TempDir,
}

impl Webhook {
    /// `more`: further arguments.
    pub(crate) fn serve(more: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder");
        let [certificate, key] = ["tls.crt", "tls.key"].map(|name| folder.path().join(name));
        let pair = KeyPair::generate().expect("a key");
        let names = vec![NAME.to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).expect("names");
        fs::write(&certificate, params.self_signed(&pair).expect("a certificate").pem()).expect("a file");
        fs::write(&key, pair.serialize_pem()).expect("a file");
        let vigla = Vigla::start_with(&certificate, &key, &certificate, more);
        let url = format!("https://{}:{}", *HOST, vigla.door.address.port());
        Self { vigla, url, _certificate: folder }
    }
}
