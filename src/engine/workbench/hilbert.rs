//! IPv4 space on a square: the Hilbert curve, which puts near what is near.
//!
//! The square has 65,536 by 65,536 cells, one for each address. The curve visits them in the order
//! of addresses, so that every prefix of even length is a square and every one of odd length two of
//! them side by side (Hilbert 1891; as a picture of IPv4 Heidemann et al. 2008, Munroe 2006).
//! 0.0.0.0 lies in the upper left corner, 255.255.255.255 in the upper right one.

use std::net::Ipv4Addr;

use crate::model::{Addr, Prefix};

/// Cells of a side of the whole square.
pub const SIDE: u32 = 1 << 16;

/// Cells of a side of a tile.
pub const TILE_SIDE: usize = 256;

/// The finest tiles: their cells are addresses.
pub const LEVEL_MAX: u8 = 8;

/// Where an address lies: columns from the left, rows from the top.
pub fn cell_of(addr: u32) -> [u16; 2] {
    let (mut x, mut y) = (0_u32, 0_u32);
    // From the smallest squares up: each step turns what is there and puts it into its quarter.
    for step in 0..16 {
        let side = 1_u32 << step;
        let quarter = addr >> (2 * step) & 3;
        let right = quarter >> 1;
        let low = (quarter ^ right) & 1;
        (x, y) = turned(side, [x, y], right, low);
        x += side * right;
        y += side * low;
    }
    [x as u16, y as u16]
}

/// Which address lies in a cell.
pub fn addr_of([x, y]: [u16; 2]) -> u32 {
    let (mut x, mut y) = (u32::from(x), u32::from(y));
    let mut addr = 0_u32;
    for step in (0..16).rev() {
        let side = 1_u32 << step;
        let (right, low) = (x >> step & 1, y >> step & 1);
        addr |= ((3 * right) ^ low) << (2 * step);
        (x, y) = turned(side, [x & (side - 1), y & (side - 1)], right, low);
    }
    addr
}

/// The curve of a quarter is turned so that it begins where the one before ends.
fn turned(side: u32, [x, y]: [u32; 2], right: u32, low: u32) -> (u32, u32) {
    match (low, right) {
        (0, 1) => (side - 1 - y, side - 1 - x),
        (0, _) => (y, x),
        _ => (x, y),
    }
}

/// The cells of a prefix: the upper left one, and how many there are in a row and a column.
pub fn square_of(first: u32, len: u8) -> ([u32; 2], [u32; 2]) {
    let host_bits = 32 - u32::from(len.min(32));
    let side = 1_u32 << (host_bits / 2);
    let corner = |addr: u32| cell_of(addr).map(|at| u32::from(at) & !(side - 1));
    if host_bits % 2 == 0 {
        return (corner(first), [side, side]);
    }
    // An odd length: two squares, the second after the first half of the addresses.
    let (one, two) = (corner(first), corner(first | 1 << (host_bits - 1)));
    let least = [one[0].min(two[0]), one[1].min(two[1])];
    let most = [one[0].max(two[0]), one[1].max(two[1])];
    (least, [most[0] - least[0] + side, most[1] - least[1] + side])
}

/// A square of the picture: level 0 is all of it, each level halves the side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileKey {
    /// 0 to [`LEVEL_MAX`].
    pub level: u8,
    /// Columns of tiles from the left.
    pub x: u16,
    /// Rows of tiles from the top.
    pub y: u16,
}

impl TileKey {
    /// The tile that is all of the square.
    pub const ROOT: Self = Self { level: 0, x: 0, y: 0 };

    /// The tile of a level around a cell.
    pub fn around([x, y]: [u32; 2], level: u8) -> Self {
        let level = level.min(LEVEL_MAX);
        let tile = |at: u32| (at.min(SIDE - 1) >> (16 - u32::from(level))) as u16;
        Self { level, x: tile(x), y: tile(y) }
    }

    /// The tile of the level above that this one is a quarter of.
    pub fn above(self) -> Option<Self> {
        let level = self.level.checked_sub(1)?;
        Some(Self { level, x: self.x / 2, y: self.y / 2 })
    }

    /// Addresses' cells of a side.
    pub const fn side(self) -> u32 {
        SIDE >> self.level
    }

    /// The upper left cell.
    pub fn corner(self) -> [u32; 2] {
        [u32::from(self.x) * self.side(), u32::from(self.y) * self.side()]
    }

    /// All its addresses.
    pub fn prefix(self) -> Prefix {
        let corner = self.corner().map(|at| at as u16);
        let addr = Addr::V4(Ipv4Addr::from_bits(addr_of(corner)));
        Prefix::new(addr, 2 * self.level).unwrap_or_else(|| Prefix::host(addr))
    }

    /// First and last address.
    pub fn ends(self) -> (u32, u32) {
        let host_bits = 32 - 2 * u32::from(self.level);
        let first = addr_of(self.corner().map(|at| at as u16));
        let span = u32::MAX.checked_shr(32 - host_bits).unwrap_or(0);
        (first & !span, first | span)
    }

    /// Bits of an address within one cell of the tile's picture.
    pub const fn cell_bits(self) -> u32 {
        16 - 2 * self.level as u32
    }

    /// The place of a picture's cell in its rows, by its number in the order of addresses.
    pub fn place(self, number: u32) -> usize {
        let (first, _) = self.ends();
        let [x, y] = cell_of(first | number << self.cell_bits());
        let side = self.side() / TILE_SIDE as u32;
        let [left, top] = self.corner();
        let (column, row) = ((u32::from(x) - left) / side, (u32::from(y) - top) / side);
        row as usize * TILE_SIDE + column as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_curves_are_those_of_hilberts_drawings() {
        // The four quarters, then the sixteen squares of the second curve.
        let corner = |addr: u32, shift: u32| cell_of(addr).map(|at| u32::from(at) >> shift);
        let first: Vec<_> = (0..4_u32).map(|quarter| corner(quarter << 30, 15)).collect();
        assert_eq!(first, [[0, 0], [0, 1], [1, 1], [1, 0]]);
        let second: Vec<_> = (0..16_u32).map(|square| corner(square << 28, 14)).collect();
        assert_eq!(
            second,
            [
                [0, 0],
                [1, 0],
                [1, 1],
                [0, 1],
                [0, 2],
                [0, 3],
                [1, 3],
                [1, 2],
                [2, 2],
                [2, 3],
                [3, 3],
                [3, 2],
                [3, 1],
                [2, 1],
                [2, 0],
                [3, 0],
            ]
        );
        assert_eq!(cell_of(0), [0, 0]);
        assert_eq!(cell_of(u32::MAX), [u16::MAX, 0]);
    }

    #[test]
    fn prefixes_are_squares_or_two_of_them() {
        assert_eq!(square_of(0, 0), ([0, 0], [SIDE, SIDE]));
        assert_eq!(square_of(0, 1), ([0, 0], [SIDE / 2, SIDE]));
        assert_eq!(square_of(10 << 24, 8).1, [4_096, 4_096]);
        let (_, loop_sides) = square_of(0xe000_0000, 4);
        assert_eq!(loop_sides, [16_384, 16_384]);
        assert_eq!(square_of(7, 32).1, [1, 1]);
    }

    #[test]
    fn tiles_are_prefixes_and_their_cells_lie_inside() {
        for (level, len) in [(0, 0), (1, 2), (4, 8), (8, 16)] {
            let tile = TileKey::around([40_000, 20_000], level);
            let prefix = tile.prefix();
            assert_eq!(prefix.len(), len);
            let (first, last) = tile.ends();
            assert_eq!(
                (u128::from(first), u128::from(last)),
                (prefix.first().bits(), prefix.last().bits())
            );
            let mut places: Vec<usize> = (0..1 << 16).map(|number| tile.place(number)).collect();
            places.sort_unstable();
            assert!(places.iter().copied().eq(0..1 << 16), "each cell once");
        }
        let tile = TileKey { level: 3, x: 5, y: 2 };
        assert_eq!(tile.above(), Some(TileKey { level: 2, x: 2, y: 1 }));
        assert_eq!(TileKey::ROOT.above(), None);
    }

    proptest! {
        #[test]
        fn there_and_back_is_where_one_was(addr: u32, x: u16, y: u16) {
            prop_assert_eq!(addr_of(cell_of(addr)), addr);
            prop_assert_eq!(cell_of(addr_of([x, y])), [x, y]);
        }

        #[test]
        fn one_step_along_the_curve_is_one_step_on_the_square(addr in 0..u32::MAX) {
            let ([x, y], [u, v]) = (cell_of(addr), cell_of(addr + 1));
            prop_assert_eq!(x.abs_diff(u) + y.abs_diff(v), 1);
        }

        #[test]
        fn all_of_a_prefix_lies_in_its_square(addr: u32, len in 0_u8..=32, inside: u32) {
            let span = u32::MAX.checked_shr(u32::from(len)).unwrap_or(0);
            let first = addr & !span;
            let (corner, sides) = square_of(first, len);
            prop_assert_eq!(u64::from(sides[0]) * u64::from(sides[1]), u64::from(span) + 1);
            let at = cell_of(first | inside & span);
            for axis in 0..2 {
                let at = u32::from(at[axis]);
                prop_assert!(at >= corner[axis] && at - corner[axis] < sides[axis]);
            }
        }
    }
}
