//! Packets → flows: the flow table, reassembly, and what the flows say.
//!
//! Packets of `wire` become flows with Zeek's meaning of originator, responder, state and history;
//! the first bytes of each direction go to [`apps`], which recognises the application by content
//! and turns it into records. `threat` takes both from here.
#![warn(clippy::indexing_slicing, clippy::string_slice, clippy::cast_possible_truncation)]

use std::ops::{Index, IndexMut};

pub mod apps;
pub mod community_id;
mod follow;
mod history;
mod icmp;
mod key;
mod os;
mod ports;
mod stream;
mod table;
mod tcp;

pub use follow::{Follow, Piece};
pub use history::HISTORY_LETTERS_MAX;
pub use os::known_os;
pub use stream::{ONE_WAY_BYTES_MAX, WAITING_BYTES_MAX, WAITING_PIECES_MAX};
pub use table::{
    CONVERSATIONS_MAX, FlowEvent, FlowStats, FlowTable, Options, TUNNEL_PARENTS_MAX,
    WAITING_BYTES_TOTAL_MAX,
};

/// One of the two ends of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Who opened the flow.
    Originator,
    /// Whom it was opened to.
    Responder,
}

impl Side {
    /// Both, in order.
    pub const BOTH: [Self; 2] = [Self::Originator, Self::Responder];

    /// The other end.
    pub const fn other(self) -> Self {
        match self {
            Self::Originator => Self::Responder,
            Self::Responder => Self::Originator,
        }
    }
}

/// One value for each end of a flow, asked for by [`Side`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair<T> {
    /// The originator's.
    pub originator: T,
    /// The responder's.
    pub responder: T,
}

impl<T> Index<Side> for Pair<T> {
    type Output = T;

    fn index(&self, side: Side) -> &T {
        match side {
            Side::Originator => &self.originator,
            Side::Responder => &self.responder,
        }
    }
}

impl<T> IndexMut<Side> for Pair<T> {
    fn index_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Originator => &mut self.originator,
            Side::Responder => &mut self.responder,
        }
    }
}
