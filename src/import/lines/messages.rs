//! From a message to what it means: the table of [`auth_messages`](super::auth_messages), ready to
//! search.
//!
//! Estimate: one pass of an Aho–Corasick automaton over a message of 100 bytes names the few rows
//! whose longest literal occurs in it; only those are matched. About 0.5 µs a line; with envelope
//! and record `benches/access_log.rs` measured 1.06 µs.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::auth_messages::{GROUPS, Says};
use super::pattern::{Found, Pattern};

/// Longer messages are not matched, only searched for an address. Syslog daemons cut at 8 KiB
/// (rsyslog) or 2 KiB (RFC 5424 §6.1), sshd at 1 KiB.
pub(in crate::import) const MESSAGE_BYTES_MAX: usize = 8 << 10;

/// What a message means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::import) struct Meaning<'a> {
    pub(in crate::import) says: Says,
    /// The service; empty: the program's name.
    pub(in crate::import) service: &'static str,
    pub(in crate::import) found: Found<'a>,
}

struct Row {
    programs: &'static [&'static str],
    service: &'static str,
    says: Says,
    pattern: Pattern,
    /// Begins with a literal, so that nothing a stranger wrote can stand before it.
    is_anchored: bool,
}

struct Table {
    rows: Vec<Row>,
    automaton: AhoCorasick,
    /// The rows of each literal of the automaton.
    rows_of_key: Vec<Vec<usize>>,
}

static TABLE: LazyLock<Option<Table>> = LazyLock::new(Table::new);

impl Table {
    /// `None` only if a row is broken, which a test excludes.
    fn new() -> Option<Self> {
        let mut rows = Vec::new();
        let mut keys: Vec<&'static str> = Vec::new();
        let mut rows_of_key: Vec<Vec<usize>> = Vec::new();
        for group in GROUPS {
            for &(says, text) in group.rows {
                let pattern = Pattern::new(text)?;
                let key = pattern.key();
                if let Some(at) = keys.iter().position(|known| *known == key) {
                    rows_of_key.get_mut(at)?.push(rows.len());
                } else {
                    keys.push(key);
                    rows_of_key.push(vec![rows.len()]);
                }
                let is_anchored = !text.starts_with('{') || text.starts_with("{{");
                let (programs, service) = (group.programs, group.service);
                rows.push(Row { programs, service, says, pattern, is_anchored });
            }
        }
        let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&keys).ok()?;
        Some(Self { rows, automaton, rows_of_key })
    }

    fn candidates(&self, message: &str) -> Vec<usize> {
        let mut candidates: Vec<usize> = self
            .automaton
            .find_overlapping_iter(message)
            .filter_map(|found| self.rows_of_key.get(found.pattern().as_usize()))
            .flatten()
            .copied()
            .collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates
    }
}

/// Whether a program is the named one or one of its parts: `postfix/smtpd`, `sshd-session`.
fn is_program(program: &str, name: &str) -> bool {
    program
        .strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '-', '(']))
}

/// What a message of a program means; `None`: the table does not know it.
///
/// `program` is in lower case, empty where the line names none. A program with rows of its own
/// is understood by these, and by general rows only where they cover the message from its start:
/// what strangers put into its messages cannot imitate those of others.
pub(in crate::import) fn understand<'a>(program: &str, message: &'a str) -> Option<Meaning<'a>> {
    if message.len() > MESSAGE_BYTES_MAX {
        return None;
    }
    let table = TABLE.as_ref()?;
    let candidates = table.candidates(message);
    let mut has_own_rows = None;
    candidates.into_iter().filter_map(|at| table.rows.get(at)).find_map(|row| {
        let applies = if row.programs.is_empty() {
            row.is_anchored || !*has_own_rows.get_or_insert_with(|| is_known(program))
        } else {
            row.programs.iter().any(|name| is_program(program, name))
        };
        let found = applies.then(|| row.pattern.find(message)).flatten()?;
        Some(Meaning { says: row.says, service: row.service, found })
    })
}

/// Whether the table has rows for this very program.
fn is_known(program: &str) -> bool {
    let mut names = GROUPS.iter().flat_map(|group| group.programs);
    !program.is_empty() && names.any(|name| is_program(program, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_found() {
        for group in GROUPS {
            for &(_, text) in group.rows {
                let pattern = Pattern::new(text).unwrap_or_else(|| panic!("{text}: no pattern"));
                let enough = if group.programs.is_empty() { 3 } else { 2 };
                assert!(pattern.key().len() >= enough, "{text}: its literals are too short");
            }
        }
        assert!(TABLE.is_some());
    }

    /// `program|message`, and what it means: `Says service user src:port method`.
    fn check(line: &str, expected: &str) {
        let (program, message) = line.split_once('|').unwrap();
        let shown = understand(program, message).map_or("unknown".to_owned(), |meaning| {
            let found = meaning.found;
            let src = found.src.map(|addr| addr.to_string()).or(found.src_name.map(str::to_owned));
            let mut shown = format!("{:?} {}", meaning.says, meaning.service);
            let parts = [
                found.user.map(|user| format!("user={user}")),
                src,
                found.src_port.map(|port| port.to_string()),
                found.method.map(str::to_owned),
                found.times.map(|times| format!("times={times}")),
                found.status.map(|status| status.to_string()),
            ];
            for part in parts.into_iter().flatten() {
                shown = format!("{shown} {part}");
            }
            shown
        });
        assert_eq!(shown, expected, "{line}");
    }

    const SSHD: &[(&str, &str)] = &[
        (
            "Failed password for root from 192.0.2.1 port 22 ssh2",
            "Failed sshd user=root 192.0.2.1 22 password",
        ),
        (
            "Failed password for invalid user a b from 192.0.2.1 port 22 ssh2",
            "Failed sshd user=a b 192.0.2.1 22 password",
        ),
        (
            "Failed password for invalid user  from 2001:db8::1 port 22 ssh2",
            "Failed sshd user= 2001:db8::1 22 password",
        ),
        (
            "Failed keyboard-interactive/pam for root from 192.0.2.1 port 22 ssh2",
            "Failed sshd user=root 192.0.2.1 22 keyboard-interactive/pam",
        ),
        (
            "Failed none for invalid user x from 192.0.2.1 port 22 ssh2",
            "Companion sshd user=x 192.0.2.1 22",
        ),
        (
            "Accepted publickey for bob from 192.0.2.1 port 22 ssh2: RSA SHA256:abc",
            "Accepted sshd user=bob 192.0.2.1 22 publickey",
        ),
        ("Invalid user x from 192.0.2.1 port 22", "Opening sshd user=x 192.0.2.1 22"),
        ("Invalid user  from 192.0.2.1", "Opening sshd user= 192.0.2.1"),
        // A user name that ends like sshd's own words: the last ones are sshd's.
        (
            "Invalid user x from 198.51.100.1 port 22 from 192.0.2.1 port 9",
            "Opening sshd user=x from 198.51.100.1 port 22 192.0.2.1 9",
        ),
        (
            "Invalid user x from 198.51.100.1 from 192.0.2.1",
            "Opening sshd user=x from 198.51.100.1 192.0.2.1",
        ),
        (
            "Failed password for invalid user x from 198.51.100.1 port 22 ssh2 from 192.0.2.1 \
                port 9 ssh2",
            "Failed sshd user=x from 198.51.100.1 port 22 ssh2 192.0.2.1 9 password",
        ),
        (
            "Connection closed by authenticating user root 192.0.2.1 port 22 [preauth]",
            "Ending sshd user=root 192.0.2.1 22",
        ),
        (
            "Connection closed by invalid user 198.51.100.1 port 1 192.0.2.1 port 22 [preauth]",
            "Ending sshd user=198.51.100.1 port 1 192.0.2.1 22",
        ),
        (
            "error: maximum authentication attempts exceeded for invalid user a from \
                192.0.2.1 port 22 ssh2 [preauth]",
            "Ending sshd user=a 192.0.2.1 22",
        ),
        (
            "Received disconnect from 192.0.2.1 port 22:11: Bye Bye [preauth]",
            "Ssh sshd 192.0.2.1 22",
        ),
        (
            "Unable to negotiate with 192.0.2.1 port 22: no matching key exchange method \
                found. Their offer: x [preauth]",
            "Ssh sshd 192.0.2.1 22",
        ),
        ("Server listening on 0.0.0.0 port 22.", "Nothing sshd"),
        (
            "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh \
                ruser= rhost=192.0.2.1  user=root",
            "Companion  user=root 192.0.2.1",
        ),
        (
            "User root from 192.0.2.1 not allowed because not listed in AllowUsers",
            "Blocked sshd user=root 192.0.2.1",
        ),
    ];

    #[test]
    fn messages_of_sshd() {
        for &(message, expected) in SSHD {
            check(&format!("sshd|{message}"), expected);
        }
        check(
            "sshd-session|Invalid user x from 192.0.2.1 port 22",
            "Opening sshd user=x 192.0.2.1 22",
        );
        check("evil|Failed password for root from 192.0.2.1 port 22 ssh2", "unknown");
    }

    const OTHERS: &[(&str, &str)] = &[
        (
            "sudo|bob : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; \
                COMMAND=/bin/sh",
            "Failed sudo user=bob times=3",
        ),
        (
            "vsftpd|pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 \
                tty=ftp ruser=bob rhost=192.0.2.1  user=bob",
            "Failed  user=bob 192.0.2.1",
        ),
        (
            "dovecot|imap-login: Disconnected (auth failed, 2 attempts in 4 secs): \
                user=<bob>, method=PLAIN, rip=192.0.2.1, lip=203.0.113.1, TLS",
            "Failed dovecot user=bob 192.0.2.1 PLAIN times=2",
        ),
        (
            "dovecot|imap-login: Disconnected: Connection closed (auth failed, 1 attempts in \
                2 secs): user=<>, method=PLAIN, rip=192.0.2.1, lip=203.0.113.1",
            "Failed dovecot user= 192.0.2.1 PLAIN times=1",
        ),
        (
            "dovecot|pop3-login: Login: user=<bob>, method=PLAIN, rip=192.0.2.1, \
                lip=203.0.113.1, mpid=7",
            "Accepted dovecot user=bob 192.0.2.1 PLAIN",
        ),
        (
            "postfix/smtpd|warning: unknown[192.0.2.1]: SASL LOGIN authentication failed: \
                UGFzc3dvcmQ6",
            "Failed postfix 192.0.2.1 LOGIN",
        ),
        (
            "postfix/submission/smtpd|warning: a.example[192.0.2.1]: SASL PLAIN \
                authentication failed: x, sasl_username=bob",
            "Failed postfix user=bob 192.0.2.1 PLAIN",
        ),
        (
            "postfix/smtpd|NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 454 4.7.1 \
                <a@example.com>: Relay access denied; from=<a@example.com>",
            "MailRefused postfix 192.0.2.1 454",
        ),
        (
            "exim|plain authenticator failed for (User) [192.0.2.1]:5: 535 Incorrect \
                authentication data (set_id=bob)",
            "Failed exim user=bob 192.0.2.1",
        ),
        (
            "proftpd|host (192.0.2.1[192.0.2.1]) - USER bob (Login failed): Incorrect password",
            "Failed proftpd user=bob 192.0.2.1",
        ),
        (
            "pure-ftpd|(?@192.0.2.1) [WARNING] Authentication failed for user [bob]",
            "Failed pure-ftpd user=bob 192.0.2.1",
        ),
        ("|[pid 2] [bob] FAIL LOGIN: Client \"192.0.2.1\"", "Failed vsftpd user=bob 192.0.2.1"),
        (
            "|8 [Warning] Access denied for user 'root'@'192.0.2.1' (using password: YES)",
            "Failed mysql user=root 192.0.2.1",
        ),
        (
            "|[7] bob@db FATAL:  password authentication failed for user \"bob\"",
            "Failed postgresql user=bob",
        ),
        (
            "nginx|2026/06/05 03:12:44 [error] 1#1: *1 user \"bob\": password mismatch, \
                client: 192.0.2.1, server: example.com, request: \"GET / HTTP/1.1\"",
            "Failed nginx user=bob 192.0.2.1",
        ),
        (
            "|[auth_basic:error] [pid 1] [client 192.0.2.1:5] AH01617: user bob: \
                authentication failure for \"/\": Password Mismatch",
            "Failed apache user=bob 192.0.2.1 5",
        ),
        (
            "haproxy|192.0.2.1:5 [05/Jun/2026:03:12:44.655] front back/server 10/0/30/69/109 \
                404 2750 - - ---- 1/1/1/1/0 0/0 \"GET /x HTTP/1.1\"",
            "Http haproxy 192.0.2.1 5 404",
        ),
        (
            "fail2ban.actions|fail2ban.actions [1]: NOTICE [sshd] Ban 192.0.2.1",
            "Ban fail2ban 192.0.2.1",
        ),
        ("endlessh|ACCEPT host=::ffff:192.0.2.1 port=5 fd=4 n=1/4096", "Trap endlessh 192.0.2.1 5"),
        (
            "|Username or password is incorrect. Try again. IP: 192.0.2.1. Username: \
                bob@example.com.",
            "Failed vaultwarden user=bob@example.com 192.0.2.1",
        ),
        (
            "pvedaemon|authentication failure; rhost=::ffff:192.0.2.1 user=root@pam \
                msg=Authentication failure",
            "Failed proxmox user=root@pam 192.0.2.1",
        ),
    ];

    #[test]
    fn messages_of_others() {
        for &(line, expected) in OTHERS {
            check(line, expected);
        }
    }

    /// nginx writes the request after the client, and the client's address is not in it.
    #[test]
    fn a_request_cannot_forge_the_client_of_an_error_log() {
        check(
            "|[error] 1#1: *1 open() \"/srv/x, client: 198.51.100.1, server: x\" failed (2: No \
             such file), client: 192.0.2.1, server: example.com, request: \"GET /x \
                 HTTP/1.1\"",
            "WebFailed nginx 192.0.2.1",
        );
    }
}
