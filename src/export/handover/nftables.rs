//! nftables: two named sets that a packet filter can match, and no rule that would use them.
//!
//! The analyst's own hosts are left out: a set for blocking that holds them would lock out whoever
//! loads it. Nothing that a stranger wrote enters the file, not even its comments.

use std::io::{self, Write};

use hashbrown::HashSet;

use super::{Format, Handed, Met};
use crate::model::{Addr, Family, Prefix};

/// Named sets.
pub(super) static NFTABLES: Format = Format {
    id: "nftables",
    name: "nftables sets",
    extension: "nft",
    what: "Named sets hosts_v4 and hosts_v6 for a packet filter; your own hosts are left out.",
    source: "nft(8), section sets",
    is_text: true,
    write,
};

/// A host in a set.
struct Element {
    addr: Addr,
    score: f64,
    word: &'static str,
}

fn write(out: &mut dyn Write, mut handed: Handed<'_>) -> io::Result<()> {
    let (mut met, mut own) = (Met::default(), HashSet::new());
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for host in &mut handed.hosts {
        if host.mine {
            own.insert(host.addr);
        } else if met.is_new(host.addr) {
            let element = Element { addr: host.addr, score: host.score, word: host.word };
            match host.addr.family() {
                Family::V4 => v4.push(element),
                Family::V6 => v6.push(element),
            }
        }
    }
    // An address of ours in one realm stays out, whoever has it in another.
    for elements in [&mut v4, &mut v6] {
        elements.retain(|element: &Element| !own.contains(&element.addr));
    }
    writeln!(out, "#!/usr/sbin/nft -f")?;
    for line in handed.preamble() {
        writeln!(out, "# {line}")?;
    }
    if !own.is_empty() {
        writeln!(out, "# addresses of your own that are left out: {}", own.len())?;
    }
    let around = |addr: &Addr| -> Vec<Prefix> {
        (0..=addr.family().bits()).filter_map(|len| Prefix::new(*addr, len)).collect()
    };
    let around_own: HashSet<Prefix> = own.iter().flat_map(around).collect();
    let mut listed = handed.listed();
    let whole = listed.len();
    listed.retain(|prefix| !around_own.contains(prefix));
    if listed.len() < whole {
        let out_of = whole - listed.len();
        writeln!(out, "# prefixes that hold one of them and are left out: {out_of}")?;
    }
    writeln!(out, "# The sets block nothing by themselves. To drop what comes from them:")?;
    writeln!(
        out,
        "#   nft add chain inet infralock input '{{ type filter hook input priority filter; }}'"
    )?;
    writeln!(out, "#   nft add rule inet infralock input ip saddr @hosts_v4 drop")?;
    writeln!(out, "#   nft add rule inet infralock input ip6 saddr @hosts_v6 drop")?;
    writeln!(out, "table inet infralock {{")?;
    write_set(out, Family::V4, &v4, &listed)?;
    write_set(out, Family::V6, &v6, &listed)?;
    writeln!(out, "}}")
}

fn write_set(
    out: &mut dyn Write,
    family: Family,
    elements: &[Element],
    listed: &[Prefix],
) -> io::Result<()> {
    let number = if family == Family::V4 { 4 } else { 6 };
    writeln!(out, "\tset hosts_v{number} {{\n\t\ttype ipv{number}_addr")?;
    let listed: Vec<&Prefix> =
        listed.iter().filter(|prefix| prefix.first().family() == family).collect();
    if !listed.is_empty() {
        // A host within a prefix is no conflict: they become one interval.
        writeln!(out, "\t\tflags interval\n\t\tauto-merge")?;
    }
    if !elements.is_empty() || !listed.is_empty() {
        writeln!(out, "\t\telements = {{")?;
        for Element { addr, score, word } in elements {
            match *word {
                "unknown" => writeln!(out, "\t\t\t{addr}, # unknown")?,
                word => writeln!(out, "\t\t\t{addr}, # {score:.1} {word}")?,
            }
        }
        for prefix in listed {
            writeln!(out, "\t\t\t{prefix},")?;
        }
        writeln!(out, "\t\t}}")?;
    }
    writeln!(out, "\t}}")
}
