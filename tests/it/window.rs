//! The window without a display: what is drawn, by the names that screen readers hear.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{TexturesDelta, UiBuilder};
use egui_kittest::kittest::{NodeT, Queryable};
use egui_kittest::{Harness, LazyRenderer, TestRenderer};
use infralock::app::shell::Shell;
use infralock::app::theme;
use infralock::engine::workbench::{Command, Workbench};

/// Frames until the engine has answered; each waits a little.
const FRAMES_MAX: usize = 3_000;

pub fn window<'a>() -> Harness<'a, Shell> {
    window_with(None)
}

/// A window that keeps its settings in a file.
pub fn window_with<'a>(settings: Option<PathBuf>) -> Harness<'a, Shell> {
    drawn_by(nothing(), settings)
}

/// A window whose frames become pictures.
pub fn window_drawn_by<'a>(renderer: impl TestRenderer + 'static) -> Harness<'a, Shell> {
    drawn_by(renderer, None)
}

/// Names are all that is looked at: most machines have no device to draw on.
pub fn nothing() -> LazyRenderer {
    LazyRenderer::Uninitialized { textures_delta: TexturesDelta::default(), builder: None }
}

/// A window over an engine of the test's own.
pub fn window_over<'a>(workbench: Workbench) -> Harness<'a, Shell> {
    drawn(nothing(), workbench, None)
}

fn drawn_by<'a>(
    renderer: impl TestRenderer + 'static,
    settings: Option<PathBuf>,
) -> Harness<'a, Shell> {
    drawn(renderer, Workbench::start(Arc::new(|| ())).unwrap(), settings)
}

fn drawn<'a>(
    renderer: impl TestRenderer + 'static,
    workbench: Workbench,
    settings: Option<PathBuf>,
) -> Harness<'a, Shell> {
    let mut set = false;
    Harness::builder().with_size([1280.0, 800.0]).renderer(renderer).build_ui_state(
        move |ui, shell: &mut Shell| {
            if !std::mem::replace(&mut set, true) {
                theme::install(ui.ctx());
            }
            // kittest leaves a margin; the program's window has none.
            let whole = UiBuilder::new().max_rect(ui.ctx().content_rect());
            ui.scope_builder(whole, |ui| shell.draw(ui));
        },
        Shell::with_settings(workbench, settings),
    )
}

/// Draws frames until something is there.
pub fn until(window: &mut Harness<'_, Shell>, done: impl Fn(&Harness<'_, Shell>) -> bool) {
    for _ in 0..FRAMES_MAX {
        window.step();
        if done(window) {
            // Once more, so that what is on the screen is what was asked about.
            window.step();
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it did not happen; jobs: {:?}", window.state().snapshot().jobs);
}

pub fn has(window: &Harness<'_, Shell>, label: &str) -> bool {
    window.query_all_by_label_contains(label).next().is_some()
}

#[test]
fn a_person_opens_the_example_and_sees_who_got_in() {
    let mut window = window();
    until(&mut window, |window| has(window, "Who is behind it"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));

    let rows = window.query_all_by_label_contains("198.51.100.23");
    rows.into_iter().next().unwrap().click();
    until(&mut window, |window| has(window, "WHY THIS SCORE"));
    assert!(has(&window, "bruteforce.ssh"), "its evidence is listed");
    assert!(has(&window, "prior +0.5"), "and so is where the score begins");
    assert!(has(&window, "Map, "), "the map says how much it shows");
    assert!(has(&window, "Timeline from 2026-06-04"));

    // By keyboard: the next row is the next host.
    let before = window.state().snapshot().selection.clone().unwrap().row;
    window.key_press(egui::Key::ArrowDown);
    until(&mut window, |window| {
        let now = window.state().snapshot().selection.as_ref().and_then(|now| now.row);
        now == before.map(|row| row + 1)
    });
    window.key_press_modifiers(egui::Modifiers::ALT, egui::Key::ArrowLeft);
    until(&mut window, |window| {
        let now = window.state().snapshot().selection.as_ref().and_then(|now| now.row);
        now == before
    });
}

#[test]
fn every_view_is_reached_by_keyboard_and_says_what_it_shows() {
    let mut window = window();
    until(&mut window, |window| has(window, "Open the example"));
    window.get_by_label("Open the example").click();
    until(&mut window, |window| has(window, "Hosts, 89 rows"));
    for (key, shown) in [
        (egui::Key::Num3, "Flows, 103 rows"),
        (egui::Key::Num4, "Records, 1"),
        (egui::Key::Num5, "Detections, "),
        (egui::Key::Num6, "No problems"),
        (egui::Key::Num7, "REFERENCE DATA"),
        (egui::Key::Num2, "Hosts, 89 rows"),
    ] {
        window.key_press_modifiers(egui::Modifiers::COMMAND, key);
        until(&mut window, |window| has(window, shown));
    }
}

#[test]
fn what_cannot_be_read_is_said_on_the_start_page() {
    let mut window = window();
    until(&mut window, |window| has(window, "Path of a file or folder"));
    let field = window.get_by_role_and_label(egui::Role::TextInput, "Path of a file or folder");
    field.focus();
    window.step();
    window.event(egui::Event::Text("no/such/file".to_owned()));
    window.step();
    window.get_by_label("Open").click();
    until(&mut window, |window| has(window, "no such file"));
}

#[test]
fn strangers_text_is_shown_with_its_control_characters_visible() {
    let mut file = tempfile::Builder::new().suffix(".log").tempfile().unwrap();
    // A right-to-left override and an escape sequence in a path.
    let line = "203.0.113.9 - - [05/Jun/2026:03:12:44 +0000] \"GET /a\u{202e}gpj.exe\u{1b}[31m \
                HTTP/1.1\" 404 9 \"-\" \"x\"\n";
    std::io::Write::write_all(&mut file, line.as_bytes()).unwrap();
    let mut window = window();
    until(&mut window, |window| has(window, "Who is behind it"));
    let workbench_path = file.path().to_owned();
    window.state_mut().ask(Command::Open(vec![workbench_path]));
    until(&mut window, |window| has(window, "Hosts, 1 rows"));
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num4);
    until(&mut window, |window| has(window, "Records, 1 rows"));
    let labels: Vec<String> = window
        .root()
        .children_recursive()
        .filter_map(|node| node.accesskit_node().label())
        .collect();
    assert!(labels.iter().any(|label| label.contains("gpj.exe")), "{labels:?}");
    for label in &labels {
        assert!(!label.contains(['\u{202e}', '\u{1b}']), "{label:?}");
    }
}
