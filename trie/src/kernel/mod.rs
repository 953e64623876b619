//! Many look-ups at once: the same walk for a row of addresses, step by step, so that the memory
//! works on all of them while none is waited for.
//!
//! Which way is taken is decided when a table is made, by what the processor can; all give the
//! same answers, and tests compare them.

mod staged;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "gathers, and loads into registers, take pointers")]
mod x86;

use crate::v4::V4;
use crate::v6::V6;

/// A way to look up many addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// Plain Rust, on every processor; the compiler uses NEON on AArch64 and SSE2 on x86-64.
    Portable,
    /// x86-64 with AVX2 and POPCNT, with prefetches.
    Avx2,
    /// x86-64 with AVX-512: eight IPv4 walks in one register, sixteen IPv6 keys in two.
    Avx512,
}

impl Kernel {
    /// All of them, the fastest first.
    pub const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Portable];

    /// The fastest one that this processor can.
    pub fn best() -> Self {
        Self::ALL.into_iter().find(|kernel| kernel.is_available()).unwrap_or(Self::Portable)
    }

    /// Whether this processor can.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => x86::has_avx2(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => x86::has_avx512(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }
}

/// The values of `addrs`, which are as many as `values`.
pub(crate) fn v4(kernel: Kernel, table: &V4, addrs: &[u32], values: &mut [u32]) {
    #[cfg(target_arch = "x86_64")]
    if x86::v4(kernel, table, addrs, values) {
        return;
    }
    let _ = kernel;
    staged::v4(table, addrs, values, |_| ());
}

/// The values of `addrs`, which are as many as `values`.
pub(crate) fn v6(kernel: Kernel, table: &V6, addrs: &[u128], values: &mut [u32]) {
    #[cfg(target_arch = "x86_64")]
    if x86::v6(kernel, table, addrs, values) {
        return;
    }
    let _ = kernel;
    staged::v6(table, addrs, values, |_| ());
}
