//! What holds for the window as a whole: every control has a name, and the age of data is told.

use std::sync::Arc;

use egui::{Key, Modifiers, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use infralock::app::shell::Shell;
use infralock::app::theme;
use infralock::engine::workbench::{
    CaseView, DataSource, DataState, DataView, Snapshot, TimeBin, Timeline, Workbench,
};

use crate::window::{has, until, window};

/// Controls without a name that can be said: nothing, or only icons.
fn nameless(window: &Harness<'_, Shell>) -> Vec<String> {
    let controls = [
        Role::Button,
        Role::CheckBox,
        Role::ComboBox,
        Role::Grid,
        Role::Link,
        Role::MultilineTextInput,
        Role::RadioButton,
        Role::SearchInput,
        Role::Slider,
        Role::SpinButton,
        Role::Splitter,
        Role::TextInput,
    ];
    let root = window.root();
    let controls: Vec<_> = root
        .children_recursive()
        .filter(|node| controls.contains(&node.accesskit_node().role()))
        .collect();
    assert!(controls.len() > 5, "controls are found at all");
    let nameless = controls.iter().filter(|node| {
        let node = node.accesskit_node();
        let name = node.label().or_else(|| node.value()).unwrap_or_default();
        !name.contains(|c: char| c.is_alphanumeric())
    });
    nameless.map(|node| format!("{node:?}")).collect()
}

#[test]
fn every_control_of_every_view_has_a_name() {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    assert_eq!(nameless(&window), [""; 0], "the start page");
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    let row = window.query_all_by_label_contains("198.51.100.23").next().unwrap();
    row.click();
    until(&mut window, |window| has(window, "WHY THIS SCORE"));
    let views =
        [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8];
    for key in views {
        window.key_press_modifiers(Modifiers::COMMAND, key);
        window.step();
        window.step();
        assert_eq!(nameless(&window), [""; 0], "{key:?}");
    }
    for (modifiers, key) in [
        (Modifiers::COMMAND, Key::K),
        (Modifiers::NONE, Key::F1),
        (Modifiers::COMMAND, Key::Comma),
        (Modifiers::COMMAND, Key::E),
    ] {
        window.key_press_modifiers(modifiers, key);
        window.step();
        window.step();
        assert_eq!(nameless(&window), [""; 0], "{key:?}");
        window.key_press(Key::Escape);
        window.step();
    }
}

/// A window that shows this and has no engine.
fn showing<'a>(snapshot: Snapshot) -> Harness<'a, Shell> {
    let mut set = false;
    Harness::builder().with_size([1280.0, 800.0]).build_ui_state(
        move |ui, shell: &mut Shell| {
            if !std::mem::replace(&mut set, true) {
                theme::install(ui.ctx());
            }
            shell.draw(ui);
        },
        Shell::new(Workbench::showing(snapshot)),
    )
}

#[test]
fn data_and_case_that_are_years_apart_are_told_until_it_is_put_away() {
    let source = DataSource {
        id: "example-city".to_owned(),
        date: Some("2026-06-05".to_owned()),
        licence: "CC0-1.0".to_owned(),
        attribution: "Example".to_owned(),
    };
    let data = DataView { sources: vec![source], ..DataView::default() };
    let timeline = |from: &str, to: &str| Timeline {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        bins: vec![TimeBin { flows: 1, ..TimeBin::default() }],
    };
    let mut snapshot = Snapshot {
        data: DataState::Ready(Arc::new(data)),
        case: Arc::new(CaseView { is_growing: true, ..CaseView::default() }),
        timeline: Arc::new(timeline("2012-03-10", "2012-03-11")),
        ..Snapshot::default()
    };
    let mut old = showing(snapshot.clone());
    old.run_steps(3);
    assert!(has(&old, "14 years later"));
    old.get_by_label("Put away: Age of the data").click();
    old.run_steps(3);
    assert!(!has(&old, "14 years later"));

    snapshot.timeline = Arc::new(timeline("2026-06-01", "2026-06-02"));
    let mut fresh = showing(snapshot.clone());
    fresh.run_steps(3);
    assert!(!has(&fresh, "years later") && !has(&fresh, "older than what is open"));

    snapshot.timeline = Arc::new(timeline("2029-01-01", "2029-01-02"));
    let mut stale = showing(snapshot);
    stale.run_steps(3);
    assert!(has(&stale, "2 years older"));
    stale.key_press_modifiers(Modifiers::COMMAND, Key::Num7);
    stale.run_steps(3);
    assert!(has(&stale, "2026-06-05, stale"));
}
