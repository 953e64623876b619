//! What a person says of many hosts at once, by menu and by keys: one step to undo; and the menu of
//! a host wherever it stands.

use egui::{Key, Modifiers, OutputCommand, Role};
use egui_kittest::kittest::{NodeT, Queryable};
use egui_kittest::{Harness, Node};
use infralock::app::shell::Shell;
use infralock::engine::workbench::{Command, Decision, Deed, Mark, Put, Selected, Subject};
use infralock::model::HostKey;

use crate::window::{has, until, window};

fn with_example<'a>() -> Harness<'a, Shell> {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    window
}

/// The host in a row of the table.
fn host(window: &Harness<'_, Shell>, place: usize) -> HostKey {
    let snapshot = window.state().snapshot();
    snapshot.hosts.all.keys[snapshot.hosts.shown[place] as usize]
}

fn click(window: &mut Harness<'_, Shell>, place: usize, modifiers: Modifiers) {
    row(window, place).click_modifiers(modifiers);
    window.step();
}

fn row<'a>(window: &'a Harness<'_, Shell>, place: usize) -> Node<'a> {
    let addr = host(window, place).addr().to_string();
    let mut rows = window.query_all_by_role(Role::Row);
    let is_it =
        |row: &Node<'_>| row.accesskit_node().label().is_some_and(|label| label.contains(&addr));
    rows.find(is_it).expect("the row is in sight")
}

/// Chooses the three hosts of the top.
fn choose_three(window: &mut Harness<'_, Shell>) {
    click(window, 0, Modifiers::NONE);
    click(window, 2, Modifiers::SHIFT);
    until(window, |window| has(window, "3 hosts") || has(window, "WHY THIS SCORE"));
}

fn menu(window: &mut Harness<'_, Shell>, place: usize) {
    row(window, place).click_secondary();
    window.step();
    window.step();
}

/// Opens a menu within the menu.
fn open(window: &mut Harness<'_, Shell>, name: &str) {
    window.get_by_label(name).click();
    window.step();
    window.step();
}

fn marked(window: &Harness<'_, Shell>, wanted: impl Fn(&Mark) -> bool) -> usize {
    window.state().snapshot().marks.values().filter(|mark| wanted(mark)).count()
}

fn undo(window: &Harness<'_, Shell>) -> String {
    window.state().snapshot().case.undo.clone().unwrap_or_default()
}

#[test]
fn a_verdict_on_all_chosen_hosts_is_one_step_to_undo() {
    let mut window = with_example();
    choose_three(&mut window);
    menu(&mut window, 1);
    assert!(has(&window, "3 hosts"), "the menu says of how many it is");
    open(&mut window, "Verdict");
    window.get_by_label_contains("Malicious").click();
    let is = |decision: Option<Decision>| move |mark: &Mark| mark.decision == decision;
    until(&mut window, |window| marked(window, is(Some(Decision::Malicious))) == 3);
    assert_eq!(undo(&window), "verdict malicious on 3 hosts");

    // By keys, on the same rows: they are still chosen.
    window.key_press_modifiers(Modifiers::ALT, Key::Num2);
    until(&mut window, |window| marked(window, is(Some(Decision::Suspicious))) == 3);
    window.key_press_modifiers(Modifiers::ALT, Key::Num3);
    until(&mut window, |window| has(window, "Why are 3 hosts expected?"));
    window.event(egui::Event::Text("our own scanners".to_owned()));
    window.step();
    window.key_press(Key::Enter);
    let ours = || Some(Decision::Expected("our own scanners".to_owned()));
    until(&mut window, |window| marked(window, is(ours())) == 3);
    assert_eq!(undo(&window), "verdict expected on 3 hosts");

    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    until(&mut window, |window| marked(window, is(Some(Decision::Suspicious))) == 3);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    until(&mut window, |window| window.state().snapshot().marks.is_empty());
    window.key_press_modifiers(Modifiers::COMMAND, Key::Y);
    until(&mut window, |window| marked(window, is(Some(Decision::Malicious))) == 3);
}

#[test]
fn tags_notes_and_bookmarks_are_put_to_many_and_taken_away() {
    let mut window = with_example();
    choose_three(&mut window);
    menu(&mut window, 0);
    open(&mut window, "Tag");
    window.get_by_role_and_label(Role::TextInput, "New tag").click();
    window.step();
    window.event(egui::Event::Text("case 7".to_owned()));
    window.step();
    assert!(has(&window, "New tag"), "a click into the field leaves the menu open");
    window.key_press(Key::Enter);
    until(&mut window, |window| marked(window, |mark| mark.tags == ["case 7"]) == 3);
    assert_eq!(undo(&window), "tag case 7 on 3 hosts");

    // The tag of one host is on one of three: turned, it is on all.
    let one = host(&window, 1);
    window.state_mut().ask(Command::Do(Deed::Tag {
        subject: Subject::host(one),
        tag: "other".to_owned(),
        put: Put::On,
    }));
    until(&mut window, |window| marked(window, |mark| mark.tags.len() == 2) == 1);
    window.key_press_modifiers(Modifiers::ALT, Key::T);
    until(&mut window, |window| has(window, "Tag 3 hosts") && has(window, "Tag other"));
    window.get_by_label("Tag other").click();
    until(&mut window, |window| marked(window, |mark| mark.tags.len() == 2) == 3);
    menu(&mut window, 0);
    open(&mut window, "Tag");
    window.get_by_label("Tag case 7").click();
    until(&mut window, |window| marked(window, |mark| mark.tags == ["other"]) == 3);

    window.key_press_modifiers(Modifiers::ALT, Key::N);
    until(&mut window, |window| has(window, "Note on 3 hosts"));
    window.event(egui::Event::Text("seen in May".to_owned()));
    window.step();
    window.get_by_label("Keep the note").click();
    let noted = |mark: &Mark| mark.note.as_deref() == Some("seen in May");
    until(&mut window, |window| marked(window, noted) == 3);
    window.key_press_modifiers(Modifiers::ALT, Key::B);
    until(&mut window, |window| marked(window, |mark| mark.bookmark.is_some()) == 3);
    assert_eq!(undo(&window), "bookmark on 3 hosts");
    window.key_press_modifiers(Modifiers::ALT, Key::B);
    until(&mut window, |window| marked(window, |mark| mark.bookmark.is_some()) == 0);
}

#[test]
fn keys_without_a_host_say_what_to_choose() {
    let mut window = with_example();
    window.key_press_modifiers(Modifiers::ALT, Key::Num1);
    until(&mut window, |window| has(window, "No host is chosen"));
    window.get_by_label("Close").click();
    until(&mut window, |window| !has(window, "No host is chosen"));
    assert!(window.state().snapshot().marks.is_empty());
}

#[test]
fn the_menu_leads_to_flows_and_records_and_to_wireshark() {
    let mut window = with_example();
    choose_three(&mut window);
    menu(&mut window, 0);
    window.get_by_label("Copy as Wireshark filter").click();
    let copied = (0..10).find_map(|_| {
        window.step();
        let commands = &window.output().platform_output.commands;
        commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        })
    });
    let copied = copied.expect("a filter is copied");
    assert_eq!(copied.matches(" || ").count(), 2, "{copied}");
    assert!(copied.contains(&host(&window, 0).addr().to_string()), "{copied}");
    menu(&mut window, 0);
    window.get_by_label("Their flows").click();
    until(&mut window, |window| window.state().snapshot().filter.text.starts_with("addr in {"));
    until(&mut window, |window| has(window, "Flows, "));

    // The same menu at the end of a flow.
    window.state_mut().ask(Command::Filter(String::new()));
    until(&mut window, |window| has(window, "Flows, 103 rows"));
    let flow = window.state().snapshot().flows.all[0].clone();
    window.state_mut().ask(Command::Select(Some(Selected::Flow(flow.uid))));
    until(&mut window, |window| has(window, "THIS FLOW"));
    let row = window.query_all_by_role(Role::Row).next().unwrap();
    row.click_secondary();
    window.step();
    window.step();
    let name = window.query_all_by_label_contains("Originator ").next().unwrap();
    name.click();
    window.step();
    window.step();
    window.get_by_label_contains("Note …").click();
    until(&mut window, |window| has(window, "Note on "));
}
