//! A feed → a layer of [`Intel`]: its lists, its places, its AS tables, with the feed's terms.

use std::sync::Arc;

use super::{Feed, FeedKind, Held};
use crate::intel::Intel;
use crate::model::{AddrRange, ListMeaning, ListTerms, Timestamp};

/// An entry and since when it is in the list.
type Dated = (AddrRange, Option<Timestamp>);

/// How a feed is heard.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What memberships mean that do not say so themselves.
    pub kind: FeedKind,
    /// The feed's date, from which they age.
    pub date: Option<Timestamp>,
    /// Name, half-life, weight group.
    pub list: Arc<ListTerms>,
}

impl Intel {
    /// Adds all that a feed says. Its memberships have the id `feed.NAME`.
    ///
    /// Places of a geofeed are the analyst's own and win; those of a database are one claim among
    /// those of the shipped ones, behind them.
    pub fn add_feed(&mut self, feed: &Feed, terms: &Terms) {
        let id = format!("feed.{}", terms.list.feed);
        let bare = match terms.kind {
            FeedKind::List(meaning) => meaning,
            FeedKind::Places | FeedKind::Systems => ListMeaning::Context,
        };
        let mut lists: Vec<(ListMeaning, Vec<Dated>)> = Vec::new();
        let (mut placed, mut systems) = (Vec::new(), Vec::new());
        for &(range, held) in &feed.entries {
            match held {
                Held::Listed(meaning, since) => {
                    let meaning = meaning.unwrap_or(bare);
                    match lists.iter_mut().find(|(known, _)| *known == meaning) {
                        Some((_, entries)) => entries.push((range, since)),
                        None => lists.push((meaning, vec![(range, since)])),
                    }
                }
                Held::Place(claim) => placed.push((range, claim)),
                Held::System(at) => {
                    if let Some((asn, name)) = feed.systems.get(at as usize) {
                        systems.push((range, *asn, name.clone()));
                    }
                }
            }
        }
        for (meaning, entries) in lists {
            let list = Some(Arc::clone(&terms.list));
            self.own.add_list(&id, &entries, meaning, terms.date, list);
        }
        if !placed.is_empty() {
            self.own.add_placed(&placed, feed.claims.clone());
        }
        if !systems.is_empty() {
            self.own.add_systems(&systems);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Asked, NoPlaces, read};
    use super::*;
    use crate::model::{Addr, Kind};

    #[test]
    fn what_a_feed_says_is_known_of_its_addresses() {
        let asked = Asked {
            name: "bad",
            origin: "",
            format: None,
            map: None,
            categories: None,
            places: &NoPlaces,
        };
        let mut intel = Intel::default();
        let terms = |feed: &str, kind| Terms {
            kind,
            date: "2026-06-05".parse().ok(),
            list: Arc::new(ListTerms {
                feed: feed.into(),
                half_life_days: Some(30.0),
                group: Some("lists".into()),
            }),
        };
        let hostile = FeedKind::List(ListMeaning::Hostile);
        let feed = read(b"192.0.2.0/24\n198.51.100.7,2026-06-01\n", &asked).unwrap();
        intel.add_feed(&feed, &terms("bad", hostile));
        let tor = read(b"ExitAddress 192.0.2.1 2026-06-05 02:30:00\n", &asked).unwrap();
        intel.add_feed(&tor, &terms("tor", tor.kind()));
        let facts = intel.facts("192.0.2.1".parse::<Addr>().unwrap());
        let ids: Vec<&str> = facts.lists.iter().map(|list| &*list.id).collect();
        assert_eq!((ids, facts.kinds), (vec!["feed.bad", "feed.tor"], vec![Kind::Tor]));
        let bad = &facts.lists[0];
        assert_eq!(bad.terms.as_ref().unwrap().half_life_days, Some(30.0));
        assert_eq!(bad.date.unwrap().to_date(), "2026-06-05");
        let facts = intel.facts("198.51.100.7".parse::<Addr>().unwrap());
        assert_eq!(facts.lists[0].since.unwrap().to_date(), "2026-06-01");
    }
}
