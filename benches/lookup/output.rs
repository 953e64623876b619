//! What was measured: as a table, as ratios, and as a picture.

use std::fmt::Write;

use super::tables::Drawn;

/// One engine on one table.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) bytes: usize,
    pub(crate) build_secs: f64,
    /// Median nanoseconds a look-up, for each way to draw; `None`: not asked so.
    pub(crate) nanos: Vec<Option<f64>>,
}

/// All engines on one table.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) original: usize,
    pub(crate) drawn: Vec<Drawn>,
    pub(crate) lines: Vec<Line>,
}

impl Measured {
    fn millions(&self, line: &Line, drawn: Drawn) -> Option<f64> {
        let at = self.drawn.iter().position(|&known| known == drawn)?;
        line.nanos[at].map(|nanos| 1e3 / nanos)
    }

    /// The fastest of the engines whose name `is` right.
    fn best(&self, drawn: Drawn, is: impl Fn(&str) -> bool) -> Option<(&Line, f64)> {
        let named = self.lines.iter().filter(|line| is(line.name));
        let speeds = named.filter_map(|line| Some((line, self.millions(line, drawn)?)));
        speeds.max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// Speeds in millions a second, the chain in nanoseconds.
pub(crate) fn table(measured: &Measured) {
    let Measured { name, original, drawn, lines } = measured;
    let head = |drawn: &Drawn| match drawn {
        Drawn::Prefixes => "random",
        Drawn::Uniform => "uniform",
        Drawn::Zipf => "Zipf",
        Drawn::Sequential => "in order",
        Drawn::Dependent => "chain ns",
    };
    let mut text = format!("{name:28}");
    for drawn in drawn {
        write!(text, " {:>9}", head(drawn)).unwrap();
    }
    writeln!(text, " {:>9} {:>9} {:>9}", "MB", "B/prefix", "build s").unwrap();
    for line in lines {
        write!(text, "{:28}", line.name).unwrap();
        for &drawn in drawn {
            let speed = measured.millions(line, drawn);
            let shown = speed.map(|m| if drawn == Drawn::Dependent { 1e3 / m } else { m });
            let shown = shown.map_or("–".to_owned(), |number| format!("{number:.1}"));
            write!(text, " {shown:>9}").unwrap();
        }
        let megabytes = line.bytes as f64 / 1e6;
        let a_prefix = line.bytes as f64 / *original as f64;
        writeln!(text, " {megabytes:>9.1} {a_prefix:>9.2} {:>9.3}", line.build_secs).unwrap();
    }
    print!("{text}");
}

fn is_ours(name: &str) -> bool {
    name.starts_with("ours")
}

fn is_dpdk(name: &str) -> bool {
    name.starts_with("DPDK")
}

fn is_crate(name: &str) -> bool {
    name.contains(" 0.") && !is_ours(name)
}

/// Ours against the best crate, and against DPDK in batches of the same size.
pub(crate) fn ratios(all: &[Measured]) {
    println!("\nours against the others, from the same rounds:");
    for measured in all {
        let mut text = format!("{:10}", measured.name);
        for drawn in [Drawn::Prefixes, Drawn::Zipf, Drawn::Dependent] {
            let name = drawn.name().split(' ').next().unwrap();
            write!(text, " {name}:").unwrap();
            let both = (measured.best(drawn, is_ours), measured.best(drawn, is_crate));
            if let (Some((_, ours)), Some((line, speed))) = both {
                write!(text, " {:.2} × {};", ours / speed, line.name).unwrap();
            }
            for batch in [", 256", ", 1,024"] {
                let of = |is: fn(&str) -> bool| {
                    measured.best(drawn, |name| is(name) && name.ends_with(batch))
                };
                if let (Some((_, ours)), Some((_, speed))) = (of(is_ours), of(is_dpdk)) {
                    write!(text, " {:.2} × rte_fib{batch};", ours / speed).unwrap();
                }
            }
        }
        let bytes = |is: fn(&str) -> bool| {
            measured.lines.iter().find(|line| is(line.name)).map(|line| line.bytes as f64)
        };
        let file = bytes(|name| name.starts_with("maxminddb"));
        if let (Some(ours), Some(file)) = (bytes(is_ours), file) {
            write!(text, " memory: {:.2} × maxminddb's", ours / file).unwrap();
        }
        if let (Some(ours), Some(fib)) = (bytes(is_ours), bytes(is_dpdk)) {
            write!(text, ", 1/{:.0} of rte_fib's", fib / ours).unwrap();
        }
        println!("{text}");
    }
}

const WIDTH: f64 = 960.0;
const LEFT: f64 = 216.0;
const RIGHT: f64 = 104.0;
const BAR: f64 = 15.0;
const STEP: f64 = 21.0;
/// The axis, in millions a second.
const ENDS: (f64, f64) = (1.0, 1_000.0);

/// Where a speed lies.
fn x(millions: f64) -> f64 {
    let part = (millions / ENDS.0).ln() / (ENDS.1 / ENDS.0).ln();
    LEFT + part.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
}

/// Okabe and Ito's colours (2008), which people of every sight tell apart.
fn colour(name: &str) -> &'static str {
    match name {
        name if is_ours(name) => "#0072b2",
        name if is_dpdk(name) => "#009e73",
        name if is_crate(name) => "#e69f00",
        _ => "#999999",
    }
}

/// Bars on a logarithmic axis: random over the prefixes; a dot where Zipf's are.
pub(crate) fn svg(all: &[Measured]) -> String {
    let rows: usize = all.iter().map(|measured| measured.lines.len()).sum();
    let height = 120.0 + rows as f64 * STEP + all.len() as f64 * 44.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\" \
         fill=\"#1a1a1a\"><rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    let text = |svg: &mut String, x: f64, y: f64, rest: &str, words: &str| {
        writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" {rest}>{words}</text>").unwrap();
    };
    text(
        &mut svg,
        16.0,
        26.0,
        "font-size=\"17\" font-weight=\"bold\"",
        "Longest-prefix look-ups on one thread, in millions a second",
    );
    text(&mut svg, 16.0, 46.0, "fill=\"#555555\"", &machine());
    legend(&mut svg);
    let bottom = height - 44.0;
    for millions in [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0] {
        let x = x(millions);
        writeln!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"78\" y2=\"{bottom:.1}\" stroke=\"#dddddd\"/>"
        )
        .unwrap();
        text(&mut svg, x, bottom + 16.0, "text-anchor=\"middle\"", &format!("{millions}"));
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    let axis = "millions of look-ups a second (logarithmic), random over the table's prefixes";
    text(&mut svg, middle, bottom + 36.0, "text-anchor=\"middle\"", axis);
    let mut y = 84.0;
    for measured in all {
        let title = format!("{}, {} prefixes", measured.name, thousands(measured.original));
        text(&mut svg, 16.0, y + 22.0, "font-weight=\"bold\"", &title);
        y += 32.0;
        for line in &measured.lines {
            bar(&mut svg, measured, line, y);
            y += STEP;
        }
        y += 12.0;
    }
    svg.push_str("</svg>\n");
    svg
}

fn bar(svg: &mut String, measured: &Measured, line: &Line, y: f64) {
    let Some(speed) = measured.millions(line, Drawn::Prefixes) else { return };
    let (end, base) = (x(speed), y + BAR - 3.0);
    let bytes = match line.bytes as f64 / measured.original as f64 {
        bytes if bytes < 100.0 => format!("{bytes:.1}"),
        bytes => thousands(bytes.round() as usize),
    };
    let bold = if is_ours(line.name) { " font-weight=\"bold\"" } else { "" };
    let right = LEFT - 8.0;
    writeln!(
        svg,
        "<text x=\"{right:.1}\" y=\"{base:.1}\" text-anchor=\"end\"{bold}>{}</text>\n\
         <rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR}\" fill=\"{}\"/>",
        line.name,
        (end - LEFT).max(1.0),
        colour(line.name)
    )
    .unwrap();
    let zipf = measured.millions(line, Drawn::Zipf);
    if let Some(zipf) = zipf {
        let middle = y + BAR / 2.0;
        writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"4\" fill=\"#1a1a1a\" \
             stroke=\"#ffffff\" stroke-width=\"1.5\"/>",
            x(zipf)
        )
        .unwrap();
    }
    let label = end.max(zipf.map_or(0.0, |zipf| x(zipf) + 4.0)) + 6.0;
    writeln!(
        svg,
        "<text x=\"{label:.1}\" y=\"{base:.1}\">{speed:.1} <tspan fill=\"#555555\">· {bytes} B a \
         prefix</tspan></text>"
    )
    .unwrap();
}

fn legend(svg: &mut String) {
    let mut at = LEFT;
    for (words, sample) in [
        ("ours", "ours"),
        ("DPDK, batches", "DPDK"),
        ("Rust crates", " 0."),
        ("standard library", "binary"),
    ] {
        writeln!(
            svg,
            "<rect x=\"{at}\" y=\"56\" width=\"13\" height=\"13\" fill=\"{}\"/>\
             <text x=\"{}\" y=\"67\">{words}</text>",
            colour(sample),
            at + 18.0
        )
        .unwrap();
        at += 44.0 + 7.2 * words.len() as f64;
    }
    writeln!(
        svg,
        "<circle cx=\"{}\" cy=\"62.5\" r=\"4\" fill=\"#1a1a1a\"/>\
         <text x=\"{}\" y=\"67\">Zipf 1.0 over the prefixes</text>",
        at + 6.0,
        at + 18.0
    )
    .unwrap();
}

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The processor by its own name; what it can hold, where the system tells.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let name = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cache = |index: u8| {
        let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/size");
        std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
    };
    let known = match (field("cpu family"), field("model\t")) {
        (Some(family), Some(model)) => format!(" (family {family}, model {model})"),
        _ => String::new(),
    };
    format!(
        "{name}{known}, L2 {}, L3 {}; median of 7 interleaved rounds, huge pages for everyone",
        cache(2),
        cache(3)
    )
}
