//! The program opens no socket: a filter that kills the process on `socket(AF_INET | AF_INET6)` is
//! inherited by the child, and a positive control shows that the filter bites.

use std::collections::BTreeMap;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

const SIGSYS: i32 = 31;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
/// `socket` on the two architectures the project is built for.
const SYS_SOCKET: i64 = if cfg!(target_arch = "aarch64") { 198 } else { 41 };

fn filter() -> BpfProgram {
    let family = |number| {
        let condition =
            SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, number).unwrap();
        SeccompRule::new(vec![condition]).unwrap()
    };
    let rules = BTreeMap::from([(SYS_SOCKET, vec![family(AF_INET), family(AF_INET6)])]);
    let architecture = std::env::consts::ARCH.try_into().unwrap();
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::KillProcess, architecture)
        .unwrap()
        .try_into()
        .unwrap()
}

/// Runs a program under the filter.
pub fn run_without_network(program: &mut Command) -> (ExitStatus, String, String) {
    let filter = filter();
    // The filter is put on this thread alone and inherited by the child it starts; the thread ends
    // with the child.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            seccompiler::apply_filter(&filter).unwrap();
            let output = program.process_group(0).output().unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            (output.status, text(output.stdout), text(output.stderr))
        });
        waiting.join().unwrap()
    })
}

#[test]
fn the_filter_kills_who_opens_a_socket() {
    // Bash's own /dev/tcp opens a TCP socket without any other program.
    let mut control = Command::new("bash");
    control.args(["-c", "exec 3<>/dev/tcp/127.0.0.1/9"]);
    let (status, _, _) = run_without_network(&mut control);
    assert_eq!(status.signal(), Some(SIGSYS), "the control must be killed: {status:?}");
}
