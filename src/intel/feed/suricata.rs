//! Suricata's lists of addresses: `iprep` (`addr,category,score`) and datasets of type `ip`.

use std::collections::BTreeMap;
use std::io::Read;

use super::{About, Asked, Feed, FeedFormat, FeedKind, Sample, Sureness, text};
use crate::model::{ListMeaning, Position, from_base64, query};

/// Categories that Suricata knows: 1 to 60.
const CATEGORY_MAX: u8 = 60;

/// Scores of reputation: 1 to 127.
const SCORE_MAX: u8 = 127;

/// Reputation lists.
pub(super) struct Iprep;

impl FeedFormat for Iprep {
    fn about(&self) -> &'static About {
        &About {
            id: "suricata-iprep",
            reads: "Suricata's IP reputation: address or prefix, category, score",
            misses: "the score, which is shown and not weighed",
            source: "https://docs.suricata.io/en/latest/reputation/ipreputation/",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        let share = sample.share(|line| row(line).is_ok());
        if share > 0.8 { Sureness::Certain } else { Sureness::No }
    }

    fn read(&self, input: &mut dyn Read, asked: &Asked<'_>, feed: &mut Feed) {
        let bytes = text::whole(input, feed);
        let names = asked.categories.map(|text| categories(text, feed)).unwrap_or_default();
        let mut line = |number: u64, line: &[u8], feed: &mut Feed| {
            let text = String::from_utf8_lossy(line);
            if text.is_empty() || text.starts_with('#') {
                return;
            }
            match row(&text) {
                Ok((range, category, score)) => {
                    let name = names.get(&category).cloned();
                    let name = name.unwrap_or_else(|| format!("category {category}"));
                    feed.listed(range, None, &format!("{name}, score {score}"));
                }
                Err(what) => {
                    let what = format!("{what}: {}", text::shown(&text));
                    feed.problems.push(Position::Line(number), what);
                }
            }
        };
        text::lines(&bytes, &mut line, feed);
        feed.suggested = Some(FeedKind::List(ListMeaning::Hostile));
    }
}

type Row = (crate::model::AddrRange, u8, u8);

fn row(line: &str) -> Result<Row, &'static str> {
    let mut cells = line.split(',').map(str::trim);
    let range = query::parse(cells.next().unwrap_or_default()).map_err(|error| error.what)?;
    let mut number = |max: u8| cells.next()?.parse().ok().filter(|&number: &u8| number <= max);
    let category = number(CATEGORY_MAX).filter(|&category| category > 0);
    let (category, score) = (category, number(SCORE_MAX));
    match (category.zip(score), cells.next()) {
        (Some((category, score)), None) => Ok((range.range(), category, score)),
        _ => Err("not a line of iprep; write addr,category (1 to 60),score (0 to 127)"),
    }
}

/// The categories file: `1,Name,Description` a line.
fn categories(text: &str, feed: &mut Feed) -> BTreeMap<u8, String> {
    let mut names = BTreeMap::new();
    for line in
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let mut cells = line.split(',').map(str::trim);
        let number = cells.next().and_then(|cell| cell.parse::<u8>().ok());
        match number.zip(cells.next()) {
            Some((number, name)) => {
                names.insert(number, text::shown(name));
            }
            None => feed.notes.push(format!("no category: {}", text::shown(line))),
        }
    }
    names
}

/// Datasets.
pub(super) struct Dataset;

impl FeedFormat for Dataset {
    fn about(&self) -> &'static About {
        &About {
            id: "suricata-dataset",
            reads: "Suricata's datasets whose values are addresses in base64, with datarep or not",
            misses: "values that are no address; plain ones are read as a plain list",
            source: "https://docs.suricata.io/en/latest/rules/datasets.html",
        }
    }

    fn detect(&self, sample: &Sample<'_>) -> Sureness {
        let share = sample.share(|line| value(line).is_ok());
        if share > 0.8 { Sureness::Certain } else { Sureness::No }
    }

    fn read(&self, input: &mut dyn Read, _asked: &Asked<'_>, feed: &mut Feed) {
        let bytes = text::whole(input, feed);
        let mut line = |number: u64, line: &[u8], feed: &mut Feed| {
            let text = String::from_utf8_lossy(line);
            if text.is_empty() || text.starts_with('#') {
                return;
            }
            match value(&text) {
                Ok((range, rest)) => feed.listed(range, None, rest),
                Err(what) => {
                    let what = format!("{what}: {}", text::shown(&text));
                    feed.problems.push(Position::Line(number), what);
                }
            }
        };
        text::lines(&bytes, &mut line, feed);
    }
}

fn value(line: &str) -> Result<(crate::model::AddrRange, &str), &'static str> {
    let (value, rest) = line.split_once(',').unwrap_or((line, ""));
    let what = "no address in base64; write one value a line";
    let decoded = from_base64(value.trim().as_bytes()).ok_or(what)?;
    let decoded = String::from_utf8(decoded).map_err(|_| what)?;
    Ok((query::parse(&decoded).map_err(|_| what)?.range(), rest))
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::super::{Asked, NoPlaces, read};
    use crate::model::base64;

    #[test]
    fn reputation_has_categories() {
        let text = "192.0.2.1,5,100\n198.51.100.0/24,1,20\n192.0.2.2,61,1\n192.0.2.3,1\n\
                    2001:db8::1,2,127\n203.0.113.1,2,1\n203.0.113.2,2,1\n203.0.113.3,2,1\n\
                    203.0.113.4,2,1\n203.0.113.5,2,1\n203.0.113.6,2,1\n";
        let what = "not a line of iprep x1";
        check(
            text,
            "suricata-iprep",
            &[
                "192.0.2.1",
                "198.51.100.0-198.51.100.255",
                "2001:db8::1",
                "203.0.113.1",
                "203.0.113.2",
                "203.0.113.3",
                "203.0.113.4",
                "203.0.113.5",
                "203.0.113.6",
                &format!(":3 {what}"),
                &format!(":4 {what}"),
            ],
        );
        let asked = Asked {
            name: "rep",
            origin: "",
            format: None,
            map: None,
            categories: Some("5,CnC,Control servers\nnonsense\n"),
            places: &NoPlaces,
        };
        let feed = read(text.as_bytes(), &asked).unwrap();
        assert_eq!(feed.examples[0].what, "CnC, score 100");
        assert_eq!((feed.kind().word(), feed.notes.len()), ("hostile", 1));
    }

    #[test]
    fn values_in_base64() {
        let [one, two, three] =
            ["192.0.2.1", "2001:db8::1", "x"].map(|text| base64(text.as_bytes()));
        check(
            &format!("{one}\n{two},10\n{one}\n{one}\n{one}\n{three}\n"),
            "suricata-dataset",
            &[
                "192.0.2.1",
                "2001:db8::1",
                "192.0.2.1",
                "192.0.2.1",
                "192.0.2.1",
                ":6 no address in base64 x1",
            ],
        );
    }
}
