//! The processor's part of a frame: layout and tessellation, with a million hosts in the table and
//! 100,000 places on the map. Nothing is sent to a graphics card.
//!
//! Estimate: some 40 rows of 10 cells are laid out (400 texts, most of them in the cache: 1 ms),
//! the base map's 60,000 points become lines (3 ms), marks in sight are at most one for each cell
//! of 26 points (1,000: 1 ms). A frame at 120 Hz is 8.3 ms.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench stops at an error and prints what it found"
)]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use egui::{
    Context, Event, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, RawInput, Rect, TouchPhase,
    pos2, vec2,
};
use infralock::app::shell::Shell;
use infralock::app::theme;
use infralock::engine::workbench::{
    CaseView, DataState, HostColumns, Places, Snapshot, Spot, Verdict, Workbench, mercator,
};
use infralock::model::{Addr, HostKey, RealmId};

const HOSTS: u32 = 1_000_000;
const SPOTS: u32 = 100_000;

/// Numbers that look like chance and are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
}

fn hosts() -> HostColumns {
    let mut numbers = Numbers(7);
    let mut all = HostColumns::default();
    let words: Vec<Arc<str>> =
        ["hosting", "vpn, hosting", "", "residential"].map(Arc::from).to_vec();
    let network: Arc<str> = Arc::from("Example Networks");
    let city: Arc<str> = Arc::from("Exampleton");
    for number in 0..HOSTS {
        let addr = Addr::from(IpAddr::from(Ipv4Addr::from(0x0b00_0000 + number * 17)));
        all.keys.push(HostKey::new(addr, RealmId::default()));
        let score = 100.0 - number as f32 / 10_000.0;
        all.score.push(score);
        all.verdict.push(Verdict::ALL[(score / 17.0) as usize % 6]);
        all.mine.push(false);
        all.name.push(format!("host{number}.example.com").into());
        all.asn.push(64_496 + numbers.below(16) as u32);
        all.as_name.push(Arc::clone(&network));
        all.prefix.push(None);
        all.lists.push(Arc::from(""));
        all.country.push(*b"NL");
        all.city.push(Arc::clone(&city));
        all.point.push([f32::NAN; 2]);
        all.radius_km.push(f32::NAN);
        all.kinds.push(Arc::clone(&words[numbers.below(4) as usize]));
        all.detections.push(numbers.below(9) as u32);
        all.first_seen.push(None);
        all.last_seen.push(None);
        all.flows.push(numbers.below(100_000));
        all.packets.push(numbers.below(1 << 30));
        all.bytes_in.push(numbers.below(1 << 40));
        all.bytes_out.push(numbers.below(1 << 40));
    }
    all
}

fn places() -> Places {
    let mut numbers = Numbers(11);
    let mut places = Places::default();
    let each = HOSTS / SPOTS;
    for number in 0..SPOTS {
        let lat = numbers.below(120_000) as f64 / 1_000.0 - 55.0;
        let lon = numbers.below(360_000) as f64 / 1_000.0 - 180.0;
        let first = number * each;
        places.rows.extend(first..first + each);
        places.spots.push(Spot {
            lat: lat as f32,
            lon: lon as f32,
            unit: mercator(lat, lon).map(|part| part as f32),
            worst: Verdict::ALL[numbers.below(6) as usize],
            count: each,
            first,
        });
    }
    places
}

/// The reference data as the window opens it, for the base map and its towns.
fn data() -> DataState {
    let workbench = Workbench::start(Arc::new(|| ())).unwrap();
    loop {
        let snapshot = workbench.snapshot();
        if let DataState::Ready(view) = &snapshot.data
            && !view.towns.is_empty()
        {
            return snapshot.data.clone();
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot { data: data(), ..Snapshot::default() };
    snapshot.hosts.all = Arc::new(hosts());
    snapshot.hosts.shown = Arc::new((0..HOSTS).collect());
    snapshot.places = Arc::new(places());
    snapshot.case = Arc::new(CaseView { is_growing: true, ..CaseView::default() });
    snapshot
}

struct Window {
    ctx: Context,
    shell: Shell,
    time: f64,
}

impl Window {
    fn new(snapshot: &Snapshot) -> Self {
        let ctx = Context::default();
        theme::install(&ctx);
        let shell = Shell::new(Workbench::showing(snapshot.clone()));
        let mut window = Self { ctx, shell, time: 0.0 };
        // Fonts are loaded, tables have their widths, the map what lies together.
        for _ in 0..5 {
            window.frame(Vec::new());
        }
        window
    }

    fn frame(&mut self, events: Vec<Event>) -> usize {
        self.time += 1.0 / 60.0;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1920.0, 1080.0))),
            time: Some(self.time),
            events,
            ..RawInput::default()
        };
        let mut output = self.ctx.run_ui(input, |ui| self.shell.draw(ui));
        output.textures_delta.clear();
        let meshes = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        black_box(meshes).len()
    }
}

fn wheel(at: Pos2, lines: f32) -> Vec<Event> {
    let delta = vec2(0.0, lines);
    let (unit, modifiers, phase) = (MouseWheelUnit::Line, Modifiers::NONE, TouchPhase::Move);
    let source = MouseWheelSource::Wheel;
    vec![Event::PointerMoved(at), Event::MouseWheel { unit, delta, modifiers, phase, source }]
}

fn frames(criterion: &mut Criterion) {
    let snapshot = snapshot();
    let mut group = criterion.benchmark_group("frame, 1920x1080, 1 M hosts, 100 k places");
    group.sample_size(60);
    let mut window = Window::new(&snapshot);
    group.bench_function("nothing happens", |bench| {
        bench.iter(|| window.frame(Vec::new()));
    });
    let mut window = Window::new(&snapshot);
    group.bench_function("the table scrolls", |bench| {
        let at = pos2(700.0, 800.0);
        bench.iter_batched(
            || wheel(at, -3.0),
            |events| window.frame(events),
            BatchSize::SmallInput,
        );
    });
    let mut window = Window::new(&snapshot);
    group.bench_function("the map zooms, in and out", |bench| {
        let at = pos2(700.0, 250.0);
        let mut count = 0_u32;
        bench.iter_batched(
            || {
                count += 1;
                wheel(at, if (count / 40).is_multiple_of(2) { 0.5 } else { -0.5 })
            },
            |events| window.frame(events),
            BatchSize::SmallInput,
        );
    });
    let mut window = Window::new(&snapshot);
    for _ in 0..120 {
        window.frame(wheel(pos2(700.0, 250.0), 0.5));
    }
    let held = Event::PointerButton {
        pos: pos2(700.0, 250.0),
        button: egui::PointerButton::Primary,
        pressed: true,
        modifiers: Modifiers::NONE,
    };
    window.frame(vec![Event::PointerMoved(pos2(700.0, 250.0)), held]);
    group.bench_function("the map is moved, near", |bench| {
        let mut count = 0_u16;
        bench.iter_batched(
            || {
                count = count.wrapping_add(1);
                let to = 700.0 + 9.0 * f32::from((count % 20).abs_diff(10));
                vec![Event::PointerMoved(pos2(to, 250.0))]
            },
            |events| window.frame(events),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);
