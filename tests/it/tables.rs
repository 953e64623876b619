//! Tables of the window: choosing, copying, columns, groups.

use egui::{Key, Modifiers, OutputCommand, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use infralock::app::shell::Shell;
use infralock::engine::workbench::{Command, GroupBy, Snapshot};
use infralock::export::handover::defanged;

use crate::window::{has, until, window};

fn with_example<'a>() -> Harness<'a, Shell> {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    window
}

/// What was put on the clipboard in the last frame.
fn copied(window: &Harness<'_, Shell>) -> Option<String> {
    window.output().platform_output.commands.iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    })
}

fn copy(window: &mut Harness<'_, Shell>) -> String {
    window.event(egui::Event::Copy);
    window.step();
    copied(window).expect("something is copied")
}

fn addr(snapshot: &Snapshot, place: usize) -> String {
    snapshot.hosts.all.addr(snapshot.hosts.shown[place]).unwrap().to_string()
}

/// The line of a host in the table, as screen readers hear it.
fn click_row(window: &mut Harness<'_, Shell>, place: usize, modifiers: Modifiers) {
    let addr = format!("{},", addr(&window.state().snapshot(), place));
    let rows = window.query_all_by_role(Role::Row);
    let row = rows.into_iter().find(|row| {
        let label = egui_kittest::kittest::NodeT::accesskit_node(row).label();
        label.is_some_and(|label| label.replace(" (mine)", "").contains(&addr))
    });
    row.expect("the row is in sight").click_modifiers(modifiers);
    window.step();
    window.step();
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn rows_are_chosen_by_mouse_and_keys_and_copied_as_shown() {
    let mut window = with_example();
    let shown = window.state().snapshot();
    click_row(&mut window, 0, Modifiers::NONE);
    let text = copy(&mut window);
    assert_eq!(lines(&text).len(), 2, "{text}");
    assert!(text.starts_with("Score\tAddress\t"), "{text}");

    click_row(&mut window, 2, Modifiers::COMMAND);
    let text = copy(&mut window);
    assert_eq!(lines(&text).len(), 3, "{text}");
    assert!(lines(&text)[2].contains(&addr(&shown, 2)), "{text}");

    click_row(&mut window, 0, Modifiers::NONE);
    click_row(&mut window, 3, Modifiers::SHIFT);
    assert_eq!(lines(&copy(&mut window)).len(), 5);
    window.key_press_modifiers(Modifiers::SHIFT, Key::ArrowUp);
    window.step();
    assert_eq!(lines(&copy(&mut window)).len(), 4);

    // What is chosen stays so when the order is another.
    window.get_by_label("Sort by Address").click();
    until(&mut window, |window| {
        let sort = window.state().snapshot().hosts.sort;
        sort.by == infralock::engine::workbench::HostColumn::Addr
    });
    click_focus(&mut window);
    let text = copy(&mut window);
    assert_eq!(lines(&text).len(), 4, "{text}");
    for place in 0..3 {
        assert!(text.contains(&addr(&shown, place)), "{text}");
    }

    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.step();
    assert_eq!(lines(&copy(&mut window)).len(), 90);
    assert!(lines(&copy(&mut window)).iter().all(|line| !line.starts_with('=')));
}

/// Gives the table the keyboard without choosing anything.
fn click_focus(window: &mut Harness<'_, Shell>) {
    window.get_by_role_and_label(Role::Grid, "Hosts, 89 rows").focus();
    window.step();
}

#[test]
fn chosen_hosts_are_copied_defanged_from_their_menu() {
    let mut window = with_example();
    let shown = window.state().snapshot();
    click_row(&mut window, 0, Modifiers::NONE);
    click_row(&mut window, 1, Modifiers::SHIFT);
    let wanted = format!("{},", addr(&shown, 1));
    let rows = window.query_all_by_role(Role::Row);
    let row = rows.into_iter().find(|row| {
        let label = egui_kittest::kittest::NodeT::accesskit_node(row).label();
        label.is_some_and(|label| label.contains(&wanted))
    });
    row.unwrap().click_secondary();
    window.step();
    window.step();
    window.get_by_label("Copy addresses, defanged").click();
    window.step();
    let text = copied(&window).expect("copied");
    let wanted: Vec<String> = (0..2).map(|place| defanged(&addr(&shown, place))).collect();
    assert_eq!(lines(&text), wanted);
}

#[test]
fn columns_are_hidden_moved_and_brought_back() {
    let mut window = with_example();
    window.get_by_label("Sort by Kind").click_secondary();
    window.step();
    window.step();
    window.get_by_label("Move left").click();
    window.step();
    window.step();
    click_row(&mut window, 0, Modifiers::NONE);
    let text = copy(&mut window);
    assert!(text.starts_with("Score\tAddress\tName\tKind\tNetwork\t"), "{text}");

    window.get_by_label("Columns").click();
    window.step();
    window.step();
    window.get_by_role_and_label(Role::CheckBox, "Name").click();
    window.step();
    window.step();
    assert!(window.query_by_label("Sort by Name").is_none(), "it is hidden");
    window.get_by_label("Columns as at first").click();
    window.step();
    window.step();
    assert!(window.query_by_label("Sort by Name").is_some());
}

#[test]
fn hosts_are_grouped_with_sums_and_unfolded() {
    let mut window = with_example();
    window.state_mut().ask(Command::Group(Some(GroupBy::As)));
    until(&mut window, |window| window.state().snapshot().groups.is_some());
    let snapshot = window.state().snapshot();
    let groups = snapshot.groups.clone().unwrap();
    let hosts: u32 = groups.groups.iter().map(|group| group.hosts).sum();
    assert_eq!(hosts as usize, snapshot.hosts.shown.len(), "each host has one network or none");
    let folded = format!("Hosts, {} rows", groups.groups.len());
    until(&mut window, |window| has(window, &folded));

    // By keyboard: right unfolds, left folds.
    let grid = window.get_by_role_and_label(Role::Grid, folded.as_str());
    grid.focus();
    window.step();
    window.key_press(Key::Home);
    window.step();
    window.key_press(Key::ArrowRight);
    window.step();
    let unfolded = format!("Hosts, {} rows", groups.groups.len() + groups.groups[0].hosts as usize);
    until(&mut window, |window| has(window, &unfolded));
    window.key_press(Key::ArrowLeft);
    until(&mut window, |window| has(window, &folded));

    // By mouse: a click, and its menu chooses all of its hosts.
    let name = groups.groups[0].name.clone();
    let row = window.query_all_by_label_contains(&name).next().unwrap();
    row.click_secondary();
    window.step();
    window.step();
    window.query_all_by_label_contains("Choose its").next().unwrap().click();
    window.step();
    let row = window.query_all_by_label_contains(&name).next().unwrap();
    row.click();
    until(&mut window, |window| has(window, &unfolded));

    window.state_mut().ask(Command::Group(None));
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
}
