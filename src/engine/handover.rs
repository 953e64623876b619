//! Chosen hosts, handed over to those who act on them.

use std::io::{self, Write};

use hashbrown::HashSet;

use super::triage::{Cut, Triage};
use crate::export::BaseMap;
use crate::export::handover::{Format, Handed, Tlp};
use crate::intel::Detail;
use crate::model::HostKey;

/// Which hosts are handed over.
#[derive(Clone, Copy, Debug)]
pub enum Chosen<'a> {
    /// Those that a cut leaves, by rank.
    Cut(Cut),
    /// These, in this order.
    These(&'a [HostKey]),
}

impl Triage {
    /// Writes hosts in a format, with the detections about them; says how many there were.
    ///
    /// Prefixes and ranges of lists go along where all hosts do: nobody chose among them.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn hand_over(
        &self,
        format: &Format,
        tlp: Tlp,
        chosen: Chosen<'_>,
        out: &mut dyn Write,
    ) -> io::Result<u64> {
        let ranked: Vec<HostKey>;
        let keys = match chosen {
            Chosen::These(keys) => keys,
            Chosen::Cut(cut) => {
                ranked = self.keys(cut).collect();
                &ranked
            }
        };
        let count = keys.len() as u64;
        let are_all = count >= self.head().totals.hosts;
        let handed: HashSet<HostKey> = keys.iter().copied().collect();
        let numbered = self.detections().enumerate();
        let about = numbered.filter(|&(number, _)| {
            are_all || self.subject(number).is_some_and(|subject| handed.contains(&subject))
        });
        let map = self.context().intel.basemap(Detail::Fine);
        let handed = Handed {
            tlp,
            head: self.head(),
            count,
            hosts: Box::new(keys.iter().map(|key| self.host_row(*key))),
            detections: Box::new(about.map(|(_, detection)| detection)),
            prefixes: if are_all { &self.head().prefixes } else { &[] },
            base: BaseMap { land: &map.land, lakes: &map.lakes, borders: &map.borders },
        };
        (format.write)(out, handed).map(|()| count)
    }
}
