//! A page being written: markup is our own constant text, everything else is escaped.

use std::fmt::{Display, Write as _};

use crate::model::Visible;

/// Characters shown of one text: a cell, a sentence, a tooltip. The whole text is in the JSON.
pub(super) const TEXT_CHARS_MAX: usize = 300;

/// The page so far. Only [`Html::markup`] writes bytes as they are, and it takes constants alone.
#[derive(Default)]
pub(super) struct Html(String);

impl Html {
    /// Our own markup.
    pub(super) fn markup(&mut self, constant: &'static str) -> &mut Self {
        self.0.push_str(constant);
        self
    }

    /// Anything else, for element content and for attributes in double quotes: cut, deceptive
    /// characters visible, `& < > " '` as entities.
    pub(super) fn text(&mut self, text: impl Display) -> &mut Self {
        let whole = text.to_string();
        let end = whole.char_indices().nth(TEXT_CHARS_MAX).map(|(end, _)| end);
        let cut = end.and_then(|end| whole.get(..end)).unwrap_or(&whole);
        for character in Visible(cut).to_string().chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                other => self.0.push(other),
            }
        }
        if end.is_some() {
            self.0.push('…');
        }
        self
    }

    /// A number for an SVG attribute, with at most two decimals.
    pub(super) fn number(&mut self, number: f64) -> &mut Self {
        let rounded = libm::round(number * 100.0) / 100.0;
        // −0 and numbers that are none have no place in a drawing.
        let rounded = if rounded.is_finite() && rounded != 0.0 { rounded } else { 0.0 };
        self.append(rounded)
    }

    /// An element around escaped text: `<td class="…">…</td>` with a constant opening and closing.
    pub(super) fn element(
        &mut self,
        open: &'static str,
        text: impl Display,
        close: &'static str,
    ) -> &mut Self {
        self.markup(open).text(text).markup(close)
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.0
    }

    fn append(&mut self, value: impl Display) -> &mut Self {
        let written = write!(self.0, "{value}");
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
        self
    }
}

/// Bytes with a unit of thousands: `1.2 MB`.
pub(super) fn sized(bytes: u64) -> String {
    let mut scaled = bytes as f64;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if scaled < 999.5 || unit == "TB" {
            let decimals = usize::from(unit != "B" && scaled < 99.95);
            return format!("{scaled:.decimals$} {unit}");
        }
        scaled /= 1000.0;
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn escaped(text: &str) -> String {
        let mut page = Html::default();
        page.text(text);
        page.finish()
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(sized(999), "999 B");
        assert_eq!(sized(1_200_000), "1.2 MB");
        assert_eq!(sized(999_950), "1.0 MB");
        let mut page = Html::default();
        page.number(-0.001).markup(" ").number(1.005).markup(" ").number(f64::NAN);
        assert_eq!(page.finish(), "0 1 0");
    }

    #[test]
    fn a_text_at_the_limit_is_whole_and_one_above_is_cut() {
        assert_eq!(escaped(&"x".repeat(TEXT_CHARS_MAX)), "x".repeat(TEXT_CHARS_MAX));
        assert!(escaped(&"x".repeat(TEXT_CHARS_MAX + 1)).ends_with("x…"));
    }

    proptest! {
        #[test]
        fn no_text_is_markup(text in any::<String>()) {
            let escaped = escaped(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            prop_assert!(!escaped.contains(crate::model::is_deceptive));
        }
    }
}
