//! Profiles and texts of requests: what an analyst pastes and what an attacker sends.

use infralock::model::{ImportId, Record, RecordKind, Timestamp, Untrusted};
use infralock::threat::Watchers;
use infralock::threat::profile::{Profile, check};
use infralock::threat::strings::{Place, judge};

use super::stage::Stage;

/// A profile: refused with a place inside the text, or sound.
pub fn fuzz_profile(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match check(&text) {
        Ok(profile) => {
            assert!((0.001..=0.999).contains(&profile.prior));
            let score = infralock::threat::score::score(&[], &[], &profile, Timestamp::default());
            assert!((0.0..=100.0).contains(&score.score));
        }
        Err(errors) => {
            let lines = text.split('\n').count();
            assert!(!errors.is_empty() && errors.iter().all(|error| error.line <= lines));
        }
    }
}

/// A text in every place of a request, by itself and as a record through all detectors.
pub fn fuzz_strings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for place in [Place::Path, Place::Query, Place::Header, Place::Agent] {
        judge(&text, place);
    }
    let (path, query) = text.split_once('?').unwrap_or((&text, ""));
    let mut record = Record::new(RecordKind::Http, ImportId(0));
    record.src = "192.0.2.7".parse().ok();
    record.path = Some(Untrusted::new(path));
    record.query = Untrusted::unless_blank(query);
    record.user_agent = Some(Untrusted::new(&text));
    record.status = Some(200);
    record.details.insert("cookie".to_owned(), text.as_ref().into());
    let mut watchers = Watchers::new();
    watchers.record(&record, &Stage);
    watchers.finish(Timestamp::default(), &Stage, &Profile::default());
}
