//! The whole way of a capture: frames, packets, flows, transactions, detectors, judgement.

use infralock::flow::apps::SecretKey;
use infralock::flow::{FlowEvent, FlowTable, Options};
use infralock::import::as_table;
use infralock::model::{ImportId, Timestamp};
use infralock::threat::Watchers;
use infralock::threat::profile::Profile;
use infralock::wire::{self, Decoder};

use super::stage::Stage;

pub fn fuzz_capture(data: &[u8]) {
    let Some(format) = wire::sniff(data) else { return };
    let mut capture = format.open(Box::new(data));
    let mut decoder = Decoder::default();
    let mut table = FlowTable::new(Options::new(ImportId(0), SecretKey([7; 32])));
    let mut watchers = Watchers::new();
    let mut take = |event| match event {
        FlowEvent::Flow(flow) => watchers.flow(&flow, &Stage),
        FlowEvent::Record(record) => watchers.record(&record, &Stage),
    };
    while let Some(frame) = capture.next_frame() {
        decoder.decode(&frame, &mut |packet| {
            table.push(packet, &mut take);
        });
    }
    table.finish(&mut take);
    watchers.finish(Timestamp::default(), &Stage, &Profile::default());
}

pub fn fuzz_as_table(data: &[u8]) {
    let (rows, problems) = as_table::read(data);
    assert!(rows.len() as u64 + problems.total() <= data.len() as u64 + 1);
}
