//! Geofeeds: a network operator's own list of prefixes and places (RFC 8805).
//!
//! One line a prefix: `prefix,country,region,city,postal`. Beyond the RFC, because analysts know
//! where their sites are: two more columns `lat,lon` in degrees, which put a prefix, private ones
//! included, on the map to the point. A first line that names its columns (`prefix,country,city,
//! lat,lon`) may order them freely. Places without coordinates are looked up by name in the
//! gazetteer: same country, same region where it names one, the most populous of several.
//!
//! A line that cannot be read costs only itself and is reported; a prefix with host bits is
//! masked and reported; a prefix with no place at all means "do not place" and is skipped in
//! silence (RFC 8805 §2.1.2). A prefix that comes again is reported and its first line counts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use super::surroundings::City;
use crate::model::limits::LINE_BYTES_MAX;
use crate::model::{Addr, Claim, Granularity, Position, Prefix, Problems, Untrusted, Visible};

/// Prefixes of one geofeed; the largest public ones have some 300,000. More are only counted.
pub const GEOFEED_ROWS_MAX: usize = 1_000_000;

/// Columns of one line that are looked at: the RFC has five.
const COLUMNS_MAX: usize = 16;

/// Bytes kept of the name of a city or region; the longest in GeoNames has 200.
const NAME_BYTES_MAX: usize = 256;

/// What a geofeed claims, and what of it could not be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Geofeed {
    /// The claims in the order of the lines, each prefix once.
    pub claims: Vec<(Prefix, Claim)>,
    /// What could not be read, by line.
    pub problems: Problems,
}

/// Reads a geofeed. `name` is the source of its claims; `cities` may hold a city several times,
/// once for each of its names. Any bytes are accepted; time is linear in both.
///
/// ```
/// use infralock::geo::{City, geofeed};
/// let oslo = City {
///     name: "Oslo",
///     country_code: *b"NO",
///     admin1: "12",
///     point: (59.91, 10.75),
///     population: 709_037,
/// };
/// let lines = b"192.0.2.0/24,NO,,Oslo,\n10.1.0.0/16,NO,,,,59.9,10.8\n";
/// let feed = geofeed::parse("sites.csv", lines, [oslo]);
/// let points: Vec<_> = feed.claims.iter().map(|(_, claim)| claim.point).collect();
/// assert_eq!(points, [Some((59.91, 10.75)), Some((59.9, 10.8))]);
/// ```
pub fn parse<'a>(name: &str, bytes: &[u8], cities: impl IntoIterator<Item = City<'a>>) -> Geofeed {
    let mut problems = Problems::new();
    let rows = rows(bytes, &mut problems);
    let points = resolve(&rows, cities);
    let source: Arc<str> = name.into();
    let mut claims = Vec::with_capacity(rows.len());
    for row in rows {
        let line = row.line;
        let (prefix, claim) = claim(row, &source, &points);
        if claim.point.is_none() && claim.city.is_some() {
            let city = Visible(claim.city.as_deref().unwrap_or_default());
            let what =
                "the gazetteer has no such city in that country; add lat,lon as columns 6 and 7";
            problems.push(Position::Line(line), format!("{what}: {city}"));
        }
        if claim.point.is_some() || claim.country_code.is_some() {
            claims.push((prefix, claim));
        }
    }
    Geofeed { claims, problems }
}

/// One line, read but not yet looked up.
struct Row {
    line: u64,
    prefix: Prefix,
    country_code: Option<[u8; 2]>,
    region: Option<String>,
    city: Option<String>,
    point: Option<(f64, f64)>,
}

impl Row {
    /// What its city is looked up by.
    fn key(&self) -> Option<CityKey> {
        let wanted = self.city.as_deref().filter(|_| self.point.is_none());
        Some((self.country_code?, folded(wanted?)))
    }
}

/// Country and folded name.
type CityKey = ([u8; 2], String);

/// The cities of one name in one country: region, point, inhabitants.
type Namesakes = Vec<(String, (f64, f64), u32)>;

fn rows(bytes: &[u8], problems: &mut Problems) -> Vec<Row> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (mut columns, mut seen, mut rows) = (Columns::RFC, BTreeSet::new(), Vec::new());
    let mut is_first = true;
    for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        let place = Position::Line(number);
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        if line.len() > LINE_BYTES_MAX {
            problems.push(place, format!("line of more than {LINE_BYTES_MAX} bytes skipped"));
            continue;
        }
        let fields = fields(&String::from_utf8_lossy(line));
        if let Some(named) = is_first.then(|| Columns::named(&fields)).flatten() {
            (columns, is_first) = (named, false);
            continue;
        }
        is_first = false;
        let Some(row) = row(number, &fields, &columns, problems) else { continue };
        if !seen.insert(row.prefix) {
            problems.push(place, format!("prefix {} again; its first line counts", row.prefix));
        } else if rows.len() == GEOFEED_ROWS_MAX {
            problems.tally(place, "more prefixes than are kept of one geofeed (1,000,000)");
        } else {
            rows.push(row);
        }
    }
    rows
}

/// Where each field stands.
struct Columns {
    prefix: usize,
    country: Option<usize>,
    region: Option<usize>,
    city: Option<usize>,
    lat: Option<usize>,
    lon: Option<usize>,
}

impl Columns {
    /// RFC 8805 §2.1.1, and ours after the postal code.
    const RFC: Self = Self {
        prefix: 0,
        country: Some(1),
        region: Some(2),
        city: Some(3),
        lat: Some(5),
        lon: Some(6),
    };

    /// From a line that names its columns; `None`: it is not such a line.
    fn named(fields: &[String]) -> Option<Self> {
        let at = |names: &[&str]| {
            let is_named = |field: &String| {
                let plain: String = field.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
                names.contains(&plain.to_ascii_lowercase().as_str())
            };
            fields.iter().position(is_named)
        };
        Some(Self {
            prefix: at(&["prefix", "ipprefix", "iprange", "network", "subnet", "ip", "cidr"])?,
            country: at(&["country", "countrycode", "alpha2code", "alpha2", "cc"]),
            region: at(&["region", "regioncode", "state", "subdivision"]),
            city: at(&["city", "cityname", "town"]),
            lat: at(&["lat", "latitude"]),
            lon: at(&["lon", "lng", "long", "longitude"]),
        })
    }
}

/// The fields of one line (RFC 4180 quoting), trimmed; a quote left open ends with the line.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => {
                fields.push(std::mem::take(&mut field));
                if fields.len() == COLUMNS_MAX {
                    break;
                }
            }
            other => field.push(other),
        }
    }
    fields.push(field);
    fields.iter_mut().for_each(|field| *field = field.trim().to_owned());
    fields
}

fn row(line: u64, fields: &[String], columns: &Columns, problems: &mut Problems) -> Option<Row> {
    let place = Position::Line(line);
    let field = |column: Option<usize>| {
        column.and_then(|at| fields.get(at)).map(String::as_str).filter(|text| !text.is_empty())
    };
    let text = field(Some(columns.prefix)).unwrap_or_default();
    let prefix = match Prefix::from_str(text) {
        Ok(prefix) => prefix,
        Err(error) => {
            problems.push(place, format!("{error}: {}", shown(text)));
            return None;
        }
    };
    let address = text.split('/').next().and_then(|first| first.parse::<IpAddr>().ok());
    if address.is_some_and(|address| Addr::from(address) != prefix.first()) {
        problems.push(place, format!("host bits are set; read as {prefix}: {}", shown(text)));
    }
    let country_code = field(columns.country).and_then(|text| {
        let code = country(text);
        if code.is_none() && text.eq_ignore_ascii_case("UK") {
            problems.push(place, "UK is not in ISO 3166-1; read as GB");
            return Some(*b"GB");
        }
        if code.is_none() {
            let what = "no such country; write two letters of ISO 3166-1, such as NL";
            problems.push(place, format!("{what}: {}", shown(text)));
        }
        code
    });
    let point = point(field(columns.lat), field(columns.lon), place, problems);
    let region = field(columns.region).map(cut);
    let city = field(columns.city).map(cut);
    Some(Row { line, prefix, country_code, region, city, point })
}

/// Both coordinates or none; what is not a place on Earth is reported.
fn point(
    lat: Option<&str>,
    lon: Option<&str>,
    place: Position,
    problems: &mut Problems,
) -> Option<(f64, f64)> {
    // One alone is a sixth column of the feed's own, not a coordinate.
    let (lat, lon) = lat.zip(lon)?;
    let number =
        |text: &str, bound: f64| text.parse::<f64>().ok().filter(|degrees| degrees.abs() <= bound);
    let point = number(lat, 90.0).zip(number(lon, 180.0));
    if point.is_none() {
        let what = "not degrees; lat is -90 to 90, lon -180 to 180";
        problems.push(place, format!("{what}: {}", shown(&format!("{lat},{lon}"))));
    }
    point
}

fn claim(row: Row, source: &Arc<str>, points: &BTreeMap<CityKey, Namesakes>) -> (Prefix, Claim) {
    let found = row.key().and_then(|key| points.get(&key)).and_then(|all| best(all, &row));
    let granularity = match (row.point, found, &row.region) {
        (Some(_), ..) => Granularity::Site,
        (None, Some(_), _) => Granularity::City,
        (None, None, Some(_)) => Granularity::Region,
        (None, None, None) => Granularity::Country,
    };
    let claim = Claim {
        source: Arc::clone(source),
        point: row.point.or(found),
        city: row.city.map(Arc::from),
        region: row.region.map(Arc::from),
        country_code: row.country_code,
        granularity,
        own: true,
    };
    (row.prefix, claim)
}

/// Of several cities of one name: those in the region if there are any, then the most populous.
fn best(all: &Namesakes, row: &Row) -> Option<(f64, f64)> {
    let region = row.region.as_deref().map(|region| {
        let code = region.split_once('-').map_or(region, |(_, code)| code).to_ascii_uppercase();
        match row.country_code {
            Some([b'C', b'A']) => canadian(&code).map_or(code, str::to_owned),
            _ => code,
        }
    });
    let key = |(admin1, point, population): &(String, (f64, f64), u32)| {
        // Equal numbers of inhabitants go by the point: the gazetteer's order does not matter.
        (region.as_ref() == Some(admin1), *population, point.0.to_bits(), point.1.to_bits())
    };
    all.iter().max_by_key(|city| key(city)).map(|&(_, point, _)| point)
}

/// GeoNames numbers Canada's provinces where ISO 3166-2 has letters.
fn canadian(code: &str) -> Option<&'static str> {
    const PROVINCES: [(&str, &str); 13] = [
        ("AB", "01"),
        ("BC", "02"),
        ("MB", "03"),
        ("NB", "04"),
        ("NL", "05"),
        ("NS", "07"),
        ("ON", "08"),
        ("PE", "09"),
        ("QC", "10"),
        ("SK", "11"),
        ("YT", "12"),
        ("NT", "13"),
        ("NU", "14"),
    ];
    PROVINCES.iter().find(|(iso, _)| *iso == code).map(|&(_, number)| number)
}

/// Goes through the gazetteer once and keeps what the rows ask for.
fn resolve<'a>(
    rows: &[Row],
    cities: impl IntoIterator<Item = City<'a>>,
) -> BTreeMap<CityKey, Namesakes> {
    let mut wanted: BTreeMap<CityKey, Namesakes> =
        rows.iter().filter_map(|row| row.key().map(|key| (key, Vec::new()))).collect();
    if wanted.is_empty() {
        return wanted;
    }
    let countries: BTreeSet<[u8; 2]> = wanted.keys().map(|&(country, _)| country).collect();
    for city in cities {
        if !countries.contains(&city.country_code) {
            continue;
        }
        if let Some(namesakes) = wanted.get_mut(&(city.country_code, folded(city.name))) {
            namesakes.push((city.admin1.to_owned(), city.point, city.population));
        }
    }
    wanted
}

/// Lower case, without marks, spaces or punctuation; `St.` is `saint`.
fn folded(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for word in name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let plain: String = word.chars().flat_map(char::to_lowercase).flat_map(unmarked).collect();
        folded.push_str(match plain.as_str() {
            "st" => "saint",
            "ste" => "sainte",
            "ft" => "fort",
            "mt" => "mount",
            other => other,
        });
    }
    folded
}

/// A lower-case Latin letter without its mark (Unicode's decomposition of Latin-1 and Extended-A).
fn unmarked(letter: char) -> impl Iterator<Item = char> {
    let plain = match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ạ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ế' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    };
    let kept = if plain.is_empty() { Some(letter) } else { None };
    plain.chars().chain(kept)
}

/// Foreign text for a message: its tricks visible, cut.
fn shown(text: &str) -> String {
    let cut: String = text.chars().take(64).collect();
    Visible(&cut).to_string()
}

/// Foreign text for a claim: cut, with tricks visible.
fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(NAME_BYTES_MAX);
    Untrusted::new(text.get(..end).unwrap_or_default()).to_string()
}

/// Two letters that ISO 3166-1 assigns (as of 2025), or XK, which Kosovo uses; in upper case.
fn country(text: &str) -> Option<[u8; 2]> {
    let code: [u8; 2] = text.to_ascii_uppercase().as_bytes().try_into().ok()?;
    COUNTRIES.as_bytes().chunks(3).any(|known| known.starts_with(&code)).then_some(code)
}

const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI \
BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE \
DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS \
GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW \
KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW \
MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO \
RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM \
TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CITIES: [City<'static>; 4] = [
        city("Montréal", *b"CA", "10", (45.5, -73.6), 1_762_949),
        city("Springfield", *b"US", "MO", (37.2, -93.3), 169_176),
        city("Springfield", *b"US", "IL", (39.8, -89.6), 114_394),
        city("Saint John's", *b"CA", "05", (47.56, -52.71), 99_182),
    ];

    const fn city(
        name: &'static str,
        country_code: [u8; 2],
        admin1: &'static str,
        point: (f64, f64),
        population: u32,
    ) -> City<'static> {
        City { name, country_code, admin1, point, population }
    }

    /// Each claim as `prefix country city lat lon granularity`, then each problem as `:line what`.
    fn check(feed: &str, expected: &[&str]) {
        let feed = parse("feed", feed.as_bytes(), CITIES);
        let claims = feed.claims.iter().map(|(prefix, claim)| {
            let country = claim.country_code.unwrap_or(*b"--");
            let country = String::from_utf8_lossy(&country).into_owned();
            let point = claim.point.map_or("-".into(), |(lat, lon)| format!("{lat},{lon}"));
            let city = claim.city.as_deref().unwrap_or("-");
            format!("{prefix} {country} {city} {point} {:?}", claim.granularity)
        });
        let problems = feed.problems.rows().iter().map(|problem| {
            format!("{} {}", problem.place, problem.what.split(['?', ';']).next().unwrap())
        });
        assert_eq!(claims.chain(problems).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn lines_as_operators_write_them() {
        check(
            "\u{feff}# our feed,,,,\r\n\r\n192.0.2.0/25,CA,CA-QC,Montreal,\r\n\
             2001:DB8:AB::/48,us,US-IL,\"Springfield\",62701\r\n198.51.100.0/24,US,,Springfield\r\n\
             203.0.113.0/24,CA,NL,St. John's,,extra\n203.0.113.7,FR,,,\n",
            &[
                "192.0.2.0/25 CA Montreal 45.5,-73.6 City",
                "2001:db8:ab::/48 US Springfield 39.8,-89.6 City",
                "198.51.100.0/24 US Springfield 37.2,-93.3 City",
                "203.0.113.0/24 CA St. John's 47.56,-52.71 City",
                "203.0.113.7/32 FR - - Country",
            ],
        );
    }

    #[test]
    fn a_heading_orders_the_columns_and_sites_have_coordinates() {
        check(
            "lat,lon,ip_prefix,City\n52.1,4.3,10.1.0.0/16,\"Head office, 2nd floor\"\n\
             ,,10.2.0.0/16,\n",
            &["10.1.0.0/16 -- Head office, 2nd floor 52.1,4.3 Site"],
        );
        check("10.3.0.0/16,NL,,,,-33.9,151.2", &["10.3.0.0/16 NL - -33.9,151.2 Site"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        check(
            "192.0.2.0.24,US,,\n192.0.2.0/33,US,,\n192.0.2.9/24,US,,\n192.0.2.0/24,US,,\n\
             198.51.100.0/24,UK,,\n198.51.100.0/25,QQ,,\n\
             203.0.113.0/24,CA,,Atlantis\n10.0.0.0/8,,,,,91,0\n\
             10.1.0.0/16,,,,,NaN,0\n10.2.0.0/16,,,,",
            &[
                "192.0.2.0/24 US - - Country",
                "198.51.100.0/24 GB - - Country",
                "203.0.113.0/24 CA Atlantis - Country",
                ":1 not an IPv4 or IPv6 address",
                ":2 prefix length out of range",
                ":3 host bits are set",
                ":4 prefix 192.0.2.0/24 again",
                ":5 UK is not in ISO 3166-1",
                ":6 no such country",
                ":8 not degrees",
                ":9 not degrees",
                ":7 the gazetteer has no such city in that country",
            ],
        );
    }

    #[test]
    fn hostile_names_are_made_visible_and_cut() {
        let feed = format!("192.0.2.0/24,CA,,a\u{202e}{}", "x".repeat(5_000));
        let feed = parse("feed", feed.as_bytes(), CITIES);
        let city = feed.claims[0].1.city.clone().unwrap();
        assert!(city.starts_with("a\\u{202e}x") && city.len() < 300, "{city}");
        assert!(feed.problems.rows()[0].what.len() < 500);
    }

    #[test]
    fn a_line_at_the_limit_is_read_and_one_above_is_not() {
        let line = |bytes: usize| {
            let start = "192.0.2.0/24,US,,".to_owned();
            let rest = bytes - start.len();
            start + &"x".repeat(rest)
        };
        let claims = |bytes| parse("feed", line(bytes).as_bytes(), CITIES).claims.len();
        assert_eq!((claims(LINE_BYTES_MAX), claims(LINE_BYTES_MAX + 1)), (1, 0));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let feed = parse("feed", &bytes, CITIES);
            prop_assert!(feed.claims.len() <= bytes.len());
        }

        #[test]
        fn what_is_written_is_read(a in any::<u32>(), len in 0_u8..=32, lat in -90.0..90.0_f64) {
            let prefix = Prefix::new(Addr::from_v4_octets(a.to_be_bytes()), len).unwrap();
            let feed = parse("feed", format!("{prefix},SE,,,,{lat},11.5\n").as_bytes(), CITIES);
            prop_assert_eq!(feed.claims[0].0, prefix);
            prop_assert_eq!(feed.claims[0].1.point, Some((lat, 11.5)));
            prop_assert!(feed.problems.is_empty());
        }
    }
}
