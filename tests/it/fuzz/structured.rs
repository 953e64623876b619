//! Targets for pasted text, lists and structured logs.

use infralock::model::query;

/// One text as a query and as a line of prose; each line alone too.
pub fn fuzz_query(data: &[u8]) {
    for line in data.split(|&byte| byte == b'\n').chain([data]) {
        let mut end = 0;
        for found in query::find_all(line) {
            assert!(end <= found.at.start && found.at.end <= line.len());
            end = found.at.end;
        }
        if let Ok(query) = query::parse(&String::from_utf8_lossy(line)) {
            assert_eq!(query::parse(&query.to_string()), Ok(query));
        }
    }
}
