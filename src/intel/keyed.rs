//! What an address is known by, before it is said what that means: the rows of all sets for it.
//!
//! Facts are rows read out. Millions of addresses have few thousand combinations of rows, so who
//! answers many questions reads each combination once and keeps what it made of it.

use super::{Intel, compiled};
use crate::model::{Addr, Prefix, Reserved};
use crate::trie::{Address, NONE, Records};

/// The layers of the image but the first, which has the prefix.
const ROWS: usize = compiled::LAYERS.len() - 1;

/// Of two addresses with one key, [`Intel::facts`] says the same but for the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FactsKey {
    reserved: Option<Reserved>,
    rows: [u32; ROWS],
}

/// An address's key, and the one thing that the key does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The key.
    pub key: FactsKey,
    /// As [`Facts::prefix`](crate::model::Facts::prefix).
    pub prefix: Option<Prefix>,
}

/// Which rows are of interest: addresses that differ in others have the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// All of them.
    All,
    /// That of the AS: equal keys say nothing of places, lists and kinds.
    System,
}

impl Keyed {
    const UNKNOWN: Self =
        Self { key: FactsKey { reserved: None, rows: [NONE; ROWS] }, prefix: None };

    fn of(addr: Addr, records: &Records, record: u32, wanted: Rows) -> Self {
        if let Some(reserved) = addr.reserved() {
            let key = FactsKey { reserved: Some(reserved), ..Self::UNKNOWN.key };
            return Self { key, ..Self::UNKNOWN };
        }
        let mut keyed = Self::UNKNOWN;
        let wanted = match wanted {
            Rows::All => ROWS,
            Rows::System => compiled::SYSTEM,
        };
        for (layer, row) in (1..).zip(keyed.key.rows.iter_mut().take(wanted)) {
            *row = records.get(record, layer).unwrap_or(NONE);
        }
        let length = records.get(record, compiled::PREFIX);
        let length = length.and_then(|length| u8::try_from(length).ok());
        keyed.prefix = length.and_then(|length| Prefix::new(addr, length));
        keyed
    }
}

impl Intel {
    /// The keys of many addresses, in their order, by the rows that are of interest; `keyed` is
    /// cleared first. `false`: there are layers of the analyst's, which are not in the image, so
    /// that nothing is keyed.
    pub fn keys(&self, addrs: &[Addr], wanted: Rows, keyed: &mut Vec<Keyed>) -> bool {
        keyed.clear();
        if !self.own.is_empty() {
            return false;
        }
        keyed.resize(addrs.len(), Keyed::UNKNOWN);
        let image = self.image();
        let v4 = |addr| match addr {
            Addr::V4(addr) => Some(addr.to_bits()),
            Addr::V6(_) => None,
        };
        let v6 = |addr| match addr {
            Addr::V6(addr) => Some(addr.to_bits()),
            Addr::V4(_) => None,
        };
        add_family(addrs, v4, (image.v4(), image.v4_records()), wanted, keyed);
        add_family(addrs, v6, (image.v6(), image.v6_records()), wanted, keyed);
        true
    }
}

/// Asks the table of one family for all its addresses at once.
fn add_family<A: Address>(
    addrs: &[Addr],
    bits: impl Fn(Addr) -> Option<A>,
    (table, records): (&infralock_trie::Table<A>, &Records),
    wanted: Rows,
    keyed: &mut [Keyed],
) {
    let asked: Vec<A> = addrs.iter().filter_map(|&addr| bits(addr)).collect();
    let mut found = vec![NONE; asked.len()];
    table.get_batch(&asked, &mut found);
    let mine = addrs.iter().zip(keyed).filter(|(addr, _)| bits(**addr).is_some());
    for ((&addr, keyed), record) in mine.zip(found) {
        *keyed = Keyed::of(addr, records, record, wanted);
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
        assert!(intel.keys(&addrs, Rows::All, &mut keyed));
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
        assert!(intel.keys(&[addr], Rows::All, &mut keyed) && keyed.len() == 1);
        intel.add_as_table(&[]);
        assert!(!intel.keys(&[addr], Rows::All, &mut keyed) && keyed.is_empty());
    }
}
