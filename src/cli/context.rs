//! The options that `triage`, `detections`, `explain` and `records` share, so that all of them
//! judge alike.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::data::image::open_data;
use super::{Failure, Progress};
use crate::bounded;
use crate::engine::{
    Case, Context, Feeds, Options, OwnList, OwnText, Zone, is_list_name, list_meaning,
};
use crate::model::{Kind, Prefix, Timestamp};
use crate::threat::profile::DEFAULT_TOML;

/// Bytes of a profile's file.
const PROFILE_BYTES_MAX: usize = 1 << 20;

/// How hosts are judged.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Context")]
pub(super) struct ContextArgs {
    /// A case file: `triage` adds to it, or makes it; the others read it
    #[arg(long, value_name = "F")]
    case: Option<PathBuf>,
    /// Weights: `default`, or a TOML file
    #[arg(long, value_name = "NAME|F")]
    profile: Option<String>,
    /// One realm for all paths: their private addresses are the same hosts
    #[arg(long, value_name = "NAME")]
    realm: Option<String>,
    /// A network of your own; may be repeated; without it, private addresses are yours
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    mine: Vec<Prefix>,
    /// A list of your own: hostile, benign, or the kind its addresses are of (tor, vpn, proxy,
    /// hosting, crawler, research-scanner …); may be repeated
    #[arg(long, value_name = "NAME=PATH:MEANING", value_parser = own_list)]
    list: Vec<OwnList>,
    /// Places of your own (RFC 8805; columns 6 and 7 may hold lat,lon); may be repeated
    #[arg(long, value_name = "F")]
    geofeed: Vec<PathBuf>,
    /// An AS table of your own: prefix,number,name; may be repeated
    #[arg(long, value_name = "F")]
    as_table: Vec<PathBuf>,
    /// "Now", from which evidence ages: RFC 3339, or a date (default: the newest time read)
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// The zone of times that name none: UTC, or an offset such as +02:00
    #[arg(long, value_name = "ZONE", value_parser = zone, default_value = "UTC")]
    time_zone: Zone,
    /// Without your own feeds: what everybody else sees
    #[arg(long)]
    no_feeds: bool,
}

impl ContextArgs {
    /// The case to work with.
    pub(super) fn case(&self) -> Option<PathBuf> {
        self.case.clone()
    }

    /// Opens data and own layers, those that the case keeps among them.
    pub(super) fn open(self) -> Result<Arc<Context>, Failure> {
        let (case, heard) = (self.case.clone(), self.heard());
        let given = self.options()?;
        let options = match case {
            Some(case) => {
                let kept = Case::open(&case).and_then(|case| case.kept());
                given.over(kept.map_err(Failure::Nothing)?)
            }
            None => given,
        };
        open_context(options, heard)
    }

    /// Whether the person's own feeds speak.
    pub(super) fn heard(&self) -> Heard {
        if self.no_feeds { Heard::NoFeeds } else { Heard::OwnFeeds }
    }

    /// What is given, with what is in its files.
    pub(super) fn options(self) -> Result<Options, Failure> {
        let profile = match self.profile.as_deref() {
            None => None,
            // Said aloud, it takes the place of one that a case keeps.
            Some("default") => Some(("default".to_owned(), DEFAULT_TOML.to_owned())),
            Some(path) => {
                let read =
                    File::open(path).and_then(|file| bounded::read_text(file, PROFILE_BYTES_MAX));
                let text = read.map_err(|error| {
                    Failure::Nothing(format!(
                        "no profile is called {path}, and it cannot be read as a file: {error}; \
                         `default` is there"
                    ))
                })?;
                Some((path.to_owned(), text))
            }
        };
        let options = Options {
            profile,
            realm: self.realm,
            mine: self.mine,
            lists: self.list,
            geofeeds: self.geofeed.into_iter().map(OwnText::File).collect(),
            as_tables: self.as_table.into_iter().map(OwnText::File).collect(),
            at: self.at,
            time_zone: self.time_zone,
            missing: Vec::new(),
            feeds: Feeds::default(),
        };
        options.read().map_err(Failure::Nothing)
    }
}

/// Opens data with these own layers.
pub(super) fn open_context(mut options: Options, heard: Heard) -> Result<Arc<Context>, Failure> {
    let intel = open_data(Progress::Shown)?;
    if heard == Heard::OwnFeeds {
        options.feeds = Feeds::of_this_person(&intel);
    }
    Context::open(options, intel).map_err(Failure::Nothing)
}

/// Whether the person's own feeds speak in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// They do.
    OwnFeeds,
    /// They do not.
    NoFeeds,
}

fn prefix(text: &str) -> Result<Prefix, String> {
    text.parse().map_err(|error: crate::model::AddrError| error.to_string())
}

fn own_list(text: &str) -> Result<OwnList, String> {
    let form = "write NAME=PATH:MEANING, such as bad=ips.txt:hostile or t=exits.txt:tor";
    let (name, rest) = text.split_once('=').ok_or(form)?;
    let (path, meaning) = rest.rsplit_once(':').ok_or(form)?;
    if !is_list_name(name) {
        return Err(format!("a list's name has letters, digits, - _ and .; {form}"));
    }
    let meaning = list_meaning(meaning).ok_or_else(|| {
        let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("a list is hostile, benign or one of: {}", kinds.join(" "))
    })?;
    Ok(OwnList { name: name.to_owned(), text: OwnText::File(path.into()), meaning })
}

fn zone(text: &str) -> Result<Zone, String> {
    let form = "write UTC or an offset such as +02:00 or -0530";
    if ["UTC", "utc", "Z", "z"].contains(&text) {
        return Ok(Zone::default());
    }
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        _ => return Err(form.to_owned()),
    };
    let digits = digits.replace(':', "");
    let number = |part: &str| part.parse::<i32>().ok();
    let parsed = match digits.split_at_checked(2).filter(|_| digits.is_ascii()) {
        Some((hours, "")) => number(hours).map(|hours| (hours, 0)),
        Some((hours, minutes)) if minutes.len() == 2 => number(hours).zip(number(minutes)),
        _ => None,
    };
    match parsed {
        Some((hours @ 0..=15, minutes @ 0..=59)) => {
            Ok(Zone { minutes_east: sign * (hours * 60 + minutes) })
        }
        _ => Err(form.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ListMeaning;

    #[test]
    fn zones() {
        for (text, minutes) in
            [("UTC", 0), ("+02:00", 120), ("-0530", -330), ("+14", 840), ("-00:00", 0)]
        {
            assert_eq!(zone(text).unwrap().minutes_east, minutes, "{text}");
        }
        for text in ["", "2", "+2", "+99:00", "+02:60", "Berlin", "+ü1"] {
            assert!(zone(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lists() {
        let list = own_list("ipsum=/data/a:b.txt:hostile").unwrap();
        assert_eq!((list.name.as_str(), list.meaning), ("ipsum", ListMeaning::Hostile));
        assert_eq!(own_list("t=x:tor").unwrap().meaning, ListMeaning::Kind(Kind::Tor));
        for text in ["ipsum", "ipsum=x", "ipsum=x:bad", "=x:hostile", "a b=x:hostile"] {
            assert!(own_list(text).is_err(), "{text}");
        }
    }
}
