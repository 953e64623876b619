//! Results → files and terminals: rows with INTERFACE's keys, and the writers that print them.
//!
//! A row is owned, complete and ready to be read by a stranger: references are text, realms have
//! names, numbers are rounded. The engine makes rows one at a time, so that a million hosts never
//! lie in memory as text. Every writer escapes what attackers control: JSON without loss, CSV
//! against formulas, tables and the report by showing control characters.

mod csv;
mod flows;
pub mod handover;
mod json;
mod report;
mod rows;
mod table;

#[cfg(feature = "gui")]
pub(crate) use self::csv::inert;
pub use self::csv::write_hosts_csv;
pub(crate) use crate::model::{counted, grouped};
pub use flows::{FlowCsv, FlowLines, FlowWriter, ZeekConn};
pub use json::{JsonLines, to_json, write_triage_json};
pub use report::{BaseMap, DETECTIONS_SHOWN_MAX, HOSTS_SHOWN_MAX, write_report};
pub use rows::{
    AssumedRow, DetectionRow, FlowRow, HostRow, ImageRow, ImportRow, ListRow, ListedRow, NameRow,
    OwnFeedRow, RecordRow, ShownEvidence, SourceRow, ToolRow, Totals, TriageHead,
};
pub(crate) use table::wrap;
pub use table::{Align, Table};
