//! Keys that nobody knows: for hashes that may be stored where the hashed text may not.

use std::hash::{BuildHasher, RandomState};

/// 32 bytes from the system's source of chance.
///
/// The standard library seeds its hash tables from there, once a thread; each further state differs
/// from the last by one, so a hash mixes them.
pub fn random_key() -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for number in 0..8_u64 {
        hasher.update(&RandomState::new().hash_one(number).to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}
