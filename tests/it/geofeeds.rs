//! Geofeeds of real operators: every line is a claim, a comment or a reported problem.

use std::fs;
use std::path::Path;

use infralock::geo::geofeed;
use infralock::model::{Position, Prefix, Untrusted};

use crate::corpora;

/// Operator folder, its prefix lines, and the lines with a problem when no gazetteer is at hand.
fn feeds(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut feeds = Vec::new();
    for folder in fs::read_dir(root).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "csv") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                feeds.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    feeds.sort();
    feeds
}

/// The plain twin: what a line with a prefix is, without quotes or columns.
fn plain_prefix(line: &str) -> Option<Prefix> {
    let line = line.trim().trim_start_matches('\u{feff}');
    line.split(',').next().unwrap_or_default().trim().trim_matches('"').parse().ok()
}

#[test]
fn every_line_of_real_geofeeds_is_read_or_reported() {
    let Some(root) = corpora::find("feeds/geofeeds") else { return };
    let (mut lines, mut claims, mut reported, mut unplaced) = (0, 0, 0, 0);
    for (name, bytes) in feeds(&root) {
        let feed = geofeed::parse(&name, &bytes, []);
        let text = String::from_utf8_lossy(&bytes);
        let written = text.lines().filter_map(plain_prefix).count();
        let kinds = |word: &str| {
            let rows = feed.problems.rows().iter().filter(|row| row.what.contains(word));
            usize::try_from(rows.map(|row| row.count).sum::<u64>()).unwrap()
        };
        let (again, cities) = (kinds(" again; "), kinds("no such city"));
        // "Do not place" (no country) and unknown countries without coordinates give no claim.
        let silent = text.lines().filter(|line| {
            let mut fields = line.trim().split(',').skip(1);
            plain_prefix(line).is_some() && fields.next().unwrap_or_default().trim().is_empty()
        });
        let (silent, foreign) = (silent.count(), kinds("no such country"));
        let claimed = feed.claims.len();
        assert_eq!(written, claimed + again + silent + foreign, "{name}: {claimed} claims");
        lines += written;
        claims += claimed;
        reported += usize::try_from(feed.problems.total()).unwrap() - cities;
        unplaced += cities;
        for row in feed.problems.rows().iter().filter(|row| !row.what.contains("no such city")) {
            println!("{name}{}: {}", row.place, Untrusted::new(&row.what));
        }
    }
    println!(
        "geofeeds: {lines} prefix lines, {claims} claims, {reported} problems, {unplaced} cities \
         to look up"
    );
    assert!(lines > 16_000 && claims > 16_000);
}

#[test]
fn a_prefix_with_a_dot_for_its_slash_is_reported_by_line() {
    let Some(root) = corpora::find("feeds/geofeeds") else { return };
    let name = "FlexNetworks+geofeed/geofeed.csv";
    let feed = geofeed::parse(name, &fs::read(root.join(name)).unwrap(), []);
    let row = feed.problems.rows().iter().find(|row| row.place == Position::Line(16)).unwrap();
    assert!(row.what.ends_with("192.219.0.0.24"), "{}", row.what);
}
