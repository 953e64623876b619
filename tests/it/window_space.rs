//! Address space and prefix explorer: by name, by keyboard, from a host's menu and back.

use egui::accesskit::Role;
use egui::{Key, Modifiers, OutputCommand};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use infralock::app::shell::Shell;
use infralock::engine::workbench::{Command, Paint};

use crate::window::{has, until, window};

fn with_example<'a>() -> Harness<'a, Shell> {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    window
}

/// What the picture says of itself.
fn picture(window: &Harness<'_, Shell>) -> String {
    let nodes = window.root().children_recursive();
    let labels = nodes.filter_map(|node| node.accesskit_node().label());
    labels.into_iter().find(|it| it.starts_with("Address space, ")).unwrap_or_default()
}

fn press(window: &mut Harness<'_, Shell>, key: Key) {
    window.key_press(key);
    window.step();
    window.step();
}

#[test]
fn space_is_walked_by_keyboard_down_to_one_address_which_is_explored() {
    let mut window = with_example();
    window.key_press_modifiers(Modifiers::COMMAND, Key::G);
    window.key_press(Key::F11);
    until(&mut window, |window| has(window, "Legend: Country, in sight"));
    let said = picture(&window);
    assert!(said.contains("all of IPv4, coloured by Country: US "), "{said}");
    assert!(said.contains(" IPv4 hosts"), "{said}");

    let image = window.get_by_label_contains("Address space, ");
    image.focus();
    window.step();
    // Arrows are the picture's from the second frame on.
    window.step();
    press(&mut window, Key::ArrowLeft);
    until(&mut window, |window| picture(window).contains("cursor at "));
    for _ in 0..24 {
        press(&mut window, Key::Plus);
    }
    until(&mut window, |window| {
        let said = picture(window);
        said.contains(" · 1 address") && !said.contains("all of IPv4")
    });
    let is_fine = |window: &Harness<'_, Shell>| window.state().snapshot().picture.missing == 0;
    until(&mut window, is_fine);
    let before = picture(&window);
    press(&mut window, Key::ArrowRight);
    until(&mut window, |window| picture(window) != before);
    press(&mut window, Key::Enter);
    until(&mut window, |window| has(window, "Address to explore"));
    let snapshot = window.state().snapshot();
    let asked = snapshot.explorer.asked.expect("the address at the cursor");
    until(&mut window, |window| has(window, "BESIDE IT"));
    assert!(has(&window, &format!("Copy {asked}")) || has(&window, "Copy the address"));
}

#[test]
fn the_picture_is_coloured_by_what_is_chosen() {
    let mut window = with_example();
    window.key_press_modifiers(Modifiers::COMMAND, Key::G);
    until(&mut window, |window| has(window, "Legend: Country, in sight"));
    window.get_by_role_and_label(Role::ComboBox, "Colour by").click();
    window.step();
    window.step();
    window.get_by_label("Band of the hosts").click();
    until(&mut window, |window| has(window, "Legend: Band of the hosts, in sight"));
    assert_eq!(window.state().snapshot().picture.paint, Some(Paint::Bands));
    until(&mut window, |window| picture(window).contains("critical "));

    // Fewer hosts are shown: the picture follows.
    let hosts = |window: &Harness<'_, Shell>| {
        let snapshot = window.state().snapshot();
        let ranked = &snapshot.picture.ranked;
        ranked.iter().map(|top| top.count).sum::<u64>()
    };
    let all = hosts(&window);
    window.state_mut().ask(Command::Filter("band == critical".to_owned()));
    until(&mut window, |window| hosts(window) < all && hosts(window) > 0);
}

#[test]
fn a_host_is_explored_and_what_is_typed_is_understood() {
    let mut window = with_example();
    window.key_press_modifiers(Modifiers::COMMAND, Key::L);
    until(&mut window, |window| has(window, "No prefixes yet"));
    let field = window.get_by_role_and_label(Role::TextInput, "Address to explore");
    field.focus();
    window.step();
    window.event(egui::Event::Text("no address".to_owned()));
    press(&mut window, Key::Enter);
    until(&mut window, |window| has(window, "No address: "));

    let field = window.get_by_role_and_label(Role::TextInput, "Address to explore");
    field.focus();
    window.step();
    window.step();
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.step();
    window.event(egui::Event::Text("198[.]51[.]100[.]23".to_owned()));
    press(&mut window, Key::Enter);
    until(&mut window, |window| has(window, "WHAT COUNTS"));
    assert!(has(&window, "documentation addresses, by the registry"));
    assert!(has(&window, "counts: AS"), "the example's own AS table wins");
    window.get_by_label("Copy 198.51.100.0/24").click();
    window.step();
    let copied = |window: &Harness<'_, Shell>| {
        window.output().platform_output.commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        })
    };
    assert_eq!(copied(&window).as_deref(), Some("198.51.100.0/24"));

    // To the range after and back again.
    window.query_all_by_label_contains("After: ").next().expect("a neighbour").click_accesskit();
    until(&mut window, |window| {
        let asked = window.state().snapshot().explorer.asked;
        asked.is_some_and(|asked| asked.to_string() != "198.51.100.23")
    });
    window.get_by_label("Address before").click();
    until(&mut window, |window| {
        let found = window.state().snapshot().explorer.found.clone();
        found.is_some_and(|found| found.addr.to_string() == "198.51.100.23")
    });
    window.get_by_label("Show in the inspector").click_accesskit();
    until(&mut window, |window| has(window, "WHY THIS SCORE"));
}
