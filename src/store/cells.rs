//! Values ↔ cells: addresses as 4 or 16 bytes, 64-bit counters as SQLite's signed integers.

use rusqlite::Row;

use super::StoreError;
use crate::model::{Addr, ConnState, Family, Outcome, RecordKind, Timestamp, Uid};

/// Places in an import: `id >> 40` is the import, the rest the place in it.
pub(super) const PLACE_BITS: u32 = 40;

/// A counter as SQLite keeps it: from 2^63 on the number is negative there.
pub(super) const fn cell(number: u64) -> i64 {
    number.cast_signed()
}

/// The bytes of an address: 4 or 16.
pub(super) fn addr_cell(addr: Addr) -> Bytes {
    match addr {
        Addr::V4(addr) => Bytes::new(&addr.octets()),
        Addr::V6(addr) => Bytes::new(&addr.octets()),
    }
}

/// At most 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bytes {
    bytes: [u8; 16],
    len: usize,
}

impl Bytes {
    fn new(from: &[u8]) -> Self {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        Self { bytes, len: from.len().min(16) }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl rusqlite::ToSql for Bytes {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(self.as_slice().into())
    }
}

/// An address from its bytes.
pub(super) fn addr(bytes: &[u8]) -> Result<Addr, StoreError> {
    match (bytes.try_into(), bytes.try_into()) {
        (Ok(octets), _) => Ok(Addr::from_v4_octets(octets)),
        (_, Ok(octets)) => Ok(Addr::from_v6_octets(octets)),
        _ => Err(StoreError::damaged(format_args!("an address of {} bytes", bytes.len()))),
    }
}

/// An end of a prefix or range: what lies inside ::ffff:0:0/96 stays IPv6 there.
pub(super) fn edge(bytes: &[u8]) -> Result<Addr, StoreError> {
    let v6 = |octets: [u8; 16]| Addr::from_bits(Family::V6, u128::from_be_bytes(octets));
    match bytes.try_into().ok().and_then(v6) {
        Some(addr) => Ok(addr),
        None => addr(bytes),
    }
}

/// An address from a column that may be empty.
pub(super) fn addr_at(row: &Row<'_>, column: usize) -> Result<Option<Addr>, StoreError> {
    row.get_ref(column)?.as_blob_or_null().map_err(StoreError::damaged)?.map(addr).transpose()
}

/// A counter.
pub(super) fn number_at(row: &Row<'_>, column: usize) -> Result<u64, StoreError> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

/// A counter that may be unknown.
pub(super) fn maybe_number_at(row: &Row<'_>, column: usize) -> Result<Option<u64>, StoreError> {
    Ok(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
}

/// A time that may be unknown.
pub(super) fn time_at(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_nanos))
}

/// A flow's identity from its 12 bytes.
pub(super) fn uid(bytes: &[u8]) -> Result<Uid, StoreError> {
    let bytes = bytes.try_into().map_err(|_| StoreError::damaged("a uid is not 12 bytes"))?;
    Ok(Uid::from_hash(bytes))
}

/// A flow's identity that may be unknown.
pub(super) fn uid_at(row: &Row<'_>, column: usize) -> Result<Option<Uid>, StoreError> {
    row.get_ref(column)?.as_blob_or_null().map_err(StoreError::damaged)?.map(uid).transpose()
}

/// A word that one of ours must be.
pub(super) fn one_of<T: Copy>(
    text: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, StoreError> {
    all.iter().copied().find(|known| name(*known) == text).ok_or_else(|| {
        StoreError::damaged(format_args!("no such word: {}", crate::model::Untrusted::new(text)))
    })
}

pub(super) const CONN_STATES: [ConnState; 13] = [
    ConnState::Sf,
    ConnState::S0,
    ConnState::S1,
    ConnState::S2,
    ConnState::S3,
    ConnState::Rej,
    ConnState::Rsto,
    ConnState::Rstr,
    ConnState::Rstos0,
    ConnState::Rstrh,
    ConnState::Sh,
    ConnState::Shr,
    ConnState::Oth,
];

pub(super) const RECORD_KINDS: [RecordKind; 16] = [
    RecordKind::Auth,
    RecordKind::Http,
    RecordKind::Dns,
    RecordKind::Tls,
    RecordKind::Ssh,
    RecordKind::Smtp,
    RecordKind::Ftp,
    RecordKind::Firewall,
    RecordKind::Connection,
    RecordKind::Alert,
    RecordKind::Trap,
    RecordKind::Dhcp,
    RecordKind::File,
    RecordKind::Process,
    RecordKind::Cloud,
    RecordKind::Other,
];

pub(super) const OUTCOMES: [Outcome; 4] =
    [Outcome::Success, Outcome::Failure, Outcome::Blocked, Outcome::Allowed];
