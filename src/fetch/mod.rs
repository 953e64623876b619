//! Downloads of feeds that a person added with an `https://` address: the only requests that the
//! program makes, and only when it is asked to.
//!
//! An address goes in, bytes come out, or the word that nothing is new (`ETag`, `Last-Modified`;
//! RFC 9110 §13). What is deliberately absent: `http`, other ports of call on the way (a redirect
//! is followed by hand, and checked like the first address), proxies, cookies, credentials, and
//! addresses that are not public: names are looked up once, every address of the answer is checked,
//! and the connection goes to what was checked, so that a name cannot lead into the analyst's own
//! network (DNS rebinding). Sizes and times are in [`limits`].

pub mod limits;

use std::io::{self, Read};
use std::net::SocketAddr;

use ureq::Agent;
use ureq::config::Config;
use ureq::http::{HeaderMap, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use self::limits::{
    ANSWER_BYTES_MAX, ANSWER_TIME, CONNECT_TIME, HEAD_BYTES_MAX, REDIRECTS_MAX, RESOLVE_TIME,
    SILENCE_TIME, URL_BYTES_MAX, VALIDATOR_BYTES_MAX, WHOLE_TIME,
};
use crate::bounded;
use crate::import::when;
use crate::model::{Addr, Timestamp, Visible};

/// What is asked for, and what of it is there already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// An `https://` address.
    pub url: &'a str,
    /// The server's name for the state that is there.
    pub etag: Option<&'a str>,
    /// When that state changed, in the server's words.
    pub last_modified: Option<&'a str>,
}

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The state that is there is the newest.
    Same,
    /// A newer one.
    New(Fetched),
}

/// Bytes that a server gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// As they came.
    pub bytes: Vec<u8>,
    /// The server's name for this state.
    pub etag: Option<String>,
    /// When it changed, in the server's words.
    pub last_modified: Option<String>,
    /// The same as a time.
    pub changed: Option<Timestamp>,
}

/// Sees how a download goes on, and may stop it.
pub trait Watch {
    /// So many bytes are there, of so many if the server said; `false` stops the download.
    fn goes_on(&mut self, bytes: u64, of: Option<u64>) -> bool;
}

/// Downloads without being watched.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn goes_on(&mut self, _bytes: u64, _of: Option<u64>) -> bool {
        true
    }
}

/// Makes requests.
#[derive(Debug)]
pub struct Fetcher {
    agent: Agent,
    scheme: &'static str,
}

impl Default for Fetcher {
    fn default() -> Self {
        let resolver = PublicOnly(DefaultResolver::default());
        let config = config().https_only(true).build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        Self { agent, scheme: "https://" }
    }
}

fn config() -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
    Config::builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .proxy(None)
        .user_agent(concat!("infralock/", env!("CARGO_PKG_VERSION")))
        .max_response_header_size(HEAD_BYTES_MAX)
        .max_idle_connections(0)
        .timeout_global(Some(WHOLE_TIME))
        .timeout_resolve(Some(RESOLVE_TIME))
        .timeout_connect(Some(CONNECT_TIME))
        .timeout_recv_response(Some(ANSWER_TIME))
        .timeout_per_read(Some(SILENCE_TIME))
}

impl Fetcher {
    /// Fetches what is wanted, if it is new.
    ///
    /// # Errors
    /// A sentence: the address is not one that is fetched from, the server cannot be reached or
    /// says no, or the answer is too large.
    pub fn get(&self, wanted: &Wanted<'_>, watch: &mut dyn Watch) -> Result<Answer, String> {
        let mut url = wanted.url.to_owned();
        for _ in 0..=REDIRECTS_MAX {
            self.check(&url)?;
            let mut request = self.agent.get(&url);
            for (name, value) in
                [("If-None-Match", wanted.etag), ("If-Modified-Since", wanted.last_modified)]
            {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            let answer = request.call().map_err(|error| sentence(&url, &error))?;
            match answer.status().as_u16() {
                200 => return taken(answer, watch).map(Answer::New),
                304 if wanted.etag.is_some() || wanted.last_modified.is_some() => {
                    return Ok(Answer::Same);
                }
                301 | 302 | 303 | 307 | 308 => {
                    let to = header(answer.headers(), "location", URL_BYTES_MAX);
                    let to = to.ok_or("the server sends elsewhere, and does not say where")?;
                    url = joined(&url, &to).ok_or_else(|| shown("cannot go to", &to))?;
                }
                _ => {
                    let status = answer.status();
                    return Err(shown(&format!("the server answered {status}"), &url));
                }
            }
        }
        Err(format!("the server sends elsewhere more than {REDIRECTS_MAX} times"))
    }

    /// Whether an address is one that is fetched from.
    fn check(&self, url: &str) -> Result<(), String> {
        if url.len() > URL_BYTES_MAX {
            return Err(format!("an address of more than {URL_BYTES_MAX} bytes"));
        }
        if !url.starts_with(self.scheme) {
            return Err(shown("feeds are fetched from https:// addresses alone, not from", url));
        }
        let uri: Uri = url.parse().map_err(|_| shown("not an address (URL)", url))?;
        let authority = uri.authority().map(|it| it.as_str()).unwrap_or_default();
        if authority.contains('@') {
            return Err("an address with a name and password in it is not fetched".to_owned());
        }
        Ok(())
    }
}

/// Looks names up and lets public addresses alone pass.
#[derive(Debug)]
struct PublicOnly<R>(R);

impl<R: Resolver> Resolver for PublicOnly<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.resolve(uri, config, timeout)?;
        // One that leads inside makes the whole answer suspicious.
        match found.iter().find(|addr| !is_public(addr)) {
            None => Ok(found),
            Some(inside) => Err(ureq::Error::Io(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("its name leads to {}, which is no public address", inside.ip()),
            ))),
        }
    }
}

/// Whether an address is an ordinary public one, and none that carries another inside.
fn is_public(addr: &SocketAddr) -> bool {
    let addr = Addr::from(addr.ip());
    let carried = match addr {
        Addr::V4(_) => None,
        Addr::V6(addr) => match addr.segments() {
            // 6to4 (RFC 3056) and the translation prefix of NAT64 (RFC 6052).
            [0x2002, high, low, ..] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                let bits = u32::from(high) << 16 | u32::from(low);
                Some(Addr::from_v4_octets(bits.to_be_bytes()))
            }
            // Teredo (RFC 4380): through a relay to wherever it likes.
            [0x2001, 0, ..] => return false,
            _ => None,
        },
    };
    addr.reserved().is_none() && carried.is_none_or(|carried| carried.reserved().is_none())
}

/// The body of an answer, within its limit.
fn taken(
    answer: ureq::http::Response<ureq::Body>,
    watch: &mut dyn Watch,
) -> Result<Fetched, String> {
    let too_large = || format!("the answer has more than {} MB", ANSWER_BYTES_MAX >> 20);
    let claimed = answer.body().content_length();
    if claimed.is_some_and(|bytes| bytes > ANSWER_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let etag = header(answer.headers(), "etag", VALIDATOR_BYTES_MAX);
    let last_modified = header(answer.headers(), "last-modified", VALIDATOR_BYTES_MAX);
    let changed =
        last_modified.as_ref().and_then(|text| when::parse(&text.replace(" GMT", " +0000"), 0));
    let body = answer.into_body().into_with_config().limit(u64::MAX).reader();
    let body = Watched { body, bytes: 0, of: claimed, watch };
    let bytes = bounded::read_all(body, ANSWER_BYTES_MAX).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => too_large(),
        _ => format!("the answer breaks off: {}", Visible(&error.to_string())),
    })?;
    // Some servers end a broken transfer like a whole one.
    if claimed.is_some_and(|claimed| claimed != bytes.len() as u64) {
        return Err(format!("the answer breaks off after {} bytes", bytes.len()));
    }
    Ok(Fetched { bytes, etag, last_modified, changed })
}

struct Watched<'a, R> {
    body: R,
    bytes: u64,
    of: Option<u64>,
    watch: &'a mut dyn Watch,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(out)?;
        self.bytes += read as u64;
        match self.watch.goes_on(self.bytes, self.of) {
            true => Ok(read),
            false => Err(io::Error::other("stopped")),
        }
    }
}

/// A header's value, if it is short and plain: it is kept, and sent back.
fn header(headers: &HeaderMap, name: &str, limit: usize) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    let is_plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    (is_plain && !value.is_empty() && value.len() <= limit).then(|| value.to_owned())
}

/// Where a redirect leads (RFC 3986 §5.2, as far as servers use it). A scheme of its own stays: it
/// is checked as any address is.
fn joined(base: &str, to: &str) -> Option<String> {
    let to = to.split('#').next().unwrap_or(to);
    let scheme_end = base.find("://")?;
    let (scheme, rest) = base.split_at_checked(scheme_end)?;
    let host_start = scheme_end + 3;
    let host_end = rest.get(3..)?.find(['/', '?', '#']).map_or(base.len(), |at| host_start + at);
    let origin = base.get(..host_end)?;
    let joined = if to.contains("://") {
        to.to_owned()
    } else if let Some(authority) = to.strip_prefix("//") {
        format!("{scheme}://{authority}")
    } else if to.starts_with('/') {
        format!("{origin}{to}")
    } else {
        let path = base.get(host_end..)?.split(['?', '#']).next().unwrap_or_default();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{origin}{folder}/{to}")
    };
    Some(joined)
}

fn sentence(url: &str, error: &ureq::Error) -> String {
    let what = match error {
        ureq::Error::Timeout(_) => "the server takes too long".to_owned(),
        ureq::Error::HostNotFound => "its name is unknown, or there is no network".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    format!("cannot fetch {}: {}", Visible(url), Visible(&what))
}

fn shown(what: &str, url: &str) -> String {
    let cut: String = url.chars().take(200).collect();
    format!("{what}: {}", Visible(&cut))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Leads every name to one address: what a resolver says is up to whoever owns the name.
    #[derive(Debug)]
    struct LeadsTo(SocketAddr);

    impl Resolver for LeadsTo {
        fn resolve(
            &self,
            _uri: &Uri,
            _config: &Config,
            _timeout: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let mut found = self.empty();
            found.push(self.0);
            Ok(found)
        }
    }

    /// A server without TLS that gives these answers one after the other, and a fetcher to it
    /// alone: what the product refuses (http, a loopback address) is let through in tests only.
    fn server(answers: Vec<Vec<u8>>) -> (Fetcher, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&heard);
        let serve = move || {
            for answer in answers {
                let (mut peer, _) = listener.accept().unwrap();
                let (mut request, mut piece) = (Vec::new(), [0; 1_024]);
                while !request.ends_with(b"\r\n\r\n") {
                    match peer.read(&mut piece) {
                        Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
                        _ => break,
                    }
                }
                requests.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
                peer.write_all(&answer).ok();
            }
        };
        std::thread::Builder::new().name("server".to_owned()).spawn(serve).unwrap();
        let config = config().build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), LeadsTo(addr));
        (Fetcher { agent, scheme: "http://" }, heard)
    }

    fn answer(head: &str, body: &str) -> Vec<u8> {
        let len = body.len();
        format!("HTTP/1.1 {head}\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n{body}")
            .into()
    }

    fn get(fetcher: &Fetcher, url: &str) -> Result<Answer, String> {
        fetcher.get(&Wanted { url, ..Wanted::default() }, &mut Unwatched)
    }

    #[test]
    fn what_is_new_comes_with_its_name_and_date_and_then_nothing_is() {
        let head = "200 OK\r\nETag: \"abc\"\r\nLast-Modified: Fri, 05 Jun 2026 03:12:44 GMT";
        let (fetcher, heard) =
            server(vec![answer(head, "192.0.2.1\n"), answer("304 Not Modified", "")]);
        let url = "http://feeds.example/list.txt";
        let Answer::New(new) = get(&fetcher, url).unwrap() else { panic!("it is new") };
        assert_eq!(
            (new.bytes.as_slice(), new.etag.as_deref()),
            (&b"192.0.2.1\n"[..], Some("\"abc\""))
        );
        assert_eq!(new.changed.unwrap().to_date(), "2026-06-05");
        let wanted =
            Wanted { url, etag: new.etag.as_deref(), last_modified: new.last_modified.as_deref() };
        assert_eq!(fetcher.get(&wanted, &mut Unwatched).unwrap(), Answer::Same);
        let heard = heard.lock().unwrap();
        let second = heard[1].to_ascii_lowercase();
        assert!(
            second.contains("if-none-match: \"abc\"") && second.contains("if-modified-since: fri")
        );
        assert!(heard[0].contains("GET /list.txt") && !heard[0].contains("ookie"));
    }

    #[test]
    fn redirects_are_few_and_lead_to_no_other_scheme() {
        let to = |place: &str| answer(&format!("302 Found\r\nLocation: {place}"), "");
        let (fetcher, heard) = server(vec![to("/b/c?x=1"), to("d"), answer("200 OK", "x")]);
        assert!(matches!(get(&fetcher, "http://feeds.example/a").unwrap(), Answer::New(_)));
        let paths: Vec<String> =
            heard.lock().unwrap().iter().map(|it| it.lines().next().unwrap().to_owned()).collect();
        assert_eq!(paths, ["GET /a HTTP/1.1", "GET /b/c?x=1 HTTP/1.1", "GET /b/d HTTP/1.1"]);
        let (fetcher, _) = server(vec![to("ftp://feeds.example/x")]);
        assert!(get(&fetcher, "http://feeds.example/a").unwrap_err().contains("not from"));
        let (fetcher, heard) = server(vec![to("/again"); REDIRECTS_MAX + 1]);
        assert!(get(&fetcher, "http://feeds.example/a").unwrap_err().contains("more than"));
        assert_eq!(heard.lock().unwrap().len(), REDIRECTS_MAX + 1);
    }

    #[test]
    fn answers_that_are_refused() {
        let check = |answer: Vec<u8>, part: &str| {
            let (fetcher, _) = server(vec![answer]);
            let what = get(&fetcher, "http://feeds.example/a").unwrap_err();
            assert!(what.contains(part), "{what}");
        };
        check(answer("404 Not Found", "no"), "404");
        check(answer("304 Not Modified", ""), "304");
        let large = ANSWER_BYTES_MAX + 1;
        check(format!("HTTP/1.1 200 OK\r\nContent-Length: {large}\r\n\r\n").into(), "512 MB");
        check(
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc".to_vec(),
            "breaks off",
        );
        check(b"nonsense\r\n\r\n".to_vec(), "cannot fetch");
    }

    struct StopsAt(u64);

    impl Watch for StopsAt {
        fn goes_on(&mut self, bytes: u64, _of: Option<u64>) -> bool {
            bytes < self.0
        }
    }

    #[test]
    fn a_download_can_be_stopped() {
        let (fetcher, _) = server(vec![answer("200 OK", &"x".repeat(100_000))]);
        let wanted = Wanted { url: "http://feeds.example/a", ..Wanted::default() };
        assert!(fetcher.get(&wanted, &mut StopsAt(10)).unwrap_err().contains("stopped"));
    }

    #[test]
    fn the_product_fetches_by_https_from_public_addresses_alone() {
        let fetcher = Fetcher::default();
        for url in ["http://feeds.example/a", "file:///etc/passwd", "ftp://x/", "feeds.example", ""]
        {
            assert!(get(&fetcher, url).unwrap_err().contains("https://"), "{url}");
        }
        assert!(
            get(&fetcher, "https://me:secret@feeds.example/").unwrap_err().contains("password")
        );
        let long = format!("https://feeds.example/{}", "x".repeat(URL_BYTES_MAX));
        assert!(get(&fetcher, &long).unwrap_err().contains("bytes"));
        // Whatever a name leads to, the way inside is closed before a connection is made.
        for inside in ["127.0.0.1", "10.0.0.7", "169.254.169.254", "[::1]", "[fd00::1]", "0.0.0.0"]
        {
            let what = get(&fetcher, &format!("https://{inside}/latest")).unwrap_err();
            assert!(what.contains("no public address"), "{inside}: {what}");
        }
    }

    #[test]
    fn addresses_inside_are_known_in_every_dress() {
        for (addr, public) in [
            ("8.8.8.8", true),
            ("2001:4860:4860::8888", true),
            ("192.168.1.1", false),
            ("100.64.0.1", false),
            ("169.254.169.254", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::ffff:10.0.0.1", false),
            ("64:ff9b::10.0.0.1", false),
            ("64:ff9b::8.8.8.8", true),
            ("2002:0a00:0001::1", false),
            ("2001:0:1::1", false),
            ("fe80::1", false),
            ("fc00::1", false),
            ("ff02::1", false),
            ("192.0.2.1", false),
        ] {
            let addr = SocketAddr::new(addr.parse().unwrap(), 443);
            assert_eq!(is_public(&addr), public, "{addr}");
        }
    }

    #[test]
    fn where_redirects_lead() {
        for (base, to, expected) in [
            ("https://a.example/x/y?z", "w", "https://a.example/x/w"),
            ("https://a.example", "/w#part", "https://a.example/w"),
            ("https://a.example/x", "//b.example/w", "https://b.example/w"),
            ("https://a.example/x", "http://b.example/w", "http://b.example/w"),
        ] {
            assert_eq!(joined(base, to).as_deref(), Some(expected));
        }
    }
}
