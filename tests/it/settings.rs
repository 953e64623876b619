//! Settings: what is set holds, is kept, and is there again in the next window.

use std::path::{Path, PathBuf};

use egui::{Key, Modifiers, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use infralock::app::actions::Look;
use infralock::app::settings::{Density, Settings, load, save};
use infralock::app::shell::Shell;
use infralock::app::times::Clock;
use infralock::engine::workbench::Command;

use crate::window::{has, until, window_with};

fn kept(path: &Path) -> Settings {
    load(path).unwrap().0
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop").join(name)
}

fn open_settings(window: &mut Harness<'_, Shell>) {
    until(window, |window| has(window, "Who is behind it"));
    window.key_press_modifiers(Modifiers::COMMAND, Key::Comma);
    until(window, |window| has(window, "Kept in"));
}

#[test]
fn what_is_set_holds_at_once_and_in_the_next_window() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config/settings.toml");
    let mut window = window_with(Some(path.clone()));
    open_settings(&mut window);
    for name in ["High contrast", "compact", "local"] {
        window.get_by_label(name).click();
        window.step();
        window.step();
    }
    let ctx = window.ctx.clone();
    let style = ctx.style_of(egui::Theme::Dark);
    assert_eq!(style.spacing.interact_size.y, 18.0);
    assert_eq!(style.visuals.panel_fill, egui::Color32::BLACK);
    window.state_mut().ask(Command::Open(vec![example("README.md")]));
    window.step();
    drop(window);
    let settings = kept(&path);
    assert_eq!(
        (settings.look, settings.density, settings.clock),
        (Look::HighContrast, Density::Compact, Clock::Local)
    );

    let mut window = window_with(Some(path));
    until(&mut window, |window| has(window, "OPENED BEFORE") && has(window, "README.md"));
    let row = window.ctx.style_of(egui::Theme::Dark).spacing.interact_size.y;
    assert_eq!(row, 18.0);
}

#[test]
fn columns_and_views_stand_where_they_were_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    let mut window = window_with(Some(path.clone()));
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    window.get_by_label("Columns").click();
    window.step();
    window.step();
    window.get_by_role_and_label(Role::CheckBox, "Kind").click();
    window.step();
    window.step();
    window.key_press(Key::Escape);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num3);
    until(&mut window, |window| has(window, "Flows, 103 rows"));
    window.key_press_modifiers(Modifiers::COMMAND, Key::T);
    window.step();
    drop(window);
    assert!(!kept(&path).sides.bottom);

    let mut window = window_with(Some(path));
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Flows, 103 rows"));
    assert!(!has(&window, "Timeline from"));
    window.key_press_modifiers(Modifiers::COMMAND, Key::Num2);
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    assert!(window.query_by_label("Sort by Kind").is_none());
    assert!(window.query_by_label("Sort by Name").is_some());
}

#[test]
fn a_broken_file_is_told_until_it_is_put_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    std::fs::write(&path, "look = 7").unwrap();
    let mut window = window_with(Some(path));
    until(&mut window, |window| has(window, "settings.toml.broken"));
    window.get_by_label("Put away: Settings").click();
    until(&mut window, |window| !has(window, "settings.toml.broken"));
}

#[test]
fn own_networks_are_checked_kept_and_judged_by() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    save(&path, &Settings { own_networks: vec!["192.0.2.0/24".into()], ..Settings::default() })
        .unwrap();
    let mut window = window_with(Some(path.clone()));
    until(&mut window, |window| has(window, "ready"));
    let text = "192.0.2.7 and 203.0.113.9".to_owned();
    window.state_mut().ask(Command::Paste(text));
    until(&mut window, |window| has(window, "Hosts, 2 rows"));
    let mine = |window: &Harness<'_, Shell>| {
        let snapshot = window.state().snapshot();
        let hosts = &snapshot.hosts.all;
        let mine = hosts.keys.iter().zip(&hosts.mine).filter(|(_, mine)| **mine);
        mine.map(|(key, _)| key.addr().to_string()).collect::<Vec<_>>()
    };
    until(&mut window, |window| mine(window) == ["192.0.2.7"]);

    window.key_press_modifiers(Modifiers::COMMAND, Key::Comma);
    until(&mut window, |window| has(window, "Kept in"));
    let field = || "Own networks, one a line";
    window.get_by_role_and_label(Role::MultilineTextInput, field()).focus();
    window.step();
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.event(egui::Event::Text("203.0.113.0/99".to_owned()));
    window.step();
    window.step();
    assert!(has(&window, "203.0.113.0/99: "), "a mistake is told");
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.event(egui::Event::Text("203.0.113.0/24".to_owned()));
    window.step();
    window.step();
    window.get_by_label("Use these networks").click();
    until(&mut window, |window| mine(window) == ["203.0.113.9"]);
    drop(window);
    assert_eq!(kept(&path).own_networks, ["203.0.113.0/24"]);
}
