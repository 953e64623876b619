//! Captures → frames → packets, over captures of others and our own.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use infralock::model::{Problem, Timestamp};
use infralock::wire::capture::pcapng_write::Writer;
use infralock::wire::{Counts, Decoder, Frame, Packet, Tcp, Transport, sniff};

use crate::corpora;

/// What a capture gave.
pub struct Read1 {
    pub format: &'static str,
    pub frames: u64,
    pub counts: Counts,
    pub problems: Vec<Problem>,
}

/// Reads and decodes bytes; `None` if they are no capture.
pub fn read_bytes(bytes: &[u8], sink: &mut dyn FnMut(&Packet<'_>)) -> Option<Read1> {
    let format = sniff(&bytes[..bytes.len().min(12)])?;
    let mut capture = format.open(Box::new(bytes));
    let mut decoder = Decoder::default();
    let mut frames = 0;
    while let Some(frame) = capture.next_frame() {
        assert_eq!(frame.index, frames);
        let at = frame.offset as usize;
        assert_eq!(bytes.get(at..at + frame.bytes.len()), Some(frame.bytes), "offset");
        frames += 1;
        decoder.decode(&frame, sink);
    }
    let mut problems = capture.take_problems();
    problems.extend(decoder.finish());
    Some(Read1 {
        format: format.about().id,
        frames,
        counts: decoder.counts(),
        problems: problems.into_rows(),
    })
}

pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

pub fn bytes_of(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = File::open(path).unwrap();
    if path.extension().is_some_and(|ext| ext == "gz") {
        infralock_gunzip(file, &mut bytes);
    } else {
        std::io::BufReader::new(file).read_to_end(&mut bytes).unwrap();
    }
    bytes
}

#[expect(clippy::disallowed_types, reason = "a peer, independent of what is tested")]
fn infralock_gunzip(file: File, bytes: &mut Vec<u8>) {
    flate2::read::MultiGzDecoder::new(file).read_to_end(bytes).unwrap();
}

/// Frames in each file of the suite, by number.
const PCAPNG_SUITE: [(&str, u64); 26] = [
    ("001", 4),
    ("002", 0),
    ("003", 0),
    ("004", 4),
    ("005", 4),
    ("006", 5),
    ("007", 1),
    ("008", 4),
    ("009", 2),
    ("010", 4),
    ("011", 4),
    ("012", 4),
    ("013", 0),
    ("014", 0),
    ("015", 0),
    ("016", 4),
    ("017", 0),
    ("018", 4),
    ("100", 5),
    ("101", 4),
    ("102", 5),
    ("200", 0),
    ("201", 4),
    ("202", 8),
    ("901", 2),
    ("902", 1),
];

#[test]
fn pcapng_suite_reads_alike_in_both_byte_orders() {
    let Some(folder) = corpora::find("corpora/pcapng-suite") else { return };
    for (number, frames) in PCAPNG_SUITE {
        let [little, big] = ["le", "be"].map(|order| {
            let path = folder.join(order).join(format!("test{number}.pcapng"));
            let mut packets = Vec::new();
            let mut sink = |packet: &Packet<'_>| packets.push(format!("{packet:?}"));
            let read = read_bytes(&bytes_of(&path), &mut sink).unwrap();
            assert_eq!(read.frames, frames, "{}: {:?}", path.display(), read.problems);
            (packets, read.counts)
        });
        assert_eq!(little, big, "test{number}");
    }
}

/// The highest packet number in tcpdump's output, if it has any.
fn last_number(out: &str) -> Option<u64> {
    // `%5d  `; lines that go on are indented otherwise.
    let number = |line: &str| {
        let (number, rest) = line.split_at_checked(5)?;
        rest.starts_with("  ").then(|| number.trim_start().parse::<u64>().ok())?
    };
    out.lines().filter_map(number).max()
}

#[test]
fn malformed_captures_have_the_frames_that_tcpdump_counts() {
    let Some(folder) = corpora::find("corpora/tcpdump-malformed") else { return };
    let folder = folder.join("tests");
    let list = String::from_utf8(bytes_of(&folder.join("TESTLIST"))).unwrap();
    let (mut cases, mut other) = (0, Vec::new());
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [name, capture, out, options @ ..] = fields.as_slice() else { continue };
        let (capture, out) = (folder.join(capture), folder.join(out));
        // These say that not every frame is printed.
        let is_part = options
            .iter()
            .any(|option| option.starts_with("-c") || option.starts_with("--") || *option == "--");
        if is_part || !capture.exists() || !out.exists() {
            continue;
        }
        let out = String::from_utf8_lossy(&bytes_of(&out)).into_owned();
        let Some(expected) = last_number(&out) else { continue };
        let read = read_bytes(&bytes_of(&capture), &mut |_| {});
        let frames = read.as_ref().map_or(0, |read| read.frames);
        cases += 1;
        if frames != expected {
            let problems = read.map(|read| read.problems);
            other.push(format!("{name}: {frames} instead of {expected}: {problems:?}"));
        }
    }
    println!("tcpdump-malformed: {cases} compared");
    assert!(cases > 700, "{cases}");
    assert!(other.is_empty(), "{other:#?}");
}

/// Every file of a folder through everything; panics and hangs are what it looks for.
fn survive(folder: &Path, captures_min: usize) {
    let (mut captures, mut packets, mut problems) =
        (0, 0, BTreeMap::<String, (u64, PathBuf)>::new());
    for path in files_below(folder) {
        let Some(read) = read_bytes(&bytes_of(&path), &mut |_| packets += 1) else { continue };
        captures += 1;
        for problem in read.problems {
            problems.entry(problem.what).or_insert((0, path.clone())).0 += problem.count;
        }
    }
    println!("{}: {captures} captures, {packets} packets", folder.display());
    for (what, (count, first)) in problems {
        println!("  {count} {what}: {}", first.strip_prefix(folder).unwrap().display());
    }
    assert!(captures >= captures_min, "{captures}");
}

#[test]
fn malformed_captures_are_survived() {
    let Some(folder) = corpora::find("corpora/tcpdump-malformed") else { return };
    survive(&folder, 829);
}

#[test]
fn zeek_traces_are_survived() {
    let Some(folder) = corpora::find("corpora/zeek-traces") else { return };
    survive(&folder.join("Traces"), 799);
}

/// A case: lines of `LINK_TYPE[/ORIGINAL_BYTES][@SECONDS] HEX`, with `#` lines that say what each
/// is. They go through our writer and reader, so that a case is text that anyone can change.
fn frames_of_case(text: &str) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), "case", None).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    for (index, line) in lines.enumerate() {
        let (about, hex) = line.split_once(' ').unwrap();
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let (about, secs) = about.split_once('@').unwrap_or((about, "0"));
        let (link_type, original) = about.split_once('/').unwrap_or((about, "0"));
        let frame = Frame {
            index: index as u64,
            offset: 0,
            ts: Timestamp::from_secs_nanos(secs.parse().unwrap(), 0),
            link_type: link_type.parse().unwrap(),
            bytes: &bytes,
            original_bytes: original.parse::<u32>().unwrap().max(bytes.len() as u32),
        };
        writer.write(&frame, None).unwrap();
    }
    writer.finish().unwrap()
}

fn line_of(packet: &Packet<'_>) -> String {
    let ports = match packet.transport {
        Transport::Tcp(tcp) => {
            let mut text = format!("tcp {}>{} flags {:02x}", tcp.src_port, tcp.dst_port, tcp.flags);
            if tcp.has(Tcp::SYN) {
                let Tcp { options, mss, window_scale, .. } = tcp;
                text += &format!(" options {options:?} mss {mss} scale {window_scale}");
            }
            text
        }
        Transport::Udp { src_port, dst_port } => format!("udp {src_port}>{dst_port}"),
        Transport::Icmp { kind, code } => format!("icmp {kind}/{code}"),
        Transport::Icmp6 { kind, code } => format!("icmp6 {kind}/{code}"),
        Transport::Other(number) => format!("proto {number}"),
    };
    let mut line = format!(
        "{}{} {} > {} {ports}, ip {} payload {}/{}",
        "  ".repeat(usize::from(packet.tunnel_depth)),
        packet.tunnel.map_or("-".to_owned(), |tunnel| format!("{tunnel:?}")),
        packet.src,
        packet.dst,
        packet.ip_bytes,
        packet.payload.len(),
        packet.payload_bytes
    );
    if packet.vlans != [0, 0] {
        line += &format!(" vlans {:?}", packet.vlans);
    }
    line + if packet.bad_checksum { " bad checksum" } else { "" }
}

/// Each folder of `tests/cases/wire`: frames in, packets and problems out. `INFRALOCK_BLESS=1`
/// writes what came out as what is expected; look at the difference before you commit it.
#[test]
fn cases_give_what_is_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/wire");
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let case = entry.unwrap().path();
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        assert!(case.join("README.md").exists(), "{name}: a case says what it is for: README.md");
        let text = std::fs::read_to_string(case.join("frames.txt")).unwrap();
        let notes: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# ")).collect();
        let file = frames_of_case(&text);
        let mut capture = sniff(&file).unwrap().open(Box::new(file.as_slice()));
        let mut decoder = Decoder::default();
        let mut found = String::new();
        while let Some(frame) = capture.next_frame() {
            found += &format!("# {}\n", notes[frame.index as usize]);
            decoder.decode(&frame, &mut |packet| found += &(line_of(packet) + "\n"));
        }
        found += &format!("# {:?}\n", decoder.counts());
        assert!(capture.take_problems().is_empty());
        for problem in decoder.finish().into_rows() {
            found += &format!("problem {} × {}\n", problem.count, problem.what);
        }
        let path = case.join("expected.txt");
        if std::env::var_os("INFRALOCK_BLESS").is_some() {
            std::fs::write(&path, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        for (line, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
            assert_eq!(found, expected, "{name}/expected.txt:{}", line + 1);
        }
        assert_eq!(found.lines().count(), expected.lines().count(), "{name}");
        cases += 1;
    }
    assert!(cases >= 5, "{cases} cases");
}
