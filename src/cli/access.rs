//! The flags that say which cluster is meant.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::cluster::access::{AccessError, Cluster, named, of_this_pod};

/// A kubeconfig and its context.
#[derive(Args, Debug)]
pub(super) struct Access {
    /// The kubeconfig that names the cluster
    #[arg(long, value_name = "FILE", env = "VIGLA_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,

    /// The context in it [default: that in use]
    #[arg(long, value_name = "NAME", env = "VIGLA_CONTEXT")]
    context: Option<String>,
}

impl Access {
    /// The cluster to serve: the one named by a flag, else that of the Pod. Not what `KUBECONFIG` names: a server that
    /// somebody tries on their own machine has no business there.
    pub(super) async fn to_serve(&self) -> Result<Option<Cluster>, Failure> {
        if self.kubeconfig.is_some() || self.context.is_some() {
            let cluster = named(self.kubeconfig.as_deref(), self.context.as_deref()).await;
            return cluster.map(Some).map_err(Failure::bad_input);
        }
        Ok(of_this_pod().unwrap_or_else(|error| {
            tracing::warn!("{error}; the labels of namespaces stay unknown");
            None
        }))
    }

    /// The cluster that kubectl would talk to; in a Pod without a kubeconfig, its own.
    pub(super) async fn to_check(&self) -> Result<Cluster, Failure> {
        let (file, context) = (self.kubeconfig.as_deref(), self.context.as_deref());
        let missing = match named(file, context).await {
            Err(error @ AccessError::Read { .. }) if file.is_none() && context.is_none() => error,
            cluster => return cluster.map_err(Failure::bad_input),
        };
        let pod = of_this_pod().map_err(Failure::bad_input)?;
        pod.ok_or_else(|| Failure::bad_input(format!("{missing}; --kubeconfig or KUBECONFIG names another")))
    }
}
