//! Text that a stranger wrote: cut to a limit, and shown with its tricks visible.

use std::fmt;

use serde::{Serialize, Serializer};

use super::limits::UNTRUSTED_BYTES_MAX;

/// Text an attacker may have written: host names, user agents, paths, user names.
///
/// It never holds more than [`UNTRUSTED_BYTES_MAX`] bytes. `Display` makes control and
/// bidirectional characters visible, so that no text can move the cursor, colour a terminal or
/// turn a line around. [`Untrusted::raw`] gives the text itself, for matching and for exporters
/// that escape on their own.
///
/// ```
/// use infralock::model::Untrusted;
/// let user = Untrusted::new("root\u{1b}[2J\u{202e}");
/// assert_eq!(user.to_string(), "root\\u{1b}[2J\\u{202e}");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Untrusted(Box<str>);

impl Untrusted {
    /// Keeps at most [`UNTRUSTED_BYTES_MAX`] bytes; a cut text ends in `…`.
    pub fn new(text: &str) -> Self {
        if text.len() <= UNTRUSTED_BYTES_MAX {
            return Self(text.into());
        }
        let mut cut =
            text[..text.floor_char_boundary(UNTRUSTED_BYTES_MAX - '…'.len_utf8())].to_owned();
        cut.push('…');
        Self(cut.into())
    }

    /// Bytes that should be UTF-8; what is not becomes U+FFFD.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        // Cut before decoding: a lossy copy of megabytes would be thrown away.
        let bytes = bytes.get(..UNTRUSTED_BYTES_MAX + 4).unwrap_or(bytes);
        Self::new(&String::from_utf8_lossy(bytes))
    }

    /// `None` for an empty text or the `-` that logs write for nothing.
    pub fn unless_blank(text: &str) -> Option<Self> {
        (!text.is_empty() && text != "-").then(|| Self::new(text))
    }

    /// The text as the stranger wrote it. Not for a terminal, a page or a log.
    pub fn raw(&self) -> &str {
        &self.0
    }
}

/// Whether a character can hide or rearrange what is shown: controls, bidirectional marks,
/// zero-width and separator characters (Unicode TR 36 §2, CVE-2021-42574).
pub const fn is_deceptive(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A text with every deceptive character written as its code point.
pub struct Visible<'a>(pub &'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(is_deceptive) {
            let (clean, from) = rest.split_at(at);
            f.write_str(clean)?;
            let mut characters = from.chars();
            if let Some(character) = characters.next() {
                write!(f, "\\u{{{:x}}}", u32::from(character))?;
            }
            rest = characters.as_str();
        }
        f.write_str(rest)
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Visible(&self.0).fmt(f)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl Serialize for Untrusted {
    /// The raw text: the JSON writer escapes deceptive characters itself, without loss.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_on_a_character() {
        let long = Untrusted::new(&"ü".repeat(UNTRUSTED_BYTES_MAX));
        assert!(long.raw().len() <= UNTRUSTED_BYTES_MAX && long.raw().ends_with('…'));
        let exact = "x".repeat(UNTRUSTED_BYTES_MAX);
        assert_eq!(Untrusted::new(&exact).raw(), exact);
        assert!(Untrusted::from_bytes(&[0xff; 100_000]).raw().len() <= UNTRUSTED_BYTES_MAX);
    }

    #[test]
    fn nothing_deceptive_is_printed() {
        let all: String = (0..=0x2_ffff).filter_map(char::from_u32).collect();
        assert!(!Visible(&all).to_string().contains(is_deceptive));
    }
}
