//! The letters of a flow's life, in the order they were first seen (Zeek, conn.log `history`).

/// Letters kept inline: nearly all flows need fewer than twelve.
const INLINE_LETTERS: usize = 14;

/// Letters kept at most. SYN, FIN and RST may repeat with other sequence numbers, so a hostile
/// peer can ask for any number; the last letter is then `x`, Zeek's "analysis partial".
pub const HISTORY_LETTERS_MAX: usize = 128;

/// The letters so far: 24 bytes in every open flow.
#[derive(Debug, Default)]
pub(super) struct History {
    inline: [u8; INLINE_LETTERS],
    inline_count: u8,
    is_full: bool,
    #[expect(clippy::box_collection, reason = "a rare tail: 8 bytes in each flow, not 24")]
    more: Option<Box<Vec<u8>>>,
}

impl History {
    /// Adds a letter.
    pub(super) fn push(&mut self, letter: u8) {
        if let Some(slot) = self.inline.get_mut(usize::from(self.inline_count)) {
            *slot = letter;
            self.inline_count += 1;
            return;
        }
        if self.is_full {
            return;
        }
        let more = self.more.get_or_insert_default();
        self.is_full = INLINE_LETTERS + more.len() + 1 == HISTORY_LETTERS_MAX;
        more.push(if self.is_full { b'x' } else { letter });
    }

    /// The letters as text.
    pub(super) fn text(&self) -> String {
        let inline = self.inline.iter().take(usize::from(self.inline_count));
        let more = self.more.iter().flat_map(|more| more.iter());
        inline.chain(more).map(|&letter| char::from(letter)).collect()
    }
}

/// Whether an event that repeats is noted again: the 1st, 10th, 100th … time.
pub(super) fn is_power_of_ten(count: u32) -> bool {
    matches!(
        count,
        1 | 10
            | 100
            | 1_000
            | 10_000
            | 100_000
            | 1_000_000
            | 10_000_000
            | 100_000_000
            | 1_000_000_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_kept_up_to_the_limit() {
        let mut history = History::default();
        for count in 1..=HISTORY_LETTERS_MAX {
            history.push(b'R');
            assert_eq!(history.text().len(), count);
        }
        assert!(history.text().ends_with("Rx"));
        history.push(b'R');
        assert_eq!(history.text().len(), HISTORY_LETTERS_MAX, "one above the limit");
        assert!(size_of::<History>() <= 24);
    }
}
