//! Who may call, and where others find probes and metrics.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use crate::cli::{Failure, address};
use crate::server::tls::CallerFile;

/// The flags that say it.
#[derive(Args, Debug)]
pub(super) struct Clients {
    /// Let only those call who have a certificate of the CAs in this PEM file
    #[arg(long, value_name = "FILE", env = "VIGLA_CLIENT_CA", requires = "ops_listen")]
    client_ca: Option<PathBuf>,

    /// Of these, only those whose certificate has this common name; may be repeated, and the variable has one a line
    #[arg(
        long,
        value_name = "NAME",
        env = "VIGLA_CLIENT_NAME",
        value_delimiter = '\n',
        value_parser = NonEmptyStringValueParser::new(),
        requires = "client_ca"
    )]
    client_name: Vec<String>,

    /// Answer probes and metrics here, and no longer at --listen
    #[arg(long, value_name = "ADDR:PORT", value_parser = address::listen, env = "VIGLA_OPS_LISTEN")]
    pub(super) ops_listen: Option<SocketAddr>,
}

impl Clients {
    /// Who may call; `None`: anybody.
    pub(super) fn open(&self) -> Result<Option<CallerFile>, Failure> {
        let file = self.client_ca.clone().map(|path| CallerFile::open(path, self.client_name.clone()));
        file.transpose().map_err(Failure::bad_input)
    }
}
