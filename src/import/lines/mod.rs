//! What the formats made of free lines share: times, years, messages and their patterns.
//!
//! A line is an envelope (when, which machine, which program) around a message. `time` reads the
//! dates that logs write and `years` finds the year that syslog leaves out; `envelope` takes a line
//! apart; `messages` says what a message means, by the table in `auth_messages` written in the
//! language of `pattern`; `reader` makes records of it, with `tries` seeing to it that one try
//! counts once, `request` and `netfilter` taking apart what has a form of its own, and
//! `addresses` as the last resort.

mod addresses;
mod auth_messages;
pub(crate) mod envelope;
pub(crate) mod messages;
mod netfilter;
pub(crate) mod object;
mod pattern;
pub(crate) mod reader;
pub(crate) mod request;
pub(crate) mod time;
mod tries;
pub(crate) mod years;

/// Whether at least half of the lines that are not blank pass; false for no lines.
pub(super) fn most(head: &[&[u8]], passes: impl Fn(&[u8]) -> bool) -> bool {
    let lines = || head.iter().filter(|line| !line.trim_ascii().is_empty());
    let passing = lines().filter(|line| passes(line)).count();
    passing > 0 && passing * 2 >= lines().count()
}
