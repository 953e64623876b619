//! DPDK's `rte_fib` (DIR24-8) and `rte_fib6` (trie), with next hops of four bytes.
//!
//! DPDK is a C library that takes over memory and processors when it starts, and nobody who builds
//! this program should need it. So it is asked in a process of its own: `rte_fib.c`, compiled when
//! the bench is told to (`INFRALOCK_DPDK=1`; on Debian `apt install libdpdk-dev gcc pkg-config`).
//! It learns prefixes and queries from files and then waits: a line asks for a pass, a line answers
//! with the nanoseconds that it took by its own clock. So its rounds lie between those of the
//! others, and it holds no processor meanwhile.
//!
//! It runs without hugetlbfs (`--no-huge --no-pci`), which asks nothing of the machine, but on huge
//! pages all the same (`MADV_HUGEPAGE`), and with the AVX-512 routines where the processor has
//! them. Its bytes are what its heap holds: the tables, and the tree of routes that it needs to
//! take changes in.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use super::engine::{Engine, Pass};
use super::tables::{Drawn, Key, Ranges};

/// Tables that need more than this are not built: they would push the others out of memory.
const BYTES_MAX: u64 = 10 << 30;

/// The compiled program, if the bench was told to ask it.
pub(crate) fn program(folder: &Path) -> Option<PathBuf> {
    std::env::var_os("INFRALOCK_DPDK").filter(|told| told == "1")?;
    let program = folder.join("rte_fib");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/lookup/rte_fib.c");
    let flags = Command::new("pkg-config").args(["--cflags", "libdpdk"]).output().unwrap();
    assert!(flags.status.success(), "INFRALOCK_DPDK=1 needs libdpdk-dev and pkg-config");
    let flags = String::from_utf8(flags.stdout).unwrap();
    let compiled = Command::new("cc")
        .args(["-O3", "-march=native", "-o"])
        .arg(&program)
        .arg(source)
        .args(flags.split_whitespace().filter(|flag| !flag.starts_with("-march")))
        .args(["-Wl,--as-needed", "-lrte_fib", "-lrte_rib", "-lrte_eal"])
        .status()
        .unwrap();
    assert!(compiled.success(), "rte_fib.c does not compile with this DPDK");
    Some(program)
}

struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    folder: PathBuf,
}

impl Process {
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "rte_fib has ended");
        line
    }

    fn ask(&mut self, command: &str) -> String {
        writeln!(self.input, "{command}").unwrap();
        let line = self.line();
        assert!(!line.starts_with("error"), "rte_fib says {line:?}");
        line
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// One table in the process, asked in batches of one size.
pub(crate) struct Fib {
    process: Rc<RefCell<Process>>,
    name: &'static str,
    batch: usize,
    bytes: usize,
    build_secs: f64,
}

/// The table in a new process, to be asked in batches of 256 and of 1,024. An error is why it is
/// not there.
pub(crate) fn open<K: Key>(
    program: &Path,
    folder: &Path,
    table: &Ranges<K>,
) -> Result<[Fib; 2], String> {
    let tbl8 = groups(table) + 1_024;
    let table_bytes = (1 << 26) + (tbl8 << 10);
    if table_bytes > BYTES_MAX {
        return Err(format!("its tables would take {:.1} GB or more", table_bytes as f64 / 1e9));
    }
    let mut bytes = Vec::new();
    for &(first, len, value) in &table.prefixes {
        first.push(&mut bytes);
        bytes.extend_from_slice(&value.to_ne_bytes());
        bytes.extend_from_slice(&u32::from(len).to_ne_bytes());
    }
    let path = folder.join("prefixes");
    fs::write(&path, bytes).unwrap();
    let routes_bytes = table.prefixes.len() as u64 * 600;
    let megabytes = ((3 * table_bytes + routes_bytes) >> 20) + 256;
    let mut child = Command::new(program)
        .arg(if K::BITS == 32 { "4" } else { "6" })
        .arg(path)
        .args([table.prefixes.len() as u64, tbl8, megabytes].map(|number| number.to_string()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let output = BufReader::new(output);
    let mut process = Process { child, input, output, folder: folder.to_owned() };
    let ready = loop {
        // EAL tells what it does on standard output.
        let line = process.line();
        if let Some(why) = line.strip_prefix("error ") {
            return Err(why.trim().to_owned());
        }
        if let Some(ready) = line.strip_prefix("ready ") {
            break ready.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        }
    };
    println!("rte_fib looks up by {} routines", ready[2]);
    let number = |at: usize| ready[at].parse::<f64>().unwrap();
    let (build_secs, bytes) = (number(0) / 1e9, number(1) as usize);
    let process = Rc::new(RefCell::new(process));
    let fib = |name, batch| {
        let process = Rc::clone(&process);
        Fib { process, name, batch, bytes, build_secs }
    };
    Ok([fib("DPDK rte_fib, 256", 256), fib("DPDK rte_fib, 1,024", 1_024)])
}

/// Tables of 256 entries that the prefixes need below the first 24 bits, each once.
fn groups<K: Key>(table: &Ranges<K>) -> u64 {
    let mut count = 0;
    let mut before = [None; 16];
    for &(first, len, _) in &table.prefixes {
        for depth in (24..len).step_by(8) {
            let key = first.into() >> (K::BITS - depth);
            let level = usize::from(depth / 8);
            count += u64::from(before[level].replace(key) != Some(key));
        }
    }
    count
}

impl<K: Key> Engine<K> for Fib {
    fn name(&self) -> &'static str {
        self.name
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn build_secs(&self) -> f64 {
        self.build_secs
    }

    fn learn(&mut self, drawn: Drawn, keys: &[K]) {
        let mut process = self.process.borrow_mut();
        let path = process.folder.join("queries");
        let mut bytes = Vec::with_capacity(keys.len() * 16);
        keys.iter().for_each(|key| key.push(&mut bytes));
        fs::write(&path, bytes).unwrap();
        process.ask(&format!("learn {} {}", drawn as usize, path.display()));
    }

    fn values(&mut self, drawn: Drawn, _: &[K]) -> Vec<u32> {
        let mut process = self.process.borrow_mut();
        let path = process.folder.join("values");
        process.ask(&format!("values {} {}", drawn as usize, path.display()));
        let bytes = fs::read(&path).unwrap();
        let (values, _) = bytes.as_chunks::<4>();
        values.iter().map(|&value| u32::from_ne_bytes(value)).collect()
    }

    fn pass(&mut self, drawn: Drawn, _: &[K]) -> Option<Pass> {
        let command = match drawn {
            Drawn::Dependent if self.batch == 256 => format!("time {} 0", drawn as usize),
            Drawn::Dependent => return None,
            _ => format!("time {} {}", drawn as usize, self.batch),
        };
        let answer = self.process.borrow_mut().ask(&command);
        let (nanos, sum) = answer.trim().split_once(' ').unwrap();
        Some(Pass { nanos: nanos.parse().unwrap(), sum: sum.parse().unwrap() })
    }
}
