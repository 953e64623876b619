//! Guessed log-ins, and whether one of the guesses was right.
//!
//! Tries come from lines of logs, from dialogues in clear, and, where the dialogue is encrypted,
//! from the shape of its flows. They are sorted by time and counted in exact windows for each
//! source and kind of service; a line that stands for five counts five. What worked after that is
//! the first thing an analyst asks, so it is the first thing a detection says.
//!
//! People mistype three or four times, and sshd ends a connection after six refusals
//! (`MaxAuthTries`); sources of one user that it has used well before get more patience.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use serde_json::{Map, Value};

use crate::model::{
    Basis, Detection, Flow, HostKey, Outcome, Record, RecordKind, Ref, Timestamp, Untrusted,
};
use crate::threat::tally::{
    Hosts, Sample, blank, counted, grouped, in_secs, mix, mix_host, mix_text, nanos, note_sample,
    peers, ports, refs, runs, shortened, span, timestamp,
};
use crate::threat::{About, Detector, Scene, Watch, Watched};

/// See the module.
pub struct BruteForce;

/// Tries kept in one run: 2 M at 96 bytes. Beyond, a sample that says so.
const TRIES_MAX: usize = 2_000_000;

const SEC: i64 = 1_000_000_000;

/// Failures within a time that are guessing: six in ten minutes are a connection that ran into
/// `MaxAuthTries`, ten in a day are a slow guesser, thirty at any pace one that hides.
const WINDOWS: [(u64, i64); 3] = [(6, 600 * SEC), (10, 86_400 * SEC), (30, i64::MAX)];

/// Different users that were tried from which on five failures in a day will do: people mistype
/// their password, seldom their name, and have few.
const USERS_MIN: usize = 3;
const USERS_WINDOW: (u64, i64) = (5, 86_400 * SEC);

/// A source that tried as many users within a day and never got in: an office behind one address
/// mistypes too, but it also gets in.
const STRANGERS_MIN: usize = 4;

/// Log-ins of one page within a time that are no person's, whatever was answered: pages that
/// answer 200 to a wrong password are common.
const POSTS: (u64, i64) = (6, 60 * SEC);

/// The same for a source that has logged in as that one user before.
const FAMILIAR_FAILURES_MIN: u64 = 20;

/// A success counts as the guesser's if it comes within this time of a failure …
const SUCCESS_AFTER_NANOS: i64 = 3_600 * SEC;
/// … and after this many.
const SUCCESS_FAILURES_MIN: u64 = 5;

/// After a pause of this length guesses are another detection: four weeks are the logs that most
/// systems keep (logrotate's default), so whoever investigates sees such bursts as two incidents.
const PAUSE_NANOS: i64 = 28 * 86_400 * SEC;

/// Sources that failed for one user, from which on the guess is a distributed one.
const DISTRIBUTED_SOURCES_MIN: usize = 5;

/// Users named in one detection.
const USERS_MAX: usize = 20;

/// Short encrypted dialogues of one source with one server within ten minutes: guessing tools open
/// one for every few tries. Hellemons et al. 2012 (SSHCure) see 11 to 51 packets in each.
const DIALOGUES_MIN: usize = 20;
const DIALOGUES_WINDOW: i64 = 600 * SEC;
const DIALOGUE_SECS_MAX: u64 = 60;
const DIALOGUE_BYTES_MAX: u64 = 8_000;
const DIALOGUE_BYTES_MIN: u64 = 300;

/// Parts of a path that log people in.
const LOGIN_WORDS: [&str; 10] = [
    "login", "signin", "sign-in", "logon", "auth", "session", "token", "account", "password",
    "user",
];

/// The same, of pages that do nothing else.
const LOGIN_PAGES: [&str; 4] = ["login", "signin", "sign-in", "logon"];

const ABOUT: About = About {
    ids: &[
        "bruteforce.ssh",
        "bruteforce.ftp",
        "bruteforce.telnet",
        "bruteforce.rdp",
        "bruteforce.smtp",
        "bruteforce.imap",
        "bruteforce.http",
        "bruteforce.smb",
        "bruteforce.sip",
        "bruteforce.database",
        "bruteforce.other",
    ],
    finds: "one source whose log-ins are refused (6 in 10 min, 10 in a day, 30 at all, 5 with 3 \
            users), by service; guessing, spraying, stuffing and user enumeration told apart; \
            success after failures; 20 short ssh or rdp dialogues in 10 min",
    misses: "guesses spread over sources with fewer tries each, log-ins of web pages that answer \
             200 to everything, encrypted dialogues kept open for many tries",
    source: "ATT&CK T1110; Hellemons et al. 2012 (SSHCure); OpenSSH MaxAuthTries; Zeek detect-bf",
    attack: &["T1110", "T1110.001", "T1110.003", "T1110.004", "T1087"],
};

impl Detector for BruteForce {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn start(&self) -> Box<dyn Watch> {
        Box::new(Watching {
            hosts: Hosts::default(),
            users: HashMap::new(),
            names: Vec::new(),
            tries: Sample::new(TRIES_MAX),
            dialogues: Sample::new(TRIES_MAX),
        })
    }
}

/// The slug of a service, by the name of the program or protocol.
fn slug(service: &str) -> &'static str {
    const NAMES: [(&str, &[&str]); 10] = [
        ("bruteforce.ssh", &["ssh", "dropbear", "endlessh", "teleport"]),
        ("bruteforce.ftp", &["ftp"]),
        ("bruteforce.telnet", &["telnet", "rlogin"]),
        ("bruteforce.rdp", &["rdp", "guacamole", "vnc", "rfb", "winlogon", "termserv"]),
        ("bruteforce.smtp", &["smtp", "postfix", "exim", "sendmail", "submission", "sasl"]),
        ("bruteforce.imap", &["imap", "pop3", "dovecot", "courier", "cyrus", "sieve", "zimbra"]),
        ("bruteforce.smb", &["smb", "samba", "cifs", "ntlm", "kerberos", "ldap"]),
        ("bruteforce.sip", &["sip", "asterisk", "freeswitch", "kamailio"]),
        (
            "bruteforce.database",
            &["sql", "postgres", "maria", "mongo", "redis", "couchdb", "oracle", "tds", "elastic"],
        ),
        (
            "bruteforce.http",
            &["http", "nginx", "apache", "wordpress", "web", "cloud", "proxmox", "gitlab", "gitea"],
        ),
    ];
    let known = |names: &[&str]| names.iter().any(|name| service.contains(name));
    NAMES.iter().find(|(_, names)| known(names)).map_or("bruteforce.other", |(slug, _)| slug)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Refused,
    /// A log-in page answered 200 to what was posted: most say so to a wrong password.
    Unclear,
    Accepted,
}

#[derive(Clone, Copy)]
struct Try {
    time: i64,
    source: u32,
    server: Option<u32>,
    port: u16,
    slug: &'static str,
    user: Option<u32>,
    answer: Answer,
    invalid: bool,
    secret: Option<u64>,
    times: u32,
    logged: bool,
    reference: Option<Ref>,
}

#[derive(Clone, Copy)]
struct Dialogue {
    time: i64,
    source: u32,
    server: u32,
    port: u16,
    slug: &'static str,
    reference: Ref,
}

struct Watching {
    hosts: Hosts,
    users: HashMap<Untrusted, u32>,
    names: Vec<Untrusted>,
    tries: Sample<Try>,
    dialogues: Sample<Dialogue>,
}

/// What a request says of a log-in; `None`: nothing.
///
/// A refused request counts where it carried a user, posted something, or asked a page that logs
/// people in. WordPress answers a wrong password with its form (200), a right one with a
/// redirect (302); its XML-RPC answers 200 to both, so its answer is taken for refused.
fn http_answer(record: &Record) -> Option<Answer> {
    let path = record.path.as_ref().map_or("", Untrusted::raw).to_ascii_lowercase();
    let is_post = record.method.as_ref().is_some_and(|method| method.raw() == "POST");
    let is_login = LOGIN_WORDS.iter().any(|word| path.contains(word));
    match record.status? {
        401 if is_post || is_login || record.user.is_some() => Some(Answer::Refused),
        403 | 422 if is_post && is_login => Some(Answer::Refused),
        200 if is_post && (path.ends_with("wp-login.php") || path.ends_with("xmlrpc.php")) => {
            Some(Answer::Refused)
        }
        200 if is_post && LOGIN_PAGES.iter().any(|word| path.contains(word)) => {
            Some(Answer::Unclear)
        }
        302 if is_post && path.ends_with("wp-login.php") => Some(Answer::Accepted),
        200..=299 if record.user.is_some() => Some(Answer::Accepted),
        _ => None,
    }
}

fn answer(record: &Record) -> Option<(Answer, &'static str)> {
    let service = record.service.as_ref().map_or("", Untrusted::raw);
    match record.kind {
        RecordKind::Auth => {
            let answer = match record.outcome? {
                Outcome::Failure | Outcome::Blocked => Answer::Refused,
                Outcome::Success => Answer::Accepted,
                Outcome::Allowed => return None,
            };
            Some((answer, slug(&service.to_ascii_lowercase())))
        }
        // Of a dialogue in a capture its own parser speaks.
        RecordKind::Http if record.uid.is_none() => {
            http_answer(record).map(|answer| (answer, "bruteforce.http"))
        }
        _ => None,
    }
}

impl Watching {
    fn user(&mut self, user: &Untrusted) -> u32 {
        let user = shortened(user);
        let next = self.names.len() as u32;
        let number = *self.users.entry_ref(&user).or_insert(next);
        if number == next {
            self.names.push(user);
        }
        number
    }

    /// Some tries or dialogues had to go: keeps the hosts of the others alone.
    fn forget_hosts(&mut self) {
        let Self { hosts, tries, dialogues, .. } = self;
        hosts.keep_only(|number| {
            for one in tries.items_mut() {
                number(&mut one.source);
                one.server.as_mut().map(&mut *number);
            }
            for one in dialogues.items_mut() {
                number(&mut one.source);
                number(&mut one.server);
            }
        });
    }

    /// The same for users.
    fn forget_users(&mut self) {
        let old = std::mem::take(&mut self.names);
        self.users.clear();
        let mut tries = std::mem::replace(&mut self.tries, Sample::new(0));
        for user in tries.items_mut().filter_map(|one| one.user.as_mut()) {
            *user = self.user(&old[*user as usize]);
        }
        self.tries = tries;
    }
}

impl Watch for Watching {
    fn flow(&mut self, flow: &Flow, scene: &dyn Scene) {
        let Some(service) = flow.service.as_deref() else { return };
        let slug = match service {
            "ssh" => "bruteforce.ssh",
            "rdp" => "bruteforce.rdp",
            _ => return,
        };
        let bytes = |bytes: Option<u64>| bytes.unwrap_or(0);
        let range = DIALOGUE_BYTES_MIN..=DIALOGUE_BYTES_MAX;
        let is_short = flow.duration_nanos.unwrap_or(0) <= DIALOGUE_SECS_MAX * SEC as u64
            && range.contains(&bytes(flow.orig_bytes))
            && range.contains(&bytes(flow.resp_bytes));
        if !is_short || !flow.conn_state.is_established() {
            return;
        }
        let source = scene.host(flow.originator.addr, flow.import);
        let server = scene.host(flow.responder.addr, flow.import);
        let time = flow.first_seen.nanos();
        let hash = mix(mix_host(source), time as u64);
        if !self.dialogues.takes(hash) {
            return;
        }
        let dialogue = Dialogue {
            time,
            source: self.hosts.number(source),
            server: self.hosts.number(server),
            port: flow.responder.port,
            slug,
            reference: Ref::Flow(flow.uid),
        };
        if self.dialogues.push(hash, dialogue) {
            self.forget_hosts();
        }
    }

    fn record(&mut self, record: &Record, scene: &dyn Scene) {
        let Some((answer, slug)) = answer(record) else { return };
        let Some(source) = record.src else { return };
        let host = |addr| scene.host(addr, record.import);
        let detail = |key: &str| record.details.get(key);
        let time = nanos(record.ts);
        let name = record.user.as_ref().map_or(0, |user| mix_text(user.raw()));
        let hash = mix(mix(mix_host(host(source)), time as u64), name);
        if !self.tries.takes(hash) {
            return;
        }
        let one = Try {
            time,
            source: self.hosts.number(host(source)),
            server: record.dst.map(|dst| self.hosts.number(host(dst))),
            port: record.dst_port.unwrap_or(0),
            slug,
            user: record.user.as_ref().map(|user| self.user(user)),
            answer,
            invalid: detail("invalid_user").and_then(Value::as_bool) == Some(true),
            secret: detail("secret_hash").and_then(Value::as_str).map(mix_text),
            times: record.times.max(1),
            logged: record.uid.is_none(),
            reference: record.reference(),
        };
        if self.tries.push(hash, one) {
            self.forget_hosts();
            self.forget_users();
        }
    }

    fn finish(self: Box<Self>, _now: Timestamp, _scene: &dyn Scene) -> Watched {
        let Self { hosts, names, tries, dialogues, .. } = *self;
        let mut watched = Watched::default();
        tries.tell(&mut watched, "log-ins");
        dialogues.tell(&mut watched, "short encrypted dialogues");
        let (mut tries, one_in) = tries.into_items();
        let name = |user: Option<u32>| user.map(|user| &names[user as usize]);
        tries.sort_by(|a, b| {
            let key = |t: &Try| (hosts.key(t.source), t.slug, t.time, t.answer, t.reference);
            key(a).cmp(&key(b)).then_with(|| name(a.user).cmp(&name(b.user)))
        });
        let book = Book { hosts: &hosts, names: &names, distributed: distributed(&tries) };
        for of_source in runs(&tries, |one| (one.source, one.slug)) {
            let bursts = of_source.chunk_by(|a, b| b.time.saturating_sub(a.time) <= PAUSE_NANOS);
            let first = watched.detections.len();
            watched.detections.extend(bursts.filter_map(|burst| book.guessing(burst, of_source)));
            // Who hides between pauses shows in the whole.
            if watched.detections.len() == first {
                watched.detections.extend(book.guessing(of_source, of_source));
            }
            for detection in watched.detections.iter_mut().skip(first) {
                note_sample(detection, one_in);
            }
        }
        let heard: BTreeSet<(HostKey, &str)> =
            tries.iter().map(|one| (hosts.key(one.source), one.slug)).collect();
        watched.detections.extend(unheard(&hosts, dialogues, &heard));
        watched
    }
}

/// For each user and kind of service, from how many sources tries were refused.
fn distributed(tries: &[Try]) -> BTreeMap<(u32, &'static str), usize> {
    let mut sources: BTreeMap<(u32, &'static str), BTreeSet<u32>> = BTreeMap::new();
    for one in tries.iter().filter(|one| one.answer == Answer::Refused) {
        if let Some(user) = one.user {
            sources.entry((user, one.slug)).or_default().insert(one.source);
        }
    }
    let counts = sources.into_iter().map(|(key, sources)| (key, sources.len()));
    counts.filter(|&(_, count)| count >= DISTRIBUTED_SOURCES_MIN).collect()
}

struct Book<'a> {
    hosts: &'a Hosts,
    names: &'a [Untrusted],
    distributed: BTreeMap<(u32, &'static str), usize>,
}

impl Book<'_> {
    /// A burst of tries of one source at one kind of service, in the order of time; `all` are those
    /// of the source, whose log-ins show whom the service knows.
    fn guessing(&self, tries: &[Try], all: &[Try]) -> Option<Detection> {
        let refused: Vec<&Try> =
            tries.iter().filter(|one| one.answer != Answer::Accepted).collect();
        let clear = refused.iter().any(|one| one.answer == Answer::Refused);
        let first_refused = refused.first()?.time;
        let total: u64 = refused.iter().map(|one| u64::from(one.times)).sum();
        let users: BTreeSet<Option<u32>> = refused.iter().map(|one| one.user).collect();
        let named = users.iter().flatten().count();
        let got_in = tries.iter().any(|one| one.answer == Answer::Accepted);
        let windows = if clear { &WINDOWS[..] } else { &[POSTS] };
        let fires = windows.iter().any(|&(least, window)| peak(&refused, window) >= least)
            || (named >= STRANGERS_MIN && !got_in && peak(&refused, USERS_WINDOW.1) >= 4)
            || (named >= USERS_MIN && peak(&refused, USERS_WINDOW.1) >= USERS_WINDOW.0);
        let is_familiar = named == 1
            && all.iter().any(|one| {
                one.answer == Answer::Accepted
                    && one.time < first_refused
                    && users.contains(&one.user)
            });
        if !fires || (is_familiar && total < FAMILIAR_FAILURES_MIN) {
            return None;
        }
        let success = success(tries);
        let entered = success.map(|success| success.time);
        let (first_seen, last_seen) = span(refused.iter().map(|one| one.time).chain(entered));
        let servers = refused.iter().filter_map(|one| one.server);
        let (peers, peer_count) = peers(servers.map(|server| self.hosts.key(server)).collect());
        let pattern = pattern(&refused, named, total);
        let mut detection = Detection {
            peers,
            peer_count,
            ports: ports(refused.iter().map(|one| one.port).filter(|&port| port > 0).collect()),
            confidence: if clear { confidence(total, named) } else { 0.6 },
            basis: if refused.iter().any(|one| one.logged) { Basis::Log } else { Basis::Content },
            succeeded: (clear || success.is_some()).then_some(success.is_some()),
            first_seen,
            last_seen,
            count: total,
            attack: pattern.attack.to_vec(),
            refs: refs(
                success
                    .iter()
                    .map(|success| success.reference)
                    .chain(refused.iter().map(|one| one.reference)),
            ),
            ..blank(refused[0].slug, self.hosts.key(refused[0].source))
        };
        detection.what = self.sentence(&detection, &refused, named, success);
        detection.details = self.details(&refused, &users, pattern.name, success);
        Some(detection)
    }

    fn sentence(
        &self,
        d: &Detection,
        refused: &[&Try],
        named: usize,
        success: Option<&Try>,
    ) -> String {
        let (first, last) = span(refused.iter().map(|one| one.time));
        let service = d.detector.trim_start_matches("bruteforce.");
        let servers = match (d.peer_count, d.peers.first()) {
            (0, _) => String::new(),
            (1, Some(peer)) => format!(" on {}", peer.addr()),
            (count, _) => format!(" on {} servers", grouped(count)),
        };
        let users = match named {
            0 => String::new(),
            named => format!(" of {}", counted(named as u64, "user", "users")),
        };
        let clear = refused.iter().any(|one| one.answer == Answer::Refused);
        let refusals = if !clear {
            counted(d.count, "log-in posted to a page", "log-ins posted to a page")
        } else if service == "other" {
            counted(d.count, "log-in refused", "log-ins refused")
        } else {
            counted(
                d.count,
                &format!("{service} log-in refused"),
                &format!("{service} log-ins refused"),
            )
        };
        let after = match success {
            Some(success) => {
                let when = timestamp(success.time)
                    .map_or_else(String::new, |time| format!(" at {} UTC", time.to_short()));
                let user = success
                    .user
                    .map_or_else(String::new, |user| format!(" as {}", self.names[user as usize]));
                format!("; then logged in{when}{user}")
            }
            None => String::new(),
        };
        format!("{refusals}{users}{servers}{}{after}", in_secs(first, last))
    }

    fn details(
        &self,
        refused: &[&Try],
        users: &BTreeSet<Option<u32>>,
        pattern: &'static str,
        success: Option<&Try>,
    ) -> Map<String, Value> {
        let mut names: Vec<&Untrusted> =
            users.iter().flatten().map(|&user| &self.names[user as usize]).collect();
        names.sort_unstable();
        let mut details = Map::new();
        details.insert("pattern".to_owned(), pattern.into());
        details.insert("user_count".to_owned(), names.len().into());
        let listed = names.iter().take(USERS_MAX).map(|name| Value::from(name.raw())).collect();
        details.insert("users".to_owned(), Value::Array(listed));
        if let Some(success) = success {
            let user = success.user.map(|user| self.names[user as usize].raw());
            details.insert("user".to_owned(), user.into());
            let when = timestamp(success.time).map(|time| time.to_string());
            details.insert("succeeded_at".to_owned(), when.into());
            let before = refused.iter().filter(|one| one.time <= success.time);
            let failures: u64 = before.clone().map(|one| u64::from(one.times)).sum();
            let users: BTreeSet<u32> = before.filter_map(|one| one.user).collect();
            details.insert("failures_before".to_owned(), failures.into());
            details.insert("users_before".to_owned(), users.len().into());
        }
        let shared = users.iter().flatten().filter_map(|&user| {
            let sources = self.distributed.get(&(user, refused[0].slug))?;
            Some((std::cmp::Reverse(*sources), &self.names[user as usize]))
        });
        if let Some((std::cmp::Reverse(sources), user)) = shared.min() {
            let mut object = Map::new();
            object.insert("user".to_owned(), user.raw().into());
            object.insert("sources".to_owned(), sources.into());
            details.insert("distributed".to_owned(), Value::Object(object));
        }
        details
    }
}

/// The most refusals within one window; a line that stands for many counts as many.
fn peak(refused: &[&Try], window: i64) -> u64 {
    let (mut start, mut sum, mut peak) = (0, 0_u64, 0);
    for one in refused {
        sum += u64::from(one.times);
        while one.time.saturating_sub(refused[start].time) > window {
            sum -= u64::from(refused[start].times);
            start += 1;
        }
        peak = peak.max(sum);
    }
    peak
}

/// The first log-in that worked soon after enough that did not, on a server that had refused the
/// source before: to fail here and enter there is an administrator's day.
fn success(tries: &[Try]) -> Option<&Try> {
    let (mut failures, mut last) = (0_u64, i64::MIN);
    let mut refused_by: BTreeSet<Option<u32>> = BTreeSet::new();
    for one in tries {
        match one.answer {
            Answer::Refused | Answer::Unclear => {
                refused_by.insert(one.server);
                failures += u64::from(one.times);
                last = one.time;
            }
            Answer::Accepted => {
                let soon = one.time.saturating_sub(last) <= SUCCESS_AFTER_NANOS;
                if failures >= SUCCESS_FAILURES_MIN && soon && refused_by.contains(&one.server) {
                    return Some(one);
                }
            }
        }
    }
    None
}

struct Pattern {
    name: &'static str,
    attack: &'static [&'static str],
}

/// What sort of guessing it was, by how tries spread over users and secrets.
fn pattern(refused: &[&Try], named: usize, total: u64) -> Pattern {
    let secrets: BTreeSet<u64> = refused.iter().filter_map(|one| one.secret).collect();
    let enumerates = named >= USERS_MIN && refused.iter().all(|one| one.invalid);
    let each_once = named >= 5 && total <= named as u64 * 3 / 2;
    if enumerates {
        Pattern { name: "user enumeration", attack: &["T1087", "T1110.001"] }
    } else if named >= 5 && !secrets.is_empty() && secrets.len() * 4 <= named {
        Pattern { name: "password spraying", attack: &["T1110.003"] }
    } else if each_once && secrets.len() * 5 >= named * 4 {
        Pattern { name: "credential stuffing", attack: &["T1110.004"] }
    } else if each_once {
        Pattern { name: "spraying or stuffing", attack: &["T1110.003", "T1110.004"] }
    } else {
        Pattern { name: "guessing", attack: &["T1110.001"] }
    }
}

/// What is left of the harmless explanations (a forgotten password, a script with an old one) as
/// tries and users grow.
fn confidence(total: u64, named: usize) -> f64 {
    let tries: f64 = match total {
        0..10 => 0.75,
        10..30 => 0.85,
        30..100 => 0.93,
        _ => 0.97,
    };
    if named >= USERS_MIN { (tries + 0.1).min(0.98) } else { tries }
}

/// Sources of many short dialogues of which no try was heard.
fn unheard(
    hosts: &Hosts,
    dialogues: Sample<Dialogue>,
    heard: &BTreeSet<(HostKey, &str)>,
) -> Vec<Detection> {
    let (mut dialogues, one_in) = dialogues.into_items();
    dialogues.sort_by_key(|one| {
        (hosts.key(one.source), one.slug, hosts.key(one.server), one.time, one.reference)
    });
    let mut detections = Vec::new();
    for of_source in runs(&dialogues, |one| (one.source, one.slug)) {
        let source = hosts.key(of_source[0].source);
        let guessed: Vec<&Dialogue> = runs(of_source, |one| one.server)
            .into_iter()
            .filter(|run| {
                let mut in_window = run.windows(DIALOGUES_MIN);
                in_window.any(|some| {
                    some[DIALOGUES_MIN - 1].time.saturating_sub(some[0].time) <= DIALOGUES_WINDOW
                })
            })
            .flatten()
            .collect();
        if guessed.is_empty() || heard.contains(&(source, of_source[0].slug)) {
            continue;
        }
        let servers = guessed.iter().map(|one| hosts.key(one.server)).collect();
        let (peers, peer_count) = peers(servers);
        let (first_seen, last_seen) = span(guessed.iter().map(|one| one.time));
        let service = of_source[0].slug.trim_start_matches("bruteforce.");
        let mut detection = Detection {
            peers,
            peer_count,
            ports: ports(guessed.iter().map(|one| one.port).collect()),
            // Automation over ssh has the same shape.
            confidence: if guessed.len() >= DIALOGUES_MIN * 5 { 0.8 } else { 0.6 },
            basis: Basis::Behaviour,
            succeeded: None,
            first_seen,
            last_seen,
            count: guessed.len() as u64,
            attack: vec!["T1110.001"],
            what: format!(
                "{} short {service} dialogues with {}{}, as guessing tools open them",
                grouped(guessed.len() as u64),
                counted(peer_count, "server", "servers"),
                in_secs(first_seen, last_seen),
            ),
            refs: refs(guessed.iter().map(|one| Some(one.reference))),
            ..blank(of_source[0].slug, source)
        };
        note_sample(&mut detection, one_in);
        detections.push(detection);
    }
    detections
}

#[cfg(test)]
mod tests {
    use super::slug;
    use crate::threat::notation::check;

    #[test]
    fn services_have_their_slugs() {
        for (service, expected) in [
            ("sshd", "bruteforce.ssh"),
            ("vsftpd", "bruteforce.ftp"),
            ("telnetd", "bruteforce.telnet"),
            ("xrdp", "bruteforce.rdp"),
            ("postfix", "bruteforce.smtp"),
            ("dovecot", "bruteforce.imap"),
            ("smbd", "bruteforce.smb"),
            ("asterisk", "bruteforce.sip"),
            ("mysqld", "bruteforce.database"),
            ("nginx", "bruteforce.http"),
            ("", "bruteforce.other"),
            ("vpn", "bruteforce.other"),
        ] {
            assert_eq!(slug(service), expected, "{service}");
        }
    }

    #[test]
    fn six_refusals_in_ten_minutes_are_guessing_and_five_are_not() {
        check(
            "60 s: auth 192.0.2.7 -> 198.51.100.5 sshd root failure x6",
            "bruteforce.ssh 192.0.2.7 count=6 peer_count=1 succeeded=Some(false) pattern=guessing \
             basis=log",
        );
        check("60 s: auth 192.0.2.7 -> 198.51.100.5 sshd root failure x5", "");
        check("3600 s: auth 192.0.2.7 -> 198.51.100.5 sshd root failure x6", "");
        check(
            "36000 s: auth 192.0.2.7 -> 198.51.100.5 sshd root failure x10",
            "bruteforce.ssh 192.0.2.7 count=10",
        );
        check(
            "900000 s: auth 192.0.2.7 -> 198.51.100.5 sshd root failure x30",
            "bruteforce.ssh 192.0.2.7 count=30",
        );
    }

    #[test]
    fn it_is_told_whether_they_got_in() {
        let refused = "60 s: auth 192.0.2.7 -> 198.51.100.5 sshd root failure x8\n";
        check(
            &format!("{refused}60 s: auth 192.0.2.7 -> 198.51.100.5 sshd anna success"),
            "bruteforce.ssh 192.0.2.7 succeeded=Some(true) user=anna count=8 failures_before=8 \
             users_before=1",
        );
        // On another server, hours later, from elsewhere, or before: not the guess.
        check(
            &format!("{refused}60 s: auth 192.0.2.7 -> 198.51.100.6 sshd anna success"),
            "bruteforce.ssh 192.0.2.7 succeeded=Some(false)",
        );
        check(
            &format!(
                "{refused}9000 s: auth 198.51.100.9 -> 198.51.100.5 sshd a success x2
                 1 s: auth 192.0.2.7 -> 198.51.100.5 sshd anna success"
            ),
            "bruteforce.ssh 192.0.2.7 succeeded=Some(false)",
        );
        check(
            &format!("9 s: auth 192.0.2.7 -> 198.51.100.5 sshd anna success\n{refused}"),
            "bruteforce.ssh 192.0.2.7 succeeded=Some(false)",
        );
    }

    #[test]
    fn guesses_with_a_month_between_them_are_two_detections() {
        let text = "60 s: auth 192.0.2.7 -> 198.51.100.5 sshd root failure x8
                    PAUSE s: auth 198.51.100.9 -> 198.51.100.5 sshd a success x2
                    60 s: auth 192.0.2.7 -> 198.51.100.5 sshd root failure x9";
        let two = "bruteforce.ssh 192.0.2.7 count=8\nbruteforce.ssh 192.0.2.7 count=9";
        check(&text.replace("PAUSE", "2600000"), two);
        check(&text.replace("PAUSE", "2300000"), "bruteforce.ssh 192.0.2.7 count=17");
        // A pause hides nobody …
        check(
            "400000 s: auth 192.0.2.7 -> 198.51.100.5 sshd root failure x15
             2600000 s: auth 198.51.100.9 -> 198.51.100.5 sshd a success x2
             400000 s: auth 192.0.2.7 -> 198.51.100.5 sshd root failure x15",
            "bruteforce.ssh 192.0.2.7 count=30",
        );
        // … and a colleague is known after a holiday.
        check(
            "9 s: auth 10.0.0.7 -> 10.0.0.5 sshd anna success
             2600000 s: auth 198.51.100.9 -> 198.51.100.5 sshd a success x2
             60 s: auth 10.0.0.7 -> 10.0.0.5 sshd anna failure x12",
            "",
        );
    }

    #[test]
    fn a_forgetful_colleague_is_no_guesser() {
        check(
            "9 s: auth 10.0.0.7 -> 10.0.0.5 sshd anna success
             60 s: auth 10.0.0.7 -> 10.0.0.5 sshd anna failure x12
             9 s: auth 10.0.0.7 -> 10.0.0.5 sshd anna success",
            "",
        );
        check(
            "60 s: auth 10.0.0.7 -> 10.0.0.5 sshd anna failure x4
             9 s: auth 10.0.0.7 -> 10.0.0.5 sshd anna success",
            "",
        );
    }

    #[test]
    fn patterns_are_told_apart() {
        check(
            "60 s: auth 192.0.2.7 -> 198.51.100.5 dovecot users:5 failure",
            "bruteforce.imap 192.0.2.7 count=5 user_count=5 pattern=spraying_or_stuffing",
        );
        check(
            "9000 s: auth 192.0.2.7 -> 198.51.100.5 sshd users:4 failure",
            "bruteforce.ssh 192.0.2.7 count=4",
        );
        // An office behind one address.
        check(
            "9000 s: auth 192.0.2.7 -> 198.51.100.5 sshd users:4 failure
             9 s: auth 192.0.2.7 -> 198.51.100.5 sshd user1 success",
            "",
        );
        check(
            "60 s: auth 192.0.2.7 -> 198.51.100.5 sshd users:5 failure invalid_user=true",
            "bruteforce.ssh 192.0.2.7 pattern=user_enumeration",
        );
        check(
            "60 s: auth 192.0.2.7 -> 198.51.100.5 vsftpd users:9 failure secret_hash=aa x2",
            "bruteforce.ftp 192.0.2.7 pattern=password_spraying",
        );
        check(
            "60 s: auth 192.0.2.1-6 -> 198.51.100.5 sshd root failure x6",
            &(1..7)
                .map(|n| {
                    format!(
                        "bruteforce.ssh 192.0.2.{n} count=6 \
                         distributed={{\"sources\":6,\"user\":\"root\"}}\n"
                    )
                })
                .collect::<String>(),
        );
    }

    #[test]
    fn log_ins_of_web_pages_count_by_their_answers() {
        check(
            "60 s: http 192.0.2.7 POST /wp-login.php 200 3000 x8
             1 s: http 192.0.2.7 POST /wp-login.php 302 0",
            "bruteforce.http 192.0.2.7 count=8 succeeded=Some(true)",
        );
        check(
            "60 s: http 192.0.2.7 POST /api/login 401 90 x9",
            "bruteforce.http 192.0.2.7 count=9 succeeded=Some(false)",
        );
        check("60 s: http 192.0.2.7 GET /private/ 401 90 x9", "");
        check(
            "5 s: http 192.0.2.7 POST /shop/login 200 900 x7",
            "bruteforce.http 192.0.2.7 count=7 succeeded=None",
        );
        check("90 s: http 192.0.2.7 POST /shop/login 200 900 x7", "");
    }

    #[test]
    fn short_encrypted_dialogues_in_number_are_guessing() {
        check(
            "300 s: 192.0.2.7 -> 198.51.100.5 tcp/22 SF=2000:2600 is:ssh x20",
            "bruteforce.ssh 192.0.2.7 count=20 succeeded=None basis=behaviour",
        );
        check("300 s: 192.0.2.7 -> 198.51.100.5 tcp/22 SF=2000:2600 is:ssh x19", "");
        check("300 s: 192.0.2.7 -> 198.51.100.5 tcp/22 SF=20000:90000 is:ssh x40", "");
        check("9000 s: 192.0.2.7 -> 198.51.100.5 tcp/22 SF=2000:2600 is:ssh x40", "");
    }
}
