//! The flow table: packets in, ended flows and what was said in them out.
//!
//! A flow lives from its first packet until it is over, idle or evicted, by Zeek's times; time is
//! that of the packets. Sixteen logical shards, chosen by an unkeyed hash of the key, each have
//! their own limit and timers, so that the result does not depend on how many threads run them.
//!
//! Estimate: a packet costs one hash, one probe and one flow of five cache lines: with a table that
//! no cache holds three misses, some 250 ns; with a warm one 60 ns. 3 M packets a second a core is
//! the floor. An open flow takes about 400 bytes, so a million of them 0.4 GB.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::model::limits::{FLOW_SHARDS, FLOWS_MAX};
use crate::model::{Addr, ConnState, Flow, ImportId, Proto, Record, Spoken, Timestamp, Uid};
use crate::wire::{Packet, Tcp, Transport, Tunnel};

use super::apps::{Context, Conversation, Heard, SecretKey, Sink, Transport as Manner};
use super::history::History;
use super::key::{Key, Rank, side_of};
use super::stream::Chunk;
use super::tcp::{self, Connection, Lent};
use super::{Pair, Side, os, ports};

const SECOND: i64 = 1_000_000_000;

/// A SYN without an answer is one attempt (Zeek's `tcp_attempt_delay`).
const ATTEMPT_NANOS: i64 = 5 * SECOND;
/// A closed connection waits for what follows (Zeek's `tcp_close_delay`).
const CLOSE_NANOS: i64 = 5 * SECOND;
/// A half-closed one that stays quiet so long is looked at … (Zeek's `tcp_connection_linger`)
const LINGER_NANOS: i64 = 5 * SECOND;
/// … first so long after its beginning (Zeek's `tcp_SYN_timeout`), …
const FIRST_LOOK_NANOS: i64 = 5 * SECOND;
/// … then this often (Zeek's `tcp_session_timer`).
const LOOK_NANOS: i64 = 6 * SECOND;
/// An established connection may be silent so long (Zeek's `tcp_inactivity_timeout`).
const IDLE_TCP_NANOS: i64 = 300 * SECOND;
/// Everything else (Zeek's `udp_inactivity_timeout`, `icmp_inactivity_timeout`).
const IDLE_NANOS: i64 = 60 * SECOND;

/// DNS over UDP and its kin are looked at this often (Zeek's `dns_session_timeout`) …
const DNS_LOOK_NANOS: i64 = 10 * SECOND;
/// … and end if they were quiet so long, so that ports used again give new flows.
const DNS_QUIET_NANOS: i64 = 9 * SECOND;
/// Where Zeek expects DNS: the name service, NetBIOS names, mDNS, LLMNR.
const DNS_PORTS: [u16; 4] = [53, 137, 5353, 5355];

/// A clock that goes back further than this was set anew, or another capture begins; less is
/// disorder among packets.
const CLOCK_BACK_NANOS: i64 = 60 * SECOND;

/// The table's clock ends after 146 years, so that adding a timeout to it never overflows: times
/// that jump back and forth by decades get there.
const CLOCK_MAX: i64 = i64::MAX / 2;

/// Conversations held at once. Each takes up to 3 KiB until its protocol is known or given up, so
/// that a flood of new flows with payload costs at most 0.8 GB; flows beyond are only counted.
pub const CONVERSATIONS_MAX: usize = 1 << 18;

/// Bytes of all flows that wait behind holes.
pub const WAITING_BYTES_TOTAL_MAX: usize = 128 << 20;

/// Outer flows remembered for one inner flow.
pub const TUNNEL_PARENTS_MAX: usize = 16;

/// When a shard is full, this share of it is ended at once: the least recently active ones. Looking
/// for one at a time would look at all of them for each new flow.
const EVICTED_SHARE: usize = 16;

/// What the table must know.
#[derive(Clone, Copy)]
pub struct Options {
    /// The file the packets are from.
    pub import: ImportId,
    /// For hashes of secrets that were sent in clear.
    pub secret_key: SecretKey,
    /// Flows open at once; [`FLOWS_MAX`] unless a test wants fewer.
    pub flows_max: usize,
}

impl Options {
    /// The usual limits.
    pub const fn new(import: ImportId, secret_key: SecretKey) -> Self {
        Self { import, secret_key, flows_max: FLOWS_MAX }
    }
}

/// What the table tells.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowEvent {
    /// A flow has ended.
    Flow(Flow),
    /// A transaction inside a flow: a request with its answer, a try to log in.
    Record(Record),
}

/// How many there were of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowStats {
    /// Packets taken.
    pub packets: u64,
    /// Of these, packets whose checksum is wrong; the history notes them with `c`.
    pub bad_checksum_packets: u64,
    /// Of these, TCP packets that no flow counts, because their sender has right checksums
    /// elsewhere in the same flow: a receiver would have dropped them.
    pub disbelieved_packets: u64,
    /// Flows begun.
    pub flows: u64,
    /// Flows ended early because the table was full.
    pub evicted_flows: u64,
    /// Flows whose content was not looked at because too many spoke at once.
    pub unheard_flows: u64,
}

/// Packets → flows. One for each capture.
pub struct FlowTable {
    options: Options,
    clock: Clock,
    shards: Vec<Shard>,
    hasher: hashbrown::DefaultHashBuilder,
    /// The flows of the packets so far of the frame at hand, with their depth.
    carriers: Vec<Carrier>,
    frame_index: u64,
    stats: FlowStats,
}

/// The flow of an outer packet of the frame at hand.
#[derive(Clone, Copy, Debug)]
struct Carrier {
    depth: u8,
    uid: Uid,
    shard: usize,
    slot: u32,
}

/// Time as it passes: packets' times made to never go back.
#[derive(Debug, Default)]
struct Clock {
    newest: Option<i64>,
    now: i64,
}

impl Clock {
    /// The time that has passed at a packet of `ts`, in nanoseconds since some beginning.
    fn advance(&mut self, ts: Timestamp) -> i64 {
        let ts = ts.nanos();
        let newest = self.newest.unwrap_or(ts);
        let step = ts.saturating_sub(newest);
        if step >= 0 {
            self.now = self.now.saturating_add(step).min(CLOCK_MAX);
            self.newest = Some(ts);
        } else if step < -CLOCK_BACK_NANOS {
            self.newest = Some(ts);
        }
        self.now
    }
}

impl FlowTable {
    /// An empty table.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            clock: Clock::default(),
            shards: std::iter::repeat_with(Shard::default).take(FLOW_SHARDS).collect(),
            hasher: hashbrown::DefaultHashBuilder::default(),
            carriers: Vec::new(),
            frame_index: 0,
            stats: FlowStats::default(),
        }
    }

    /// Takes a packet; tells `out` what ended or was said. Gives back the flow it belongs to.
    ///
    /// Packets come in the order of the capture, the outer packet of a frame before its inner ones.
    pub fn push(&mut self, packet: &Packet<'_>, out: &mut dyn FnMut(FlowEvent)) -> Uid {
        let now = self.clock.advance(packet.ts);
        self.stats.packets += 1;
        let (key, sender) = Key::of(packet);
        let carrier = self.carrier(packet);
        if let Some((carrier, service)) = carrier.zip(packet.tunnel.and_then(service_of)) {
            self.note_service(carrier, service);
        }
        let which = key.shard(FLOW_SHARDS);
        let tag = tag_of(self.hasher.hash_one(key));
        let Some(shard) = self.shards.get_mut(which) else { return key.uid(packet) };
        let mut step =
            Step { hasher: &self.hasher, options: &self.options, stats: &mut self.stats, now, out };
        shard.expire(&mut step);
        let carrier = carrier.map(|carrier| carrier.uid);
        let (slot, uid) = shard.take(packet, Found { key, tag, sender, carrier }, &mut step);
        self.carriers.push(Carrier { depth: packet.tunnel_depth, uid, shard: which, slot });
        uid
    }

    /// Ends all flows that are still open, in the order in which they began.
    pub fn finish(&mut self, out: &mut dyn FnMut(FlowEvent)) {
        let now = self.clock.now;
        let mut open: Vec<(Timestamp, u64, Uid, usize, u32)> = Vec::new();
        for (which, shard) in self.shards.iter().enumerate() {
            open.extend(shard.slots.iter().map(|(slot, entry)| {
                (entry.first_seen, entry.frame_index, entry.uid, which, slot)
            }));
        }
        open.sort_unstable();
        let mut step =
            Step { hasher: &self.hasher, options: &self.options, stats: &mut self.stats, now, out };
        for (.., which, slot) in open {
            if let Some(shard) = self.shards.get_mut(which) {
                shard.end(slot, &mut step);
            }
        }
        self.carriers.clear();
    }

    /// How many there were so far.
    pub const fn stats(&self) -> FlowStats {
        self.stats
    }

    /// The flows that are open as far as they have come, by their headers alone: for who wants to
    /// see something before they end. At most `limit`, in no order.
    pub fn peek(&self, limit: usize) -> impl Iterator<Item = Flow> {
        let entries = self.shards.iter().flat_map(|shard| shard.slots.iter());
        entries.take(limit).map(|(_, entry)| entry.counted(&self.options))
    }

    /// Flows that are open.
    pub fn open_flows(&self) -> usize {
        self.shards.iter().map(|shard| shard.slots.count).sum()
    }

    /// The flow that carries this packet, if it came out of a tunnel.
    fn carrier(&mut self, packet: &Packet<'_>) -> Option<Carrier> {
        if packet.tunnel_depth == 0 || packet.frame_index != self.frame_index {
            self.carriers.clear();
            self.frame_index = packet.frame_index;
            return None;
        }
        self.carriers.retain(|carrier| carrier.depth < packet.tunnel_depth);
        self.carriers.last().copied()
    }

    /// A packet came out of a flow's tunnel: that is the surest sign of what the flow speaks.
    fn note_service(&mut self, carrier: Carrier, service: &'static str) {
        let shard = self.shards.get_mut(carrier.shard);
        if let Some(entry) = shard.and_then(|shard| shard.slots.get_mut(carrier.slot)) {
            // The slot may have been given away since.
            if entry.uid == carrier.uid {
                entry.tunnel_service.get_or_insert(service);
            }
        }
    }
}

/// What every step of a shard needs.
struct Step<'a> {
    hasher: &'a hashbrown::DefaultHashBuilder,
    options: &'a Options,
    stats: &'a mut FlowStats,
    now: i64,
    out: &'a mut dyn FnMut(FlowEvent),
}

/// A packet's key and what goes with it.
struct Found {
    key: Key,
    tag: u32,
    sender: Rank,
    carrier: Option<Uid>,
}

/// What a flow says.
#[derive(Default)]
enum Talk {
    /// Nothing yet.
    #[default]
    Unheard,
    /// It is being listened to.
    Live(Box<Conversation>),
    /// Enough was heard, or nothing that anyone knows.
    Over(Option<Box<Heard>>),
}

/// What the transport protocol keeps.
enum Life {
    Tcp(Connection),
    /// Payload bytes of each side; `None`: it sent nothing.
    Datagrams(Pair<Option<u64>>),
}

/// An open flow.
struct Entry {
    key: Key,
    uid: Uid,
    originator: Rank,
    tunnel_depth: u8,
    vlans: [u16; 2],
    frame_index: u64,
    first_seen: Timestamp,
    last_seen: Timestamp,
    /// On the table's clock: when it began, was last active, is looked at, is over.
    born: i64,
    active: i64,
    looked_at: i64,
    over: i64,
    packets: Pair<u64>,
    ip_bytes: Pair<u64>,
    missed_bytes: u64,
    bad_checksums: Pair<u32>,
    history: History,
    life: Life,
    talk: Talk,
    os_guess: Option<&'static str>,
    /// What it speaks, because packets came out of it.
    tunnel_service: Option<&'static str>,
    #[expect(clippy::box_collection, reason = "rarely there: 8 bytes in each flow, not 24")]
    parents: Option<Box<Vec<Uid>>>,
}

/// Open flows by number; freed numbers are used again.
#[derive(Default)]
struct Slots {
    /// Pieces of [`PIECE_SLOTS`], so that growing never copies a flow.
    pieces: Vec<Vec<Option<Entry>>>,
    free: Vec<u32>,
    count: usize,
}

const PIECE_SLOTS: usize = 512;

impl Slots {
    fn get(&self, slot: u32) -> Option<&Entry> {
        self.pieces.get(slot as usize / PIECE_SLOTS)?.get(slot as usize % PIECE_SLOTS)?.as_ref()
    }

    fn get_mut(&mut self, slot: u32) -> Option<&mut Entry> {
        let piece = self.pieces.get_mut(slot as usize / PIECE_SLOTS)?;
        piece.get_mut(slot as usize % PIECE_SLOTS)?.as_mut()
    }

    /// The place that the next new flow will have.
    fn next_slot(&self) -> u32 {
        let fresh = || u32::try_from(self.count).unwrap_or(u32::MAX);
        self.free.last().copied().unwrap_or_else(fresh)
    }

    fn insert(&mut self, slot: u32, entry: Entry) {
        self.free.pop();
        let (piece, place) = (slot as usize / PIECE_SLOTS, slot as usize % PIECE_SLOTS);
        if piece == self.pieces.len() {
            self.pieces.push(Vec::with_capacity(PIECE_SLOTS));
        }
        let Some(piece) = self.pieces.get_mut(piece) else { return };
        match piece.get_mut(place) {
            Some(old) => *old = Some(entry),
            None => piece.push(Some(entry)),
        }
        self.count += 1;
    }

    fn remove(&mut self, slot: u32) -> Option<Entry> {
        let piece = self.pieces.get_mut(slot as usize / PIECE_SLOTS)?;
        let entry = piece.get_mut(slot as usize % PIECE_SLOTS)?.take()?;
        self.free.push(slot);
        self.count -= 1;
        Some(entry)
    }

    fn iter(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (0_u32..)
            .zip(self.pieces.iter().flatten())
            .filter_map(|(slot, entry)| Some((slot, entry.as_ref()?)))
    }
}

/// A sixteenth of the table.
#[derive(Default)]
struct Shard {
    /// Tag and slot of each open flow.
    index: HashTable<(u32, u32)>,
    slots: Slots,
    /// When to look at which flow. A flow may stand here more than once; `looked_at` says which.
    timers: BinaryHeap<Reverse<(i64, u32)>>,
    waiting_bytes: usize,
    live_talks: usize,
}

impl Shard {
    /// Ends what is over or idle by now.
    fn expire(&mut self, step: &mut Step<'_>) {
        while let Some(&Reverse((at, slot))) = self.timers.peek() {
            if at > step.now {
                break;
            }
            self.timers.pop();
            let Some(entry) = self.slots.get_mut(slot).filter(|entry| entry.looked_at == at) else {
                continue;
            };
            let deadline = entry.deadline();
            if deadline <= step.now {
                self.end(slot, step);
            } else {
                entry.looked_at = deadline;
                self.timers.push(Reverse((deadline, slot)));
            }
        }
    }

    /// Puts a packet into its flow.
    fn take(&mut self, packet: &Packet<'_>, found: Found, step: &mut Step<'_>) -> (u32, Uid) {
        let mut slot = self.find(&found);
        if let (Some(open), Transport::Tcp(tcp)) = (slot, &packet.transport) {
            let is_reused = self.slots.get(open).is_some_and(|entry| match &entry.life {
                Life::Tcp(connection) => connection.is_reused_by(tcp),
                Life::Datagrams(_) => false,
            });
            if is_reused {
                self.end(open, step);
                slot = None;
            }
        }
        let slot = slot.unwrap_or_else(|| self.begin(packet, &found, step));
        let Some(entry) = self.slots.get_mut(slot) else { return (slot, found.key.uid(packet)) };
        if let Some(carrier) = found.carrier {
            entry.note_parent(carrier);
        }
        let mut room =
            Room { waiting_bytes: &mut self.waiting_bytes, live_talks: &mut self.live_talks };
        let may_be_over = entry.packet(packet, found.sender, &mut room, step);
        let is_new = entry.looked_at == i64::MAX;
        if is_new || may_be_over {
            let deadline = entry.deadline();
            if deadline < entry.looked_at {
                entry.looked_at = deadline;
                self.timers.push(Reverse((deadline, slot)));
            }
        }
        (slot, entry.uid)
    }

    fn find(&self, found: &Found) -> Option<u32> {
        let is_same = |&(tag, slot): &(u32, u32)| {
            tag == found.tag && self.slots.get(slot).is_some_and(|entry| entry.key == found.key)
        };
        self.index.find(spread(found.tag), is_same).map(|&(_, slot)| slot)
    }

    fn begin(&mut self, packet: &Packet<'_>, found: &Found, step: &mut Step<'_>) -> u32 {
        let flows_max = (step.options.flows_max / FLOW_SHARDS).max(1);
        if self.slots.count >= flows_max {
            self.evict(flows_max, step);
        }
        step.stats.flows += 1;
        let slot = self.slots.next_slot();
        self.slots.insert(slot, Entry::new(packet, found, step.now));
        let hash = spread(found.tag);
        self.index.insert_unique(hash, (found.tag, slot), |&(tag, _)| spread(tag));
        slot
    }

    /// Makes room: ends the least recently active flows.
    fn evict(&mut self, flows_max: usize, step: &mut Step<'_>) {
        let mut open: Vec<(i64, u64, u8, u32)> = self
            .slots
            .iter()
            .map(|(slot, entry)| (entry.active, entry.frame_index, entry.tunnel_depth, slot))
            .collect();
        let count = (flows_max / EVICTED_SHARE).max(1).min(open.len());
        if count < open.len() {
            open.select_nth_unstable(count);
            open.truncate(count);
        }
        open.sort_unstable();
        for (.., slot) in open {
            step.stats.evicted_flows += 1;
            self.end(slot, step);
        }
    }

    fn end(&mut self, slot: u32, step: &mut Step<'_>) {
        let Some(entry) = self.slots.remove(slot) else { return };
        let tag = tag_of(step.hasher.hash_one(entry.key));
        if let Ok(bucket) = self.index.find_entry(spread(tag), |&(_, other)| other == slot) {
            bucket.remove();
        }
        if let Life::Tcp(connection) = &entry.life {
            self.waiting_bytes = self.waiting_bytes.saturating_sub(connection.waiting_bytes());
        }
        if matches!(entry.talk, Talk::Live(_)) {
            self.live_talks = self.live_talks.saturating_sub(1);
        }
        let flow = entry.into_flow(step);
        (step.out)(FlowEvent::Flow(flow));
    }
}

/// What the index keeps of a hash: 4 bytes for each flow instead of 8.
fn tag_of(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(0)
}

/// A tag as the 64 bits that the index wants.
fn spread(tag: u32) -> u64 {
    u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The first of the looks at `first`, `first + every`, … that is not before `at`.
fn look(first: i64, every: i64, at: i64) -> i64 {
    let late = at.saturating_sub(first).max(0);
    first.saturating_add((late / every + i64::from(late % every > 0)).saturating_mul(every))
}

/// What a flow may take from its shard.
struct Room<'a> {
    waiting_bytes: &'a mut usize,
    live_talks: &'a mut usize,
}

impl Entry {
    fn new(packet: &Packet<'_>, found: &Found, now: i64) -> Self {
        let mut entry = Self {
            key: found.key,
            uid: found.key.uid(packet),
            originator: found.sender,
            tunnel_depth: packet.tunnel_depth,
            vlans: packet.vlans,
            frame_index: packet.frame_index,
            first_seen: packet.ts,
            last_seen: packet.ts,
            born: now,
            active: now,
            looked_at: i64::MAX,
            over: i64::MAX,
            packets: Pair::default(),
            ip_bytes: Pair::default(),
            missed_bytes: 0,
            bad_checksums: Pair::default(),
            history: History::default(),
            life: match packet.transport {
                Transport::Tcp(_) => Life::Tcp(Connection::default()),
                _ => Life::Datagrams(Pair::default()),
            },
            talk: Talk::default(),
            os_guess: None,
            tunnel_service: None,
            parents: None,
        };
        if is_likely_answer(packet) {
            entry.flip();
        }
        entry
    }

    /// Originator and responder change places.
    fn flip(&mut self) {
        self.originator = self.originator.other();
        self.history.push(b'^');
    }

    fn note_parent(&mut self, carrier: Uid) {
        let parents = self.parents.get_or_insert_default();
        if !parents.contains(&carrier) && parents.len() < TUNNEL_PARENTS_MAX {
            parents.push(carrier);
        }
    }

    /// When it ends if nothing more comes, on the table's clock.
    fn deadline(&self) -> i64 {
        let Life::Tcp(connection) = &self.life else { return self.datagram_deadline() };
        let idle = if connection.is_past_handshake { IDLE_TCP_NANOS } else { IDLE_NANOS };
        let mut deadline = self.over.min(self.active.saturating_add(idle));
        if connection.is_attempt() {
            deadline = deadline.min(self.born + ATTEMPT_NANOS);
        }
        if connection.is_half_over() {
            // Zeek ends it at the first look after more than five quiet seconds.
            let first = self.born + FIRST_LOOK_NANOS;
            deadline = deadline.min(look(first, LOOK_NANOS, self.active + LINGER_NANOS + 1));
        }
        deadline
    }

    fn datagram_deadline(&self) -> i64 {
        let idle = self.active.saturating_add(IDLE_NANOS);
        let responder_port = self.key.port(self.originator.other());
        if self.key.proto() == Proto::Udp && DNS_PORTS.contains(&responder_port) {
            let quiet = self.active + DNS_QUIET_NANOS;
            return idle.min(look(self.born + DNS_LOOK_NANOS, DNS_LOOK_NANOS, quiet));
        }
        idle
    }

    /// Takes a packet; whether the flow may be over sooner than was thought.
    fn packet(
        &mut self,
        packet: &Packet<'_>,
        sender: Rank,
        room: &mut Room<'_>,
        step: &mut Step<'_>,
    ) -> bool {
        let side = side_of(sender, self.originator);
        if packet.bad_checksum {
            step.stats.bad_checksum_packets += 1;
        }
        if !self.is_believed(side, packet) {
            step.stats.disbelieved_packets += 1;
            return false;
        }
        self.active = step.now;
        match &packet.transport {
            Transport::Tcp(tcp) => self.tcp(packet, tcp, side, room, step),
            _ => {
                self.count(side, packet);
                self.datagram(packet, side, room, step);
                false
            }
        }
    }

    fn count(&mut self, side: Side, packet: &Packet<'_>) {
        self.packets[side] += 1;
        self.ip_bytes[side] = self.ip_bytes[side].saturating_add(u64::from(packet.ip_bytes));
    }

    /// Notes whether the checksum is right, and whether the packet counts all the same: only a TCP
    /// end that computes right ones elsewhere is not believed.
    fn is_believed(&mut self, side: Side, packet: &Packet<'_>) -> bool {
        match &mut self.life {
            Life::Tcp(connection) if packet.bad_checksum => {
                connection.bad_checksum(side, &mut self.history)
            }
            Life::Tcp(connection) => {
                connection.right_checksum(side);
                true
            }
            Life::Datagrams(_) if packet.bad_checksum && self.key.proto() == Proto::Udp => {
                let letter = tcp::letter(side, b'C');
                tcp::repeat(&mut self.bad_checksums[side], &mut self.history, letter);
                true
            }
            Life::Datagrams(_) => true,
        }
    }

    fn tcp(
        &mut self,
        packet: &Packet<'_>,
        header: &Tcp,
        mut side: Side,
        room: &mut Room<'_>,
        step: &mut Step<'_>,
    ) -> bool {
        let (key, originator, uid) = (self.key, self.originator, self.uid);
        let Life::Tcp(connection) = &mut self.life else { return false };
        if header.flags & (Tcp::SYN | Tcp::ACK) == Tcp::SYN && self.os_guess.is_none() {
            self.os_guess = os::guess(header, packet.ttl);
        }
        let talk = &mut self.talk;
        let wants = |side| match &*talk {
            Talk::Unheard => true,
            Talk::Live(talk) => talk.wants_more(side),
            Talk::Over(_) => false,
        };
        let wants_bytes =
            Pair { originator: wants(Side::Originator), responder: wants(Side::Responder) };
        let Step { options, stats, out, now, .. } = step;
        let mut hear = |side: Side, chunk: Chunk<'_>| {
            let context = &context_of(&key, originator, uid, options.import);
            let (manner, live_talks) = (Manner::Stream, &mut *room.live_talks);
            let mut listener = Listener { manner, context, options, stats, live_talks, out };
            listener.hear(talk, side, packet.ts, chunk);
        };
        let mut lent = Lent {
            history: &mut self.history,
            missed_bytes: &mut self.missed_bytes,
            wants_bytes,
            waiting_bytes: room.waiting_bytes,
            waiting_bytes_max: WAITING_BYTES_TOTAL_MAX / FLOW_SHARDS,
            deliver: &mut hear,
        };
        let segment = (packet.payload, packet.payload_bytes);
        let taken = connection.segment(side, header, segment, &mut lent);
        if taken.is_live {
            self.last_seen = packet.ts;
        }
        if taken.is_over {
            self.over = self.over.min(*now + CLOSE_NANOS);
        }
        if taken.is_flipped {
            self.flip();
            std::mem::swap(&mut self.packets.originator, &mut self.packets.responder);
            std::mem::swap(&mut self.ip_bytes.originator, &mut self.ip_bytes.responder);
            side = side.other();
        }
        self.count(side, packet);
        taken.is_over || header.flags & (Tcp::FIN | Tcp::RST) != 0
    }

    fn datagram(
        &mut self,
        packet: &Packet<'_>,
        side: Side,
        room: &mut Room<'_>,
        step: &mut Step<'_>,
    ) {
        self.last_seen = packet.ts;
        let proto = self.key.proto();
        let Life::Datagrams(bytes) = &mut self.life else { return };
        let sum = bytes[side].unwrap_or(0);
        match proto {
            Proto::Udp if bytes[side].is_none() => self.history.push(tcp::letter(side, b'D')),
            // Where the payload of an unknown protocol begins is not known: none is counted.
            Proto::Other(_) => return,
            _ => {}
        }
        bytes[side] = Some(sum.saturating_add(u64::from(packet.payload_bytes)));
        if proto != Proto::Udp || packet.payload.is_empty() || matches!(self.talk, Talk::Over(_)) {
            return;
        }
        let context = self.context(step.options);
        let Step { options, stats, out, .. } = step;
        let live_talks = &mut *room.live_talks;
        let manner = Manner::Datagrams;
        let mut listener = Listener { manner, context: &context, options, stats, live_talks, out };
        listener.hear(&mut self.talk, side, packet.ts, Chunk::Bytes(packet.payload));
    }

    fn context(&self, options: &Options) -> Context {
        context_of(&self.key, self.originator, self.uid, options.import)
    }

    fn into_flow(mut self, step: &mut Step<'_>) -> Flow {
        let context = self.context(step.options);
        let heard = match std::mem::replace(&mut self.talk, Talk::Unheard) {
            Talk::Live(talk) => {
                let out = &mut *step.out;
                let mut sink = Sink {
                    context: &context,
                    key: &step.options.secret_key,
                    record: &mut |record| out(FlowEvent::Record(record)),
                };
                Some(talk.finish(&mut sink))
            }
            Talk::Over(heard) => heard.map(|heard| *heard),
            Talk::Unheard => None,
        };
        let mut heard = heard.unwrap_or_default();
        if let Some(service) = self.tunnel_service {
            for list in [&mut heard.services, &mut heard.spoken.apps] {
                if !list.contains(&service) {
                    list.push(service);
                }
            }
        }
        let service = heard.service();
        Flow {
            service,
            spoken: Box::new(Spoken { os_guess: self.os_guess, ..heard.spoken }),
            ..self.counted(step.options)
        }
    }

    /// The flow by its headers alone, as far as it has come.
    fn counted(&self, options: &Options) -> Flow {
        let context = self.context(options);
        let history = self.history.text();
        let (conn_state, orig_bytes, resp_bytes) = match &self.life {
            Life::Tcp(connection) => {
                let (orig_bytes, resp_bytes) = connection.sizes();
                (connection.conn_state(&history), orig_bytes, resp_bytes)
            }
            Life::Datagrams(bytes) => (
                datagram_state(self.key.proto(), bytes),
                bytes.originator.unwrap_or(0),
                bytes.responder.unwrap_or(0),
            ),
        };
        let nanos = self.last_seen.nanos_since(self.first_seen);
        let duration_nanos = (nanos > 0).then_some(nanos);
        let vlan_of = |vlan: u16| (vlan != 0).then_some(vlan);
        let [vlan, inner_vlan] = self.vlans;
        Flow {
            uid: self.uid,
            import: options.import,
            first_seen: self.first_seen,
            duration_nanos,
            originator: context.originator,
            responder: context.responder,
            proto: self.key.proto(),
            service: None,
            orig_bytes: duration_nanos.map(|_| orig_bytes),
            resp_bytes: duration_nanos.map(|_| resp_bytes),
            conn_state,
            missed_bytes: self.missed_bytes,
            history,
            orig_pkts: self.packets.originator,
            orig_ip_bytes: self.ip_bytes.originator,
            resp_pkts: self.packets.responder,
            resp_ip_bytes: self.ip_bytes.responder,
            tunnel_parents: self.parents.as_deref().cloned().unwrap_or_default(),
            vlan: vlan_of(vlan),
            inner_vlan: vlan_of(inner_vlan),
            spoken: Box::default(),
        }
    }
}

/// Whose flow it is.
fn context_of(key: &Key, originator: Rank, uid: Uid, import: ImportId) -> Context {
    let [low, high] = key.endpoints();
    let (originator, responder) = match originator {
        Rank::Low => (low, high),
        Rank::High => (high, low),
    };
    Context { originator, responder, uid, import }
}

/// Hands what a flow says to its conversation, which it begins and ends.
struct Listener<'a> {
    manner: Manner,
    context: &'a Context,
    options: &'a Options,
    stats: &'a mut FlowStats,
    live_talks: &'a mut usize,
    out: &'a mut dyn FnMut(FlowEvent),
}

impl Listener<'_> {
    fn hear(&mut self, talk: &mut Talk, side: Side, ts: Timestamp, chunk: Chunk<'_>) {
        if matches!(talk, Talk::Unheard) {
            *talk = self.begin();
        }
        let Talk::Live(conversation) = talk else { return };
        let out = &mut *self.out;
        let mut sink = Sink {
            context: self.context,
            key: &self.options.secret_key,
            record: &mut |record| out(FlowEvent::Record(record)),
        };
        match chunk {
            Chunk::Bytes(bytes) => conversation.bytes(side, ts, bytes, &mut sink),
            Chunk::Lost(bytes) | Chunk::Unkept(bytes) => {
                conversation.gap(side, ts, u64::from(bytes), &mut sink);
            }
        }
        if Side::BOTH.into_iter().any(|side| conversation.wants_more(side)) {
            return;
        }
        if let Talk::Live(conversation) = std::mem::replace(talk, Talk::Over(None)) {
            *self.live_talks = self.live_talks.saturating_sub(1);
            let heard = conversation.finish(&mut sink);
            if heard != Heard::default() {
                *talk = Talk::Over(Some(Box::new(heard)));
            }
        }
    }

    fn begin(&mut self) -> Talk {
        if *self.live_talks >= CONVERSATIONS_MAX / FLOW_SHARDS {
            self.stats.unheard_flows += 1;
            return Talk::Over(None);
        }
        *self.live_talks += 1;
        let Context { originator, responder, .. } = self.context;
        let ports = Pair { originator: originator.port, responder: responder.port };
        Talk::Live(Box::new(Conversation::new(self.manner, ports)))
    }
}

/// Zeek's name of the service of a flow that carries such a tunnel; those right above IP have no
/// flow with a service.
const fn service_of(tunnel: Tunnel) -> Option<&'static str> {
    match tunnel {
        Tunnel::Vxlan => Some("vxlan"),
        Tunnel::Geneve => Some("geneve"),
        Tunnel::Teredo => Some("teredo"),
        Tunnel::Gtp => Some("gtpv1"),
        _ => None,
    }
}

/// Whether the first packet we see is likely an answer, by its ports and flags (Zeek's
/// `WantConnection`): then its sender is the responder.
fn is_likely_answer(packet: &Packet<'_>) -> bool {
    if packet.dst == Addr::from_v4_octets([255; 4]) {
        return false;
    }
    match &packet.transport {
        Transport::Tcp(tcp) => {
            let is_opening = tcp.flags & (Tcp::SYN | Tcp::ACK) == Tcp::SYN;
            if is_opening || !ports::is_likely_tcp(tcp.src_port) {
                false
            } else if ports::is_likely_tcp(tcp.dst_port) {
                // Both are plausible. A SYN-ACK may be a scan; else the lower port is the service.
                !tcp.has(Tcp::SYN) && tcp.src_port < tcp.dst_port
            } else {
                true
            }
        }
        Transport::Udp { src_port, dst_port } => {
            ports::is_likely_udp(*src_port) && !ports::is_likely_udp(*dst_port)
        }
        _ => false,
    }
}

/// Zeek's state of a flow without connections.
const fn datagram_state(proto: Proto, bytes: &Pair<Option<u64>>) -> ConnState {
    match (proto, bytes.originator.is_some(), bytes.responder.is_some()) {
        (Proto::Udp, true, true) => ConnState::Sf,
        (Proto::Udp, true, false) => ConnState::S0,
        (Proto::Udp, false, true) => ConnState::Shr,
        _ => ConnState::Oth,
    }
}

#[cfg(test)]
mod tests;
