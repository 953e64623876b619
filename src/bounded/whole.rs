//! Reads a whole stream into memory, up to a limit the caller names.

use std::io::{Error, ErrorKind, Read, Result};

/// All bytes of a stream.
///
/// # Errors
/// More than `limit` bytes (`FileTooLarge`), or what the reader says.
///
/// ```
/// use infralock::bounded::read_all;
/// assert_eq!(read_all(&b"1234"[..], 4).unwrap(), b"1234");
/// assert!(read_all(&b"12345"[..], 4).is_err());
/// ```
pub fn read_all(input: impl Read, limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than allowed tells a full file from a long one.
    let mut limited = input.take((limit as u64).saturating_add(1));
    #[expect(clippy::disallowed_methods, reason = "limited one line above")]
    limited.read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        let what = format!("longer than the {limit} bytes that are read here");
        return Err(Error::new(ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}

/// All text of a stream, without a byte order mark.
///
/// # Errors
/// As [`read_all`], and bytes that are not UTF-8 (`InvalidData`).
pub fn read_text(input: impl Read, limit: usize) -> Result<String> {
    let bytes = read_all(input, limit)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let what = format!("not UTF-8 text: byte {} is wrong", error.utf8_error().valid_up_to());
        Error::new(ErrorKind::InvalidData, what)
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_loses_its_byte_order_mark_and_must_be_utf8() {
        assert_eq!(read_text("\u{feff}a = 1".as_bytes(), 99).unwrap(), "a = 1");
        let error = read_text(&b"ab\xff"[..], 99).unwrap_err();
        assert_eq!(error.to_string(), "not UTF-8 text: byte 2 is wrong");
    }
}
