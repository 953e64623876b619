//! QUIC: the ClientHello inside Initial packets.
//!
//! Initial packets are encrypted with keys that anyone on the path can derive from the client's
//! first connection id (RFC 9001 §5.2): that hides nothing, and shows server name and JA4. Only
//! their AES-CTR part is undone; what comes out is checked by being frames and a ClientHello.

use std::collections::BTreeMap;

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use sha2::{Digest, Sha256};

use super::hello::Carrier;
use super::read::Reader;
use super::tls::Seen;
use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::{Pair, Side};

/// Bytes of CRYPTO frames that are put together. A ClientHello with post-quantum keys has 2 kB.
const CRYPTO_BYTES_MAX: usize = 16_384;

/// CRYPTO frames that wait for an earlier one; some clients cut a hello into dozens.
const PIECES_MAX: usize = 256;

/// Packets of a flow that are opened. The hellos lie in the first few; retries repeat them.
const PACKETS_MAX: u32 = 24;

/// Bytes of a connection id (RFC 9000 §17.2).
const CONNECTION_ID_BYTES_MAX: usize = 20;

/// Bytes of the authentication tag at the end of a packet (RFC 9001 §5.3).
const TAG_BYTES: usize = 16;

/// Bytes of the sample that hides the header (RFC 9001 §5.4.2).
const SAMPLE_BYTES: usize = 16;

/// A client pads its first datagram to this size (RFC 9000 §14.1).
const FIRST_DATAGRAM_BYTES_MIN: usize = 1_200;

const VERSION_1: u32 = 1;
const VERSION_2: u32 = 0x6b33_43cf;

/// RFC 9001 §5.2.
const SALT_1: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad,
    0xcc, 0xbb, 0x7f, 0x0a,
];

/// RFC 9369 §3.3.1.
const SALT_2: [u8; 20] = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb,
    0xf9, 0xbd, 0x2e, 0xd9,
];

/// QUIC, versions 1 and 2.
pub(super) struct Quic;

impl Protocol for Quic {
    fn about(&self) -> &'static About {
        &About {
            service: "quic",
            reads: "client and server hello of versions 1 and 2: server name, ALPN, JA4",
            misses: "drafts before version 1, everything after the Initial packets",
            source: "RFC 9000, RFC 9001, RFC 9369",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        if !opening.is_datagram {
            return Guess::No;
        }
        let head = opening.heads[opening.first];
        let is_initial = Long::parse(&mut Reader(head)).is_some_and(|long| long.is_initial());
        let client =
            (is_initial && head.len() >= FIRST_DATAGRAM_BYTES_MIN).then_some(opening.first);
        Guess::from_client(client)
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session {
            client,
            keys: None,
            crypto: Pair::default(),
            seen: Seen::default(),
            packets: 0,
            has_hello: Pair::default(),
        })
    }
}

/// The part of a long header that is never encrypted (RFC 8999).
struct Long<'a> {
    first: u8,
    version: u32,
    destination: &'a [u8],
}

impl<'a> Long<'a> {
    fn parse(packet: &mut Reader<'a>) -> Option<Self> {
        let first = packet.u8()?;
        let version = packet.u32()?;
        let destination = packet.part8()?.0;
        let source = packet.part8()?.0;
        let is_sane = first & 0xc0 == 0xc0
            && destination.len() <= CONNECTION_ID_BYTES_MAX
            && source.len() <= CONNECTION_ID_BYTES_MAX
            && (version == VERSION_1 || version == VERSION_2);
        is_sane.then_some(Self { first, version, destination })
    }

    /// Version 2 numbers its packet types otherwise, to keep middleboxes from guessing.
    const fn is_initial(&self) -> bool {
        let kind = self.first >> 4 & 0x03;
        kind == if self.version == VERSION_2 { 1 } else { 0 }
    }

    const fn is_retry(&self) -> bool {
        let kind = self.first >> 4 & 0x03;
        kind == if self.version == VERSION_2 { 0 } else { 3 }
    }
}

/// The keys of one direction.
struct Keys {
    key: Aes128,
    iv: [u8; 12],
    header: Aes128,
}

struct Session {
    client: Side,
    /// Derived from the destination of the client's first Initial; again after a retry.
    keys: Option<Pair<Keys>>,
    crypto: Pair<Crypto>,
    seen: Seen,
    packets: u32,
    has_hello: Pair<bool>,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        let mut datagram = Reader(bytes);
        // Packets may be coalesced; each has a length.
        while let Some(is_read) = self.packet(side, &mut datagram, out) {
            if !is_read {
                break;
            }
        }
        self.packets += 1;
        let is_over =
            self.packets > PACKETS_MAX || (self.has_hello.originator && self.has_hello.responder);
        if is_over { Next::Done } else { Next::More }
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        self.seen.emit(self.client, Carrier::Quic, out);
    }
}

impl Session {
    /// Takes one packet of a datagram; `None` or `false` where the rest cannot be read.
    fn packet(
        &mut self,
        side: Side,
        datagram: &mut Reader<'_>,
        out: &mut Out<'_, '_>,
    ) -> Option<bool> {
        let whole = datagram.0;
        let long = Long::parse(datagram)?;
        if long.is_retry() {
            // The client begins again, towards an id that the server chose.
            if side != self.client {
                out.confirm("quic");
                self.keys = None;
                self.crypto = Pair::default();
            }
            return None;
        }
        if long.is_initial() {
            let token_bytes = variable(datagram)?;
            datagram.take(token_bytes)?;
        }
        let length = variable(datagram)?;
        let header_bytes = whole.len() - datagram.0.len();
        let body = datagram.take(length)?;
        if !long.is_initial() {
            return Some(true);
        }
        if side == self.client && self.keys.is_none() {
            self.keys = Some(keys_of(&long));
        }
        let keys = &self.keys.as_ref()?;
        let mut keys_of_side = &keys.originator;
        if side != self.client {
            keys_of_side = &keys.responder;
        }
        let header = whole.get(..header_bytes)?;
        let frames = open(keys_of_side, header, body)?;
        self.frames(side, &frames, out);
        Some(true)
    }

    fn frames(&mut self, side: Side, frames: &[u8], out: &mut Out<'_, '_>) {
        let crypto = &mut self.crypto[side];
        if crypto.take(frames).is_none() {
            return;
        }
        let mut message = Reader(&crypto.whole);
        let Some(kind) = message.u8() else { return };
        let Some(body) = message.part24() else { return };
        if self.has_hello[side] || !matches!(kind, 1 | 2) {
            return;
        }
        self.has_hello[side] = true;
        let body = body.0.to_vec();
        // A hello that decrypts is proof enough; Zeek names the TLS inside too.
        out.confirm("quic");
        out.confirm("ssl");
        self.seen.message(kind, &body, Carrier::Quic, out);
    }
}

/// The stream inside CRYPTO frames, put in order.
#[derive(Default)]
struct Crypto {
    whole: Vec<u8>,
    waiting: BTreeMap<usize, Vec<u8>>,
}

impl Crypto {
    /// Reads the frames an Initial packet may hold (RFC 9000 §12.4); `None` where they end in
    /// something else, which means that the packet was not decrypted.
    fn take(&mut self, frames: &[u8]) -> Option<()> {
        let mut frames = Reader(frames);
        while let Some(kind) = frames.u8() {
            match kind {
                0 | 1 => {}
                2 | 3 => {
                    for _ in 0..2 {
                        variable(&mut frames)?;
                    }
                    let ranges = variable(&mut frames)?;
                    let counts = if kind == 3 { 3 } else { 0 };
                    for _ in 0..ranges.checked_mul(2)?.checked_add(1 + counts)? {
                        variable(&mut frames)?;
                    }
                }
                6 => {
                    let offset = variable(&mut frames)?;
                    let length = variable(&mut frames)?;
                    let piece = frames.take(length)?;
                    if offset.checked_add(length)? <= CRYPTO_BYTES_MAX
                        && self.waiting.len() < PIECES_MAX
                    {
                        self.waiting.insert(offset, piece.to_vec());
                    }
                }
                // A close ends the connection, and the packet.
                0x1c => break,
                _ => return None,
            }
        }
        while let Some((&offset, _)) = self.waiting.first_key_value()
            && offset <= self.whole.len()
        {
            let piece = self.waiting.remove(&offset)?;
            let fresh = piece.get(self.whole.len() - offset..).unwrap_or_default();
            self.whole.extend_from_slice(fresh);
        }
        Some(())
    }
}

/// A variable-length integer (RFC 9000 §16).
fn variable(reader: &mut Reader<'_>) -> Option<usize> {
    let first = reader.u8()?;
    let more = (1_usize << (first >> 6)) - 1;
    let start = u64::from(first & 0x3f);
    let number =
        reader.take(more)?.iter().fold(start, |number, &byte| number << 8 | u64::from(byte));
    usize::try_from(number).ok()
}

/// Removes header protection and encryption of a packet; the tag is cut off, not checked.
fn open(keys: &Keys, header: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    let sample: [u8; SAMPLE_BYTES] = body.get(4..4 + SAMPLE_BYTES)?.try_into().ok()?;
    let [mask_first, mask @ ..] = block(&keys.header, sample);
    let first = header.first()? ^ (mask_first & 0x0f);
    let number_bytes = usize::from(first & 0x03) + 1;
    let number = body.iter().zip(mask).take(number_bytes);
    let number = number.fold(0_u32, |number, (&byte, mask)| number << 8 | u32::from(byte ^ mask));
    let text = body.get(number_bytes..body.len().checked_sub(TAG_BYTES)?)?;
    let mut nonce = keys.iv;
    for (byte, part) in nonce.iter_mut().rev().zip(number.to_le_bytes()) {
        *byte ^= part;
    }
    // Counter mode as in GCM: the counter of the first block of text is 2 (SP 800-38D §7.1).
    let mut plain = text.to_vec();
    for (chunk, counter) in plain.chunks_mut(16).zip(2_u32..) {
        let mut input = [0; 16];
        let (start, end) = input.split_at_mut(12);
        start.copy_from_slice(&nonce);
        end.copy_from_slice(&counter.to_be_bytes());
        for (byte, key) in chunk.iter_mut().zip(block(&keys.key, input)) {
            *byte ^= key;
        }
    }
    Some(plain)
}

fn block(key: &Aes128, input: [u8; 16]) -> [u8; 16] {
    let mut block = input.into();
    key.encrypt_block(&mut block);
    block.into()
}

/// Keys of the client (as originator) and the server (as responder).
fn keys_of(long: &Long<'_>) -> Pair<Keys> {
    let (salt, prefix) =
        if long.version == VERSION_2 { (SALT_2, "quicv2") } else { (SALT_1, "quic") };
    let initial = hmac(&salt, &[long.destination]);
    let side = |label: &str| {
        let secret = expand(&initial, label);
        let key = |label: &str| {
            let bytes = expand(&secret, &format!("{prefix} {label}"));
            let mut key = [0; 16];
            key.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
            Aes128::new(&key.into())
        };
        let mut iv = [0; 12];
        let bytes = expand_to(&secret, &format!("{prefix} iv"), 12);
        iv.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        Keys { key: key("key"), iv, header: key("hp") }
    };
    Pair { originator: side("client in"), responder: side("server in") }
}

/// HKDF-Expand-Label (RFC 8446 §7.1) to as many bytes as the label is for: one block at most.
fn expand(secret: &[u8; 32], label: &str) -> [u8; 32] {
    expand_to(secret, label, if label.ends_with(" in") { 32 } else { 16 })
}

fn expand_to(secret: &[u8; 32], label: &str, bytes: u8) -> [u8; 32] {
    let label = format!("tls13 {label}");
    let length = u8::try_from(label.len()).unwrap_or(u8::MAX);
    hmac(secret, &[&[0, bytes, length], label.as_bytes(), &[0], &[1]])
}

/// HMAC-SHA-256 (RFC 2104) with a key of at most one block.
fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let padded = |pad: u8| {
        let mut block = [pad; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        Sha256::new_with_prefix(block)
    };
    let inner = parts.iter().fold(padded(0x36), |hash, part| hash.chain_update(part)).finalize();
    padded(0x5c).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::apps::read::hex;

    /// RFC 9001 appendix A.1.
    #[test]
    fn initial_secrets_are_those_of_the_rfc() {
        let id = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        let initial = hmac(&SALT_1, &[&id]);
        let client = expand(&initial, "client in");
        assert_eq!(
            hex(&client),
            "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea"
        );
        assert_eq!(hex(&expand(&client, "quic key")[..16]), "1f369613dd76d5467730efcbe3b1a22d");
        assert_eq!(hex(&expand_to(&client, "quic iv", 12)[..12]), "fa044b2f42a3fd3b46fb255c");
        assert_eq!(hex(&expand(&client, "quic hp")[..16]), "9f50449e04a0e810283a1e9933adedd2");
    }

    #[test]
    fn variable_integers_are_those_of_the_rfc() {
        for (bytes, number) in [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
        ] {
            assert_eq!(variable(&mut Reader(bytes)), Some(number));
        }
        assert_eq!(variable(&mut Reader(&[0xc2, 0x19])), None);
    }
}
