//! Which cluster is meant, a client for it, and why it does not answer.

use std::env;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use thiserror::Error;

/// How long an API server may be silent. More than it says nothing on a watch: see [`super::namespaces`].
const SILENCE: Duration = Duration::from_secs(90);

/// By this the kubelet tells every Pod where the API server is.
/// <https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#directly-accessing-the-rest-api>
const IN_A_POD: &str = "KUBERNETES_SERVICE_HOST";

/// A cluster, and who can be asked what it holds.
pub struct Cluster {
    /// A client of its API server.
    pub client: Client,
    /// Where that is, and who says so: ``https://127.0.0.1:6443 (context `test`)``.
    pub place: String,
}

/// Why there is no client. What is wrong with a kubeconfig its reader knows best.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum AccessError {
    #[error("cannot read the kubeconfig `{}`: {error}", file.display())]
    Read { file: PathBuf, error: io::Error },
    #[error("no context is in use in the kubeconfig; name one by --context")]
    NoContext,
    #[error("no context `{0}` in the kubeconfig; `kubectl config get-contexts` lists them")]
    UnknownContext(String),
    #[error("cannot use the kubeconfig: {0}")]
    Kubeconfig(String),
    #[error("cannot use the Pod's service account: {0}")]
    Pod(#[from] InClusterError),
    #[error("cannot talk to the API server: {0}")]
    Client(String),
}

impl From<KubeconfigError> for AccessError {
    fn from(error: KubeconfigError) -> Self {
        match error {
            KubeconfigError::ReadConfig(error, file) => Self::Read { file, error },
            KubeconfigError::CurrentContextNotSet => Self::NoContext,
            KubeconfigError::LoadContext(name) => Self::UnknownContext(name),
            // What is wrong comes first; the lines that stand there may hold credentials.
            error => Self::Kubeconfig(error.to_string().lines().next().unwrap_or_default().to_owned()),
        }
    }
}

/// The cluster of a kubeconfig: the file, else those of `KUBECONFIG`, else `~/.kube/config`, as kubectl has it. The
/// context: that which is in use there, where none is named.
///
/// # Errors
/// Where the kubeconfig does not name a cluster, or names it by files that cannot be read.
pub async fn named(file: Option<&Path>, context: Option<&str>) -> Result<Cluster, AccessError> {
    let kubeconfig = file.map_or_else(Kubeconfig::read, Kubeconfig::read_from)?;
    let context = context.map(str::to_owned).or_else(|| kubeconfig.current_context.clone());
    let origin = format!("context `{}`", context.as_deref().unwrap_or_default());
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    cluster(Config::from_custom_kubeconfig(kubeconfig, &options).await?, &origin)
}

/// The cluster in which this process runs; none outside of Pods.
///
/// # Errors
/// Where the Pod has no token of a service account.
pub fn of_this_pod() -> Result<Option<Cluster>, AccessError> {
    env::var_os(IN_A_POD).map(|_| cluster(Config::incluster()?, "of this Pod")).transpose()
}

/// Must be called on a tokio runtime.
fn cluster(mut config: Config, origin: &str) -> Result<Cluster, AccessError> {
    // A peer that is gone without a word would be waited for for ever.
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    let place = format!("{} ({origin})", address(&config));
    let client = Client::try_from(config).map_err(|error| AccessError::Client(reason(&error)))?;
    Ok(Cluster { client, place })
}

/// The URL of the API server, without the credentials that may stand in it.
fn address(config: &Config) -> String {
    let url = &config.cluster_url;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let (scheme, host) = (url.scheme_str().unwrap_or_default(), url.host().unwrap_or_default());
    format!("{scheme}://{host}{port}{}", url.path().trim_end_matches('/'))
}

/// Why an API server did not do what it was asked for, in its own words where it has any.
#[must_use]
pub fn reason(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        let said = [&status.message, &status.reason].into_iter().find(|text| !text.is_empty());
        return said.cloned().unwrap_or_else(|| format!("answered with status {}", status.code));
    }
    let mut said: Vec<String> = Vec::new();
    // What kube calls a transport error is not of interest, but what happened to it.
    let mut cause: Option<&dyn Error> = error.source().or(Some(error));
    while let Some(error) = cause {
        let text = error.to_string();
        if said.last().is_none_or(|before| !before.contains(&text)) {
            said.push(text);
        }
        cause = error.source();
    }
    said.join(": ")
}
