//! Tiles on the screen: their colours, and what stands in where one is still to come.

use std::sync::Arc;

use egui::{Color32, ColorImage, Rect, TextureOptions, Ui, pos2};

use super::frame::Frame;
use super::{Hung, SpaceState, is_of};
use crate::app::theme::Palette;
use crate::engine::workbench::{
    Paint, PictureView, SIDE, Snapshot, TILE_SIDE, Tile, TileKey, Top, Verdict,
};

/// Tiles that are painted in one frame: each takes a millisecond at most.
const PAINTED_MAX: usize = 4;

/// How strong a colour is where next to nothing of a cell has it.
const FAINTEST: f32 = 0.35;

/// The place of a class among the largest of all space.
pub(super) fn rank(ranked: &[Top], class: u32) -> Option<usize> {
    ranked.iter().position(|top| top.class == class)
}

/// The colour of a class.
pub(super) fn colour(palette: &Palette, paint: &Paint, ranked: &[Top], class: u32) -> Color32 {
    match paint {
        Paint::Bands => {
            let place = (class as usize).saturating_sub(1);
            palette.band(Verdict::ALL.get(place).copied().unwrap_or_default())
        }
        _ => palette.thing(class, rank(ranked, class)),
    }
}

/// Draws all tiles in sight.
pub(super) fn draw(ui: &Ui, snapshot: &Snapshot, state: &mut SpaceState, frame: &Frame) {
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(frame.rect);
    let square = frame.square([0, 0], [SIDE, SIDE]);
    painter.rect_filled(square, 0.0, palette.raised);
    let picture = &snapshot.picture;
    if !is_of(snapshot, &state.paint) {
        return;
    }
    let tiles = frame.tiles();
    hang(ui, picture, state, &tiles);
    for key in tiles {
        let mut from = Some(key);
        // A coarser one stands in for a tile that is still to come.
        while let Some(there) = from {
            if let Some((_, _, texture)) = state.hung.get(&there) {
                let place = frame.square(key.corner(), [key.side(); 2]);
                painter.image(texture.id(), place, part_of(key, there), Color32::WHITE);
                break;
            }
            from = there.above();
        }
    }
}

/// Which part of a tile a finer one is.
fn part_of(fine: TileKey, coarse: TileKey) -> Rect {
    let [corner, from] = [fine.corner(), coarse.corner()];
    let side = coarse.side() as f32;
    let at = |axis: usize| (corner[axis] - from[axis]) as f32 / side;
    let size = fine.side() as f32 / side;
    Rect::from_min_max(pos2(at(0), at(1)), pos2(at(0) + size, at(1) + size))
}

/// Makes pictures of tiles that are new, and forgets those that are out of sight.
fn hang(ui: &Ui, picture: &PictureView, state: &mut SpaceState, tiles: &[TileKey]) {
    let palette = Palette::of(ui);
    let made_of = stamp(palette, &state.paint, &picture.ranked);
    state.hung.retain(|key, (tile, made, _)| {
        *made == made_of && picture.tiles.get(key).is_some_and(|now| Arc::ptr_eq(now, tile))
    });
    let is_missing = |key: &&TileKey| !state.hung.contains_key(key);
    let wanted = std::iter::once(&TileKey::ROOT).chain(tiles).filter(is_missing);
    let new: Vec<(TileKey, Arc<Tile>)> = wanted
        .filter_map(|key| Some((*key, Arc::clone(picture.tiles.get(key)?))))
        .take(PAINTED_MAX)
        .collect();
    if new.len() == PAINTED_MAX {
        ui.ctx().request_repaint();
    }
    for (key, tile) in new {
        let image = painted(palette, &state.paint, &picture.ranked, &tile);
        let name = format!("space {} {} {}", key.level, key.x, key.y);
        let texture = ui.ctx().load_texture(name, image, TextureOptions::NEAREST);
        let hung: Hung = (tile, made_of, texture);
        state.hung.insert(key, hung);
    }
}

/// Tells apart by what tiles were coloured: theme, paint, and the largest classes.
fn stamp(palette: &Palette, paint: &Paint, ranked: &[Top]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (palette.ground.to_array(), palette.text.to_array(), paint).hash(&mut hasher);
    ranked.iter().for_each(|top| top.class.hash(&mut hasher));
    hasher.finish()
}

fn painted(palette: &Palette, paint: &Paint, ranked: &[Top], tile: &Tile) -> ColorImage {
    let mut last = (0, palette.raised);
    let cells = tile.classes.iter().zip(&tile.shares).map(|(&class, &share)| {
        if class == 0 {
            return palette.raised;
        }
        if paint.is_amount() {
            return palette.scaled(share);
        }
        if last.0 != class {
            last = (class, colour(palette, paint, ranked, class));
        }
        let strength = FAINTEST + (1.0 - FAINTEST) * f32::from(share) / 255.0;
        palette.raised.lerp_to_gamma(last.1, strength)
    });
    ColorImage::new([TILE_SIDE; 2], cells.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::theme::DARK;

    #[test]
    fn the_part_of_a_coarser_tile_is_where_the_finer_one_lies() {
        let fine = TileKey { level: 3, x: 5, y: 2 };
        let part = part_of(fine, TileKey { level: 1, x: 1, y: 0 });
        assert_eq!(part, Rect::from_min_max(pos2(0.25, 0.5), pos2(0.5, 0.75)));
        assert_eq!(part_of(fine, fine), Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)));
    }

    #[test]
    fn the_largest_have_colours_of_their_own_and_shares_are_seen() {
        let top = |class: u32| Top { class, name: String::new(), count: 1 };
        let ranked = [top(7), top(9)];
        let of = |class| colour(&DARK, &Paint::System, &ranked, class);
        assert_eq!((of(7), of(9)), (DARK.things[0], DARK.things[1]));
        assert!(DARK.others.contains(&of(11)));
        let tile = Tile { classes: vec![0, 7, 7], shares: vec![0, 255, 1], tops: vec![], known: 2 };
        let cells = TILE_SIDE * TILE_SIDE;
        let fill = |mut tile: Tile| {
            tile.classes.resize(cells, 0);
            tile.shares.resize(cells, 0);
            tile
        };
        let image = painted(&DARK, &Paint::System, &ranked, &fill(tile));
        assert_eq!(image.pixels[..2], [DARK.raised, DARK.things[0]]);
        assert!(image.pixels[2] != DARK.things[0] && image.pixels[2] != DARK.raised);
    }
}
