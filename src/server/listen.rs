//! The TCP side: taking the address, and accepting without ever giving up.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};

use crate::telemetry::Metrics;
use crate::telemetry::metrics::ErrorKind;

/// First pause after an accept failed for want of descriptors or memory; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The address cannot be listened on.
#[derive(Debug, Error)]
#[error("cannot listen on `{address}`: {}", reason(source))]
pub struct ListenError {
    /// The address asked for.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

/// What happened and what to do about it.
fn reason(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            "the port is in use; stop what uses it, or choose another (port 0 takes a free one)".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; use one of its own, or 0.0.0.0 for all".to_owned()
        }
        io::ErrorKind::PermissionDenied => "not permitted; ports below 1024 need a privilege, 8443 does not".to_owned(),
        _ => source.to_string(),
    }
}

pub(super) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ListenError> {
    let fail = |source| ListenError { address, source };
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    Ok((listener, address))
}

/// The next connection. Failures that concern one peer are passed over; those that concern this process (no descriptors
/// left, no memory) are waited out, for a loop that retries at once would burn the CPU that could mend them.
pub(super) async fn accept(listener: &TcpListener, metrics: &Metrics) -> (TcpStream, SocketAddr) {
    let mut pause = FIRST_PAUSE;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if concerns_one_peer(&error) => {
                tracing::debug!(%error, "a peer left before it was accepted")
            }
            Err(error) => {
                metrics.error(ErrorKind::Accept);
                tracing::warn!(%error, "cannot accept connections; trying again");
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn concerns_one_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: io::ErrorKind) -> String {
        ListenError { address: SocketAddr::from(([127, 0, 0, 1], 443)), source: kind.into() }.to_string()
    }

    #[test]
    fn an_error_says_what_where_and_what_to_do() {
        assert_eq!(
            message(io::ErrorKind::AddrInUse),
            "cannot listen on `127.0.0.1:443`: the port is in use; stop what uses it, or choose another \
             (port 0 takes a free one)"
        );
        assert!(message(io::ErrorKind::AddrNotAvailable).contains("no such address"));
        assert!(message(io::ErrorKind::PermissionDenied).contains("below 1024"));
    }

    #[test]
    fn only_failures_of_this_process_are_waited_out() {
        assert!(concerns_one_peer(&io::ErrorKind::ConnectionAborted.into()));
        assert!(!concerns_one_peer(&io::Error::from_raw_os_error(24)), "EMFILE");
    }
}
