//! One file being read: frames through decoder and flow table, or lines through a format.

use std::cell::RefCell;
use std::io::Read;

use super::files::{Carriage, Carried, Consumer};
use crate::bounded::Lines;
use crate::flow::apps::SecretKey;
use crate::flow::{FlowEvent, FlowTable, Options};
use crate::import::{Assumed, Format, Line, Out, Settings, Survey, SurveyState};
use crate::model::{Flow, ImportId, Position, Problem, Problems, Record, Timestamp};
use crate::wire::{CaptureFormat, DecodeOptions, Decoder};

/// Frames or lines between two looks at progress and cancel.
const TICK_EVERY: u64 = 4_096;

/// A piece of a text that is as much work as [`TICK_EVERY`] lines.
const PIECE_TICK_BYTES: usize = 256 << 10;

/// Open flows that are shown before they end: a tenth of a second's work.
const OPEN_SHOWN_MAX: usize = 100_000;

/// A file being read.
pub(super) struct Reading<'a> {
    pub(super) import: ImportId,
    pub(super) consumer: &'a mut dyn Consumer,
    pub(super) tally: &'a mut Tally,
    /// Shows progress; `true` to stop.
    pub(super) tick: &'a dyn Fn() -> bool,
    pub(super) is_partial: bool,
}

impl Reading<'_> {
    /// Runs a step of a parser and passes on what it gives.
    fn parse(&mut self, problems: &mut Problems, step: impl FnOnce(&mut Out<'_>)) {
        let (tally, import) = (&mut *self.tally, self.import);
        // Two closures of one step share the consumer; they never run at once.
        let consumer = RefCell::new(&mut *self.consumer);
        step(&mut Out {
            record: &mut |record| {
                tally.record(&record);
                consumer.borrow_mut().record(record);
            },
            listed: &mut |listed, line| consumer.borrow_mut().listed(listed, import, line),
            problems,
        });
    }

    /// Whether to stop after the `number`th frame or line.
    fn stops(&mut self, number: u64) -> bool {
        if number.is_multiple_of(TICK_EVERY) {
            self.is_partial = (self.tick)();
        }
        self.is_partial || self.consumer.is_done()
    }
}

/// What is counted of one file.
pub(super) struct Tally {
    pub(super) packets: u64,
    pub(super) records: u64,
    pub(super) first_seen: Option<Timestamp>,
    pub(super) last_seen: Option<Timestamp>,
    pub(super) problems: Problems,
    newest_plausible: Option<Timestamp>,
    implausible: u64,
    plausible_max: Timestamp,
}

impl Tally {
    /// Times more than a day after the data's date are implausible (INTERFACE, "Now").
    pub(super) fn new(data_date: Timestamp) -> Self {
        Self {
            packets: 0,
            records: 0,
            first_seen: None,
            last_seen: None,
            problems: Problems::new(),
            newest_plausible: None,
            implausible: 0,
            plausible_max: data_date.plus_days(1),
        }
    }

    fn seen(&mut self, first: Timestamp, last: Timestamp) {
        self.first_seen = Some(self.first_seen.map_or(first, |known| known.min(first)));
        self.last_seen = self.last_seen.max(Some(last));
        if last < Timestamp::PLAUSIBLE_MIN || last > self.plausible_max {
            self.implausible += 1;
        } else {
            self.newest_plausible = self.newest_plausible.max(Some(last));
        }
    }

    pub(super) fn flow(&mut self, flow: &Flow) {
        self.seen(flow.first_seen, flow.last_seen());
    }

    pub(super) fn record(&mut self, record: &Record) {
        self.records += 1;
        // A transaction lies within its flow, which is counted.
        if let Some(ts) = record.ts.filter(|_| record.uid.is_none()) {
            self.seen(ts, ts);
        }
    }

    pub(super) const fn newest_plausible(&self) -> Option<Timestamp> {
        self.newest_plausible
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut rows = self.problems.into_rows();
        if self.implausible > 0 {
            rows.push(Problem {
                place: Position::Whole,
                what: "times before 1990 or after the data's date take no part in \"now\"; \
                       --at sets it"
                    .to_owned(),
                count: self.implausible,
            });
        }
        rows
    }
}

/// Reads a capture to its end.
pub(super) fn capture(
    format: &'static dyn CaptureFormat,
    head: &[u8],
    input: impl Read + Send,
    key: &SecretKey,
    reading: &mut Reading<'_>,
) {
    let mut capture = format.open(Box::new(input));
    let (options, doubts) = DecodeOptions::survey(format, head);
    reading.tally.problems.extend(doubts);
    let mut decoder = Decoder::new(options);
    let mut table = FlowTable::new(Options::new(reading.import, *key));
    let (mut frames, mut carriage) = (0_u64, Carriage::default());
    while let Some(frame) = capture.next_frame() {
        let (tally, consumer) = (&mut *reading.tally, &mut *reading.consumer);
        carriage.packets.clear();
        carriage.earlier_frames.clear();
        decoder.decode(&frame, &mut |packet| {
            tally.packets += 1;
            let uid = table.push(packet, &mut |event| take(event, tally, consumer));
            let at = carriage.packets.len();
            carriage.earlier_frames.extend(packet.earlier_frames.iter().map(|&frame| (frame, at)));
            carriage.packets.push(Carried { uid, src: packet.src, dst: packet.dst });
        });
        carriage.holds_fragment = decoder.holds_fragment();
        consumer.frame(&frame, &carriage);
        frames += 1;
        if reading.stops(frames) {
            break;
        }
        if frames.is_multiple_of(TICK_EVERY) && reading.consumer.wants_open_flows() {
            reading.consumer.open_flows(&mut table.peek(OPEN_SHOWN_MAX));
        }
    }
    let (tally, consumer) = (&mut *reading.tally, &mut *reading.consumer);
    table.finish(&mut |event| take(event, tally, consumer));
    tally.problems.extend(capture.take_problems());
    tally.problems.extend(decoder.finish());
    let stats = table.stats();
    if stats.evicted_flows > 0 {
        let what = "flows ended early: the flow table was full";
        tally.problems.push_counted(Position::Whole, what, stats.evicted_flows);
    }
    if stats.unheard_flows > 0 {
        let what = "flows whose content was not looked at: too many spoke at once";
        tally.problems.push_counted(Position::Whole, what, stats.unheard_flows);
    }
}

fn take(event: FlowEvent, tally: &mut Tally, consumer: &mut dyn Consumer) {
    match event {
        FlowEvent::Flow(flow) => {
            tally.flow(&flow);
            consumer.flow(flow);
        }
        FlowEvent::Record(record) => {
            tally.record(&record);
            consumer.record(record);
        }
    }
}

/// Reads a log or list to its end; says what was taken for granted.
pub(super) fn log(
    format: &'static dyn Format,
    input: impl Read,
    settings: Settings,
    reading: &mut Reading<'_>,
) -> Assumed {
    let mut parser = format.start(settings);
    let mut lines = Lines::new(input);
    let mut problems = Problems::new();
    let mut read = 0_u64;
    if format.takes_pieces() {
        while let Some((number, bytes)) = lines.next_piece() {
            // A piece may be a megabyte: progress is shown after such a one.
            let is_large = bytes.len() > PIECE_TICK_BYTES;
            reading.parse(&mut problems, |out| parser.piece(Line { number, bytes }, out));
            read = if is_large { (read + 1).next_multiple_of(TICK_EVERY) } else { read + 1 };
            if reading.stops(read) {
                break;
            }
        }
    } else {
        while let Some((number, bytes)) = lines.next_line() {
            reading.parse(&mut problems, |out| parser.line(Line { number, bytes }, out));
            read += 1;
            if reading.stops(read) {
                break;
            }
        }
    }
    reading.parse(&mut problems, |out| parser.finish(out));
    reading.tally.problems.extend(lines.take_problems());
    reading.tally.problems.extend(problems);
    parser.assumed()
}

/// Reads a log for its times alone.
pub(super) fn survey(format: &'static dyn Format, input: impl Read) -> Survey {
    let (mut survey, mut state) = (Survey::default(), SurveyState::default());
    let mut lines = Lines::new(input);
    while let Some((number, bytes)) = lines.next_line() {
        format.survey(Line { number, bytes }, &mut survey, &mut state);
    }
    survey
}
