//! What can be done, from one list: menus, palette, shortcuts, keyboard map.

use egui::{Key, Modifiers, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use infralock::app::actions;
use infralock::app::shell::Shell;
use infralock::engine::workbench::Selected;

use crate::window::{has, until, window};

fn type_text(window: &mut Harness<'_, Shell>, text: &str) {
    window.event(egui::Event::Text(text.to_owned()));
    window.step();
    window.step();
}

fn open_palette(window: &mut Harness<'_, Shell>) {
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    until(window, |window| {
        window.query_by_role_and_label(Role::SearchInput, "Search or command").is_some()
    });
}

#[test]
fn commands_hosts_and_addresses_are_found_by_typing() {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    open_palette(&mut window);
    type_text(&mut window, "examp");
    window.key_press(Key::Enter);
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    assert!(window.query_by_role(Role::SearchInput).is_none(), "it closes");

    // A host by the beginning of its address, chosen by arrow and Enter.
    let wanted = window.state().snapshot().hosts.all.keys[0];
    open_palette(&mut window);
    type_text(&mut window, &wanted.addr().to_string());
    window.key_press(Key::Enter);
    until(&mut window, |window| {
        let selection = window.state().snapshot().selection.clone();
        selection.is_some_and(|selection| selection.what == Selected::Host(wanted))
    });

    // An address that the case does not have.
    open_palette(&mut window);
    type_text(&mut window, "192[.]0[.]2[.]250");
    window.key_press(Key::Enter);
    until(&mut window, |window| has(window, "It is not in this case"));

    // Nothing is called so.
    open_palette(&mut window);
    type_text(&mut window, "no such thing");
    assert!(has(&window, "Nothing is called so"));
    window.key_press(Key::Escape);
    window.step();
    window.step();
    assert!(window.query_by_role(Role::SearchInput).is_none());
}

#[test]
fn an_address_is_looked_up_before_anything_is_opened() {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    until(&mut window, |window| has(window, "ready"));
    open_palette(&mut window);
    type_text(&mut window, "203.0.113.9");
    window.key_press(Key::Enter);
    until(&mut window, |window| has(window, "It is not in this case"));
}

#[test]
fn sides_are_hidden_and_a_view_takes_the_middle() {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    assert!(has(&window, "Timeline from") && has(&window, "Inspector"));
    window.key_press_modifiers(Modifiers::COMMAND, Key::T);
    until(&mut window, |window| !has(window, "Timeline from"));
    window.key_press_modifiers(Modifiers::COMMAND, Key::I);
    until(&mut window, |window| window.query_by_label("Inspector").is_none());
    window.get_by_label("Show or hide the inspector").click();
    until(&mut window, |window| window.query_by_label("Inspector").is_some());

    assert!(has(&window, "Map, "));
    window.get_by_label("Expand: Hosts").click();
    until(&mut window, |window| !has(window, "Map, ") && has(window, "Hosts, 89 rows"));
    window.key_press(Key::F11);
    until(&mut window, |window| has(window, "Map, "));
}

#[test]
fn the_keyboard_map_lists_every_key_of_every_action() {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.key_press(Key::F1);
    until(&mut window, |window| has(window, "Keyboard"));
    for action in actions::all().iter().filter(|action| !action.keys.is_empty()) {
        assert!(has(&window, &action.path()), "{}", action.name);
        for &keys in &action.keys {
            assert!(has(&window, &actions::shown_keys(keys)), "{}", action.name);
        }
    }
    for (_, keys, what) in actions::IN_VIEWS {
        assert!(has(&window, keys) && has(&window, what), "{what}");
    }
}

#[test]
fn attribution_is_complete() {
    let mut window = window();
    until(&mut window, |window| has(window, "ready"));
    window.get_by_label("Help").click();
    window.step();
    window.step();
    window.get_by_label("About and attribution").click();
    until(&mut window, |window| has(window, "DB-IP"));
    for credit in ["GeoNames", "Natural Earth", "RouteViews", "Phosphor", "Inter", "MISP"] {
        assert!(has(&window, credit), "{credit}");
    }
}
