//! Frames → packets: link, IP, fragments, transport, tunnels, in that order.
//!
//! Estimate: a packet is five headers of which one or two cache lines are touched, some 60 branches
//! and no allocation: 50–100 ns, so 10 M packets a second a core; the checksum of a full-sized
//! packet adds as much again. Three million is the floor.

use crate::model::limits::TUNNEL_DEPTH_MAX;
use crate::model::{Position, Problems, Timestamp};

use super::capture::CaptureFormat;
use super::fault::{Fault, Faults};
use super::fragment::{Fragments, Key, Seen};
use super::ip::{self, Ip};
use super::link::{self, Decode, What};
use super::{Frame, Packet, Tunnel, transport, tunnel};

/// Whether transport checksums are computed.
///
/// They are by default: it costs little, and a packet whose checksum is wrong never reached the
/// program it was addressed to, a fact that evaders rely on (Ptacek & Newsham 1998). A capture on
/// a sender whose network card computes checksums shows unfinished ones; those that hold the sum
/// of the pseudo header, as senders leave it, are not taken for wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksums {
    /// Computed where a packet was captured whole.
    #[default]
    Verify,
    /// Never; no packet is marked.
    Ignore,
}

/// What can be chosen.
#[derive(Clone, Copy, Debug, Default)]
pub struct DecodeOptions {
    /// Whether transport checksums are computed.
    pub checksums: Checksums,
}

/// Wrong checksums among the first packets from which on they are not believed …
const DOUBTFUL_MIN: u64 = 3;

/// … and the share of them, one in so many (Zeek's `find-checksum-offloading` asks for 5 %).
const DOUBTFUL_SHARE: u64 = 10;

impl DecodeOptions {
    /// What suits a capture, by its first bytes (64 KiB are plenty), and why in a problem.
    ///
    /// Where many checksums are wrong, the capture was made on a sender that leaves them to its
    /// network card, or was rewritten afterwards. Packets that were sent are then no worse for it,
    /// and to drop them would lose the capture: checksums are not used at all.
    pub fn survey(format: &dyn CaptureFormat, head: &[u8]) -> (Self, Problems) {
        let mut capture = format.open(Box::new(head));
        let (mut decoder, mut problems) = (Decoder::default(), Problems::new());
        while let Some(frame) = capture.next_frame() {
            decoder.decode(&frame, &mut |_| ());
        }
        let Counts { packets, bad_checksums: wrong, .. } = decoder.counts();
        if wrong < DOUBTFUL_MIN || wrong * DOUBTFUL_SHARE < packets {
            return (Self { checksums: Checksums::Verify }, problems);
        }
        let what = format!(
            "checksums of {wrong} of the first {packets} packets are wrong, as in captures made \
             on the sender; they are not used here"
        );
        problems.push(Position::Whole, what);
        (Self { checksums: Checksums::Ignore }, problems)
    }
}

/// How many there were of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames taken.
    pub frames: u64,
    /// Packets given, inner ones included.
    pub packets: u64,
    /// Frames that carry address resolution.
    pub arp_frames: u64,
    /// Frames that carry something else than IP, or IP that cannot be read.
    pub other_frames: u64,
    /// Frames of a link type that is not read.
    pub unread_frames: u64,
    /// Packets with a wrong checksum.
    pub bad_checksums: u64,
}

/// Turns frames into packets. One for each capture: it holds the fragments that wait.
pub struct Decoder {
    options: DecodeOptions,
    /// The link type of the frame before, and its decoder if it has one.
    link: Option<(u16, Option<Decode>)>,
    fragments: Fragments,
    faults: Faults,
    unread_links: Vec<(u16, u64, u64)>,
    counts: Counts,
    holds_fragment: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(DecodeOptions::default())
    }
}

/// What all packets of a frame have in common, and how deep we are.
#[derive(Clone, Copy)]
struct Context<'a> {
    ts: Timestamp,
    frame_index: u64,
    earlier_frames: &'a [u64],
    offset: u64,
    vlans: [u16; 2],
    depth: u8,
    tunnel: Option<Tunnel>,
}

impl Decoder {
    /// A decoder for one capture.
    pub fn new(options: DecodeOptions) -> Self {
        Self {
            options,
            link: None,
            fragments: Fragments::default(),
            faults: Faults::default(),
            unread_links: Vec::new(),
            counts: Counts::default(),
            holds_fragment: false,
        }
    }

    /// Gives each IP packet of a frame to `sink`, outermost first; a fragment gives none until the
    /// last one of its packet comes.
    pub fn decode(&mut self, frame: &Frame<'_>, sink: &mut dyn FnMut(&Packet<'_>)) {
        self.counts.frames += 1;
        self.holds_fragment = false;
        let Some(decode) = self.link(frame) else { return };
        let carried = match decode(frame.bytes) {
            Ok(carried) => carried,
            Err(fault) => {
                self.counts.other_frames += 1;
                // What a snap length cut off is no fault.
                if frame.original_bytes as usize <= frame.bytes.len() {
                    self.faults.add(frame.offset, fault);
                }
                return;
            }
        };
        match carried.what {
            What::Ip => {}
            What::Arp => return self.counts.arp_frames += 1,
            What::Other => return self.counts.other_frames += 1,
        }
        let context = Context {
            ts: frame.ts,
            frame_index: frame.index,
            earlier_frames: &[],
            offset: frame.offset,
            vlans: carried.vlans,
            depth: 0,
            tunnel: None,
        };
        let captured = u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX);
        let missing_bytes = frame.original_bytes.saturating_sub(captured);
        self.ip(&context, carried.bytes, missing_bytes, sink);
    }

    /// The decoder of the frame's link type, found once as long as the type stays.
    #[inline]
    fn link(&mut self, frame: &Frame<'_>) -> Option<Decode> {
        let decode = match self.link {
            Some((link_type, decode)) if link_type == frame.link_type => decode,
            _ => {
                let decode = link::find(frame.link_type).map(|link| link.decode);
                self.link = Some((frame.link_type, decode));
                decode
            }
        };
        if decode.is_none() {
            self.count_unread(frame);
        }
        decode
    }

    #[cold]
    fn count_unread(&mut self, frame: &Frame<'_>) {
        self.counts.unread_frames += 1;
        match self.unread_links.iter_mut().find(|(link_type, ..)| *link_type == frame.link_type) {
            Some((.., count)) => *count += 1,
            // One row for each of the 65,536 types at most.
            None => self.unread_links.push((frame.link_type, frame.offset, 1)),
        }
    }

    fn ip(
        &mut self,
        context: &Context<'_>,
        bytes: &[u8],
        missing_bytes: u32,
        sink: &mut dyn FnMut(&Packet<'_>),
    ) {
        let mut ip = match ip::parse(bytes, missing_bytes) {
            Ok(ip) => ip,
            Err(fault) => {
                self.counts.other_frames += u64::from(context.depth == 0);
                if missing_bytes == 0 {
                    self.faults.add(context.offset, fault);
                }
                return;
            }
        };
        if let Some(fault) = ip.fault.take() {
            self.faults.add(context.offset, fault);
        }
        let Some(fragment) = ip.fragment else {
            return self.whole(context, ip, sink);
        };
        if (ip.payload.len() as u64) < u64::from(ip.payload_bytes) {
            self.faults.add(
                context.offset,
                Fault::Note("IP fragment was cut by the capture; its packet cannot become whole"),
            );
            // The first one has the ports, which is better than nothing.
            if fragment.offset == 0 {
                self.whole(context, ip, sink);
            }
            return;
        }
        let key = Key {
            src: ip.src,
            dst: ip.dst,
            id: fragment.id,
            proto: ip.proto,
            depth: context.depth,
            vlans: context.vlans,
        };
        let faults = &mut self.faults;
        let Context { ts, frame_index, earlier_frames, .. } = *context;
        let seen = Seen { ts, frame_index, earlier_frames };
        let whole = self.fragments.add(key, fragment, &ip, &seen, &mut |fault| {
            faults.add(context.offset, fault);
        });
        self.holds_fragment |= whole.is_none();
        if let Some(whole) = whole {
            let (_, earlier_frames) = whole.frames.split_last().unwrap_or((&frame_index, &[]));
            let context = &Context { earlier_frames, ..*context };
            let payload_bytes = u32::try_from(whole.payload.len()).unwrap_or(u32::MAX);
            let mut ip = Ip {
                ip_bytes: whole.header_bytes.saturating_add(payload_bytes),
                payload: &whole.payload,
                payload_bytes,
                fragment: None,
                ..ip
            };
            ip.step_over_extensions();
            if let Some(fault) = ip.fault.take() {
                self.faults.add(context.offset, fault);
            }
            if ip.fragment.is_some() {
                let what = "fragment header within a packet put together of fragments; not read";
                return self.faults.add(context.offset, Fault::Note(what));
            }
            self.whole(context, ip, sink);
        }
    }

    /// A packet that is no fragment, or was put together.
    #[inline]
    fn whole(&mut self, context: &Context<'_>, ip: Ip<'_>, sink: &mut dyn FnMut(&Packet<'_>)) {
        let segment = transport::parse(&ip);
        // The length in a first fragment is that of the whole.
        if let Some(fault) = segment.fault.filter(|_| ip.fragment.is_none()) {
            self.faults.add(context.offset, fault);
        }
        let bad_checksum = self.options.checksums == Checksums::Verify
            && (ip.bad_checksum || transport::is_checksum_wrong(&ip));
        self.counts.packets += 1;
        self.counts.bad_checksums += u64::from(bad_checksum);
        sink(&Packet {
            ts: context.ts,
            frame_index: context.frame_index,
            earlier_frames: context.earlier_frames,
            src: ip.src,
            dst: ip.dst,
            ttl: ip.ttl,
            ip_bytes: ip.ip_bytes,
            vlans: context.vlans,
            tunnel_depth: context.depth,
            tunnel: context.tunnel,
            bad_checksum,
            transport: segment.transport,
            payload: segment.payload,
            payload_bytes: segment.payload_bytes,
        });
        match tunnel::open(&segment.transport, segment.payload) {
            Ok(None) => {}
            Ok(Some((tunnel, carried))) => {
                let captured = u32::try_from(segment.payload.len()).unwrap_or(u32::MAX);
                let missing_bytes = segment.payload_bytes.saturating_sub(captured);
                self.inner(context, tunnel, carried, missing_bytes, sink);
            }
            Err(fault) => self.faults.add(context.offset, fault),
        }
    }

    /// What a tunnel carries.
    fn inner(
        &mut self,
        context: &Context<'_>,
        tunnel: Tunnel,
        carried: link::Carried<'_>,
        missing_bytes: u32,
        sink: &mut dyn FnMut(&Packet<'_>),
    ) {
        if carried.what != What::Ip {
            return;
        }
        if context.depth >= TUNNEL_DEPTH_MAX {
            let what = "more than 4 tunnels within each other; what is below them is not read";
            return self.faults.add(context.offset, Fault::Note(what));
        }
        let context = Context {
            depth: context.depth + 1,
            tunnel: Some(tunnel),
            vlans: carried.vlans,
            ..*context
        };
        self.ip(&context, carried.bytes, missing_bytes, sink);
    }

    /// Whether something in the last frame waits for other fragments, so that a later packet may
    /// name this frame among its [`Packet::earlier_frames`].
    pub const fn holds_fragment(&self) -> bool {
        self.holds_fragment
    }

    /// How many there were so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The capture has ended: gives up fragments without their rest, and says what went wrong.
    pub fn finish(&mut self) -> Problems {
        let faults = &mut self.faults;
        self.fragments.finish(&mut |fault| faults.add(0, fault));
        let mut problems = Problems::new();
        for (link_type, offset, count) in self.unread_links.drain(..) {
            let what = format!("link type {link_type} is not read; its frames are only counted");
            problems.push_counted(Position::Offset(offset), what, count);
        }
        self.faults.drain_into(&mut problems);
        problems
    }
}
