//! What reference data says of an address, and where that puts it.

use std::sync::Arc;

use serde::Serialize;

use super::{Prefix, Reserved, Timestamp};

/// What sort of network an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Rented servers and clouds.
    Hosting,
    /// Access provider.
    Isp,
    /// Content delivery network.
    Cdn,
    /// Commercial VPN.
    Vpn,
    /// Open or residential proxy.
    Proxy,
    /// Tor relay or exit.
    Tor,
    /// University, school.
    Education,
    /// Government.
    Government,
    /// Mobile network.
    Mobile,
    /// Satellite access: the user is far from the ground station.
    Satellite,
    /// Announced from many sites: no single place.
    Anycast,
    /// A search engine's or AI company's crawler, verified by range.
    Crawler,
    /// A research or commercial Internet scanner that says who it is.
    ResearchScanner,
    /// A public DNS resolver.
    PublicResolver,
    /// A researcher's sinkhole for taken-over domains.
    Sinkhole,
}

impl Kind {
    /// Every kind, in ascending order.
    pub const ALL: [Self; 15] = [
        Self::Hosting,
        Self::Isp,
        Self::Cdn,
        Self::Vpn,
        Self::Proxy,
        Self::Tor,
        Self::Education,
        Self::Government,
        Self::Mobile,
        Self::Satellite,
        Self::Anycast,
        Self::Crawler,
        Self::ResearchScanner,
        Self::PublicResolver,
        Self::Sinkhole,
    ];

    /// The word of the JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hosting => "hosting",
            Self::Isp => "isp",
            Self::Cdn => "cdn",
            Self::Vpn => "vpn",
            Self::Proxy => "proxy",
            Self::Tor => "tor",
            Self::Education => "education",
            Self::Government => "government",
            Self::Mobile => "mobile",
            Self::Satellite => "satellite",
            Self::Anycast => "anycast",
            Self::Crawler => "crawler",
            Self::ResearchScanner => "research-scanner",
            Self::PublicResolver => "public-resolver",
            Self::Sinkhole => "sinkhole",
        }
    }
}

/// Membership of an address in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListMembership {
    /// The list: `misp:public-dns-v4`, `iporigin:tor`, or the name an analyst gave.
    pub id: Arc<str>,
    /// Since when, where the list says so.
    pub since: Option<Timestamp>,
    /// The list's own date, from which membership decays; `None`: undated.
    pub date: Option<Timestamp>,
    /// What membership means.
    pub meaning: ListMeaning,
    /// How an own feed says it is to be weighed; `None`: as the profile has it.
    pub terms: Option<Arc<ListTerms>>,
}

/// What an analyst said of a feed when it was added, in the place of the profile's words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListTerms {
    /// The feed's name.
    pub feed: Arc<str>,
    /// Days in which its word loses half its weight.
    pub half_life_days: Option<f64>,
    /// Feeds of one group say the same: only the strongest counts.
    pub group: Option<Arc<str>>,
}

/// What it means to be in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListMeaning {
    /// The address is of this kind.
    Kind(Kind),
    /// An analyst's own list of hostile addresses.
    Hostile,
    /// An analyst's own list of harmless addresses.
    Benign,
    /// Context without weight, for example a provider's name.
    Context,
}

/// What is known of one address from reference data alone. Every field may be empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// A special purpose (RFC 6890); such addresses are in no shipped set.
    pub reserved: Option<Reserved>,
    /// The origin AS.
    pub asn: Option<u32>,
    /// Its name.
    pub as_name: Option<Arc<str>>,
    /// The largest aligned prefix around the address inside the range that matched.
    pub prefix: Option<Prefix>,
    /// Kinds, sorted, without repeats.
    pub kinds: Vec<Kind>,
    /// Lists, sorted by id.
    pub lists: Vec<ListMembership>,
    /// Claims of place, one for each source that makes one, in the order of the sources.
    pub claims: Vec<Claim>,
}

impl Facts {
    /// Whether the address is of this kind.
    pub fn is(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }
}

/// What one source says about where an address is.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The source: `dbip-city`, `geo-whois-asn-country`, `cloud-regions`, or a geofeed's name.
    pub source: Arc<str>,
    /// Degrees north and east, WGS 84; `None` where the source names a country only.
    pub point: Option<(f64, f64)>,
    /// City.
    pub city: Option<Arc<str>>,
    /// Region, state, province.
    pub region: Option<Arc<str>>,
    /// ISO 3166-1 alpha-2.
    pub country_code: Option<[u8; 2]>,
    /// How fine the claim is.
    pub granularity: Granularity,
    /// Whether the analyst supplied the source.
    pub own: bool,
}

/// The finest level a claim of place is made at (RFC 8805).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// A country.
    Country,
    /// A region, state or province.
    Region,
    /// A city.
    City,
    /// A site the analyst knows.
    Site,
}

/// One claimed place with the sources that voted for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlaceCandidate {
    /// City.
    pub city: Option<Arc<str>>,
    /// ISO 3166-1 alpha-2.
    pub country_code: Option<String>,
    /// Degrees north; `None` for a country without a point.
    pub lat: Option<f64>,
    /// Degrees east.
    pub lon: Option<f64>,
    /// Share of the belief, 0 to 1.
    pub weight: f64,
    /// The sources that say so.
    pub sources: Vec<Arc<str>>,
}

/// Where a host is, with an honest radius.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Place {
    /// Degrees north; `None` where no single point is honest (anycast, satellite).
    pub lat: Option<f64>,
    /// Degrees east.
    pub lon: Option<f64>,
    /// The 90 % radius, in km.
    pub radius_km: Option<f64>,
    /// Calibrated probability that the truth lies within 40 km of the point.
    pub confidence: Option<f64>,
    /// City.
    pub city: Option<Arc<str>>,
    /// Region, state, province.
    pub region: Option<Arc<str>>,
    /// ISO 3166-1 alpha-2.
    pub country_code: Option<String>,
    /// How fine; `None` where there is no point.
    pub granularity: Option<Granularity>,
    /// Why there is no point, or what to beware of, in a sentence.
    pub note: Option<&'static str>,
    /// All that was claimed.
    pub candidates: Vec<PlaceCandidate>,
}
