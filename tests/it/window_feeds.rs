//! Own feeds in the window: looked at, kept, heard in the open case, removed.

use std::sync::Arc;

use egui_kittest::kittest::{NodeT, Queryable};
use infralock::engine::workbench::{Command, Shelf, Workbench};

use crate::window::{has, until, window_over};

#[test]
fn a_feed_is_shown_with_what_was_not_understood_before_it_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::at(&folder.path().join("feeds"));
    let list = folder.path().join("bad.txt");
    std::fs::write(&list, "# Updated: 2026-06-05\n192.0.2.7\nnot one\n").unwrap();
    let workbench = Workbench::start_with(Arc::new(|| ()), None, Some(shelf.clone())).unwrap();
    let mut window = window_over(workbench);
    until(&mut window, |window| has(window, "Who is behind it"));
    window.state_mut().ask(Command::Paste("192.0.2.7".to_owned()));
    until(&mut window, |window| has(window, "Hosts, ") && !has(window, "judging hosts"));
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num7);
    until(&mut window, |window| has(window, "OWN FEEDS"));

    window.get_by_label("Add a feed …").click();
    let name = "A file or an https:// address";
    until(&mut window, |window| {
        window.query_by_role_and_label(egui::Role::TextInput, name).is_some()
    });
    let field = window.get_by_role_and_label(egui::Role::TextInput, name);
    field.focus();
    window.step();
    window.event(egui::Event::Text(list.display().to_string()));
    window.step();
    window.get_by_label("Look at it").click();
    until(&mut window, |window| has(window, "bad: context, plain, 2026-06-05 (feed)"));
    assert!(has(&window, "1 thing was not understood") && has(&window, "not an address"));
    assert!(shelf.rows().unwrap().is_empty(), "nothing is kept before it is taken");

    window.get_by_label("Keep bad").click();
    until(&mut window, |window| has(window, "Remove the feed bad …"));
    assert_eq!(shelf.rows().unwrap().len(), 1);
    assert!(window.get_by_label("Update").accesskit_node().is_disabled(), "it is from a file");

    window.get_by_label("Remove the feed bad …").click();
    until(&mut window, |window| has(window, "No undo"));
    window.get_by_role_and_label(egui::Role::Button, "Remove").click();
    until(&mut window, |window| !has(window, "Remove the feed bad …"));
    assert!(shelf.rows().unwrap().is_empty());
}

#[test]
fn why_a_feed_cannot_be_looked_at_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::at(&folder.path().join("feeds"));
    let workbench = Workbench::start_with(Arc::new(|| ()), None, Some(shelf)).unwrap();
    let mut window = window_over(workbench);
    until(&mut window, |window| has(window, "Who is behind it"));
    window.state_mut().ask(Command::LookAtFeed("http://feeds.example/x".to_owned(), None));
    window.state_mut().ask(Command::Paste("192.0.2.7".to_owned()));
    until(&mut window, |window| has(window, "Hosts, ") && !has(window, "judging hosts"));
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num7);
    until(&mut window, |window| has(window, "https:// addresses alone"));
}
