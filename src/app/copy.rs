//! Rows of a table as text for the clipboard: as shown, CSV, JSON, addresses.
//!
//! What is shown is for people; CSV and JSON carry exact values under the names of the interface
//! (bytes as a number, times with their zone). In all of them deceptive characters are visible or
//! escaped, and no cell begins like a formula: text that is pasted into a spreadsheet is run as
//! readily as a CSV file.

use std::fmt::Write as _;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::export::handover::defanged;
use crate::export::{inert, to_json};
use crate::model::Addr;

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As shown, columns parted by tabs.
    #[default]
    Text,
    /// Exact values, RFC 4180.
    Csv,
    /// Exact values, an array of objects.
    Json,
    /// One address a line.
    Addresses,
    /// One address a line, so that no program makes a link of it.
    Defanged,
}

impl Form {
    /// All of them, what a menu calls them, and what they are.
    pub const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Text, "Copy as text", "As shown, columns parted by tabs"),
        (Self::Csv, "Copy as CSV", "Exact values; no cell is run as a formula"),
        (Self::Json, "Copy as JSON", "Exact values, an array of objects"),
        (Self::Addresses, "Copy addresses", "One a line, each once"),
        (Self::Defanged, "Copy addresses, defanged", "So that no program makes a link of them"),
    ];
}

/// The exact values of a row under the interface's names, in its order.
pub type Fields = Vec<(&'static str, Value)>;

/// Rows to be copied, and how to ask for what is in them.
pub struct Rows<'a> {
    /// Their places in the table, from the top.
    pub rows: &'a [usize],
    /// The heads of the columns as shown.
    pub heads: &'a [&'a str],
    /// What a row and a column show.
    pub shown: &'a dyn Fn(usize, usize) -> String,
    /// The exact values of a row: the same names in each.
    pub exact: &'a dyn Fn(usize) -> Fields,
    /// The addresses that a row is about.
    pub addrs: &'a dyn Fn(usize) -> Vec<Addr>,
}

impl Rows<'_> {
    /// Writes them out.
    pub fn write(&self, form: Form) -> String {
        match form {
            Form::Text => self.text(),
            Form::Csv => self.csv(),
            Form::Json => self.json(),
            Form::Addresses => self.addresses(|addr| addr.to_string()),
            Form::Defanged => self.addresses(|addr| defanged(&addr.to_string())),
        }
    }

    fn text(&self) -> String {
        let mut text = self.heads.join("\t");
        text.push('\n');
        for &row in self.rows {
            for column in 0..self.heads.len() {
                if column > 0 {
                    text.push('\t');
                }
                text += &inert(&(self.shown)(row, column));
            }
            text.push('\n');
        }
        text
    }

    fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for (number, &row) in self.rows.iter().enumerate() {
            let fields = (self.exact)(row);
            // Memory does not fail to be written.
            if number == 0 {
                writer.write_record(fields.iter().map(|(name, _)| name)).ok();
            }
            writer.write_record(fields.iter().map(|(_, value)| cell(value))).ok();
        }
        let bytes = writer.into_inner().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn json(&self) -> String {
        let mut text = Vec::from(*b"[");
        for (number, &row) in self.rows.iter().enumerate() {
            text.extend_from_slice(if number == 0 { b"\n" } else { b",\n" });
            to_json(&mut text, &Object(&(self.exact)(row))).ok();
        }
        text.extend_from_slice(b"\n]\n");
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Each address once, where it stands first.
    fn addresses(&self, write: impl Fn(Addr) -> String) -> String {
        let mut met = hashbrown::HashSet::new();
        let mut text = String::new();
        for addr in self.rows.iter().flat_map(|&row| (self.addrs)(row)) {
            if met.insert(addr) {
                // A string takes whatever is written to it.
                writeln!(text, "{}", write(addr)).ok();
            }
        }
        text
    }
}

/// Fields as an object, in their order.
struct Object<'a>(&'a Fields);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A value in a cell of CSV; unknown is empty, lists are joined by spaces.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => inert(text),
        Value::Array(parts) => inert(&parts.iter().map(plain).collect::<Vec<_>>().join(" ")),
        other => other.to_string(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The menu of the forms for rows with or without addresses; gives the one that is chosen.
pub fn menu_ui(ui: &mut egui::Ui, addrs: &[Addr]) -> Option<Form> {
    let mut chosen = None;
    for (form, name, what) in Form::ALL {
        if addrs.is_empty() && matches!(form, Form::Addresses | Form::Defanged) {
            continue;
        }
        let mut button = egui::Button::new(name);
        if form == Form::Text {
            button = button.shortcut_text("Ctrl+C");
        }
        if ui.add(button).on_hover_text(what).clicked() {
            chosen = Some(form);
            ui.close();
        }
    }
    chosen
}

/// An address as Wireshark filters by it: `ip.addr == 192.0.2.1`.
pub fn wireshark_addr(addr: Addr) -> String {
    match addr {
        Addr::V4(_) => format!("ip.addr == {addr}"),
        Addr::V6(_) => format!("ipv6.addr == {addr}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Three hosts with what an attacker may write in their names.
    fn check(form: Form, wanted: &str) {
        let names = ["shop.example.com", "=1+1,\"x\"", "a\tb\u{202e}c"];
        let addr = |row: usize| -> Addr {
            ["203.0.113.9", "2001:db8::1", "203.0.113.9"][row].parse().unwrap()
        };
        let exact = |row: usize| {
            vec![
                ("addr", json!(addr(row))),
                ("bytes", json!(1_234_567)),
                ("kinds", json!(["vpn", "tor"])),
                ("city", Value::Null),
                ("name", json!(names[row])),
            ]
        };
        let shown = |row: usize, column: usize| match column {
            0 => addr(row).to_string(),
            _ => crate::model::Visible(names[row]).to_string(),
        };
        let addrs = |row: usize| vec![addr(row)];
        let rows = Rows {
            rows: &[0, 1, 2],
            heads: &["Address", "Name"],
            shown: &shown,
            exact: &exact,
            addrs: &addrs,
        };
        assert_eq!(rows.write(form), wanted);
    }

    #[test]
    fn text_is_what_is_shown_and_no_formula() {
        let wanted = "Address\tName\n203.0.113.9\tshop.example.com\n2001:db8::1\t'=1+1,\"x\"\n\
                      203.0.113.9\ta\\u{9}b\\u{202e}c\n";
        check(Form::Text, wanted);
    }

    #[test]
    fn csv_is_exact_and_no_formula() {
        let wanted = "addr,bytes,kinds,city,name\n203.0.113.9,1234567,vpn tor,,shop.example.com\n\
                      2001:db8::1,1234567,vpn tor,,\"'=1+1,\"\"x\"\"\"\n\
                      203.0.113.9,1234567,vpn tor,,a\\u{9}b\\u{202e}c\n";
        check(Form::Csv, wanted);
    }

    #[test]
    fn json_is_read_back_without_loss_and_hides_nothing() {
        let wanted = "[\n\
            {\"addr\":\"203.0.113.9\",\"bytes\":1234567,\"kinds\":[\"vpn\",\"tor\"],\"city\":null,\
            \"name\":\"shop.example.com\"},\n\
            {\"addr\":\"2001:db8::1\",\"bytes\":1234567,\"kinds\":[\"vpn\",\"tor\"],\"city\":null,\
            \"name\":\"=1+1,\\\"x\\\"\"},\n\
            {\"addr\":\"203.0.113.9\",\"bytes\":1234567,\"kinds\":[\"vpn\",\"tor\"],\"city\":null,\
            \"name\":\"a\\tb\\u202ec\"}\n]\n";
        check(Form::Json, wanted);
    }

    #[test]
    fn an_address_is_listed_once() {
        check(Form::Addresses, "203.0.113.9\n2001:db8::1\n");
        check(Form::Defanged, "203[.]0[.]113[.]9\n2001[:]db8[:][:]1\n");
    }

    #[test]
    fn addresses_are_filtered_by() {
        assert_eq!(wireshark_addr("2001:db8::1".parse().unwrap()), "ipv6.addr == 2001:db8::1");
    }
}
