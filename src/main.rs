//! The command line of InfraLock.
fn main() {}
