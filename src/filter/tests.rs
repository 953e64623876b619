//! The language as a whole: what is read, what is refused, what it means, and that rows and columns
//! agree on random filters over random rows.

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::expr::Pattern;
use super::*;
use crate::model::{Addr, Band};

/// What a filter prints as, or its error.
fn shown(text: &str) -> String {
    match parse(text) {
        Ok(filter) => filter.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn filters_are_read_and_written_in_one_way() {
    for (text, expected) in [
        ("", ""),
        ("  ", ""),
        ("()", ""),
        ("!()", "!()"),
        (
            r#"score >= 50 && asn == 64500 && addr == 10.0.0.0/8 && !(list == "tor")"#,
            r#"score >= 50 && asn == 64500 && addr == 10.0.0.0/8 && !(list == "tor")"#,
        ),
        (
            "score>=50and",
            "column 8: `50and` is not a number; a number, such as 50, 10k or 1.5M, could stand \
             here",
        ),
        ("score gt 1 AND NOT mine", "score > 1 && !(mine)"),
        ("a || b && c", r#""a" || ("b" && "c")"#),
        ("(a || b) && c", r#"("a" || "b") && "c""#),
        ("(a && b) && (c && d)", r#""a" && "b" && "c" && "d""#),
        ("tor !berlin 'new york'", r#""tor" && !("berlin") && "new york""#),
        ("!!mine", "mine"),
        ("! ( mine )", "!(mine)"),
        ("mine", "mine"),
        ("\"mine\"", "\"mine\""),
        ("ip.addr == 192.0.2.7/24", "addr == 192.0.2.0/24"),
        (
            "addr in {192.0.2.1-192.0.2.9,2001:DB8::/32}",
            "addr in {192.0.2.1-192.0.2.9, 2001:db8::/32}",
        ),
        ("port in {22, 8000..8999}", "port in {22, 8000..8999}"),
        ("port not in {22}", "!(port in {22})"),
        ("tcp.port == 53", r#"proto == "tcp" && port == 53"#),
        ("udp.port != 53", r#"!(proto == "udp" && port == 53)"#),
        ("tcp.dstport", r#"proto == "tcp" && dst_port"#),
        ("user ~ ^ad", r#"user matches "^ad""#),
        (r#"path matches "\d+\"x\\\\""#, r#"path matches "\\d+\"x\\\\""#),
        (r#"path matches r"\d+\\""#, r#"path matches "\\d+\\\\""#),
        ("bytes > 10MB", "bytes > 10000000"),
        ("duration < 1.5h", "duration < 5400"),
        ("band >= high", "band >= high"),
        ("first_seen == 2026-06-05", "first_seen == 2026-06-05"),
        ("frame.time >= \"2026-06-05 03:12:44\"", "ts >= 2026-06-05T03:12:44Z"),
        ("last_seen >= -24h", "last_seen >= -1d"),
        ("country = NL", "country == \"NL\""),
        ("kind == tor", "kind == \"tor\""),
        ("10.0.0.0/8", "\"10.0.0.0/8\""),
        ("http.request.uri contains ../", "uri contains \"../\""),
        ("point in { 52.5/4.2,52.50/5.5 , -1/-181}", "point in {52.5/4.2, 52.5/5.5, -1/-181}"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
        if let Ok(filter) = parse(text) {
            assert_eq!(parse(&filter.to_string()), Ok(filter), "{text}");
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of mistakes and their messages")]
fn errors_name_the_column_and_what_could_stand_there() {
    for (text, expected) in [
        ("scor > 5", "column 1: there is no field `scor`; `score` could stand here"),
        (
            "frobnicate == 5",
            "column 1: there is no field `frobnicate`; a field such as `addr`, `score`, `country` \
             or `port` could stand here",
        ),
        (
            "score >= ",
            "column 10: the filter ends too early; a number, such as 50, 10k or 1.5M, could stand \
             here",
        ),
        (
            "score >= 5 mine",
            "column 12: `mine` cannot follow here; `&&`, `||` or the end could stand here",
        ),
        (
            "(score >= 5",
            "column 12: the bracket of column 1 is not closed; `)`, `&&` or `||` could stand here",
        ),
        (
            "score >= 5)",
            "column 11: `)` cannot follow here; `&&`, `||` or the end could stand here",
        ),
        ("(mine x)", "column 7: `x` cannot follow here; `&&`, `||` or `)` could stand here"),
        (
            "score contains 5",
            "column 7: `contains` does not go with score; `>=`, `<=`, `>`, `<`, `==`, `!=` or `in` \
             could stand here",
        ),
        (
            "point in {52/4, 53/5}",
            "column 11: an area has 3 to 256 corners; `{52.5/4.2, 52.5/5.5, 51.6/4.8}`, could \
             stand here",
        ),
        (
            "point in {52/4, 95/5, 52/6}",
            "column 17: `95/5` is not a point; degrees north and east, such as 52.37/4.9, could \
             stand here",
        ),
        ("addr in 5", "column 9: `5` is no value; `{` with values up to `}` could stand here"),
        ("port in {1 2}", "column 12: `2` is no value; `,` or `}` could stand here"),
        (
            "port in {9..1}",
            "column 10: `9..1`: the range ends before it begins; a number, such as 50, 10k or \
             1.5M, could stand here",
        ),
        ("ü && \"x", "column 8: the text of column 6 does not end; `\"` could stand here"),
        (
            "mine &&",
            "column 8: a condition is missing; a field such as `score`, `(`, `!` or a word to \
             search could stand here",
        ),
        (
            "&& mine",
            "column 1: `&` cannot begin a condition; a field such as `score`, `(`, `!` or a word \
             to search could stand here",
        ),
        ("mine & x", "column 6: `&` cannot follow here; `&&`, `||` or the end could stand here"),
        (
            "and",
            "column 1: `and` stands where a condition belongs; a field such as `score`, `(`, `!` \
             or a word to search could stand here",
        ),
        (
            "tor score > 5",
            "column 5: only words that are searched stand side by side; `&&` or `||` could stand \
             here",
        ),
        (
            "user matches (",
            "column 14: `(` is no value; a text, such as \"example.com\", could stand here",
        ),
        ("user matches \"(\"", "column 14: not a regular expression: unclosed group"),
        (
            "user matches \"\\w{9999}\"",
            "column 14: this pattern is too large when unfolded; repeat less",
        ),
        (
            "addr == 192.0.2.010",
            "column 9: `192.0.2.010`: an octet with a leading zero is ambiguous (octal or \
             decimal); write it without zeros; an address, a prefix or a range, such as \
             192.0.2.0/24, could stand here",
        ),
        (
            "mine == perhaps",
            "column 9: `perhaps` is not true or false; true or false could stand here",
        ),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
    let error = parse("country == NL && scor > 5").unwrap_err();
    assert_eq!((error.column, error.length), (18, 4));
    let pointed = error.pointed_at("country == NL && scor > 5");
    assert_eq!(pointed, "country == NL && scor > 5\n                 ^");
    assert!(!error.pointed_at("a\n\u{202e}b").contains(['\u{202e}']));
}

#[test]
fn a_table_without_the_field_says_so() {
    let refused = parse_for("score > 5", Table::Records).unwrap_err();
    assert_eq!(refused.to_string(), "column 1: records have no field `score`, only hosts have");
    let refused = parse_for("user", Table::Flows).unwrap_err();
    assert!(refused.what.contains("flows have no field `user`, only records have"), "{refused}");
    assert_eq!(
        parse_for("kind==auth", Table::Records).unwrap().to_string(),
        "record_kind == \"auth\""
    );
    assert_eq!(parse_for("kind==tor", Table::Hosts).unwrap().to_string(), "kind == \"tor\"");
    let filter = parse("score > 5 && (addr == 192.0.2.1 || !sni)").unwrap();
    let absent =
        |table| -> Vec<&str> { filter.absent_from(table).iter().map(|field| field.name).collect() };
    assert_eq!(absent(Table::Records), ["score", "sni"]);
    assert_eq!(absent(Table::Flows), ["score"]);
}

#[test]
fn every_bound_holds_at_its_limit_and_refuses_above() {
    let at = |depth: usize| format!("{}mine{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&at(FILTER_DEPTH_MAX - 1)).is_ok());
    assert!(shown(&at(FILTER_DEPTH_MAX)).contains("within each other"));
    assert!(shown(&"(".repeat(100_000)).contains("within each other"));
    assert!(shown(&"!".repeat(100_000)).contains("within each other"));
    assert!(shown(&"not ".repeat(60_000)).contains("within each other"));
    let terms = |count: usize| vec!["a"; count].join("||");
    assert!(parse(&terms(FILTER_TERMS_MAX)).is_ok());
    assert!(shown(&terms(FILTER_TERMS_MAX + 1)).contains("more than 1000 conditions"));
    let patterns = |count: usize| vec!["user ~ a"; count].join("||");
    assert!(parse(&patterns(FILTER_PATTERNS_MAX)).is_ok());
    assert!(shown(&patterns(FILTER_PATTERNS_MAX + 1)).contains("more than 32 patterns"));
    let long = |bytes: usize| format!("mine{}", " ".repeat(bytes - 4));
    assert!(parse(&long(FILTER_BYTES_MAX)).is_ok());
    assert!(shown(&long(FILTER_BYTES_MAX + 1)).contains("are read"));
    let set: Vec<String> =
        (0..10_000).map(|at| format!("198.18.{}.{}", at / 256, at % 256)).collect();
    let set = parse(&format!("addr in {{{}}}", set.join(","))).unwrap();
    assert!(set.to_string().len() < FILTER_BYTES_MAX);
    assert!(Pattern::new(&"(".repeat(10_000)).is_err());
}

/// A host, flow and record in one: what it knows of each field.
#[derive(Clone, Debug, Default)]
struct Row {
    addrs: Vec<Addr>,
    score: Option<f32>,
    asn: Option<u32>,
    bytes: u64,
    ports: Vec<u16>,
    country: Option<String>,
    lists: Vec<String>,
    names: Vec<String>,
    mine: Option<bool>,
    band: Option<Band>,
    last: Option<Timestamp>,
    point: Option<[f32; 2]>,
}

impl Fields for Row {
    fn each(&self, field: FieldId, see: &mut dyn FnMut(Cell<'_>)) {
        match field {
            FieldId::Addr => self.addrs.iter().for_each(|addr| see(Cell::Addr(*addr))),
            FieldId::Score => see(Cell::Number(self.score.map_or(f64::NAN, f64::from))),
            FieldId::Asn => self.asn.into_iter().for_each(|asn| see(Cell::Number(asn.into()))),
            FieldId::Bytes => see(Cell::Number(self.bytes as f64)),
            FieldId::Port => self.ports.iter().for_each(|port| see(Cell::Number((*port).into()))),
            FieldId::Country => self.country.iter().for_each(|it| see(Cell::Text(it))),
            FieldId::List => self.lists.iter().for_each(|it| see(Cell::Text(it))),
            FieldId::Name => self.names.iter().for_each(|it| see(Cell::Text(it))),
            FieldId::Mine => self.mine.iter().for_each(|it| see(Cell::Flag(*it))),
            FieldId::Band => self.band.iter().for_each(|it| see(Cell::Band(*it))),
            FieldId::LastSeen => self.last.iter().for_each(|it| see(Cell::Time(*it))),
            FieldId::Point => {
                see(Cell::Point(self.point.unwrap_or([f32::NAN; 2]).map(f64::from)));
            }
            _ => {}
        }
    }
}

/// Rows turned into columns.
#[derive(Default)]
struct Grid {
    rows: usize,
    addrs: Vec<Addr>,
    addr_ends: Vec<u32>,
    scores: Vec<f32>,
    asns: Vec<u32>,
    asn_known: Bits,
    bytes: Vec<u64>,
    ports: Vec<u16>,
    port_ends: Vec<u32>,
    countries: Vec<u32>,
    /// For each word the rows that have it in their lists.
    lists: Vec<RoaringBitmap>,
    names: Vec<u32>,
    name_ends: Vec<u32>,
    words: Vec<String>,
    mine: Bits,
    mine_known: Bits,
    bands: Vec<Band>,
    band_known: Bits,
    last: Vec<Timestamp>,
    last_known: Bits,
    points: Vec<[f32; 2]>,
}

impl Grid {
    fn of(rows: &[Row]) -> Self {
        let mut grid = Self { rows: rows.len(), ..Self::default() };
        for ends in [&mut grid.addr_ends, &mut grid.port_ends, &mut grid.name_ends] {
            ends.push(0);
        }
        let mut words: Vec<String> = Vec::new();
        let mut id = |word: &String| {
            let known = words.iter().position(|known| known == word);
            known.unwrap_or_else(|| {
                words.push(word.clone());
                words.len() - 1
            }) as u32
        };
        for (number, row) in (0_u32..).zip(rows) {
            grid.addrs.extend(&row.addrs);
            grid.addr_ends.push(grid.addrs.len() as u32);
            grid.scores.push(row.score.unwrap_or(f32::NAN));
            grid.asns.push(row.asn.unwrap_or_default());
            grid.bytes.push(row.bytes);
            grid.ports.extend(&row.ports);
            grid.port_ends.push(grid.ports.len() as u32);
            grid.countries.push(row.country.as_ref().map_or(ABSENT, &mut id));
            for id in row.lists.iter().map(&mut id) {
                grid.lists.resize(grid.lists.len().max(id as usize + 1), RoaringBitmap::new());
                grid.lists[id as usize].insert(number);
            }
            grid.names.extend(row.names.iter().map(&mut id));
            grid.name_ends.push(grid.names.len() as u32);
            grid.bands.push(row.band.unwrap_or(Band::None));
            grid.last.push(row.last.unwrap_or_default());
            grid.points.push(row.point.unwrap_or([f32::NAN; 2]));
        }
        grid.words = words;
        grid.asn_known = rows.iter().map(|row| row.asn.is_some()).collect();
        grid.mine = rows.iter().map(|row| row.mine == Some(true)).collect();
        grid.mine_known = rows.iter().map(|row| row.mine.is_some()).collect();
        grid.band_known = rows.iter().map(|row| row.band.is_some()).collect();
        grid.last_known = rows.iter().map(|row| row.last.is_some()).collect();
        grid
    }
}

impl Columns for Grid {
    fn rows(&self) -> usize {
        self.rows
    }

    fn column(&self, field: FieldId) -> Option<Column<'_>> {
        let words = &self.words;
        Some(match field {
            FieldId::Addr => Column::many(Data::Addrs(&self.addrs), &self.addr_ends),
            FieldId::Score => Column::one(Data::F32(&self.scores)),
            FieldId::Asn => Column::optional(Data::U32(&self.asns), &self.asn_known),
            FieldId::Bytes => Column::one(Data::U64(&self.bytes)),
            FieldId::Port => Column::many(Data::U16(&self.ports), &self.port_ends),
            FieldId::Country => Column::one(Data::Texts(&self.countries, words)),
            FieldId::List => Column::one(Data::Sets(&self.lists, words)),
            FieldId::Name => Column::many(Data::Texts(&self.names, words), &self.name_ends),
            FieldId::Mine => Column::optional(Data::Flags(&self.mine), &self.mine_known),
            FieldId::Band => Column::optional(Data::Bands(&self.bands), &self.band_known),
            FieldId::LastSeen => Column::optional(Data::Times(&self.last), &self.last_known),
            FieldId::Point => Column::one(Data::Points(&self.points)),
            _ => return None,
        })
    }
}

const NOW: Timestamp = Timestamp::from_secs_nanos(1_780_700_000, 0);

fn row_of_the_shop() -> Row {
    Row {
        addrs: vec!["203.0.113.9".parse().unwrap(), "2001:db8::7".parse().unwrap()],
        score: Some(93.5),
        asn: Some(64_500),
        bytes: 12_000_000,
        ports: vec![50_123, 443],
        country: Some("NL".to_owned()),
        lists: vec!["tor".to_owned(), "misp:vpn".to_owned()],
        names: vec!["mail.Example.com".to_owned()],
        mine: Some(false),
        band: Some(Band::Critical),
        last: Some("2026-06-05T03:12:44.25Z".parse().unwrap()),
        point: Some([52.37, 4.9]),
    }
}

#[test]
fn comparisons_mean_what_is_written_above() {
    let known = row_of_the_shop();
    let unknown = Row::default();
    // The filter; whether the known row meets it; whether one that knows nothing does.
    for (text, of_known, of_unknown) in [
        ("", true, true),
        ("!()", false, false),
        ("score >= 93.5", true, false),
        ("score > 93.5", false, false),
        ("!(score > 93.5)", true, true),
        ("addr == 203.0.113.0/24", true, false),
        ("addr == 203.0.113.10-203.0.113.20", false, false),
        ("addr != 203.0.113.9", false, true),
        ("addr != 192.0.2.0/24", true, true),
        ("addr in {192.0.2.1, 2001:db8::/32}", true, false),
        ("port == 443", true, false),
        ("port != 443", false, true),
        ("port in {1..1023}", true, false),
        ("port < 400", false, false),
        ("country == nl", true, false),
        ("country != NL", false, true),
        ("country in {DE, be, NL}", true, false),
        ("country contains L", true, false),
        ("list == tor", true, false),
        ("list == VPN", false, false),
        ("list contains VPN", true, false),
        ("list matches \"^misp:\"", true, false),
        ("list matches \"^MISP:\"", true, false),
        ("list matches \"(?-i)^MISP:\"", false, false),
        ("mine", false, false),
        ("!mine", true, true),
        ("mine == false", true, false),
        ("mine != true", true, true),
        ("score", true, false),
        ("country", true, false),
        ("sni", false, false),
        ("!sni", true, true),
        ("band >= high", true, false),
        ("band == low..high", false, false),
        ("bytes > 10MB", true, false),
        ("asn == AS64500", true, false),
        ("last_seen == 2026-06-05", true, false),
        ("last_seen <= 2026-06-05", true, false),
        ("last_seen > 2026-06-05", false, false),
        ("last_seen < 2026-06-05", false, false),
        ("last_seen == 2026-06-05T03:12:44Z", true, false),
        ("last_seen == 2026-06-05T03:12:44.5Z", false, false),
        ("last_seen in {2026-06-01..2026-06-05}", true, false),
        ("last_seen >= -24h", true, false),
        ("last_seen >= -1h", false, false),
        ("last_seen < now", true, false),
        ("203.0.113", true, false),
        ("203.0.113.9", true, false),
        ("203.0.113.0/24", true, false),
        ("203.0.113.90", false, false),
        // A whole address finds itself alone; a part of one any address with it.
        ("db8::7", false, false),
        ("2001:DB8:", true, false),
        ("example", true, false),
        ("EXAMPLE mail", true, false),
        ("example !mail", false, false),
        ("tor", false, false),
    ] {
        let plan = parse(text).unwrap().plan(NOW);
        assert_eq!(plan.matches(&known), of_known, "{text}");
        assert_eq!(plan.matches(&unknown), of_unknown, "{text}, of what knows nothing");
        let grid = Grid::of(&[unknown.clone(), known.clone()]);
        let wanted: Vec<usize> =
            [(0, of_unknown), (1, of_known)].iter().filter(|it| it.1).map(|it| it.0).collect();
        assert_eq!(plan.rows(&grid).iter().collect::<Vec<_>>(), wanted, "{text}, in columns");
    }
}

#[test]
fn filters_from_clicks_print_and_join() {
    let addr: Addr = "203.0.113.9".parse().unwrap();
    let host = Filter::field_eq(FieldId::Addr, Cell::Addr(addr)).unwrap();
    let high = Filter::field_eq(FieldId::Band, Cell::Band(Band::High)).unwrap();
    assert_eq!(host.clone().or(high.clone()).to_string(), "addr == 203.0.113.9 || band == high");
    assert_eq!(Filter::everything().and(host.clone()), host);
    assert_eq!(host.clone().not().not(), host);
    assert!(Filter::everything().is_everything());
    assert_eq!(Filter::field_eq(FieldId::Addr, Cell::Text("203.0.113.9")), None);
    assert_eq!(Filter::field_eq(FieldId::Score, Cell::Number(f64::NAN)), None);
    let ports = Filter::field_in(FieldId::Port, [22.0, 80.0].map(Cell::Number)).unwrap();
    assert_eq!(ports.to_string(), "port in {22, 80}");
    assert_eq!(Filter::field_in(FieldId::Port, []), None);
    let (first, last) = (NOW, NOW.plus_nanos(1));
    let brushed = Filter::field_between(FieldId::Ts, first, last).unwrap();
    assert_eq!(parse(&brushed.to_string()), Ok(brushed));
    assert_eq!(Filter::field_between(FieldId::Ts, last, first), None);
    let network =
        Filter::field_inside(FieldId::Addr, "192.0.2.0/24".parse::<Prefix>().unwrap().into());
    let chips = network.unwrap().and(high.not()).parts();
    let chips: Vec<String> = chips.iter().map(ToString::to_string).collect();
    assert_eq!(chips, ["addr == 192.0.2.0/24", "!(band == high)"]);
    assert!(
        parse("ts > -1h || x").unwrap().is_relative()
            && !parse("ts > 2026-06-05").unwrap().is_relative()
    );
}

#[test]
fn proposals_fit_the_place() {
    let values = |field| match field {
        FieldId::Country => vec!["NL".to_owned(), "DE".to_owned()],
        FieldId::Addr => vec!["192.0.2.1".to_owned()],
        _ => Vec::new(),
    };
    let first = |text: &str| -> String {
        let found = complete(text, text.len(), None, &values);
        found.iter().take(2).map(|it| it.text.as_str()).collect::<Vec<_>>().join(" ")
    };
    for (text, expected) in [
        ("", "addr realm"),
        ("sco", "score"),
        ("tcp.po", "tcp.port"),
        ("score", "score"),
        ("score ", ">= <="),
        ("score >", ""),
        ("score > ", ""),
        ("list ", "== !="),
        ("list con", "contains"),
        ("country == ", "\"NL\" \"DE\""),
        ("country == d", "\"DE\""),
        ("country == \"d", "\"DE\""),
        ("country in ", "{"),
        ("country in {", "\"NL\" \"DE\""),
        ("country in {DE, ", "\"NL\" \"DE\""),
        ("country in {DE ", ""),
        ("country in {DE} ", "&& ||"),
        ("band >= ", "none low"),
        ("band >= h", "high"),
        ("mine == ", "true false"),
        ("mine ", "== !="),
        ("score > 5 ", "&& ||"),
        ("score > 5 && sc", "score"),
        ("not mi", "mine missed_bytes"),
        ("(coun", "country count"),
        ("amsterdam ", "&& ||"),
        ("== ", ""),
    ] {
        assert_eq!(first(text), expected, "{text:?}");
    }
    let inside = complete("scor > 5", 2, Some(Table::Hosts), &values);
    assert_eq!((inside[0].replace.clone(), inside[0].text.as_str()), (0..4, "score"));
    assert!(complete("us", 2, Some(Table::Hosts), &values).iter().all(|it| it.text != "user"));
}

fn addr() -> impl Strategy<Value = Addr> {
    prop_oneof![
        (0_u8..12).prop_map(|last| Addr::from_v4_octets([192, 0, 2, last])),
        any::<[u8; 4]>().prop_map(Addr::from_v4_octets),
        (0_u128..12).prop_map(|last| Addr::V6((0x2001_0db8_u128 << 96 | last).into())),
    ]
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-cA-C.]{0,4}",
        Just("tor".to_owned()),
        Just("Ünï\"c\\o\u{202e}de'".to_owned()),
        "\\PC{0,4}",
    ]
}

prop_compose! {
    fn row()(
        addrs in prop::collection::vec(addr(), 0..3),
        score in prop::option::of((0_u16..20).prop_map(|it| f32::from(it) * 0.5)),
        asn in prop::option::of(64_496_u32..64_500),
        bytes in 0_u64..6,
        ports in prop::collection::vec(0_u16..6, 0..3),
        country in prop::option::of(word()),
        lists in prop::collection::vec(word(), 0..3),
        names in prop::collection::vec(word(), 0..3),
        mine in prop::option::of(any::<bool>()),
        band in prop::option::of(prop::sample::select(&[Band::None, Band::Low, Band::High][..])),
        last in prop::option::of((-3_i64..3).prop_map(|secs| NOW.plus_nanos(secs * 500_000_000))),
        point in prop::option::of(point(-180).prop_map(|it| it.map(|part| part as f32 + 0.5))),
    ) -> Row {
        Row { addrs, score, asn, bytes, ports, country, lists, names, mine, band, last, point }
    }
}

/// One or more values.
fn some<T: std::fmt::Debug>(
    one: impl Strategy<Value = T> + Clone,
    op: Op,
) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(one, if op == Op::In { 1..12 } else { 1..2 })
}

fn spans<T: PartialOrd + Copy + std::fmt::Debug>(
    one: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Span<T>> + Clone {
    (one.clone(), one).prop_map(|(one, other)| match one <= other {
        true => Span { first: one, last: other },
        false => Span { first: other, last: one },
    })
}

fn ordered() -> impl Strategy<Value = Op> {
    prop::sample::select(&[Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge, Op::In][..])
}

fn moment() -> impl Strategy<Value = Span<Moment>> + Clone {
    let at = (-4_i64..4).prop_map(|half| NOW.plus_nanos(half * 500_000_000));
    prop_oneof![
        spans(at).prop_map(|it| Span { first: Moment::At(it.first), last: Moment::At(it.last) }),
        (0_i64..4).prop_map(|secs| Span::one(Moment::Ago(secs * 1_000_000_000))),
        any::<i64>().prop_map(|it| Span::one(Moment::At(Timestamp::from_nanos(it)))),
        (0_i64..i64::MAX).prop_map(|nanos| Span::one(Moment::Ago(nanos))),
        (-100_000_i64..100_000).prop_map(|day| {
            let first = Timestamp::from_nanos(day * expr::DAY_NANOS);
            let last = first.plus_nanos(expr::DAY_NANOS - 1);
            Span { first: Moment::At(first), last: Moment::At(last) }
        }),
    ]
}

fn number() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![(0_u16..20).prop_map(|it| f64::from(it) * 0.5), -1e9..1e12_f64]
}

/// Degrees north and east, from so many west on.
fn point(west: i16) -> impl Strategy<Value = [f64; 2]> {
    (-90_i16..=90, west..=-west).prop_map(|(lat, lon)| [lat, lon].map(f64::from))
}

fn compare(field: FieldId, op: Op, operand: Operand) -> Expr {
    Expr::Compare(Compare { field, op, operand })
}

fn leaf() -> impl Strategy<Value = Expr> {
    let fields: Vec<FieldId> = FIELDS.iter().map(|field| field.id).collect();
    let texts = [FieldId::Country, FieldId::List, FieldId::Name, FieldId::Sni];
    let numbers = [FieldId::Score, FieldId::Asn, FieldId::Bytes, FieldId::Port, FieldId::Duration];
    let text = prop::sample::select(texts.to_vec());
    let band = prop::sample::select(&[Band::None, Band::Low, Band::Medium, Band::High][..]);
    let range = (addr(), addr()).prop_map(|(a, b)| {
        AddrRange::new(a.min(b), a.max(b)).unwrap_or_else(|| Prefix::host(a).into())
    });
    let ops = prop::sample::select(&[Op::Eq, Op::Ne, Op::In][..]);
    let pattern = prop::sample::select(&["^t.r$", "[ab]+\\.", "(?-i)A|c", "\\\\\"'", ""][..]);
    prop_oneof![
        prop::sample::select(fields).prop_map(Expr::Has),
        word().prop_map(|word| Expr::Search(word.into())),
        addr().prop_map(|addr| Expr::Search(addr.to_string().into())),
        "[0-9.:a-f]{1,4}".prop_map(|part| Expr::Search(part.into())),
        (prop::sample::select(numbers.to_vec()), ordered()).prop_flat_map(|(field, op)| {
            some(spans(number()), op).prop_map(move |it| compare(field, op, Operand::Numbers(it)))
        }),
        ordered().prop_flat_map(|op| {
            some(moment(), op)
                .prop_map(move |it| compare(FieldId::LastSeen, op, Operand::Times(it)))
        }),
        (ordered(), spans(band))
            .prop_map(|(op, span)| { compare(FieldId::Band, op, Operand::Bands(vec![span])) }),
        (ops.clone(), prop::collection::vec(range, 1..12)).prop_map(|(op, mut ranges)| {
            if op != Op::In {
                ranges.truncate(1);
            }
            compare(FieldId::Addr, op, Operand::Addrs(ranges))
        }),
        (text.clone(), ops, prop::collection::vec(word(), 1..5)).prop_map(|(field, op, words)| {
            let count = if op == Op::In { words.len() } else { 1 };
            let words = words.into_iter().take(count).map(Into::into).collect();
            compare(field, op, Operand::Texts(words))
        }),
        (text.clone(), word()).prop_map(|(field, word)| {
            compare(field, Op::Contains, Operand::Texts(vec![word.into()]))
        }),
        (text, pattern).prop_map(|(field, pattern)| {
            compare(field, Op::Matches, Operand::Pattern(Pattern::new(pattern).unwrap()))
        }),
        prop::collection::vec(point(-540), 3..9).prop_map(|corners| compare(
            FieldId::Point,
            Op::In,
            Operand::Corners(corners)
        )),
        (any::<bool>(), any::<bool>()).prop_map(|(flag, equal)| {
            let op = if equal { Op::Eq } else { Op::Ne };
            compare(FieldId::Mine, op, Operand::Flag(flag))
        }),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let expr = leaf().prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Expr::all),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Expr::any),
            inner.prop_map(Expr::negated),
        ]
    });
    prop_oneof![9 => expr, 1 => Just(Expr::everything())].prop_map(|expr| Filter { expr })
}

/// Whether a row meets a filter, asked of the filter itself in the plainest way.
fn golden(expr: &Expr, row: &Row) -> bool {
    match expr {
        Expr::And(parts) => parts.iter().all(|part| golden(part, row)),
        Expr::Or(parts) => parts.iter().any(|part| golden(part, row)),
        Expr::Not(inner) => !golden(inner, row),
        leaf => Plan::new(leaf, NOW).matches(row),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn rows_and_columns_agree(
        filter in filter(),
        rows in prop::collection::vec(row(), 0..150),
        some in any::<u64>(),
    ) {
        let plan = filter.plan(NOW);
        let grid = Grid::of(&rows);
        let one_by_one: Bits = rows.iter().map(|row| plan.matches(row)).collect();
        let plainly: Bits = rows.iter().map(|row| golden(&filter.expr, row)).collect();
        prop_assert_eq!(&plan.rows(&grid), &one_by_one, "{}", filter);
        prop_assert_eq!(&one_by_one, &plainly, "{}", filter);
        let within: Bits = (0..rows.len()).map(|row| some >> (row % 64) & 1 == 1).collect();
        let both = |row| within.get(row) && one_by_one.get(row);
        let both: Bits = (0..rows.len()).map(both).collect();
        prop_assert_eq!(plan.rows_within(&grid, &within), both, "{}", filter);
    }

    #[test]
    fn a_filter_prints_as_a_text_that_parses_to_it(filter in filter()) {
        let text = filter.to_string();
        prop_assert_eq!(parse(&text), Ok(filter), "{}", text);
    }

    #[test]
    fn any_text_is_a_filter_or_an_error_inside_it(
        text in "([a-z=<>!&|(){},\"'~. 0-9/:-]|and |in \\{|score|addr|point|\\PC){0,24}",
        cursor in 0_usize..40,
    ) {
        match parse(&text) {
            Ok(filter) => prop_assert_eq!(parse(&filter.to_string()), Ok(filter)),
            Err(error) => {
                let chars = text.chars().count();
                prop_assert!(error.column >= 1 && error.column <= chars + 1, "{}", error);
                prop_assert!(error.length >= 1 && error.column + error.length <= chars + 2);
                prop_assert!(!error.what.is_empty());
            }
        }
        let cursor = text.floor_char_boundary(cursor);
        for proposed in complete(&text, cursor, None, &|_| vec!["x\"y".to_owned()]) {
            prop_assert!(proposed.replace.start <= cursor && proposed.replace.end >= cursor);
            prop_assert!(text.get(proposed.replace).is_some() && !proposed.meaning.is_empty());
        }
    }
}

#[test]
fn bits_know_their_rows() {
    for rows in [0, 1, 63, 64, 65, 128] {
        let all = Bits::all(rows);
        assert_eq!((all.count(), all.rows(), all.get(rows)), (rows, rows, false));
        assert_eq!(all.iter().collect::<Vec<_>>(), (0..rows).collect::<Vec<_>>());
        let mut none = Bits::none(rows);
        none.set(rows);
        assert_eq!(none.count(), 0);
        (0..rows).for_each(|row| none.set(row));
        assert_eq!(none, all);
    }
}
