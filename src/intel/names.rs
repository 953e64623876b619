//! Many short texts in one allocation.

use std::sync::Arc;

use super::pack::{Columns, PackError};

/// Texts by index, from 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    text: String,
    ends: Vec<u32>,
}

impl Names {
    /// Adds the next text of a section.
    ///
    /// # Errors
    /// It is cut off or no UTF-8.
    pub(super) fn push_from(&mut self, columns: &mut Columns) -> Result<(), PackError> {
        let length = columns.count(1)?;
        let text = columns.bytes(length)?;
        let Ok(text) = std::str::from_utf8(text) else {
            return Err(columns.error("text that is not UTF-8"));
        };
        self.text.push_str(text);
        // A section has at most 128 MB, so an end fits.
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        self.text.get(start.unwrap_or(0) as usize..end)
    }

    /// The text, unless it is empty: an empty name in a data set means unknown.
    pub(super) fn known(&self, index: usize) -> Option<Arc<str>> {
        self.get(index).filter(|text| !text.is_empty()).map(Arc::from)
    }
}
