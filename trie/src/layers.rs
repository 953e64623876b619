//! Layers → one table a family whose value is a record: what each layer says, side by side.
//!
//! Asking ten tables costs ten walks. Here the runs of all layers are cut at each other's borders;
//! every distinct combination of their values becomes one record, numbered in the order of the
//! addresses, so that records of neighbours lie side by side; and one table leads to it.

use std::fmt;

use crate::addr::Address;
use crate::bits;
use crate::bytes::Section;
use crate::runs::{NONE, Runs};

/// The most layers of one image.
pub const LAYERS_MAX: usize = 256;

/// What one source says of addresses: a value for each, of both families.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// The name, which is unique in a builder.
    pub name: String,
    /// Whatever should be known of it later: a date, a licence, as any text.
    pub note: String,
    /// IPv4.
    pub v4: Runs<u32>,
    /// IPv6.
    pub v6: Runs<u128>,
}

/// One layer of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerInfo {
    /// The name.
    pub name: String,
    /// What its maker wrote about it.
    pub note: String,
    /// Runs that have a value: IPv4, IPv6.
    pub runs: [u64; 2],
}

/// Every distinct combination of the layers' values, bit by bit.
#[derive(Clone)]
pub struct Records {
    bytes: Section<u8>,
    columns: Vec<Column>,
    stride: u32,
    len: u32,
}

/// Where a layer's value lies in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) offset: u32,
    pub(crate) width: u32,
}

/// The columns of these widths, and the bits of a record.
pub(crate) fn columns(widths: impl IntoIterator<Item = u32>) -> (Vec<Column>, u32) {
    let mut stride = 0_u32;
    let columns = widths.into_iter().map(|width| {
        let column = Column { offset: stride, width };
        stride = stride.saturating_add(width);
        column
    });
    (columns.collect(), stride)
}

impl Records {
    pub(crate) fn new(bytes: Section<u8>, widths: &[u32], len: u32) -> Option<Self> {
        let (columns, stride) = columns(widths.iter().copied());
        let bits = u64::from(len) * u64::from(stride);
        let needed = bits.div_ceil(8) + bits::TAIL_BYTES as u64;
        (bytes.len() as u64 >= needed).then_some(Self { bytes, columns, stride, len })
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bits of one record.
    pub fn bits(&self) -> u32 {
        self.stride
    }

    /// What the layer of this number says in a record; `None`: nothing, or there is no such layer
    /// or record.
    #[inline]
    pub fn get(&self, record: u32, layer: usize) -> Option<u32> {
        let column = self.columns.get(layer)?;
        if record >= self.len {
            return None;
        }
        let at = u64::from(record) * u64::from(self.stride) + u64::from(column.offset);
        // Stored one higher: 0 says that the layer says nothing.
        bits::read(&self.bytes, at, column.width).checked_sub(1)
    }

    /// What every layer says in a record, in the order of the layers.
    pub fn values(&self, record: u32) -> impl Iterator<Item = Option<u32>> {
        (0..self.columns.len()).map(move |layer| self.get(record, layer))
    }

    /// Bytes of all records.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records of {} bits", self.len, self.stride)
    }
}

/// What became of the layers of one family.
pub(crate) struct Merged<A> {
    pub(crate) runs: Runs<A>,
    /// The records, as many numbers each as there are layers; [`NONE`] where one says nothing.
    rows: Vec<u32>,
    layers: usize,
}

/// Cuts all layers at each other's borders. `tick` is told of so many runs done now and then, and
/// stops the work by saying so.
pub(crate) fn merge<A: Address>(
    layers: &[&Runs<A>],
    mut tick: impl FnMut(usize) -> bool,
) -> Option<Merged<A>> {
    let mut at = vec![0_usize; layers.len()];
    let mut values = vec![NONE; layers.len()];
    let mut interner = Interner::new(layers.len());
    let mut runs = Runs::default();
    let total: usize = layers.iter().map(|layer| layer.len()).max().unwrap_or(0);
    runs.reserve(total + total / 8);
    let mut told = 0;
    let mut start = A::MIN;
    loop {
        let mut next: Option<A> = None;
        for ((layer, at), value) in layers.iter().zip(&mut at).zip(&mut values) {
            if layer.starts().get(*at) == Some(&start) {
                *value = layer.values().get(*at).copied().unwrap_or(NONE);
                *at += 1;
            }
            if let Some(&other) = layer.starts().get(*at) {
                next = Some(next.map_or(other, |next| next.min(other)));
            }
        }
        runs.push(start, interner.id(&values));
        told += 1;
        if told % TICK_RUNS == 0 && !tick(TICK_RUNS) {
            return None;
        }
        match next {
            Some(next) => start = next,
            None => break,
        }
    }
    // The last word counts too: a small table has no other.
    tick(told % TICK_RUNS).then_some(Merged { runs, rows: interner.rows, layers: layers.len() })
}

/// Runs between two words about progress: some milliseconds of work.
const TICK_RUNS: usize = 1 << 16;

impl<A> Merged<A> {
    pub(crate) fn records(&self) -> usize {
        self.rows.len() / self.layers.max(1)
    }

    /// Bits of each layer's column.
    pub(crate) fn widths(&self) -> Vec<u32> {
        let mut highest = vec![0_u32; self.layers];
        for row in self.rows.chunks_exact(self.layers.max(1)) {
            for (highest, &value) in highest.iter_mut().zip(row) {
                // `NONE` wraps to 0: stored numbers are one higher.
                *highest = (*highest).max(value.wrapping_add(1));
            }
        }
        highest.into_iter().map(bits::width).collect()
    }

    /// The records, bit by bit.
    pub(crate) fn pack(&self, widths: &[u32]) -> Vec<u8> {
        let mut writer = bits::Writer::default();
        for row in self.rows.chunks_exact(self.layers.max(1)) {
            for (&value, &width) in row.iter().zip(widths) {
                writer.push(value.wrapping_add(1), width);
            }
        }
        let mut bytes = writer.finish();
        bytes.extend_from_slice(&[0; bits::TAIL_BYTES]);
        bytes
    }
}

/// Numbers rows of values in the order they are met first.
struct Interner {
    layers: usize,
    rows: Vec<u32>,
    /// Numbers of rows by hash, open addressing; [`NONE`] is free.
    slots: Vec<u32>,
    len: usize,
}

impl Interner {
    fn new(layers: usize) -> Self {
        Self { layers, rows: Vec::new(), slots: vec![NONE; 1 << 10], len: 0 }
    }

    /// The number of a row; [`NONE`] for the one that says nothing at all.
    fn id(&mut self, row: &[u32]) -> u32 {
        if row.iter().all(|&value| value == NONE) {
            return NONE;
        }
        if self.len * 2 >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut slot = hash(row) as usize & mask;
        loop {
            match self.slots[slot] {
                NONE => break,
                id if self.row(id) == row => return id,
                _ => slot = (slot + 1) & mask,
            }
        }
        let id = self.len as u32;
        self.slots[slot] = id;
        self.rows.extend_from_slice(row);
        self.len += 1;
        id
    }

    fn row(&self, id: u32) -> &[u32] {
        let at = id as usize * self.layers;
        &self.rows[at..at + self.layers]
    }

    fn grow(&mut self) {
        let mut slots = vec![NONE; self.slots.len() * 2];
        let mask = slots.len() - 1;
        for id in 0..self.len as u32 {
            let mut slot = hash(self.row(id)) as usize & mask;
            while slots[slot] != NONE {
                slot = (slot + 1) & mask;
            }
            slots[slot] = id;
        }
        self.slots = slots;
    }
}

/// Multiply and rotate, as the Rust compiler hashes its own tables: the rows are our own numbers,
/// and nobody gains from rows that collide.
fn hash(row: &[u32]) -> u64 {
    let mix = |hash: u64, &value: &u32| {
        (hash.rotate_left(5) ^ u64::from(value)).wrapping_mul(0x517c_c1b7_2722_0a95)
    };
    let hash = row.iter().fold(0, mix);
    hash ^ hash >> 32
}
