//! Profiles: what each piece of evidence weighs, as a text that an analyst can read and change.
//!
//! A profile is TOML. [`check`] reads one and says line and column of every mistake at once; a
//! profile that came through it cannot make the arithmetic fail: every number is finite and in its
//! range, every group a row names exists. [`Profile::default`] is `profiles/default.toml`, where
//! each number is argued.

use std::collections::BTreeMap;
use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::model::{Detection, Kind, Visible};

/// The text of the profile `default`.
pub const DEFAULT_TOML: &str = include_str!("profiles/default.toml");

/// Bytes of a profile. The default one, comments included, has about 20 kB.
pub const PROFILE_BYTES_MAX: usize = 1 << 20;

/// Mistakes told of one profile; with more of them, the first ones say enough.
pub const PROFILE_ERRORS_MAX: usize = 100;

/// A set of weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The name shown with every score.
    pub name: String,
    /// How its numbers become a score.
    pub form: Form,
    /// The probability that a host met at random acts with hostile intent: 0.001 to 0.999.
    pub prior: f64,
    /// Groups of evidence that overlaps, with the most nats each may add or take.
    pub groups: BTreeMap<String, f64>,
    /// What weighs: a detector's slug, `list.hostile`, `kind.crawler`, `succeeded` …
    pub rows: BTreeMap<String, Row>,
    /// How well each kind of network hides who is behind it, 0 to 1.
    pub anonymity: BTreeMap<Kind, f64>,
}

/// How a profile's numbers become a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// A prior and log-likelihood ratios that add up (INTERFACE, "Score arithmetic").
    LogOdds,
}

/// What one piece of evidence weighs.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// ln of P(evidence if hostile) over P(evidence if harmless), in nats.
    pub llr: f64,
    /// The analyst's weight: 1 as argued, 0 off, 2 twice.
    pub weight: f64,
    /// Days in which a sighting loses half its weight; `None`: it never ages.
    pub half_life_days: Option<f64>,
    /// The group of overlapping evidence it stands in.
    pub group: Option<String>,
    /// How bad a detection of this is, 0 to 100: the order in which a person should look.
    pub severity: u8,
}

/// A mistake in a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What was wrong; what would be right.
    pub what: String,
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.what)
    }
}

impl std::error::Error for ProfileError {}

impl Default for Profile {
    /// The profile `default`.
    fn default() -> Self {
        #[expect(clippy::panic, reason = "a text of our own, proved sound by a test")]
        check(DEFAULT_TOML).unwrap_or_else(|errors| panic!("profiles/default.toml: {errors:?}"))
    }
}

impl Profile {
    /// The row that weighs `id`, the family's row for a list: `list.hostile` is for all of them.
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.rows.get(id)
    }

    /// How bad a detection is, 0 to 100. One that worked is as bad as `succeeded` at least.
    pub fn severity(&self, detection: &Detection) -> u8 {
        let of = |id: &str| self.rows.get(id).map(|row| row.severity);
        let own = of(&detection.detector).unwrap_or_else(|| {
            // A list has the severity of what it means, which its details say.
            let meaning = detection.details.get("meaning").and_then(|meaning| meaning.as_str());
            meaning.and_then(|meaning| of(&format!("list.{meaning}"))).unwrap_or(0)
        });
        match detection.succeeded {
            Some(true) => own.max(of("succeeded").unwrap_or(0)),
            _ => own,
        }
    }
}

/// Reads a profile, or says everything that is wrong with it, in the order of the text.
///
/// # Errors
/// At least one mistake and at most [`PROFILE_ERRORS_MAX`], each with line, column and remedy.
pub fn check(text: &str) -> Result<Profile, Vec<ProfileError>> {
    let mut reader = Reader { text, errors: Vec::new() };
    if text.len() > PROFILE_BYTES_MAX {
        reader.refuse(0, format!("{} bytes; a profile has at most 1 MiB", text.len()));
        return Err(reader.errors());
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        reader.refuse(at, format!("not TOML: {}", Visible(error.message())));
    }
    if !reader.errors.is_empty() {
        return Err(reader.errors());
    }
    let profile = reader.profile(table.get_ref());
    if reader.errors.is_empty() { Ok(profile) } else { Err(reader.errors()) }
}

type Value<'i> = Spanned<DeValue<'i>>;

/// Walks the parsed text and collects mistakes; a value that is missing or wrong gets a stand-in,
/// which never leaves, because then there is a mistake.
struct Reader<'t> {
    text: &'t str,
    errors: Vec<(usize, String)>,
}

const TOP_KEYS: &[&str] = &["name", "form", "score"];
const SCORE_KEYS: &[&str] = &["prior", "groups", "rows", "anonymity"];
const GROUP_KEYS: &[&str] = &["cap"];
const ROW_KEYS: &[&str] = &["llr", "weight", "half_life_days", "group", "severity"];

/// The ends of the prior (INTERFACE, "Score arithmetic").
const PRIOR: (f64, f64) = (0.001, 0.999);
/// A ratio of e^20 is more than any evidence of this kind can bear.
const LLR: (f64, f64) = (-20.0, 20.0);
/// Ten times as much as argued is more than anybody means.
const WEIGHT: (f64, f64) = (0.0, 10.0);
/// From about a minute and a half to a century.
const HALF_LIFE_DAYS: (f64, f64) = (0.001, 36_500.0);
const CAP: (f64, f64) = (0.0, 20.0);
const SEVERITY: (f64, f64) = (0.0, 100.0);
const SHARE: (f64, f64) = (0.0, 1.0);

impl Reader<'_> {
    fn profile(&mut self, top: &DeTable<'_>) -> Profile {
        self.known_keys(top, TOP_KEYS);
        let name = self.name(top);
        if let Some(form) = top.get("form")
            && form.get_ref().as_str() != Some("log-odds")
        {
            self.refuse(form.span().start, "form: the one known form is \"log-odds\"".into());
        }
        let nothing = DeTable::new();
        let score = match top.get("score") {
            Some(value) => self.table(value, "score").unwrap_or(&nothing),
            None => {
                self.refuse(0, "no [score] part; see `infralock profile show default`".into());
                &nothing
            }
        };
        self.known_keys(score, SCORE_KEYS);
        let prior = match score.get("prior") {
            Some(value) => self.number(value, "prior", PRIOR),
            None if top.contains_key("score") => {
                let at = top.get("score").map_or(0, |value| value.span().start);
                self.refuse(at, "score.prior is missing; write prior = 0.005".into());
                0.5
            }
            None => 0.5,
        };
        let groups = self.groups(score);
        let rows = self.rows(score, &groups);
        let anonymity = self.anonymity(score);
        Profile { name, form: Form::LogOdds, prior, groups, rows, anonymity }
    }

    fn name(&mut self, top: &DeTable<'_>) -> String {
        let Some(value) = top.get("name") else {
            self.refuse(0, "no name; write name = \"my-weights\" in the first line".into());
            return String::new();
        };
        let name = value.get_ref().as_str().unwrap_or_default();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
            let what = "name: use 1 to 64 letters, digits, `-`, `_`, `.`";
            self.refuse(value.span().start, what.into());
        }
        name.to_owned()
    }

    fn groups(&mut self, score: &DeTable<'_>) -> BTreeMap<String, f64> {
        let Some(groups) = self.part(score, "groups") else { return BTreeMap::new() };
        let mut caps = BTreeMap::new();
        for (name, value) in groups {
            let what = format!("groups.{}", Visible(name.get_ref()));
            let Some(group) = self.table(value, &what) else { continue };
            self.known_keys(group, GROUP_KEYS);
            let cap = match group.get("cap") {
                Some(cap) => self.number(cap, "cap", CAP),
                None => {
                    self.refuse(value.span().start, format!("{what} has no cap; write cap = 7.0"));
                    0.0
                }
            };
            caps.insert(name.get_ref().to_string(), cap);
        }
        caps
    }

    fn rows(
        &mut self,
        score: &DeTable<'_>,
        groups: &BTreeMap<String, f64>,
    ) -> BTreeMap<String, Row> {
        let Some(table) = self.part(score, "rows") else { return BTreeMap::new() };
        let mut rows = BTreeMap::new();
        for (id, value) in table {
            let what = format!("rows.\"{}\"", Visible(id.get_ref()));
            if matches!(id.get_ref().as_ref(), super::score::PRIOR | super::score::CAP) {
                let say = format!("{what}: the name is taken by the arithmetic; choose another");
                self.refuse(id.span().start, say);
            }
            let Some(row) = self.table(value, &what) else { continue };
            let row = self.row(row, value.span().start, &what, groups);
            rows.insert(id.get_ref().to_string(), row);
        }
        rows
    }

    fn row(
        &mut self,
        row: &DeTable<'_>,
        at: usize,
        what: &str,
        groups: &BTreeMap<String, f64>,
    ) -> Row {
        self.known_keys(row, ROW_KEYS);
        let llr = match row.get("llr") {
            Some(value) => self.number(value, "llr", LLR),
            None => {
                self.refuse(at, format!("{what} has no llr; write llr = 0.0 for no weight"));
                0.0
            }
        };
        let weight = row.get("weight").map_or(1.0, |value| self.number(value, "weight", WEIGHT));
        let half_life_days = row
            .get("half_life_days")
            .map(|days| self.number(days, "half_life_days", HALF_LIFE_DAYS));
        let severity =
            row.get("severity").map_or(0.0, |value| self.number(value, "severity", SEVERITY));
        let group = row.get("group").map(|value| {
            let name = value.get_ref().as_str().unwrap_or_default();
            if !groups.contains_key(name) {
                let hint = nearest(name, groups.keys().map(String::as_str));
                let what = format!("group: not in [score.groups]{hint}: {}", Visible(name));
                self.refuse(value.span().start, what);
            }
            name.to_owned()
        });
        // In range by `number`, so the cast is exact up to the fraction that is dropped.
        Row { llr, weight, half_life_days, group, severity: severity as u8 }
    }

    fn anonymity(&mut self, score: &DeTable<'_>) -> BTreeMap<Kind, f64> {
        let Some(table) = self.part(score, "anonymity") else { return BTreeMap::new() };
        let mut shares = BTreeMap::new();
        for (name, value) in table {
            let share = self.number(value, "anonymity", SHARE);
            match Kind::ALL.into_iter().find(|kind| kind.as_str() == name.get_ref().as_ref()) {
                Some(kind) => {
                    shares.insert(kind, share);
                }
                None => self.refuse_key(name, Kind::ALL.iter().map(|kind| kind.as_str())),
            }
        }
        shares
    }

    /// A sub-table that may be missing.
    fn part<'a, 'i>(&mut self, table: &'a DeTable<'i>, key: &str) -> Option<&'a DeTable<'i>> {
        let value = table.get(key)?;
        self.table(value, key)
    }

    fn table<'a, 'i>(&mut self, value: &'a Value<'i>, what: &str) -> Option<&'a DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            let found = value.get_ref().type_str();
            self.refuse(value.span().start, format!("{what}: a table is wanted, not {found}"));
        }
        table
    }

    fn number(&mut self, value: &Value<'_>, key: &str, (min, max): (f64, f64)) -> f64 {
        let number = match value.get_ref() {
            DeValue::Float(float) => float.as_str().parse().ok(),
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if (min..=max).contains(&number) => number,
            Some(number) => {
                let what = format!("{key} = {number}; it must lie between {min} and {max}");
                self.refuse(value.span().start, what);
                min
            }
            None => {
                let found = value.get_ref().type_str();
                let what =
                    format!("{key}: a number between {min} and {max} is wanted, not {found}");
                self.refuse(value.span().start, what);
                min
            }
        }
    }

    fn known_keys(&mut self, table: &DeTable<'_>, known: &'static [&'static str]) {
        for (key, _) in table {
            if !known.contains(&key.get_ref().as_ref()) {
                self.refuse_key(key, known.iter().copied());
            }
        }
    }

    fn refuse_key<'k>(
        &mut self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        let name = key.get_ref();
        let hint = nearest(name, known.clone());
        let hint = if hint.is_empty() {
            format!("; known here are {}", known.collect::<Vec<_>>().join(", "))
        } else {
            hint
        };
        self.refuse(key.span().start, format!("unknown key{hint}: {}", Visible(name)));
    }

    fn refuse(&mut self, at: usize, what: String) {
        if self.errors.len() < PROFILE_ERRORS_MAX {
            self.errors.push((at, what));
        }
    }

    /// In the order of the text, with offsets turned to lines and columns.
    fn errors(&mut self) -> Vec<ProfileError> {
        self.errors.sort();
        let place = |at: usize| {
            let before = &self.text[..self.text.floor_char_boundary(at)];
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
            (line, before[line_start..].chars().count() + 1)
        };
        self.errors
            .iter()
            .map(|(at, what)| {
                let (line, column) = place(*at);
                ProfileError { line, column, what: what.clone() }
            })
            .collect()
    }
}

/// `; did you mean …` if a known word is at most two edits away, or a third of the word.
fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> String {
    let allowed = (name.chars().count() / 3).max(2);
    known
        .map(|word| (edits(name, word), word))
        .filter(|&(distance, _)| distance <= allowed)
        .min()
        .map_or_else(String::new, |(_, word)| format!("; did you mean {word}?"))
}

/// Insertions, deletions and replacements between two words (Levenshtein 1966), looking at their
/// first 64 characters.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: &str = "name = \"t\"\n[score]\nprior = 0.01\n[score.groups]\ng = { cap = 2 }\n\
                         [score.rows.a]\nllr = 1.5\ngroup = \"g\"\nseverity = 40\n";

    #[test]
    fn the_default_is_sound_and_every_row_is_argued() {
        let profile = Profile::default();
        assert_eq!((profile.name.as_str(), profile.prior), ("default", 0.005));
        // A row is argued above it or behind it; one of the same family may share its neighbour's.
        let (mut argued, mut family) = (false, "");
        for line in DEFAULT_TOML.lines() {
            let own = line.strip_prefix("[score.rows.").map(|row| row.trim_start_matches('"'));
            if let Some(row) = own {
                let kin = row.split(['.', '"', ']']).next().unwrap_or_default();
                assert!(argued || line.contains('#') || kin == family, "{line} is not argued");
                (argued, family) = (false, kin);
            }
            argued |= line.starts_with("# ") && !line.starts_with("# ---");
        }
        assert!(profile.rows.values().all(|row| row.half_life_days.is_some() || row.llr == 0.0));
    }

    #[test]
    fn a_small_profile_is_read() {
        let profile = check(SMALL).unwrap();
        let row = &profile.rows["a"];
        assert_eq!((row.llr, row.weight, row.severity), (1.5, 1.0, 40));
        assert_eq!((row.half_life_days, row.group.as_deref()), (None, Some("g")));
        assert_eq!(profile.groups["g"], 2.0);
    }

    #[test]
    fn mistakes_say_line_column_and_remedy() {
        for (from, to, expected) in [
            ("prior = 0.01", "prior = 0", "3:9: prior = 0; it must lie between 0.001 and 0.999"),
            (
                "prior = 0.01",
                "prior = nan",
                "3:9: prior = NaN; it must lie between 0.001 and 0.999",
            ),
            (
                "prior = 0.01",
                "prior = \"x\"",
                "3:9: prior: a number between 0.001 and 0.999 is wanted, not string",
            ),
            ("prior = 0.01", "", "2:1: score.prior is missing; write prior = 0.005"),
            (
                "llr = 1.5",
                "lrr = 1.5",
                "6:1: rows.\"a\" has no llr; write llr = 0.0 for no weight|\
                 7:1: unknown key; did you mean llr?: lrr",
            ),
            ("llr = 1.5", "llr = 1e9", "7:7: llr = 1000000000; it must lie between -20 and 20"),
            (
                "group = \"g\"",
                "group = \"gg\"",
                "8:9: group: not in [score.groups]; did you mean g?: gg",
            ),
            (
                "severity = 40",
                "severity = 101",
                "9:12: severity = 101; it must lie between 0 and 100",
            ),
            (
                "name = \"t\"",
                "nam = \"t\"",
                "1:1: no name; write name = \"my-weights\" in the first line|\
                 1:1: unknown key; did you mean name?: nam",
            ),
            (
                "name = \"t\"",
                "name = \"\"",
                "1:8: name: use 1 to 64 letters, digits, `-`, `_`, `.`",
            ),
            (
                "[score.rows.a]",
                "[score.rows.cap]",
                "6:13: rows.\"cap\": the name is taken by the arithmetic; choose another",
            ),
            ("g = { cap = 2 }", "g = { }", "5:5: groups.g has no cap; write cap = 7.0"),
            (
                "g = { cap = 2 }",
                "g = 2",
                "5:5: groups.g: a table is wanted, not integer|\
                 8:9: group: not in [score.groups]: g",
            ),
        ] {
            let text = SMALL.replace(from, to);
            assert_ne!(text, SMALL);
            let errors = check(&text).unwrap_err();
            let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(said.join("|"), expected, "{to}");
        }
    }

    #[test]
    fn what_is_no_toml_says_where() {
        let errors = check("name = \"t\"\n[score\nprior = 1").unwrap_err();
        assert_eq!((errors[0].line, errors[0].column), (2, 7), "{errors:?}");
        assert!(check(&"#".repeat(PROFILE_BYTES_MAX + 1)).is_err());
        assert!(check(&format!("{}\n#{}", SMALL, " ".repeat(1000))).is_ok());
    }

    #[test]
    fn a_hundred_mistakes_are_enough() {
        let many: String = (0..300).map(|n| format!("k{n} = 1\n")).collect();
        assert_eq!(check(&many).unwrap_err().len(), PROFILE_ERRORS_MAX);
    }

    proptest! {
        #[test]
        fn any_text_is_a_profile_or_refused(text in "\\PC{0,200}") {
            if let Err(errors) = check(&text) {
                prop_assert!(!errors.is_empty());
            }
        }

        #[test]
        fn edits_are_a_distance(a in "[a-c]{0,6}", b in "[a-c]{0,6}") {
            prop_assert_eq!(edits(&a, &b), edits(&b, &a));
            prop_assert_eq!(edits(&a, &b) == 0, a == b);
            prop_assert!(edits(&a, &b) <= a.len().max(b.len()));
        }
    }
}
