//! SMB: who logs in by NTLM, and whether it works.

use super::read::Reader;
use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::{Pair, Side};
use crate::model::{Outcome, Record, RecordKind, Untrusted};

/// Bytes of a message's beginning that are kept: a login with its ticket stays below.
const MESSAGE_BYTES_MAX: usize = 16_384;

/// Messages of a flow that are looked at; logins come first, files follow.
const MESSAGES_MAX: u32 = 2_048;

const SESSION_SETUP_1: u8 = 0x73;
const SESSION_SETUP_2: u16 = 1;

/// `STATUS_MORE_PROCESSING_REQUIRED` (MS-ERREF §2.3.1): the login goes on.
const MORE_PROCESSING: u32 = 0xc000_0016;

/// SMB, all versions.
pub(super) struct Smb;

impl Protocol for Smb {
    fn about(&self) -> &'static About {
        &About {
            service: "smb",
            reads: "NTLM logins: user, domain, workstation, status",
            misses: "files, pipes, Kerberos names, what is encrypted",
            source: "MS-SMB2, MS-CIFS, MS-NLMP",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        let is_smb =
            |head: &[u8]| matches!(head, [0, 0 | 1, _, _, 0xff | 0xfe, b'S', b'M', b'B', ..]);
        // A session request of NetBIOS (RFC 1002 §4.3.2) comes before it on port 139.
        let is_session =
            |head: &[u8]| matches!(head, [0x81, 0, 0, 0x44, 0x20, ..]) && opening.has_port(139);
        match opening.side_where(|head| is_smb(head) || is_session(head)) {
            Some(side) if !opening.is_datagram => Guess::Yes(side),
            _ => Guess::No,
        }
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session { client, streams: Pair::default(), login: None, messages: 0 })
    }
}

#[derive(Default)]
struct Stream {
    kept: Vec<u8>,
    /// Bytes of the message that were too many to keep.
    skip: usize,
}

struct Session {
    client: Side,
    streams: Pair<Stream>,
    login: Option<Record>,
    messages: u32,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, mut bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        while !bytes.is_empty() {
            let stream = &mut self.streams[side];
            if stream.skip > 0 {
                let taken = stream.skip.min(bytes.len());
                stream.skip -= taken;
                bytes = bytes.get(taken..).unwrap_or_default();
                continue;
            }
            // The header first; only it says how much more there is.
            let length = stream.kept.first_chunk::<4>().map(|&[_, high, middle, low]| {
                4 + (usize::from(high & 1) << 16 | usize::from(middle) << 8 | usize::from(low))
            });
            let wanted = length.unwrap_or(4).min(MESSAGE_BYTES_MAX) - stream.kept.len();
            let (part, rest) = bytes.split_at(wanted.min(bytes.len()));
            stream.kept.extend_from_slice(part);
            bytes = rest;
            let Some(length) = length else { continue };
            if part.len() < wanted {
                continue;
            }
            stream.skip = length - stream.kept.len();
            let message = std::mem::take(&mut stream.kept);
            self.messages += 1;
            self.message(side, message.get(4..).unwrap_or_default(), out);
        }
        if self.messages > MESSAGES_MAX { Next::Done } else { Next::More }
    }

    fn finish(&mut self, out: &mut Out<'_, '_>) {
        self.login.take().into_iter().for_each(|login| out.emit(login));
    }
}

impl Session {
    fn message(&mut self, side: Side, message: &[u8], out: &mut Out<'_, '_>) {
        if side == self.client {
            if let Some(login) = self.login(message, out) {
                self.login = Some(login);
            }
            return;
        }
        let status = match message {
            [0xff, b'S', b'M', b'B', SESSION_SETUP_1, a, b, c, d, ..] => Some([*a, *b, *c, *d]),
            [0xfe, b'S', b'M', b'B', _, _, _, _, a, b, c, d, low, high, ..]
                if u16::from_le_bytes([*low, *high]) == SESSION_SETUP_2 =>
            {
                Some([*a, *b, *c, *d])
            }
            _ => None,
        };
        if matches!(message, [0xff | 0xfe, b'S', b'M', b'B', ..]) {
            out.confirm("smb");
        }
        let Some(status) = status.map(u32::from_le_bytes) else { return };
        if status == MORE_PROCESSING {
            return;
        }
        if let Some(mut login) = self.login.take() {
            login.status = Some(status);
            login.outcome = Some(if status == 0 { Outcome::Success } else { Outcome::Failure });
            out.emit(login);
        }
    }

    /// The AUTHENTICATE message of NTLM (MS-NLMP §2.2.1.3), wherever it is wrapped.
    fn login(&self, message: &[u8], out: &Out<'_, '_>) -> Option<Record> {
        let at = memchr::memmem::find(message, b"NTLMSSP\0\x03\0\0\0")?;
        let ntlm = message.get(at..)?;
        let field = |place: usize| -> Option<Untrusted> {
            let mut place = Reader(ntlm.get(place..)?);
            let length = place.u16()?.swap_bytes();
            place.u16()?;
            let offset = usize::try_from(place.u32()?.swap_bytes()).ok()?;
            let units = ntlm.get(offset..)?.get(..usize::from(length))?.chunks_exact(2);
            let units: Vec<u16> = units
                .filter_map(|unit| unit.first_chunk::<2>().map(|unit| u16::from_le_bytes(*unit)))
                .collect();
            Some(Untrusted::new(&String::from_utf16_lossy(&units)))
        };
        let mut record = out.new_record(RecordKind::Auth, "smb", self.client);
        record.method = Some("ntlm".into());
        record.user = field(36);
        record.src_name = field(44).filter(|name| !name.raw().is_empty());
        if let Some(domain) = field(28).filter(|name| !name.raw().is_empty()) {
            record.details.insert("domain".to_owned(), domain.raw().into());
        }
        // A name of no letters is an anonymous session, not a try to be somebody.
        record.user.as_ref().is_some_and(|user| !user.raw().is_empty()).then_some(record)
    }
}
