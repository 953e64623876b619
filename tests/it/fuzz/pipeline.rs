//! The whole way of a capture: frames, packets, flows, transactions, detectors, judgement.

use infralock::flow::apps::SecretKey;
use infralock::flow::{FlowEvent, FlowTable, Options};
use infralock::import::as_table;
use infralock::model::{Addr, Facts, HostKey, ImportId, RealmId, Timestamp};
use infralock::threat::profile::Profile;
use infralock::threat::{Scene, Watchers};
use infralock::wire::{self, Decoder};

struct Plain;

impl Scene for Plain {
    fn realm(&self, _: ImportId) -> RealmId {
        RealmId(0)
    }

    fn is_mine(&self, host: HostKey) -> bool {
        host.addr().is_mine_by_default()
    }

    fn facts(&self, _: Addr) -> Facts {
        Facts::default()
    }
}

pub fn fuzz_capture(data: &[u8]) {
    let Some(format) = wire::sniff(data) else { return };
    let mut capture = format.open(Box::new(data));
    let mut decoder = Decoder::default();
    let mut table = FlowTable::new(Options::new(ImportId(0), SecretKey([7; 32])));
    let mut watchers = Watchers::new();
    let mut take = |event| match event {
        FlowEvent::Flow(flow) => watchers.flow(&flow, &Plain),
        FlowEvent::Record(record) => watchers.record(&record, &Plain),
    };
    while let Some(frame) = capture.next_frame() {
        decoder.decode(&frame, &mut |packet| {
            table.push(packet, &mut take);
        });
    }
    table.finish(&mut take);
    watchers.finish(Timestamp::default(), &Plain, &Profile::default());
}

pub fn fuzz_as_table(data: &[u8]) {
    let (rows, problems) = as_table::read(data);
    assert!(rows.len() as u64 + problems.total() <= data.len() as u64 + 1);
}
