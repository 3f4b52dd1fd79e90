//! What findings lead to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a violation leads to, strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Action {
    /// The request is refused.
    Deny,
    /// The object is mended; what cannot be mended is refused.
    Patch,
    /// The request is allowed with a warning.
    Warn,
    /// The request is allowed; only the audit annotations say it.
    Audit,
}

/// What a rule that cannot judge leads to, strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "as `Action`")]
pub enum OnError {
    Deny,
    Warn,
    Allow,
}

impl From<Action> for OnError {
    fn from(action: Action) -> Self {
        match action {
            Action::Deny | Action::Patch => Self::Deny,
            Action::Warn => Self::Warn,
            Action::Audit => Self::Allow,
        }
    }
}
