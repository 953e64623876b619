//! JSON and NDJSON: lossless, and harmless on a terminal.

use std::io::{self, Write};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

use super::rows::{DetectionRow, HostRow, TriageHead};
use crate::model::is_deceptive;

/// Compact JSON in which deceptive characters are escaped as `\uXXXX`.
///
/// A parser gives back the very text; a terminal or editor is never led astray by it.
struct Inert;

impl Formatter for Inert {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // ASCII controls were escaped before; all other deceptive characters are not ASCII.
        if fragment.is_ascii() && !fragment.contains('\u{7f}') {
            return out.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(is_deceptive) {
            let (clean, from) = rest.split_at(at);
            out.write_all(clean.as_bytes())?;
            let mut characters = from.chars();
            if let Some(character) = characters.next() {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}

/// One value as compact JSON with deceptive characters escaped.
///
/// # Errors
/// When `out` cannot be written.
pub fn to_json<W: Write + ?Sized>(out: &mut W, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, Inert))?;
    Ok(())
}

/// Writes one object a line.
pub struct JsonLines<W: Write>(W);

impl<W: Write> JsonLines<W> {
    /// Lines go to `out`, which should be buffered.
    pub const fn new(out: W) -> Self {
        Self(out)
    }

    /// Writes one line.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn write(&mut self, value: &impl Serialize) -> io::Result<()> {
        to_json(&mut self.0, value)?;
        self.0.write_all(b"\n")
    }

    /// Gives the output back.
    pub fn into_inner(self) -> W {
        self.0
    }
}

/// A sequence that is made while it is written.
struct Stream<I>(std::cell::Cell<Option<I>>);

impl<I: Iterator<Item: Serialize>> Serialize for Stream<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.take().into_iter().flatten())
    }
}

/// Writes the document of `triage --json`; hosts and detections are made one at a time.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_triage_json(
    out: &mut dyn Write,
    head: &TriageHead,
    hosts: impl Iterator<Item = HostRow>,
    detections: impl Iterator<Item = DetectionRow>,
) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Inert);
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("tool", &head.tool)?;
    map.serialize_entry("partial", &head.partial)?;
    map.serialize_entry("now", &head.now)?;
    map.serialize_entry("notes", &head.notes)?;
    map.serialize_entry("imports", &head.imports)?;
    map.serialize_entry("totals", &head.totals)?;
    map.serialize_entry("hosts", &Stream(Some(hosts).into()))?;
    map.serialize_entry("prefixes", &head.prefixes)?;
    map.serialize_entry("detections", &Stream(Some(detections).into()))?;
    map.end()?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Untrusted;
    use proptest::prelude::*;

    fn json(text: &str) -> String {
        let mut out = Vec::new();
        to_json(&mut out, &Untrusted::new(text)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn deceptive_characters_are_escaped() {
        assert_eq!(
            json("a\u{202e}b\u{1b}\u{7f}\u{e0001}ü"),
            r#""a\u202eb\u001b\u007f\udb40\udc01ü""#
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "\\PC{0,40}|[\u{0}-\u{2ff}\u{2000}-\u{20ff}]{0,40}") {
            let written = json(&text);
            prop_assert!(!written.contains(is_deceptive));
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
    }
}
