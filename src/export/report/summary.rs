//! The answer in two sentences: who is behind it, how dangerous, and did they get in?

use super::html::Html;
use super::map::where_is;
use super::mark;
use crate::export::{DetectionRow, HostRow, TriageHead, counted, grouped};
use crate::model::{SubjectRole, Timestamp};

/// Hosts by mark, and what else the summary counts.
#[derive(Default)]
pub(super) struct Counts {
    /// As in [`mark::WORDS`].
    by_word: [u64; mark::WORDS.len()],
}

impl Counts {
    /// Takes a host.
    pub(super) fn add(&mut self, host: &HostRow) {
        let word = mark::word_of(host);
        let at = mark::WORDS.iter().position(|known| *known == word);
        if let Some(count) = at.and_then(|at| self.by_word.get_mut(at)) {
            *count += 1;
        }
    }

    fn of(&self, wanted: &[&str]) -> u64 {
        let both = mark::WORDS.iter().zip(self.by_word);
        both.filter(|(word, _)| wanted.contains(word)).map(|(_, count)| count).sum()
    }
}

/// Writes the answer, the sentence behind it, and the bands with their counts.
pub(super) fn write(
    head: &TriageHead,
    hosts: &[HostRow],
    detections: &[DetectionRow],
    counts: &Counts,
    page: &mut Html,
) {
    // A host that got in is the answer even if another has a higher score.
    let entry = detections
        .iter()
        .find(|row| row.succeeded == Some(true) && row.subject_role == SubjectRole::Actor);
    let intruder = entry.and_then(|row| hosts.iter().find(|host| is_subject(host, row)));
    let highest = hosts.iter().find(|host| !matches!(mark::word_of(host), "none" | "unknown"));
    page.markup("<p class=\"answer\">");
    match (entry, intruder.or(highest)) {
        (Some(entry), host) => {
            page.element("<span class=\"mono\">", entry.subject, "</span>").markup(" got in");
            let time = entry.last_seen.map(Timestamp::to_short);
            // The sentence often says the moment itself.
            if let Some(time) = time.filter(|time| !entry.what.contains(time.as_str())) {
                page.markup(" (").text(time).markup(" UTC)");
            }
            page.markup(": ").text(sentence(&entry.what)).markup("</p>");
            if let Some(host) = host {
                page.markup("<p class=\"then\">");
                who(host, page);
                page.markup("</p>");
            }
        }
        (None, Some(host)) if counts.of(&["critical", "high", "medium"]) > 0 => {
            page.markup("The highest score: ");
            who(host, page);
            page.markup("</p><p class=\"then\">Nothing that was opened shows that anyone got in");
            page.text(tried(host, detections)).markup("</p>");
        }
        _ => {
            if counts.of(&["low"]) > 0 || head.totals.detections > 0 {
                page.markup(
                    "Little that was opened points to an attack: no host scores 25 or more",
                );
            } else {
                page.markup("Nothing that was opened points to an attack");
            }
            let unknown = counts.of(&["unknown"]);
            if unknown > 0 {
                page.markup("; of ").text(counted(unknown, "host", "hosts"));
                page.markup(" too little is known to say");
            }
            page.markup(".</p>");
        }
    }
    bands(head, counts, page);
}

fn is_subject(host: &HostRow, row: &DetectionRow) -> bool {
    host.addr == row.subject && host.realm == row.subject_realm
}

/// `203.0.113.70 scores 93.0, critical: hosting, AS64501 Example, in Bucharest, RO (±40 km).`
fn who(host: &HostRow, page: &mut Html) {
    page.element("<span class=\"mono\">", host.addr, "</span>").markup(" scores ");
    page.text(format!("{:.1}", host.score)).markup(" of 100 (").text(host.word).markup(")");
    let kinds: Vec<&str> = host.kinds.iter().map(|kind| kind.as_str()).collect();
    let system = host.asn.map(|asn| match &host.as_name {
        Some(name) => format!("AS{asn} {}", name.raw()),
        None => format!("AS{asn}"),
    });
    let place = host.place.as_ref().map(|place| {
        let where_is = where_is(place);
        match place.radius_km {
            Some(radius_km) if !where_is.is_empty() => format!("{where_is} ±{radius_km:.0} km"),
            _ => where_is,
        }
    });
    let kinds = Some(kinds.join(", "));
    let known: Vec<String> =
        [system, kinds, place].into_iter().flatten().filter(|part| !part.is_empty()).collect();
    if known.is_empty() {
        page.markup("; whose it is, is not known.");
    } else {
        page.markup(": ").text(known.join(" · ")).markup(".");
    }
}

/// What the highest host tried, as the end of a sentence.
fn tried(host: &HostRow, detections: &[DetectionRow]) -> String {
    let first = detections
        .iter()
        .find(|row| is_subject(host, row) && row.subject_role == SubjectRole::Actor);
    first.map_or_else(|| ".".to_owned(), |row| format!("; seen of it: {}", sentence(&row.what)))
}

/// With a full stop at its end.
fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

fn bands(head: &TriageHead, counts: &Counts, page: &mut Html) {
    page.markup("<ul class=\"bands\">");
    for word in mark::WORDS {
        page.markup("<li>");
        mark::inline(word, page);
        page.markup(" <b>").text(grouped(counts.of(&[word]))).markup("</b> ").markup(word);
        page.markup("</li>");
    }
    page.markup("</ul><p class=\"muted\">").text(counted(head.totals.hosts, "host", "hosts"));
    for (count, one, many) in [
        (head.totals.detections, "detection", "detections"),
        (head.totals.flows, "flow", "flows"),
        (head.imports.iter().map(|import| import.records).sum(), "record", "records"),
        (head.totals.packets, "packet", "packets"),
    ] {
        if count > 0 {
            page.markup(" · ").text(counted(count, one, many));
        }
    }
    let spoofed = head.totals.spoofed_hosts;
    if spoofed > 0 {
        page.markup(" · ").text(grouped(spoofed)).markup(" forged sources not counted");
    }
    page.markup("</p>");
    for note in &head.notes {
        page.markup("<p class=\"muted wrap\">Note: ").text(note).markup(".</p>");
    }
}
