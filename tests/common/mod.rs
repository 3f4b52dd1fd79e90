//! A running server, and clients for it: well-behaved ones, and raw bytes over TLS for the others.

#![allow(dead_code, reason = "shared: each test file uses a part")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "helpers of tests are tests"
)]

pub(crate) mod cli;
pub(crate) mod review;
pub(crate) mod rules;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes};
use hyper::http::{HeaderMap, Method, Request, StatusCode};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A review of an object that no policy could mind.
pub(crate) const REVIEW: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{
    "uid":"7d6c2ad4-34a5-4b4e-8a44-1d9f3c0f6b55","kind":{"group":"","version":"v1","kind":"ConfigMap"},
    "resource":{"group":"","version":"v1","resource":"configmaps"},"name":"settings","namespace":"shop",
    "operation":"CREATE","userInfo":{"username":"alice"},
    "object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings","namespace":"shop"}},
    "oldObject":null,"dryRun":false,"options":{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}}}"#;

/// What an answer to [`REVIEW`] must hold.
pub(crate) const REVIEW_UID: &str = "7d6c2ad4-34a5-4b4e-8a44-1d9f3c0f6b55";

/// Longer than anything here takes; a test that reaches it has found a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Fails the test rather than waiting for ever.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing happened for a minute")
}

/// Which HTTP a client speaks. ALPN offers that one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http {
    One,
    Two,
}

/// A client that keeps its connections.
pub(crate) type HttpsClient<B> = Client<HttpsConnector<HttpConnector>, B>;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Where a server listens and whom to trust there.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    roots: RootCertStore,
    /// Which its certificate is to name.
    name: ServerName<'static>,
    shows: Option<Arc<CertifiedKey>>,
}

impl Door {
    pub(crate) fn new(address: SocketAddr, ca: &Path) -> Self {
        Self::named(address, address.ip().into(), &[CertificateDer::from_pem_file(ca).unwrap()])
    }

    /// One that is called by another name than its address.
    pub(crate) fn named(address: SocketAddr, name: ServerName<'static>, cas: &[CertificateDer<'static>]) -> Self {
        let mut roots = RootCertStore::empty();
        cas.iter().for_each(|ca| roots.add(ca.clone()).unwrap());
        Self { address, roots, name, shows: None }
    }

    /// For a client that shows this certificate.
    pub(crate) fn shown(mut self, certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> Self {
        let provider = rustls::crypto::ring::default_provider();
        self.shows = Some(Arc::new(CertifiedKey::from_der(vec![certificate], key, &provider).unwrap()));
        self
    }

    fn tls(&self) -> ClientConfig {
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone());
        match &self.shows {
            Some(shown) => config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(shown)))),
            None => config.with_no_client_auth(),
        }
    }

    pub(crate) fn client<B>(&self, http: Http) -> Client<HttpsConnector<HttpConnector>, B>
    where
        B: Body + Send + 'static,
        B::Data: Send,
    {
        // As the API server does: otherwise a body in two pieces waits 40 ms for an acknowledgement.
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new().with_tls_config(self.tls()).https_only();
        let connector = connector.with_server_name_resolver(FixedServerNameResolver::new(self.name.clone()));
        let mut client = Client::builder(TokioExecutor::new());
        match http {
            Http::One => client.build(connector.enable_http1().wrap_connector(tcp)),
            Http::Two => client.http2_only(true).build(connector.enable_http2().wrap_connector(tcp)),
        }
    }

    /// A TLS connection for raw bytes. `alpn`: what to offer, if anything.
    pub(crate) async fn raw(&self, alpn: &[&str]) -> TlsStream<TcpStream> {
        let mut config = self.tls();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let tcp = TcpStream::connect(self.address).await.unwrap();
        TlsConnector::from(Arc::new(config)).connect(self.name.clone(), tcp).await.unwrap()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        Request::builder().method(method).uri(format!("https://{}{path}", self.address))
    }

    pub(crate) async fn get(&self, http: Http, path: &str) -> Answer {
        let request = self.request(Method::GET, path).body(Full::<Bytes>::default()).unwrap();
        send(&self.client(http), request).await
    }

    /// Posts JSON.
    pub(crate) async fn post(&self, http: Http, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = self.request(Method::POST, path).header("content-type", "application/json");
        send(&self.client(http), request.body(Full::new(body.into())).unwrap()).await
    }
}

/// Sends and reads the answer to its end.
pub(crate) async fn send<B>(client: &Client<HttpsConnector<HttpConnector>, B>, request: Request<B>) -> Answer
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = soon(client.request(request)).await.unwrap().into_parts();
    let body = soon(body.collect()).await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

/// The `vigla` binary, as built, with its door open.
pub(crate) struct Vigla {
    process: Process,
    pub(crate) door: Door,
    pub(crate) ca: PathBuf,
    /// Whether the CA's file is the process's own.
    dev: bool,
}

impl Vigla {
    /// `vigla serve --dev` on a free port; returns once it listens.
    pub(crate) fn start(more: &[&str]) -> Self {
        let mut command = serve();
        command.arg("--dev").args(more);
        Self::spawn(command)
    }

    /// A server that says the same two lines first as `vigla serve --dev`.
    pub(crate) fn spawn(command: Command) -> Self {
        let mut process = Process::start(command);
        let address = process.listens();
        let ca = PathBuf::from(process.next_line().strip_prefix("CA certificate: ").unwrap());
        Self { process, door: Door::new(address, &ca), ca, dev: true }
    }

    /// `vigla serve` with this certificate and key.
    pub(crate) fn start_with(certificate: &Path, key: &Path, ca: &Path, more: &[&str]) -> Self {
        let mut command = serve();
        command.arg("--tls-cert").arg(certificate).arg("--tls-key").arg(key).args(more);
        let mut process = Process::start(command);
        let address = process.listens();
        Self { process, door: Door::new(address, ca), ca: ca.to_owned(), dev: false }
    }
}

impl Deref for Vigla {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Vigla {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl Drop for Vigla {
    fn drop(&mut self) {
        self.process.kill();
        if self.dev {
            // Killed like this it cannot tidy up.
            fs::remove_file(&self.ca).ok();
        }
    }
}

/// A process of the `vigla` binary; killed when dropped.
pub(crate) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: Receiver<String>,
}

impl Process {
    /// `vigla serve` on a free port. Its door may be shut yet.
    pub(crate) fn serve(more: &[&str]) -> Self {
        let mut command = serve();
        command.args(more);
        Self::start(command)
    }

    /// Its log is read all the time: a full pipe would stop it.
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (lines, log) = channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        Self { child, stdout, log }
    }

    /// Waits until it listens.
    pub(crate) fn listens(&mut self) -> SocketAddr {
        self.next_line().strip_prefix("listening on https://").unwrap().parse().unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of standard output.
    pub(crate) fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the process ended");
        line.trim_end().to_owned()
    }

    /// Waits for a log line that holds this text.
    pub(crate) fn wait_for_log(&mut self, text: &str) -> String {
        self.log_until(text).pop().unwrap()
    }

    /// The next log lines, up to one that holds this text.
    pub(crate) fn log_until(&mut self, text: &str) -> Vec<String> {
        let mut lines = vec![self.log.recv_timeout(PATIENCE).unwrap()];
        while !lines.last().unwrap().contains(text) {
            lines.push(self.log.recv_timeout(PATIENCE).unwrap());
        }
        lines
    }

    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill").args(["-s", name, &self.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    fn kill(&mut self) {
        // It may have ended by itself, which is what some tests are about.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn serve() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigla"));
    // As if in no Pod, wherever the tests run.
    command.args(["serve", "--listen", "127.0.0.1:0"]).env_remove("KUBERNETES_SERVICE_HOST");
    command
}

/// The folder with cases from other projects, where `VIGLA_CASES` names one. They are nobody's of ours: without the
/// folder these tests say so and pass.
pub(crate) fn cases() -> Option<PathBuf> {
    let folder = std::env::var_os("VIGLA_CASES").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: VIGLA_CASES names no folder with cases");
    }
    folder
}
