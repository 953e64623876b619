//! The HTML report: the same bytes for the same input, harmless whatever it says, small when full.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use infralock::export::handover::Tlp;
use infralock::export::{
    AssumedRow, BaseMap, DetectionRow, HOSTS_SHOWN_MAX, HostRow, ImageRow, ImportRow, NameRow,
    ShownEvidence, SourceRow, ToolRow, Totals, TriageHead, write_report,
};
use infralock::model::{
    Addr, Band, Basis, EvidenceRow, Granularity, Kind, Place, PlaceCandidate, Position, Problem,
    SubjectRole, Timestamp, Untrusted,
};

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn place(city: &str, country: &str, point: (f64, f64), radius_km: f64) -> Place {
    Place {
        lat: Some(point.0),
        lon: Some(point.1),
        radius_km: Some(radius_km),
        confidence: Some(0.81),
        city: Some(city.into()),
        region: None,
        country_code: Some(country.into()),
        granularity: Some(Granularity::City),
        note: None,
        candidates: vec![PlaceCandidate {
            city: Some(city.into()),
            country_code: Some(country.into()),
            lat: Some(point.0),
            lon: Some(point.1),
            weight: 0.81,
            sources: vec!["dbip-city".into()],
        }],
    }
}

fn evidence(id: &'static str, contribution: f64, what: &str) -> ShownEvidence {
    let row = EvidenceRow {
        id: Cow::Borrowed(id),
        source: "detector",
        group: None,
        contribution,
        x: contribution / 12.0,
        llr: Some(contribution / 12.0),
        weight: Some(1.0),
        decay: Some(1.0),
        counted: true,
        count: Some(412),
        first_seen: None,
        last_seen: None,
        what: Some(what.into()),
        refs: vec![],
    };
    ShownEvidence { row, refs: vec!["flow:C00000000000000001".into()] }
}

pub fn host(addr: &str, score: f64, amount: f64, place: Option<Place>) -> HostRow {
    let band = Band::of(score);
    HostRow {
        addr: addr.parse().unwrap(),
        realm: None,
        mine: false,
        score,
        band,
        word: if amount < 0.1 { "unknown" } else { band.as_str() },
        malice: score / 100.0,
        anonymity: 0.1,
        evidence_amount: amount,
        evidence: vec![
            evidence("prior", 0.5, "one host in two hundred"),
            evidence("bruteforce.ssh", score - 0.5 + 2.0, "412 passwords tried on 2 hosts"),
            evidence("list.crawlers", -2.0, "a crawler, verified by range"),
        ],
        place,
        asn: Some(64_501),
        as_name: Some("Example Cheap Servers".into()),
        prefix: None,
        kinds: vec![Kind::Hosting],
        lists: vec![],
        names: vec![NameRow { name: "host.example.net".into(), source: "dns", first_seen: None }],
        first_seen: Some(time("2026-06-05T03:10:00Z")),
        last_seen: Some(time("2026-06-05T03:14:00Z")),
        flows: 1_420,
        packets: 9_001,
        bytes_in: 1_200_000,
        bytes_out: 3_400,
        roles: vec!["originator"],
    }
}

pub fn detection(detector: &str, subject: &str, minute: u8, worked: Option<bool>) -> DetectionRow {
    DetectionRow {
        detector: detector.into(),
        subject: subject.parse().unwrap(),
        subject_realm: None,
        subject_role: SubjectRole::Actor,
        peers: vec![],
        peer_count: 2,
        ports: vec![22],
        severity: if worked == Some(true) { 90 } else { 40 },
        confidence: 0.97,
        basis: Basis::Behaviour,
        succeeded: worked,
        first_seen: Some(time(&format!("2026-06-05T03:{minute:02}:00Z"))),
        last_seen: Some(time(&format!("2026-06-05T03:{:02}:44Z", minute + 2))),
        count: 412,
        attack: vec!["T1110"],
        what: "412 passwords tried on 2 hosts, then a login as root".into(),
        refs: vec![],
        details: serde_json::Map::new(),
    }
}

pub fn head(hosts: u64, detections: u64) -> TriageHead {
    let import = ImportRow {
        import: "night/capture.pcap".into(),
        realm: "night".into(),
        path: "night".into(),
        format: Some("pcap"),
        sha256: Some("ab".repeat(32)),
        bytes: 1_048_576,
        packets: 9_001,
        records: 0,
        first_seen: Some(time("2026-06-05T03:10:00Z")),
        last_seen: Some(time("2026-06-05T04:10:00Z")),
        assumed: AssumedRow { year: Some(2026), time_zone: None, notes: vec![] },
        problems: vec![Problem {
            place: Position::Offset(248_910),
            what: "IPv4 total length needs 1500 bytes, 62 are there".into(),
            count: 2,
        }],
    };
    TriageHead {
        tool: ToolRow {
            name: "infralock",
            version: "0.0.0",
            profile: "default".into(),
            image: ImageRow {
                built: None,
                feeds: Vec::new(),
                sources: vec![SourceRow {
                    id: "dbip-city".into(),
                    date: Some("2026-06-05".into()),
                }],
            },
        },
        partial: false,
        now: time("2026-06-05T04:10:00Z"),
        imports: vec![import],
        totals: Totals { hosts, detections, flows: 2_000, packets: 9_001, ..Totals::default() },
        prefixes: vec![],
        notes: vec![],
    }
}

pub fn night() -> Vec<HostRow> {
    let mut site = host("10.0.0.5", 3.2, 0.4, Some(place("Amsterdam", "NL", (52.37, 4.9), 1.0)));
    (site.realm, site.mine) = (Some("night".into()), true);
    vec![
        host("203.0.113.70", 93.0, 0.93, Some(place("Bucharest", "RO", (44.43, 26.11), 314.0))),
        host("198.51.100.72", 61.5, 0.6, Some(place("Dallas", "US", (32.78, -96.81), 503.0))),
        host("2001:db8:66::17", 30.0, 0.5, Some(place("Hanoi", "VN", (21.03, 105.85), 850.0))),
        site,
        host("192.0.2.14", 0.5, 0.0, None),
    ]
}

/// Two countries that nobody claims: a square, and one across the date line.
fn rings() -> Vec<Vec<(f64, f64)>> {
    vec![
        vec![(40.0, 0.0), (55.0, 0.0), (55.0, 30.0), (40.0, 30.0)],
        vec![(-10.0, 175.0), (-10.0, -175.0), (-20.0, -175.0), (-20.0, 175.0)],
    ]
}

fn page(head: &TriageHead, hosts: Vec<HostRow>, detections: Vec<DetectionRow>) -> String {
    let (mut out, rings) = (Vec::new(), rings());
    let base = BaseMap { land: &rings, lakes: &[], borders: &rings[1..] };
    write_report(&mut out, head, hosts.into_iter(), detections.into_iter(), base, Tlp::Amber)
        .unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_same_night_gives_the_same_page() {
    let detections = vec![
        detection("bruteforce.ssh", "203.0.113.70", 10, Some(true)),
        detection("scan.horizontal", "198.51.100.72", 30, None),
    ];
    let written = page(&head(5, 2), night(), detections);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/report/night/expected.html");
    if std::env::var_os("INFRALOCK_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &written).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    assert!(
        written == expected,
        "the page changed: look at it, then run again with INFRALOCK_BLESS=1"
    );
    for sentence in [
        "got in (2026-06-05 03:12:44 UTC)",
        "scores 93.0 of 100 (critical)",
        "Bucharest, RO ±314 km",
        "1 host has no single place and is not on the map",
        "IP geolocation by DB-IP",
        "<b>TLP:AMBER</b> may be passed on within your organisation",
    ] {
        assert!(written.contains(sentence), "{sentence}");
    }
}

#[test]
fn an_empty_triage_says_so() {
    let written = page(&head(0, 0), vec![], vec![]);
    for sentence in [
        "Nothing that was opened points to an attack.",
        "No host was found",
        "No host has a single known place.",
    ] {
        assert!(written.contains(sentence), "{sentence}");
    }
    Tags::of(&written);
}

/// The tags of a page with their attributes, decoded, and its text.
pub struct Tags {
    pub tags: Vec<(String, Vec<(String, String)>)>,
    pub text: String,
}

impl Tags {
    /// A strict reader of what the report writes; anything else is an error.
    pub fn of(page: &str) -> Self {
        let mut all = Self { tags: vec![], text: String::new() };
        let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
        while let Some((text, from)) = rest.split_once('<') {
            all.text.push_str(&decoded(text));
            let (tag, after) = from.split_once('>').expect("a tag that ends");
            rest = after;
            if tag.starts_with('/') {
                continue;
            }
            let (name, attributes) = tag.trim_end_matches('/').split_once(' ').unwrap_or((tag, ""));
            let name = name.trim_end_matches('/').to_owned();
            if name == "script" || name == "style" {
                let (_, after) = rest.split_once(&format!("</{name}>")).unwrap();
                rest = after;
            }
            all.tags.push((name, Self::attributes(attributes)));
        }
        all.text.push_str(&decoded(rest));
        all
    }

    fn attributes(mut rest: &str) -> Vec<(String, String)> {
        let mut attributes = vec![];
        while !rest.trim().is_empty() {
            rest = rest.trim_start();
            let end = rest.find(['=', ' ']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let mut value = String::new();
            rest = after;
            if let Some(quoted) = after.strip_prefix("=\"") {
                let (inner, after) = quoted.split_once('"').expect("a quote that ends");
                (value, rest) = (decoded(inner), after);
            }
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name}");
            attributes.push((name.to_owned(), value));
        }
        attributes
    }
}

fn decoded(text: &str) -> String {
    assert!(!text.contains('>') || text.trim().is_empty(), "a bare > in {text}");
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    text.replace("&#39;", "'").replace("&amp;", "&")
}

pub const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\" onmouseover=\"alert(1)\" x=\"",
    "'><img src=https://example.net/x onerror=alert(1)>",
    "javascript:alert(1)",
    "</title></style></textarea><svg/onload=alert(1)>",
    "evil\u{202e}gpj.exe\u{0}\u{1b}[2J\u{2028}&lt;b&gt;",
];

/// A triage in which every field that a stranger can write says `text`.
fn hostile(text: &str) -> String {
    let foreign = Untrusted::new(text);
    let mut head = head(1, 1);
    let import = &mut head.imports[0];
    for field in [&mut import.import, &mut import.path, &mut import.realm] {
        *field = foreign.clone();
    }
    head.imports[0].assumed.notes = vec![foreign.clone()];
    head.imports[0].assumed.time_zone = Some(text.into());
    head.imports[0].problems[0].what = text.into();
    head.imports[0].sha256 = Some(text.into());
    head.tool.profile = text.into();
    head.tool.image.sources[0].id = text.into();
    head.tool.image.sources[0].date = Some(text.into());
    let mut bad = host("203.0.113.9", 93.0, 0.9, Some(place(text, text, (1.0, 2.0), 40.0)));
    bad.realm = Some(foreign.clone());
    bad.as_name = Some(foreign.clone());
    bad.names = vec![NameRow { name: foreign.clone(), source: "http", first_seen: None }; 3];
    bad.lists = vec![infralock::export::ListRow { id: text.into(), since: None }];
    bad.evidence[1].row.id = Cow::Owned(text.into());
    bad.evidence[1].row.what = Some(text.into());
    bad.evidence[1].refs = vec![text.into()];
    let mut what = detection("bruteforce.ssh", "203.0.113.9", 3, Some(true));
    (what.detector, what.what) = (text.into(), text.into());
    what.subject_realm = Some(foreign);
    page(&head, vec![bad], vec![what])
}

#[test]
fn hostile_texts_are_shown_and_do_nothing() {
    const TAGS: [&str; 44] = [
        "html", "head", "meta", "title", "style", "body", "header", "main", "section", "h1", "h2",
        "p", "b", "br", "span", "div", "ul", "li", "dl", "dt", "dd", "a", "table", "caption",
        "thead", "tbody", "tr", "th", "td", "details", "summary", "script", "svg", "defs", "g",
        "path", "circle", "rect", "use", "text", "title", "line", "h3", "code",
    ];
    for text in HOSTILE {
        let page = hostile(text);
        let shown = infralock::model::Visible(text).to_string();
        let tags = Tags::of(&page);
        assert!(tags.text.matches(&shown).count() >= 12, "{text} is shown");
        assert!(!page.contains(infralock::model::is_deceptive) || page.contains('\n'));
        let deceptive = page.chars().filter(|&c| c != '\n' && infralock::model::is_deceptive(c));
        assert_eq!(deceptive.count(), 0, "{text}");
        for (name, attributes) in &tags.tags {
            assert!(TAGS.contains(&name.as_str()), "<{name}> from {text}");
            for (attribute, value) in attributes {
                assert!(!attribute.starts_with("on") && attribute != "style", "{attribute}");
                assert!(attribute != "src" && attribute != "srcdoc", "{attribute}");
                let is_own = value.starts_with("#m-") || value == "https://db-ip.com";
                assert!(attribute != "href" || is_own, "{attribute}={value}");
            }
        }
        let count = |wanted: &str| tags.tags.iter().filter(|(name, _)| name == wanted).count();
        assert_eq!((count("script"), count("style"), count("a")), (1, 1, 1));
    }
}

#[test]
fn the_policy_names_the_very_script_and_style() {
    use sha2::{Digest, Sha256};
    let page = page(&head(5, 0), night(), vec![]);
    for name in ["script", "style"] {
        let (_, from) = page.split_once(&format!("<{name}>")).unwrap();
        let (inner, _) = from.split_once(&format!("</{name}>")).unwrap();
        let digest = Sha256::digest(inner);
        let (_, policy) = page.split_once(&format!("{name}-src 'sha256-")).unwrap();
        let (hash, _) = policy.split_once('\'').unwrap();
        assert_eq!(from_base64(hash), digest.as_slice(), "{name}");
    }
    assert!(page.contains("content=\"default-src 'none'; "));
}

/// The plain twin of the report's encoder.
fn from_base64(text: &str) -> Vec<u8> {
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<bool> = text
        .trim_end_matches('=')
        .chars()
        .flat_map(|c| {
            let value = digits.find(c).unwrap();
            (0..6).rev().map(move |bit| value >> bit & 1 == 1)
        })
        .collect();
    let byte = |chunk: &[bool]| chunk.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
    bits.chunks_exact(8).map(byte).collect()
}

#[test]
fn ten_thousand_hosts_stay_a_page() {
    let point = |at: u32| (f64::from(at % 120) - 50.0, f64::from(at % 359) - 179.0);
    let hosts = (0..10_000_u32).map(|at| {
        let addr = Addr::from_v4_octets((0xcb00_7100_u32 + at).to_be_bytes()).to_string();
        let score = 99.0 - f64::from(at) * 0.0099;
        host(&addr, score, 0.5, Some(place("Exampletown", "XX", point(at), 40.0)))
    });
    let written = page(&head(10_000, 0), hosts.collect(), vec![]);
    assert!(written.len() < 3 << 20, "{} bytes", written.len());
    assert_eq!(written.matches("<summary>Why").count(), HOSTS_SHOWN_MAX);
    assert!(written.contains("The 500 highest of 10,000 hosts"));
}
