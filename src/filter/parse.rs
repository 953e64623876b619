//! Text → filter: a small grammar on `winnow`, with mistakes that know their column.
//!
//! ```text
//! filter   = [ any ]
//! any      = all { ("||" | "or") all }
//! all      = term { ("&&" | "and") term }        bare words need nothing between them
//! term     = ("!" | "not") term | "(" [ any ] ")" | field test | field | text | word
//! test     = compare value | ["not"] "in" "{" value { "," value } "}"
//!          | "contains" value | ("matches" | "~") value
//! compare  = "==" | "!=" | ">=" | "<=" | ">" | "<" | "eq" | "ne" | "ge" | "le" | "gt" | "lt"
//! value    = word | text
//! text     = '"' … '"' | "'" … "'" | 'r"' … '"'  \" and \\ are escapes, not in r"…"
//! word     = one or more of any character but space ( ) { } " ' , ! & | = < > ~
//! ```

use std::borrow::Cow;
use std::ops::Range;

use winnow::combinator::{alt, opt};
use winnow::error::{ErrMode, ParserError};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stateful, Stream};
use winnow::token::{any, literal, take_till, take_while};

use super::area::{CORNERS_MAX, CORNERS_MIN};
use super::error::{Mistake, quoted};
use super::expr::{Compare, Expr, Op, Operand, Pattern};
use super::fields::{Field, Table, Type, names};
use super::guards::{GUARDED, Guarded};
use super::values;
use super::{FILTER_DEPTH_MAX, FILTER_PATTERNS_MAX, FILTER_TERMS_MAX};

type Input<'t> = Stateful<LocatingSlice<&'t str>, State<'t>>;
type Parsed<T> = ModalResult<T, Mistake>;

/// What has been read so far, and for which table.
#[derive(Clone, Copy, Debug)]
pub(super) struct State<'t> {
    text: &'t str,
    table: Option<Table>,
    depth: usize,
    terms: usize,
    patterns: usize,
}

impl<I: Stream + Location> ParserError<I> for Mistake {
    type Inner = Self;

    fn from_input(input: &I) -> Self {
        let at = input.current_token_start();
        Self { at, end: at, what: String::new(), expected: Vec::new() }
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

/// Reads a whole filter; an empty one holds for every row.
pub(super) fn parse(text: &str, table: Option<Table>) -> Result<Expr, Mistake> {
    let state = State { text, table, depth: 0, terms: 0, patterns: 0 };
    let mut input = Stateful { input: LocatingSlice::new(text), state };
    whole(&mut input).map_err(|error| {
        error.into_inner().unwrap_or_else(|_| Mistake {
            at: 0,
            end: 0,
            what: "not a filter".to_owned(),
            expected: Vec::new(),
        })
    })
}

fn whole(input: &mut Input<'_>) -> Parsed<Expr> {
    space(input)?;
    if input.is_empty() {
        return Ok(Expr::everything());
    }
    let expr = any_of(input)?;
    match input.is_empty() {
        true => Ok(expr),
        false => Err(misplaced(input, "the end")),
    }
}

fn any_of(input: &mut Input<'_>) -> Parsed<Expr> {
    let mut parts = vec![all_of(input)?];
    while opt(alt((literal("||").void(), keyword("or")))).parse_next(input)?.is_some() {
        space(input)?;
        parts.push(all_of(input)?);
    }
    Ok(Expr::any(parts))
}

fn all_of(input: &mut Input<'_>) -> Parsed<Expr> {
    let mut parts = vec![term(input)?];
    loop {
        if opt(alt((literal("&&").void(), keyword("and")))).parse_next(input)?.is_some() {
            space(input)?;
            parts.push(term(input)?);
        } else if parts.last().is_some_and(is_bare) && begins_bare(input) {
            let at = input.current_token_start();
            let next = term(input)?;
            if !is_bare(&next) {
                let what = "only words that are searched stand side by side".to_owned();
                let expected = vec!["`&&`".into(), "`||`".into()];
                return Err(cut(at..at, what, expected));
            }
            parts.push(next);
        } else {
            return Ok(Expr::all(parts));
        }
    }
}

/// A word that is searched for, or one that is not to be there.
fn is_bare(expr: &Expr) -> bool {
    match expr {
        Expr::Search(_) => true,
        Expr::Not(inner) => matches!(**inner, Expr::Search(_)),
        _ => false,
    }
}

/// Whether a word, a text or its negation begins here.
fn begins_bare(input: &Input<'_>) -> bool {
    let rest: &str = input;
    let mut ahead = *input;
    if rest.starts_with('!') {
        return !rest.starts_with("!=");
    }
    match word(&mut ahead) {
        Ok(word) => !is_keyword(word) || word.eq_ignore_ascii_case("not"),
        Err(_) => rest.starts_with(['"', '\'']),
    }
}

/// One condition, with the space after it.
fn term(input: &mut Input<'_>) -> Parsed<Expr> {
    let at = input.current_token_start();
    input.state.depth += 1;
    if input.state.depth > FILTER_DEPTH_MAX {
        let what = format!("more than {FILTER_DEPTH_MAX} brackets or negations within each other");
        return Err(cut(at..at, what, Vec::new()));
    }
    let expr = if opt(alt((negation, keyword("not")))).parse_next(input)?.is_some() {
        space(input)?;
        term(input)?.negated()
    } else if opt('(').parse_next(input)?.is_some() {
        bracketed(input, at)?
    } else {
        counted(input)?;
        condition(input)?
    };
    input.state.depth -= 1;
    space(input)?;
    Ok(expr)
}

/// `!`, but not the beginning of `!=`.
fn negation(input: &mut Input<'_>) -> Parsed<()> {
    let rest: &str = input;
    match rest.starts_with("!=") {
        true => Err(ErrMode::Backtrack(Mistake::from_input(input))),
        false => literal("!").void().parse_next(input),
    }
}

fn bracketed(input: &mut Input<'_>, open: usize) -> Parsed<Expr> {
    space(input)?;
    if opt(')').parse_next(input)?.is_some() {
        return Ok(Expr::everything());
    }
    let expr = any_of(input)?;
    if opt(')').parse_next(input)?.is_some() {
        return Ok(expr);
    }
    if !input.is_empty() {
        return Err(misplaced(input, "`)`"));
    }
    let what = format!("the bracket of column {} is not closed", column(input, open));
    Err(missing(input, what, vec!["`)`".into(), "`&&`".into(), "`||`".into()]))
}

/// The column of a byte of the text, from 1.
fn column(input: &Input<'_>, at: usize) -> usize {
    let text = input.state.text;
    text.get(..at).unwrap_or(text).chars().count() + 1
}

fn counted(input: &mut Input<'_>) -> Parsed<()> {
    input.state.terms += 1;
    if input.state.terms <= FILTER_TERMS_MAX {
        return Ok(());
    }
    let at = input.current_token_start();
    let what = format!("more than {FILTER_TERMS_MAX} conditions");
    Err(cut(at..at, what, vec!["`in {…}` for many values of one field".into()]))
}

fn condition(input: &mut Input<'_>) -> Parsed<Expr> {
    if let Some(text) = opt(text).parse_next(input)? {
        return Ok(Expr::Search(text.as_ref().into()));
    }
    let at = input.current_token_start();
    let Some(name) = opt(word).parse_next(input)? else {
        return Err(no_condition(input));
    };
    let name_at = at..input.current_token_start();
    if is_keyword(name) {
        let what = format!("{} stands where a condition belongs", quoted(name));
        return Err(cut(name_at, what, condition_examples()));
    }
    space(input)?;
    let op_at = input.current_token_start();
    let Some((op, positive)) = opt(operator).parse_next(input)? else {
        return bare(input, name, name_at);
    };
    let Some(about) = About::named(name, input.state.table) else {
        return Err(unknown_field(name, name_at));
    };
    let field = about.field();
    is_there(input, &about, name, &name_at)?;
    let op_at = op_at..input.current_token_start();
    if !operators(field.kind).contains(&op) {
        let what = format!("`{}` does not go with {name}", op.as_str());
        let fitting = operators(field.kind).iter().map(|op| format!("`{}`", op.as_str()).into());
        return Err(cut(op_at, what, fitting.collect()));
    }
    space(input)?;
    let operand = operand(input, field, op)?;
    Ok(about.compared(op, positive, operand))
}

/// A word without an operator: a field that has a value, or text to search for.
fn bare(input: &Input<'_>, name: &str, name_at: Range<usize>) -> Parsed<Expr> {
    match About::named(name, input.state.table) {
        Some(about) => {
            is_there(input, &about, name, &name_at)?;
            Ok(about.has())
        }
        None => Ok(Expr::Search(name.into())),
    }
}

/// A field, or one within a protocol.
enum About {
    Field(&'static Field),
    Guarded(&'static Guarded),
}

impl About {
    fn named(name: &str, table: Option<Table>) -> Option<Self> {
        let guarded = || GUARDED.iter().find(|guarded| guarded.name.eq_ignore_ascii_case(name));
        Field::named(name, table).map(Self::Field).or_else(|| guarded().map(Self::Guarded))
    }

    fn field(&self) -> &'static Field {
        match self {
            Self::Field(field) => field,
            Self::Guarded(guarded) => guarded.field.field(),
        }
    }

    /// The field that a table lacks, else its own: what is asked within a protocol needs both.
    fn lacking(&self, table: Option<Table>) -> &'static Field {
        match (self, table) {
            (Self::Guarded(guarded), Some(table)) if self.field().is_in(table) => {
                guarded.guard.field()
            }
            _ => self.field(),
        }
    }

    fn has(&self) -> Expr {
        self.guarded(Expr::Has(self.field().id))
    }

    fn compared(&self, op: Op, positive: Positive, operand: Operand) -> Expr {
        // `tcp.port != 80` denies all of it: neither port of a TCP flow is 80.
        let negated = op == Op::Ne && matches!(self, Self::Guarded(_));
        let op = if negated { Op::Eq } else { op };
        let test = self.guarded(Expr::Compare(Compare { field: self.field().id, op, operand }));
        if negated || positive == Positive::No { test.negated() } else { test }
    }

    fn guarded(&self, expr: Expr) -> Expr {
        match self {
            Self::Field(_) => expr,
            Self::Guarded(guarded) => {
                let operand = Operand::Texts(vec![guarded.word.into()]);
                let guard = Compare { field: guarded.guard, op: Op::Eq, operand };
                Expr::Compare(guard).and(expr)
            }
        }
    }
}

/// Whether an operator asks for what it names or for its absence (`not in`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Positive {
    Yes,
    No,
}

fn operator(input: &mut Input<'_>) -> Parsed<(Op, Positive)> {
    let symbol = alt((
        literal("==").value(Op::Eq),
        literal("!=").value(Op::Ne),
        literal("<=").value(Op::Le),
        literal(">=").value(Op::Ge),
        literal("<").value(Op::Lt),
        literal(">").value(Op::Gt),
        literal("~").value(Op::Matches),
        // What other languages write for equality is understood.
        literal("=").value(Op::Eq),
    ));
    let worded = alt((
        keyword("in").value(Op::In),
        keyword("contains").value(Op::Contains),
        keyword("matches").value(Op::Matches),
        keyword("eq").value(Op::Eq),
        keyword("ne").value(Op::Ne),
        keyword("ge").value(Op::Ge),
        keyword("le").value(Op::Le),
        keyword("gt").value(Op::Gt),
        keyword("lt").value(Op::Lt),
    ));
    let not_in = (keyword("not"), space, keyword("in")).value((Op::In, Positive::No));
    alt((symbol.map(|op| (op, Positive::Yes)), worded.map(|op| (op, Positive::Yes)), not_in))
        .parse_next(input)
}

/// The operators that a type takes.
pub(super) const fn operators(kind: Type) -> &'static [Op] {
    match kind {
        Type::Addr => &[Op::Eq, Op::Ne, Op::In],
        Type::Flag => &[Op::Eq, Op::Ne],
        Type::Point => &[Op::In],
        Type::Text => &[Op::Eq, Op::Ne, Op::Contains, Op::Matches, Op::In],
        Type::Number | Type::Bytes | Type::Secs | Type::Band | Type::Time => {
            &[Op::Ge, Op::Le, Op::Gt, Op::Lt, Op::Eq, Op::Ne, Op::In]
        }
    }
}

fn operand(input: &mut Input<'_>, field: &'static Field, op: Op) -> Parsed<Operand> {
    match op {
        Op::In => set(input, field),
        Op::Matches => pattern(input, field),
        _ => one_value(input, field),
    }
}

fn one_value(input: &mut Input<'_>, field: &'static Field) -> Parsed<Operand> {
    let (value, at) = word_or_text(input, field.kind)?;
    values::value(field.id, field.kind, &value).map_err(|what| {
        let what = match what {
            "" => format!("{} is not {}", quoted(&value), type_name(field.kind)),
            what => format!("{}: {what}", quoted(&value)),
        };
        cut(at, what, vec![field.kind.example().into()])
    })
}

const fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::Addr => "an address",
        Type::Number => "a number",
        Type::Bytes => "a number of bytes",
        Type::Secs => "a duration",
        Type::Text => "a text",
        Type::Flag => "true or false",
        Type::Band => "a band",
        Type::Time => "a time",
        Type::Point => "a point",
    }
}

fn set(input: &mut Input<'_>, field: &'static Field) -> Parsed<Operand> {
    if opt('{').parse_next(input)?.is_none() {
        return Err(misplaced_value(input, "`{` with values up to `}`"));
    }
    space(input)?;
    let open = input.current_token_start();
    let mut joined = one_value(input, field)?;
    loop {
        space(input)?;
        if opt('}').parse_next(input)?.is_some() {
            return enclosing(joined, open..input.current_token_start());
        }
        if opt(',').parse_next(input)?.is_none() {
            return Err(misplaced_value(input, "`,` or `}`"));
        }
        space(input)?;
        let next = one_value(input, field)?;
        // All values of one field are of one type, so that they always join.
        joined = joined.joined(next).ok_or_else(|| misplaced_value(input, "`}`"))?;
    }
}

/// Values in brackets; corners of an area are as many as it takes.
fn enclosing(values: Operand, at: Range<usize>) -> Parsed<Operand> {
    match &values {
        Operand::Corners(corners) if !(CORNERS_MIN..=CORNERS_MAX).contains(&corners.len()) => {
            let what = format!("an area has {CORNERS_MIN} to {CORNERS_MAX} corners");
            Err(cut(at, what, vec!["`{52.5/4.2, 52.5/5.5, 51.6/4.8}`".into()]))
        }
        _ => Ok(values),
    }
}

fn pattern(input: &mut Input<'_>, field: &'static Field) -> Parsed<Operand> {
    let (source, at) = word_or_text(input, field.kind)?;
    input.state.patterns += 1;
    if input.state.patterns > FILTER_PATTERNS_MAX {
        let what = format!("more than {FILTER_PATTERNS_MAX} patterns in one filter");
        return Err(cut(at, what, vec!["`contains`".into()]));
    }
    match Pattern::new(&source) {
        Ok(pattern) => Ok(Operand::Pattern(pattern)),
        Err(what) => Err(cut(at, what, Vec::new())),
    }
}

/// A value, and the bytes where it stands.
fn word_or_text<'t>(input: &mut Input<'t>, kind: Type) -> Parsed<(Cow<'t, str>, Range<usize>)> {
    let at = input.current_token_start();
    let value = match opt(text).parse_next(input)? {
        Some(text) => Some(text),
        None => opt(word).parse_next(input)?.map(Cow::Borrowed),
    };
    match value {
        Some(value) => Ok((value, at..input.current_token_start())),
        None => Err(misplaced_value(input, kind.example())),
    }
}

/// A text between quotes, its escapes undone.
fn text<'t>(input: &mut Input<'t>) -> Parsed<Cow<'t, str>> {
    let open = input.current_token_start();
    let raw = opt(literal("r\"")).parse_next(input)?.is_some();
    let quote = if raw { '"' } else { alt(('"', '\'')).parse_next(input)? };
    let mut read = Cow::Borrowed("");
    loop {
        let plain = take_till(0.., |c| c == quote || (c == '\\' && !raw)).parse_next(input)?;
        match read.is_empty() {
            true => read = Cow::Borrowed(plain),
            false => read.to_mut().push_str(plain),
        }
        match opt(any).parse_next(input)? {
            Some('\\') => read.to_mut().push_str(escaped(input)?),
            Some(_) => return Ok(read),
            None => {
                let what = format!("the text of column {} does not end", column(input, open));
                return Err(missing(input, what, vec![format!("`{quote}`").into()]));
            }
        }
    }
}

/// What follows a backslash: a quote or a backslash for itself; before anything else the backslash
/// stays, so that patterns need no doubled ones.
fn escaped<'t>(input: &mut Input<'t>) -> Parsed<&'t str> {
    Ok(opt(alt(("\"", "'", "\\"))).parse_next(input)?.unwrap_or("\\"))
}

fn space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

/// Whether a character can be part of a word.
pub(super) fn is_word_char(character: char) -> bool {
    !character.is_whitespace()
        && !matches!(
            character,
            '(' | ')' | '{' | '}' | '"' | '\'' | ',' | '!' | '&' | '|' | '=' | '<' | '>' | '~'
        )
}

fn word<'t>(input: &mut Input<'t>) -> Parsed<&'t str> {
    take_while(1.., is_word_char).parse_next(input)
}

/// A whole word; the case of letters does not matter.
fn keyword<'t>(wanted: &'static str) -> impl Parser<Input<'t>, (), ErrMode<Mistake>> {
    word.verify(move |word: &str| word.eq_ignore_ascii_case(wanted)).void()
}

/// Words that cannot be searched for without quotes.
const KEYWORDS: &[&str] =
    &["and", "or", "not", "in", "contains", "matches", "eq", "ne", "ge", "le", "gt", "lt"];

pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

fn cut(at: Range<usize>, what: String, expected: Vec<Cow<'static, str>>) -> ErrMode<Mistake> {
    ErrMode::Cut(Mistake { at: at.start, end: at.end, what, expected })
}

fn missing(input: &Input<'_>, what: String, expected: Vec<Cow<'static, str>>) -> ErrMode<Mistake> {
    let at = input.current_token_start();
    cut(at..at, what, expected)
}

/// The word or sign that stands here, for a message.
fn here(input: &Input<'_>) -> (String, Range<usize>) {
    let at = input.current_token_start();
    let rest: &str = input;
    let word = rest.find(|c| !is_word_char(c)).unwrap_or(rest.len());
    let end = match word {
        0 => rest.chars().next().map_or(0, char::len_utf8),
        end => end,
    };
    let shown = rest.get(..end).unwrap_or_default();
    (quoted(shown), at..at + end)
}

fn misplaced(input: &Input<'_>, closing: &'static str) -> ErrMode<Mistake> {
    let (shown, at) = here(input);
    let expected = vec!["`&&`".into(), "`||`".into(), closing.into()];
    cut(at, format!("{shown} cannot follow here"), expected)
}

fn misplaced_value(input: &Input<'_>, expected: &'static str) -> ErrMode<Mistake> {
    if input.is_empty() {
        return missing(input, "the filter ends too early".to_owned(), vec![expected.into()]);
    }
    let (shown, at) = here(input);
    cut(at, format!("{shown} is no value"), vec![expected.into()])
}

fn condition_examples() -> Vec<Cow<'static, str>> {
    vec!["a field such as `score`".into(), "`(`".into(), "`!`".into(), "a word to search".into()]
}

fn no_condition(input: &Input<'_>) -> ErrMode<Mistake> {
    if input.is_empty() {
        return missing(input, "a condition is missing".to_owned(), condition_examples());
    }
    let (shown, at) = here(input);
    cut(at, format!("{shown} cannot begin a condition"), condition_examples())
}

fn is_there(input: &Input<'_>, about: &About, name: &str, at: &Range<usize>) -> Parsed<()> {
    let field = about.lacking(input.state.table);
    match input.state.table {
        Some(table) if !field.is_in(table) => {
            let owners: Vec<&str> = field.tables.iter().map(|table| table.as_str()).collect();
            let what = format!(
                "{} have no field {}, only {} have",
                table.as_str(),
                quoted(name),
                owners.join(" and ")
            );
            Err(cut(at.clone(), what, nearest(name, Some(table))))
        }
        _ => Ok(()),
    }
}

fn unknown_field(name: &str, at: Range<usize>) -> ErrMode<Mistake> {
    let mut expected = nearest(name, None);
    if expected.is_empty() {
        let usual = ["a field such as `addr`", "`score`", "`country`", "`port`"];
        expected = usual.map(Cow::Borrowed).to_vec();
    }
    cut(at, format!("there is no field {}", quoted(name)), expected)
}

/// Fields whose names are nearly this one, the nearest first.
fn nearest(name: &str, table: Option<Table>) -> Vec<Cow<'static, str>> {
    const NAME_BYTES_MAX: usize = 64;
    if name.len() > NAME_BYTES_MAX {
        return Vec::new();
    }
    let name = name.to_ascii_lowercase();
    let mut near: Vec<(usize, &str)> = names()
        .filter(|(_, field)| table.is_none_or(|table| field.is_in(table)))
        .filter_map(|(known, _)| {
            let apart = distance(&name, known);
            let related = (name.len() >= 3 && known.contains(&name))
                || (known.len() >= 3 && name.contains(known));
            (apart <= known.len() / 3 || related).then_some((apart, known))
        })
        .collect();
    near.sort_unstable();
    near.into_iter().take(3).map(|(_, known)| format!("`{known}`").into()).collect()
}

/// How many letters have to be changed, added or left out (Levenshtein 1966).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = line;
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
        for (place, known) in other.iter().enumerate() {
            let above = row[place + 1];
            let changed = diagonal + usize::from(*known != letter);
            row[place + 1] = changed.min(above + 1).min(row[place] + 1);
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or(0)
}
