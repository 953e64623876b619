//! A guess of the operating system from its SYN: initial TTL, order of the options, window.
//!
//! The rows are facts that p0f 3 (Zalewski 2012–2014), nmap's documentation and the systems' own
//! sources (`tcp_output.c` and kin) agree on. Each row must fit exactly, or there is no guess: a
//! scanner that builds its own SYN has no options or none in these orders. NAT, proxies and load
//! balancers show their own stack. It is shown as a guess and carries no weight.

use crate::wire::Tcp;

/// A stack: how its SYN looks.
struct Stack {
    name: &'static str,
    /// The TTL it starts with.
    ttl: u8,
    /// Kinds of the options in order (2 maximum segment size, 3 window scale, 4 SACK permitted,
    /// 8 time stamps, 1 padding), as far as [`Tcp::options`] holds.
    options: [u8; 8],
    window: Window,
}

/// What the window must be.
enum Window {
    /// One of these.
    OneOf(&'static [u16]),
    /// A multiple of the maximum segment size.
    TimesMss,
}

const STACKS: &[Stack] = &[
    Stack {
        name: "Linux",
        ttl: 64,
        options: [2, 4, 8, 1, 3, 0, 0, 0],
        // Since 2.6: a multiple of the segment size; 64,240 and 29,200 are such for Ethernet, and
        // stay on links with a smaller segment. 65,535 and 65,495 (loopback) occur too.
        window: Window::TimesMss,
    },
    Stack {
        name: "Linux",
        ttl: 64,
        options: [2, 4, 8, 1, 3, 0, 0, 0],
        window: Window::OneOf(&[64_240, 29_200, 65_535, 65_495, 14_600, 5_840]),
    },
    Stack {
        name: "Windows",
        ttl: 128,
        // Vista and later.
        options: [2, 1, 3, 1, 1, 4, 0, 0],
        window: Window::OneOf(&[8_192, 64_240, 65_535, 64_000, 62_727]),
    },
    Stack {
        name: "Windows",
        ttl: 128,
        // With time stamps switched on.
        options: [2, 1, 3, 4, 8, 0, 0, 0],
        window: Window::OneOf(&[8_192, 64_240, 65_535]),
    },
    Stack {
        name: "Windows XP or 2003",
        ttl: 128,
        options: [2, 1, 1, 4, 0, 0, 0, 0],
        window: Window::OneOf(&[16_384, 64_240, 64_512, 65_535]),
    },
    Stack {
        name: "macOS or iOS",
        ttl: 64,
        options: [2, 1, 3, 1, 1, 8, 4, 0],
        window: Window::OneOf(&[65_535]),
    },
    Stack {
        name: "FreeBSD",
        ttl: 64,
        options: [2, 1, 3, 4, 8, 0, 0, 0],
        window: Window::OneOf(&[65_535]),
    },
    Stack {
        name: "OpenBSD",
        ttl: 64,
        options: [2, 1, 1, 4, 1, 3, 1, 1],
        window: Window::OneOf(&[16_384]),
    },
];

/// Hops between a host and us at most: more are rare, and 32 keeps the starting values apart.
const HOPS_MAX: u8 = 32;

/// The stack that sent this SYN; `None` unless one row fits.
pub(super) fn guess(tcp: &Tcp, ttl: u8) -> Option<&'static str> {
    let fits = |stack: &&Stack| {
        stack.options == tcp.options
            && stack.ttl.checked_sub(ttl).is_some_and(|hops| hops <= HOPS_MAX)
            && match stack.window {
                Window::OneOf(windows) => windows.contains(&tcp.window),
                Window::TimesMss => {
                    tcp.mss >= 256 && tcp.window.is_multiple_of(tcp.mss) && tcp.window > 0
                }
            }
    };
    STACKS.iter().find(fits).map(|stack| stack.name)
}

/// The program's own name for a system that is written so; `None`: no such name is known. Gives a
/// stored flow its guess back.
pub fn known_os(name: &str) -> Option<&'static str> {
    STACKS.iter().map(|stack| stack.name).find(|known| *known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(options: &[u8], ttl: u8, window: u16, expected: Option<&str>) {
        let mut tcp = Tcp { flags: Tcp::SYN, mss: 1_460, window, ..Tcp::default() };
        tcp.options[..options.len()].copy_from_slice(options);
        assert_eq!(guess(&tcp, ttl), expected, "{options:?} {ttl} {window}");
    }

    #[test]
    fn known_stacks_are_named() {
        check(&[2, 4, 8, 1, 3], 64, 64_240, Some("Linux"));
        check(&[2, 4, 8, 1, 3], 51, 1_460 * 20, Some("Linux"));
        check(&[2, 1, 3, 1, 1, 4], 117, 64_240, Some("Windows"));
        check(&[2, 1, 1, 4], 128, 65_535, Some("Windows XP or 2003"));
        check(&[2, 1, 3, 1, 1, 8, 4, 0], 60, 65_535, Some("macOS or iOS"));
        check(&[2, 1, 3, 4, 8], 64, 65_535, Some("FreeBSD"));
    }

    #[test]
    fn what_is_not_clear_stays_open() {
        check(&[2], 250, 1_024, None);
        check(&[2, 4, 8, 1, 3], 128, 64_240, None);
        check(&[2, 4, 8, 1, 3], 31, 64_240, None);
        check(&[2, 1, 3, 1, 1, 4], 117, 1_000, None);
        check(&[], 64, 65_535, None);
    }
}
