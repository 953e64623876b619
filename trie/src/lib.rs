//! Longest-prefix match for IPv4 and IPv6: packed tables that are looked up one by one or in
//! batches, in memory or as they lie in a file.
//!
//! * [`PrefixMap`] is a table of prefixes that can be changed, and knows the chain of prefixes
//!   around an address.
//! * [`Runs`] is a table as a step function over the addresses: unions, differences and
//!   intersections of tables are one pass over it.
//! * [`Table`] is packed for look-up and does not change.
//! * [`Builder`] puts the tables of many sources side by side, and [`Image`] is what comes out: one
//!   table a family that leads to a record of what each source says, in a file that is mapped.

#![deny(unsafe_code)]

#[cfg(target_endian = "big")]
compile_error!(
    "infralock-trie reads little-endian numbers where they lie in a file: it cannot be built for a \
     big-endian processor"
);

mod addr;
mod bits;
#[allow(unsafe_code, reason = "slices of numbers are made from the bytes of a file")]
mod bytes;
mod image;
mod kernel;
mod layers;
mod map;
mod runs;
#[allow(unsafe_code, reason = "a reader follows a pointer that a writer replaces")]
mod swap;
mod table;
mod v4;
mod v6;

pub use addr::{Address, ParsePrefixError, Prefix, Range};
pub use image::{
    BuildError, Builder, Built, Image, ImageError, SECTIONS_MAX, SectionInfo, VERSION,
};
pub use kernel::Kernel;
pub use layers::{LAYERS_MAX, Layer, LayerInfo, Records};
pub use map::{Iter, PrefixMap};
pub use runs::{NONE, Runs, RunsError};
pub use swap::{Guard, Reader, Swap};
pub use table::{Packed, Table, TooManyValues};
