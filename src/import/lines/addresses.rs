//! Addresses anywhere in a text: the last resort for messages that no table knows.

use crate::model::Addr;

/// The first two different addresses of a text, in its order.
///
/// An address ends where letters, digits, dots and colons end, so that versions with more than four
/// numbers, times, MAC addresses and names that look alike are none. `0.0.0.0` and `::` mean "any"
/// in logs and are left out.
pub(in crate::import) fn first_two(text: &str) -> (Option<Addr>, Option<Addr>) {
    let mut found = text
        .split(|sign: char| !(sign.is_ascii_alphanumeric() || ".:_-@".contains(sign)))
        .filter_map(address);
    let first = found.next();
    let second = found.find(|addr| Some(*addr) != first);
    (first, second)
}

/// A run of such characters as an address, with or without a port.
fn address(run: &str) -> Option<Addr> {
    let run = run.trim_end_matches(['.', ':', '-']);
    let begins =
        run.as_bytes().first().is_some_and(|byte| byte.is_ascii_hexdigit() || *byte == b':');
    // The shortest are `::1` and `1.1.1.1`; three characters with a digit and a sign.
    if !begins || run.len() < 3 || !run.bytes().any(|byte| byte == b'.' || byte == b':') {
        return None;
    }
    let addr: Addr = match run.parse() {
        Ok(addr) => addr,
        Err(_) => {
            let (addr, port) = run.split_once(':')?;
            port.parse::<u16>().ok()?;
            addr.parse().ok()?
        }
    };
    (addr.bits() != 0 && run.bytes().any(|byte| byte.is_ascii_digit())).then_some(addr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_address_in_a_text() {
        for (text, expected) in [
            ("from 192.0.2.1 to 192.0.2.2", "192.0.2.1 192.0.2.2"),
            ("192.0.2.1 and 192.0.2.1:80, then [2001:db8::1]:443.", "192.0.2.1 2001:db8::1"),
            ("rhost=192.0.2.1.", "192.0.2.1 -"),
            ("listening on 0.0.0.0:22 and :::22", "- -"),
            ("at 12:30:45, MAC 00:11:22:33:44:55, version 1.2.3.4.5, v1.2.3.4", "- -"),
            ("std::collections a::b 3-192.0.2.1 bob@192.0.2.1", "- -"),
            ("", "- -"),
        ] {
            let (first, second) = first_two(text);
            let shown = |addr: Option<Addr>| addr.map_or("-".to_owned(), |addr| addr.to_string());
            assert_eq!(format!("{} {}", shown(first), shown(second)), expected, "{text}");
        }
    }
}
