//! Which rows a person has chosen: by what they are, not by where they stand.
//!
//! A table tells what was done as a [`Pick`] of places; [`Chosen`] keeps identities, so that
//! sorting and rows that arrive later do not change what is chosen.

use std::hash::Hash;
use std::ops::RangeInclusive;

use hashbrown::HashSet;

/// Rows that can be chosen at once: what a person copies; more go out as a file. A hundred thousand
/// identities are a few MB, and their text is written within half a second.
pub const CHOSEN_MAX: usize = 100_000;

/// What a person did to the choice, in places of the list as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// This row and no other: click, arrow.
    Only(usize),
    /// This row too, or no longer: Ctrl+click.
    Toggle(usize),
    /// From the row that was picked last to this one: Shift+click, Shift+arrow.
    To(usize),
    /// All rows: Ctrl+A.
    All,
    /// None: Escape.
    Nothing,
}

/// The chosen rows of a list.
#[derive(Clone, Debug)]
pub struct Chosen<K> {
    keys: HashSet<K>,
    /// Where a range begins.
    anchor: Option<(usize, K)>,
    /// What the window as a whole has selected, as far as this list has heard.
    followed: Option<K>,
    /// Whether there was more to choose than [`CHOSEN_MAX`].
    is_cut: bool,
}

impl<K> Default for Chosen<K> {
    fn default() -> Self {
        Self { keys: HashSet::new(), anchor: None, followed: None, is_cut: false }
    }
}

impl<K: Copy + Eq + Hash> Chosen<K> {
    /// How many rows are chosen.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether this one is.
    pub fn contains(&self, key: K) -> bool {
        self.keys.contains(&key)
    }

    /// Whether only the first [`CHOSEN_MAX`] of what was picked are chosen.
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Hears what the window has selected. A row that is selected elsewhere is chosen alone; one
    /// that is chosen already leaves the others chosen. `true`: it is new, and to be brought into
    /// sight.
    pub fn follow(&mut self, selected: Option<K>) -> bool {
        if self.followed == selected {
            return false;
        }
        self.followed = selected;
        match selected {
            Some(key) if self.contains(key) => {}
            Some(key) => {
                self.only(key);
                self.anchor = None;
            }
            None => self.clear(),
        }
        true
    }

    /// Does what a person did. `rows` is the length of the list; `key` tells what stands in a row,
    /// `None`: nothing that can be chosen.
    pub fn pick(&mut self, pick: &Pick, rows: usize, key: impl Fn(usize) -> Option<K>) {
        match *pick {
            Pick::Only(row) => {
                self.clear();
                if let Some(key) = key(row) {
                    self.only(key);
                    self.anchor = Some((row, key));
                }
            }
            Pick::Toggle(row) => {
                let Some(key) = key(row) else { return };
                if !self.keys.remove(&key) {
                    self.extend([key].into_iter());
                }
                self.anchor = Some((row, key));
            }
            Pick::To(row) => {
                let from = self.anchor_row(rows, &key).unwrap_or(row);
                let range = from.min(row)..=from.max(row);
                let anchor = key(from).map(|key| (from, key));
                self.range(range, &key);
                self.anchor = anchor;
            }
            Pick::All if rows > 0 => self.range(0..=rows - 1, &key),
            Pick::All | Pick::Nothing => self.clear(),
        }
    }

    /// Chooses these and no others.
    pub fn choose(&mut self, keys: impl Iterator<Item = K>) {
        self.clear();
        self.extend(keys);
    }

    /// The places of the chosen rows, from the top; if none is chosen, that of the cursor.
    pub fn rows(
        &self,
        rows: usize,
        cursor: Option<usize>,
        key: impl Fn(usize) -> Option<K>,
    ) -> Vec<usize> {
        match self.is_empty() {
            true => cursor.filter(|&row| row < rows && key(row).is_some()).into_iter().collect(),
            false => {
                let is_chosen = |&row: &usize| key(row).is_some_and(|key| self.contains(key));
                (0..rows).filter(is_chosen).collect()
            }
        }
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.is_cut = false;
    }

    fn only(&mut self, key: K) {
        self.clear();
        self.keys.insert(key);
    }

    fn range(&mut self, rows: RangeInclusive<usize>, key: &impl Fn(usize) -> Option<K>) {
        self.clear();
        self.extend(rows.filter_map(key));
    }

    fn extend(&mut self, keys: impl Iterator<Item = K>) {
        for key in keys {
            if self.keys.len() == CHOSEN_MAX && !self.keys.contains(&key) {
                self.is_cut = true;
                return;
            }
            self.keys.insert(key);
        }
    }

    /// Where the range begins now: the list may have been sorted since.
    fn anchor_row(&self, rows: usize, key: &impl Fn(usize) -> Option<K>) -> Option<usize> {
        let (row, wanted) = match self.anchor {
            Some(anchor) => anchor,
            None => (0, self.followed?),
        };
        match key(row) == Some(wanted) {
            true => Some(row),
            false => (0..rows).find(|&row| key(row) == Some(wanted)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Picks in a list, and says what is chosen then.
    fn check(list: &[u32], picks: &[Pick], chosen: &[u32]) {
        let mut state = Chosen::default();
        for pick in picks {
            state.pick(pick, list.len(), |row| list.get(row).copied());
        }
        let mut keys: Vec<u32> = state.keys.iter().copied().collect();
        keys.sort_unstable();
        assert_eq!(keys, chosen, "{picks:?}");
    }

    #[test]
    fn clicks_choose_as_lists_everywhere_do() {
        let list = [10, 20, 30, 40, 50];
        check(&list, &[Pick::Only(1)], &[20]);
        check(&list, &[Pick::Only(1), Pick::Only(3)], &[40]);
        check(&list, &[Pick::Only(1), Pick::Toggle(3)], &[20, 40]);
        check(&list, &[Pick::Only(1), Pick::Toggle(3), Pick::Toggle(1)], &[40]);
        check(&list, &[Pick::Only(1), Pick::To(3)], &[20, 30, 40]);
        check(&list, &[Pick::Only(3), Pick::To(1)], &[20, 30, 40]);
        check(&list, &[Pick::Only(2), Pick::To(4), Pick::To(1)], &[20, 30]);
        check(&list, &[Pick::To(2)], &[30]);
        check(&list, &[Pick::All], &list);
        check(&list, &[Pick::All, Pick::Nothing], &[]);
        check(&[], &[Pick::All], &[]);
    }

    #[test]
    fn rows_stay_chosen_where_they_go_and_a_range_begins_where_its_row_went() {
        let mut state = Chosen::default();
        state.pick(&Pick::Only(0), 3, |row| [7, 8, 9].get(row).copied());
        let turned = |row: usize| [9, 8, 7].get(row).copied();
        assert!(state.contains(7));
        state.pick(&Pick::To(1), 3, turned);
        assert!(state.contains(7) && state.contains(8) && !state.contains(9));
    }

    #[test]
    fn rows_that_cannot_be_chosen_are_left_out() {
        check(&[1, 0, 3], &[Pick::All], &[0, 1, 3]);
        let mut state = Chosen::default();
        state.pick(&Pick::All, 3, |row| (row != 1).then_some(row));
        assert_eq!(state.len(), 2);
    }

    #[test]
    fn what_is_selected_elsewhere_is_chosen_alone_unless_it_is_chosen_already() {
        let key = |row: usize| Some(row);
        let mut state = Chosen::default();
        assert!(state.follow(Some(4)), "new");
        assert!(!state.follow(Some(4)), "known");
        state.pick(&Pick::Toggle(5), 9, key);
        assert!(state.follow(Some(5)));
        assert_eq!(state.len(), 2, "both stay");
        assert!(state.follow(Some(7)));
        assert_eq!(state.len(), 1);
        assert!(state.follow(None));
        assert!(state.is_empty());
        state.follow(Some(2));
        state.pick(&Pick::To(4), 9, key);
        assert_eq!(state.len(), 3, "a range begins at what is selected");
    }

    #[test]
    fn more_than_can_be_chosen_is_told() {
        let mut state = Chosen::default();
        state.pick(&Pick::All, CHOSEN_MAX, Some);
        assert!(state.len() == CHOSEN_MAX && !state.is_cut());
        state.pick(&Pick::All, CHOSEN_MAX + 1, Some);
        assert!(state.len() == CHOSEN_MAX && state.is_cut());
        state.pick(&Pick::Only(3), CHOSEN_MAX + 1, Some);
        assert!(!state.is_cut());
    }
}
