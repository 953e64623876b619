//! Writes small MMDB files for tests: a tree of 24-bit records over a data section.
#![expect(clippy::cast_possible_truncation, reason = "sizes of tests are small")]

use crate::model::{Family, Prefix};

/// A value of a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Double(f64),
    Float(f32),
    Bool(bool),
    Uint16(u16),
    Uint32(u32),
    Uint64(u64),
    Map(Vec<(String, Cell)>),
    List(Vec<Cell>),
}

fn control(kind: u8, size: usize, out: &mut Vec<u8>) {
    assert!(size < 285, "sizes of tests are small");
    let (low, extra) = if size < 29 { (size as u8, None) } else { (29, Some((size - 29) as u8)) };
    match kind {
        0..=7 => out.push(kind << 5 | low),
        _ => out.extend([low, kind - 7]),
    }
    out.extend(extra);
}

fn encode(cell: &Cell, out: &mut Vec<u8>) {
    match cell {
        Cell::Text(text) => {
            control(2, text.len(), out);
            out.extend(text.as_bytes());
        }
        Cell::Double(number) => {
            control(3, 8, out);
            out.extend(number.to_be_bytes());
        }
        Cell::Float(number) => {
            control(15, 4, out);
            out.extend(number.to_be_bytes());
        }
        Cell::Bool(value) => control(14, usize::from(*value), out),
        Cell::Uint16(number) => {
            control(5, 2, out);
            out.extend(number.to_be_bytes());
        }
        Cell::Uint64(number) => {
            control(9, 8, out);
            out.extend(number.to_be_bytes());
        }
        Cell::Uint32(number) => {
            control(6, 4, out);
            out.extend(number.to_be_bytes());
        }
        Cell::Map(fields) => {
            control(7, fields.len(), out);
            for (key, value) in fields {
                encode(&Cell::Text(key.clone()), out);
                encode(value, out);
            }
        }
        Cell::List(values) => {
            control(11, values.len(), out);
            values.iter().for_each(|value| encode(value, out));
        }
    }
}

#[derive(Clone, Copy)]
enum Child {
    Empty,
    Node(usize),
    Data(usize),
}

/// A database of these networks, built on 2026-06-05; IPv4 lies in ::/96 of IPv6 databases.
pub(crate) fn write(rows: &[(Prefix, Cell)], kind: &str, ip_version: u16) -> Vec<u8> {
    let mut nodes = vec![[Child::Empty; 2]];
    let (mut data, mut known) = (Vec::<u8>::new(), Vec::<(Vec<u8>, usize)>::new());
    for (prefix, cell) in rows {
        let mut bytes = Vec::new();
        encode(cell, &mut bytes);
        // Equal records are stored once, as in real databases.
        let at = known.iter().find(|(known, _)| *known == bytes).map(|&(_, at)| at);
        let at = at.unwrap_or_else(|| {
            let at = data.len();
            data.extend(&bytes);
            known.push((bytes, at));
            at
        });
        let whole = if ip_version == 6 { 128 } else { 32 };
        let (bits, len) = match prefix.first().family() {
            Family::V4 => (prefix.first().bits(), usize::from(prefix.len()) + whole - 32),
            Family::V6 => (prefix.first().bits(), usize::from(prefix.len())),
        };
        let mut node = 0;
        for depth in 0..len {
            let side = (bits >> (whole - 1 - depth) & 1) as usize;
            if depth + 1 == len {
                nodes[node][side] = Child::Data(at);
                continue;
            }
            node = match nodes[node][side] {
                Child::Node(next) => next,
                _ => {
                    nodes.push([Child::Empty; 2]);
                    let next = nodes.len() - 1;
                    nodes[node][side] = Child::Node(next);
                    next
                }
            };
        }
    }
    let count = nodes.len();
    let mut out = Vec::new();
    for child in nodes.iter().flatten() {
        let value = match child {
            Child::Empty => count,
            Child::Node(node) => *node,
            Child::Data(at) => count + 16 + at,
        };
        out.extend(&(value as u32).to_be_bytes()[1..]);
    }
    out.extend([0; 16]);
    out.extend(data);
    out.extend(b"\xab\xcd\xefMaxMind.com");
    let text = |text: &str| Cell::Text(text.to_owned());
    let fields = [
        ("binary_format_major_version", Cell::Uint16(2)),
        ("binary_format_minor_version", Cell::Uint16(0)),
        ("build_epoch", Cell::Uint64(1_780_617_600)),
        ("database_type", text(kind)),
        ("description", Cell::Map(vec![("en".to_owned(), text("a test"))])),
        ("ip_version", Cell::Uint16(ip_version)),
        ("languages", Cell::List(vec![text("en")])),
        ("node_count", Cell::Uint32(count as u32)),
        ("record_size", Cell::Uint16(24)),
    ];
    let fields = fields.into_iter().map(|(key, cell)| (key.to_owned(), cell)).collect();
    encode(&Cell::Map(fields), &mut out);
    out
}
