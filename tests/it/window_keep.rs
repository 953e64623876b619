//! What a case keeps, seen in the window: its log, its own sources, where hosts were before.

use egui_kittest::kittest::Queryable;
use infralock::engine::workbench::{Command, Deed, Put, Subject};

use crate::window::{has, until, window};

/// Chooses an entry of the palette by its name.
fn perform(window: &mut egui_kittest::Harness<'_, infralock::app::shell::Shell>, name: &str) {
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
