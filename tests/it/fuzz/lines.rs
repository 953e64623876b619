//! Line formats: any bytes, as the lines of a file of that format.

use infralock::import::{self, Line, Out, Settings, Survey, SurveyState};
use infralock::model::{ImportId, Problems};

pub fn fuzz_access_log(data: &[u8]) {
    read("access-log", data);
}

pub fn fuzz_app_log(data: &[u8]) {
    read("app-log", data);
}

pub fn fuzz_journald_export(data: &[u8]) {
    read("journald-export", data);
}

pub fn fuzz_journald_json(data: &[u8]) {
    read("journald-json", data);
}

pub fn fuzz_json_log(data: &[u8]) {
    read("json-log", data);
}

pub fn fuzz_syslog(data: &[u8]) {
    read("syslog", data);
}

pub fn fuzz_w3c(data: &[u8]) {
    read("w3c", data);
}

/// Detects, surveys and parses. Each line gives a bounded number of records or problems.
pub fn read(id: &str, data: &[u8]) {
    let lines: Vec<&[u8]> = data.split(|&byte| byte == b'\n').collect();
    let format = import::by_id(id).unwrap();
    format.detect(&lines);
    format.is_yearless(&lines);
    let (mut survey, mut state) = (Survey::default(), SurveyState::default());
    for (number, bytes) in (1..).zip(&lines) {
        format.survey(Line { number, bytes }, &mut survey, &mut state);
    }
    let not_after = "2026-06-05".parse().unwrap();
    let settings = Settings { import: ImportId(0), utc_offset_minutes: 60, not_after, survey };
    let mut parser = format.start(settings);
    let (mut problems, mut records) = (Problems::new(), 0_usize);
    let mut count = |_| records += 1;
    let mut listed = |_, _| {};
    let mut out = Out { record: &mut count, listed: &mut listed, problems: &mut problems };
    for (number, bytes) in (1..).zip(&lines) {
        parser.line(Line { number, bytes }, &mut out);
    }
    parser.finish(&mut out);
    parser.assumed();
    assert!(records + problems.total() as usize <= 2 * lines.len() + 1);
}
