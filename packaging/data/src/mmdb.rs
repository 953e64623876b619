//! Networks of an mmdb file, in address order, each with the offset of its record.

use std::collections::HashMap;
use std::net::IpAddr;

use maxminddb::{Reader, WithinOptions};
use serde::de::DeserializeOwned;

use crate::Failure;

/// A network: its first and last address as a number, and the index of its record.
pub struct Network {
    pub first: u128,
    pub last: u128,
    pub record: u32,
}

/// All networks with data, in order, and the distinct records they point at.
pub fn networks<R: DeserializeOwned>(bytes: &[u8]) -> Result<(Vec<Network>, Vec<R>), Failure> {
    let reader = Reader::from_source(bytes)?;
    let mut records: Vec<R> = Vec::new();
    let mut by_offset: HashMap<usize, u32> = HashMap::new();
    let mut networks = Vec::new();
    for result in reader.networks(WithinOptions::default())? {
        let result = result?;
        let Some(offset) = result.offset() else { continue };
        let record = match by_offset.get(&offset) {
            Some(&record) => record,
            None => {
                let record = u32::try_from(records.len())?;
                records.push(result.decode::<R>()?.ok_or("a network without a record")?);
                by_offset.insert(offset, record);
                record
            }
        };
        let network = result.network()?;
        let (first, bits) = match network.network() {
            IpAddr::V4(addr) => (u128::from(addr.to_bits()), 32),
            IpAddr::V6(addr) => (addr.to_bits(), 128),
        };
        let host_bits = bits - u32::from(network.prefix());
        let mask = u128::MAX.checked_shl(host_bits).map_or(u128::MAX, |mask| !mask);
        networks.push(Network { first, last: first | mask, record });
    }
    Ok((networks, records))
}
