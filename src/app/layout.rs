//! Where the views are, in names: what is kept from one run to the next, whatever views there are
//! then.

use std::collections::BTreeSet;

use egui::Id;
use egui_tiles::{Container, LinearDir, Tile, TileId, Tiles, Tree};
use serde::{Deserialize, Serialize};

/// How deep places may lie in each other: a file can say anything.
const DEPTH_MAX: usize = 8;

/// A place and what is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Layout {
    /// Views behind each other.
    Tabs {
        /// The one in front.
        front: Option<String>,
        /// All of them, by title.
        views: Vec<String>,
    },
    /// Places beside each other.
    Row {
        /// How wide they are to each other.
        shares: Vec<f32>,
        /// From the left.
        parts: Vec<Layout>,
    },
    /// Places below each other.
    Column {
        /// How high they are to each other.
        shares: Vec<f32>,
        /// From the top.
        parts: Vec<Layout>,
    },
}

impl Default for Layout {
    fn default() -> Self {
        Self::Tabs { front: None, views: Vec::new() }
    }
}

impl Layout {
    /// Writes down where views are; `titles` names them.
    pub(super) fn of(tree: &Tree<usize>, titles: &[&str]) -> Self {
        let root = tree.root().map(|root| place(&tree.tiles, root, titles, DEPTH_MAX));
        root.unwrap_or_default()
    }

    /// Puts views where they were: each once, those that are not named into the last place. `None`:
    /// no view of today is named.
    pub(super) fn tree(&self, titles: &[&str]) -> Option<Tree<usize>> {
        let mut builder =
            Builder { titles, tiles: Tiles::default(), placed: BTreeSet::new(), last: None };
        let root = builder.place(self, DEPTH_MAX)?;
        let missing = (0..titles.len()).filter(|number| !builder.placed.contains(number));
        for number in missing.collect::<Vec<_>>() {
            let pane = builder.tiles.insert_pane(number);
            let last = builder.last.and_then(|last| builder.tiles.get_mut(last));
            if let Some(Tile::Container(container)) = last {
                container.add_child(pane);
            }
        }
        Some(Tree::new(Id::unique("views"), root, builder.tiles))
    }
}

fn place(tiles: &Tiles<usize>, tile: TileId, titles: &[&str], depth: usize) -> Layout {
    match tiles.get(tile) {
        Some(Tile::Container(Container::Linear(linear))) if depth > 0 => {
            let shares = linear.children.iter().map(|child| linear.shares[*child]).collect();
            let parts = linear.children.iter();
            let parts = parts.map(|&child| place(tiles, child, titles, depth - 1)).collect();
            match linear.dir {
                LinearDir::Horizontal => Layout::Row { shares, parts },
                LinearDir::Vertical => Layout::Column { shares, parts },
            }
        }
        Some(Tile::Container(Container::Grid(grid))) if depth > 0 => {
            let parts: Vec<Layout> =
                grid.children().map(|&child| place(tiles, child, titles, depth - 1)).collect();
            Layout::Row { shares: vec![1.0; parts.len()], parts }
        }
        _ => {
            let mut views = Vec::new();
            collect(tiles, tile, titles, &mut views);
            let front = match tiles.get_container(tile) {
                Some(Container::Tabs(tabs)) => tabs.active,
                _ => None,
            };
            let front = front.and_then(|front| tiles.get_pane(&front));
            let front = front.and_then(|&number| titles.get(number));
            Layout::Tabs { front: front.map(|&title| title.to_owned()), views }
        }
    }
}

/// All views in a tile, however deep.
fn collect(tiles: &Tiles<usize>, tile: TileId, titles: &[&str], views: &mut Vec<String>) {
    match tiles.get(tile) {
        Some(Tile::Pane(number)) => {
            views.extend(titles.get(*number).map(|&title| title.to_owned()));
        }
        Some(Tile::Container(container)) => {
            for &child in container.children() {
                collect(tiles, child, titles, views);
            }
        }
        None => {}
    }
}

struct Builder<'a> {
    titles: &'a [&'a str],
    tiles: Tiles<usize>,
    placed: BTreeSet<usize>,
    /// The tabs that were made last.
    last: Option<TileId>,
}

impl Builder<'_> {
    fn place(&mut self, layout: &Layout, depth: usize) -> Option<TileId> {
        let (dir, shares, parts) = match layout {
            Layout::Tabs { front, views } => return self.tabs(front.as_deref(), views),
            Layout::Row { shares, parts } => (LinearDir::Horizontal, shares, parts),
            Layout::Column { shares, parts } => (LinearDir::Vertical, shares, parts),
        };
        let depth = depth.checked_sub(1)?;
        let mut children = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let share = shares.get(number).copied().filter(|share| share.is_finite());
            if let Some(child) = self.place(part, depth) {
                children.push((child, share.unwrap_or(1.0).clamp(0.05, 20.0)));
            }
        }
        if children.is_empty() {
            return None;
        }
        let tile = self.tiles.insert_container(Container::new_linear(
            dir,
            children.iter().map(|(child, _)| *child).collect(),
        ));
        if let Some(Tile::Container(Container::Linear(linear))) = self.tiles.get_mut(tile) {
            for (child, share) in children {
                linear.shares.set_share(child, share);
            }
        }
        Some(tile)
    }

    fn tabs(&mut self, front: Option<&str>, views: &[String]) -> Option<TileId> {
        let mut panes = Vec::new();
        let mut active = None;
        for view in views {
            let number = self.titles.iter().position(|title| title == view);
            let Some(number) = number.filter(|number| self.placed.insert(*number)) else {
                continue;
            };
            let pane = self.tiles.insert_pane(number);
            if front == Some(view) {
                active = Some(pane);
            }
            panes.push(pane);
        }
        if panes.is_empty() {
            return None;
        }
        let tile = self.tiles.insert_tab_tile(panes);
        if let (Some(active), Some(Tile::Container(Container::Tabs(tabs)))) =
            (active, self.tiles.get_mut(tile))
        {
            tabs.set_active(active);
        }
        self.last = Some(tile);
        Some(tile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLES: [&str; 4] = ["Map", "Hosts", "Flows", "Data"];

    fn tabs(front: &str, views: &[&str]) -> Layout {
        let views = views.iter().map(|&view| view.to_owned()).collect();
        Layout::Tabs { front: Some(front.to_owned()), views }
    }

    #[test]
    fn a_layout_comes_back_through_the_file() {
        let layout = Layout::Column {
            shares: vec![1.0, 2.5],
            parts: vec![
                Layout::Row {
                    shares: vec![1.0, 1.0],
                    parts: vec![tabs("Map", &["Map"]), tabs("Data", &["Data"])],
                },
                tabs("Flows", &["Hosts", "Flows"]),
            ],
        };
        let tree = layout.tree(&TITLES).unwrap();
        assert_eq!(Layout::of(&tree, &TITLES), layout);
        let text = toml::to_string_pretty(&layout).unwrap();
        assert_eq!(toml::from_str::<Layout>(&text).unwrap(), layout, "{text}");
    }

    #[test]
    fn views_that_came_since_stand_in_the_last_place_and_those_gone_are_left_out() {
        let layout = Layout::Column {
            shares: vec![1.0],
            parts: vec![tabs("Map", &["Map", "Gone"]), tabs("Hosts", &["Hosts", "Map"])],
        };
        let tree = layout.tree(&TITLES).unwrap();
        let wanted = Layout::Column {
            shares: vec![1.0, 1.0],
            parts: vec![tabs("Map", &["Map"]), tabs("Hosts", &["Hosts", "Flows", "Data"])],
        };
        assert_eq!(Layout::of(&tree, &TITLES), wanted);
    }

    #[test]
    fn nonsense_is_no_layout() {
        assert!(Layout::default().tree(&TITLES).is_none());
        assert!(tabs("x", &["x", "y"]).tree(&TITLES).is_none());
        let deep = (0..100).fold(tabs("Map", &["Map"]), |inner, _| Layout::Row {
            shares: vec![f32::NAN],
            parts: vec![inner],
        });
        assert!(deep.tree(&TITLES).is_none());
    }
}
