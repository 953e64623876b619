//! Plain values that every layer speaks: addresses, times, flows, records, evidence, places.
//!
//! No I/O, no clock, no policy. What is wrong cannot be written down: a [`Prefix`] has no host
//! bits, an [`Addr`] is never an IPv4-mapped one, [`Untrusted`] text has a length limit.

mod addr;
mod base64;
mod evidence;
mod facts;
mod flow;
mod ids;
mod import;
pub mod limits;
mod number;
mod problem;
pub mod query;
mod record;
mod special;
mod text;
mod time;

pub use addr::{Addr, AddrError, AddrRange, Family, Prefix};
pub use base64::{base64, from_base64};
pub use evidence::{Band, Basis, Detection, Evidence, EvidenceRow, Score, SubjectRole, Weighing};
pub use facts::{
    Claim, Facts, Granularity, Kind, ListMeaning, ListMembership, ListTerms, Place, PlaceCandidate,
};
pub use flow::{ConnState, Endpoint, Flow, Proto, Spoken};
pub use ids::{HostKey, ImportId, RealmId, Ref, Uid};
pub use import::{AssumedRow, ImportRow};
pub(crate) use number::{counted, grouped};
pub use problem::{NO_ADDRESS, Position, Problem, Problems};
pub use record::{Outcome, Record, RecordKind};
pub use special::{RESERVED_V4, Reserved};
pub use text::{Untrusted, Visible, is_deceptive};
pub use time::{Timestamp, TimestampError};
