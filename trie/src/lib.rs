//! Longest-prefix match for IPv4 and IPv6: packed tables that are looked up one by one or in
//! batches, in memory or as they lie in a file.
//!
//! | you have or want | use | costs |
//! |---|---|---|
//! | prefixes that come and go, the chain around an address | [`PrefixMap`] | a step for each bit of a prefix at most; 24 to 48 bytes a prefix |
//! | unions, differences and intersections of tables, ranges | [`Runs`] | one pass; 8 bytes a run of IPv4, 20 of IPv6 |
//! | look-ups, nothing else | [`Table`] | one to three cache lines; a few bytes a run |
//! | what many sources say, by one look-up, in a file | [`Builder`] → [`Image`] | one look-up, and some bits of a record |
//! | a new image while others read the old one | [`Swap`] | a store and a fence for each batch |
//!
//! Addresses are numbers in host order, `u32` and `u128`; values are `u32`, dense from 0: they stand
//! for whatever the caller keeps in a table of its own. Of the prefixes around an address the longest
//! holds (RFC 1812 §5.2.4.3); [`NONE`] says in a batch that there is none.
//!
//! # From prefixes to a file to a look-up
//!
//! ```
//! use std::net::Ipv4Addr;
//! use std::sync::Arc;
//! use infralock_trie::{Builder, Image, Layer, Prefix, Runs, Swap};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Each source is a layer: prefixes, and numbers for what it says of them.
//! let owners = ["Example Networks", "Example Hosting"];
//! let rows: Vec<(Prefix<u32>, u32)> =
//!     vec![("192.0.2.0/24".parse()?, 0), ("192.0.2.128/25".parse()?, 1)];
//! let mut builder = Builder::new();
//! builder.insert(Layer {
//!     name: "owner".into(),
//!     note: "2026-01-01".into(),
//!     v4: Runs::from_prefixes(rows)?,
//!     ..Layer::default()
//! });
//! // What the numbers mean may lie in the same file.
//! builder.section("owners", owners.join("\n").into_bytes());
//!
//! // Write beside, then rename: whoever reads the old file is not disturbed.
//! let folder = tempfile::tempdir()?;
//! let (beside, path) = (folder.path().join("new"), folder.path().join("owners.image"));
//! let built = builder.build(|_done, _of| true)?;
//! built.write_to(&mut std::fs::File::create(&beside)?)?;
//! std::fs::rename(&beside, &path)?;
//!
//! // Readers take the present image for a batch; a newer one can be put there at any time.
//! let swap = Swap::new(Arc::new(Image::open(&path)?));
//! let mut reader = swap.reader();
//! let image = reader.load();
//! let owner = image.layer("owner").ok_or("no such layer")?;
//! let record = image.v4().get(Ipv4Addr::new(192, 0, 2, 200).to_bits()).ok_or("unknown")?;
//! assert_eq!(image.v4_records().get(record, owner), Some(1));
//! let names = image.section("owners")?.ok_or("no such section")?;
//! assert_eq!(names.split(|&byte| byte == b'\n').nth(1), Some(b"Example Hosting".as_slice()));
//! # Ok(())
//! # }
//! ```
//!
//! # Files of strangers
//!
//! Opening checks the head, the section table and its checksum, and every size; sections are
//! checked against their checksums when asked for, all by [`Image::verify`]. A hostile file whose
//! checksums are right gives wrong answers at worst: every read is inside its section, and every
//! walk ends after no more steps than the file has room for runs. What is left is `SIGBUS` when
//! another process cuts a mapped file, of which [`Image::open`] tells.
//!
//! # Unsafe code
//!
//! Denied but in three modules, each block with its reason: `bytes` makes slices of numbers from
//! the bytes of a file, `kernel::x86` calls intrinsics that take pointers, and `swap` follows a
//! pointer that a writer replaces. The tests run under Miri, the swap under loom:
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib swap`.
//!
//! # Speed
//!
//! Batches are several times as fast as single look-ups, because the memory works on many at once:
//! give some hundred addresses to [`Table::get_batch`]. On x86-64 AVX2 and AVX-512 are used where the
//! processor has them ([`Kernel`]). Tables whose hot parts fit a cache are bound by it, larger ones
//! by how many lines the memory can fetch. To measure, look up a million random addresses in your
//! own table, each kernel in turn, and take the median of some rounds; the example `swaps` measures
//! look-ups while images are swapped.
//!
//! Rust 1.95 or later; little-endian processors.

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
#[allow(unsafe_code, reason = "a signal handler is installed by the system's own call")]
mod fault;
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
pub use fault::explain_bus_errors;
pub use image::{
    BuildError, Builder, Built, Image, ImageError, SECTIONS_MAX, SectionInfo, VERSION,
};
pub use kernel::Kernel;
pub use layers::{LAYERS_MAX, Layer, LayerInfo, Records};
pub use map::{Iter, PrefixMap};
pub use runs::{NONE, Runs, RunsError};
pub use swap::{Guard, Reader, Swap};
pub use table::{Packed, Table, TooManyValues};
