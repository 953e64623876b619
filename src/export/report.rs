//! The report: one self-contained page that asks nothing of anyone.
//!
//! What was opened, the answer, a map, ranked hosts with their evidence, detections by time, the
//! method, the data and its owners. No request of any kind leaves the page: its policy (CSP)
//! admits one style sheet and one script by their hashes and nothing else; every text that a
//! stranger may have written goes through one escape function (`html::Html::text`). It reads
//! without script, prints on paper, and has a day and a night.
//!
//! Hosts pass once: the first [`HOSTS_SHOWN_MAX`] are shown, all are counted.

mod html;
mod map;
mod mark;
mod style;
mod summary;
mod timeline;

use std::io::{self, Write};

use self::html::{Html, sized};
pub use self::map::BaseMap;
use super::handover::Tlp;
use super::rows::{DetectionRow, HostRow, ImportRow, ShownEvidence, TriageHead};
use super::{counted, grouped};
use crate::model::{Addr, Band, Family, SubjectRole, Timestamp};

/// Hosts in the table; a browser lays out so many without a pause. The rest is counted.
pub const HOSTS_SHOWN_MAX: usize = 500;

/// Detections in the table, the most severe ones.
pub const DETECTIONS_SHOWN_MAX: usize = 500;

/// Hosts whose evidence is open when the page opens.
const OPEN_MAX: usize = 3;

/// Hosts whose evidence is printed on paper, if they score medium or higher.
const PRINTED_MAX: usize = 20;

/// Problems shown of one file.
const PROBLEMS_SHOWN_MAX: usize = 10;

/// Files shown.
const IMPORTS_SHOWN_MAX: usize = 200;

/// Writes the page. `hosts` come ranked, `detections` by severity, as INTERFACE orders them.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_report(
    out: &mut dyn Write,
    head: &TriageHead,
    hosts: impl Iterator<Item = HostRow>,
    detections: impl Iterator<Item = DetectionRow>,
    base: BaseMap<'_>,
    tlp: Tlp,
) -> io::Result<()> {
    let (mut shown, mut counts, mut marks) =
        (Vec::new(), summary::Counts::default(), map::Marks::default());
    let mut passed = 0_u64;
    for host in hosts {
        counts.add(&host);
        marks.add(&host);
        passed += 1;
        if shown.len() < HOSTS_SHOWN_MAX {
            shown.push(host);
        }
    }
    let mut page = Html::default();
    begin(head, tlp, &mut page);
    let mut listed: Vec<DetectionRow> = detections.take(DETECTIONS_SHOWN_MAX).collect();
    page.markup("<main>");
    summary::write(head, &shown, &listed, &counts, &mut page);
    page.markup("<h2>Map</h2><section class=\"keep\">");
    marks.write(base, &mut page);
    page.markup("</section>");
    hosts_table(&shown, passed, head, &mut page);
    listed.sort_by_key(|row| (row.first_seen.is_none(), row.first_seen));
    detections_table(&listed, head.totals.detections, &mut page);
    imports(&head.imports, &mut page);
    method(&mut page);
    data(head, &mut page);
    page.markup("</main>");
    let body = page.finish();
    out.write_all(document_head(head).as_bytes())?;
    out.write_all(body.as_bytes())?;
    writeln!(out, "<script>{}</script></body></html>", style::SCRIPT)
}

/// Everything up to the body: the policy stands first, so that nothing escapes it.
fn document_head(head: &TriageHead) -> String {
    let sheet = style::sheet();
    let mut title = Html::default();
    title.text(title_of(head));
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"referrer\" content=\"no-referrer\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>{}</title><style>{sheet}</style></head><body>",
        style::policy(&sheet, style::SCRIPT),
        title.finish(),
    )
}

/// What the page is about: the first file's name and how many more.
fn title_of(head: &TriageHead) -> String {
    let name = |import: &ImportRow| {
        let path = import.import.raw();
        path.rsplit('/').next().unwrap_or(path).to_owned()
    };
    match head.imports.as_slice() {
        [] => "Triage".to_owned(),
        [one] => format!("Triage of {}", name(one)),
        [first, rest @ ..] => format!("Triage of {} and {} more", name(first), rest.len()),
    }
}

fn begin(head: &TriageHead, tlp: Tlp, page: &mut Html) {
    page.markup(mark::SYMBOLS).markup("<header>");
    marking(tlp, page);
    page.markup("<h1>InfraLock · ").text(title_of(head));
    page.markup("</h1>");
    if head.partial {
        page.markup("<p><b>Partial:</b> reading was interrupted; what follows holds for what was ");
        page.markup("read until then.</p>");
    }
    page.markup("</header>");
}

/// How far the page may be passed on, above everything else, in FIRST's colours.
fn marking(tlp: Tlp, page: &mut Html) {
    page.markup(match tlp {
        Tlp::Clear => "<p class=\"tlp clear\">",
        Tlp::Green => "<p class=\"tlp green\">",
        Tlp::Amber | Tlp::AmberStrict => "<p class=\"tlp amber\">",
        Tlp::Red => "<p class=\"tlp red\">",
    });
    page.element("<b>", tlp.label(), "</b> ").text(tlp.meaning()).markup("</p>");
}

fn hosts_table(shown: &[HostRow], passed: u64, head: &TriageHead, page: &mut Html) {
    page.markup("<h2>Hosts</h2>");
    if shown.is_empty() {
        page.markup("<p>No host was found in what was opened.</p>");
        return;
    }
    let all = head.totals.hosts.max(passed);
    page.markup("<div class=\"scroll\"><table class=\"hosts\" data-sortable><caption>");
    if all > shown.len() as u64 {
        page.markup("The ").text(grouped(shown.len() as u64)).markup(" highest of ");
        page.text(counted(all, "host", "hosts")).markup("; the others are in the JSON. ");
    }
    page.markup("Times are UTC.</caption><thead><tr>");
    page.markup("<th scope=\"col\" data-by=\"number\">Score</th>");
    page.markup("<th scope=\"col\" data-by=\"text\">Address</th>");
    page.markup("<th scope=\"col\" data-by=\"text\">Name</th>");
    page.markup("<th scope=\"col\" data-by=\"number\">Network</th>");
    page.markup("<th scope=\"col\" data-by=\"text\">Place</th>");
    page.markup("<th scope=\"col\" data-by=\"number\" class=\"num\">Flows</th>");
    page.markup("<th scope=\"col\" data-by=\"number\" class=\"num\">Bytes</th>");
    page.markup("<th scope=\"col\" data-by=\"text\">Last seen</th></tr></thead>");
    for (rank, host) in shown.iter().enumerate() {
        host_body(host, rank, page);
    }
    page.markup("</table></div>");
}

/// One host: a row of facts, and below it the row that explains the score.
fn host_body(host: &HostRow, rank: usize, page: &mut Html) {
    page.markup("<tbody><tr><td class=\"score\" data-v=\"").text(host.score).markup("\">");
    mark::inline(mark::word_of(host), page);
    page.text(format!("{:.1}", host.score)).markup(" <span class=\"muted\">").text(host.word);
    page.markup("</span></td><td class=\"mono addr");
    page.markup(if host.addr.family() == Family::V6 { " addr6" } else { "" });
    page.markup("\" data-v=\"").text(sort_key(host.addr)).markup("\">").text(host.addr);
    if let Some(realm) = &host.realm {
        page.markup("<br><span class=\"muted\">in ").text(realm).markup("</span>");
    }
    if host.mine {
        page.markup("<br><span class=\"muted\">yours</span>");
    }
    page.markup("</td><td class=\"wrap line\">");
    names(host, page);
    page.markup("</td><td class=\"wrap line net\" data-v=\"")
        .text(host.asn.map_or_else(String::new, |asn| asn.to_string()));
    page.markup("\">");
    network(host, page);
    page.markup("</td><td class=\"line\">");
    place(host, page);
    page.markup("</td><td class=\"num\" data-l=\"Flows\" data-v=\"").text(host.flows).markup("\">");
    page.text(grouped(host.flows)).markup("</td><td class=\"num\" data-l=\"Bytes\" data-v=\"");
    let bytes = host.bytes_in.saturating_add(host.bytes_out);
    page.text(bytes).markup("\">").text(sized(bytes));
    page.markup("</td><td class=\"nowrap\" data-l=\"Last seen\">");
    page.text(host.last_seen.map_or_else(|| "undated".to_owned(), Timestamp::to_short));
    page.markup("</td></tr>");
    // A score that is the prior alone needs no explanation of its own.
    if host.evidence.iter().any(|evidence| evidence.row.id != "prior") {
        explained(host, rank, page);
    }
    page.markup("</tbody>");
}

/// The row below a host that says why.
fn explained(host: &HostRow, rank: usize, page: &mut Html) {
    page.markup("<tr class=\"why\"><td></td><td colspan=\"7\">");
    let is_key = rank < PRINTED_MAX && host.band >= Band::Medium;
    page.markup(match (rank < OPEN_MAX, is_key) {
        (true, true) => "<details class=\"key\" open>",
        (true, false) => "<details open>",
        (false, true) => "<details class=\"key\">",
        (false, false) => "<details>",
    });
    why(host, page);
    page.markup("</details></td></tr>");
}

/// A text that sorts as addresses do.
fn sort_key(addr: Addr) -> String {
    match addr.family() {
        Family::V4 => format!("4{:08x}", addr.bits()),
        Family::V6 => format!("6{:032x}", addr.bits()),
    }
}

fn names(host: &HostRow, page: &mut Html) {
    for (at, name) in host.names.iter().take(2).enumerate() {
        page.markup(if at > 0 { "<br>" } else { "" }).text(name.name.raw());
    }
    if host.names.len() > 2 {
        page.markup("<br><span class=\"muted\">and ");
        page.text(grouped(host.names.len() as u64 - 2)).markup(" more</span>");
    }
}

fn network(host: &HostRow, page: &mut Html) {
    if let Some(asn) = host.asn {
        page.markup("AS").text(asn);
        if let Some(name) = &host.as_name {
            page.markup(" ").text(name.raw());
        }
    }
    let kinds: Vec<&str> = host.kinds.iter().map(|kind| kind.as_str()).collect();
    if !kinds.is_empty() {
        page.markup(if host.asn.is_some() { "<br>" } else { "" });
        page.element("<span class=\"muted\">", kinds.join(", "), "</span>");
    }
    if host.asn.is_none() && kinds.is_empty() {
        page.markup("<span class=\"muted\">unknown</span>");
    }
}

fn place(host: &HostRow, page: &mut Html) {
    let Some(place) = &host.place else {
        page.markup("<span class=\"muted\">unknown</span>");
        return;
    };
    let where_is = map::where_is(place);
    page.text(if where_is.is_empty() { "no single place" } else { &where_is });
    let mut sure = Vec::new();
    if let Some(radius_km) = place.radius_km {
        sure.push(format!("±{} km", grouped(libm::round(radius_km.clamp(0.0, 3e4)) as u64)));
    }
    if let Some(confidence) = place.confidence {
        sure.push(format!("{:.0} % within 40 km", confidence * 100.0));
    }
    if !sure.is_empty() {
        page.element("<br><span class=\"muted\">", sure.join(", "), "</span>");
    }
}

fn why(host: &HostRow, page: &mut Html) {
    page.markup("<summary>Why ").text(format!("{:.1}", host.score));
    let counted_rows = host.evidence.iter().filter(|e| e.row.counted && e.row.id != "prior");
    let mut words: Vec<&str> = counted_rows.map(|e| e.row.id.as_ref()).collect();
    let more = words.len().saturating_sub(4);
    words.truncate(4);
    if !words.is_empty() {
        page.markup(": ").text(words.join(", "));
    }
    if more > 0 {
        page.markup(" and ").text(more).markup(" more");
    }
    page.markup("</summary><table class=\"rows\"><tbody>");
    let scale = Scale::of(&host.evidence);
    for evidence in &host.evidence {
        evidence_row(evidence, &scale, mark::word_of(host), page);
    }
    page.markup("</tbody></table><p class=\"muted\">Malice ").text(percent(host.malice));
    page.markup(" · anonymity ").text(percent(host.anonymity)).markup(" · amount of evidence ");
    page.text(percent(host.evidence_amount));
    if let Some(note) = host.place.as_ref().and_then(|place| place.note) {
        page.markup(" · place: ").text(note);
    }
    let lists: Vec<&str> = host.lists.iter().map(|list| &*list.id).collect();
    if !lists.is_empty() {
        page.markup(" · lists: ").text(lists.join(", "));
    }
    page.markup("</p>");
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Where a bar's zero is and how long a point is, in units of a drawing 220 wide.
struct Scale {
    zero: f64,
    per_point: f64,
}

impl Scale {
    fn of(rows: &[ShownEvidence]) -> Self {
        let ends = rows.iter().fold((0.0_f64, 0.0_f64), |(low, high), evidence| {
            (low.min(evidence.row.contribution), high.max(evidence.row.contribution))
        });
        let per_point = 200.0 / (ends.1 - ends.0).max(1.0);
        Self { zero: 10.0 - ends.0 * per_point, per_point }
    }
}

fn evidence_row(evidence: &ShownEvidence, scale: &Scale, word: &'static str, page: &mut Html) {
    let row = &evidence.row;
    page.markup(if row.counted { "<tr>" } else { "<tr class=\"off\">" });
    page.element("<td class=\"id mono\">", &row.id, "</td>").markup("<td class=\"num\">");
    let points = row.contribution;
    page.text(if points < 0.0 { format!("−{:.1}", -points) } else { format!("{points:.1}") });
    page.markup("</td><td class=\"bar\"><svg viewBox=\"0 0 220 12\" aria-hidden=\"true\">");
    let length = points.abs() * scale.per_point;
    let left = if points < 0.0 { scale.zero - length } else { scale.zero };
    page.markup("<g class=\"").markup(word).markup("\"><rect class=\"");
    page.markup(if points < 0.0 { "minus" } else { "plus" }).markup("\" y=\"2\" height=\"8\" x=\"");
    page.number(left).markup("\" width=\"").number(length).markup("\"/></g>");
    page.markup("<path class=\"axis\" d=\"M").number(scale.zero).markup(" 0V12\"/></svg></td>");
    page.markup("<td class=\"wrap what\">");
    if let Some(what) = &row.what {
        page.text(what);
    }
    if !row.counted {
        page.markup(" (overlaps with a stronger row: not counted)");
    }
    if let Some(count) = row.count.filter(|&count| count > 1) {
        page.markup(" <span class=\"muted\">×").text(grouped(count)).markup("</span>");
    }
    for reference in evidence.refs.iter().take(2) {
        page.element(" <span class=\"mono muted\">", reference, "</span>");
    }
    page.markup("</td></tr>");
}

fn detections_table(shown: &[DetectionRow], all: u64, page: &mut Html) {
    page.markup("<h2>Detections by time</h2>");
    if shown.is_empty() {
        page.markup("<p>No detector found anything.</p>");
        return;
    }
    timeline::write(shown, page);
    page.markup("<div class=\"scroll\"><table class=\"wide\" data-sortable><caption>");
    if all > shown.len() as u64 {
        page.markup("The ").text(grouped(shown.len() as u64)).markup(" most severe of ");
        page.text(grouped(all)).markup(". ");
    }
    page.markup("A ring at the end of a line marks what succeeded. Times are UTC.</caption>");
    page.markup("<thead><tr><th scope=\"col\" data-by=\"text\">First seen</th>");
    page.markup("<th scope=\"col\" data-by=\"number\">Severity</th>");
    page.markup("<th scope=\"col\" data-by=\"text\">Detector</th>");
    page.markup("<th scope=\"col\" data-by=\"text\">Host</th>");
    page.markup("<th scope=\"col\">What</th>");
    page.markup("<th scope=\"col\" data-by=\"text\">Worked</th>");
    page.markup("<th scope=\"col\" data-by=\"text\">ATT&amp;CK</th></tr></thead>");
    for row in shown {
        detection_body(row, page);
    }
    page.markup("</table></div>");
}

fn detection_body(row: &DetectionRow, page: &mut Html) {
    page.markup("<tbody><tr><td class=\"nowrap\">");
    page.text(row.first_seen.map_or_else(|| "undated".to_owned(), Timestamp::to_short));
    page.markup("</td><td class=\"score\" data-v=\"").text(row.severity).markup("\">");
    mark::inline(map::severity_word(row.severity), page);
    page.text(row.severity).markup("</td><td class=\"mono nowrap\">").text(&row.detector);
    page.markup("</td><td class=\"mono addr");
    page.markup(if row.subject.family() == Family::V6 { " addr6" } else { "" });
    page.markup("\" data-v=\"").text(sort_key(row.subject)).markup("\">").text(row.subject);
    page.markup(match row.subject_role {
        SubjectRole::Actor => "",
        SubjectRole::Target => "<br><span class=\"muted\">the target</span>",
        SubjectRole::Claimed => "<br><span class=\"muted\">as claimed</span>",
    });
    page.markup("</td><td class=\"wrap\">").text(&row.what).markup("</td><td>");
    page.markup(match row.succeeded {
        Some(true) => "<span class=\"yes\">yes</span>",
        Some(false) => "no",
        None => "<span class=\"muted\">unknown</span>",
    });
    page.element("</td><td class=\"mono\">", row.attack.join(" "), "</td></tr></tbody>");
}

fn imports(imports: &[ImportRow], page: &mut Html) {
    page.markup("<h2>What was opened</h2><div class=\"scroll\"><table class=\"wide\"><thead><tr>");
    page.markup("<th scope=\"col\">File</th><th scope=\"col\">Format</th>");
    page.markup("<th scope=\"col\" class=\"num\">Size</th>");
    page.markup("<th scope=\"col\" class=\"num\">Read</th><th scope=\"col\">Times in it, UTC</th>");
    page.markup("<th scope=\"col\">SHA-256</th></tr></thead>");
    for import in imports.iter().take(IMPORTS_SHOWN_MAX) {
        import_body(import, page);
    }
    page.markup("</table></div>");
    if imports.len() > IMPORTS_SHOWN_MAX {
        let more = counted((imports.len() - IMPORTS_SHOWN_MAX) as u64, "file", "files");
        page.markup("<p>And ").text(more).markup(" more, which are in the JSON.</p>");
    }
}

fn import_body(import: &ImportRow, page: &mut Html) {
    page.element("<tbody><tr><td class=\"wrap file\">", import.import.raw(), "</td><td>");
    page.text(import.format.unwrap_or("not recognised")).markup("</td><td class=\"num\">");
    page.text(sized(import.bytes)).markup("</td><td class=\"num\">");
    let read = match (import.packets, import.records) {
        (0, records) => counted(records, "record", "records"),
        (packets, 0) => counted(packets, "packet", "packets"),
        (packets, records) => format!(
            "{}, {}",
            counted(packets, "packet", "packets"),
            counted(records, "record", "records")
        ),
    };
    page.text(read).markup("</td><td>");
    match import.first_seen.zip(import.last_seen) {
        Some((first, last)) => {
            page.element("<span class=\"nowrap\">", first.to_short(), "</span> – ");
            page.element("<span class=\"nowrap\">", last.to_short(), "</span>");
        }
        None => {
            page.markup("<span class=\"muted\">none</span>");
        }
    }
    page.markup("</td><td class=\"mono sha\">");
    page.text(import.sha256.as_deref().unwrap_or("not taken: the file was not read to its end"));
    page.markup("</td></tr>");
    assumed(import, page);
    problems(import, page);
    page.markup("</tbody>");
}

fn assumed(import: &ImportRow, page: &mut Html) {
    let mut taken: Vec<String> = Vec::new();
    taken.extend(import.assumed.year.map(|year| format!("year {year}")));
    taken.extend(import.assumed.time_zone.iter().map(|zone| format!("time zone {zone}")));
    taken.extend(import.assumed.notes.iter().map(|note| note.raw().to_owned()));
    if !taken.is_empty() {
        page.markup("<tr><td colspan=\"6\" class=\"muted wrap\">Taken for granted: ");
        page.text(taken.join("; ")).markup("</td></tr>");
    }
}

fn problems(import: &ImportRow, page: &mut Html) {
    if import.problems.is_empty() {
        return;
    }
    let all: u64 = import.problems.iter().map(|problem| problem.count).sum();
    page.markup("<tr><td colspan=\"6\"><details><summary>");
    page.text(counted(all, "problem", "problems")).markup(" in this file</summary><ul>");
    for problem in import.problems.iter().take(PROBLEMS_SHOWN_MAX) {
        page.element("<li class=\"wrap\"><span class=\"mono\">", problem.place, "</span> ");
        page.text(&problem.what);
        if problem.count > 1 {
            page.markup(" (").text(grouped(problem.count)).markup(" times)");
        }
        page.markup("</li>");
    }
    page.markup("</ul>");
    if import.problems.len() > PROBLEMS_SHOWN_MAX {
        let more = import.problems.len() - PROBLEMS_SHOWN_MAX;
        page.markup("<p>And ").text(grouped(more as u64)).markup(" more kinds, in the JSON.</p>");
    }
    page.markup("</details></td></tr>");
}

fn method(page: &mut Html) {
    page.markup(
        "<h2>How to read it</h2><dl>\
<dt>Score</dt><dd>0 to 100: the probability that the host acts with hostile intent, given the \
evidence and a prior of one in two hundred. The rows under a host add up to its score; a row that \
speaks for the host is negative. Of rows that overlap, only the strongest counts.</dd>\
<dt>Unknown</dt><dd>Too little was seen to say. It does not mean harmless.</dd>\
<dt>Evidence conflicts</dt><dd>Strong evidence stands on both sides: look at the rows.</dd>\
<dt>Anonymity</dt><dd>How well a host hides who is behind it. It is not malice and no part of the \
score.</dd>\
<dt>Place</dt><dd>One claimed place, never an average. The radius should hold the host nine times \
out of ten; both it and the share within 40 km were measured on networks whose place is known, \
not on yours.</dd>\
<dt>What it cannot know</dt><dd>What happened outside these files; who sits behind a shared, \
forged or relayed address; whether an encrypted flow carried what it seems to. A country says \
nothing about guilt and is no evidence here.</dd></dl>",
    );
}

fn data(head: &TriageHead, page: &mut Html) {
    page.markup("<h2>Data</h2><dl><dt>Ages counted from</dt><dd>").text(head.now.to_short());
    page.markup(" UTC</dd><dt>Program</dt><dd>").text(head.tool.name).markup(" ");
    page.text(head.tool.version).markup(", profile ").text(&head.tool.profile);
    page.markup("</dd><dt>Sources</dt><dd>");
    for (at, source) in head.tool.image.sources.iter().enumerate() {
        page.markup(if at > 0 { ", " } else { "" }).element("<span>", &source.id, " ");
        page.text(source.date.as_deref().unwrap_or("undated")).markup("</span>");
    }
    if head.tool.image.sources.is_empty() {
        page.markup("none but your own");
    }
    page.markup(
        "</dd><dt>With thanks to</dt><dd>\
<a href=\"https://db-ip.com\" rel=\"noreferrer\">IP geolocation by DB-IP</a> (CC BY 4.0); country \
and registration data with statistics of the NRO (nro.net, CC BY 4.0); AS data from RouteViews and \
DB-IP (CC BY 4.0); cities from GeoNames (CC BY 4.0); MISP warninglists (CC0); outlines from \
Natural Earth (public domain).</dd></dl>",
    );
}
