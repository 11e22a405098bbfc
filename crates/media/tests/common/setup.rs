//! What a scene starts from.

use hocket_media::Options;

use super::client::Version;
use super::network::Conditions;

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct Setup {
    pub seed: u64,
    pub workers: u8,
    pub conditions: Conditions,
    pub version: Version,
    pub options: Options,
    /// Whether consumers get RED.
    pub red: bool,
    pub nack: bool,
    /// Whether everybody talks IPv6.
    pub six: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            seed: 1,
            workers: 1,
            conditions: Conditions::default(),
            version: Version::Both,
            options: Options::default(),
            red: true,
            nack: true,
            six: false,
        }
    }
}

impl Setup {
    pub fn with_workers(workers: u8) -> Self {
        Self {
            workers,
            ..Self::default()
        }
    }
}
