//! The few fields of a certificate that name its holder (RFC 5280), from its DER.

use serde_json::Value;

use super::read::{Reader, hex};
use crate::model::Untrusted;

/// Attributes read from one name; more are ignored.
const ATTRIBUTES_MAX: usize = 16;

/// What a certificate says of itself; nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    subject: String,
    issuer: String,
    serial: String,
    not_before: Option<Untrusted>,
    not_after: Option<Untrusted>,
}

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const VERSION: u8 = 0xa0;

/// One element: its tag and its content.
fn element<'a>(der: &mut Reader<'a>) -> Option<(u8, Reader<'a>)> {
    let tag = der.u8()?;
    let length = match der.u8()? {
        short @ 0..=0x7f => usize::from(short),
        0x81 => usize::from(der.u8()?),
        0x82 => usize::from(der.u16()?),
        0x83 => usize::try_from(der.u24()?).ok()?,
        _ => return None,
    };
    Some((tag, Reader(der.take(length)?)))
}

fn expect<'a>(der: &mut Reader<'a>, tag: u8) -> Option<Reader<'a>> {
    let (found, content) = element(der)?;
    (found == tag).then_some(content)
}

impl Certificate {
    pub(super) fn parse(der: &[u8]) -> Option<Self> {
        let mut whole = expect(&mut Reader(der), SEQUENCE)?;
        let mut fields = expect(&mut whole, SEQUENCE)?;
        if fields.0.first() == Some(&VERSION) {
            element(&mut fields)?;
        }
        let serial = hex(expect(&mut fields, INTEGER)?.0);
        expect(&mut fields, SEQUENCE)?;
        let issuer = name(expect(&mut fields, SEQUENCE)?);
        let mut validity = expect(&mut fields, SEQUENCE)?;
        let mut time = || Some(Untrusted::from_bytes(element(&mut validity)?.1.0));
        let (not_before, not_after) = (time(), time());
        let subject = name(expect(&mut fields, SEQUENCE)?);
        Some(Self { subject, issuer, serial, not_before, not_after })
    }

    pub(super) fn describe(self, put: &mut impl FnMut(&str, Value)) {
        put("subject", Untrusted::new(&self.subject).raw().into());
        put("issuer", Untrusted::new(&self.issuer).raw().into());
        put("cert_serial", Untrusted::new(&self.serial).raw().into());
        for (key, time) in [("not_before", self.not_before), ("not_after", self.not_after)] {
            if let Some(time) = time {
                put(key, time.raw().into());
            }
        }
    }
}

/// A distinguished name as RFC 4514 writes it: the last attribute first.
fn name(mut der: Reader<'_>) -> String {
    let mut attributes = Vec::new();
    while let Some(mut set) = expect(&mut der, SET).filter(|_| attributes.len() < ATTRIBUTES_MAX) {
        attributes.extend(expect(&mut set, SEQUENCE).and_then(attribute));
    }
    attributes.reverse();
    attributes.join(",")
}

fn attribute(mut pair: Reader<'_>) -> Option<String> {
    let object = expect(&mut pair, OBJECT_ID)?;
    let (_, value) = element(&mut pair)?;
    let key = match object.0 {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "emailAddress",
        _ => return None,
    };
    let value = String::from_utf8_lossy(value.0).replace('\\', "\\\\").replace(',', "\\,");
    Some(format!("{key}={value}"))
}
