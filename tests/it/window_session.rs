//! A whole session: open, filter, follow the evidence, decide, note, undo, save, find it again.

use egui_kittest::kittest::{NodeT, Queryable};
use infralock::engine::workbench::{CasePlace, Command, Decision, Existing};

use crate::window::{has, until, window};

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/shop/auth.log");

#[test]
fn a_person_follows_the_evidence_decides_saves_and_finds_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("night.infralock");
    let mut window = window();
    until(&mut window, |window| has(window, "Who is behind it"));
    window.state_mut().ask(Command::Open(vec![SHOP.into()]));
    until(&mut window, |window| has(window, "Hosts, ") && !has(window, "judging hosts"));
    window.state_mut().ask(Command::Filter("score >= 50".to_owned()));
    until(&mut window, |window| window.state().snapshot().filter.is_on());

    // The worst host, then the evidence behind its score, then the line behind that.
    let rows = window.query_all_by_label_contains("198.51.100.23");
    rows.into_iter().next().unwrap().click();
    until(&mut window, |window| has(window, "bruteforce.ssh"));
    let row = window.query_all_by_label_contains("bruteforce.ssh +").next().unwrap();
    row.click();
    until(&mut window, |window| has(window, "auth.log#"));
    assert!(has(&window, "nats"), "how it was weighed");
    let line = window.query_all_by_label_contains("auth.log#").next().unwrap();
    line.click();
    until(&mut window, |window| has(window, "THIS RECORD"));
    assert!(has(&window, "Records, "), "the view that shows it comes to the front");

    // Back to the host. What is said of it is kept, and can be undone.
    window.key_press_modifiers(egui::Modifiers::ALT, egui::Key::ArrowLeft);
    until(&mut window, |window| !has(window, "THIS RECORD"));
    let row = window.query_all_by_label_contains("bruteforce.ssh +").next().unwrap();
    row.click();
    until(&mut window, |window| !has(window, "auth.log#"));
    window.get_by_label("malicious").click();
    let decided = |window: &egui_kittest::Harness<'_, infralock::app::shell::Shell>| {
        let snapshot = window.state().snapshot();
        // A click is answered some frames later.
        let key = snapshot.selection.as_ref()?.key?;
        snapshot.marks.get(&key).and_then(|mark| mark.decision.clone())
    };
    until(&mut window, |window| decided(window) == Some(Decision::Malicious));
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    until(&mut window, |window| decided(window).is_none());
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Y);
    until(&mut window, |window| decided(window) == Some(Decision::Malicious));
    window.get_by_label("bookmark").click();
    until(&mut window, |window| {
        window.state().snapshot().marks.values().any(|mark| mark.bookmark.is_some())
    });
    let note = window.get_by_role_and_label(egui::Role::MultilineTextInput, "Note");
    note.focus();
    window.step();
    window.event(egui::Event::Text("got in at 03:12".to_owned()));
    window.step();
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Enter);
    until(&mut window, |window| {
        window.state().snapshot().marks.values().any(|mark| mark.note.is_some())
    });

    // Where nothing is selected, what was marked is listed.
    window.state_mut().ask(Command::Select(None));
    until(&mut window, |window| has(window, "MARKED BY YOU"));

    window.state_mut().ask(Command::SaveAs(saved.clone(), Existing::Keep));
    until(&mut window, |window| {
        window.state().snapshot().case.place == CasePlace::File(saved.clone())
    });
    assert!(has(&window, "saved in night.infralock"));
    window.state_mut().ask(Command::NewCase);
    until(&mut window, |window| has(window, "Who is behind it"));
    window.state_mut().ask(Command::Open(vec![saved]));
    until(&mut window, |window| {
        let snapshot = window.state().snapshot();
        !snapshot.case.is_growing && !snapshot.records.all.is_empty()
    });
    let rows = window.query_all_by_label_contains("198.51.100.23");
    rows.into_iter().next().unwrap().click();
    until(&mut window, |window| decided(window) == Some(Decision::Malicious));
    until(&mut window, |window| {
        let note = window.get_by_role_and_label(egui::Role::MultilineTextInput, "Note");
        note.accesskit_node().value().is_some_and(|text| text.contains("got in at 03:12"))
    });
}
