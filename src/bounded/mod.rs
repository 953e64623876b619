//! Readers with limits: what strangers sent is unpacked, cut into lines and read whole only here.
//!
//! Everything works over `impl Read` (a zip needs `Seek` too), opens no file and asks no clock. A
//! limit that is reached, an archive that ends early or goes on with something else is an
//! `io::Error` **after** the bytes that could be read: whoever reads keeps those and reports the
//! error's text. Nothing is ever written to disk, and a member's name is never a path.
#![warn(clippy::indexing_slicing, clippy::string_slice, clippy::cast_possible_truncation)]

mod lines;
mod peek;
mod unpack;
mod utf16;
mod whole;
pub mod zip;

pub use lines::Lines;
pub use peek::Peek;
pub use unpack::{HEAD_BYTES, Pack, UnpackError, Unpacked, sniff_pack, unpack};
pub use whole::{read_all, read_text};
