//! The picture of IPv4 space: a view says which tiles it sees, a thread draws them, each tile comes
//! in a snapshot of its own.
//!
//! Tiles are kept, so that going back costs nothing; what was asked for before and is not drawn yet
//! is given up when the view moves on. Tiles of reference data die with what addresses are judged
//! by, those of hosts with the hosts shown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::columns::HostColumns;
use super::hilbert::TileKey;
use super::state::{Engine, Message};
use super::tiles::{Dot, Occupied, Paint, Tile, Top, dots, occupied, tile};
use crate::engine::context::Context;
use crate::engine::explore::{in_brief, smallest};
use crate::model::{Addr, Prefix};

/// Tiles of one wish: a screen of 4K has some forty.
pub const TILES_ASKED_MAX: usize = 128;

/// Tiles that are kept, of 330 kB each.
const TILES_KEPT_MAX: usize = 160;

/// What a view wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureWish {
    /// By what it is coloured.
    pub paint: Paint,
    /// The tiles in sight, the most wanted first; no more than [`TILES_ASKED_MAX`] are drawn.
    pub tiles: Vec<TileKey>,
}

/// The picture as far as it is drawn.
#[derive(Clone, Debug, Default)]
pub struct PictureView {
    /// By what it is coloured; `None`: it was never asked for.
    pub paint: Option<Paint>,
    /// All tiles that are there.
    pub tiles: Arc<BTreeMap<TileKey, Arc<Tile>>>,
    /// The hosts shown, by tile.
    pub dots: Arc<BTreeMap<TileKey, Arc<Vec<Dot>>>>,
    /// The largest classes of all IPv4 space: they have colours of their own.
    pub ranked: Arc<Vec<Top>>,
    /// How many tiles are still to come.
    pub missing: usize,
    /// Lists that can be asked for.
    pub lists: Arc<Vec<Arc<str>>>,
    /// What is known of the prefix under the pointer.
    pub looked: Option<Arc<Looked>>,
    /// Why nothing comes.
    pub failed: Option<String>,
}

/// What is known of a prefix, in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Which.
    pub prefix: Prefix,
    /// What is said of its first address.
    pub text: String,
    /// Whether that holds for all of it.
    pub is_whole: bool,
}

/// What a thread has drawn.
pub(super) enum Drawn {
    /// A tile, in the state of things at that time.
    Tile(u32, Paint, TileKey, Arc<Tile>),
    /// Its hosts.
    Dots(u32, TileKey, Arc<Vec<Dot>>),
    /// The hosts in order, so that they are not ordered again.
    Occupied(u32, Arc<Occupied>),
    /// Lists that can be asked for.
    Lists(u32, Vec<Arc<str>>),
    /// What is known of a prefix.
    Looked(Arc<Looked>),
}

/// What the engine keeps of it.
#[derive(Default)]
pub(super) struct Easel {
    wish: Option<PictureWish>,
    stop: Arc<AtomicBool>,
    /// Counts what addresses are judged by, and the hosts shown: what was drawn before is old.
    era: u32,
    /// Tiles with the count of the wish that used them last.
    tiles: BTreeMap<(Paint, TileKey), (Arc<Tile>, u64)>,
    dots: BTreeMap<TileKey, (Arc<Vec<Dot>>, u64)>,
    /// Counts wishes.
    wishes: u64,
    /// The hosts shown when tiles were drawn.
    hosts: Option<(Arc<HostColumns>, Arc<Vec<u32>>)>,
    occupied: Option<Arc<Occupied>>,
    /// Whether a prefix is being looked at, and which comes next.
    looking: bool,
    next_look: Option<Prefix>,
}

/// One round of drawing.
struct Round {
    era: u32,
    paint: Paint,
    tiles: Vec<TileKey>,
    dots: Vec<TileKey>,
    context: Arc<Context>,
    hosts: (Arc<HostColumns>, Arc<Vec<u32>>),
    occupied: Option<Arc<Occupied>>,
    with_lists: bool,
    stop: Arc<AtomicBool>,
}

impl Round {
    fn draw(self, tell: &dyn Fn(Drawn)) {
        let occupied = self.occupied.clone().unwrap_or_else(|| {
            let ordered = Arc::new(occupied(&self.hosts.0, &self.hosts.1));
            tell(Drawn::Occupied(self.era, Arc::clone(&ordered)));
            ordered
        });
        if self.with_lists {
            tell(Drawn::Lists(self.era, self.context.intel.all_list_ids()));
        }
        for &key in &self.dots {
            tell(Drawn::Dots(self.era, key, Arc::new(dots(&occupied, key))));
        }
        for &key in &self.tiles {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let drawn = tile(&self.paint, key, &self.context.intel, &occupied);
            tell(Drawn::Tile(self.era, self.paint.clone(), key, Arc::new(drawn)));
        }
    }
}

impl Engine {
    /// Draws what a view sees now, and gives up what it saw before.
    pub(super) fn picture(&mut self, wish: PictureWish) {
        self.easel.stop.store(true, Ordering::Relaxed);
        self.follow_hosts();
        self.easel.wishes += 1;
        self.easel.wish = Some(wish);
        self.draw_picture();
    }

    /// Draws again, because what addresses are judged by has changed.
    pub(super) fn picture_again(&mut self) {
        self.easel.stop.store(true, Ordering::Relaxed);
        self.easel.era += 1;
        self.easel.tiles.clear();
        self.easel.dots.clear();
        self.easel.occupied = None;
        Arc::make_mut(&mut self.next.picture).lists = Arc::default();
        if self.easel.wish.is_some() {
            self.draw_picture();
        }
    }

    /// Tiles of other hosts than those shown are of no use.
    fn follow_hosts(&mut self) {
        let hosts = &self.next.hosts;
        let same = self.easel.hosts.as_ref().is_some_and(|(all, shown)| {
            Arc::ptr_eq(all, &hosts.all) && Arc::ptr_eq(shown, &hosts.shown)
        });
        if !same {
            let now = (Arc::clone(&hosts.all), Arc::clone(&hosts.shown));
            let easel = &mut self.easel;
            easel.hosts = Some(now);
            easel.era += 1;
            easel.occupied = None;
            easel.dots.clear();
            easel.tiles.retain(|(paint, _), _| !paint.is_of_hosts());
        }
    }

    fn draw_picture(&mut self) {
        self.follow_hosts();
        let easel = &mut self.easel;
        let Some(wish) = easel.wish.clone() else { return };
        let wanted: Vec<TileKey> = [TileKey::ROOT]
            .into_iter()
            .chain(wish.tiles.iter().copied().filter(|&key| key != TileKey::ROOT))
            .take(TILES_ASKED_MAX)
            .collect();
        let mut tiles = Vec::new();
        let mut without_dots = Vec::new();
        for &key in &wanted {
            match easel.tiles.get_mut(&(wish.paint.clone(), key)) {
                Some((_, used)) => *used = easel.wishes,
                None => tiles.push(key),
            }
            match easel.dots.get_mut(&key) {
                Some((_, used)) => *used = easel.wishes,
                None => without_dots.push(key),
            }
        }
        self.show_picture();
        let (Some(context), Some(hosts)) = (self.context.clone(), self.easel.hosts.clone()) else {
            return;
        };
        if tiles.is_empty() && without_dots.is_empty() {
            return;
        }
        let stop = Arc::<AtomicBool>::default();
        self.easel.stop = Arc::clone(&stop);
        let round = Round {
            era: self.easel.era,
            paint: wish.paint,
            tiles,
            dots: without_dots,
            context,
            hosts,
            occupied: self.easel.occupied.clone(),
            with_lists: self.next.picture.lists.is_empty(),
            stop,
        };
        let engine = self.inbox.clone();
        let tell = move |drawn| drop(engine.send(Message::Drawn(drawn)));
        let drawing = move || round.draw(&tell);
        let thread = thread::Builder::new().name("job-picture".to_owned()).spawn(drawing);
        Arc::make_mut(&mut self.next.picture).failed = thread.err().map(|error| error.to_string());
    }

    /// Takes what a thread has drawn, unless it is old by now.
    pub(super) fn hear_drawn(&mut self, drawn: Drawn) {
        let (now, used) = (self.easel.era, self.easel.wishes);
        match drawn {
            Drawn::Tile(era, paint, key, tile) if era == now => {
                self.easel.tiles.insert((paint, key), (tile, used));
                self.easel.forget_the_oldest();
                self.show_picture();
            }
            Drawn::Dots(era, key, dots) if era == now => {
                self.easel.dots.insert(key, (dots, used));
                self.easel.forget_the_oldest();
                self.show_picture();
            }
            Drawn::Occupied(era, occupied) if era == now => self.easel.occupied = Some(occupied),
            Drawn::Lists(era, lists) if era == now => {
                Arc::make_mut(&mut self.next.picture).lists = Arc::new(lists);
            }
            Drawn::Looked(looked) => {
                Arc::make_mut(&mut self.next.picture).looked = Some(looked);
                self.easel.looking = false;
                if let Some(next) = self.easel.next_look.take() {
                    self.look_at(next);
                }
            }
            Drawn::Tile(..) | Drawn::Dots(..) | Drawn::Occupied(..) | Drawn::Lists(..) => {}
        }
    }

    /// Puts into the snapshot what is there of the picture.
    fn show_picture(&mut self) {
        let easel = &self.easel;
        let Some(wish) = &easel.wish else { return };
        let of_paint = |((paint, key), (tile, _)): (&(Paint, TileKey), &(Arc<Tile>, u64))| {
            (*paint == wish.paint).then(|| (*key, Arc::clone(tile)))
        };
        let tiles: BTreeMap<TileKey, Arc<Tile>> = easel.tiles.iter().filter_map(of_paint).collect();
        let dots = easel.dots.iter().map(|(key, (dots, _))| (*key, Arc::clone(dots))).collect();
        let missing = wish.tiles.iter().take(TILES_ASKED_MAX);
        let missing = missing.filter(|key| !tiles.contains_key(key)).count();
        let ranked = tiles.get(&TileKey::ROOT).map(|root| root.tops.clone()).unwrap_or_default();
        let view = Arc::make_mut(&mut self.next.picture);
        view.paint = Some(wish.paint.clone());
        if *view.ranked != ranked {
            view.ranked = Arc::new(ranked);
        }
        (view.tiles, view.dots, view.missing) = (Arc::new(tiles), Arc::new(dots), missing);
    }

    /// Looks at one prefix in a thread; while one is looked at, only the newest waits.
    pub(super) fn look_at(&mut self, prefix: Prefix) {
        let Some(context) = self.context.clone() else { return };
        if self.easel.looking {
            self.easel.next_look = Some(prefix);
            return;
        }
        let engine = self.inbox.clone();
        let work = move || {
            let looked = Arc::new(looked(&context, prefix));
            engine.send(Message::Drawn(Drawn::Looked(looked))).ok();
        };
        let thread = thread::Builder::new().name("job-look".to_owned()).spawn(work);
        self.easel.looking = thread.is_ok();
    }
}

/// What is said of a prefix.
fn looked(context: &Context, prefix: Prefix) -> Looked {
    let addr: Addr = prefix.first();
    let rows = context.intel.said(addr);
    let is_whole = smallest(&rows).is_none_or(|range| range.contains(prefix.last()));
    Looked { prefix, text: in_brief(&rows), is_whole }
}

impl Easel {
    /// Ends what is being drawn.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn forget_the_oldest(&mut self) {
        while self.tiles.len() > TILES_KEPT_MAX {
            let oldest = self.tiles.iter().min_by_key(|(_, (_, used))| *used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { break };
            self.tiles.remove(&oldest);
        }
        while self.dots.len() > TILES_KEPT_MAX {
            let oldest = self.dots.iter().min_by_key(|(_, (_, used))| *used);
            let Some(oldest) = oldest.map(|(key, _)| *key) else { break };
            self.dots.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::until;
    use super::super::{Command, Workbench};
    use super::*;
    use crate::engine::workbench::hilbert::cell_of;

    fn tiles_around(text: &str, level: u8) -> Vec<TileKey> {
        let Addr::V4(addr) = text.parse().unwrap() else { panic!("{text}") };
        vec![TileKey::around(cell_of(addr.to_bits()).map(u32::from), level)]
    }

    #[test]
    fn what_is_seen_is_drawn_kept_and_given_up_when_the_view_moves_on() {
        let workbench = Workbench::start(Arc::new(|| ())).unwrap();
        workbench.send(Command::Paste("192.0.2.7 192.0.2.8 2001:db8::1".to_owned()));
        until(&workbench, |it| it.hosts.all.len() == 3 && it.jobs[0].state.is_over());
        let tiles = tiles_around("192.0.2.7", 8);
        let wish = PictureWish { paint: Paint::Hosts, tiles: tiles.clone() };
        workbench.send(Command::Picture(wish));
        let is_drawn = |it: &crate::engine::workbench::Snapshot| {
            it.picture.missing == 0 && it.picture.dots.contains_key(&tiles[0])
        };
        let snapshot = until(&workbench, is_drawn);
        let tile = &snapshot.picture.tiles[&tiles[0]];
        assert_eq!(tile.known, 2, "the IPv6 host is not in the picture");
        assert_eq!(snapshot.picture.dots[&tiles[0]].len(), 2);
        assert!(snapshot.picture.tiles.contains_key(&TileKey::ROOT), "always there");

        // Wishes one upon another: the last one is fulfilled.
        for level in 1..=8 {
            let tiles = tiles_around("198.51.100.1", level);
            workbench.send(Command::Picture(PictureWish { paint: Paint::Bands, tiles }));
        }
        let last = tiles_around("198.51.100.1", 8)[0];
        let snapshot = until(&workbench, |it| {
            it.picture.paint == Some(Paint::Bands) && it.picture.tiles.contains_key(&last)
        });
        assert_eq!(snapshot.picture.missing, 0);
        assert_eq!(snapshot.picture.ranked.iter().map(|top| top.count).sum::<u64>(), 2);

        let prefix: Prefix = "10.0.0.0/9".parse().unwrap();
        workbench.send(Command::LookAt(prefix));
        let snapshot = until(&workbench, |it| it.picture.looked.is_some());
        let looked = snapshot.picture.looked.as_ref().unwrap();
        assert_eq!((looked.prefix, looked.is_whole), (prefix, true));
        assert!(looked.text.contains("private"), "{looked:?}");
    }

    #[test]
    fn no_more_tiles_are_kept_than_there_is_room_for() {
        let mut easel = Easel::default();
        let tile = Arc::new(Tile { classes: vec![], shares: vec![], tops: vec![], known: 0 });
        for number in 0..=TILES_KEPT_MAX as u16 {
            let key = TileKey { level: 8, x: number, y: 0 };
            easel.tiles.insert((Paint::Hosts, key), (Arc::clone(&tile), u64::from(number)));
            easel.dots.insert(key, (Arc::default(), u64::from(number)));
            easel.forget_the_oldest();
        }
        assert_eq!((easel.tiles.len(), easel.dots.len()), (TILES_KEPT_MAX, TILES_KEPT_MAX));
        assert!(!easel.dots.contains_key(&TileKey { level: 8, x: 0, y: 0 }), "the oldest went");
    }
}
