//! The packets behind a host or a flow, as a capture of their own.

use std::io::{self, Write};

use super::files::{Carried, Consumer, Imports, Job, import};
use super::paths::Inputs;
use crate::model::{Addr, Flow, ImportId, RealmId, Record, Uid, Untrusted};
use crate::wire::Frame;
use crate::wire::capture::pcapng_write::Writer;

/// Bytes at the beginning of a frame in which an address is looked for where no packet could be
/// decoded: link, tags and two IP headers fit.
const ADDRESS_BYTES: usize = 128;

/// Which packets are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those from or to an address, inside tunnels too. Of a fragmented packet all fragments that
    /// name it.
    Addr(Addr),
    /// Those of a flow. Of a fragmented packet the frame that completes it.
    Flow(Uid),
}

/// Writes the wanted frames of captures as pcapng, in their order; says how many there were.
///
/// # Errors
/// The output cannot be written.
pub fn carve(
    inputs: Inputs,
    job: Job<'_>,
    wanted: Wanted,
    out: &mut dyn Write,
) -> io::Result<(Imports, u64)> {
    let application = concat!("infralock ", env!("CARGO_PKG_VERSION"));
    let comment = match wanted {
        Wanted::Addr(addr) => format!("packets from or to {addr}"),
        Wanted::Flow(uid) => format!("packets of flow {uid}"),
    };
    let writer = Writer::new(out, application, Some(&comment))?;
    let mut carving = Carving { writer, wanted, frames: 0, failed: None };
    let imports = import(inputs, job, &mut carving);
    match carving.failed {
        Some(error) => Err(error),
        None => carving.writer.finish().map(|_| (imports, carving.frames)),
    }
}

struct Carving<'a> {
    writer: Writer<&'a mut dyn Write>,
    wanted: Wanted,
    frames: u64,
    failed: Option<io::Error>,
}

impl Carving<'_> {
    fn wants(&self, frame: &Frame<'_>, carried: &[Carried]) -> bool {
        match self.wanted {
            Wanted::Flow(uid) => carried.iter().any(|packet| packet.uid == uid),
            Wanted::Addr(addr) if carried.is_empty() => names(frame, addr),
            Wanted::Addr(addr) => {
                carried.iter().any(|packet| packet.src == addr || packet.dst == addr)
            }
        }
    }
}

/// Whether a frame without a whole packet (a fragment, ARP) has an address in its headers.
fn names(frame: &Frame<'_>, addr: Addr) -> bool {
    let head = frame.bytes.get(..ADDRESS_BYTES).unwrap_or(frame.bytes);
    match addr {
        Addr::V4(addr) => memchr::memmem::find(head, &addr.octets()).is_some(),
        Addr::V6(addr) => memchr::memmem::find(head, &addr.octets()).is_some(),
    }
}

impl Consumer for Carving<'_> {
    fn begin(&mut self, _import: ImportId, _realm: RealmId, _name: &Untrusted) {}

    fn flow(&mut self, _flow: Flow) {}

    fn record(&mut self, _record: Record) {}

    fn frame(&mut self, frame: &Frame<'_>, carried: &[Carried]) {
        if self.failed.is_none() && self.wants(frame, carried) {
            self.frames += 1;
            self.failed = self.writer.write(frame, None).err();
        }
    }

    fn is_done(&self) -> bool {
        self.failed.is_some()
    }
}
