//! The context of a case: lists, places, owners, profile, own networks and "now" that were given
//! with its files are kept in it, so that it is judged alike when it is opened again.
//!
//! Out of a case they come as the same [`Options`] that the command line makes, through the same
//! parsers. A path that a case names is shown and never opened.

use std::sync::Arc;

use super::context::{Options, OwnList, OwnText};
use crate::model::{Kind, ListMeaning, Timestamp};
use crate::store::{NewSource, SourceKind, Store, StoreError, StoredSource};

/// The setting of a case that holds own networks, one a line.
pub(super) const MINE: &str = "mine";

/// The setting of a case that holds "now", RFC 3339.
pub(super) const AT: &str = "at";

/// A source that was too large to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What it says.
    pub kind: SourceKind,
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

impl Missing {
    /// What to do about it.
    pub fn sentence(&self) -> String {
        let again = match self.kind {
            SourceKind::Profile => "--profile",
            SourceKind::List => "--list",
            SourceKind::Geofeed => "--geofeed",
            SourceKind::AsTable => "--as-table",
        };
        format!(
            "this {} of {} bytes was too large to keep in the case, so hosts are judged without \
             it; give it again with {again}",
            self.kind.word(),
            self.bytes
        )
    }
}

/// The word for what a list means.
pub(super) fn meaning_word(meaning: ListMeaning) -> &'static str {
    match meaning {
        ListMeaning::Hostile => "hostile",
        ListMeaning::Benign => "benign",
        ListMeaning::Context => "context",
        ListMeaning::Kind(kind) => kind.as_str(),
    }
}

/// What a list means, from its word.
pub fn list_meaning(word: &str) -> Option<ListMeaning> {
    match word {
        "hostile" => Some(ListMeaning::Hostile),
        "benign" => Some(ListMeaning::Benign),
        word => Kind::ALL.into_iter().find(|kind| kind.as_str() == word).map(ListMeaning::Kind),
    }
}

/// Whether a list can be called so: it becomes part of the names of evidence.
pub fn is_list_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= LIST_NAME_BYTES_MAX && name.chars().all(plain)
}

/// Bytes of a list's name.
const LIST_NAME_BYTES_MAX: usize = 100;

/// Keeps what was given in a case. What is already there is left as it is.
///
/// # Errors
/// When the case cannot be written.
pub(super) fn keep(store: &mut Store, given: &Options, now: Timestamp) -> Result<(), StoreError> {
    let mut source = |kind, name: &str, meaning, path: &str, content: &[u8]| {
        store.keep_source(&NewSource { kind, name, meaning, path, content }, now)
    };
    if let Some((name, text)) = &given.profile {
        source(SourceKind::Profile, name, None, name, text.as_bytes())?;
    }
    for list in &given.lists {
        let content = list.text.read().map_err(std::io::Error::other)?;
        let (meaning, path) = (Some(meaning_word(list.meaning)), list.text.name());
        source(SourceKind::List, &list.name, meaning, &path, &content)?;
    }
    let geofeeds = given.geofeeds.iter().map(|text| (SourceKind::Geofeed, text));
    let tables = given.as_tables.iter().map(|text| (SourceKind::AsTable, text));
    for (kind, text) in geofeeds.chain(tables) {
        let content = text.read().map_err(std::io::Error::other)?;
        source(kind, &text.name(), None, &text.name(), &content)?;
    }
    let mine: Vec<String> = given.mine.iter().map(ToString::to_string).collect();
    if !mine.is_empty() {
        store.keep_setting(MINE, &mine.join("\n"), now)?;
    }
    match given.at {
        Some(at) => store.keep_setting(AT, &at.to_string(), now),
        None => Ok(()),
    }
}

/// What a case keeps of its context.
///
/// # Errors
/// When the case is damaged.
pub(super) fn kept(store: &Store) -> Result<Options, StoreError> {
    let mut options = Options::default();
    for source in store.own_sources()? {
        match store.source_content(&source)? {
            Some(content) => add(&mut options, &source, content),
            None => options.missing.push(Missing {
                kind: source.kind,
                name: source.name.raw().to_owned(),
                bytes: source.bytes,
            }),
        }
    }
    for (key, value) in store.settings()? {
        match key.as_str() {
            MINE => options.mine = value.lines().filter_map(|line| line.parse().ok()).collect(),
            AT => options.at = value.parse().ok(),
            _ => {}
        }
    }
    Ok(options)
}

/// Adds a source. One of a stranger's case whose name or meaning no InfraLock would write is left
/// out: it cannot have been judged by.
fn add(options: &mut Options, source: &StoredSource, content: Arc<[u8]>) {
    let text = OwnText::Read(source.path.raw().to_owned(), content);
    match source.kind {
        SourceKind::Profile => {
            if let OwnText::Read(path, content) = text {
                let profile = String::from_utf8_lossy(&content).into_owned();
                options.profile = Some((path, profile));
            }
        }
        SourceKind::List => {
            let name = source.name.raw();
            let meaning = source.meaning.as_ref().and_then(|word| list_meaning(word.raw()));
            if let Some(meaning) = meaning.filter(|_| is_list_name(name)) {
                options.lists.push(OwnList { name: name.to_owned(), text, meaning });
            }
        }
        SourceKind::Geofeed => options.geofeeds.push(text),
        SourceKind::AsTable => options.as_tables.push(text),
    }
}

impl Options {
    /// Reads the files, so that what is judged by is what is kept.
    ///
    /// # Errors
    /// A sentence: a file cannot be read.
    pub fn read(mut self) -> Result<Self, String> {
        let lists = self.lists.iter_mut().map(|list| &mut list.text);
        for text in lists.chain(&mut self.geofeeds).chain(&mut self.as_tables) {
            if let OwnText::File(_) = text {
                let content: Arc<[u8]> = text.read()?.into();
                *text = OwnText::Read(text.name(), content);
            }
        }
        Ok(self)
    }

    /// What a case keeps, and over it what is given now: a list of the same name, a profile, own
    /// networks and "now" take the place of those of the case.
    pub fn over(self, mut kept: Self) -> Self {
        let is_given = |name: &str| self.lists.iter().any(|list| list.name == name);
        kept.lists.retain(|list| !is_given(&list.name));
        kept.missing.retain(|missing| !self.gives(missing));
        let new = |texts: Vec<OwnText>, known: &[OwnText]| -> Vec<OwnText> {
            let is_new = |text: &OwnText| known.iter().all(|known| !text.is_same(known));
            texts.into_iter().filter(is_new).collect()
        };
        kept.geofeeds.retain(|known| self.geofeeds.iter().all(|text| !text.takes_place_of(known)));
        kept.as_tables
            .retain(|known| self.as_tables.iter().all(|text| !text.takes_place_of(known)));
        let geofeeds = new(self.geofeeds, &kept.geofeeds);
        let as_tables = new(self.as_tables, &kept.as_tables);
        Self {
            profile: self.profile.or(kept.profile),
            realm: self.realm,
            mine: if self.mine.is_empty() { kept.mine } else { self.mine },
            lists: [kept.lists, self.lists].concat(),
            geofeeds: [kept.geofeeds, geofeeds].concat(),
            as_tables: [kept.as_tables, as_tables].concat(),
            at: self.at.or(kept.at),
            time_zone: self.time_zone,
            missing: kept.missing,
            feeds: self.feeds,
        }
    }

    fn gives(&self, missing: &Missing) -> bool {
        match missing.kind {
            SourceKind::Profile => self.profile.is_some(),
            SourceKind::List => self.lists.iter().any(|list| list.name == missing.name),
            SourceKind::Geofeed => self.geofeeds.iter().any(|text| text.name() == missing.name),
            SourceKind::AsTable => self.as_tables.iter().any(|text| text.name() == missing.name),
        }
    }

    /// Whether it is as if nothing was given.
    pub(super) fn is_plain(&self) -> bool {
        let texts = self.lists.len() + self.geofeeds.len() + self.as_tables.len();
        texts + self.missing.len() + self.mine.len() == 0
            && self.profile.is_none()
            && self.at.is_none()
    }
}
