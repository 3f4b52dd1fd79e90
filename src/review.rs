//! `AdmissionReview` (`admission.k8s.io/v1`) as it comes over the wire, both ways.

mod answer;
mod envelope;
mod message;
mod read;
mod respond;

use answer::{answer, mutate};
pub use message::{found, printable};
pub use read::recorded;
use read::{Broken, Head, Review, read};
pub use respond::{Record, Reply, respond, respond_to_fault};

/// Which of the two webhooks was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/validate`: refuses what violates.
    Validate,
    /// `/mutate`: mends what can be mended and always allows.
    Mutate,
}

impl Endpoint {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Validate, Self::Mutate];

    /// Its path under the server's address.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Validate => "/validate",
            Self::Mutate => "/mutate",
        }
    }

    /// The word for it: its path without the slash.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.path().trim_start_matches('/')
    }
}
