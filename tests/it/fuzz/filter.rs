//! The filter language: what a person types, and what a rule file may hold.

use infralock::filter::{
    Cell, Column, Columns, Data, FieldId, Fields, Table, complete, parse, parse_for,
};
use infralock::model::Timestamp;

/// A row that knows little.
struct Row;

impl Fields for Row {
    fn each(&self, field: FieldId, see: &mut dyn FnMut(Cell<'_>)) {
        match field {
            FieldId::Score => see(Cell::Number(50.0)),
            FieldId::Country => see(Cell::Text("NL")),
            FieldId::Addr => see(Cell::Addr("192.0.2.1".parse().unwrap())),
            _ => {}
        }
    }
}

/// The same row as a table.
struct Grid(Vec<infralock::model::Addr>, Vec<String>);

impl Columns for Grid {
    fn rows(&self) -> usize {
        1
    }

    fn column(&self, field: FieldId) -> Option<Column<'_>> {
        Some(Column::one(match field {
            FieldId::Score => Data::F32(&[50.0]),
            FieldId::Country => Data::Texts(&[0], &self.1),
            FieldId::Addr => Data::Addrs(&self.0),
            _ => return None,
        }))
    }
}

/// Each line as a filter: it prints as what parses to it, a row and a table agree, a mistake lies
/// inside the text, proposals replace a part of it.
pub fn fuzz_filter(data: &[u8]) {
    let grid = Grid(vec!["192.0.2.1".parse().unwrap()], vec!["NL".to_owned()]);
    for line in data.split(|&byte| byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        for table in Table::ALL {
            if let Ok(filter) = parse_for(&text, table) {
                assert!(filter.absent_from(table).is_empty());
            }
        }
        match parse(&text) {
            Ok(filter) => {
                let written = filter.to_string();
                if written.len() <= infralock::filter::FILTER_BYTES_MAX {
                    assert_eq!(parse(&written), Ok(filter.clone()), "{written}");
                }
                let plan = filter.plan(Timestamp::default());
                assert_eq!(plan.rows(&grid).get(0), plan.matches(&Row));
            }
            Err(error) => {
                assert!(error.column > 0 && error.column <= text.chars().count() + 1);
                assert!(error.pointed_at(&text).lines().count() == 2);
            }
        }
        for cursor in [0, text.len() / 2, text.len()] {
            for proposed in complete(&text, cursor, None, &|_| vec!["x".to_owned()]) {
                assert!(text.get(proposed.replace).is_some());
            }
        }
    }
}
