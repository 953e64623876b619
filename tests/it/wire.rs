//! Captures → frames → packets, over captures of others and our own.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use infralock::model::{Addr, Problem, Timestamp};
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

type Ports = Option<(u16, u16)>;

/// What tcpdump says of one frame: its time, and the first `SRC > DST:` of two addresses.
struct Said {
    time: Option<Timestamp>,
    pair: Option<(Addr, Addr, Ports)>,
}

/// `192.0.2.1.53` or `2001:db8::1.53`, or without a port.
fn addr_and_port(text: &str) -> Option<(Addr, Option<u16>)> {
    if let Ok(addr) = text.parse() {
        return Some((addr, None));
    }
    let (addr, port) = text.rsplit_once('.')?;
    Some((addr.parse().ok()?, Some(port.parse().ok()?)))
}

fn said(text: &str) -> Said {
    let mut words = text.split_whitespace();
    let (date, time) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let words: Vec<&str> = text.split_whitespace().collect();
    let pair = words.windows(3).find_map(|words| {
        let [src, ">", dst] = words else { return None };
        let (src, src_port) = addr_and_port(src)?;
        let (dst, dst_port) = addr_and_port(dst.strip_suffix(':')?)?;
        Some((src, dst, src_port.zip(dst_port)))
    });
    Said { time: format!("{date}T{time}Z").parse().ok(), pair }
}

/// Captures of which tcpdump prints addresses that we do not give, and why.
const NOT_GIVEN: [(&str, &str); 10] = [
    ("bgp-aigp", "Juniper's link type 178 is not read"),
    ("LINKTYPE_USER2_PKTAP", "link type 149 is everyone's own; Apple's older use is not assumed"),
    ("LINKTYPE_USER2_PKTAP-e", "the same"),
    ("ppp_ip_udp_dns-vv", "a PPP header with a wrong first byte"),
    ("ipv6_frag6_negative_len", "a fragment whose packet never becomes whole"),
    ("ip_printroute_asan", "a header with options that is cut off"),
    ("isakmp-ikev1_n_print-oobr", "a fragment without a first one"),
    ("vrrp-vrrp_print-oobr-2", "fragments without a first one"),
    ("isakmp-various-oobr", "a fragment without a first one"),
    ("babel_update_oobr", "fragments without a first one"),
];

/// Time and addresses of every frame that tcpdump prints with them, in all link types it knows.
#[test]
fn times_and_addresses_are_those_of_tcpdump() {
    let Some(folder) = corpora::find("corpora/tcpdump-malformed") else { return };
    let folder = folder.join("tests");
    let list = String::from_utf8(bytes_of(&folder.join("TESTLIST"))).unwrap();
    let (mut times, mut pairs, mut other) = (0, 0, Vec::new());
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [name, capture, out, options @ ..] = fields.as_slice() else { continue };
        let is_part = options.iter().any(|option| option.starts_with("--"));
        let (capture, out) = (folder.join(capture), folder.join(out));
        if is_part || !capture.exists() || !out.exists() {
            continue;
        }
        let out = String::from_utf8_lossy(&bytes_of(&out)).into_owned();
        let mut texts = BTreeMap::<u64, String>::new();
        let mut number = 0;
        for line in out.lines() {
            number = last_number(line).unwrap_or(number);
            let rest = line.get(5..).filter(|_| last_number(line).is_some()).unwrap_or(line);
            *texts.entry(number).or_default() += &format!("{rest} ");
        }
        let bytes = bytes_of(&capture);
        let mut reader = sniff(&bytes).unwrap().open(Box::new(bytes.as_slice()));
        let mut decoder = Decoder::default();
        while let Some(frame) = reader.next_frame() {
            let Some(text) = texts.get(&(frame.index + 1)) else { continue };
            let said = said(text);
            if let Some(time) = said.time {
                times += 1;
                // tcpdump prints microseconds.
                if frame.ts.nanos() / 1_000 != time.nanos() / 1_000 {
                    other.push(format!("{name} {}: {} not {time}", frame.index + 1, frame.ts));
                }
            }
            let Some((src, dst, ports)) = said.pair else { continue };
            let mut found = Vec::new();
            decoder.decode(&frame, &mut |packet| {
                let ports = match packet.transport {
                    Transport::Tcp(tcp) => Some((tcp.src_port, tcp.dst_port)),
                    Transport::Udp { src_port, dst_port } => Some((src_port, dst_port)),
                    _ => None,
                };
                found.push((packet.src, packet.dst, ports));
            });
            pairs += 1;
            let is_right = found.iter().any(|&(found_src, found_dst, found_ports)| {
                // SCTP and DCCP have ports as well, which we do not read.
                let may_lack = found_ports.is_none() || ports.is_none();
                (found_src, found_dst) == (src, dst) && (may_lack || found_ports == ports)
            });
            if !is_right && !NOT_GIVEN.iter().any(|(known, _)| known == name) {
                let number = frame.index + 1;
                other.push(format!("{name} {number}: {src} > {dst} {ports:?} is not in {found:?}"));
            }
        }
    }
    println!("tcpdump-malformed: {times} times and {pairs} address pairs compared");
    for line in &other {
        println!("  {line}");
    }
    assert!(times > 5_000 && pairs > 3_000, "{times}, {pairs}");
    assert!(other.is_empty(), "{} differ", other.len());
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
