//! A small writer of MaxMind DB files (format 2.0), for the proof against that format's own reader
//! and for the bench, which times it: <https://maxmind.github.io/MaxMind-DB/>.
//!
//! In come ranges that ascend and do not overlap, each with a number; out comes a whole file: the
//! search tree in depth-first order with the narrowest records that hold it (24, 28 or 32 bits),
//! each different number once in the data section as an `uint32`, and the metadata. A range needs
//! no cutting into prefixes: the tree is what cuts it.
//!
//! `benches/lookup` takes this file in too, so nothing here knows of either.

use std::collections::HashMap;

/// First and last address as numbers (IPv4: below 2³²), and the value.
pub(crate) type Row = (u128, u128, u32);

/// How wide the addresses of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// IPv4 alone.
    V4 = 32,
    /// IPv6, with IPv4 below ::/96, where the reader looks for it.
    V6 = 128,
}

/// What was written.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// The file.
    pub(crate) bytes: Vec<u8>,
    /// Nodes of the search tree.
    pub(crate) nodes: usize,
    /// Bits of a record; a node has two.
    pub(crate) record_bits: u16,
}

/// A child of a node until all nodes are counted: a node, a number in the data section, or nothing.
const DATA: u32 = 1 << 31;
const EMPTY: u32 = u32::MAX;

/// Bytes between the tree and the data, which a pointer into the data counts too.
const SEPARATOR_BYTES: usize = 16;

/// Writes a file with the narrowest records that hold its tree, of at least `least_bits`.
///
/// # Panics
/// When the file would need more than the 2³¹ nodes that this writer counts.
pub(crate) fn write(rows: &[Row], width: Width, least_bits: u16) -> Written {
    let mut tree = Tree::default();
    let (half, split) = halves(rows, 0, width as u32);
    tree.nodes.push([EMPTY; 2]);
    let left = tree.child(split.0, 0, width as u32 - 1);
    let right = tree.child(split.1, half, width as u32 - 1);
    tree.nodes[0] = [left, right];
    let count = tree.nodes.len();
    let most = count + SEPARATOR_BYTES + tree.data.len();
    let fits = |bits: &u16| *bits >= least_bits && most < 1 << bits;
    let record_bits = [24, 28, 32].into_iter().find(fits).unwrap();
    let mut bytes =
        Vec::with_capacity(count * usize::from(record_bits) / 4 + tree.data.len() + 512);
    for node in &tree.nodes {
        let [left, right] = node.map(|child| tree.record(child));
        push_node(&mut bytes, record_bits, left, right);
    }
    bytes.extend_from_slice(&[0; SEPARATOR_BYTES]);
    bytes.extend_from_slice(&tree.data);
    bytes.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    push_metadata(&mut bytes, width, count as u32, record_bits);
    Written { bytes, nodes: count, record_bits }
}

/// Where the right half of `height` bits begins, and the rows of either half. A row that lies in
/// both is in both.
fn halves(rows: &[Row], first: u128, height: u32) -> (u128, (&[Row], &[Row])) {
    let half = first + (1 << (height - 1));
    let split = rows.partition_point(|row| row.0 < half);
    let straddles = split > 0 && rows[split - 1].1 >= half;
    (half, (&rows[..split], &rows[split - usize::from(straddles)..]))
}

#[derive(Default)]
struct Tree {
    nodes: Vec<[u32; 2]>,
    data: Vec<u8>,
    /// Where each value stands in the data.
    offsets: HashMap<u32, u32>,
}

impl Tree {
    /// What stands for the `height` bits from `first` on, of which `rows` speak.
    fn child(&mut self, rows: &[Row], first: u128, height: u32) -> u32 {
        let last = first + ((1_u128 << height) - 1);
        match rows {
            [] => return EMPTY,
            [(from, to, value)] if *from <= first && *to >= last => return self.value(*value),
            _ => {}
        }
        let id = self.nodes.len();
        assert!(id < DATA as usize && height > 0, "too many nodes, or rows that overlap");
        self.nodes.push([EMPTY; 2]);
        let (half, (left, right)) = halves(rows, first, height);
        let left = self.child(left, first, height - 1);
        let right = self.child(right, half, height - 1);
        self.nodes[id] = [left, right];
        id as u32
    }

    fn value(&mut self, value: u32) -> u32 {
        let data = &mut self.data;
        let offset = *self.offsets.entry(value).or_insert_with(|| {
            let offset = data.len() as u32;
            push_uint(data, UINT32, u64::from(value));
            offset
        });
        DATA | offset
    }

    /// The number that the file has for a child.
    fn record(&self, child: u32) -> u32 {
        let count = self.nodes.len() as u32;
        match child {
            EMPTY => count,
            child if child & DATA != 0 => count + SEPARATOR_BYTES as u32 + (child & !DATA),
            child => child,
        }
    }
}

fn push_node(bytes: &mut Vec<u8>, record_bits: u16, left: u32, right: u32) {
    let ([l, left @ ..], [r, right @ ..]) = (left.to_be_bytes(), right.to_be_bytes());
    match record_bits {
        24 => {
            bytes.extend_from_slice(&left);
            bytes.extend_from_slice(&right);
        }
        28 => {
            bytes.extend_from_slice(&left);
            bytes.push(l << 4 | r);
            bytes.extend_from_slice(&right);
        }
        _ => {
            bytes.push(l);
            bytes.extend_from_slice(&left);
            bytes.push(r);
            bytes.extend_from_slice(&right);
        }
    }
}

const TEXT: u8 = 2;
const UINT16: u8 = 5;
const UINT32: u8 = 6;
const MAP: u8 = 7;
const UINT64: u8 = 9;
const ARRAY: u8 = 11;

/// The byte or two before a value: its type and, below 29, its size.
fn push_control(bytes: &mut Vec<u8>, kind: u8, size: u8) {
    match kind {
        0..=7 => bytes.push(kind << 5 | size),
        extended => bytes.extend_from_slice(&[size, extended - 7]),
    }
}

/// A number without its leading zero bytes.
fn push_uint(bytes: &mut Vec<u8>, kind: u8, number: u64) {
    let skip = number.leading_zeros() as usize / 8;
    push_control(bytes, kind, 8 - skip as u8);
    bytes.extend_from_slice(&number.to_be_bytes()[skip..]);
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    push_control(bytes, TEXT, u8::try_from(text.len()).ok().filter(|&size| size < 29).unwrap());
    bytes.extend_from_slice(text.as_bytes());
}

fn push_metadata(bytes: &mut Vec<u8>, width: Width, nodes: u32, record_bits: u16) {
    push_control(bytes, MAP, 9);
    let numbers = [
        ("binary_format_major_version", UINT16, 2),
        ("binary_format_minor_version", UINT16, 0),
        ("build_epoch", UINT64, 1_767_225_600),
        ("ip_version", UINT16, if width == Width::V4 { 4 } else { 6 }),
        ("node_count", UINT32, u64::from(nodes)),
        ("record_size", UINT16, u64::from(record_bits)),
    ];
    for (key, kind, number) in numbers {
        push_text(bytes, key);
        push_uint(bytes, kind, number);
    }
    push_text(bytes, "database_type");
    push_text(bytes, "Numbers");
    push_text(bytes, "description");
    push_control(bytes, MAP, 1);
    push_text(bytes, "en");
    push_text(bytes, "Numbers of ranges");
    push_text(bytes, "languages");
    push_control(bytes, ARRAY, 1);
    push_text(bytes, "en");
}
