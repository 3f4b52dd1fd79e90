//! `vigla serve`: the webhook server.

mod clients;
mod greeting;
mod namespaces;
mod origin;
mod reload;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

use super::access::Access;
use super::address;
use super::output::{self, Color, Format};
use super::sources::Sources;
use super::{Exit, Failure};
use crate::policy::PolicySet;
use crate::server::dev::DevTls;
use crate::server::tls::{self, CallerFile, Identity};
use crate::server::{Health, Server, Stop, Webhook};
use crate::telemetry::{self, Lines, Metrics};
use clients::Clients;
use namespaces::Namespaces;
use origin::{Named, Origin, Tls};
use reload::{PolicyFiles, Upkeep};

const PORT: u16 = 8443;

/// Run the webhook server.
#[derive(Args, Debug)]
pub(super) struct Serve {
    /// Address and port to listen on; port 0 takes a free one [default: 0.0.0.0:8443, with --dev 127.0.0.1:8443]
    #[arg(long, value_name = "ADDR:PORT", value_parser = address::listen, env = "VIGLA_LISTEN")]
    listen: Option<SocketAddr>,

    #[command(flatten)]
    sources: Sources,

    #[command(flatten)]
    tls: Tls,

    #[command(flatten)]
    clients: Clients,

    #[command(flatten)]
    access: Access,

    /// How long to go on answering, unready, after SIGTERM [default: 5, with --dev 0]
    #[arg(long, value_name = "SECONDS", env = "VIGLA_DRAIN_DELAY", value_parser = clap::value_parser!(u16))]
    drain_delay: Option<u16>,

    /// What to log on standard error
    #[arg(long, value_enum, value_name = "LEVEL", env = "VIGLA_LOG_LEVEL", default_value_t = LogLevel::Info)]
    log_level: LogLevel,

    /// How to log it
    #[arg(long, value_enum, value_name = "FORMAT", env = "VIGLA_LOG_FORMAT", default_value_t)]
    log_format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

impl Serve {
    fn address(&self) -> SocketAddr {
        let default = if self.tls.dev { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
        self.listen.unwrap_or_else(|| SocketAddr::from((default, PORT)))
    }

    pub(super) fn run(&self, color: Color) -> Result<Exit, Failure> {
        telemetry::start(
            self.log_level.into(),
            match self.log_format {
                Format::Text => Lines::Text { colored: color.applies(&io::stderr()) },
                Format::Json => Lines::Json,
            },
        );
        // The door stays shut until there is something to judge with.
        let (set, policies) = PolicyFiles::open(&self.sources)?;
        let named = self.tls.named().map_err(Failure::bad_input)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::fault(format!("cannot start threads: {error}")))?;
        let outcome = runtime.block_on(self.serve(set, policies, named));
        // Whoever asked twice to stop does not wait for a request that is being judged.
        runtime.shutdown_background();
        outcome
    }

    async fn serve(&self, set: PolicySet, policies: Option<PolicyFiles>, named: Named) -> Result<Exit, Failure> {
        let mut stop =
            Stop::on_signals().map_err(|error| Failure::fault(format!("cannot listen to signals: {error}")))?;
        let clients = self.clients.open()?;
        let cluster = self.access.to_serve().await?;
        let Origin { identity, renewal, dev } = tokio::select! {
            origin = Origin::open(named, self.address().ip(), cluster.as_ref().map(|cluster| &cluster.client)) => origin?,
            () = stop.asked() => return Ok(Exit::Clean),
        };
        let server = self.bind(&identity, clients.as_ref()).await?;
        tracing::info!(address = %server.address(), policies = set.policies().len(), set = set.hash(), "serving");
        let (health, metrics) = (Health::default(), Arc::new(Metrics::default()));
        let webhook = Arc::new(Webhook::new(set, Arc::clone(&metrics)));
        let namespaces = cluster.map(|cluster| Namespaces::watch(cluster, Arc::clone(&webhook)));
        Upkeep {
            policies,
            webhook: Arc::clone(&webhook),
            renewal,
            identity,
            clients,
            namespaces,
            health: health.clone(),
            metrics: Arc::clone(&metrics),
        }
        .begin()?;
        let greeting = greeting::greeting(server.address(), server.ops_address(), dev.as_ref().map(DevTls::ca_path));
        if let Err(failure) = output::print(&greeting) {
            // Nobody reads along; that is no reason to leave the door unguarded.
            tracing::warn!(error = failure.message, "cannot greet");
        }
        server.run(webhook, metrics, health, stop, self.delay()).await;
        Ok(Exit::Clean)
    }

    async fn bind(&self, identity: &Arc<Identity>, clients: Option<&CallerFile>) -> Result<Server, Failure> {
        let config = |callers| tls::config(Arc::clone(identity), callers).map_err(Failure::fault);
        let callers = clients.map(CallerFile::callers);
        let server = Server::bind(self.address(), config(callers)?).await.map_err(Failure::bad_input)?;
        match self.clients.ops_listen {
            Some(address) => server.bind_ops(address, config(None)?).await.map_err(Failure::bad_input),
            None => Ok(server),
        }
    }

    fn delay(&self) -> Duration {
        Duration::from_secs(u64::from(self.drain_delay.unwrap_or(if self.tls.dev { 0 } else { 5 })))
    }
}
