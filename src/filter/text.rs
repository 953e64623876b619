//! Text compared as people mean it: the case of letters does not matter.

use std::borrow::Cow;

use memchr::memchr2_iter;
use memchr::memmem::Finder;
use regex::Regex;

/// Every letter in lower case, character by character (so that a part of a text folds to a part of
/// the folded text, which Unicode's final sigma would spoil).
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
}

/// A test of one text.
#[derive(Clone, Debug)]
pub(super) enum TextTest {
    /// One of these: folded, sorted.
    Equals(Vec<Box<str>>),
    Contains(Box<Needle>),
    Matches(Regex),
}

impl TextTest {
    pub(super) fn equals(texts: &[Box<str>]) -> Self {
        let mut folded: Vec<Box<str>> = texts.iter().map(|text| fold(text).into()).collect();
        folded.sort_unstable();
        folded.dedup();
        Self::Equals(folded)
    }

    pub(super) fn holds(&self, text: &str) -> bool {
        match self {
            Self::Equals(wanted) => match &wanted[..] {
                [only] if text.is_ascii() => only.eq_ignore_ascii_case(text),
                wanted => {
                    let text = fold(text);
                    wanted.binary_search_by(|known| (**known).cmp(&*text)).is_ok()
                }
            },
            Self::Contains(needle) => needle.is_in(text),
            Self::Matches(regex) => regex.is_match(text),
        }
    }
}

/// A part of a text to look for.
#[derive(Clone, Debug)]
pub(super) struct Needle {
    folded: Box<str>,
    /// For text that is in lower case already, or had to be folded.
    finder: Finder<'static>,
}

impl Needle {
    pub(super) fn new(text: &str) -> Self {
        let folded: Box<str> = fold(text).into();
        let finder = Finder::new(folded.as_bytes()).into_owned();
        Self { folded, finder }
    }

    pub(super) const fn folded(&self) -> &str {
        &self.folded
    }

    /// For bytes known to be in lower case.
    pub(super) fn is_in_folded(&self, text: &[u8]) -> bool {
        self.finder.find(text).is_some()
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        if !text.is_ascii() {
            return self.is_in_folded(fold(text).as_bytes());
        }
        // Nothing is copied: most texts are ASCII, and most are asked once.
        let (wanted, text) = (self.folded.as_bytes(), text.as_bytes());
        let Some(first) = wanted.first() else { return true };
        let Some(last) = text.len().checked_sub(wanted.len()) else { return false };
        memchr2_iter(*first, first.to_ascii_uppercase(), text)
            .take_while(|at| *at <= last)
            .any(|at| text[at..at + wanted.len()].eq_ignore_ascii_case(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_does_not_matter_in_any_script() {
        for (text, part) in [
            ("WWW.Example.COM", "example.com"),
            ("MÜNCHEN", "münch"),
            ("ΟΔΟΣΑ", "οδοΣ"),
            ("abc", ""),
            ("aab", "AB"),
            ("\u{212a}elvin", "kelvin"),
        ] {
            assert!(Needle::new(part).is_in(text), "{part} in {text}");
        }
        assert!(!Needle::new("abcd").is_in("abc"));
        assert!(!Needle::new("ü").is_in("u"));
        let either = TextTest::equals(&["NL".into(), "be".into(), "nl".into()]);
        assert!(either.holds("Nl") && either.holds("BE") && !either.holds("N"));
    }

    proptest! {
        #[test]
        fn a_part_is_found_as_if_both_were_folded(text in ".{0,12}", part in ".{0,3}") {
            let plain = fold(&text).contains(&*fold(&part));
            prop_assert_eq!(Needle::new(&part).is_in(&text), plain);
            let cut: String = text.chars().skip(1).take(3).collect();
            prop_assert!(Needle::new(&cut.to_uppercase()).is_in(&text.to_uppercase()));
        }
    }
}
