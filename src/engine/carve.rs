//! The packets behind a host or a flow, as a capture of their own.

use std::collections::VecDeque;
use std::io::{self, Write};

use super::files::{Carriage, Carried, Consumer, Imports, Job, import};
use super::paths::Inputs;
use crate::model::{
    Addr, Flow, ImportId, Position, Problem, RealmId, Record, Timestamp, Uid, Untrusted,
};
use crate::wire::capture::pcapng_write::Writer;
use crate::wire::{FRAGMENT_AGE_NANOS_MAX, FRAGMENT_BYTES_MAX, Frame};

/// Bytes at the beginning of a frame in which an address is looked for where no packet could be
/// decoded: link, tags and two IP headers fit.
const ADDRESS_BYTES: usize = 128;

/// Bytes of frames that wait for the rest of a packet, and of wanted ones behind them.
const WAITING_BYTES_MAX: usize = 2 * FRAGMENT_BYTES_MAX;

/// Which packets are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those from or to an address, inside tunnels too, with all fragments.
    Addr(Addr),
    /// Those of a flow, with all fragments.
    Flow(Uid),
}

/// Writes the wanted frames of captures as pcapng, in their order; says how many there were.
///
/// # Errors
/// The output cannot be written.
pub fn carve(
    inputs: Inputs,
    job: Job<'_>,
    wanted: Wanted,
    out: &mut dyn Write,
) -> io::Result<(Imports, u64)> {
    let application = concat!("infralock ", env!("CARGO_PKG_VERSION"));
    let comment = match wanted {
        Wanted::Addr(addr) => format!("packets from or to {addr}"),
        Wanted::Flow(uid) => format!("packets of flow {uid}"),
    };
    let writer = Writer::new(out, application, Some(&comment))?;
    let mut carving = Carving {
        writer,
        wanted,
        waiting: VecDeque::new(),
        waiting_bytes: 0,
        given_up: 0,
        frames: 0,
        failed: None,
    };
    let mut imports = import(inputs, job, &mut carving);
    carving.end_capture();
    if let Some(last) = imports.rows.last_mut().filter(|_| carving.given_up > 0) {
        let what = "too many frames with fragments waited for the rest of their packet; some may \
                    be wanted and are not written"
            .to_owned();
        last.problems.push(Problem { place: Position::Whole, what, count: carving.given_up });
    }
    match carving.failed {
        Some(error) => Err(error),
        None => carving.writer.finish().map(|_| (imports, carving.frames)),
    }
}

struct Carving<'a> {
    writer: Writer<&'a mut dyn Write>,
    wanted: Wanted,
    /// Frames behind one of which it is not known yet whether it is wanted, so that all are
    /// written in their order; empty most of the time.
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    given_up: u64,
    frames: u64,
    failed: Option<io::Error>,
}

/// A frame that waits.
struct Waiting {
    index: u64,
    offset: u64,
    ts: Timestamp,
    link_type: u16,
    original_bytes: u32,
    bytes: Box<[u8]>,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Wanted,
    Unwanted,
    /// A fragment is in it whose packet is not whole yet.
    Open,
}

impl Carving<'_> {
    fn wants_packet(&self, packet: &Carried) -> bool {
        match self.wanted {
            Wanted::Flow(uid) => packet.uid == uid,
            Wanted::Addr(addr) => packet.src == addr || packet.dst == addr,
        }
    }

    fn wants(&self, frame: &Frame<'_>, carried: &[Carried]) -> bool {
        match self.wanted {
            Wanted::Addr(addr) if carried.is_empty() => names(frame, addr),
            _ => carried.iter().any(|packet| self.wants_packet(packet)),
        }
    }

    fn write(&mut self, frame: &Frame<'_>) {
        if self.failed.is_none() {
            self.frames += 1;
            self.failed = self.writer.write(frame, None).err();
        }
    }

    fn wait(&mut self, frame: &Frame<'_>, fate: Fate) {
        self.waiting_bytes += frame.bytes.len() + size_of::<Waiting>();
        self.waiting.push_back(Waiting {
            index: frame.index,
            offset: frame.offset,
            ts: frame.ts,
            link_type: frame.link_type,
            original_bytes: frame.original_bytes,
            bytes: frame.bytes.into(),
            fate,
        });
    }

    /// Writes what no longer waits; gives up on fragments that the decoder has given up, too.
    fn settle(&mut self, now: Timestamp) {
        while let Some(first) = self.waiting.front() {
            let is_full = self.waiting_bytes > WAITING_BYTES_MAX;
            let is_old = now.nanos_since(first.ts) > FRAGMENT_AGE_NANOS_MAX;
            if first.fate == Fate::Open && !is_full && !is_old {
                break;
            }
            self.given_up += u64::from(first.fate == Fate::Open && !is_old);
            self.take_first();
        }
    }

    fn take_first(&mut self) {
        let Some(first) = self.waiting.pop_front() else { return };
        self.waiting_bytes -= first.bytes.len() + size_of::<Waiting>();
        if first.fate != Fate::Wanted {
            return;
        }
        self.write(&Frame {
            index: first.index,
            offset: first.offset,
            ts: first.ts,
            link_type: first.link_type,
            bytes: &first.bytes,
            original_bytes: first.original_bytes,
        });
    }

    /// No rest of a packet comes any more.
    fn end_capture(&mut self) {
        while !self.waiting.is_empty() {
            self.take_first();
        }
    }
}

/// Whether a frame without a whole packet (a fragment, ARP) has an address in its headers.
fn names(frame: &Frame<'_>, addr: Addr) -> bool {
    let head = frame.bytes.get(..ADDRESS_BYTES).unwrap_or(frame.bytes);
    match addr {
        Addr::V4(addr) => memchr::memmem::find(head, &addr.octets()).is_some(),
        Addr::V6(addr) => memchr::memmem::find(head, &addr.octets()).is_some(),
    }
}

impl Consumer for Carving<'_> {
    fn begin(&mut self, _import: ImportId, _realm: RealmId, _name: &Untrusted) {
        self.end_capture();
    }

    fn flow(&mut self, _flow: Flow) {}

    fn record(&mut self, _record: Record) {}

    fn frame(&mut self, frame: &Frame<'_>, carried: &Carriage) {
        for &(index, packet) in &carried.earlier_frames {
            let Ok(at) = self.waiting.binary_search_by_key(&index, |w| w.index) else { continue };
            if carried.packets.get(packet).is_some_and(|packet| self.wants_packet(packet)) {
                self.waiting[at].fate = Fate::Wanted;
            } else if self.waiting[at].fate == Fate::Open && !carried.holds_fragment {
                // Whole, and another's.
                self.waiting[at].fate = Fate::Unwanted;
            }
        }
        let is_wanted = self.wants(frame, &carried.packets);
        if is_wanted && self.waiting.is_empty() {
            self.write(frame);
        } else if is_wanted {
            self.wait(frame, Fate::Wanted);
        } else if carried.holds_fragment {
            self.wait(frame, Fate::Open);
        }
        self.settle(frame.ts);
    }

    fn is_done(&self) -> bool {
        self.failed.is_some()
    }
}
