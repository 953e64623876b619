//! The packets behind a host, a flow or a filter, as a capture of their own.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::ops::ControlFlow;

use hashbrown::HashSet;

use super::fields::FlowFields;
use super::files::{Carriage, Carried, Consumer, Imports, Job, import};
use super::paths::Inputs;
use crate::filter::Plan;
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
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Those from or to an address, inside tunnels too, with all fragments.
    Addr(Addr),
    /// Those of a flow, with all fragments.
    Flow(Uid),
    /// Those of several flows, with all fragments.
    Flows(FlowSet),
}

/// Flows that were found in one pass, to be carved in the next.
#[derive(Clone, Debug, Default)]
pub struct FlowSet(HashSet<Uid>);

/// Flows that one carving keeps in mind between its two passes: 100 MB of names.
pub const CARVED_FLOWS_MAX: usize = 4_000_000;

impl FromIterator<Uid> for FlowSet {
    fn from_iter<T: IntoIterator<Item = Uid>>(uids: T) -> Self {
        Self(uids.into_iter().collect())
    }
}

impl FlowSet {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Finds the flows that meet a filter: the first of two passes, for a flow shows what it is only
/// when its packets have passed. Of more than [`CARVED_FLOWS_MAX`] the rest are not carved, which a
/// problem says.
pub fn flows_that(inputs: Inputs, job: Job<'_>, plan: &Plan) -> (Imports, FlowSet) {
    let mut seeking = Seeking { plan, found: FlowSet::default(), names: Vec::new(), given_up: 0 };
    let mut imports = import(inputs, job, &mut seeking);
    if let Some(last) = imports.rows.last_mut().filter(|_| seeking.given_up > 0) {
        let what =
            format!("more than {CARVED_FLOWS_MAX} flows meet the filter; the rest are left out");
        last.problems.push(Problem { place: Position::Whole, what, count: seeking.given_up });
    }
    (imports, seeking.found)
}

struct Seeking<'a> {
    plan: &'a Plan,
    found: FlowSet,
    names: Vec<Untrusted>,
    given_up: u64,
}

impl Consumer for Seeking<'_> {
    fn begin(&mut self, _import: ImportId, _realm: RealmId, name: &Untrusted) {
        self.names.push(name.clone());
    }

    fn flow(&mut self, flow: Flow) {
        let import = self.names.get(flow.import.0 as usize).cloned().unwrap_or_default();
        if !self.plan.matches(&FlowFields { flow: &flow, import: &import }) {
        } else if self.found.len() < CARVED_FLOWS_MAX {
            self.found.0.insert(flow.uid);
        } else {
            self.given_up += 1;
        }
    }

    fn record(&mut self, _record: Record) {}
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
    let comment = match &wanted {
        Wanted::Addr(addr) => format!("packets from or to {addr}"),
        Wanted::Flow(uid) => format!("packets of flow {uid}"),
        Wanted::Flows(flows) => format!("packets of {} flows that met a filter", flows.len()),
    };
    let mut writer = Writer::new(out, application, Some(&comment))?;
    let mut frames = 0;
    let imports = carve_to(inputs, job, wanted, None, &mut |frame, _| {
        frames += 1;
        writer.write(frame, None).map(ControlFlow::Continue)
    })?;
    writer.finish().map(|_| (imports, frames))
}

/// Where wanted frames go, in their order, with the flow that they are wanted for, if a packet of
/// it is known to be in them; it may say that there were enough.
pub(super) type Sink<'a> = dyn FnMut(&Frame<'_>, Option<Uid>) -> io::Result<ControlFlow<()>> + 'a;

/// Gives the wanted frames to `sink`; of the import of that name alone, where there is one.
///
/// # Errors
/// What the sink says.
pub(super) fn carve_to(
    inputs: Inputs,
    job: Job<'_>,
    wanted: Wanted,
    only: Option<&Untrusted>,
    sink: &mut Sink<'_>,
) -> io::Result<Imports> {
    let mut carving = Carving {
        sink,
        wanted,
        only,
        is_other: false,
        waiting: VecDeque::new(),
        waiting_bytes: 0,
        given_up: 0,
        ended: None,
    };
    let mut imports = import(inputs, job, &mut carving);
    carving.end_capture();
    if let Some(last) = imports.rows.last_mut().filter(|_| carving.given_up > 0) {
        let what = "too many frames with fragments waited for the rest of their packet; some may \
                    be wanted and are not written"
            .to_owned();
        last.problems.push(Problem { place: Position::Whole, what, count: carving.given_up });
    }
    match carving.ended {
        Some(Err(error)) => Err(error),
        None | Some(Ok(())) => Ok(imports),
    }
}

struct Carving<'a> {
    sink: &'a mut Sink<'a>,
    wanted: Wanted,
    only: Option<&'a Untrusted>,
    /// This import is not the one that is wanted.
    is_other: bool,
    /// Frames behind one of which it is not known yet whether it is wanted, so that all are
    /// written in their order; empty most of the time.
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    given_up: u64,
    /// The sink has enough, or failed.
    ended: Option<io::Result<()>>,
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
    /// For this flow.
    Wanted(Option<Uid>),
    Unwanted,
    /// A fragment is in it whose packet is not whole yet.
    Open,
}

impl Carving<'_> {
    fn wants_packet(&self, packet: &Carried) -> bool {
        match &self.wanted {
            Wanted::Flow(uid) => packet.uid == *uid,
            Wanted::Flows(flows) => flows.0.contains(&packet.uid),
            Wanted::Addr(addr) => packet.src == *addr || packet.dst == *addr,
        }
    }

    /// Whether a frame is wanted, and for which flow.
    fn wants(&self, frame: &Frame<'_>, carried: &[Carried]) -> Option<Option<Uid>> {
        match self.wanted {
            Wanted::Addr(addr) if carried.is_empty() => names(frame, addr).then_some(None),
            _ => {
                let packet = carried.iter().find(|packet| self.wants_packet(packet));
                packet.map(|packet| Some(packet.uid))
            }
        }
    }

    fn write(&mut self, frame: &Frame<'_>, uid: Option<Uid>) {
        if self.ended.is_none() {
            self.ended = match (self.sink)(frame, uid) {
                Ok(ControlFlow::Continue(())) => None,
                Ok(ControlFlow::Break(())) => Some(Ok(())),
                Err(error) => Some(Err(error)),
            };
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
        let Fate::Wanted(uid) = first.fate else { return };
        let frame = Frame {
            index: first.index,
            offset: first.offset,
            ts: first.ts,
            link_type: first.link_type,
            bytes: &first.bytes,
            original_bytes: first.original_bytes,
        };
        self.write(&frame, uid);
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
    fn begin(&mut self, _import: ImportId, _realm: RealmId, name: &Untrusted) {
        self.end_capture();
        self.is_other = self.only.is_some_and(|only| only != name);
    }

    fn flow(&mut self, _flow: Flow) {}

    fn record(&mut self, _record: Record) {}

    fn frame(&mut self, frame: &Frame<'_>, carried: &Carriage) {
        if self.is_other {
            return;
        }
        for &(index, packet) in &carried.earlier_frames {
            let Ok(at) = self.waiting.binary_search_by_key(&index, |w| w.index) else { continue };
            let packet = carried.packets.get(packet).filter(|packet| self.wants_packet(packet));
            if let Some(packet) = packet {
                self.waiting[at].fate = Fate::Wanted(Some(packet.uid));
            } else if self.waiting[at].fate == Fate::Open && !carried.holds_fragment {
                // Whole, and another's.
                self.waiting[at].fate = Fate::Unwanted;
            }
        }
        match self.wants(frame, &carried.packets) {
            Some(uid) if self.waiting.is_empty() => self.write(frame, uid),
            Some(uid) => self.wait(frame, Fate::Wanted(uid)),
            None if carried.holds_fragment => self.wait(frame, Fate::Open),
            None => {}
        }
        self.settle(frame.ts);
    }

    fn is_done(&self) -> bool {
        self.ended.is_some()
    }
}
