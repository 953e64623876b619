//! Wireshark's names that mean a field of ours within one protocol only.

use super::fields::FieldId;

/// `tcp.port` is `port` where `proto` is `tcp`.
#[derive(Debug)]
pub(super) struct Guarded {
    /// Wireshark's name.
    pub name: &'static str,
    /// Our field.
    pub field: FieldId,
    /// The text field that must have …
    pub guard: FieldId,
    /// … this value.
    pub word: &'static str,
}

const fn guarded(
    name: &'static str,
    field: FieldId,
    guard: FieldId,
    word: &'static str,
) -> Guarded {
    Guarded { name, field, guard, word }
}

/// All of them.
pub(super) const GUARDED: &[Guarded] = &[
    guarded("tcp.port", FieldId::Port, FieldId::Proto, "tcp"),
    guarded("tcp.srcport", FieldId::SrcPort, FieldId::Proto, "tcp"),
    guarded("tcp.dstport", FieldId::DstPort, FieldId::Proto, "tcp"),
    guarded("udp.port", FieldId::Port, FieldId::Proto, "udp"),
    guarded("udp.srcport", FieldId::SrcPort, FieldId::Proto, "udp"),
    guarded("udp.dstport", FieldId::DstPort, FieldId::Proto, "udp"),
    guarded("dns.qry.name", FieldId::DstName, FieldId::RecordKind, "dns"),
];
