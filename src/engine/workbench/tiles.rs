//! Tiles of the picture of IPv4 space: what most addresses of each cell are.

use std::sync::Arc;

use super::columns::{HostColumns, Verdict};
use super::hilbert::{LEVEL_MAX, TILE_SIDE, TileKey, cell_of};
use crate::intel::{Intel, Run};
use crate::model::{Addr, Kind};

/// Classes that a tile names, the largest first.
pub(super) const TOPS_MAX: usize = 48;

/// Dots of a side of a tile: hosts in one of these squares are one dot.
const DOTS_SIDE: u32 = 64;

/// Hosts of a finest tile that are each a dot of their own.
const DOTS_ALONE_MAX: usize = 4_096;

/// By what the picture is coloured.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Paint {
    /// The country an address is in, by the set that says where addresses are.
    Country,
    /// Who announces it.
    System,
    /// What sort of network it is in: of several kinds, that of most addresses.
    Kinds,
    /// How much of it is of one kind.
    Kind(Kind),
    /// How much of it is in a list; `None`: in any.
    List(Option<Arc<str>>),
    /// The worst band of the hosts shown.
    Bands,
    /// How many of the hosts shown are in it.
    Hosts,
}

impl Paint {
    /// Whether it shows hosts of the case, not reference data.
    pub const fn is_of_hosts(&self) -> bool {
        matches!(self, Self::Bands | Self::Hosts)
    }

    /// Whether it shows an amount, not which of several things it is.
    pub const fn is_amount(&self) -> bool {
        matches!(self, Self::Kind(_) | Self::List(_) | Self::Hosts)
    }
}

/// One square of the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Tile {
    /// What most addresses of each cell are, row by row; 0: nothing is known of any.
    pub classes: Vec<u32>,
    /// How much of the cell that is, 255 for all of it; of hosts, their number's logarithm.
    pub shares: Vec<u8>,
    /// The largest classes of the tile.
    pub tops: Vec<Top>,
    /// Addresses (or hosts) of the tile of which something is known.
    pub known: u64,
}

/// A class of a tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Top {
    /// Its number in [`Tile::classes`].
    pub class: u32,
    /// What it is called: `NL`, `AS64500 Example`, `hosting`.
    pub name: String,
    /// Addresses (or hosts) of the tile.
    pub count: u64,
}

/// Hosts near each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dot {
    /// The cell of the worst of them.
    pub at: [u16; 2],
    /// Its verdict.
    pub worst: Verdict,
    /// How many they are.
    pub count: u32,
}

/// IPv4 hosts shown, by address.
pub(super) type Occupied = Vec<(u32, Verdict)>;

/// The hosts shown, in the order of their addresses; IPv6 ones are not in the picture.
pub(super) fn occupied(hosts: &HostColumns, shown: &[u32]) -> Occupied {
    let mut found: Occupied = shown
        .iter()
        .filter_map(|&row| {
            let (key, verdict) = (hosts.keys.get(row as usize)?, hosts.verdict.get(row as usize)?);
            match key.addr() {
                Addr::V4(addr) => Some((addr.to_bits(), *verdict)),
                Addr::V6(_) => None,
            }
        })
        .collect();
    found.sort_unstable_by_key(|&(addr, verdict)| (addr, verdict as u8));
    found
}

/// What lies in a tile.
fn inside(occupied: &[(u32, Verdict)], tile: TileKey) -> &[(u32, Verdict)] {
    let (first, last) = tile.ends();
    let from = occupied.partition_point(|&(addr, _)| addr < first);
    let to = occupied.partition_point(|&(addr, _)| addr <= last);
    occupied.get(from..to).unwrap_or_default()
}

/// The hosts of a tile as dots, the worst last, so that they are drawn on top.
pub(super) fn dots(occupied: &[(u32, Verdict)], tile: TileKey) -> Vec<Dot> {
    // Squares of the curve hold neighbouring addresses: what shares one stands side by side.
    let hosts = inside(occupied, tile);
    let bits = match tile.level == LEVEL_MAX && hosts.len() <= DOTS_ALONE_MAX {
        true => 0,
        false => 2 * (tile.side() / DOTS_SIDE).max(1).ilog2(),
    };
    let near = hosts.chunk_by(|a, b| a.0 >> bits == b.0 >> bits);
    let mut dots: Vec<Dot> = near
        .filter_map(|near| {
            let &(addr, worst) = near.iter().max_by_key(|(_, verdict)| *verdict as u8)?;
            Some(Dot { at: cell_of(addr), worst, count: near.len() as u32 })
        })
        .collect();
    dots.sort_by_key(|dot| (dot.worst as u8, dot.count));
    dots
}

/// Draws a tile.
pub(super) fn tile(
    paint: &Paint,
    key: TileKey,
    intel: &Intel,
    occupied: &[(u32, Verdict)],
) -> Tile {
    let (first, last) = key.ends();
    let runs = |runs: Vec<Run>, name: &dyn Fn(u32) -> String| of_runs(key, &runs, name);
    match paint {
        Paint::Country => runs(intel.country_runs(first, last), &country_name),
        Paint::System => {
            let name = |asn: u32| match intel.system_name(asn) {
                Some(name) => format!("AS{asn} {name}"),
                None => format!("AS{asn}"),
            };
            runs(intel.system_runs(first, last), &name)
        }
        Paint::Kinds => kinds(key, intel),
        Paint::Kind(kind) => {
            let name = |_| kind.as_str().to_owned();
            let mut all = intel.kind_runs(first, last);
            runs(std::mem::take(&mut all[*kind as usize]), &name)
        }
        Paint::List(list) => {
            let name = |_| list.as_deref().map_or_else(|| "in a list".to_owned(), str::to_owned);
            runs(intel.listed_runs(list.as_deref(), first, last), &name)
        }
        Paint::Bands => bands(key, inside(occupied, key)),
        Paint::Hosts => hosts(key, inside(occupied, key)),
    }
}

/// The code of a country's class.
pub fn country_name(class: u32) -> String {
    let code = u16::try_from(class).unwrap_or_default().to_be_bytes();
    String::from_utf8_lossy(&code).into_owned()
}

fn empty() -> Tile {
    let cells = TILE_SIDE * TILE_SIDE;
    Tile { classes: vec![0; cells], shares: vec![0; cells], tops: Vec::new(), known: 0 }
}

impl Tile {
    fn set(&mut self, place: usize, class: u32, share: u8) {
        if let (Some(cell), Some(part)) = (self.classes.get_mut(place), self.shares.get_mut(place))
        {
            (*cell, *part) = (class, share);
        }
    }

    /// Names the largest of all classes.
    fn name(&mut self, counts: impl IntoIterator<Item = (u32, u64)>, name: &dyn Fn(u32) -> String) {
        let mut all: Vec<(u32, u64)> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
        all.sort_unstable_by_key(|&(class, count)| (std::cmp::Reverse(count), class));
        self.known = all.iter().map(|(_, count)| count).sum();
        all.truncate(TOPS_MAX);
        self.tops =
            all.into_iter().map(|(class, count)| Top { class, name: name(class), count }).collect();
    }
}

/// The share of a cell, never nothing where there is something.
fn share(part: u64, cell_bits: u32) -> u8 {
    let whole = 1_u64 << cell_bits;
    u8::try_from((part * 255).div_ceil(whole).min(255)).unwrap_or(u8::MAX)
}

/// A tile of runs without overlap: each cell is what most of its addresses are.
fn of_runs(key: TileKey, runs: &[Run], name: &dyn Fn(u32) -> String) -> Tile {
    let mut tile = empty();
    let mut counts: hashbrown::HashMap<u32, u64> = hashbrown::HashMap::new();
    let (first, _) = key.ends();
    let bits = key.cell_bits();
    // Runs come in the order of addresses: one cell after the other is filled.
    let mut here: Vec<(u32, u64)> = Vec::new();
    let mut at = 0_u32;
    let end = |tile: &mut Tile, at: u32, here: &mut Vec<(u32, u64)>| {
        let most = here.iter().copied().max_by_key(|&(class, count)| (count, u32::MAX - class));
        if let Some((class, count)) = most {
            tile.set(key.place(at), class, share(count, bits));
        }
        here.clear();
    };
    for &(from, to, class) in runs {
        *counts.entry(class).or_default() += u64::from(to - from) + 1;
        let (from_cell, to_cell) = ((from - first) >> bits, (to - first) >> bits);
        if from_cell != at {
            end(&mut tile, at, &mut here);
            at = from_cell;
        }
        for cell in from_cell..=to_cell {
            if cell != at {
                end(&mut tile, at, &mut here);
                at = cell;
            }
            let cell_first = first | cell << bits;
            let cell_last = cell_first | ((1_u32 << bits) - 1);
            let part = u64::from(to.min(cell_last) - from.max(cell_first)) + 1;
            match here.iter_mut().find(|(known, _)| *known == class) {
                Some((_, count)) => *count += part,
                None => here.push((class, part)),
            }
        }
    }
    end(&mut tile, at, &mut here);
    let mut counts: Vec<(u32, u64)> = counts.into_iter().collect();
    counts.sort_unstable();
    tile.name(counts, name);
    tile
}

/// Kinds overlap: each is drawn alone, and each cell keeps that of most addresses.
fn kinds(key: TileKey, intel: &Intel) -> Tile {
    let mut all = empty();
    let (first, last) = key.ends();
    let mut counts = Vec::new();
    for (class, runs) in (1_u32..).zip(intel.kind_runs(first, last)) {
        if runs.is_empty() {
            continue;
        }
        let one = of_runs(key, &runs, &|_| String::new());
        counts.push((class, one.known));
        for (place, &part) in one.shares.iter().enumerate() {
            if all.shares.get(place).is_some_and(|&most| part > most) {
                all.set(place, class, part);
            }
        }
    }
    all.name(counts, &kind_name);
    all
}

/// The word of a kind's class.
pub fn kind_name(class: u32) -> String {
    let kind = (class as usize).checked_sub(1).and_then(|place| Kind::ALL.get(place));
    kind.map_or_else(String::new, |kind| kind.as_str().to_owned())
}

/// Hosts by cell, in the order of addresses.
fn by_cell(
    key: TileKey,
    hosts: &[(u32, Verdict)],
) -> impl Iterator<Item = (usize, &[(u32, Verdict)])> {
    let ((first, _), bits) = (key.ends(), key.cell_bits());
    let cells = hosts.chunk_by(move |a, b| a.0 >> bits == b.0 >> bits);
    cells.filter_map(move |near| {
        let (addr, _) = near.first()?;
        Some((key.place((addr - first) >> bits), near))
    })
}

fn bands(key: TileKey, occupied: &[(u32, Verdict)]) -> Tile {
    let mut tile = empty();
    let mut counts = [0_u64; Verdict::ALL.len()];
    for (_, verdict) in occupied {
        counts[*verdict as usize] += 1;
    }
    for (place, near) in by_cell(key, occupied) {
        let worst = near.iter().map(|(_, verdict)| *verdict as u32).max().unwrap_or_default();
        tile.set(place, worst + 1, u8::MAX);
    }
    let name = |class: u32| {
        let place = (class as usize).saturating_sub(1);
        Verdict::ALL
            .iter()
            .find(|it| **it as usize == place)
            .map_or("", |it| it.as_str())
            .to_owned()
    };
    tile.name((1_u32..).zip(counts), &name);
    tile
}

fn hosts(key: TileKey, occupied: &[(u32, Verdict)]) -> Tile {
    let mut tile = empty();
    for (place, near) in by_cell(key, occupied) {
        tile.set(place, 1, amount(near.len()));
    }
    tile.name([(1, occupied.len() as u64)], &|_| "hosts of the case".to_owned());
    tile
}

/// Hosts of a cell as a share: 1 is a tenth, ten times as many a third more, 1,000 all.
fn amount(count: usize) -> u8 {
    let part = 0.1 + 0.3 * (count.max(1) as f64).log10();
    (part.min(1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AddrRange, ListMeaning, Prefix};

    fn range(text: &str) -> AddrRange {
        text.parse::<Prefix>().unwrap().into()
    }

    /// The finest tile around an address, and the place of the address in it.
    fn tile_at(text: &str, level: u8) -> (TileKey, usize) {
        let Addr::V4(addr) = text.parse().unwrap() else { panic!("{text}") };
        let key = TileKey::around(cell_of(addr.to_bits()).map(u32::from), level);
        (key, key.place((addr.to_bits() - key.ends().0) >> key.cell_bits()))
    }

    #[test]
    fn a_cell_is_what_most_of_its_addresses_are() {
        let mut intel = Intel::default();
        intel.add_as_table(&[
            (range("192.0.2.0/25"), 64_500, Some("Example".into())),
            (range("192.0.2.128/26"), 64_501, None),
        ]);
        // At level 4 a cell has 256 addresses.
        let (key, place) = tile_at("192.0.2.0", 4);
        let tile = tile(&Paint::System, key, &intel, &[]);
        assert_eq!((tile.classes[place], tile.shares[place]), (64_500, 128));
        assert_eq!(tile.known, 192);
        let tops: Vec<_> = tile.tops.iter().map(|top| (top.name.as_str(), top.count)).collect();
        assert_eq!(tops, [("AS64500 Example", 128), ("AS64501", 64)]);
        assert_eq!(tile.classes.iter().filter(|&&class| class != 0).count(), 1);
    }

    #[test]
    fn at_the_finest_level_a_cell_is_an_address() {
        let mut intel = Intel::default();
        let entries = [(range("192.0.2.7/32"), None), (range("192.0.2.9/32"), None)];
        intel.add_list("list.tor", &entries, ListMeaning::Kind(Kind::Tor), None);
        let (key, place) = tile_at("192.0.2.7", 8);
        for paint in [Paint::List(None), Paint::Kind(Kind::Tor), Paint::Kinds] {
            let tile = tile(&paint, key, &intel, &[]);
            assert_eq!((tile.known, tile.shares[place]), (2, 255), "{paint:?}");
            assert_eq!(tile.classes.iter().filter(|&&class| class != 0).count(), 2);
        }
        assert_eq!(tile(&Paint::Kinds, key, &intel, &[]).tops[0].name, "tor");
        assert_eq!(tile(&Paint::Kind(Kind::Vpn), key, &intel, &[]).known, 0);
    }

    #[test]
    fn hosts_are_cells_and_dots() {
        let addr = |text: &str| match text.parse().unwrap() {
            Addr::V4(addr) => addr.to_bits(),
            Addr::V6(_) => panic!("{text}"),
        };
        let hosts = [
            (addr("192.0.2.1"), Verdict::Low),
            (addr("192.0.2.2"), Verdict::Critical),
            (addr("203.0.113.9"), Verdict::None),
        ];
        let intel = Intel::default();
        let (root, place) = tile_at("192.0.2.1", 0);
        let bands = tile(&Paint::Bands, root, &intel, &hosts);
        assert_eq!(bands.classes[place], Verdict::Critical as u32 + 1, "the worst");
        assert_eq!(bands.known, 3);
        let near = dots(&hosts, root);
        assert_eq!(near.len(), 2);
        assert_eq!((near[1].worst, near[1].count), (Verdict::Critical, 2), "the worst on top");
        let (fine, _) = tile_at("192.0.2.1", 8);
        assert_eq!(dots(&hosts, fine).len(), 2, "zoomed in, each is a dot of its own");
        let count = tile(&Paint::Hosts, root, &intel, &hosts);
        assert_eq!((count.known, count.tops[0].count), (3, 3));
        assert_eq!((amount(1), amount(1_000), amount(1_000_000)), (26, 255, 255));
    }

    #[test]
    fn names_of_classes_can_be_told_without_a_tile() {
        assert_eq!(country_name(u32::from(u16::from_be_bytes(*b"NL"))), "NL");
        assert_eq!(kind_name(1), Kind::ALL[0].as_str());
        assert_eq!(kind_name(0), "");
    }
}
