//! Quantities as parameters of rules.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::object::{Quantity, QuantityError};

/// A quantity, in the words that a fix is to write.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub(crate) struct Amount(pub String);

impl TryFrom<String> for Amount {
    type Error = QuantityError;

    fn try_from(text: String) -> Result<Self, QuantityError> {
        Quantity::parse(&text).map(|_| Self(text))
    }
}
