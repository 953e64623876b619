//! What it means to be in each shipped list, list by list, with the reason.
//!
//! A list's title is no proof of what it holds. Shares below were measured on the packed sets
//! against published blocklists, VPN, data-centre and anycast lists of 2026. A list that mixes
//! harmless and hostile addresses, or says who owns a network but not what it does, is
//! [`ListMeaning::Context`]: shown, never weighed.

use crate::model::{Kind, ListMeaning};

/// What membership in one list means.
#[derive(Debug)]
pub struct Rule {
    /// The list's id, as in [`ListMembership`](crate::model::ListMembership).
    pub id: &'static str,
    /// Its meaning.
    pub meaning: ListMeaning,
    /// Whether the whole list is announced from many sites, so that its members have no one place.
    pub anycast: bool,
    /// Why.
    pub why: &'static str,
}

/// A list this program has no rule for says nothing but its name.
static UNKNOWN: Rule = context("", "a list without a rule");

/// The rule of a list.
pub fn of(id: &str) -> &'static Rule {
    RULES.iter().find(|rule| rule.id == id).unwrap_or(&UNKNOWN)
}

const fn is(kind: Kind, id: &'static str, why: &'static str) -> Rule {
    Rule { id, meaning: ListMeaning::Kind(kind), anycast: false, why }
}

const fn anycast(kind: Kind, id: &'static str, why: &'static str) -> Rule {
    Rule { id, meaning: ListMeaning::Kind(kind), anycast: true, why }
}

const fn context(id: &'static str, why: &'static str) -> Rule {
    Rule { id, meaning: ListMeaning::Context, anycast: false, why }
}

const RENTED: &str = "the provider's own list of addresses it rents out: anyone may be behind one";
const TELESCOPE: &str = "seen scanning by CIRCL's network telescope, named by its reverse DNS";
const STATED: &str = "the scanner's operator states these ranges, or announces them itself";
const BOT: &str =
    "the operator publishes the ranges so that its crawler can be told from imitators";

/// Every shipped list.
pub static RULES: &[Rule] = &[
    is(Kind::Cdn, "misp:akamai", "Akamai's announced ranges; 0.2 % of them anycast"),
    is(Kind::ResearchScanner, "misp:alphastrike-research-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:alphastrike-scanning", STATED),
    is(Kind::Hosting, "misp:amazon-aws", RENTED),
    context("misp:apple", "all of 17.0.0.0/8: whose it is, not what it does"),
    is(Kind::ResearchScanner, "misp:bufferover-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:censys-scanning", STATED),
    context("misp:check-host-net", "anyone may have these nodes probe a target, attackers too"),
    anycast(Kind::Cdn, "misp:cloudflare", "Cloudflare announces all its edge from all its sites"),
    is(Kind::ResearchScanner, "misp:coalition-signals-intelligence-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:cybergreen-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:cyberresilience-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:cypex-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:f6-nt-scanning", TELESCOPE),
    anycast(Kind::Cdn, "misp:fastly", "Fastly's edge; 69 % seen as anycast, and the rest moves"),
    is(
        Kind::Hosting,
        "misp:github",
        "mostly runners of its build service, which run anyone's code",
    ),
    is(Kind::Hosting, "misp:google-gcp", RENTED),
    context("misp:google-gmail-sending-ips", "mail of every Gmail user, good and bad"),
    is(Kind::Crawler, "misp:googlebot", BOT),
    is(Kind::ResearchScanner, "misp:internet-census-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:intrinsec-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:ipinfo-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:ipip-nt-scanning", TELESCOPE),
    is(Kind::Hosting, "misp:microsoft-azure", RENTED),
    is(Kind::Hosting, "misp:microsoft-azure-china", RENTED),
    is(Kind::Hosting, "misp:microsoft-azure-germany", RENTED),
    is(Kind::Hosting, "misp:microsoft-azure-us-gov", RENTED),
    context("misp:microsoft-office365-cn", "a service's front doors, shared by all its customers"),
    context("misp:microsoft-office365-ip", "a service's front doors, shared by all its customers"),
    is(Kind::ResearchScanner, "misp:modat-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:modat-scanner", STATED),
    is(Kind::ResearchScanner, "misp:netsecscan-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:netsecscan-scanning", STATED),
    is(Kind::ResearchScanner, "misp:onyphe-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:onyphe-scanner", STATED),
    is(Kind::Crawler, "misp:openai-gptbot", BOT),
    is(Kind::Hosting, "misp:ovh-cluster", "front ends of shared web hosting"),
    context("misp:parking-domain", "where unused domains point, once-hostile ones among them"),
    is(Kind::ResearchScanner, "misp:probethenet-nt-scanning", TELESCOPE),
    is(
        Kind::PublicResolver,
        "misp:public-dns-v4",
        "answered DNS for anyone in 2024; many are open by mistake; 48 of 62,745 on any blocklist",
    ),
    is(Kind::PublicResolver, "misp:public-dns-v6", "answered DNS for anyone in 2024"),
    is(Kind::ResearchScanner, "misp:rapid7-nt-scanning", TELESCOPE),
    context(
        "misp:research-scanner-nt-scanning",
        "two addresses whose reverse name says research and nobody's name",
    ),
    is(Kind::ResearchScanner, "misp:shadowforce-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:shadowforce-scanning", STATED),
    is(Kind::ResearchScanner, "misp:shadowserver", STATED),
    is(Kind::ResearchScanner, "misp:shadowserver-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:shodan-nt-scanning", TELESCOPE),
    is(Kind::ResearchScanner, "misp:shodan-scanning", STATED),
    is(Kind::Sinkhole, "misp:sinkholes", "researchers hold domains here; a visit may be malware's"),
    is(Kind::ResearchScanner, "misp:skipa-nt-scanning", TELESCOPE),
    context("misp:smtp-receiving-ips", "front doors of mail providers"),
    context("misp:smtp-sending-ips", "mail of every user of the providers, good and bad"),
    is(Kind::Cdn, "misp:stackpath", "the CDN's stated edge, 2024; it has since closed"),
    is(Kind::ResearchScanner, "misp:tenable-cloud-ipv4", STATED),
    is(Kind::ResearchScanner, "misp:tenable-cloud-ipv6", STATED),
    context("misp:umbrella-blockpage-v4", "a filter's block page: who visits was stopped"),
    context("misp:umbrella-blockpage-v6", "a filter's block page: who visits was stopped"),
    is(
        Kind::Hosting,
        "misp:vpn-ipv4",
        "says VPN, but holds 343 million addresses, 99 % of them data centres, 81 % of AWS",
    ),
    is(Kind::Hosting, "misp:vpn-ipv6", "as its IPv4 twin: data centres with VPNs among them"),
    context("misp:wikimedia", "Wikimedia's own servers"),
    context(
        "misp:zscaler",
        "companies' users behind a filtering proxy: neither hidden nor hostile",
    ),
    is(Kind::Hosting, "iporigin:alibaba-cloud", RENTED),
    is(Kind::Hosting, "iporigin:amazon-aws", RENTED),
    is(Kind::Crawler, "iporigin:amazonbot", BOT),
    is(
        Kind::Vpn,
        "iporigin:apple-private-relay",
        "egress of iCloud Private Relay: hides the user as a VPN does, at city precision",
    ),
    is(Kind::Crawler, "iporigin:applebot", BOT),
    is(Kind::Crawler, "iporigin:bingbot", BOT),
    is(Kind::Crawler, "iporigin:claudebot", BOT),
    anycast(Kind::Cdn, "iporigin:cloudflare", "as misp:cloudflare"),
    is(Kind::Crawler, "iporigin:common-crawl", BOT),
    is(Kind::Hosting, "iporigin:digitalocean", RENTED),
    is(Kind::Crawler, "iporigin:duckduckbot", BOT),
    anycast(Kind::Cdn, "iporigin:fastly", "as misp:fastly"),
    is(Kind::Cdn, "iporigin:gcore", "the CDN's stated edge"),
    is(Kind::Hosting, "iporigin:github", "as misp:github"),
    context("iporigin:google", "Google's own services: it rents none of these out"),
    is(Kind::Hosting, "iporigin:google-cloud", RENTED),
    is(Kind::Crawler, "iporigin:googlebot", BOT),
    is(Kind::Crawler, "iporigin:gptbot", BOT),
    is(Kind::Hosting, "iporigin:hetzner", RENTED),
    is(Kind::Hosting, "iporigin:huawei-cloud", RENTED),
    is(Kind::Hosting, "iporigin:ibm-cloud", RENTED),
    is(Kind::Crawler, "iporigin:internet-archive", BOT),
    is(Kind::Hosting, "iporigin:leaseweb", RENTED),
    is(Kind::Hosting, "iporigin:linode", RENTED),
    is(
        Kind::Crawler,
        "iporigin:meta",
        "all of Meta's network: it rents none out, and says its crawlers may come from any of it",
    ),
    is(Kind::Hosting, "iporigin:microsoft-azure", RENTED),
    is(Kind::Vpn, "iporigin:mullvad", "the provider's own list of its relays"),
    is(Kind::Hosting, "iporigin:oracle-cloud", RENTED),
    is(Kind::Hosting, "iporigin:ovhcloud", RENTED),
    is(Kind::Crawler, "iporigin:perplexitybot", BOT),
    is(Kind::Vpn, "iporigin:protonvpn", "the provider's own list of its servers"),
    is(Kind::Hosting, "iporigin:rackspace", RENTED),
    is(Kind::Hosting, "iporigin:scaleway", RENTED),
    is(Kind::Hosting, "iporigin:tencent-cloud", RENTED),
    is(Kind::Tor, "iporigin:tor", "the Tor Project's list of exits"),
    is(Kind::Hosting, "iporigin:upcloud", RENTED),
    is(Kind::Hosting, "iporigin:vultr", RENTED),
];

/// AS numbers of satellite access networks: the user may be a continent away from the ground
/// station that databases place. Chosen by hand from the AS set's names; broadcasters and firms
/// that merely sell satellite television are left out.
pub static SATELLITE_SYSTEMS: &[u32] = &[
    // Starlink.
    14593, 27277, // Viasat.
    7155, 16491, 40306, 40310, 40311, 46536, // Hughes.
    1358, 6621, 12440, 28613, 44795, 63062, 265705,
    // Eutelsat and Skylogic, its access arm; OneWeb.
    800, 15829, 29286, 34444, 201935, 204276, // Intelsat.
    22351, 26243, 46982, // Inmarsat.
    25222, 31753, 152659, // Iridium, Globalstar.
    19458, 22184, 206171, 398736, // Avanti, Kacific.
    39356, 135409, 328306, // Marlink and Speedcast: ships and platforms.
    4913, 5377, 5666, 8264, 8841, 9229, 24039, 32034, 38456, 44933, 55784, 209980, 210314,
];

/// Well-known service prefixes that are announced from many sites.
///
/// Sources: the operators' own pages for the resolvers; root-servers.org for the root servers
/// (RFC 7720); RFC 7534 and RFC 7535 for AS112.
pub static ANYCAST_PREFIXES: &[(&str, Option<Kind>)] = &[
    // Google Public DNS.
    ("8.8.4.0/24", Some(Kind::PublicResolver)),
    ("8.8.8.0/24", Some(Kind::PublicResolver)),
    ("2001:4860:4860::/48", Some(Kind::PublicResolver)),
    // Cloudflare 1.1.1.1.
    ("1.0.0.0/24", Some(Kind::PublicResolver)),
    ("1.1.1.0/24", Some(Kind::PublicResolver)),
    ("2606:4700:4700::/48", Some(Kind::PublicResolver)),
    // Quad9.
    ("9.9.9.0/24", Some(Kind::PublicResolver)),
    ("149.112.112.0/24", Some(Kind::PublicResolver)),
    ("2620:fe::/48", Some(Kind::PublicResolver)),
    // OpenDNS.
    ("208.67.220.0/24", Some(Kind::PublicResolver)),
    ("208.67.222.0/24", Some(Kind::PublicResolver)),
    ("2620:119:35::/48", Some(Kind::PublicResolver)),
    ("2620:119:53::/48", Some(Kind::PublicResolver)),
    // Root servers a to m.
    ("198.41.0.0/24", None),
    ("170.247.170.0/24", None),
    ("192.33.4.0/24", None),
    ("199.7.91.0/24", None),
    ("192.203.230.0/24", None),
    ("192.5.5.0/24", None),
    ("192.112.36.0/24", None),
    ("198.97.190.0/24", None),
    ("192.36.148.0/24", None),
    ("192.58.128.0/24", None),
    ("193.0.14.0/24", None),
    ("199.7.83.0/24", None),
    ("202.12.27.0/24", None),
    ("2001:503:ba3e::/48", None),
    ("2801:1b8:10::/48", None),
    ("2001:500:2::/48", None),
    ("2001:500:2d::/48", None),
    ("2001:500:a8::/48", None),
    ("2001:500:2f::/48", None),
    ("2001:500:12::/48", None),
    ("2001:500:1::/48", None),
    ("2001:7fe::/33", None),
    ("2001:503:c27::/48", None),
    ("2001:7fd::/32", None),
    ("2001:500:9f::/48", None),
    ("2001:dc3::/32", None),
    // AS112.
    ("192.31.196.0/24", None),
    ("192.175.48.0/24", None),
    ("2001:4:112::/48", None),
    ("2620:4f:8000::/48", None),
];
