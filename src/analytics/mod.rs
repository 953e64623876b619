//! What hosts did, counted while flows and records pass by.

mod hosts;

pub use hosts::{HostStats, Hosts, NAMES_MAX, Name, NameSource, Role};
