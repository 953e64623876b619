//! Handing hosts over from the window: the dialog, by the names that screen readers hear.

use egui_kittest::kittest::Queryable;
use infralock::engine::workbench::SavedOutcome;

use crate::window::{has, until, window};

#[test]
fn a_person_hands_the_worst_hosts_over_and_nothing_is_replaced_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hosts.txt");
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::E);
    window.step();
    assert!(!has(&window, "Hand over"), "there is nothing to hand over yet");
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));

    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::E);
    until(&mut window, |window| has(window, "All shown: 89 hosts"));
    assert!(has(&window, "TLP:AMBER+STRICT"), "the markings are there to choose");
    window.get_by_label("TLP:RED").click();
    until(&mut window, |window| has(window, "For the named recipients alone"));

    let field = window.get_by_role_and_label(egui::Role::TextInput, "File to write");
    field.focus();
    window.step();
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.event(egui::Event::Text(path.to_str().unwrap().to_owned()));
    window.step();
    window.get_by_label("Save").click();
    until(&mut window, |window| has(window, "89 hosts as Plain list, TLP:RED written to"));
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written.starts_with("# TLP:RED: ") && written.contains("198.51.100.23\n"));

    std::fs::write(&path, "mine").unwrap();
    until(&mut window, |window| has(window, "There is such a file"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    window.get_by_label("Save over it").click();
    until(&mut window, |_| std::fs::read_to_string(&path).unwrap() == written);

    window.get_by_label("Copy").click();
    until(&mut window, |window| has(window, "Copied 89 hosts"));
    let saved = window.state().snapshot().saved.clone().unwrap();
    assert!(matches!(&saved.outcome, SavedOutcome::Text(text, _) if **text == *written));

    // What cannot be written is said in the dialog.
    std::fs::remove_file(&path).unwrap();
    drop(folder);
    until(&mut window, |window| window.query_by_label("Save").is_some());
    window.get_by_label("Save").click();
    until(&mut window, |window| has(window, "no such file or folder"));
    window.get_by_label("Cancel").click();
    until(&mut window, |window| !has(window, "All shown"));
}
