//! The map: keyboard, selection, its picture in a file.

use std::sync::Arc;

use egui::{Color32, ColorImage, Key, Role, ViewportCommand, ViewportId};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use infralock::app::shell::Shell;
use infralock::engine::workbench::{Command, DataState, Selected};

use crate::window::{has, until, window};

/// The example, whose own geofeed places some of its hosts, and what the map is called then.
fn with_placed<'a>() -> (Harness<'a, Shell>, String) {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    let places = Arc::clone(&window.state().snapshot().places);
    assert!(places.spots.len() > 1, "{places:?}");
    let name = format!("Map, {} hosts at {} places", places.rows.len(), places.spots.len());
    (window, name)
}

#[test]
fn towns_come_after_the_data_with_the_largest_first() {
    let mut window = window();
    let towns = |window: &Harness<'_, Shell>| match &window.state().snapshot().data {
        DataState::Ready(data) => Arc::clone(&data.towns),
        DataState::Opening | DataState::Failed(_) => Arc::default(),
    };
    until(&mut window, |window| !towns(window).is_empty());
    let towns = towns(&window);
    assert!(towns.len() > 20_000 && towns.len() < 100_000, "{}", towns.len());
    assert!(towns.is_sorted_by(|a, b| a.population >= b.population));
}

#[test]
fn the_map_is_moved_by_keyboard_and_shows_what_is_selected_beyond_the_date_line() {
    let (mut window, name) = with_placed();
    let snapshot = window.state().snapshot();
    let placed = snapshot.places.rows.iter().take(4);
    for key in placed.map(|&row| snapshot.hosts.all.keys[row as usize]) {
        window.state_mut().ask(Command::Select(Some(Selected::Host(key))));
        until(&mut window, |window| {
            let selection = window.state().snapshot().selection.clone();
            selection.is_some_and(|selection| selection.key == Some(key))
        });
        let map = window.get_by_role_and_label(Role::Image, name.as_str());
        map.focus();
        window.step();
        // Once around the world, near and far: nothing panics, and it comes back.
        for _ in 0..12 {
            window.key_press(Key::ArrowRight);
            window.step();
        }
        for key in [Key::Plus, Key::Plus, Key::Minus, Key::ArrowUp, Key::Home] {
            window.key_press(key);
            window.step();
        }
    }
    assert!(has(&window, &name));
}

#[test]
fn a_picture_of_the_map_is_saved_as_it_is_on_the_screen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("where.png");
    let (mut window, _) = with_placed();
    window.get_by_label("Save picture of the map").click();
    until(&mut window, |window| has(window, "A PNG of the map"));
    let field = window.get_by_role_and_label(Role::TextInput, "Path of the picture");
    field.focus();
    window.step();
    window.key_press_modifiers(egui::Modifiers::COMMAND, Key::A);
    window.event(egui::Event::Text(path.display().to_string()));
    window.step();
    window.step();
    window.get_by_label("Save").click();
    let asked = |window: &Harness<'_, Shell>| {
        let output = window.output().viewport_output.get(&ViewportId::ROOT)?;
        output.commands.iter().find_map(|command| match command {
            ViewportCommand::Screenshot(callback) => Some(callback.clone()),
            _ => None,
        })
    };
    let mut answered = false;
    for _ in 0..20 {
        window.step();
        if let Some(callback) = asked(&window) {
            let image = ColorImage::filled([1280, 800], Color32::from_gray(7));
            callback.complete(Arc::new(image));
            answered = true;
            break;
        }
    }
    assert!(answered, "the window is asked for what is on the screen");
    until(&mut window, |window| has(window, "The picture is in"));
    let written = std::fs::read(&path).unwrap();
    assert_eq!(written.get(1..4), Some(&b"PNG"[..]));
    window.get_by_label("Close").click();
    until(&mut window, |window| !has(window, "The picture is in"));
}
