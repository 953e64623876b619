//! The first messages of TLS, alike in TCP, QUIC and DTLS, and their fingerprints.
//!
//! JA3 and JA3S (Althouse, Atkinson, Atkins; Salesforce 2017) hash the offer in the order in
//! which it was made; JA4 (FoxIO 2023, the BSD-licensed client part) sorts it first, so that
//! clients that shuffle their extensions stay one client. GREASE (RFC 8701) is ignored by both.

use md5::Md5;
use sha2::{Digest, Sha256};

use super::read::{Reader, hex};

/// How the hello was carried: the first letter of JA4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// TLS over TCP: `t`.
    Tcp,
    /// QUIC: `q`.
    Quic,
    /// DTLS: `d`.
    Dtls,
}

/// Digits kept of each SHA-256 in JA4.
const JA4_HASH_DIGITS: usize = 12;

/// What JA4 writes for the hash of nothing.
const JA4_EMPTY: &str = "000000000000";

/// The largest count that JA4 writes; two digits.
const JA4_COUNT_MAX: usize = 99;

const EXTENSION_SERVER_NAME: u16 = 0;
const EXTENSION_GROUPS: u16 = 10;
const EXTENSION_POINT_FORMATS: u16 = 11;
const EXTENSION_SIGNATURES: u16 = 13;
const EXTENSION_ALPN: u16 = 16;
const EXTENSION_SUPPORTED_VERSIONS: u16 = 43;

/// A client's offer (RFC 8446 §4.1.2). Its size is bounded by the message it was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The version in the fixed field; newer ones are in `versions`.
    pub version: u16,
    /// Cipher suites in the order of the offer.
    pub ciphers: Vec<u16>,
    /// Extensions in the order of the offer.
    pub extensions: Vec<u16>,
    /// Groups ("curves").
    pub groups: Vec<u16>,
    /// Point formats.
    pub points: Vec<u8>,
    /// Signature algorithms.
    pub signatures: Vec<u16>,
    /// Supported versions.
    pub versions: Vec<u16>,
    /// The server name asked for.
    pub server_name: Option<Vec<u8>>,
    /// Protocols offered.
    pub alpn: Vec<Vec<u8>>,
}

/// A server's choice (RFC 8446 §4.1.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerHello {
    /// The version in the fixed field.
    pub legacy_version: u16,
    /// The version chosen.
    pub version: u16,
    /// The cipher suite chosen.
    pub cipher: u16,
    /// Extensions in their order.
    pub extensions: Vec<u16>,
    /// The protocol chosen; in TLS 1.3 it is encrypted.
    pub alpn: Option<Vec<u8>>,
    /// Whether it asks for another ClientHello (RFC 8446 §4.1.4).
    pub is_retry: bool,
}

/// SHA-256 of "HelloRetryRequest", sent in place of random bytes (RFC 8446 §4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The four forms of a JA4: hashed or raw, sorted or in the order of the offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ja4 {
    /// Sorted and hashed: the fingerprint.
    pub ja4: String,
    /// Sorted, raw.
    pub ja4_r: String,
    /// In original order, hashed.
    pub ja4_o: String,
    /// In original order, raw.
    pub ja4_ro: String,
}

/// Whether a value is one of the sixteen that mean nothing (RFC 8701).
const fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

impl ClientHello {
    /// Reads the body of a ClientHello, without its four-byte handshake header.
    pub fn parse(body: &[u8], carrier: Carrier) -> Option<Self> {
        let mut body = Reader(body);
        let mut hello = Self { version: body.u16()?, ..Self::default() };
        body.take(32)?;
        body.part8()?;
        if carrier == Carrier::Dtls {
            body.part8()?;
        }
        hello.ciphers = numbers(body.part16()?);
        body.part8()?;
        if !body.is_empty() {
            let mut extensions = body.part16()?;
            while let Some(kind) = extensions.u16() {
                hello.extensions.push(kind);
                hello.extension(kind, extensions.part16()?);
            }
        }
        Some(hello)
    }

    fn extension(&mut self, kind: u16, mut body: Reader<'_>) {
        match kind {
            EXTENSION_SERVER_NAME => self.server_name = server_name(body),
            EXTENSION_GROUPS => self.groups = body.part16().map(numbers).unwrap_or_default(),
            EXTENSION_POINT_FORMATS => {
                self.points = body.part8().map(|points| points.0.to_vec()).unwrap_or_default();
            }
            EXTENSION_SIGNATURES => {
                self.signatures = body.part16().map(numbers).unwrap_or_default();
            }
            EXTENSION_ALPN => self.alpn = protocols(body),
            EXTENSION_SUPPORTED_VERSIONS => {
                self.versions = body.part8().map(numbers).unwrap_or_default();
            }
            _ => {}
        }
    }

    /// The raw text of JA3: version, ciphers, extensions, groups, point formats in decimal.
    pub fn ja3_text(&self) -> String {
        let points: Vec<u16> = self.points.iter().map(|&point| u16::from(point)).collect();
        let lists = [&self.ciphers, &self.extensions, &self.groups, &points];
        let lists: Vec<String> = lists.into_iter().map(|list| decimals(list)).collect();
        format!("{},{}", self.version, lists.join(","))
    }

    /// JA3: the MD5 of [`Self::ja3_text`].
    pub fn ja3(&self) -> String {
        hex(&Md5::digest(self.ja3_text()))
    }

    /// JA4 in all its forms.
    pub fn ja4(&self, carrier: Carrier) -> Ja4 {
        let start = self.ja4_a(carrier);
        let mut ciphers = hexes(&self.ciphers);
        let mut extensions = hexes(&self.extensions);
        let signatures = hexes(&self.signatures).join(",");
        let original = (ciphers.join(","), with(&extensions, &signatures));
        ciphers.sort_unstable();
        // Server name and ALPN are in the first part already, and come and go with the address.
        extensions.retain(|kind| kind != "0000" && kind != "0010");
        extensions.sort_unstable();
        let sorted = (ciphers.join(","), with(&extensions, &signatures));
        // Where sorting leaves no extension, the reference implementation hashes neither list.
        let original_hash =
            if sorted.1.is_empty() { JA4_EMPTY.to_owned() } else { ja4_hash(&original.1) };
        Ja4 {
            ja4: format!("{start}_{}_{}", ja4_hash(&sorted.0), ja4_hash(&sorted.1)),
            ja4_r: format!("{start}_{}_{}", sorted.0, sorted.1),
            ja4_o: format!("{start}_{}_{original_hash}", ja4_hash(&original.0)),
            ja4_ro: format!("{start}_{}_{}", original.0, original.1),
        }
    }

    fn ja4_a(&self, carrier: Carrier) -> String {
        let carrier = match carrier {
            Carrier::Tcp => 't',
            Carrier::Quic => 'q',
            Carrier::Dtls => 'd',
        };
        let offered = self.versions.iter().copied().filter(|&version| !is_grease(version));
        let version = match offered.max().unwrap_or(self.version) {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            0x0002 => "s2",
            0xfeff => "d1",
            0xfefd => "d2",
            0xfefc => "d3",
            _ => "00",
        };
        let name = if self.extensions.contains(&EXTENSION_SERVER_NAME) { 'd' } else { 'i' };
        let count = |list: &[u16]| {
            list.iter().filter(|&&value| !is_grease(value)).count().min(JA4_COUNT_MAX)
        };
        let (ciphers, extensions) = (count(&self.ciphers), count(&self.extensions));
        let alpn = ja4_alpn(self.alpn.first().map_or(&[], Vec::as_slice));
        format!("{carrier}{version}{name}{ciphers:02}{extensions:02}{alpn}")
    }
}

impl ServerHello {
    /// Reads the body of a ServerHello, without its handshake header.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let mut body = Reader(body);
        let legacy_version = body.u16()?;
        let mut hello = Self { legacy_version, version: legacy_version, ..Self::default() };
        hello.is_retry = body.take(32)? == RETRY_RANDOM;
        body.part8()?;
        hello.cipher = body.u16()?;
        body.u8()?;
        if !body.is_empty() {
            let mut extensions = body.part16()?;
            while let Some(kind) = extensions.u16() {
                hello.extensions.push(kind);
                let mut part = extensions.part16()?;
                match kind {
                    EXTENSION_ALPN => hello.alpn = protocols(part).into_iter().next(),
                    EXTENSION_SUPPORTED_VERSIONS => {
                        hello.version = part.u16().unwrap_or(legacy_version);
                    }
                    _ => {}
                }
            }
        }
        Some(hello)
    }

    /// JA3S: the MD5 of version, cipher and extensions.
    pub fn ja3s(&self) -> String {
        let extensions = decimals(&self.extensions);
        hex(&Md5::digest(format!("{},{},{extensions}", self.legacy_version, self.cipher)))
    }
}

/// Zeek's word for a version of SSL, TLS or DTLS.
pub(super) fn version_name(version: u16) -> String {
    let name = match version {
        0x0002 => "SSLv2",
        0x0300 => "SSLv3",
        0x0301 => "TLSv10",
        0x0302 => "TLSv11",
        0x0303 => "TLSv12",
        0x0304 => "TLSv13",
        0xfeff => "DTLSv10",
        0xfefd => "DTLSv12",
        0xfefc => "DTLSv13",
        other => return format!("0x{other:04x}"),
    };
    name.to_owned()
}

fn numbers(mut list: Reader<'_>) -> Vec<u16> {
    std::iter::from_fn(|| list.u16()).collect()
}

fn server_name(mut body: Reader<'_>) -> Option<Vec<u8>> {
    let mut list = body.part16()?;
    // Type 0 is a host name, the only one there is (RFC 6066 §3).
    (list.u8()? == 0).then_some(())?;
    Some(list.part16()?.0.to_vec())
}

fn protocols(mut body: Reader<'_>) -> Vec<Vec<u8>> {
    let Some(mut list) = body.part16() else { return Vec::new() };
    std::iter::from_fn(|| list.part8()).map(|name| name.0.to_vec()).collect()
}

fn decimals(list: &[u16]) -> String {
    let kept: Vec<String> =
        list.iter().filter(|&&value| !is_grease(value)).map(u16::to_string).collect();
    kept.join("-")
}

fn hexes(list: &[u16]) -> Vec<String> {
    let kept = list.iter().filter(|&&value| !is_grease(value));
    kept.map(|value| format!("{value:04x}")).collect()
}

fn with(extensions: &[String], signatures: &str) -> String {
    let extensions = extensions.join(",");
    if signatures.is_empty() { extensions } else { format!("{extensions}_{signatures}") }
}

fn ja4_hash(text: &str) -> String {
    if text.is_empty() {
        return JA4_EMPTY.to_owned();
    }
    let digits = hex(&Sha256::digest(text));
    digits.get(..JA4_HASH_DIGITS).unwrap_or_default().to_owned()
}

/// First and last character of the first protocol offered; of a name whose ends are not
/// alphanumeric the first and last hex digit; `00` without one.
fn ja4_alpn(name: &[u8]) -> String {
    let (Some(&first), Some(&last)) = (name.first(), name.last()) else { return "00".to_owned() };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return format!("{}{}", char::from(first), char::from(last));
    }
    format!("{:x}{:x}", first >> 4, last & 0x0f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpn_of_ja4_takes_both_ends() {
        for (name, expected) in
            [("h2", "h2"), ("http/1.1", "h1"), ("", "00"), ("h", "hh"), ("-x", "28")]
        {
            assert_eq!(ja4_alpn(name.as_bytes()), expected, "{name}");
        }
        assert_eq!(ja4_alpn(&[0xba, 0xad]), "bd");
    }

    #[test]
    fn grease_is_what_rfc_8701_lists() {
        let all: Vec<u16> = (0..=u16::MAX).filter(|&value| is_grease(value)).collect();
        assert_eq!(all.len(), 16);
        assert_eq!((all.first(), all.last()), (Some(&0x0a0a), Some(&0xfafa)));
    }

    #[test]
    fn counts_stop_at_two_digits() {
        let hello = ClientHello { ciphers: (0..200).collect(), ..ClientHello::default() };
        assert!(hello.ja4(Carrier::Tcp).ja4.starts_with("t00i990000_"));
        let hello = ClientHello { version: 0x0303, ..ClientHello::default() };
        assert_eq!(hello.ja4(Carrier::Quic).ja4, "q12i000000_000000000000_000000000000");
    }
}
