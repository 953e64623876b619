//! One try to log in, one failure, however many lines sshd writes about it.
//!
//! With passwords, sshd writes `Invalid user` (if so), one `Failed …` for each try, and the end of
//! the connection. Without passwords it writes the first and the last alone. [`Tries`] keeps the
//! opening line of a process back until it is clear which it is: a failure of the same process
//! makes it a companion; its end, the end of the file or too many processes at once make it the
//! failure.

use std::collections::{BTreeMap, VecDeque};

use super::auth_messages::Says;
use crate::model::{Addr, Outcome, Record, Timestamp};

/// Processes remembered at once. A busy server has hundreds of open logins; each costs 1 kB.
const TRIES_MAX: usize = 4_096;

/// A process and the address it serves; some systems log no process.
type Key = (u32, Option<Addr>);

/// After this long a process number belongs to another process: sshd gives a login two minutes
/// (LoginGraceTime).
const TRY_SECS_MAX: f64 = 600.0;

#[derive(Default)]
struct Try {
    /// The newest line of it.
    newest: Option<Timestamp>,
    /// Counted by a line of its own.
    is_counted: bool,
    /// The opening line, until it is clear what it is.
    opening: Option<Record>,
}

/// The logins under way.
#[derive(Default)]
pub(in crate::import) struct Tries {
    open: BTreeMap<Key, Try>,
    /// In order of arrival, to forget the oldest.
    order: VecDeque<Key>,
}

impl Tries {
    /// Takes a record with what its line says and passes on what is settled.
    pub(in crate::import) fn take(
        &mut self,
        says: Says,
        pid: Option<u32>,
        mut record: Record,
        out: &mut dyn FnMut(Record),
    ) {
        let key = (pid.unwrap_or(0), record.src);
        let ts = record.ts;
        match says {
            Says::Opening => {
                let known = self.open_at(key, ts, out);
                match known.opening.take() {
                    // Without a process number, it is another connection.
                    Some(opening) if pid.is_none() => {
                        out(failure(opening));
                        known.opening = Some(record);
                    }
                    Some(opening) => {
                        known.opening = Some(opening);
                        out(companion(record));
                    }
                    None => known.opening = Some(record),
                }
            }
            Says::Failed => {
                let known = self.open_at(key, ts, out);
                known.is_counted = true;
                if let Some(opening) = known.opening.take() {
                    out(companion(opening));
                }
                out(record);
            }
            Says::Ending => {
                let known = self.open_at(key, ts, out);
                let opening = known.opening.take();
                let was_counted = std::mem::replace(&mut known.is_counted, true);
                if let Some(opening) = opening {
                    out(failure(opening));
                    out(companion(record));
                } else if was_counted {
                    out(companion(record));
                } else {
                    record.outcome = Some(Outcome::Failure);
                    out(record);
                }
            }
            // The process number may be used again.
            Says::Accepted => {
                if let Some(opening) = self.open.remove(&key).and_then(|known| known.opening) {
                    out(failure(opening));
                }
                out(record);
            }
            _ => out(record),
        }
    }

    /// The try of a process; the oldest goes where there are too many.
    fn open_at(
        &mut self,
        key: Key,
        ts: Option<Timestamp>,
        out: &mut dyn FnMut(Record),
    ) -> &mut Try {
        if !self.open.contains_key(&key) {
            self.order.push_back(key);
            if self.order.len() > TRIES_MAX
                && let Some(oldest) = self.order.pop_front()
                && let Some(opening) = self.open.remove(&oldest).and_then(|known| known.opening)
            {
                out(failure(opening));
            }
        }
        let known = self.open.entry(key).or_default();
        let is_over =
            known.newest.zip(ts).is_some_and(|(newest, ts)| ts.secs_since(newest) > TRY_SECS_MAX);
        if is_over && let Some(opening) = std::mem::take(known).opening {
            out(failure(opening));
        }
        known.newest = known.newest.max(ts);
        known
    }

    /// The file has ended: openings without a failure were the tries themselves.
    pub(in crate::import) fn finish(&mut self, out: &mut dyn FnMut(Record)) {
        let mut open = std::mem::take(&mut self.open);
        for key in std::mem::take(&mut self.order) {
            if let Some(opening) = open.remove(&key).and_then(|known| known.opening) {
                out(failure(opening));
            }
        }
    }
}

/// Speaks of a try that another line counts.
pub(in crate::import) fn companion(mut record: Record) -> Record {
    record.outcome = None;
    record.details.insert("pre".to_owned(), true.into());
    record
}

fn failure(mut record: Record) -> Record {
    record.outcome = Some(Outcome::Failure);
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ImportId, RecordKind};

    /// Lines `says pid[@secs]`, and which of them count, in the order they come out.
    fn check(lines: &str, expected: &str) {
        let mut tries = Tries::default();
        let mut shown = Vec::new();
        let mut out = |record: Record| {
            let line = record.line.unwrap();
            shown.push(match record.outcome {
                Some(Outcome::Failure) => format!("{line}!"),
                _ => format!("{line}"),
            });
        };
        for (number, line) in (1..).zip(lines.split(", ")) {
            let (says, pid) = line.split_once(' ').unwrap();
            let mut record = Record::new(RecordKind::Auth, ImportId(0));
            record.line = Some(number);
            let (pid, secs) = pid.split_once('@').unwrap_or((pid, "0"));
            record.ts = Timestamp::from_epoch_text(secs);
            let says = match says {
                "opening" => Says::Opening,
                "ending" => Says::Ending,
                "accepted" => Says::Accepted,
                _ => Says::Failed,
            };
            record.outcome = (says == Says::Failed).then_some(Outcome::Failure);
            tries.take(says, pid.parse().ok(), record, &mut out);
        }
        tries.finish(&mut out);
        assert_eq!(shown.join(" "), expected, "{lines}");
    }

    #[test]
    fn one_failure_for_a_try() {
        check("opening 1, failed 1, failed 1, ending 1", "1 2! 3! 4");
        check("opening 1, ending 1", "1! 2");
        check("opening 1", "1!");
        check("ending 1, ending 1", "1! 2");
        check("opening 1, opening 2, failed 2, ending 1", "2 3! 1! 4");
        check("opening 1, opening 1, failed 1", "2 1 3!");
        check("failed 1, accepted 1, ending 1", "1! 2 3!");
        check("opening -, opening -, failed -", "1! 2 3!");
        // A process number is used again.
        check("ending 1@0, ending 1@600, ending 1@1201", "1! 2 3!");
        check("opening 1@0, failed 1@601", "1! 2!");
    }

    #[test]
    fn too_many_at_once_are_settled_oldest_first() {
        let lines: Vec<String> = (1..=TRIES_MAX + 2).map(|pid| format!("opening {pid}")).collect();
        let counted: Vec<String> = (1..=TRIES_MAX + 2).map(|line| format!("{line}!")).collect();
        check(&lines.join(", "), &counted.join(" "));
    }
}
