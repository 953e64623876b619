//! What an address is known by, before it is said what that means: the rows of all sets for it.
//!
//! Facts are rows read out. Millions of addresses have few thousand combinations of rows, so who
//! answers many questions reads each combination once and keeps what it made of it.

use super::Intel;
use crate::model::{Addr, AddrRange, Prefix, Reserved};
use crate::trie::{GAP, LongestMatch};

/// Tables that are asked: AS, city, three countries, regions, two sets of lists, anycast services.
const TABLES: usize = 9;

/// Of two addresses with one key, [`Intel::facts`] says the same but for the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FactsKey {
    reserved: Option<Reserved>,
    rows: [u32; TABLES],
}

/// An address's key, and the one thing that the key does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The key.
    pub key: FactsKey,
    /// As [`Facts::prefix`](crate::model::Facts::prefix).
    pub prefix: Option<Prefix>,
}

impl Intel {
    /// The keys of many addresses, in their order; `keyed` is cleared first. `false`: there are
    /// layers of the analyst's, which have no rows, so that nothing is keyed.
    pub fn keys(&self, addrs: &[Addr], keyed: &mut Vec<Keyed>) -> bool {
        keyed.clear();
        if !self.own.is_empty() {
            return false;
        }
        keyed.extend(addrs.iter().map(|&addr| self.keyed(addr)));
        true
    }

    fn keyed(&self, addr: Addr) -> Keyed {
        let mut rows = [GAP; TABLES];
        let reserved = addr.reserved();
        let mut matched: Option<AddrRange> = None;
        if reserved.is_none() {
            self.add_rows(addr, &mut rows, &mut matched);
        }
        let prefix = matched.map(|range| Prefix::largest_inside(range, addr));
        Keyed { key: FactsKey { reserved, rows }, prefix }
    }

    fn add_rows(&self, addr: Addr, rows: &mut [u32; TABLES], matched: &mut Option<AddrRange>) {
        let mut rows = rows.iter_mut();
        // A row that makes no claim is no match, as in `Intel::facts`.
        let mut put = |found: Option<(AddrRange, usize, bool)>| {
            let (Some(slot), Some((range, row, says))) = (rows.next(), found) else { return };
            *slot = u32::try_from(row).unwrap_or(GAP);
            if says {
                matched.get_or_insert(range);
            }
        };
        let system = self.systems.as_ref().and_then(|set| set.at(addr));
        put(system.map(|(range, systems, row)| (range, row, row < systems.rows())));
        let city = self.cities.as_ref().and_then(|(_, set)| set.at(addr));
        put(city.map(|(range, cities, row)| (range, row, row < cities.rows())));
        for place in 0..super::COUNTRY_SETS.len() {
            let country = self.countries.get(place).and_then(|(_, set)| set.at(addr));
            put(country.map(|(range, countries, row)| (range, row, countries.is_known(row))));
        }
        let region = self.regions.as_ref().and_then(|set| set.at(addr));
        put(region.map(|(range, _, row)| (range, row, false)));
        for place in 0..2 {
            let list = self.lists.get(place).and_then(|set| set.at(addr));
            put(list.map(|(range, _, row)| (range, row, false)));
        }
        put(self.anycast.get_range(addr).map(|(range, row)| (range, row as usize, false)));
    }
}

#[cfg(all(test, feature = "bundled-data"))]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::intel::BundledSets;
    use crate::model::Facts;

    /// Addresses over all of IPv4 and, by their low bits, of IPv6's assigned blocks.
    fn addrs() -> Vec<Addr> {
        let spread = |number: u32| number.wrapping_mul(2_654_435_761);
        let v4 = (0..40_000).map(|number| Addr::from_v4_octets(spread(number).to_be_bytes()));
        let v6 = (0..20_000).map(|number| {
            let high = 0x2400_0000 | spread(number) & 0x07ff_ffff;
            Addr::from_v6_octets((u128::from(high) << 96 | u128::from(number)).to_be_bytes())
        });
        v4.chain(v6).collect()
    }

    #[test]
    fn a_key_stands_for_its_facts() {
        let intel = Intel::from_sets(&BundledSets).unwrap();
        let (addrs, mut keyed) = (addrs(), Vec::new());
        assert!(intel.keys(&addrs, &mut keyed));
        let mut known: HashMap<FactsKey, Facts> = HashMap::new();
        for (&addr, keyed) in addrs.iter().zip(&keyed) {
            let mut facts = intel.facts(addr);
            assert_eq!(keyed.prefix, facts.prefix.take(), "{addr}");
            assert_eq!(known.entry(keyed.key).or_insert_with(|| facts.clone()), &facts, "{addr}");
        }
        assert!(known.len() * 2 < addrs.len(), "{} keys are too many to keep", known.len());
    }

    #[test]
    fn layers_of_the_analysts_have_no_keys() {
        let mut intel = Intel::default();
        let mut keyed = Vec::new();
        let addr = Addr::from_v4_octets([192, 0, 2, 1]);
        assert!(intel.keys(&[addr], &mut keyed) && keyed.len() == 1);
        intel.add_as_table(&[]);
        assert!(!intel.keys(&[addr], &mut keyed) && keyed.is_empty());
    }
}
