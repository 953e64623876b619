//! XMPP: the domain asked for, and the switch to TLS.

use super::{About, Guess, Next, Opening, Out, Parse, Protocol};
use crate::flow::{Pair, Side};
use crate::model::Untrusted;

/// Bytes of a side's beginning that are kept; streams open and ask for TLS within the first kB.
const TEXT_BYTES_MAX: usize = 8_192;

/// XMPP.
pub(super) struct Xmpp;

impl Protocol for Xmpp {
    fn about(&self) -> &'static About {
        &About {
            service: "xmpp",
            reads: "the domain asked for, STARTTLS",
            misses: "logins and messages in clear",
            source: "RFC 6120",
        }
    }

    fn recognise(&self, opening: &Opening<'_>) -> Guess {
        let opens = |head: &[u8]| {
            let text = String::from_utf8_lossy(head.get(..256).unwrap_or(head));
            text.contains("<stream:stream") && text.contains("jabber:")
        };
        match opening.side_where(opens) {
            Some(client) if !opening.is_datagram => Guess::Yes(client),
            _ => Guess::No,
        }
    }

    fn start(&self, client: Side) -> Box<dyn Parse> {
        Box::new(Session { client, text: Pair::default() })
    }
}

struct Session {
    client: Side,
    text: Pair<Vec<u8>>,
}

impl Parse for Session {
    fn bytes(&mut self, side: Side, bytes: &[u8], out: &mut Out<'_, '_>) -> Next {
        let text = &mut self.text[side];
        text.extend_from_slice(bytes);
        if text.len() > TEXT_BYTES_MAX {
            return Next::Done;
        }
        let shown = String::from_utf8_lossy(text);
        if side == self.client {
            let name = ["to='", "to=\""].iter().find_map(|quote| {
                let (_, rest) = shown.split_once(quote)?;
                rest.split(['\'', '"']).next()
            });
            if let Some(name) = name {
                out.spoken().server_name.get_or_insert_with(|| Untrusted::new(name));
            }
            return Next::More;
        }
        out.confirm("xmpp");
        let Some(at) = shown.find("<proceed") else { return Next::More };
        let end = shown.get(at..).and_then(|rest| rest.find('>'));
        // The text was valid up to here, or lossy: then what follows is not TLS anyway.
        let rest = end.and_then(|end| text.get(at + end + 1..)).unwrap_or_default().to_vec();
        let mut inner = Pair::<Vec<u8>>::default();
        inner[side] = rest;
        Next::HandOver(inner)
    }
}
