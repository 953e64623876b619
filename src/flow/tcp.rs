//! The life of a TCP connection as a bystander sees it: Zeek's endpoint states, sizes and history.
//!
//! Each end has a state that its own segments move (`src/analyzer/protocol/tcp` and
//! `src/packet_analysis/protocol/tcp` of Zeek are the source of the rules; the names of the states
//! are Zeek's). The pair of states at the end is the flow's `conn_state`; the sequence numbers say
//! how many bytes were sent, whatever the capture lost.

use crate::model::ConnState;
use crate::wire::Tcp;

use super::history::{History, is_power_of_ten};
use super::stream::{Chunk, Reader, Stream, delta};
use super::{Pair, Side};

/// A step of the sequence number that no SYN, RST or acknowledgement of 0 is believed to make.
const BELIEVABLE_STEP_MAX: i32 = 1 << 20;

/// Where one end stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing seen.
    #[default]
    Inactive,
    /// SYN sent.
    SynSent,
    /// SYN and ACK sent as the first packet.
    SynAckSent,
    /// Data without a handshake.
    Partial,
    /// Handshake done.
    Established,
    /// FIN sent.
    Closed,
    /// RST sent.
    Reset,
}

impl State {
    const fn is_handshake(self) -> bool {
        matches!(self, Self::Inactive | Self::SynSent | Self::SynAckSent)
    }
}

/// Letters that are written once, or again when the sequence number differs.
mod seen {
    pub(super) const SYN: u16 = 1;
    pub(super) const FIN: u16 = 2;
    pub(super) const RST: u16 = 4;
    pub(super) const DATA: u16 = 8;
    pub(super) const ACK: u16 = 16;
    pub(super) const MANY_FLAGS: u16 = 32;
    pub(super) const FIN_RST: u16 = 64;
    pub(super) const ANY: u16 = 128;
    /// Not a letter: a right checksum was seen.
    pub(super) const RIGHT_CHECKSUM: u16 = 256;
}

/// One end.
#[derive(Debug, Default)]
pub(super) struct End {
    stream: Stream,
    start: u32,
    last: u32,
    ack: u32,
    last_wraps: u16,
    ack_wraps: u16,
    fin_end: u32,
    last_syn: u32,
    last_fin: u32,
    last_rst: u32,
    rexmits: u32,
    gaps: u32,
    zero_windows: u32,
    bad_checksums: u32,
    seen: u16,
    state: State,
    before: State,
    has_fin: bool,
    did_close: bool,
    did_end: bool,
}

/// 32 bits of a sequence number and how often it wrapped.
const fn full(seq: u32, wraps: u16) -> u64 {
    (wraps as u64) << 32 | seq as u64
}

impl End {
    fn begin(&mut self, start: u32, last: u32) {
        (self.start, self.ack, self.last) = (start, start, last);
        (self.last_wraps, self.ack_wraps) = (0, 0);
    }

    fn set_state(&mut self, state: State) {
        if state != self.state {
            self.before = self.state;
            self.state = state;
        }
    }

    fn has_acked_data(&self) -> bool {
        self.ack != self.start && self.ack != self.start.wrapping_add(1)
    }

    /// The relative number of a segment's first byte; `None`: it lies before the flow's start.
    fn relative(&self, seq: u32, last: u32, wraps: u16) -> Option<u32> {
        let step = delta(seq, last);
        let wraps = if step < 0 && wraps > 0 && seq > last {
            wraps - 1
        } else if step > 0 && seq < last {
            wraps.saturating_add(1)
        } else {
            wraps
        };
        (wraps > 0 || delta(seq, self.start) >= 0).then(|| seq.wrapping_sub(self.start))
    }

    fn move_last(&mut self, last: u32) {
        if last < self.last {
            self.last_wraps = self.last_wraps.saturating_add(1);
        }
        self.last = last;
    }

    /// Payload bytes by the sequence numbers.
    fn size(&self, peer: &Self) -> u64 {
        if self.before == State::SynSent
            && self.state == State::Reset
            && peer.state == State::Inactive
            && self.has_acked_data()
        {
            // An old half-open connection was found and aborted: the numbers are not of this one.
            return 0;
        }
        let end = full(self.last, self.last_wraps).max(full(self.ack, self.ack_wraps));
        let size = end.saturating_sub(u64::from(self.start));
        // SYN and FIN take a number each; `start` is set as if there had been a SYN.
        size.saturating_sub(1).saturating_sub(u64::from(self.has_fin))
    }

    /// Whether what this end sent was not yet delivered or acknowledged.
    fn has_pending(&self, peer: &Self) -> bool {
        if self.stream.is_guessing() {
            return false;
        }
        let last = self.last.wrapping_sub(self.start);
        let left = delta(last, self.stream.next());
        if left < 0 {
            return false;
        }
        left > 1 || (self.state != State::Reset && peer.stream.has_unacked())
    }

    const fn is_clean(&self) -> bool {
        matches!(
            (self.state, self.before),
            (State::Established, _) | (State::Closed, State::Established)
        )
    }
}

/// What one segment did to the flow.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Step {
    /// The roles were wrong: originator and responder change places.
    pub(super) is_flipped: bool,
    /// Both ends are done: the flow ends soon.
    pub(super) is_over: bool,
    /// It counts for the flow's duration.
    pub(super) is_live: bool,
}

/// What a connection needs from its surroundings for one segment.
pub(super) struct Lent<'a> {
    /// The flow's letters.
    pub(super) history: &'a mut History,
    /// Bytes lost by the capture so far.
    pub(super) missed_bytes: &'a mut u64,
    /// Whether anyone listens to each side.
    pub(super) wants_bytes: Pair<bool>,
    /// Bytes that wait in the shard.
    pub(super) waiting_bytes: &'a mut usize,
    /// Their limit.
    pub(super) waiting_bytes_max: usize,
    /// Takes each stretch of each side.
    pub(super) deliver: &'a mut dyn FnMut(Side, Chunk<'_>),
}

/// A TCP connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    ends: Pair<End>,
    /// It began without a SYN.
    is_partial: bool,
    /// An end closed while data were pending.
    is_close_deferred: bool,
    /// One end has left the handshake: idle time is minutes, not one.
    pub(super) is_past_handshake: bool,
}

impl Connection {
    /// The bytes each side sent.
    pub(super) fn sizes(&self) -> (u64, u64) {
        let Pair { originator, responder } = &self.ends;
        (originator.size(responder), responder.size(originator))
    }

    /// Whether only an attempt was seen, so that it ends five seconds after it began.
    pub(super) fn is_attempt(&self) -> bool {
        matches!(self.ends.originator.state, State::SynSent | State::SynAckSent)
            && self.ends.responder.state == State::Inactive
    }

    /// Whether one end closed and the other will not: it ends after a few idle seconds.
    pub(super) fn is_half_over(&self) -> bool {
        let Pair { originator, responder } = &self.ends;
        (originator.did_close || responder.did_close)
            && [originator, responder]
                .iter()
                .any(|end| matches!(end.state, State::Reset | State::Inactive))
    }

    /// Bytes that wait behind holes.
    pub(super) fn waiting_bytes(&self) -> usize {
        Side::BOTH.into_iter().map(|side| self.ends[side].stream.waiting_bytes()).sum()
    }

    /// Whether a SYN begins a new connection on the same ports.
    pub(super) fn is_reused_by(&self, tcp: &Tcp) -> bool {
        if !tcp.has(Tcp::SYN) {
            return false;
        }
        let Pair { originator, responder } = &self.ends;
        let opener = if tcp.has(Tcp::ACK) {
            if originator.state != State::Inactive {
                return false;
            }
            responder
        } else {
            originator
        };
        if originator.did_close || responder.did_close {
            return true;
        }
        if tcp.seq == opener.start {
            return false;
        }
        // SYN and SYN-ACK changed places on their way to us: the SYN that was answered.
        let is_reversal = !tcp.has(Tcp::ACK)
            && opener.state == State::SynAckSent
            && responder.state == State::Inactive
            && tcp.seq == responder.start;
        !is_reversal
    }

    /// Notes a segment whose checksum is wrong; whether it is believed all the same.
    ///
    /// A receiver drops it, so evaders send such segments to be seen by us alone (Ptacek & Newsham
    /// 1998). But in captures with rewritten addresses, or taken before a network card filled them
    /// in, all checksums are wrong: an end is believed until it has sent a right one.
    pub(super) fn bad_checksum(&mut self, side: Side, history: &mut History) -> bool {
        let end = &mut self.ends[side];
        repeat(&mut end.bad_checksums, history, letter(side, b'C'));
        end.seen & seen::RIGHT_CHECKSUM == 0
    }

    /// How it began and ended (scripts/base/protocols/conn/main.zeek).
    pub(super) fn conn_state(&self, history: &str) -> ConnState {
        let (orig, resp) = (self.ends.originator.state, self.ends.responder.state);
        let is_idle = |state| matches!(state, State::Inactive | State::Partial);
        match (orig, resp) {
            (State::SynSent | State::SynAckSent, State::Reset) => ConnState::Rej,
            (State::Reset, State::Reset) if self.sizes() == (0, 0) => ConnState::Rej,
            (orig, State::Reset) if is_idle(orig) => ConnState::Rstrh,
            (_, State::Reset) => ConnState::Rstr,
            (State::Reset, resp) if is_idle(resp) => {
                if is_syn_then_rst(history) {
                    ConnState::Rstos0
                } else {
                    ConnState::Oth
                }
            }
            (State::Reset, _) => ConnState::Rsto,
            (State::Closed, State::Closed) => ConnState::Sf,
            (State::Closed, resp) if is_idle(resp) => ConnState::Sh,
            (State::Closed, _) => ConnState::S2,
            (orig, State::Closed) if is_idle(orig) => ConnState::Shr,
            (_, State::Closed) => ConnState::S3,
            (State::SynSent, State::Inactive) => ConnState::S0,
            (State::Established, State::Established) => ConnState::S1,
            _ => ConnState::Oth,
        }
    }

    /// Notes a segment whose checksum is right.
    pub(super) fn right_checksum(&mut self, side: Side) {
        self.ends[side].seen |= seen::RIGHT_CHECKSUM;
    }

    /// Takes one segment of `side`; `payload` as far as it was captured, `sent_bytes` of it sent.
    pub(super) fn segment(
        &mut self,
        mut side: Side,
        tcp: &Tcp,
        (payload, sent_bytes): (&[u8], u32),
        lent: &mut Lent<'_>,
    ) -> Step {
        let mut step = Step::default();
        self.note_partial(side, tcp);
        let control = u32::from(tcp.has(Tcp::SYN)) + u32::from(tcp.has(Tcp::FIN));
        // Data of an RST are not part of the stream.
        let counted = if tcp.has(Tcp::RST) { control } else { sent_bytes.wrapping_add(control) };
        let segment_end = tcp.seq.wrapping_add(counted);

        let end = &mut self.ends[side];
        begin_end(end, tcp, segment_end);
        let relative = end.relative(tcp.seq, end.last, end.last_wraps);
        let rel_seq = tcp.seq.wrapping_sub(end.start);
        note_flags(end, side, tcp, (rel_seq, sent_bytes), lent.history);
        self.note_window(side, tcp, lent.history);
        step.is_live = !(self.ends.originator.did_close && self.ends.responder.did_close);

        let end = &mut self.ends[side];
        if tcp.has(Tcp::FIN) {
            end.has_fin = true;
            end.fin_end = rel_seq.wrapping_add(counted);
        }
        let rel_ack = tcp.has(Tcp::ACK).then(|| self.note_ack(side, tcp)).flatten();
        let end = &mut self.ends[side];
        if note_last(end, tcp, segment_end) && sent_bytes > 0 {
            repeat(&mut end.rexmits, lent.history, letter(side, b'T'));
        }
        let moved = self.move_state(side, tcp, sent_bytes);
        if moved.is_flipped {
            std::mem::swap(&mut self.ends.originator, &mut self.ends.responder);
            side = side.other();
            step.is_flipped = true;
        }
        if let Some(rel_ack) = rel_ack {
            self.deliver_acked(side, rel_ack, lent, &mut step);
        }
        let has_data = !payload.is_empty() && !tcp.has(Tcp::RST);
        if let Some(rel_seq) = relative.filter(|_| has_data) {
            let data_seq = rel_seq.wrapping_add(u32::from(tcp.has(Tcp::SYN)));
            self.deliver_data(side, data_seq, payload, lent);
        }
        self.check_end(side, &mut step);
        if moved.does_close {
            self.close(side, &mut step);
        }
        self.ends[side].seen |= seen::ANY;
        step
    }

    fn note_partial(&mut self, side: Side, tcp: &Tcp) {
        if self.ends[side].seen & seen::ANY != 0 {
            return;
        }
        match side {
            Side::Originator => self.is_partial = !tcp.has(Tcp::SYN) || tcp.has(Tcp::ACK),
            Side::Responder if !self.is_partial => self.is_partial = !tcp.has(Tcp::SYN),
            Side::Responder => {}
        }
    }

    /// A window of zero, unless it means nothing any more.
    fn note_window(&mut self, side: Side, tcp: &Tcp, history: &mut History) {
        if tcp.window == 0
            && !tcp.has(Tcp::RST)
            && self.ends[side.other()].state != State::Closed
            && self.ends[side].state != State::Reset
        {
            repeat(&mut self.ends[side].zero_windows, history, letter(side, b'W'));
        }
    }

    /// What the acknowledgement says of the other side; its relative number, if it is believed.
    fn note_ack(&mut self, side: Side, tcp: &Tcp) -> Option<u32> {
        let peer = &mut self.ends[side.other()];
        if peer.state == State::Inactive {
            // As if there had been a SYN, so that the numbers of its data stay true.
            let start = tcp.ack.wrapping_sub(1);
            peer.begin(start, start);
            return Some(1);
        }
        let relative = peer.relative(tcp.ack, peer.ack, peer.ack_wraps)?;
        let step = delta(tcp.ack, peer.ack);
        let is_broken = tcp.ack == 0 && step > BELIEVABLE_STEP_MAX;
        if !tcp.has(Tcp::RST) && step > 0 && !is_broken {
            if tcp.ack < peer.ack {
                peer.ack_wraps = peer.ack_wraps.saturating_add(1);
            }
            peer.ack = tcp.ack;
        }
        Some(relative)
    }

    fn deliver_acked(&mut self, side: Side, rel_ack: u32, lent: &mut Lent<'_>, step: &mut Step) {
        let is_clean = self.ends.originator.is_clean() && self.ends.responder.is_clean();
        let (from, is_partial) = (side.other(), self.is_partial);
        let peer = &mut self.ends[from];
        let is_fin = peer.has_fin && delta(rel_ack, peer.fin_end) >= 0;
        let ack = if is_fin { peer.fin_end.wrapping_sub(1) } else { rel_ack };
        let mut read = GapCounter { is_clean, from, gaps: &mut peer.gaps };
        let wants_bytes = lent.wants_bytes[from];
        let Lent { history, missed_bytes, waiting_bytes, waiting_bytes_max, deliver, .. } = lent;
        peer.stream.ack(
            ack,
            &mut Reader {
                is_one_way: false,
                is_partial,
                wants_bytes,
                waiting_bytes,
                waiting_bytes_max: *waiting_bytes_max,
                deliver: &mut |chunk| {
                    read.count(chunk, history, missed_bytes);
                    deliver(from, chunk);
                },
            },
        );
        self.check_end(from, step);
    }

    fn deliver_data(&mut self, side: Side, rel_seq: u32, payload: &[u8], lent: &mut Lent<'_>) {
        let end = &mut self.ends[side];
        let is_one_way = !end.has_acked_data();
        let Lent { waiting_bytes, waiting_bytes_max, deliver, .. } = lent;
        let mut reader = Reader {
            is_one_way,
            is_partial: self.is_partial,
            wants_bytes: lent.wants_bytes[side],
            waiting_bytes,
            waiting_bytes_max: *waiting_bytes_max,
            deliver: &mut |chunk| deliver(side, chunk),
        };
        end.stream.data(rel_seq, payload, &mut reader);
    }

    /// The stream of an end that closed may have been completed by now.
    fn check_end(&mut self, side: Side, step: &mut Step) {
        let (end, peer) = (&self.ends[side], &self.ends[side.other()]);
        let is_closed = end.has_fin || matches!(end.state, State::Closed | State::Reset);
        if end.did_end || !is_closed || end.has_pending(peer) {
            return;
        }
        self.ends[side].did_end = true;
        if self.is_close_deferred {
            self.close(side, step);
            self.is_close_deferred = false;
        }
    }

    fn close(&mut self, side: Side, step: &mut Step) {
        if self.ends[side].has_pending(&self.ends[side.other()]) {
            self.is_close_deferred = true;
            return;
        }
        self.is_close_deferred = false;
        if self.ends[side].did_close {
            return;
        }
        self.ends[side].did_close = true;
        let peer = &self.ends[side.other()];
        step.is_over |= self.ends[side].state == State::Reset
            || peer.did_close
            || peer.state == State::Inactive;
    }
}

/// What a segment's flags did to its sender.
#[derive(Clone, Copy, Debug, Default)]
struct Moved {
    does_close: bool,
    is_flipped: bool,
}

impl Connection {
    /// The state machine of one end.
    fn move_state(&mut self, side: Side, tcp: &Tcp, sent_bytes: u32) -> Moved {
        let (was, was_peer) = (self.ends[side].state, self.ends[side.other()].state);
        let mut moved = Moved::default();
        match was {
            State::Inactive => moved = self.leave_inactive(side, tcp, sent_bytes),
            State::SynSent | State::SynAckSent => {
                let end = &mut self.ends[side];
                if tcp.has(Tcp::FIN) {
                    end.set_state(State::Closed);
                    moved.does_close = true;
                }
                if tcp.has(Tcp::RST) {
                    end.set_state(State::Reset);
                    moved.does_close = true;
                }
            }
            State::Established | State::Partial => {
                moved.does_close = self.leave_established(side, tcp);
            }
            State::Closed => {
                let end = &mut self.ends[side];
                if tcp.has(Tcp::RST) && was_peer != State::Closed {
                    end.set_state(State::Reset);
                    moved.does_close = !end.did_close;
                }
            }
            State::Reset => {}
        }
        if was.is_handshake() && was_peer.is_handshake() {
            self.is_past_handshake |=
                Side::BOTH.into_iter().any(|side| !self.ends[side].state.is_handshake());
        }
        moved
    }

    fn leave_inactive(&mut self, side: Side, tcp: &Tcp, sent_bytes: u32) -> Moved {
        let mut moved = Moved::default();
        let is_orig = side == Side::Originator;
        let (end, peer) = match &mut self.ends {
            Pair { originator, responder } if is_orig => (originator, responder),
            Pair { originator, responder } => (responder, originator),
        };
        if tcp.has(Tcp::SYN) {
            if is_orig {
                let is_answer = tcp.has(Tcp::ACK);
                end.set_state(if is_answer { State::SynAckSent } else { State::SynSent });
            } else {
                if !tcp.has(Tcp::ACK) && peer.state == State::SynAckSent {
                    // SYN and SYN-ACK changed places on their way to us.
                    self.is_partial = false;
                    moved.is_flipped = true;
                    peer.set_state(State::Established);
                }
                if peer.state == State::SynSent {
                    peer.set_state(State::Established);
                }
                end.set_state(State::Established);
            }
        }
        if tcp.has(Tcp::FIN) {
            end.set_state(State::Closed);
            moved.does_close = true;
        }
        if tcp.has(Tcp::RST) {
            end.set_state(State::Reset);
            moved.does_close = true;
        }
        if end.state == State::Inactive {
            if !is_orig && sent_bytes == 0 && peer.state == State::SynSent {
                // Some acknowledge a SYN before they answer it.
            } else if tcp.has(Tcp::ACK) && peer.state == State::Established {
                // We missed its SYN, but not the answer.
                end.set_state(State::Established);
                self.is_partial = false;
            } else {
                end.set_state(State::Partial);
            }
        }
        moved
    }

    fn leave_established(&mut self, side: Side, tcp: &Tcp) -> bool {
        let mut does_close = false;
        let is_peer_inactive = self.ends[side.other()].state == State::Inactive;
        let end = &mut self.ends[side];
        if tcp.has(Tcp::SYN)
            && !tcp.has(Tcp::ACK)
            && end.state == State::Partial
            && is_peer_inactive
        {
            end.set_state(State::SynSent);
        }
        if tcp.has(Tcp::FIN) && !tcp.has(Tcp::RST) {
            end.set_state(State::Closed);
            let peer = &mut self.ends[side.other()];
            if peer.state == State::Reset && peer.before == State::Closed {
                // FIN, then RST, and now the other FIN: a normal end.
                peer.set_state(State::Closed);
            }
            does_close = true;
        }
        if tcp.has(Tcp::RST) {
            self.ends[side].set_state(State::Reset);
            does_close = true;
        }
        does_close
    }
}

/// Sets an end's first sequence numbers, or sets them anew where a SYN says so.
fn begin_end(end: &mut End, tcp: &Tcp, segment_end: u32) {
    let is_syn = tcp.has(Tcp::SYN);
    match end.state {
        State::Inactive if is_syn => end.begin(tcp.seq, segment_end),
        State::Inactive => {
            // As if there had been a SYN; the first segment is no retransmission.
            end.begin(tcp.seq.wrapping_sub(1), tcp.seq);
        }
        State::SynSent | State::SynAckSent if is_syn && tcp.seq != end.start => {
            end.begin(tcp.seq, segment_end);
        }
        State::Established | State::Partial if is_syn => end.begin(tcp.seq, segment_end),
        State::Reset if is_syn && end.before == State::Inactive => {
            end.begin(tcp.seq, segment_end);
        }
        _ => {}
    }
}

/// Moves the highest sequence number; whether the segment brought nothing new.
fn note_last(end: &mut End, tcp: &Tcp, segment_end: u32) -> bool {
    let step = delta(segment_end, end.last);
    let is_doubtful = tcp.flags & (Tcp::SYN | Tcp::RST) != 0;
    if is_doubtful && !(-BELIEVABLE_STEP_MAX..=BELIEVABLE_STEP_MAX).contains(&step) {
        return false;
    }
    if tcp.has(Tcp::FIN) && end.last == end.start.wrapping_add(1) {
        // Only SYN and FIN were captured, perhaps more than 2 GB apart.
        end.move_last(segment_end);
        return false;
    }
    if end.state == State::Reset {
        return false;
    }
    if step > 0 {
        end.move_last(segment_end);
    }
    step <= 0
}

/// The letters S H F R, D A, I Q.
fn note_flags(
    end: &mut End,
    side: Side,
    tcp: &Tcp,
    (rel_seq, sent_bytes): (u32, u32),
    history: &mut History,
) {
    let control = tcp.flags & (Tcp::SYN | Tcp::FIN | Tcp::RST);
    let mut once = |bit: u16, code: u8| {
        let is_first = end.seen & bit == 0;
        if is_first {
            end.seen |= bit;
            history.push(letter(side, code));
        }
        is_first
    };
    match control {
        0 if sent_bytes > 0 => {
            once(seen::DATA, b'D');
        }
        0 if tcp.has(Tcp::ACK) => {
            once(seen::ACK, b'A');
        }
        0 => {}
        Tcp::SYN => {
            let code = if tcp.has(Tcp::ACK) { b'H' } else { b'S' };
            if !once(seen::SYN, code) && rel_seq != end.last_syn {
                history.push(letter(side, code));
            }
            end.last_syn = rel_seq;
        }
        Tcp::FIN => {
            // The number of a FIN is behind the data of its segment.
            let at = rel_seq.wrapping_add(sent_bytes);
            if !once(seen::FIN, b'F') && at != end.last_fin {
                history.push(letter(side, b'F'));
            }
            end.last_fin = at;
        }
        Tcp::RST => {
            if !once(seen::RST, b'R') && rel_seq != end.last_rst {
                history.push(letter(side, b'R'));
            }
            end.last_rst = rel_seq;
        }
        _ if control & Tcp::FIN != 0 && control & Tcp::RST != 0 => {
            once(seen::FIN_RST, b'I');
        }
        _ => {
            once(seen::MANY_FLAGS, b'Q');
        }
    }
}

/// Counts losses of a connection whose both ends are in order; elsewhere a hole proves nothing.
struct GapCounter<'a> {
    is_clean: bool,
    from: Side,
    gaps: &'a mut u32,
}

impl GapCounter<'_> {
    fn count(&mut self, chunk: Chunk<'_>, history: &mut History, missed_bytes: &mut u64) {
        if let (Chunk::Lost(bytes), true) = (chunk, self.is_clean) {
            *missed_bytes = missed_bytes.saturating_add(u64::from(bytes));
            repeat(self.gaps, history, letter(self.from, b'G'));
        }
    }
}

/// Capital for the originator, small for the responder.
pub(super) const fn letter(side: Side, code: u8) -> u8 {
    match side {
        Side::Originator => code,
        Side::Responder => code.to_ascii_lowercase(),
    }
}

/// Notes an event the 1st, 10th, 100th … time.
pub(super) fn repeat(count: &mut u32, history: &mut History, letter: u8) {
    *count = count.saturating_add(1);
    if is_power_of_ten(*count) {
        history.push(letter);
    }
}

/// SYN, then RST, and nothing of the originator between that would make it more.
fn is_syn_then_rst(history: &str) -> bool {
    let letters = history.strip_prefix('^').unwrap_or(history);
    letters
        .strip_prefix('S')
        .and_then(|after| after.split_once('R'))
        .is_some_and(|(between, _)| !between.contains(['H', 'A', 'F', 'G', 'I', 'Q']))
}
