//! Which line of the table is which host or group: hosts one by one, or folded into groups.

use std::sync::Arc;

use hashbrown::HashSet;

use crate::app::widgets::table::Fold;
use crate::engine::workbench::{Group, GroupBy, Groups};

/// What stands in a line.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'a> {
    /// A group, and whether its hosts are shown below.
    Group(&'a Group, Fold),
    /// A host's row.
    Host(u32),
}

/// The lines of the table.
#[derive(Default)]
pub(super) struct Lines {
    groups: Option<Arc<Groups>>,
    /// The hosts shown, where there are no groups.
    shown: Arc<Vec<u32>>,
    /// The line of each group; counted anew when groups or what is open change, not in each frame.
    starts: Vec<usize>,
    len: usize,
    /// Counts the times that lines changed their places.
    version: u64,
    /// Groups that are unfolded, by name: they stay so when numbers change.
    open: HashSet<(GroupBy, String)>,
}

impl Lines {
    /// Takes over what the snapshot shows.
    pub(super) fn follow(&mut self, groups: Option<&Arc<Groups>>, shown: &Arc<Vec<u32>>) {
        let same = match (&self.groups, groups) {
            (None, None) => true,
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            _ => false,
        };
        if !same || !Arc::ptr_eq(&self.shown, shown) {
            (self.groups, self.shown) = (groups.cloned(), Arc::clone(shown));
            self.count();
        }
    }

    /// Counts the times that lines changed their places.
    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    fn count(&mut self) {
        self.version += 1;
        self.starts.clear();
        self.len = 0;
        let Some(groups) = &self.groups else {
            self.len = self.shown.len();
            return;
        };
        for group in &groups.groups {
            self.starts.push(self.len);
            let hosts = match fold_of(&self.open, groups.by, group) {
                Fold::Open => group.hosts as usize,
                Fold::Closed => 0,
            };
            self.len += 1 + hosts;
        }
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// What stands in a line.
    pub(super) fn line(&self, place: usize) -> Option<Line<'_>> {
        let Some(groups) = &self.groups else {
            return self.shown.get(place).copied().map(Line::Host);
        };
        let (group, start) = self.group_at(groups, place)?;
        match place.checked_sub(start + 1) {
            None => Some(Line::Group(group, fold_of(&self.open, groups.by, group))),
            Some(host) => groups.hosts(group).get(host).copied().map(Line::Host),
        }
    }

    /// The host of a line; `None`: a group, or no line.
    pub(super) fn host(&self, place: usize) -> Option<u32> {
        match self.line(place)? {
            Line::Host(row) => Some(row),
            Line::Group(..) => None,
        }
    }

    /// The hosts of the group that a line belongs to.
    pub(super) fn hosts_of(&self, place: usize) -> &[u32] {
        let group = self.groups.as_ref().and_then(|groups| {
            let (group, _) = self.group_at(groups, place)?;
            Some(groups.hosts(group))
        });
        group.unwrap_or_default()
    }

    fn group_at<'a>(&self, groups: &'a Groups, place: usize) -> Option<(&'a Group, usize)> {
        if place >= self.len {
            return None;
        }
        let number = self.starts.partition_point(|&start| start <= place).checked_sub(1)?;
        Some((groups.groups.get(number)?, *self.starts.get(number)?))
    }

    /// The first line of a host; `None`: it is not shown, or its group is folded. A search: to be
    /// asked when the selection has changed.
    pub(super) fn place_of(&self, row: u32) -> Option<usize> {
        let Some(groups) = &self.groups else {
            // By the ranking, which is the usual order, a host stands in its own row.
            return match self.shown.get(row as usize) == Some(&row) {
                true => Some(row as usize),
                false => self.shown.iter().position(|&shown| shown == row),
            };
        };
        groups.groups.iter().zip(&self.starts).find_map(|(group, start)| {
            if fold_of(&self.open, groups.by, group) == Fold::Closed {
                return None;
            }
            let at = groups.hosts(group).iter().position(|&host| host == row)?;
            Some(start + 1 + at)
        })
    }

    /// Unfolds a folded group, folds an unfolded one.
    pub(super) fn turn(&mut self, place: usize) {
        match self.line(place) {
            Some(Line::Group(_, Fold::Open)) => self.fold(place, Fold::Closed),
            Some(Line::Group(_, Fold::Closed)) => self.fold(place, Fold::Open),
            Some(Line::Host(_)) | None => {}
        }
    }

    /// Unfolds or folds the group of a line.
    pub(super) fn fold(&mut self, place: usize, fold: Fold) {
        let Some(groups) = &self.groups else { return };
        let Some((group, _)) = self.group_at(groups, place) else { return };
        let name = (groups.by, group.name.clone());
        match fold {
            Fold::Open => self.open.insert(name),
            Fold::Closed => self.open.remove(&name),
        };
        self.count();
    }
}

fn fold_of(open: &HashSet<(GroupBy, String)>, by: GroupBy, group: &Group) -> Fold {
    // Most tables have nothing unfolded: no text is copied for the look-up then.
    match !open.is_empty() && open.contains(&(by, group.name.clone())) {
        true => Fold::Open,
        false => Fold::Closed,
    }
}
