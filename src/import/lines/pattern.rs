//! A small language for log messages, safe against what users write into them.
//!
//! A pattern is literal text with fields in braces and must cover the whole message:
//!
//! ```text
//! Failed {method} for invalid user {user} from {peer} port {port} ssh2{*}
//! ```
//!
//! `{user}` and `{*}` take as much as they can: the literal behind them is looked for from the
//! right end. A user named `x from 192.0.2.1 port 22 ssh2` therefore stays a user, since the
//! daemon's own words come last. `{-}` takes as little as it can, other fields only what fits
//! them. `{{` is a brace. The work on one message is bounded by [`STEPS_MAX`].

use crate::model::Addr;

/// Places tried for the literals of one pattern in one message. Honest messages need about ten; a
/// message that repeats a literal thousands of times is only searched for addresses.
const STEPS_MAX: u32 = 2_000;

/// A field of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// `{src}`: an address, with or without brackets and port.
    Src,
    /// `{dst}`: the same for the other end.
    Dst,
    /// `{peer}`: an address as above, or a host name.
    Peer,
    /// `{port}`: a decimal port of the source.
    Port,
    /// `{user}`: any text, as long as it can be; may be empty.
    User,
    /// `{login}`: a user name without spaces, as short as it can be; may be empty.
    Login,
    /// `{method}`: a word.
    Method,
    /// `{times}`: how many tries the line stands for.
    Times,
    /// `{status}`: a status code.
    Status,
    /// `{bytes}`: a number of bytes.
    Bytes,
    /// `{request}`: a quoted HTTP request line, as long as it can be.
    Request,
    /// `{agent}`: client software, as short as it can be.
    Agent,
    /// `{path}`: a word.
    Path,
    /// `{host}`: a word: server or virtual host.
    Host,
    /// `{*}`: any text, as long as it can be.
    Long,
    /// `{-}`: any text, as short as it can be.
    Short,
    /// `{_}`: a word.
    Word,
    /// `{#}`: digits.
    Number,
}

impl Field {
    /// Whether it ends only where the next literal begins.
    const fn is_free(self) -> bool {
        !matches!(
            self,
            Self::Src
                | Self::Dst
                | Self::Peer
                | Self::Port
                | Self::Times
                | Self::Status
                | Self::Bytes
                | Self::Number
        )
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "src" => Self::Src,
            "dst" => Self::Dst,
            "peer" => Self::Peer,
            "port" => Self::Port,
            "user" => Self::User,
            "login" => Self::Login,
            "method" => Self::Method,
            "times" => Self::Times,
            "status" => Self::Status,
            "bytes" => Self::Bytes,
            "request" => Self::Request,
            "agent" => Self::Agent,
            "path" => Self::Path,
            "host" => Self::Host,
            "*" => Self::Long,
            "-" => Self::Short,
            "_" => Self::Word,
            "#" => Self::Number,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Text(&'static str),
    Field(Field),
}

/// A pattern taken apart.
#[derive(Clone, Debug)]
pub(in crate::import) struct Pattern(Vec<Part>);

/// What a pattern found, borrowed from the message.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::import) struct Found<'a> {
    pub(in crate::import) src: Option<Addr>,
    pub(in crate::import) src_port: Option<u16>,
    pub(in crate::import) src_name: Option<&'a str>,
    pub(in crate::import) dst: Option<Addr>,
    pub(in crate::import) dst_port: Option<u16>,
    pub(in crate::import) user: Option<&'a str>,
    pub(in crate::import) method: Option<&'a str>,
    pub(in crate::import) times: Option<u32>,
    pub(in crate::import) status: Option<u32>,
    pub(in crate::import) bytes: Option<u64>,
    pub(in crate::import) request: Option<&'a str>,
    pub(in crate::import) agent: Option<&'a str>,
    pub(in crate::import) path: Option<&'a str>,
    pub(in crate::import) host: Option<&'a str>,
}

impl Pattern {
    /// Reads a pattern of our own tables. `None`: an unknown field, an open brace, or two fields
    /// that nothing parts; a test reads every row.
    pub(in crate::import) fn new(text: &'static str) -> Option<Self> {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = text;
        while let Some((literal, from)) = rest.split_once('{') {
            if let Some(after) = from.strip_prefix('{') {
                parts.push(Part::Text(rest.get(..=literal.len())?));
                rest = after;
                continue;
            }
            let (name, after) = from.split_once('}')?;
            if !literal.is_empty() {
                parts.push(Part::Text(literal));
            } else if matches!(parts.last(), Some(Part::Field(field)) if field.is_free()) {
                return None;
            }
            parts.push(Part::Field(Field::named(name)?));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest));
        }
        Some(Self(parts))
    }

    /// The longest literal: a message without it cannot match.
    pub(in crate::import) fn key(&self) -> &'static str {
        let literals = self.0.iter().filter_map(|part| match part {
            Part::Text(text) => Some(*text),
            Part::Field(_) => None,
        });
        literals.max_by_key(|text| text.len()).unwrap_or("")
    }

    /// What the fields are in a message that the pattern covers from end to end.
    pub(in crate::import) fn find<'a>(&self, message: &'a str) -> Option<Found<'a>> {
        run(&self.0, message, Found::default(), &mut STEPS_MAX.clone())
    }
}

/// Matches the rest of a pattern with the rest of a message. The depth is the pattern's length.
fn run<'a>(parts: &[Part], text: &'a str, found: Found<'a>, steps: &mut u32) -> Option<Found<'a>> {
    *steps = steps.checked_sub(1)?;
    let (part, rest) = match parts {
        [] => return text.is_empty().then_some(found),
        [part, rest @ ..] => (*part, rest),
    };
    let field = match part {
        Part::Text(literal) => return run(rest, text.strip_prefix(literal)?, found, steps),
        Part::Field(field) => field,
    };
    match field {
        Field::Src | Field::Dst | Field::Peer => peers(field, text, found)
            .into_iter()
            .flatten()
            .find_map(|(found, after)| run(rest, after, found, steps)),
        Field::Port | Field::Times | Field::Status | Field::Bytes | Field::Number => {
            let (found, after) = number(field, text, found)?;
            run(rest, after, found, steps)
        }
        Field::User | Field::Long | Field::Request => match rest {
            [Part::Text(literal), behind @ ..] => text
                .rmatch_indices(literal)
                .find_map(|(at, _)| attempt(field, text, at, literal, behind, found, steps)),
            _ => Some(taken(field, text, found)),
        },
        Field::Login
        | Field::Method
        | Field::Agent
        | Field::Path
        | Field::Host
        | Field::Short
        | Field::Word => match rest {
            [Part::Text(literal), behind @ ..] => text
                .match_indices(literal)
                .find_map(|(at, _)| attempt(field, text, at, literal, behind, found, steps)),
            _ => fits(field, text).then(|| taken(field, text, found)),
        },
    }
}

/// Gives the field the text before `at`, where `literal` stands, and goes on behind it.
fn attempt<'a>(
    field: Field,
    text: &'a str,
    at: usize,
    literal: &str,
    behind: &[Part],
    found: Found<'a>,
    steps: &mut u32,
) -> Option<Found<'a>> {
    *steps = steps.checked_sub(1)?;
    let (value, from) = text.split_at_checked(at)?;
    if !fits(field, value) {
        return None;
    }
    run(behind, from.strip_prefix(literal)?, taken(field, value, found), steps)
}

/// Whether a value can be that of the field.
fn fits(field: Field, value: &str) -> bool {
    match field {
        Field::Login => !value.contains([' ', '\t']),
        Field::Method | Field::Path | Field::Host | Field::Word => {
            !value.is_empty() && !value.contains([' ', '\t'])
        }
        _ => true,
    }
}

fn taken<'a>(field: Field, value: &'a str, mut found: Found<'a>) -> Found<'a> {
    match field {
        Field::User | Field::Login => found.user = Some(value),
        Field::Method => found.method = Some(value),
        Field::Request => found.request = Some(value),
        Field::Agent => found.agent = Some(value),
        Field::Path => found.path = Some(value),
        Field::Host => found.host = Some(value),
        _ => {}
    }
    found
}

/// A run of digits.
fn number<'a>(field: Field, text: &'a str, mut found: Found<'a>) -> Option<(Found<'a>, &'a str)> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = text.split_at_checked(count).filter(|(digits, _)| !digits.is_empty())?;
    match field {
        Field::Port => found.src_port = Some(digits.parse().ok()?),
        // The number is the program's claim: none counts as no try or as more than 10,000.
        Field::Times => found.times = Some(digits.parse().unwrap_or(u32::MAX).clamp(1, 10_000)),
        Field::Status => found.status = Some(digits.parse().ok()?),
        Field::Bytes => found.bytes = Some(digits.parse().ok()?),
        _ => {}
    }
    Some((found, after))
}

/// The ways to read an address or a host name at the start of a text, the longest first.
fn peers<'a>(field: Field, text: &'a str, found: Found<'a>) -> [Option<(Found<'a>, &'a str)>; 3] {
    let put = |addr: Addr, port: Option<u16>| {
        let mut found = found;
        if field == Field::Dst {
            (found.dst, found.dst_port) = (Some(addr), port.or(found.dst_port));
        } else {
            (found.src, found.src_port) = (Some(addr), port.or(found.src_port));
        }
        found
    };
    if let Some((addr, after)) = leading_address(text) {
        let with_port = leading_port(after).map(|(port, after)| (put(addr, Some(port)), after));
        return [with_port, Some((put(addr, None), after)), None];
    }
    if field != Field::Peer {
        return [None; 3];
    }
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let count = text.bytes().take_while(is_name).count();
    let Some((name, after)) = text.split_at_checked(count) else { return [None; 3] };
    let mut named = found;
    if !name.eq_ignore_ascii_case("unknown") && !name.is_empty() {
        named.src_name = Some(name);
    }
    [Some((named, after)), None, None]
}

/// An address at the start of a text and what follows it: plain, in brackets, with a zone.
pub(in crate::import) fn leading_address(text: &str) -> Option<(Addr, &str)> {
    if let Some(inside) = text.strip_prefix('[') {
        let (addr, after) = inside.split_once(']').filter(|(addr, _)| addr.len() <= 64)?;
        return Some((addr.split('%').next()?.parse().ok()?, after));
    }
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || b".:".contains(byte);
    let count = text.bytes().take(64).take_while(is_part).count();
    let (run, after) = text.split_at_checked(count)?;
    if let Ok(addr) = run.parse::<Addr>() {
        let zone = after
            .strip_prefix('%')
            .map_or(0, |zone| 1 + zone.bytes().take_while(u8::is_ascii_alphanumeric).count());
        return Some((addr, after.get(zone..)?));
    }
    // `192.0.2.1:22`, `192.0.2.1.` and `2001:db8::1:` end before their last sign.
    run.rmatch_indices([':', '.']).take(2).find_map(|(at, _)| {
        let addr = run.get(..at)?.parse().ok()?;
        Some((addr, text.get(at..)?))
    })
}

/// `:22` or `#22` behind an address.
fn leading_port(text: &str) -> Option<(u16, &str)> {
    let rest = text.strip_prefix([':', '#'])?;
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = rest.split_at_checked(count)?;
    Some((digits.parse().ok()?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(pattern: &'static str, message: &str) -> Option<String> {
        let pattern = Pattern::new(pattern).unwrap();
        pattern.find(message).map(|found| {
            let addr = |addr: Option<Addr>| addr.map_or("-".to_owned(), |addr| addr.to_string());
            let port = |port: Option<u16>| port.map_or("-".to_owned(), |port| port.to_string());
            format!(
                "{} {} {} {} {}",
                found.user.unwrap_or("-"),
                addr(found.src),
                port(found.src_port),
                addr(found.dst),
                found.src_name.unwrap_or("-"),
            )
        })
    }

    #[test]
    fn fields_take_what_fits_them() {
        const FAILED: &str = "Failed {method} for {user} from {peer} port {port} ssh2{*}";
        for (pattern, message, expected) in [
            (
                FAILED,
                "Failed password for root from 192.0.2.1 port 22 ssh2",
                "root 192.0.2.1 22 - -",
            ),
            (FAILED, "Failed password for  from 192.0.2.1 port 22 ssh2: x", " 192.0.2.1 22 - -"),
            (FAILED, "Failed password for a from b.example port 22 ssh2", "a - 22 - b.example"),
            (FAILED, "Failed password for a from UNKNOWN port 22 ssh2", "a - 22 - -"),
            (
                "to {dst} by {src}",
                "to [2001:db8::1]:25 by 192.0.2.1:99",
                "- 192.0.2.1 99 2001:db8::1 -",
            ),
            ("{src}.", "192.0.2.1.", "- 192.0.2.1 - - -"),
            ("{src}:{port}", "192.0.2.1:7", "- 192.0.2.1 7 - -"),
            ("{src}#{port} x", "192.0.2.1#7 x", "- 192.0.2.1 7 - -"),
            ("{src}, y", "fe80::1%eth0, y", "- fe80::1 - - -"),
            ("rip={src},", "rip=::ffff:192.0.2.1,", "- 192.0.2.1 - - -"),
            ("user=<{login}>{*}", "user=<>, user=<b>", " - - - -"),
        ] {
            assert_eq!(find(pattern, message).as_deref(), Some(expected), "{pattern}: {message}");
        }
        assert_eq!(find("from {src}", "from 192.0.2.256"), None);
        assert_eq!(find("from {src}", "from 192.0.2.1 "), None);
    }

    /// The daemon's own words come last, so what a user writes before them stays the user.
    #[test]
    fn a_user_cannot_forge_an_address() {
        let message =
            "Failed password for x from 198.51.100.1 port 22 ssh2 from 192.0.2.1 port 9 ssh2";
        assert_eq!(
            find("Failed {method} for {user} from {src} port {port} ssh2", message).as_deref(),
            Some("x from 198.51.100.1 port 22 ssh2 192.0.2.1 9 - -")
        );
    }

    #[test]
    fn patterns_that_say_nothing_are_refused() {
        for text in ["{nobody}", "{user", "{user}{src}", "{-}{src}"] {
            assert!(Pattern::new(text).is_none(), "{text}");
        }
    }

    #[test]
    fn hostile_repetition_is_given_up() {
        let pattern = Pattern::new("{*} for {user} from {src} port {port}!").unwrap();
        assert_eq!(pattern.find(&" for x from y port 1".repeat(50_000)), None);
    }
}
