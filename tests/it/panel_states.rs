//! Each panel where nothing is open, while something is read, where reading failed, and with the
//! example: four states that cannot be taken for one another.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use egui::Ui;
use egui_kittest::Harness;
use egui_kittest::kittest::NodeT;
use infralock::app::panels::{self, Memory, PANELS, View};
use infralock::app::theme;
use infralock::engine::workbench::{
    Command, DataState, Explorer, JobId, JobState, JobView, PacketState, PacketView, Paint,
    PictureWish, Selected, Snapshot, TileKey, Workbench,
};
use infralock::model::Timestamp;

use crate::window::nothing;

/// What draws a panel.
type Draw = fn(&mut Ui, &mut View<'_>);

/// What must be said in a state: each of these.
type Words = &'static [&'static str];

/// The states in the order of the table.
const STATES: [&str; 4] = ["nothing is open", "it is read", "it failed", "the example"];

const READING: &str = "Reading access.log";
const FAILED: &str = "Nothing could be read";
const WHY: &str = "no capture, log or list that is known";

/// Panels by title, and what each says in the four states.
const SAID: [(&str, [Words; 4]); 11] = [
    ("Map", [&["No hosts yet"], &["No hosts so far", READING], &[FAILED, WHY], &["Map, 88 hosts"]]),
    (
        "Hosts",
        [&["No hosts yet"], &["No hosts so far", READING], &[FAILED, WHY], &["Hosts, 89 rows"]],
    ),
    (
        "Flows",
        [&["No flows yet"], &["No flows so far", READING], &[FAILED, WHY], &["Flows, 103 rows"]],
    ),
    (
        "Records",
        [
            &["No records yet"],
            &["No records so far", READING],
            &[FAILED, WHY],
            &["Records, 1190 rows"],
        ],
    ),
    (
        "Detections",
        [
            &["No detections yet"],
            &["No detections so far", "Detectors speak when all is read"],
            &[FAILED, WHY],
            &["Detections, 7 rows"],
        ],
    ),
    (
        "Problems",
        [
            &["No problems yet", "Nothing has been opened"],
            &["No problems so far", READING],
            &["Problems, 1 rows"],
            &["No problems", "Everything that was opened could be read"],
        ],
    ),
    (
        "Data",
        [
            &["No files yet", "db-ip.com"],
            &["No files so far", "Opening the reference data"],
            &["Files, 1 rows", "not read"],
            &["Files, 3 rows", "db-ip.com"],
        ],
    ),
    (
        "Packets",
        [
            &["No packets yet"],
            &["Reading the packets of 192.0.2.7"],
            &["The packets cannot be read", "the file is gone", "Try again"],
            &["Packets, 8 rows", "Fields, "],
        ],
    ),
    (
        "Jobs",
        [
            &["No jobs yet"],
            &["runs", READING, "61 % done", "4 s left", "Stop: "],
            &["failed", WHY, "Copy why it failed", "Hide: "],
            &["done", "89 hosts in the case"],
        ],
    ),
    (
        "Address space",
        [
            &["Address space, all of IPv4", "Country: being drawn", "0 IPv4 hosts"],
            &["Address space, all of IPv4", "tiles to come", "Zoom in"],
            &["it cannot be drawn: no thread"],
            &["Address space, all of IPv4", "US ", "IPv4 hosts", "Legend: Country, in sight"],
        ],
    ),
    (
        "Prefix explorer",
        [
            &["No prefixes yet", "Type or paste an address above"],
            &["the reference data are being opened"],
            &["No source says anything of it", "Before: 30ff:"],
            &["AS64504", "counts: AS", "Copy 198.51.100.0/24", "After: "],
        ],
    ),
];

/// What is not among the views of the middle.
const BESIDE: [(&str, Draw, [Words; 4]); 4] = [
    (
        "Inspector",
        panels::inspector::inspector_ui,
        [
            &["Click a host"],
            &["Click a host"],
            &["Click a host"],
            &["198.51.100.23", "WHY THIS SCORE", "bruteforce.ssh"],
        ],
    ),
    (
        "Timeline",
        panels::timeline::timeline_ui,
        [
            &["Timeline: Nothing that is open has a time"],
            &["Timeline: Times come when the first file is read"],
            &["Timeline: Nothing that is open has a time"],
            &["Timeline from 2026-06-04"],
        ],
    ),
    (
        "Jobs in a line",
        panels::jobs::strip_ui,
        [
            &["No jobs"],
            &[READING, "61 % done", "Stop: "],
            &["1 failed", WHY, "Hide: "],
            &["89 hosts in the case", "1 job"],
        ],
    ),
    (
        "Start",
        panels::start::start_ui,
        [
            &["Who is behind it", "Open the example"],
            &["Who is behind it"],
            &["WHAT HAPPENED", WHY],
            &["Who is behind it"],
        ],
    ),
];

fn settled(workbench: &Workbench, done: impl Fn(&Snapshot) -> bool) -> Snapshot {
    for _ in 0..6_000 {
        let snapshot = workbench.snapshot();
        if done(&snapshot) {
            return Snapshot::clone(&snapshot);
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the engine did not get there: {:?}", workbench.snapshot().jobs);
}

fn is_over(snapshot: &Snapshot) -> bool {
    !snapshot.jobs.is_empty() && snapshot.jobs.iter().all(|job| job.state.is_over())
}

/// The four snapshots: as the engine makes them, but for what passes too fast to be caught.
fn snapshots() -> &'static [Snapshot; 4] {
    static SNAPSHOTS: OnceLock<[Snapshot; 4]> = OnceLock::new();
    SNAPSHOTS.get_or_init(|| {
        let workbench = Workbench::start(Arc::new(|| ())).unwrap();
        let nothing = settled(&workbench, |it| matches!(it.data, DataState::Ready(_)));
        let reading = reading(&nothing);
        let mut file = tempfile::Builder::new().suffix(".bin").tempfile().unwrap();
        file.write_all(b"\x7fELF\x02\x01\x01\0\0\0").unwrap();
        workbench.send(Command::Open(vec![file.path().to_owned()]));
        let mut failed = settled(&workbench, is_over);
        assert!(matches!(failed.jobs[0].state, JobState::Failed(_)), "{:?}", failed.jobs);
        let path = "/evidence/capture.pcap".to_owned();
        Arc::make_mut(&mut failed.picture).failed = Some("no thread".to_owned());
        failed.explorer = explored(&workbench, "3100::1");
        failed.packets = packets(PacketState::Failed { why: "the file is gone".to_owned(), path });
        workbench.send(Command::DismissFinished);
        workbench.send(Command::OpenExample);
        let is_there = |it: &Snapshot| is_over(it) && it.hosts.all.len() == 89;
        let read = settled(&workbench, is_there);
        let flow = read.flows.all.iter().find(|flow| flow.service.as_deref() == Some("http"));
        workbench.send(Command::ShowPackets(flow.unwrap().uid.into(), None));
        workbench.send(Command::Select(Some(Selected::Host(read.hosts.all.keys[0]))));
        explored(&workbench, "198.51.100.23");
        workbench.send(Command::Picture(PictureWish { paint: Paint::Country, tiles: tiles() }));
        let ready = settled(&workbench, |it| {
            let packets = it.packets.as_ref().map(|packets| &packets.state);
            let is_drawn = it.picture.paint.is_some() && it.picture.missing == 0;
            let has_dots = it.picture.dots.len() >= tiles().len();
            it.selection.is_some()
                && is_drawn
                && has_dots
                && matches!(packets, Some(PacketState::Ready(_)))
        });
        [nothing, reading, failed, ready]
    })
}

fn reading(before: &Snapshot) -> Snapshot {
    let mut reading = before.clone();
    let now = Timestamp::from_nanos(1_780_000_000_000_000_000);
    Arc::make_mut(&mut reading.case).is_growing = true;
    let detail = "access.log  61 %  182 MB/s  4 s left".to_owned();
    reading.data = DataState::Opening;
    reading.jobs = Arc::new(vec![JobView {
        id: JobId(0),
        title: READING.to_owned(),
        asked: now,
        begun: Some(now),
        ended: None,
        state: JobState::Running { part: Some(0.61), detail },
    }]);
    reading.packets = packets(PacketState::Reading(JobId(0)));
    reading.explorer.asked = "192.0.2.7".parse().ok();
    let picture = Arc::make_mut(&mut reading.picture);
    (picture.paint, picture.missing) = (Some(Paint::Country), tiles().len());
    reading
}

/// The tiles that the panel of this test has in sight.
fn tiles() -> Vec<TileKey> {
    (0..2).flat_map(|y| (0..2).map(move |x| TileKey { level: 1, x, y })).collect()
}

/// What the explorer shows of an address.
fn explored(workbench: &Workbench, addr: &str) -> Explorer {
    let addr = addr.parse().unwrap();
    workbench.send(Command::Explore(addr));
    let is_found = |it: &Snapshot| it.explorer.found.as_ref().is_some_and(|it| it.addr == addr);
    settled(workbench, is_found).explorer
}

fn packets(state: PacketState) -> Option<Arc<PacketView>> {
    let uid = infralock::model::Uid::from_hash([7; 12]);
    let title = "192.0.2.7:1024 → 198.51.100.1:80 tcp".to_owned();
    let of = uid.into();
    Some(Arc::new(PacketView { of, title, state, chosen: None, stream: None, found: None }))
}

/// All that screen readers hear of a panel.
fn said(draw: Draw, snapshot: &Snapshot) -> Vec<String> {
    let mut is_dressed = false;
    let mut harness =
        Harness::builder().with_size([900.0, 500.0]).renderer(nothing()).build_ui_state(
            move |ui, memory: &mut Memory| {
                if !std::mem::replace(&mut is_dressed, true) {
                    theme::install(ui.ctx());
                    return;
                }
                let mut wishes = Vec::new();
                draw(ui, &mut View { snapshot, wishes: &mut wishes, memory });
            },
            Memory::default(),
        );
    harness.run_steps(3);
    let nodes = harness.root().children_recursive();
    nodes
        .flat_map(|node| {
            let node = node.accesskit_node();
            [node.label(), node.value()]
        })
        .flatten()
        .collect()
}

fn check(title: &str, draw: Draw, wanted: &[Words; 4]) {
    for ((words, snapshot), state) in wanted.iter().zip(snapshots()).zip(STATES) {
        let said = said(draw, snapshot);
        for word in *words {
            let is_said = said.iter().any(|text| text.contains(word));
            assert!(is_said, "{title}, {state}: nothing says {word:?} but {said:#?}");
        }
    }
}

#[test]
fn every_view_has_four_states_that_cannot_be_confused() {
    let titles: Vec<_> = PANELS.iter().map(|panel| panel.title).collect();
    assert_eq!(titles, SAID.map(|(title, _)| title), "each view has a row in the table");
    for (panel, (title, wanted)) in PANELS.iter().zip(&SAID) {
        check(title, panel.ui, wanted);
        let [nothing, reading, failed, ready] = snapshots().each_ref().map(|it| said(panel.ui, it));
        let all = [&nothing, &reading, &failed, &ready];
        for (number, one) in all.iter().enumerate() {
            assert!(!one.is_empty(), "{title} is blank where {}", STATES[number]);
            let same = all.iter().skip(number + 1).position(|other| other == one);
            assert_eq!(same, None, "{title} says the same where {}", STATES[number]);
        }
    }
}

#[test]
fn what_stands_beside_the_views_says_its_states_too() {
    for (title, draw, wanted) in &BESIDE {
        check(title, *draw, wanted);
    }
}

#[test]
fn missing_reference_data_is_said_where_it_is_missed() {
    let why = "image.bin is damaged";
    let snapshot = Snapshot { data: DataState::Failed(why.to_owned()), ..snapshots()[0].clone() };
    let draw = |title: &str| PANELS.iter().find(|panel| panel.title == title).unwrap().ui;
    for draw in [draw("Map"), draw("Hosts"), draw("Data"), panels::start::start_ui] {
        let said = said(draw, &snapshot).join("\n");
        assert!(
            said.contains("The reference data cannot be opened") && said.contains(why),
            "{said}"
        );
    }
}
