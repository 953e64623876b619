//! What programs say when somebody logs in, fails to, or is turned away: one row a message.
//!
//! A row says for which programs it holds, what it means and its [pattern](super::pattern).
//! Rows are tried in their order; the first that covers the whole message decides.
//!
//! **A try counts once.** Daemons write several lines about one try: `Invalid user`, PAM's line,
//! `Failed password`, the end of the connection. The line that every such try has counts
//! ([`Says::Failed`]); its companions are kept with `outcome: null` and `details.pre: true`
//! ([`Says::Companion`]). Where sshd may leave that line out (servers without passwords write
//! only `Invalid user` or the end of the connection), [`Says::Opening`] and [`Says::Ending`] count
//! for the try unless the same process wrote it; see `tries`.
//!
//! **To add a message**: one row with a real line's words, and a line of the table in the tests.

/// What a message means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::import) enum Says {
    /// A login failed.
    Failed,
    /// A login worked.
    Accepted,
    /// A login was refused by a filter or limit.
    Blocked,
    /// Speaks of a try that another line counts.
    Companion,
    /// Comes before a try, and stands for it if no [`Says::Failed`] of the same process follows.
    Opening,
    /// Comes after a try, and stands for it if the same process wrote neither of the others.
    Ending,
    /// An SSH connection that did not get as far as a login.
    Ssh,
    /// A mail that was refused.
    MailRefused,
    /// A web request that was refused by the server's rules.
    WebBlocked,
    /// A web request that went wrong.
    WebFailed,
    /// An HTTP request.
    Http,
    /// A packet that was filtered; whether it was let through is in its words.
    Packet,
    /// An alert of another tool.
    Alert,
    /// An alert of another tool that turned the address away.
    Ban,
    /// A visit to a trap.
    Trap,
    /// A DNS query that was refused.
    DnsRefused,
    /// Something a user ran with other rights.
    Ran,
    /// Nothing anyone need know, although an address may stand in it.
    Nothing,
}

use Says::{
    Accepted, Alert, Ban, Blocked, Companion, DnsRefused, Ending, Failed, Http, MailRefused,
    Nothing, Opening, Packet, Ran, Ssh, Trap, WebBlocked, WebFailed,
};

/// The messages of a group of programs.
pub(in crate::import) struct Group {
    /// The programs, in lower case, as in the log's tag or path: `postfix` is also
    /// `postfix/smtpd`, `sshd` also `sshd-session`. Empty: whoever says it.
    pub(in crate::import) programs: &'static [&'static str],
    /// The service in the record; empty: the program's own name.
    pub(in crate::import) service: &'static str,
    /// What it means, and its pattern.
    pub(in crate::import) rows: &'static [(Says, &'static str)],
}

/// The table.
pub(in crate::import) const GROUPS: &[Group] = &[
    // OpenSSH, auth.c, auth2.c, packet.c, sshd.c, sshd-session.c.
    Group {
        programs: &["sshd"],
        service: "sshd",
        rows: &[
            (Companion, "Failed none for invalid user {user} from {peer} port {port}{*}"),
            (Companion, "Failed none for {user} from {peer} port {port}{*}"),
            (Failed, "Failed {method} for invalid user {user} from {peer} port {port} ssh2"),
            (Failed, "Failed {method} for invalid user {user} from {peer} port {port} ssh2: {*}"),
            (Failed, "Failed {method} for illegal user {user} from {peer} port {port} ssh2"),
            (Failed, "Failed {method} for {user} from {peer} port {port} ssh2"),
            (Failed, "Failed {method} for {user} from {peer} port {port} ssh2: {*}"),
            (Failed, "Failed {method} for {user} from {peer} port {port}"),
            (Failed, "error: PAM: {-} for illegal user {user} from {peer}"),
            (Failed, "error: PAM: {-} for {user} from {peer}"),
            (Accepted, "Accepted {method} for {user} from {peer} port {port} ssh2"),
            (Accepted, "Accepted {method} for {user} from {peer} port {port} ssh2: {*}"),
            (Accepted, "Accepted {method} for {user} from {peer} port {port}"),
            (Opening, "Invalid user {user} from {peer} port {port}"),
            (Opening, "Invalid user {user} from {peer}"),
            (Opening, "Illegal user {user} from {peer}"),
            (Companion, "input_userauth_request: invalid user {user} [preauth]"),
            (
                Ending,
                "error: maximum authentication attempts exceeded for invalid user {user} from \
                    {peer} port {port} ssh2 [preauth]",
            ),
            (
                Ending,
                "error: maximum authentication attempts exceeded for {user} from {peer} port \
                    {port} ssh2 [preauth]",
            ),
            (Ending, "Connection closed by invalid user {user} {src} port {port} [preauth]"),
            (Ending, "Connection closed by authenticating user {user} {src} port {port} [preauth]"),
            (Ending, "Connection reset by invalid user {user} {src} port {port} [preauth]"),
            (Ending, "Connection reset by authenticating user {user} {src} port {port} [preauth]"),
            (Ending, "Disconnected from invalid user {user} {src} port {port} [preauth]"),
            (Ending, "Disconnected from authenticating user {user} {src} port {port} [preauth]"),
            (Ending, "Disconnecting invalid user {user} {src} port {port}: {-} [preauth]"),
            (Ending, "Disconnecting authenticating user {user} {src} port {port}: {-} [preauth]"),
            (Companion, "PAM {#} more authentication failure; {-} rhost={peer}  user={user}"),
            (Companion, "PAM {#} more authentication failures; {-} rhost={peer}  user={user}"),
            (Companion, "PAM {#} more authentication failure; {-} rhost={peer}{*}"),
            (Companion, "PAM {#} more authentication failures; {-} rhost={peer}{*}"),
            (Blocked, "User {user} from {peer} not allowed because {*}"),
            (Blocked, "ROOT LOGIN REFUSED FROM {peer}"),
            (Blocked, "ROOT LOGIN REFUSED FROM {peer} port {port}"),
            (Blocked, "refused connect from {_} ({src})"),
            (Blocked, "drop connection #{#} from {src} on {dst} past MaxStartups"),
            (Blocked, "drop connection #{#} from {src} on {dst} penalty: {*}"),
            (Companion, "Authentication refused: {*}"),
            (Ssh, "Connection from {src} port {port} on {dst} port {#}{*}"),
            (Ssh, "Connection closed by {src} port {port} [preauth]"),
            (Ssh, "Connection closed by {src} port {port}"),
            (Ssh, "Connection closed by {src} [preauth]"),
            (Ssh, "Connection reset by {src} port {port} [preauth]"),
            (Ssh, "Connection reset by {src} port {port}"),
            (Ssh, "Disconnected from user {user} {src} port {port}"),
            (Ssh, "Disconnected from {src} port {port} [preauth]"),
            (Ssh, "Disconnected from {src} port {port}"),
            (Ssh, "Received disconnect from {src} port {port}:{#}: {*}"),
            (Ssh, "Received disconnect from {src}: {*}"),
            (Ssh, "Did not receive identification string from {src} port {port}"),
            (Ssh, "Did not receive identification string from {src}"),
            (Ssh, "Bad protocol version identification {*} from {src} port {port}"),
            (Ssh, "banner exchange: Connection from {src} port {port}: {*}"),
            (Ssh, "error: kex_exchange_identification: {*}"),
            (Ssh, "fatal: Unable to negotiate with {src} port {port}: {*}"),
            (Ssh, "Unable to negotiate with {src} port {port}: {*}"),
            (Ssh, "fatal: Timeout before authentication for {src} port {port}"),
            (Ssh, "Timeout before authentication for connection from {src} to {dst}, pid = {#}"),
            (Ssh, "ssh_dispatch_run_fatal: Connection from {src} port {port}: {*}"),
            (
                Ssh,
                "reverse mapping checking getaddrinfo for {-} [{src}] failed - POSSIBLE BREAK-IN \
                    ATTEMPT!",
            ),
            (Ssh, "reverse mapping checking getaddrinfo for {-} [{src}] failed."),
            (Ssh, "Address {src} maps to {*}"),
            (Ssh, "Starting session: {-} for {user} from {src} port {port} id {#}"),
            (Nothing, "Server listening on {*}"),
            (Nothing, "pam_unix(sshd:session): {*}"),
        ],
    },
    Group {
        programs: &["dropbear"],
        service: "dropbear",
        rows: &[
            (Failed, "Bad {method} attempt for '{user}' from {src}"),
            (Failed, "Bad PAM password attempt for '{user}' from {src}"),
            (Failed, "Login attempt for nonexistent user from {src}"),
            (Failed, "Login attempt for nonexistent user '{user}' from {src}"),
            (Companion, "Exit before auth (user '{user}', {#} fails): {*}"),
            (Companion, "Exit before auth from <{src}>: {*}"),
            (Accepted, "Password auth succeeded for '{user}' from {src}"),
            (Accepted, "Pubkey auth succeeded for '{user}' with {-} from {src}"),
            (Ssh, "Child connection from {src}"),
        ],
    },
    // Local logins. sudo and su count tries themselves, so PAM's line is the companion there.
    Group {
        programs: &["sudo"],
        service: "sudo",
        rows: &[
            (Failed, "{login} : {times} incorrect password attempts ; {*}"),
            (Failed, "{login} : {times} incorrect password attempt ; {*}"),
            (Blocked, "{login} : user NOT in sudoers ; {*}"),
            (Blocked, "{login} : command not allowed ; {*}"),
            (Ran, "{login} : TTY={-} ; PWD={-} ; USER={-} ; COMMAND={*}"),
            (Companion, "pam_unix(sudo:auth): {*}"),
            (Nothing, "pam_unix(sudo:session): {*}"),
        ],
    },
    Group {
        programs: &["su"],
        service: "su",
        rows: &[
            (Failed, "FAILED SU (to {_}) {login} on {*}"),
            (Failed, "FAILED su for {_} by {login}"),
            (Ran, "Successful su for {_} by {login}"),
            (Ran, "(to {_}) {login} on {*}"),
            (Companion, "pam_unix(su{-}:auth): {*}"),
            (Nothing, "pam_unix(su{-}:session): {*}"),
        ],
    },
    Group {
        programs: &["login", "remote"],
        service: "login",
        rows: &[
            (Failed, "FAILED LOGIN ({#}) on '{-}' from '{peer}' FOR '{user}', {*}"),
            (Failed, "FAILED LOGIN ({#}) on '{-}' FOR '{user}', {*}"),
            (Failed, "FAILED LOGIN {#} FROM {peer} FOR {user}, {*}"),
            (Failed, "invalid password for '{user}' on '{-}' from '{peer}'"),
            (Failed, "invalid password for '{user}' on '{*}"),
            (Accepted, "ROOT LOGIN on '{-}' from '{peer}'"),
            (Accepted, "LOGIN ON {-} BY {user} FROM {peer}"),
            (Companion, "pam_unix(login:auth): {*}"),
        ],
    },
    // Any other program that asks PAM (Linux-PAM, modules/pam_unix/support.c).
    Group {
        programs: &[],
        service: "",
        rows: &[
            (
                Companion,
                "pam_unix(sshd:auth): authentication failure; {-} rhost={peer}  user={user}",
            ),
            (Companion, "pam_unix(sshd:auth): authentication failure; {-} rhost={peer}{*}"),
            (
                Companion,
                "pam_unix(dovecot:auth): authentication failure; {-} rhost={peer}  user={user}",
            ),
            (Companion, "pam_unix(dovecot:auth): authentication failure; {-} rhost={peer}{*}"),
            (Failed, "pam_unix({_}:auth): authentication failure; {-} rhost={peer}  user={user}"),
            (Failed, "pam_unix({_}:auth): authentication failure; {-} rhost={peer}{*}"),
            (Companion, "pam_unix({_}:auth): check pass; user unknown"),
            (Companion, "pam_sss({_}:auth): authentication failure; {-} rhost={peer} user={user}"),
            (
                Blocked,
                "pam_faillock({_}:auth): Consecutive login failures for user {login} account \
                    temporarily locked",
            ),
            (Blocked, "pam_tally2({_}:auth): user {login} ({#}) tally {#}, deny {#}"),
            (Blocked, "pam_access({_}:account): access denied for user `{user}' from `{peer}'"),
        ],
    },
    Group {
        programs: &["dovecot"],
        service: "dovecot",
        rows: &[
            (
                Failed,
                "{_}: Aborted login (auth failed, {times} attempts{-}): user=<{user}>, \
                    method={method}, rip={src}, {*}",
            ),
            (
                Failed,
                "{_}: Disconnected (auth failed, {times} attempts{-}): user=<{user}>, \
                    method={method}, rip={src}, {*}",
            ),
            (
                Failed,
                "{_}: Disconnected: {-} (auth failed, {times} attempts{-}): user=<{user}>, \
                    method={method}, rip={src}, {*}",
            ),
            (
                Failed,
                "{_}: Login aborted: {-} (auth failed, {times} attempts{-}){-}: user=<{user}>, \
                    method={method}, rip={src}, {*}",
            ),
            (
                Failed,
                "{_}: Disconnected: {-} (auth failed, {times} attempts{-}): user=<{user}>, \
                    rip={src}, {*}",
            ),
            (Failed, "{_}: {-}auth failed, {times} attempts{-}: user=<{user}>, {-}rip={src}, {*}"),
            (Companion, "{_}: {-}(no auth attempts{-}): user=<{user}>, {-}rip={src}, {*}"),
            (Accepted, "{_}: Login: user=<{user}>, method={method}, rip={src}, {*}"),
            (Accepted, "{_}: Logged in: user=<{user}>, method={method}, rip={src}, {*}"),
            (Companion, "{-}pam({user},{src}): pam_authenticate() failed: {*}"),
            (Companion, "{-}pam({user},{src},<{_}>): {*}"),
            (Companion, "{-}({user},{src}): unknown user{*}"),
            (Companion, "{-}({user},{src},<{_}>): unknown user{*}"),
            (Companion, "{-}({user},{src}): Password mismatch{*}"),
            (Companion, "{-}({user},{src},<{_}>): Password mismatch{*}"),
        ],
    },
    Group {
        programs: &["postfix"],
        service: "postfix",
        rows: &[
            (
                Failed,
                "warning: {-}[{src}]: SASL {method} authentication failed: {-}, \
                    sasl_username={user}",
            ),
            (Failed, "warning: {-}[{src}]: SASL {method} authentication failed: {*}"),
            (Failed, "warning: {-}[{src}]: SASL {method} authentication failed"),
            (Accepted, "{_}: client={-}[{src}], sasl_method={method}, sasl_username={user}"),
            (Accepted, "{_}: client={-}[{src}]:{#}, sasl_method={method}, sasl_username={user}"),
            (MailRefused, "NOQUEUE: reject: {_} from {-}[{src}]: {status} {*}"),
            (MailRefused, "NOQUEUE: reject: {_} from {-}[{src}]:{port}: {status} {*}"),
            (MailRefused, "{_}: reject: {_} from {-}[{src}]: {status} {*}"),
            (MailRefused, "warning: non-SMTP command from {-}[{src}]: {*}"),
            (MailRefused, "PREGREET {#} after {_} from {src}: {*}"),
            (MailRefused, "DNSBL rank {#} for {src}"),
            (Companion, "disconnect from {-}[{src}] {-}auth=0/{#} {*}"),
            (Nothing, "connect from {*}"),
            (Nothing, "disconnect from {*}"),
            (Nothing, "lost connection after {*}"),
        ],
    },
    Group {
        programs: &[
            "saslauthd",
            "imapd",
            "pop3d",
            "imapd-ssl",
            "pop3d-ssl",
            "authdaemond",
            "couriertcpd",
        ],
        service: "",
        rows: &[
            (Failed, "LOGIN FAILED, user={user}, ip={src}"),
            (Failed, "LOGIN FAILED, user={user}, ip={src}, port={-}"),
            (Failed, "LOGIN FAILED, method={method}, ip={src}{*}"),
            (Failed, "badlogin: {-} [{src}] {method} {user} {*}"),
            (Accepted, "LOGIN, user={user}, ip={src}, {*}"),
            (
                Failed,
                "do_auth         : auth failure: [user={user}] [service={_}] [realm={-}] \
                    [mech={method}] {*}",
            ),
        ],
    },
    Group {
        programs: &[],
        service: "exim",
        rows: &[
            (
                Failed,
                "{_} authenticator failed for {-} [{src}]{-}: 535 Incorrect authentication data \
                    (set_id={user})",
            ),
            (Failed, "{_} authenticator failed for {-} [{src}]{-}: 535 {*}"),
            (MailRefused, "H={-} [{src}]{-} F=<{-}> rejected RCPT {*}"),
            (MailRefused, "H={-} [{src}]{-} rejected {*}"),
            (MailRefused, "H={-} [{src}]{-} sender verify fail for {*}"),
            (MailRefused, "H={-} [{src}]{-} temporarily rejected {*}"),
        ],
    },
    Group {
        programs: &["amavis"],
        service: "amavis",
        rows: &[
            (MailRefused, "({-}) Blocked {_} {-}[{src}]:{port} [{*}"),
            (MailRefused, "({-}) Blocked {_} {-}[{src}] {*}"),
        ],
    },
    Group {
        programs: &["sm-mta", "sendmail"],
        service: "sendmail",
        rows: &[
            (Failed, "{_}: AUTH failure ({method}): {-} relay={-}[{src}]{*}"),
            (MailRefused, "{_}: ruleset={-} relay={-}[{src}]{-}, reject={*}"),
        ],
    },
    // Web servers, before all rows that begin anywhere: clients write into these lines.
    Group {
        programs: &[],
        service: "nginx",
        rows: &[
            (Failed, "{-}: *{#} user \"{user}\": password mismatch, client: {src}, server: {*}"),
            (
                Failed,
                "{-}: *{#} user \"{user}\" was not found in \"{-}\", client: {src}, server: {*}",
            ),
            (
                Companion,
                "{-}: *{#} no user/password was provided for basic authentication, client: {src}, \
                    server: {*}",
            ),
            (WebBlocked, "{-}: *{#} access forbidden by rule, client: {src}, server: {*}"),
            (WebBlocked, "{-}: *{#} limiting requests, {-}, client: {src}, server: {*}"),
            (WebBlocked, "{-}: *{#} limiting connections by zone {-}, client: {src}, server: {*}"),
            (Ban, "{-}: *{#} [client {src}] ModSecurity: Access denied {*}"),
            (Ban, "{-}: *{#} ModSecurity: Access denied {*}, client: {src}, server: {*}"),
            (Alert, "{-}: *{#} [client {src}] ModSecurity: {*}"),
            (Alert, "{-}: *{#} ModSecurity: {*}, client: {src}, server: {*}"),
            (WebFailed, "{-}: *{#} {*}, client: {src}, server: {*}"),
            (WebFailed, "{-}: *{#} {*}, client: {src}"),
        ],
    },
    Group {
        programs: &[],
        service: "apache",
        rows: &[
            (Failed, "{-}[client {src}] AH01617: user {user}: authentication failure for {*}"),
            (Failed, "{-}[client {src}] AH01618: user {user} not found: {*}"),
            (Failed, "{-}[client {src}] AH01807: user {user}: password mismatch: {*}"),
            (Failed, "{-}[client {src}] AH01790: user `{user}' in realm {*}"),
            (Failed, "{-}[client {src}] {-}user {user}: authentication failure for {*}"),
            (Failed, "{-}[client {src}] user {user} not found: {*}"),
            (
                Failed,
                "{-}[client {src}] {-}PHP message: user {user} authentication failure for {*}",
            ),
            (WebBlocked, "{-}[client {src}] AH01797: client denied by server configuration: {*}"),
            (WebBlocked, "{-}[client {src}] AH01630: client denied by server configuration: {*}"),
            (WebBlocked, "{-}[client {src}] client denied by server configuration: {*}"),
            (Ban, "{-}[client {src}] {-}ModSecurity: Access denied {*}"),
            (Alert, "{-}[client {src}] {-}ModSecurity: Warning{*}"),
            (Alert, "{-}[client \"{src}\"] Coraza: {*}"),
            (WebFailed, "[{_}:error] [pid {-}] [client {src}] {*}"),
            (WebFailed, "[{_}:warn] [pid {-}] [client {src}] {*}"),
            (WebFailed, "[error] [client {src}] {*}"),
        ],
    },
    // FTP. vsftpd writes to its own file, without a program's name.
    Group {
        programs: &[],
        service: "vsftpd",
        rows: &[
            (Failed, "[pid {#}] [{user}] FAIL LOGIN: Client \"{src}\""),
            (Accepted, "[pid {#}] [{user}] OK LOGIN: Client \"{src}\"{*}"),
            (Nothing, "[pid {#}] CONNECT: Client \"{src}\""),
        ],
    },
    Group {
        programs: &["proftpd"],
        service: "proftpd",
        rows: &[
            (Failed, "{_} ({-}[{src}]){-}USER {user} (Login failed): {*}"),
            (Failed, "{_} ({-}[{src}]){-}USER {user}: no such user found from {*}"),
            (Failed, "{_} ({-}[{src}]){-}SECURITY VIOLATION: {user} login attempted{*}"),
            (Accepted, "{_} ({-}[{src}]){-}USER {user}: Login successful{*}"),
            (Blocked, "{_} ({-}[{src}]){-}Maximum login attempts ({#}) exceeded{*}"),
        ],
    },
    Group {
        programs: &["pure-ftpd"],
        service: "pure-ftpd",
        rows: &[
            (Failed, "({-}@{peer}) [WARNING] Authentication failed for user [{user}]"),
            (Accepted, "({-}@{peer}) [INFO] {user} is now logged in"),
            (Nothing, "({-}@{peer}) [INFO] New connection from {*}"),
        ],
    },
    // Databases.
    Group {
        programs: &[],
        service: "mysql",
        rows: &[
            (Failed, "{-}Access denied for user '{user}'@'{peer}' (using password: {_})"),
            (Failed, "{-}Access denied for user '{user}'@'{peer}' to database {*}"),
        ],
    },
    Group {
        programs: &[],
        service: "postgresql",
        rows: &[
            (Failed, "{-}FATAL:  password authentication failed for user \"{user}\""),
            (Failed, "{-}FATAL:  no pg_hba.conf entry for host \"{src}\", user \"{user}\", {*}"),
            (Failed, "{-}FATAL:  role \"{user}\" does not exist"),
            (Accepted, "{-}LOG:  connection authorized: user={login} {*}"),
        ],
    },
    Group {
        programs: &[],
        service: "mongodb",
        rows: &[(
            Failed,
            "{-}SCRAM-SHA-{#} authentication failed for {user} on {-} from client {src} {*}",
        )],
    },
    Group {
        programs: &["haproxy"],
        service: "haproxy",
        rows: &[
            (Http, "{src} [{-}] {_} {_} {_} {status} {bytes} {-} \"{request}\""),
            (Failed, "{src} [{-}] {_}: SSL handshake failure"),
        ],
    },
    Group {
        programs: &[],
        service: "gin",
        rows: &[(Http, "{-}| {status} |{-}|{-} {src} | {method} {-}\"{path}\"")],
    },
    Group {
        programs: &[],
        service: "aws-alb",
        rows: &[(
            Http,
            "{_} {_} app/{_} {src} {_} {_} {_} {_} {status} {_} {#} {bytes} \"{request}\" \
                 \"{agent}\" {*}",
        )],
    },
    Group {
        programs: &[],
        service: "zoraxy",
        rows: &[(Http, "{-}[client: {src}] [useragent: {agent}] {method} {path} {status}")],
    },
    Group {
        programs: &[],
        service: "exchange",
        rows: &[
            (Failed, "{_},{#},{dst},{src},{login},{-}NO AUTHENTICATE failed.{*}"),
            (Failed, "{_},{#},{dst},{src},{login},{-}-ERR Authentication failure{*}"),
            (Failed, "{-},{dst},{src},>,535 5.7.3 Authentication unsuccessful{*}"),
        ],
    },
    Group {
        programs: &[],
        service: "thehive",
        rows: &[(
            Http,
            "{-}AccessLogFilter [{-}] {src} {method} {path} took {_} and returned {status} \
                {bytes} bytes",
        )],
    },
    Group {
        programs: &[],
        service: "couchdb",
        rows: &[(
            Http,
            "[notice] {_} {_} <{-}> {_} {host} {src} {login} {method} {path} {status} {_} {#}",
        )],
    },
    Group { programs: &[], service: "navidrome", rows: &[(Http, "HTTP: {method} {path}")] },
    // Guards.
    Group {
        programs: &[],
        service: "fail2ban",
        rows: &[
            (Ban, "{-}fail2ban.actions{-}: NOTICE {-}[{_}] Ban {src}"),
            (Ban, "{-}fail2ban.actions{-}: WARNING {-}[{_}] Ban {src}"),
            (Alert, "{-}fail2ban.filter{-}: INFO {-}[{_}] Found {src} - {*}"),
            (Alert, "{-}fail2ban.filter{-}: INFO {-}[{_}] Found {src}"),
            (Nothing, "{-}fail2ban.{-} Unban {src}"),
            (Nothing, "{-}fail2ban.{-} already banned"),
            (Ban, "{-}fail2ban.{-} Restore Ban {src}"),
        ],
    },
    Group {
        programs: &["sshguard"],
        service: "sshguard",
        rows: &[
            (Ban, "Blocking \"{src}/{#}\" for {*}"),
            (Alert, "Attack from \"{src}\" on service {*}"),
        ],
    },
    Group {
        programs: &["endlessh"],
        service: "endlessh",
        rows: &[(Trap, "ACCEPT host={src} port={port} {*}"), (Nothing, "CLOSE {*}")],
    },
    Group {
        programs: &[],
        service: "endlessh",
        rows: &[(Trap, "{-}ACCEPT host={src} port={port} {*}"), (Nothing, "{-}CLOSE host={*}")],
    },
    Group {
        programs: &[],
        service: "cowrie",
        rows: &[
            (Trap, "{-}[cowrie.{-}] New connection: {src} ({dst}) [session: {*}"),
            (Trap, "{-}[HoneyPotSSHTransport,{#},{src}] login attempt {*}"),
        ],
    },
    // Routers, firewalls, name servers, VPNs, telephony.
    Group {
        programs: &[],
        service: "routeros",
        rows: &[
            (Failed, "{-}login failure for user {user} from {src} via {method}"),
            (Accepted, "{-}user {user} logged in from {src} via {method}"),
            (Packet, "{*}firewall,info {-}proto {-}, {src}->{dst}, {*}"),
        ],
    },
    Group {
        programs: &[],
        service: "opnsense",
        rows: &[
            (Failed, "{_}: Web GUI authentication error for '{user}' from {src}"),
            (Failed, "{_}: webConfigurator authentication error for user '{user}' from: {src}"),
            (Accepted, "{_}: Successful login for user '{user}' from: {src} {*}"),
        ],
    },
    Group {
        programs: &[],
        service: "cisco-asa",
        rows: &[
            (
                Failed,
                "{-}AAA user authentication Rejected : reason = {-} : user = {user} : user IP = \
                    {src}",
            ),
            (Blocked, "%ASA-{#}-106023: Deny {_} src {-}:{src}/{port} dst {-}:{dst}/{#} {*}"),
            (
                Packet,
                "%ASA-{#}-106001: Inbound TCP connection denied from {src}/{port} to {dst}/{#} {*}",
            ),
        ],
    },
    Group {
        programs: &[],
        service: "bind",
        rows: &[
            (DnsRefused, "{-}client @{_} {src} ({host}): query (cache) '{-}' denied{*}"),
            (DnsRefused, "{-}client @{_} {src} ({host}): zone transfer '{-}' denied"),
            (DnsRefused, "{-}client @{_} {src} ({host}): bad zone transfer request: {*}"),
            (DnsRefused, "{-}client {src} ({host}): query (cache) '{-}' denied{*}"),
            (DnsRefused, "{-}client {src} ({host}): zone transfer '{-}' denied"),
            (DnsRefused, "{-}client {src} ({host}): bad zone transfer request: {*}"),
        ],
    },
    Group {
        programs: &[],
        service: "wireguard",
        rows: &[(Failed, "{-}wireguard: {_}: Invalid handshake initiation from {src}")],
    },
    Group {
        programs: &["charon"],
        service: "strongswan",
        rows: &[
            (Failed, "{-}[IKE] <{-}> EAP method {_} failed for peer {_}"),
            (Companion, "{-}[IKE] <{-}> received AUTHENTICATION_FAILED notify error"),
        ],
    },
    Group {
        programs: &["openvpn"],
        service: "openvpn",
        rows: &[
            (Failed, "{src} TLS Auth Error: {*}"),
            (Companion, "{src} TLS Error: TLS handshake failed{*}"),
            (Accepted, "{src} [{user}] Peer Connection Initiated with {*}"),
        ],
    },
    Group {
        programs: &[],
        service: "openvpn",
        rows: &[
            (Failed, "{src} TLS Auth Error: {*}"),
            (Companion, "{src} TLS Error: TLS {*}"),
            (Accepted, "{src} [{user}] Peer Connection Initiated with {*}"),
        ],
    },
    Group {
        programs: &[],
        service: "asterisk",
        rows: &[
            (
                Failed,
                "{-}SecurityEvent=\"ChallengeResponseFailed\",{-}AccountID=\"{user}\",\
                    SessionID={-}RemoteAddress=\"{_}/{_}/{src}/{#}\"{*}",
            ),
            (
                Failed,
                "{-}SecurityEvent=\"InvalidPassword\",{-}AccountID=\"{user}\",\
                    SessionID={-}RemoteAddress=\"{_}/{_}/{src}/{#}\"{*}",
            ),
            (
                Failed,
                "{-}SecurityEvent=\"InvalidAccountID\",{-}AccountID=\"{user}\",\
                    SessionID={-}RemoteAddress=\"{_}/{_}/{src}/{#}\"{*}",
            ),
            (
                Accepted,
                "{-}SecurityEvent=\"SuccessfulAuth\",{-}AccountID=\"{user}\",\
                    SessionID={-}RemoteAddress=\"{_}/{_}/{src}/{#}\"{*}",
            ),
            (Failed, "{-}Registration from '{user}' failed for '{src}' - {*}"),
        ],
    },
    Group {
        programs: &[],
        service: "freeswitch",
        rows: &[
            (Failed, "{-}SIP auth failure ({_}) on sofia profile '{-}' for [{user}] from ip {src}"),
            (Failed, "{-}Can't find user [{user}@{_}] from {src}"),
            (Blocked, "{-} IP {src} Rejected by {*}"),
            (
                Companion,
                "{-}SIP auth challenge ({_}) on sofia profile '{-}' for [{user}] from ip {src}",
            ),
        ],
    },
    Group {
        programs: &["smb", "smbd", "auth_audit"],
        service: "samba",
        rows: &[
            (
                Accepted,
                "Auth: [{-}] user [{-}]\\[{user}] at [{-}] with [{method}] status [NT_STATUS_OK] \
                    workstation [{-}] remote host [ipv{#}:{src}] {*}",
            ),
            (
                Failed,
                "Auth: [{-}] user [{-}]\\[{user}] at [{-}] with [{method}] status [{_}] \
                    workstation [{-}] remote host [ipv{#}:{src}] {*}",
            ),
        ],
    },
    // Applications: their lines begin with a date and often no name.
    Group {
        programs: &[],
        service: "vaultwarden",
        rows: &[
            (
                Failed,
                "{-}Username or password is incorrect. Try again. IP: {src}. Username: {user}.",
            ),
            (Failed, "{-}Invalid admin token. IP: {src}"),
            (Failed, "{-}Invalid TOTP code! Server time: {-} IP: {src}"),
            (Failed, "{-}[WRN] Failed login attempt. {src}"),
            (Failed, "{-}[WRN] Failed login attempt, 2FA invalid. {src}"),
        ],
    },
    Group {
        programs: &[],
        service: "nextcloud",
        rows: &[
            (Failed, "Login failed: '{user}' (Remote IP: '{src}')"),
            (Failed, "Login failed: {user} (Remote IP: {src})"),
            (Blocked, "Bruteforce attempt from \"{src}\" detected for action \"{*}"),
            (Alert, "Trusted domain error. \"{src}\" tried to access using {*}"),
        ],
    },
    Group {
        programs: &["pvedaemon", "pveproxy"],
        service: "proxmox",
        rows: &[
            (Failed, "authentication failure; rhost={src} user={user} msg={*}"),
            (Accepted, "<{user}> successful auth for user '{*}"),
        ],
    },
    Group {
        programs: &[],
        service: "",
        rows: &[
            (Failed, "{-}authentication failure; rhost={src} user={user} msg={*}"),
            (Failed, "{-}Failed authentication attempt for {user} from {src}: {*}"),
            (Failed, "{-}Failed login attempt for username \"{user}\" from ip {src} ({*}"),
            (Accepted, "{-}User \"{user}\" logged in from ip {src}"),
            (Failed, "{-}Failed login attempt for user {user} from ip address {src}"),
            (Failed, "{-}Failed login attempt by IP: {src}"),
            (Failed, "{-}Failed login attempt from IP: {src}"),
            (Failed, "{-}Failed login for '{user}' from {src} at {*}"),
            (Failed, "{-}Login failed for user \"{user}\" IP-address: {src}"),
            (Failed, "{-}Login failed for user `{user}` from IP `{src}.`"),
            (Failed, "{-}Login failed for user `{user}` from IP `{src}`."),
            (Failed, "{-}Login failed for user `{user}` from private IP `{src}`."),
            (Failed, "{-}Login failed for user `{user}` from private IP `{src}.`"),
            (Failed, "{-}Login failed for db:{_} login:{user} from {src}"),
            (Accepted, "{-}Login successful for db:{_} login:{user} from {src}"),
            (Failed, "{-}Incorrect username or password for user {user} IP={src}"),
            (Failed, "{-}Incorrect username or password for user {user}. IP={src}"),
            (Failed, "{-}Incorrect username or password from {src}"),
            (Failed, "{-}Invalid username or password: {{\"email\":\"{user}\"}"),
            (Failed, "{-}Authentication attempt from [{src}] for user \"{user}\" failed."),
            (Failed, "{-}Authentication attempt from [{src}, {-}] for user \"{user}\" failed."),
            (Accepted, "{-}User \"{user}\" successfully authenticated from [{src}, {*}"),
            (Accepted, "{-}User \"{user}\" successfully authenticated from {src}."),
            (Failed, "{-}Authentication request for \"{user}\" has been denied (IP: \"{src}\")."),
            (Failed, "{-}Authentication request for {user} has been denied (IP: {src})."),
            (Failed, "{-}Auth-Failure ip {src} username '{user}'"),
            (Accepted, "{-}Auth-Success ip {src} username '{user}'"),
            (Failed, "{-}AUTH-ERROR: {src} - Invalid username or password entered."),
            (
                Failed,
                "{-}Login attempt or request with invalid authentication from {-} ({src}). {*}",
            ),
            (Failed, "{-}Failed password for {user} from {src} port {port}"),
            (
                Failed,
                "{-}Failed sign-in attempt using invalid Overseerr password \
                    {{\"ip\":\"{src}\",\"email\":\"{user}\"}",
            ),
            (Failed, "{-}Bad password for {user} ({src})"),
            (Failed, "{-}] {user} was not found in LDAP directory ({src})"),
            (Failed, "{-}: {user} was not found in LDAP directory ({src})"),
            (Failed, "{-}WebAPI login failure. Reason: {-}, IP: {src}, username: {user}"),
            (Accepted, "{-}WebAPI login success. IP: {src}"),
            (Failed, "{-}Unsuccessful login attempt from {src} {*}"),
            (Failed, "{login} {src} failed to login"),
            (
                Failed,
                "[{src}] DnsServerCore.DnsWebServiceException: Invalid username or password for \
                    user: {user}",
            ),
            (
                Failed,
                "{-}failed to validate user credentials ({-}) ip={src} subsystem={_} \
                    username={user}",
            ),
            (Blocked, "{-}Authentication attempt from {src} has been rate-limited."),
            (
                Failed,
                "{-}type=LOGIN_ERROR, {-}ipAddress={src}, error={_} {-}username={user}, auth{*}",
            ),
            (Failed, "{-}type=LOGIN_ERROR, {-}ipAddress={src}, {*}"),
            (Failed, "{-}type=\"LOGIN_ERROR\", {-}ipAddress=\"{src}\", {*}"),
            (Failed, "{-}|AUTHENTICATION_FAILED|{user}|{src}|{*}"),
            (Accepted, "{-}|AUTHENTICATION_SUCCESS|{user}|{src}|{*}"),
            (Failed, "{-}[oip={src};{-}authentication failed for [{user}]{*}"),
            (Failed, "{-}[ip={src};{-}authentication failed for [{user}]{*}"),
            (Failed, "{-};ip={src};{-}authentication failed for [{user}]{*}"),
            (Failed, "Authentication failed"),
            (Failed, "{-}] {login} - {src} {_} miniserv.pl \"failed\" {*}"),
            (Accepted, "{-}] {login} - {src} {_} miniserv.pl \"success\" {*}"),
            (Failed, "{-}] {src} - {login} \"{-}\" FAILED LOGIN {*}"),
            (Failed, "{-}{{\"type\":\"{-}LOGIN_FAILED\",\"ip\":\"{src}\",{*}"),
            (Failed, "{-}[{src}] [Could not retrieve user {user} details] {*}"),
            (Failed, "{-}[{src}] [Login denied for user \"{user}\"] {*}"),
        ],
    },
];
