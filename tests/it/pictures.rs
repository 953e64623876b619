//! Pictures of the window with the example, compared with those in `tests/pictures`.
//!
//! Drawn on a software device (Mesa's lavapipe), which gives the same picture on every machine. A
//! machine without one says so and skips; `tests/pictures/README.md` tells how to bless a picture.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use egui_kittest::wgpu::{WgpuTestRenderer, default_wgpu_setup};
use egui_kittest::{Harness, SnapshotOptions};
use egui_wgpu::wgpu::DeviceType;
use egui_wgpu::{RenderState, RendererOptions, WgpuConfiguration};
use infralock::app::shell::Shell;
use infralock::engine::workbench::{
    Command, DataState, GroupBy, JobState, PacketState, Packets, Selected, Snapshot,
};
use png::{ColorType, Compression, Decoder, Encoder, Filter};

use crate::window::{has, until, window_drawn_by};

/// Colours of one pixel may differ by this much (squared distance in YIQ): two versions of the
/// software device round blends apart by one step of 255, which is 0.1; a line of the next darker
/// grey is 3 and more.
const THRESHOLD: f32 = 0.6;

/// Pixels of a million that may differ by more: the edges of a shape that falls between two pixels
/// go to one or the other. A character that changes is 20 and more.
const PIXELS_MAX: usize = 12;

/// Frames in which all fades end: kittest counts a quarter of a second for each.
const FRAMES_OF_FADES: usize = 12;

/// What draws the pictures; `None`, said aloud: this machine has nothing that draws as others do.
fn software_device() -> Option<WgpuTestRenderer> {
    let wgpu_setup = default_wgpu_setup();
    let instance = now(wgpu_setup.new_instance());
    let config = WgpuConfiguration { wgpu_setup, ..WgpuConfiguration::default() };
    let state = RenderState::create(&config, &instance, None, RendererOptions::PREDICTABLE);
    let state = match now(state) {
        Ok(state) => state,
        Err(error) => {
            println!(
                "pictures: SKIPPED, no device to draw on (Debian: mesa-vulkan-drivers): {error}"
            );
            return None;
        }
    };
    let device = state.adapter.get_info();
    if device.device_type != DeviceType::Cpu {
        println!(
            "pictures: SKIPPED, {} is no software device and rounds in its own way",
            device.name
        );
        return None;
    }
    Some(WgpuTestRenderer::from_render_state(state))
}

/// What comes of a future that never waits for long: those of wgpu, outside of a browser.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}

fn press(window: &mut Harness<'_, Shell>, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.step();
    window.step();
}

/// Puts a theme on, as a person would.
fn wear(window: &mut Harness<'_, Shell>, look: &str) {
    press(window, Modifiers::COMMAND, Key::K);
    window.event(egui::Event::Text(format!("Theme: {look}")));
    window.step();
    window.step();
    press(window, Modifiers::NONE, Key::Enter);
    assert!(window.query_by_role(egui::Role::SearchInput).is_none(), "there is such a theme");
}

/// Whether nothing is going on: what is drawn stays as it is.
fn is_quiet(snapshot: &Snapshot) -> bool {
    let is_named = matches!(&snapshot.data, DataState::Ready(data) if !data.towns.is_empty());
    is_named && !snapshot.case.is_growing && snapshot.jobs.iter().all(|job| job.state.is_over())
}

fn take(window: &mut Harness<'_, Shell>, name: &str) {
    until(window, |window| is_quiet(&window.state().snapshot()));
    let failed =
        window.state().snapshot().jobs.iter().any(|job| matches!(job.state, JobState::Failed(_)));
    assert!(!failed, "{:?}", window.state().snapshot().jobs);
    window.remove_cursor();
    // A cursor blinks by the time since a field was entered, which waiting for the engine makes
    // longer or shorter.
    window.ctx.all_styles_mut(|style| style.visuals.text_cursor.blink = false);
    window.run_steps(FRAMES_OF_FADES);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
    let options = SnapshotOptions::new()
        .output_path(&folder)
        .threshold(THRESHOLD)
        .max_failed_pixels(PIXELS_MAX);
    window.snapshot_options(name, &options);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        pack(&folder.join(format!("{name}.png")));
    }
}

/// Writes a picture again in half the bytes: without transparency, and without the filters that
/// photographs need.
fn pack(path: &Path) {
    let mut reader = Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    if info.color_type == ColorType::Rgba {
        let seen = |pixel: &[u8]| [pixel[0], pixel[1], pixel[2]];
        pixels = pixels.chunks_exact(4).flat_map(seen).collect();
    }
    let mut encoder = Encoder::new(File::create(path).unwrap(), info.width, info.height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_compression(Compression::High);
    encoder.set_filter(Filter::NoFilter);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
}

/// A window with a theme on; `None`: this machine cannot draw it.
fn with_look<'a>(look: &str) -> Option<Harness<'a, Shell>> {
    let mut window = window_drawn_by(software_device()?);
    until(&mut window, |window| has(window, "Open the example"));
    wear(&mut window, look);
    Some(window)
}

fn open_example(window: &mut Harness<'_, Shell>) {
    window.get_by_label("Open the example").click();
    until(window, |window| has(window, "Hosts, 89 rows"));
    until(window, |window| is_quiet(&window.state().snapshot()));
    let worst = window.state().snapshot().hosts.all.keys[0];
    window.state_mut().ask(Command::Select(Some(Selected::Host(worst))));
    until(window, |window| has(window, "WHY THIS SCORE"));
}

/// The packets of the first web request, in the whole middle, the request taken apart.
fn open_packets(window: &mut Harness<'_, Shell>) {
    let snapshot = window.state().snapshot();
    let flow = snapshot.flows.all.iter().find(|flow| flow.service.as_deref() == Some("http"));
    let uid = flow.expect("the example has a web request").uid;
    press(window, Modifiers::COMMAND, Key::Num8);
    press(window, Modifiers::NONE, Key::F11);
    window.state_mut().ask(Command::Select(Some(Selected::Flow(uid))));
    window.state_mut().ask(Command::ShowPackets(uid.into(), None));
    until(window, |window| has(window, "Fields, "));
    window.run_steps(FRAMES_OF_FADES);
    let snapshot = window.state().snapshot();
    let request = packets(&snapshot).rows.iter().position(|row| row.info.contains("HTTP/1.1"));
    let request = request.expect("it is there") as u32;
    window.state_mut().ask(Command::ChoosePacket(request));
    until(window, |window| {
        let snapshot = window.state().snapshot();
        let chosen = snapshot.packets.as_ref().and_then(|packets| packets.chosen.clone());
        chosen.is_some_and(|chosen| chosen.place == request)
    });
}

fn packets(snapshot: &Snapshot) -> &Packets {
    match snapshot.packets.as_ref().map(|packets| &packets.state) {
        Some(PacketState::Ready(packets)) => packets,
        other => panic!("{other:?}"),
    }
}

/// All pictures in one theme; each begins where the one before ended.
fn pictures(look: &str, name: &str) {
    let Some(mut window) = with_look(look) else { return };
    let window = &mut window;
    take(window, &format!("start-{name}"));
    open_example(window);
    take(window, &format!("workbench-{name}"));

    press(window, Modifiers::COMMAND, Key::E);
    until(window, |window| has(window, "All shown: 89 hosts"));
    take(window, &format!("hand-over-{name}"));
    window.get_by_label("Cancel").click();
    until(window, |window| !has(window, "All shown: 89 hosts"));

    press(window, Modifiers::COMMAND, Key::Comma);
    until(window, |window| has(window, "OWN NETWORKS"));
    take(window, &format!("settings-{name}"));
    window.get_by_label("Close window").click();
    until(window, |window| !has(window, "OWN NETWORKS"));

    window.state_mut().ask(Command::Group(Some(GroupBy::Country)));
    until(window, |window| window.state().snapshot().groups.is_some());
    press(window, Modifiers::COMMAND, Key::Num2);
    press(window, Modifiers::NONE, Key::F11);
    take(window, &format!("groups-{name}"));
    press(window, Modifiers::NONE, Key::F11);

    open_packets(window);
    take(window, &format!("packets-{name}"));
    window.get_by_label("Stream").click();
    until(window, |window| has(window, "As hex"));
    take(window, &format!("stream-{name}"));
}

/// All of IPv4 by country with the hosts of the example, and the prefixes around one of them.
fn space(look: &str, name: &str) {
    let Some(mut window) = with_look(look) else { return };
    let window = &mut window;
    open_example(window);
    press(window, Modifiers::COMMAND, Key::G);
    press(window, Modifiers::NONE, Key::F11);
    until(window, |window| has(window, "Legend: Country, in sight"));
    take(window, &format!("space-{name}"));
    press(window, Modifiers::COMMAND, Key::L);
    let worst = window.state().snapshot().hosts.all.keys[0];
    window.state_mut().ask(Command::Explore(worst.addr()));
    until(window, |window| has(window, "WHAT COUNTS"));
    take(window, &format!("explorer-{name}"));
}

#[test]
fn space_dark() {
    space("Dark", "dark");
}

#[test]
fn space_light() {
    space("Light", "light");
}

#[test]
fn dark() {
    pictures("Dark", "dark");
}

#[test]
fn light() {
    pictures("Light", "light");
}

#[test]
fn high_contrast() {
    let Some(mut window) = with_look("High contrast") else { return };
    open_example(&mut window);
    take(&mut window, "workbench-contrast");
}
