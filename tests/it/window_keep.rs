//! What a case keeps, seen in the window: its log, its own sources, where hosts were before.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use infralock::app::settings::{Settings, load, save};
use infralock::app::shell::Shell;
use infralock::app::theme;
use infralock::app::units::{Lengths, Sizes};
use infralock::engine::workbench::{
    Command, DataState, Deed, Existing, Put, Recovered, Snapshot, Subject, Workbench,
};

use crate::store::infralock;
use crate::window::{has, until, window, window_with};

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/shop");

/// Chooses an entry of the palette by its name.
fn perform(window: &mut Harness<'_, Shell>, name: &str) {
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::K);
    window.step();
    window.step();
    window.event(egui::Event::Text(name.to_owned()));
    window.step();
    window.step();
    window.key_press(egui::Key::Enter);
    window.step();
}

#[test]
fn the_log_shows_the_newest_command_first() {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    let worst = window.state().snapshot().hosts.all.keys[0];
    let tag = "seen\u{202e}before".to_owned();
    let deed = Deed::Tag { subject: Subject::host(worst), tag, put: Put::On };
    window.state_mut().ask(Command::Do(deed));
    perform(&mut window, "Log of this case");
    until(&mut window, |window| has(window, "times in UTC"));
    // A stranger's sign that turns the line around is shown as what it is.
    until(&mut window, |window| has(window, "tag seen\\u{202e}before on "));
    window.state_mut().ask(Command::Undo);
    until(&mut window, |window| has(window, "undone: tag "));
    let count = window.state().snapshot().case.log.count;
    assert!(has(&window, &format!("{count} commands")));
    let table = format!("Log of this case, {count} rows");
    until(&mut window, |window| has(window, &table));
}

/// Where a host was placed by other sources stands folded beneath where it is placed now.
#[test]
fn a_host_that_was_placed_otherwise_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("a.infralock");
    for (name, city) in [("first", "Oslo,NO"), ("then", "Quito,EC")] {
        let feed = folder.path().join(format!("{name}.csv"));
        let (city, country) = city.split_once(',').unwrap();
        std::fs::write(&feed, format!("198.51.100.0/24,{country},,{city},\n")).unwrap();
        let log = format!("{SHOP}/auth.log");
        let (case, feed) = (case.to_str().unwrap(), feed.to_str().unwrap());
        let ran = infralock(&["triage", &log, "--case", case, "--geofeed", feed, "--json"]);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    let mut window = window();
    until(&mut window, |window| has(window, "Who is behind it"));
    window.state_mut().ask(Command::Open(vec![case]));
    until(&mut window, |window| {
        let snapshot = window.state().snapshot();
        !snapshot.case.is_growing && !snapshot.records.all.is_empty()
    });
    let rows = window.query_all_by_label_contains("198.51.100.23");
    rows.into_iter().next().unwrap().click();
    until(&mut window, |window| has(window, "WHERE"));
    until(&mut window, |window| has(window, "Placed otherwise "));
    assert!(!has(&window, "Oslo, NO"), "folded at first");
    window.query_all_by_label_contains("Placed otherwise ").next().unwrap().click();
    until(&mut window, |window| has(window, "Oslo, NO") && has(window, "Quito, EC"));
    assert!(has(&window, "first.csv"), "which source said so");
}

/// The example saved as a case keeps what it is judged by; taken out, it is judged without it.
#[test]
fn a_saved_case_keeps_its_own_sources() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("a.infralock");
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    assert_eq!(window.state().snapshot().case.undo, None, "nothing was done yet");
    let judged = window.state().snapshot().hosts.all.clone();
    window.state_mut().ask(Command::SaveAs(saved.clone(), Existing::Keep));
    until(&mut window, |window| has(window, "saved in a.infralock"));
    window.state_mut().ask(Command::NewCase);
    until(&mut window, |window| has(window, "Who is behind it"));
    window.state_mut().ask(Command::Open(vec![saved]));
    until(&mut window, |window| {
        let snapshot = window.state().snapshot();
        !snapshot.case.is_growing && !snapshot.records.all.is_empty()
    });
    let again = window.state().snapshot().hosts.all.clone();
    assert_eq!((&again.keys, &again.score), (&judged.keys, &judged.score));
    assert_eq!((&again.city, &again.mine), (&judged.city, &judged.mine));
    assert!(again.city.iter().any(|city| !city.is_empty()) && again.mine.contains(&true));

    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num7);
    until(&mut window, |window| has(window, "THIS CASE'S OWN SOURCES"));
    assert!(has(&window, "list, tor") && has(&window, "geofeed.csv"));
    assert!(has(&window, "own networks") && has(&window, "192.0.2.0/24"));
    window.get_by_label_contains("geofeed.csv …").click();
    until(&mut window, |window| has(window, "No undo."));
    window.get_by_label("Remove").click();
    until(&mut window, |window| {
        let snapshot = window.state().snapshot();
        snapshot.case.own.sources.len() == 3
            && snapshot.hosts.all.city.iter().all(|city| city.is_empty())
    });
}

/// What is chosen in the dialog holds at once, is said in words, and is kept.
#[test]
fn units_and_how_long_is_kept_are_settings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    let mut window = window_with(Some(path.clone()));
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    let rows = window.query_all_by_label_contains("198.51.100.23");
    rows.into_iter().next().unwrap().click();
    until(&mut window, |window| has(window, ", within 40 km"));
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Comma);
    until(&mut window, |window| has(window, "Kept in"));
    for name in ["miles", "KiB, MiB (1,024s)"] {
        window.get_by_label(name).click();
        window.step();
        window.step();
    }
    until(&mut window, |window| has(window, ", within 25 mi"));
    until(&mut window, |window| has(window, " KiB"));
    assert!(has(&window, "Nothing is deleted"), "as it is at first");
    window.get_by_role_and_label(egui::Role::ComboBox, "History of places").click();
    until(&mut window, |window| has(window, "90 days"));
    window.get_by_label("90 days").click();
    until(&mut window, |window| has(window, "cannot be undone"));
    drop(window);
    let settings = load(&path).unwrap().0;
    assert_eq!((settings.lengths, settings.sizes), (Lengths::Miles, Sizes::Binary));
    assert_eq!((settings.places_days, settings.unsaved_days), (Some(90), None));
}

/// Old cases that were not saved are offered together, and go on a person's word alone.
#[test]
fn old_unsaved_cases_are_offered_for_deletion() {
    let case = |name: &str, age_days| Recovered {
        path: PathBuf::from(name),
        what: format!("{name}: 1 file"),
        made: None,
        age_days,
    };
    let recovered = vec![case("new", Some(3)), case("old", Some(30)), case("lost", None)];
    let snapshot = Snapshot {
        recovered: Arc::new(recovered),
        data: DataState::Ready(Arc::default()),
        ..Snapshot::default()
    };
    let folder = tempfile::tempdir().unwrap();
    for (unsaved_days, offered) in [(None, None), (Some(30), Some("1 case")), (Some(90), None)] {
        let path = folder.path().join("settings.toml");
        save(&path, &Settings { unsaved_days, ..Settings::default() }).unwrap();
        let mut window = showing(snapshot.clone(), &path);
        for _ in 0..4 {
            window.step();
        }
        assert!(has(&window, "NOT SAVED LAST TIME"));
        match offered {
            None => assert!(!has(&window, "days or older"), "{unsaved_days:?}"),
            Some(cases) => {
                assert!(has(&window, &format!("{cases} of 30 days or older")));
                window.get_by_label(&format!("Delete {cases} …")).click();
                until(&mut window, |window| has(window, "They go for good"));
            }
        }
    }
}

/// A window that shows this and asks nobody.
fn showing<'a>(snapshot: Snapshot, settings: &Path) -> Harness<'a, Shell> {
    let mut set = false;
    Harness::builder().with_size([1280.0, 800.0]).build_ui_state(
        move |ui, shell: &mut Shell| {
            if !std::mem::replace(&mut set, true) {
                theme::install(ui.ctx());
            }
            shell.draw(ui);
        },
        Shell::with_settings(Workbench::showing(snapshot), Some(settings.to_owned())),
    )
}
