//! UUIDs of version 5 (RFC 9562 §5.5): the same name gives the same identifier, everywhere.

use std::fmt;

use sha1::{Digest, Sha1};

/// The namespace of all names that are ours.
pub(super) const OURS: Uuid = Uuid([
    0x5d, 0x2c, 0x1f, 0x6e, 0x0b, 0x7a, 0x4d, 0x59, 0x9a, 0x40, 0x63, 0x1e, 0x8f, 0x27, 0xc4, 0xb1,
]);

/// The namespace of STIX cyber-observable objects (STIX 2.1 §2.9).
pub(super) const STIX_OBSERVABLES: Uuid = Uuid([
    0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7,
]);

/// An identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Uuid([u8; 16]);

impl Uuid {
    /// The identifier of a name in this namespace.
    pub(super) fn of(self, name: &str) -> Self {
        let hash = Sha1::new().chain_update(self.0).chain_update(name).finalize();
        let mut bytes = [0; 16];
        for (byte, hashed) in bytes.iter_mut().zip(hash) {
            *byte = hashed;
        }
        bytes[6] = bytes[6] & 0x0f | 0x50;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As OASIS's own library (stix2 3.0) makes them: canonical JSON of the properties that count.
    #[test]
    fn identifiers_are_those_that_others_make() {
        let addr = STIX_OBSERVABLES.of(r#"{"value":"198.51.100.3"}"#);
        assert_eq!(addr.to_string(), "28bb3599-77cd-5a82-a950-b5bc3caf07c4");
        let system = STIX_OBSERVABLES.of(r#"{"number":15139}"#);
        assert_eq!(system.to_string(), "3aa27478-50b5-5ab8-9da9-cdc12b657fff");
    }
}
