//! Deeds that are done as one, and undone as one: a verdict on all hosts that were chosen.
//!
//! Mostly they are one deed for many subjects. What they share is kept once, so that a verdict on
//! ten thousand hosts is a list of ten thousand names and one word; what undoes them sets each to
//! what it was, and is as short where most were alike before.

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::deeds::{Deed, Subject};
use super::error::Trouble;

/// Subjects of deeds that are done as one: as many rows as a person can choose in a table.
pub const TOGETHER_MAX: usize = 100_000;

/// Bytes that they write at most, texts counted as often as they are said.
const TOGETHER_BYTES_MAX: usize = 64 << 20;

/// Bytes of one step of the journal, below what a value of the case may have.
const STEP_BYTES_MAX: usize = 15 << 20;

/// Deeds in their order; at least one, unless it was made of none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deeds(Vec<Alike>);

/// A deed, and the other subjects that the same is done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Alike {
    deed: Deed,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    also: Vec<Subject>,
}

impl From<Deed> for Deeds {
    fn from(deed: Deed) -> Self {
        Self(vec![Alike { deed, also: Vec::new() }])
    }
}

impl FromIterator<Deed> for Deeds {
    fn from_iter<T: IntoIterator<Item = Deed>>(deeds: T) -> Self {
        let mut all = Self::default();
        deeds.into_iter().for_each(|deed| all.push(deed));
        all
    }
}

impl Deeds {
    fn push(&mut self, deed: Deed) {
        if let (Some(last), Some(subject)) = (self.0.last_mut(), deed.subject())
            && last.deed.is_alike(&deed)
        {
            last.also.push(subject.clone());
        } else {
            self.0.push(Alike { deed, also: Vec::new() });
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.iter().map(|alike| 1 + alike.also.len()).sum()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one there is, if it is one.
    pub(super) fn one(&self) -> Option<&Deed> {
        match self.0.as_slice() {
            [Alike { deed, also }] if also.is_empty() => Some(deed),
            _ => None,
        }
    }

    /// One deed for each kind that stands together, with the number of its subjects.
    pub fn kinds(&self) -> impl Iterator<Item = (&Deed, usize)> {
        self.0.iter().map(|alike| (&alike.deed, 1 + alike.also.len()))
    }

    /// Each of them in order.
    pub fn each(&self) -> impl Iterator<Item = Deed> {
        self.0.iter().flat_map(|alike| {
            let same = |subject: &Subject| alike.deed.for_other(subject.clone());
            std::iter::once(alike.deed.clone()).chain(alike.also.iter().map(same))
        })
    }

    /// Those that are not about certain subjects.
    pub(super) fn without(&self, is_about: impl Fn(&str) -> bool) -> Self {
        let is_left = |deed: &Deed| !deed.subject().is_some_and(|it| is_about(it.as_str()));
        self.each().filter(is_left).collect()
    }

    /// Whether they can be done as one.
    pub(super) fn within_bounds(&self) -> Result<(), StoreError> {
        let bytes = |alike: &Alike| alike.deed.text_bytes().saturating_mul(1 + alike.also.len());
        let bytes = self.0.iter().map(bytes).fold(0, usize::saturating_add);
        match self.len() <= TOGETHER_MAX && bytes <= TOGETHER_BYTES_MAX {
            true => Ok(()),
            false => Err(too_much()),
        }
    }

    /// As the journal keeps them: one as itself, more as a list.
    pub(super) fn to_text(&self) -> Result<String, StoreError> {
        let text = match self.one() {
            Some(deed) => serde_json::to_string(deed),
            None => serde_json::to_string(&self.0),
        };
        let text = text.map_err(StoreError::damaged)?;
        match text.len() <= STEP_BYTES_MAX {
            true => Ok(text),
            false => Err(too_much()),
        }
    }

    pub(super) fn from_text(text: &str) -> Result<Self, StoreError> {
        match text.starts_with('[') {
            true => serde_json::from_str(text).map(Self),
            false => serde_json::from_str::<Deed>(text).map(Self::from),
        }
        .map_err(StoreError::damaged)
    }
}

fn too_much() -> StoreError {
    let what = "too much for one step that can be undone; choose fewer, or say less";
    StoreError::new(Trouble::System, what)
}

impl Deed {
    /// Whether it does the same to another subject.
    fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Note { text, .. }, Self::Note { text: other, .. }) => text == other,
            (Self::Tag { tag, put, .. }, Self::Tag { tag: other, put: other_put, .. }) => {
                tag == other && put == other_put
            }
            (Self::Verdict { verdict, .. }, Self::Verdict { verdict: other, .. }) => {
                verdict == other
            }
            (Self::Bookmark { name, .. }, Self::Bookmark { name: other, .. }) => name == other,
            _ => false,
        }
    }

    /// The same for another subject; what has none stays as it is.
    #[must_use]
    pub fn for_other(&self, other: Subject) -> Self {
        let mut deed = self.clone();
        match &mut deed {
            Self::Note { subject, .. }
            | Self::Tag { subject, .. }
            | Self::Verdict { subject, .. }
            | Self::Bookmark { subject, .. } => *subject = other,
            Self::Filter { .. } | Self::Setting { .. } | Self::MergeRealm { .. } => {}
        }
        deed
    }

    /// Bytes of text that it writes.
    fn text_bytes(&self) -> usize {
        let len = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        match self {
            Self::Note { text, .. } => len(text),
            Self::Tag { tag, .. } => tag.len(),
            Self::Verdict { verdict: Some(super::Verdict::Expected(reason)), .. } => reason.len(),
            Self::Verdict { .. } | Self::MergeRealm { .. } => 0,
            Self::Bookmark { name, .. } => len(name),
            Self::Filter { name, text } => name.len() + len(text),
            Self::Setting { key, value } => key.len() + len(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Put, Verdict};

    fn verdict(subject: &str, verdict: Option<Verdict>) -> Deed {
        Deed::Verdict { subject: Subject::named(subject), verdict }
    }

    #[test]
    fn what_is_shared_is_kept_once_and_read_back_in_order() {
        let deeds: Vec<Deed> = vec![
            verdict("a", Some(Verdict::Malicious)),
            verdict("b", Some(Verdict::Malicious)),
            verdict("c", None),
            Deed::Tag { subject: Subject::named("c"), tag: "x".to_owned(), put: Put::On },
            Deed::Setting { key: "k".to_owned(), value: None },
            Deed::Setting { key: "k".to_owned(), value: None },
        ];
        let all: Deeds = deeds.iter().cloned().collect();
        assert_eq!((all.len(), all.kinds().count()), (6, 5));
        let text = all.to_text().unwrap();
        assert_eq!(text.matches("malicious").count(), 1, "{text}");
        let back = Deeds::from_text(&text).unwrap();
        assert_eq!(back.each().collect::<Vec<_>>(), deeds);
        assert_eq!(back.without(|subject| subject == "a").len(), 5);
        assert!(back.without(|_| true).each().all(|deed| deed.subject().is_none()));
    }

    #[test]
    fn one_deed_is_written_as_it_always_was() {
        let one = Deeds::from(verdict("a", None));
        assert_eq!(one.to_text().unwrap(), r#"{"verdict":{"subject":"a","verdict":null}}"#);
        assert_eq!(Deeds::from_text(&one.to_text().unwrap()).unwrap(), one);
        assert!(Deeds::from_text("[{]").is_err() && Deeds::from_text("").is_err());
    }

    #[test]
    fn there_is_a_bound_on_how_many_and_on_how_much() {
        let many =
            |count: usize| -> Deeds { (0..count).map(|n| verdict(&n.to_string(), None)).collect() };
        many(TOGETHER_MAX).within_bounds().unwrap();
        assert!(many(TOGETHER_MAX + 1).within_bounds().is_err());
        let said = |count: usize| -> Deeds {
            let note = |n: usize| Deed::Note {
                subject: Subject::named(&n.to_string()),
                text: Some("x".repeat(1 << 20)),
            };
            (0..count).map(note).collect()
        };
        said(64).within_bounds().unwrap();
        assert!(said(65).within_bounds().is_err());
    }
}
