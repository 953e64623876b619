//! Names for things: imports, realms, hosts, flows, references.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Addr;

/// One file read: an index into the list of imports of this run, in reading order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImportId(pub u32);

/// Where an address that is not public is unique: an index into the list of realms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RealmId(pub u32);

/// The thing that is scored: an address, and for one that is not public its realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostKey {
    addr: Addr,
    realm: Option<RealmId>,
}

impl HostKey {
    /// The host of `addr` as seen in `realm`; a public address is the same host everywhere.
    pub fn new(addr: Addr, realm: RealmId) -> Self {
        Self { addr, realm: (!addr.is_public()).then_some(realm) }
    }

    /// The address.
    pub const fn addr(self) -> Addr {
        self.addr
    }

    /// The realm, `None` for a public address.
    pub const fn realm(self) -> Option<RealmId> {
        self.realm
    }
}

/// The identity of a flow: `C` and 17 base62 digits of 96 hash bits (INTERFACE, "uid").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid([u8; 12]);

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const UID_DIGITS: usize = 17;

impl Uid {
    /// From the first 12 bytes of the hash.
    pub const fn from_hash(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// The 12 bytes.
    pub const fn to_bytes(self) -> [u8; 12] {
        self.0
    }

    /// Reads `C` and 17 base62 digits; `None` for anything else.
    ///
    /// ```
    /// use infralock::model::Uid;
    /// let uid = Uid::from_hash([7; 12]);
    /// assert_eq!(Uid::parse(&uid.to_string()), Some(uid));
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('C').filter(|digits| digits.len() == UID_DIGITS)?;
        let number = digits.bytes().try_fold(0_u128, |number, digit| {
            let value = BASE62.iter().position(|&known| known == digit)?;
            number.checked_mul(62)?.checked_add(value as u128)
        })?;
        let bytes = number.to_be_bytes();
        let (high, low) = bytes.split_first_chunk::<4>()?;
        (*high == [0; 4]).then_some(())?;
        Some(Self(low.try_into().ok()?))
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut number = self.0.iter().fold(0_u128, |number, &byte| number << 8 | u128::from(byte));
        let mut digits = [b'0'; UID_DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit = BASE62[(number % 62) as usize];
            number /= 62;
        }
        f.write_str("C")?;
        f.write_str(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Uid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A way back to what was seen. As text: `flow:<uid>`, `record:<import>#<line>`, `detection:<n>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ref {
    /// A flow.
    Flow(Uid),
    /// A line of a log, counted from 1 in the unpacked text.
    Record(ImportId, u64),
    /// A detection, by its place in the sorted list, from 0.
    Detection(u32),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn uid_text_is_reversible(bytes in any::<[u8; 12]>()) {
            let uid = Uid::from_hash(bytes);
            let text = uid.to_string();
            prop_assert_eq!(text.len(), 18);
            prop_assert_eq!(Uid::parse(&text), Some(uid));
        }

        #[test]
        fn any_text_is_a_uid_or_not(text in ".{0,24}") {
            if let Some(uid) = Uid::parse(&text) {
                prop_assert_eq!(uid.to_string(), text);
            }
        }
    }

    #[test]
    fn ends_of_the_range() {
        assert_eq!(Uid::from_hash([0; 12]).to_string(), "C00000000000000000");
        assert_eq!(Uid::parse("Czzzzzzzzzzzzzzzzz"), None, "62^17 is more than 2^96");
    }

    #[test]
    fn only_addresses_that_are_not_public_have_a_realm() {
        let realm = RealmId(3);
        assert_eq!(HostKey::new("10.0.0.5".parse().unwrap(), realm).realm(), Some(realm));
        assert_eq!(HostKey::new("203.0.113.9".parse().unwrap(), realm).realm(), None);
    }
}
