//! The filter bar without a display: typed, mistaken, taken apart, clicked together.

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use infralock::app::shell::Shell;

use crate::window::{has, until, window};

/// The example, opened.
fn example<'a>() -> Harness<'a, Shell> {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    until(&mut window, |window| !window.state().snapshot().case.is_growing);
    window
}

/// Writes into the field, from wherever the window is.
fn write(window: &mut Harness<'_, Shell>, text: &str) {
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::F);
    until(window, |window| {
        window
            .query_by_role_and_label(egui::Role::TextInput, "Filter")
            .is_some_and(|field| field.accesskit_node().is_focused())
    });
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.step();
    window.event(egui::Event::Text(text.to_owned()));
    window.step();
}

fn enter(window: &mut Harness<'_, Shell>, text: &str) {
    write(window, text);
    window.key_press(egui::Key::Enter);
    window.step();
}

#[test]
fn a_filter_is_typed_counted_and_dropped_chip_by_chip() {
    let mut window = example();
    enter(&mut window, "score >= 50 && mine == false");
    until(&mut window, |window| has(window, "of 89 hosts"));
    let shown = window.state().snapshot().hosts.shown.len();
    assert!(shown > 0 && shown < 89);
    let counts = format!("{shown} of 89 hosts · {} hidden", 89 - shown);
    assert!(has(&window, &counts), "{counts}");
    assert!(has(&window, &format!("Hosts, {shown} rows")), "the table shows as many");
    assert!(has(&window, &format!("{} hosts hidden by the filter", 89 - shown)), "so does the map");

    until(&mut window, |window| has(window, "Remove score >= 50"));
    window.get_by_label("Remove score >= 50").click();
    until(&mut window, |window| window.state().snapshot().filter.text == "mine == false");
    window.get_by_label_contains("Clear").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
}

#[test]
fn a_mistake_is_told_and_the_last_good_filter_stays_in_force() {
    let mut window = example();
    enter(&mut window, "score >= 50");
    until(&mut window, |window| window.state().snapshot().filter.is_on());
    let shown = window.state().snapshot().hosts.shown.len();
    enter(&mut window, "scor >= 50");
    until(&mut window, |window| has(window, "column 1: there is no field `scor`"));
    assert!(has(&window, "`score` could stand here"));
    assert_eq!(window.state().snapshot().hosts.shown.len(), shown);
    assert_eq!(window.state().snapshot().filter.text, "score >= 50");
}

#[test]
fn what_could_stand_there_is_proposed_and_taken_by_keyboard() {
    let mut window = example();
    write(&mut window, "coun");
    until(&mut window, |window| has(window, "country: ISO 3166"));
    window.key_press(egui::Key::Tab);
    window.step();
    until(&mut window, |window| has(window, "==: any value equals"));
    window.event(egui::Event::Text("== ".to_owned()));
    window.step();
    // Values come from the hosts of the case, the most frequent first.
    let usual =
        window.state().snapshot().hosts.all.frequent(infralock::filter::FieldId::Country, 1);
    let (usual, hosts) = &usual[0];
    until(&mut window, |window| has(window, &format!("\"{usual}\": {hosts} hosts")));
    window.key_press(egui::Key::ArrowDown);
    window.step();
    window.key_press(egui::Key::Enter);
    window.step();
    window.key_press(egui::Key::Enter);
    let wanted = format!("country == \"{usual}\"");
    until(&mut window, |window| window.state().snapshot().filter.text.trim() == wanted);
}

#[test]
fn a_view_that_shows_nothing_says_why_and_how_to_see_all_again() {
    let mut window = example();
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num3);
    until(&mut window, |window| has(window, "Flows, 103 rows"));
    enter(&mut window, "score > 100");
    until(&mut window, |window| has(window, "0 of 103 flows pass the filter"));
    assert!(has(&window, "Flows have no score"), "and how it was asked");
    window.get_by_label("Clear filter").click();
    until(&mut window, |window| has(window, "Flows, 103 rows"));
}

#[test]
fn a_click_on_a_row_filters_by_what_stands_there() {
    let mut window = example();
    let rows = window.query_all_by_label_contains("198.51.100.23");
    rows.into_iter().next().unwrap().click_secondary();
    until(&mut window, |window| has(window, "Filter by"));
    window.get_by_label("Filter by").click();
    until(&mut window, |window| has(window, "Filter by addr == 198.51.100.23"));
    window.get_by_label("Filter by addr == 198.51.100.23").click();
    until(&mut window, |window| has(window, "1 of 89 hosts · 88 hidden"));
    assert!(has(&window, "Remove addr == 198.51.100.23"));
}

#[test]
fn a_pasted_list_is_compared_with_the_case() {
    let mut window = example();
    window.get_by_label("Edit").click();
    until(&mut window, |window| has(window, "Compare with a list"));
    window.get_by_label_contains("Compare with a list").click();
    until(&mut window, |window| has(window, "List to compare"));
    let label = "List to compare";
    window.get_by_role_and_label(egui::Role::MultilineTextInput, label).focus();
    window.step();
    window.event(egui::Event::Text("198[.]51[.]100[.]23 and 192.0.2.251".to_owned()));
    window.step();
    window.get_by_label("Compare").click();
    until(&mut window, |window| has(window, "1 of 2 entries occur in this case"));
    assert!(has(&window, "Entries of the list, 2 rows"));
    window.get_by_label("Filter by these").click();
    until(&mut window, |window| has(window, "1 of 89 hosts"));
}

/// Presses at one place, moves to another, lets go: parts of a view's width and height.
fn drag(window: &mut Harness<'_, Shell>, view: &str, from: [f32; 2], to: [f32; 2]) {
    let middle = [(from[0] + to[0]) / 2.0, (from[1] + to[1]) / 2.0];
    drag_along(window, view, &[from, middle, to]);
}

/// Drags along points, each a part of a view's width and height.
fn drag_along(window: &mut Harness<'_, Shell>, view: &str, points: &[[f32; 2]]) {
    let rect = window.get_by_label_contains(view).rect();
    let at = |[x, y]: [f32; 2]| rect.min + egui::vec2(rect.width() * x, rect.height() * y);
    window.hover_at(at(points[0]));
    window.step();
    window.drag_at(at(points[0]));
    window.step();
    for &point in &points[1..] {
        window.hover_at(at(point));
        window.step();
    }
    window.drop_at(at(points[points.len() - 1]));
    window.step();
}

#[test]
fn a_drag_over_the_time_leaves_a_stretch_of_it() {
    let mut window = example();
    enter(&mut window, "score >= 20");
    until(&mut window, |window| window.state().snapshot().filter.is_on());
    drag(&mut window, "Timeline from", [0.5, 0.4], [0.9, 0.5]);
    until(&mut window, |window| window.state().snapshot().filter.parts.len() == 2);
    until(&mut window, |window| has(window, "Timeline, shown from"));
    let before = window.state().snapshot();
    assert!(before.filter.text.starts_with("score >= 20 && ts == "), "{}", before.filter.text);
    let all = before.timeline.bins.len();
    let early = before.timeline_shown.bins.iter().take(all * 2 / 5);
    assert!(early.clone().all(|bin| bin.flows + bin.records == 0));
    let late = before.timeline_shown.bins.iter().skip(all / 2);
    assert!(late.map(|bin| bin.flows + bin.records).sum::<u64>() > 0);
    // Another stretch takes the place of the first.
    drag(&mut window, "Timeline, shown", [0.2, 0.4], [0.95, 0.5]);
    until(&mut window, |window| {
        let now = window.state().snapshot();
        now.filter.parts.len() == 2 && now.filter.text != before.filter.text
    });
    // Escape over it gives the rest back.
    let over = window.get_by_label_contains("Timeline, shown").rect().center();
    window.hover_at(over);
    window.step();
    window.key_press(egui::Key::Escape);
    until(&mut window, |window| window.state().snapshot().filter.text == "score >= 20");
}

#[test]
fn a_box_on_the_map_leaves_the_hosts_inside_and_its_corner_those_without_a_place() {
    let mut window = example();
    let all = window.state().snapshot();
    let placed = all.places.rows.len();
    assert!(placed > 0, "the example places some of its hosts");
    window.event(egui::Event::ModifiersChanged(egui::Modifiers::SHIFT));
    drag(&mut window, "Map, ", [0.1, 0.02], [0.9, 0.98]);
    window.event(egui::Event::ModifiersChanged(egui::Modifiers::NONE));
    until(&mut window, |window| window.state().snapshot().filter.is_on());
    let now = window.state().snapshot();
    let text = &now.filter.text;
    assert!(text.starts_with("lat == ") && text.contains(" && lon == "), "{text}");
    let shown = now.hosts.shown.len();
    assert!(shown > placed / 2 && shown <= placed, "{shown} of {placed}: {text}");
    assert!(now.places.without.is_empty());
    window.get_by_label_contains("Clear").click();
    until(&mut window, |window| !window.state().snapshot().filter.is_on());
    window.get_by_label_contains("without a place").click();
    until(&mut window, |window| window.state().snapshot().filter.text == "!(lat)");
    let now = window.state().snapshot();
    assert_eq!(now.hosts.shown.len(), all.hosts.all.len() - placed);
}

#[test]
fn a_lasso_on_the_map_leaves_the_hosts_inside() {
    let mut window = example();
    let placed = window.state().snapshot().places.rows.len();
    let around = [[0.1, 0.02], [0.9, 0.02], [0.9, 0.98], [0.5, 0.9], [0.1, 0.98]];
    // By the button, and with Ctrl.
    window.get_by_label("Draw around hosts, to show them alone").click();
    window.step();
    drag_along(&mut window, "Map, ", &around);
    until(&mut window, |window| window.state().snapshot().filter.is_on());
    let first = window.state().snapshot();
    assert!(first.filter.text.starts_with("point in {"), "{}", first.filter.text);
    assert!(first.hosts.shown.len() > placed / 2 && first.hosts.shown.len() <= placed);
    assert!(first.places.without.is_empty());
    window.get_by_label_contains("Clear").click();
    until(&mut window, |window| !window.state().snapshot().filter.is_on());
    drag_along(&mut window, "Map, ", &around);
    assert!(!window.state().snapshot().filter.is_on(), "the button is for one lasso");
    window.get_by_label("Whole world").click();
    window.step();
    window.event(egui::Event::ModifiersChanged(egui::Modifiers::COMMAND));
    drag_along(&mut window, "Map, ", &around);
    window.event(egui::Event::ModifiersChanged(egui::Modifiers::NONE));
    until(&mut window, |window| window.state().snapshot().filter.is_on());
    assert_eq!(window.state().snapshot().hosts.shown.len(), first.hosts.shown.len());
}

#[test]
fn the_numbers_above_the_map_leave_the_hosts_of_a_band() {
    let mut window = example();
    let all = window.state().snapshot();
    assert_eq!(all.verdicts.iter().sum::<u32>() as usize, all.hosts.all.len());
    for (number, word, filter) in [
        (5, "critical", "band == critical"),
        (1, "none", "band == none"),
        (0, "unknown", "!(band)"),
    ] {
        let count = all.verdicts[number];
        assert!(count > 0, "the example has hosts of {word}");
        window.get_by_label_contains(&format!(": {word}")).click();
        until(&mut window, |window| window.state().snapshot().filter.text == filter);
        until(&mut window, |window| window.state().snapshot().hosts.shown.len() == count as usize);
        window.get_by_label_contains("Clear").click();
        until(&mut window, |window| !window.state().snapshot().filter.is_on());
    }
}

#[test]
fn a_filter_is_saved_under_a_name_and_used_again() {
    let mut window = example();
    enter(&mut window, "score >= 50");
    until(&mut window, |window| has(window, "of 89 hosts"));
    window.get_by_label("Filters").click();
    let label = "Name of the filter to save";
    until(&mut window, |window| {
        window.query_by_role_and_label(egui::Role::TextInput, label).is_some()
    });
    window.get_by_role_and_label(egui::Role::TextInput, label).focus();
    window.step();
    window.event(egui::Event::Text("The worst".to_owned()));
    window.step();
    window.get_by_label("Save filter").click();
    until(&mut window, |window| {
        let said = std::sync::Arc::clone(&window.state().snapshot().case.said);
        said.filters == [("The worst".to_owned(), "score >= 50".to_owned())]
    });
    window.get_by_label_contains("Clear").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    if !has(&window, "The worst") {
        window.get_by_label("Filters").click();
    }
    until(&mut window, |window| has(window, "The worst"));
    window.get_by_label("The worst").click();
    until(&mut window, |window| window.state().snapshot().filter.text == "score >= 50");
    // Up goes back to it, too.
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::F);
    window.step();
    assert_eq!(window.state().snapshot().filter.parts.len(), 1);
}

#[test]
fn a_strangers_text_is_filtered_by_as_it_is_and_shown_as_it_can_be_read() {
    let mut file = tempfile::Builder::new().suffix(".log").tempfile().unwrap();
    for path in ["/a\u{202e}gpj.exe\\\" || score >= 0", "/index.html"] {
        let line = format!("203.0.113.9 - - [05/Jun/2026:03:12:44 +0000] \"GET {path} HTTP/1.1\" ");
        let line = format!("{line}404 9 \"-\" \"x\"\n");
        std::io::Write::write_all(&mut file, line.as_bytes()).unwrap();
    }
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    let path = file.path().to_owned();
    window.state_mut().ask(infralock::engine::workbench::Command::Open(vec![path]));
    until(&mut window, |window| has(window, "Hosts, 1 rows"));
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num4);
    until(&mut window, |window| has(window, "Records, 2 rows"));
    let rows = window.query_all_by_label_contains("gpj.exe");
    rows.into_iter().next().unwrap().click_secondary();
    until(&mut window, |window| has(window, "Filter by"));
    window.get_by_label("Filter by").click();
    until(&mut window, |window| has(window, "Filter by path == "));
    window.get_by_label_contains("Filter by path == ").click();
    until(&mut window, |window| has(window, "Records, 1 rows"));
    let now = window.state().snapshot();
    assert_eq!(now.filter.parts.len(), 1, "all of it is one value: {}", now.filter.text);
    let labels = window.root().children_recursive().filter_map(|it| it.accesskit_node().label());
    for label in labels {
        assert!(!label.contains('\u{202e}'), "{label:?}");
    }
}
