//! What could be written next: fields, operators, values, connectives.

use std::ops::Range;

use super::expr::{Op, Quoted};
use super::fields::{Field, Table, Type, names};
use super::guards::GUARDED;
use super::parse::{is_keyword, is_word_char, operators};
use crate::model::Band;

/// Proposals for one place: more than fit a list on the screen.
const COMPLETIONS_MAX: usize = 50;

/// One proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The bytes of the text that it replaces.
    pub replace: Range<usize>,
    /// What stands there then.
    pub text: String,
    /// What it means, in one line.
    pub meaning: String,
}

/// What could stand at `cursor` (a byte of `text`), the likeliest first.
///
/// `values` gives the values that a field has in the analyst's data, the most frequent first; it is
/// asked only where a value is being written. Words that are known beforehand (bands, yes and no)
/// need not be among them. Never fails: in the midst of a mistake it proposes nothing.
///
/// ```
/// use infralock::filter::{FieldId, complete};
/// let proposed = |text: &str| -> Vec<String> {
///     let values = |field| if field == FieldId::Country { vec!["NL".into()] } else { vec![] };
///     complete(text, text.len(), None, &values).into_iter().map(|it| it.text).collect()
/// };
/// assert_eq!(proposed("coun")[0], "country");
/// assert_eq!(proposed("country ")[0], "==");
/// assert_eq!(proposed("country == n"), [r#""NL""#]);
/// assert_eq!(proposed(r#"country == "NL" "#), ["&&", "||"]);
/// ```
pub fn complete(
    text: &str,
    cursor: usize,
    table: Option<Table>,
    values: &dyn Fn(super::FieldId) -> Vec<String>,
) -> Vec<Completion> {
    let cursor = text.floor_char_boundary(cursor);
    let (before, after) = text.split_at(cursor);
    let tokens = tokens(before);
    // A word that ends at the cursor is still being written; so is a text that is not closed.
    let (done, written) = match tokens.split_last() {
        Some((last, done)) if last.is_open => (done, &before[last.at.clone()]),
        _ => (&tokens[..], ""),
    };
    let start = cursor - written.len();
    let end = cursor + rest_of_word(written, after);
    let place = Place { replace: start..end, written, table };
    let mut proposed = match expected(before, done, table) {
        Expected::Condition => place.fields(),
        Expected::Operator(field) => place.operators(field),
        Expected::Set => place.words(&[("{", "a set of values: {a, b, 1..9}")]),
        Expected::Value(field) => place.values(field, values),
        Expected::Connective => place.words(&CONNECTIVES),
        Expected::Nothing => Vec::new(),
    };
    proposed.truncate(COMPLETIONS_MAX);
    proposed
}

const CONNECTIVES: [(&str, &str); 2] = [("&&", "and: both hold"), ("||", "or: either holds")];

/// How far the word that is being written goes on behind the cursor.
fn rest_of_word(written: &str, after: &str) -> usize {
    let in_word = written.chars().next_back().is_some_and(is_word_char);
    match in_word && !written.starts_with(['"', '\'']) {
        true => after.find(|c| !is_word_char(c)).unwrap_or(after.len()),
        false => 0,
    }
}

struct Token {
    at: Range<usize>,
    /// It ends at the end of the text and more of it could follow.
    is_open: bool,
}

/// Words, texts and signs of a text, whether they make sense or not.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        let run = |member: fn(char) -> bool| rest.find(|c| !member(c)).unwrap_or(rest.len());
        let (length, is_open) = match first {
            first if first.is_whitespace() => {
                at += first.len_utf8();
                continue;
            }
            quote @ ('"' | '\'') => text_length(rest, quote),
            first if is_word_char(first) => {
                let length = run(is_word_char);
                (length, length == rest.len())
            }
            '=' | '!' | '<' | '>' if rest.get(1..2) == Some("=") => (2, false),
            '&' | '|' if rest.chars().nth(1) == Some(first) => (2, false),
            first => (first.len_utf8(), false),
        };
        tokens.push(Token { at: at..at + length, is_open });
        at += length;
    }
    tokens
}

/// The bytes of a text in quotes, and whether its end is missing.
fn text_length(rest: &str, quote: char) -> (usize, bool) {
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            character if character == quote => return (at + 1, false),
            _ => {}
        }
    }
    (rest.len(), true)
}

/// What a place of the grammar takes.
enum Expected {
    Condition,
    Operator(&'static Field),
    Set,
    Value(&'static Field),
    Connective,
    Nothing,
}

fn expected(text: &str, done: &[Token], table: Option<Table>) -> Expected {
    let word = |token: &Token| text.get(token.at.clone()).unwrap_or_default();
    let field = |token: &Token| field_named(word(token), table);
    let Some((last, earlier)) = done.split_last() else { return Expected::Condition };
    match word(last) {
        "(" | "!" | "&&" | "||" => return Expected::Condition,
        ")" | "}" => return Expected::Connective,
        word if ["and", "or", "not"].iter().any(|it| it.eq_ignore_ascii_case(word)) => {
            return Expected::Condition;
        }
        _ => {}
    }
    // Inside `{ … ` after `field in`.
    let open = done.iter().rposition(|token| word(token) == "{");
    let closed = done.iter().rposition(|token| word(token) == "}");
    if let Some(open) = open.filter(|open| closed.is_none_or(|closed| closed < *open)) {
        let field = open.checked_sub(2).and_then(|at| done.get(at)).and_then(field);
        let wants_value = matches!(word(last), "{" | ",");
        return match field {
            Some(field) if wants_value => Expected::Value(field),
            _ => Expected::Nothing,
        };
    }
    if is_operator(word(last)) {
        let field = earlier.last().and_then(field);
        return match field {
            Some(_) if word(last).eq_ignore_ascii_case("in") => Expected::Set,
            Some(field) => Expected::Value(field),
            None => Expected::Nothing,
        };
    }
    // A value after an operator ends a condition; a word alone is a field or is searched for.
    match earlier.last() {
        Some(before) if is_operator(word(before)) => Expected::Connective,
        _ => field(last).map_or(Expected::Connective, Expected::Operator),
    }
}

fn field_named(name: &str, table: Option<Table>) -> Option<&'static Field> {
    let guarded = GUARDED.iter().find(|guarded| guarded.name.eq_ignore_ascii_case(name));
    Field::named(name, table).or_else(|| guarded.map(|guarded| guarded.field.field()))
}

fn is_operator(word: &str) -> bool {
    let signs = ["==", "!=", "<=", ">=", "<", ">", "=", "~"];
    let is_connective = ["and", "or", "not"].iter().any(|it| it.eq_ignore_ascii_case(word));
    signs.contains(&word) || (is_keyword(word) && !is_connective)
}

/// Where a proposal goes and what has been written of it.
struct Place<'t> {
    replace: Range<usize>,
    written: &'t str,
    table: Option<Table>,
}

impl Place<'_> {
    fn completion(&self, text: &str, meaning: &str) -> Completion {
        let (text, meaning) = (text.to_owned(), meaning.to_owned());
        Completion { replace: self.replace.clone(), text, meaning }
    }

    /// How well a candidate fits what is written: at its beginning, or inside.
    fn fit(&self, candidate: &str) -> Option<usize> {
        let written = self.written.trim_matches(['"', '\'']).to_lowercase();
        candidate.to_lowercase().find(&written).map(|at| at.min(1))
    }

    fn words(&self, words: &[(&str, &str)]) -> Vec<Completion> {
        let fitting = words.iter().filter(|(word, _)| self.fit(word) == Some(0));
        fitting.map(|(word, meaning)| self.completion(word, meaning)).collect()
    }

    /// Own names before aliases; aliases only once something is written.
    fn fields(&self) -> Vec<Completion> {
        if self.written.starts_with(['"', '\'']) {
            return Vec::new();
        }
        let mut found: Vec<(usize, bool, Completion)> = Vec::new();
        for (name, field) in names() {
            let is_alias = name != field.name;
            let is_here = self.table.is_none_or(|table| field.is_in(table));
            if !is_here || (is_alias && self.written.is_empty()) {
                continue;
            }
            let Some(fit) = self.fit(name) else { continue };
            if is_alias && found.iter().any(|(.., known)| known.text == field.name) {
                continue;
            }
            let tables: Vec<&str> = field.tables.iter().map(|table| table.as_str()).collect();
            let meaning = match self.table {
                Some(_) => field.about.to_owned(),
                None => format!("{} ({})", field.about, tables.join(", ")),
            };
            found.push((fit, is_alias, self.completion(name, &meaning)));
        }
        found.sort_by_key(|(fit, is_alias, _)| (*fit, *is_alias));
        found.into_iter().map(|(.., completion)| completion).collect()
    }

    fn operators(&self, field: &Field) -> Vec<Completion> {
        let words: Vec<(&str, &str)> = operators(field.kind)
            .iter()
            .map(|op| (op.as_str(), meaning(*op)))
            .chain(CONNECTIVES)
            .collect();
        self.words(&words)
    }

    fn values(
        &self,
        field: &Field,
        values: &dyn Fn(super::FieldId) -> Vec<String>,
    ) -> Vec<Completion> {
        let bands = [Band::None, Band::Low, Band::Medium, Band::High, Band::Critical];
        let known: Vec<String> = match field.kind {
            Type::Band => bands.map(|band| band.as_str().to_owned()).to_vec(),
            Type::Flag => ["true", "false"].map(str::to_owned).to_vec(),
            Type::Time => ["-1h", "-24h", "-7d"].map(str::to_owned).to_vec(),
            _ => values(field.id),
        };
        let mut found: Vec<(usize, Completion)> = known
            .iter()
            .filter_map(|value| {
                let text = match field.kind {
                    Type::Text => Quoted(value).to_string(),
                    _ => value.clone(),
                };
                Some((self.fit(value)?, self.completion(&text, field.about)))
            })
            .collect();
        found.sort_by_key(|(fit, _)| *fit);
        found.into_iter().map(|(_, completion)| completion).collect()
    }
}

const fn meaning(op: Op) -> &'static str {
    match op {
        Op::Eq => "any value equals, or lies inside",
        Op::Ne => "no value equals",
        Op::Lt => "below",
        Op::Le => "at most",
        Op::Gt => "above",
        Op::Ge => "at least",
        Op::In => "any value is one of a set",
        Op::Contains => "a part of it, whatever the case",
        Op::Matches => "a regular expression, whatever the case",
    }
}
