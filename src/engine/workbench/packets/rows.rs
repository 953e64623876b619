//! One row a packet, and one packet taken apart.

use std::sync::Arc;

use hashbrown::HashMap;

use super::stream::StreamView;
use super::{Kept, Packets};
use crate::flow::apps::{Context, Conversation, SecretKey, Sink, Transport as Carriage};
use crate::flow::{Pair, Side};
use crate::model::{Endpoint, Flow, Record, Untrusted, Visible};
use crate::wire::fields::{Field, fields, flag_words, icmp_word, icmp6_word};
use crate::wire::{Checksums, DecodeOptions, Decoder, Packet, Transport};

/// Characters of a payload's first line that are shown.
const LINE_CHARS_MAX: usize = 160;

/// A packet as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct PacketRow {
    /// Its place in the capture, from 1.
    pub number: u64,
    /// The place of its flow among [`Packets::flows`].
    pub flow: u32,
    /// The place of its capture among [`Packets::captures`].
    pub capture: u32,
    /// Nanoseconds since the first packet listed; captures are not always in order.
    pub after_nanos: i64,
    /// Who sent it; `None`: it cannot be told, as of a fragment.
    pub side: Option<Side>,
    /// Bytes captured.
    pub captured_bytes: u32,
    /// Bytes on the wire.
    pub original_bytes: u32,
    /// `tcp`, `dns`.
    pub proto: &'static str,
    /// What it says in a line, control characters visible.
    pub info: String,
}

/// A packet taken apart.
#[derive(Clone, Debug)]
pub struct ChosenPacket {
    /// Its place in [`Packets::rows`].
    pub place: u32,
    /// Its fields, from the first byte on.
    pub fields: Vec<Field>,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

/// `192.0.2.7:50123 → 198.51.100.9:22 tcp`.
pub(super) fn title(flow: &Flow) -> String {
    format!("{} → {} {}", end(flow.originator), end(flow.responder), flow.proto.as_str())
}

/// `192.0.2.7:50123`.
fn end(end: Endpoint) -> String {
    std::net::SocketAddr::new(end.addr.into(), end.port).to_string()
}

impl Packets {
    /// Lists frames whose flows are places in `all`.
    pub(super) fn new(
        mut frames: Vec<Kept>,
        all: &[Flow],
        captures: Vec<String>,
        (cut, missing): (Option<String>, Vec<String>),
    ) -> Self {
        let flows = flows_of(&mut frames, all);
        let mut rows = Vec::with_capacity(frames.len());
        let mut bases = vec![Pair::default(); flows.len()];
        let first = frames.first().map(|frame| frame.ts).unwrap_or_default();
        each_packet(&frames, &flows, |kept, flow, found| {
            let said = found.map(|(side, packet)| {
                let base = bases.get_mut(kept.flow as usize);
                (side, said_by(packet, side, flow, base.unwrap_or(&mut Pair::default())))
            });
            let (side, (proto, info)) = match said {
                Some((side, said)) => (Some(side), said),
                None => (None, ("ip", "part of a packet that is shown with its last part".into())),
            };
            rows.push(PacketRow {
                number: kept.index + 1,
                flow: kept.flow,
                capture: kept.capture,
                after_nanos: kept.ts.nanos().saturating_sub(first.nanos()),
                side,
                captured_bytes: u32::try_from(kept.bytes.len()).unwrap_or(u32::MAX),
                original_bytes: kept.original_bytes,
                proto,
                info,
            });
        });
        Self { rows, flows, captures, cut, missing, frames }
    }

    /// The flow of a packet: `192.0.2.7:50123 → 198.51.100.9:22 tcp`.
    pub fn flow_title(&self, row: &PacketRow) -> String {
        self.flows.get(row.flow as usize).map(title).unwrap_or_default()
    }

    /// What both sides of a flow said, as far as its packets are listed.
    pub(super) fn stream(&self, flow: u32) -> StreamView {
        let mut stream = StreamView::builder();
        let frames = self.frames.iter().filter(|kept| kept.flow == flow);
        each_packet(frames, &self.flows, |_, _, found| {
            if let Some((side, packet)) = found {
                stream.packet(side, packet);
            }
        });
        stream.finish()
    }

    /// One packet, field by field; `None`: there is no such packet.
    pub(super) fn take_apart(&self, place: u32) -> Option<ChosenPacket> {
        let kept = self.frames.get(place as usize)?;
        let apart = fields(&kept.frame());
        let mut rows = apart.rows;
        let payload = kept.bytes.get(apart.payload.clone()).unwrap_or_default();
        let side = self.rows.get(place as usize).and_then(|row| row.side);
        let flow = self.flows.get(kept.flow as usize)?;
        let spoken = Spoken::of(payload, side.unwrap_or(Side::Originator), flow);
        let mut add = |depth, name, value: String| {
            rows.push(Field { depth, name, value, bytes: apart.payload.clone() });
        };
        if let Some(service) = spoken.service {
            add(0, "Application", service.to_owned());
        }
        for (name, value) in spoken.facts {
            add(1, name, value);
        }
        Some(ChosenPacket { place, fields: rows, bytes: Arc::clone(&kept.bytes) })
    }
}

/// Gives the flows of frames in the order in which they come, and frames their places among them.
fn flows_of(frames: &mut [Kept], all: &[Flow]) -> Vec<Flow> {
    let (mut places, mut flows) = (HashMap::new(), Vec::new());
    for kept in frames {
        let Some(flow) = all.get(kept.flow as usize) else { continue };
        kept.flow = *places.entry(kept.flow).or_insert_with(|| {
            flows.push(flow.clone());
            flows.len() as u32 - 1
        });
    }
    flows
}

/// Decodes frames; gives each with its flow and the packet of that flow in it, if there is one.
/// Fragments are put together within their capture.
fn each_packet<'a>(
    frames: impl IntoIterator<Item = &'a Kept>,
    flows: &[Flow],
    mut take: impl FnMut(&Kept, &Flow, Option<(Side, &Packet<'_>)>),
) {
    let mut decoders: HashMap<u32, Decoder> = HashMap::new();
    for kept in frames {
        let Some(flow) = flows.get(kept.flow as usize) else { continue };
        let decoder = decoders
            .entry(kept.capture)
            .or_insert_with(|| Decoder::new(DecodeOptions { checksums: Checksums::Ignore }));
        let mut is_found = false;
        decoder.decode(&kept.frame(), &mut |packet| {
            if let Some(side) = side_of(packet, flow).filter(|_| !is_found) {
                is_found = true;
                take(kept, flow, Some((side, packet)));
            }
        });
        if !is_found {
            take(kept, flow, None);
        }
    }
}

/// Who of a flow sent a packet; `None`: it is another flow's, as the outer packet of a tunnel is.
fn side_of(packet: &Packet<'_>, flow: &Flow) -> Option<Side> {
    if packet.proto() != flow.proto {
        return None;
    }
    let (a, b) = (flow.originator, flow.responder);
    let ports = match packet.transport {
        Transport::Tcp(tcp) => Some((tcp.src_port, tcp.dst_port)),
        Transport::Udp { src_port, dst_port } => Some((src_port, dst_port)),
        _ => None,
    };
    let is_from = |from: Endpoint, to: Endpoint| {
        let fits = ports.is_none_or(|(src, dst)| (src, dst) == (from.port, to.port));
        packet.src == from.addr && packet.dst == to.addr && fits
    };
    match (is_from(a, b), is_from(b, a)) {
        (true, _) => Some(Side::Originator),
        (false, true) => Some(Side::Responder),
        (false, false) => None,
    }
}

/// The protocol and what a packet says, in a line.
fn said_by(
    packet: &Packet<'_>,
    side: Side,
    flow: &Flow,
    bases: &mut Pair<Option<u32>>,
) -> (&'static str, String) {
    let spoken = Spoken::of(packet.payload, side, flow);
    let mut info = match packet.transport {
        Transport::Tcp(tcp) => {
            // As Wireshark does: numbers count from the first that is seen of a side.
            let base = *bases[side].get_or_insert(tcp.seq);
            let mut info = format!("{} seq {}", flag_words(tcp.flags), tcp.seq.wrapping_sub(base));
            if tcp.has(crate::wire::Tcp::ACK) {
                // A side that never showed its own begins where it is acknowledged.
                let base = *bases[side.other()].get_or_insert(tcp.ack.wrapping_sub(1));
                info.push_str(&format!(" ack {}", tcp.ack.wrapping_sub(base)));
            }
            info
        }
        Transport::Udp { src_port, dst_port } => format!("{src_port} → {dst_port}"),
        Transport::Icmp { kind, .. } => icmp_word(kind).to_owned(),
        Transport::Icmp6 { kind, .. } => icmp6_word(kind).to_owned(),
        Transport::Other(number) => format!("protocol {number}"),
    };
    if packet.payload_bytes > 0 {
        info.push_str(&format!(", {} bytes", packet.payload_bytes));
    }
    let hint = spoken.line.or_else(|| spoken.facts.first().map(|(_, value)| value.clone()));
    if let Some(hint) = hint {
        info.push_str(&format!(": {hint}"));
    }
    (spoken.service.unwrap_or_else(|| packet.proto().as_str()), info)
}

/// What a payload says, as far as the protocols' own readers understand it alone.
#[derive(Default)]
struct Spoken {
    service: Option<&'static str>,
    facts: Vec<(&'static str, String)>,
    line: Option<String>,
}

impl Spoken {
    fn of(payload: &[u8], side: Side, flow: &Flow) -> Self {
        if payload.is_empty() {
            return Self::default();
        }
        let ports = Pair { originator: flow.originator.port, responder: flow.responder.port };
        let carriage = match flow.proto {
            crate::model::Proto::Tcp => Carriage::Stream,
            _ => Carriage::Datagrams,
        };
        let context = Context {
            originator: flow.originator,
            responder: flow.responder,
            uid: flow.uid,
            import: flow.import,
        };
        let mut records = Vec::new();
        let mut record = |record| records.push(record);
        // Secrets are hashed with a key that is thrown away, and not shown.
        let key = SecretKey([0; 32]);
        let mut sink = Sink { context: &context, key: &key, record: &mut record };
        let mut conversation = Conversation::new(carriage, ports);
        conversation.bytes(side, flow.first_seen, payload, &mut sink);
        let heard = conversation.finish(&mut sink);
        let line = first_line(payload);
        let mut facts: Vec<(&'static str, String)> = records.first().map(facts).unwrap_or_default();
        let known = &heard.spoken;
        let mut add = |name, text: Option<String>| facts.extend(text.map(|text| (name, text)));
        add("Server name", known.sni.as_ref().map(Untrusted::to_string));
        add("Application protocol", known.alpn.as_ref().map(Untrusted::to_string));
        add("JA3", known.ja3.clone());
        add("JA3S", known.ja3s.clone());
        add("JA4", known.ja4.clone());
        add("HASSH", known.hassh.clone().or_else(|| known.hassh_server.clone()));
        add("First line", line.clone());
        Self { service: known.apps.first().copied(), facts, line }
    }
}

/// What a reader of a protocol told of a payload.
fn facts(record: &Record) -> Vec<(&'static str, String)> {
    let text = |text: &Option<Untrusted>| text.as_ref().map(Untrusted::to_string);
    let all = [
        ("Query", text(&record.query)),
        ("Method", text(&record.method)),
        ("Host", text(&record.host)),
        ("Path", text(&record.path)),
        ("Status", record.status.map(|status| status.to_string())),
        ("User", text(&record.user)),
        ("User agent", text(&record.user_agent)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The first line of a payload that begins like text: three printable characters prove little,
/// four are rarely chance.
fn first_line(payload: &[u8]) -> Option<String> {
    let line = payload.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let head = line.get(..line.len().min(4 * LINE_CHARS_MAX))?;
    let text = std::str::from_utf8(head).ok()?;
    let is_text = text.len() >= 4 && !text.contains(|c: char| c.is_control() && c != '\t');
    let cut: String = text.chars().take(LINE_CHARS_MAX).collect();
    is_text.then(|| Visible(&cut).to_string())
}
