//! Look-ups from two threads while images are swapped, and while none is: answers that are wrong,
//! and batches that took longer than a millisecond.
//!
//! `cargo run --release -p infralock-trie --example swaps [look-ups of each thread]`
#![allow(
    clippy::print_stdout,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "it measures and prints"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use infralock_trie::{BuildError, Builder, Image, Layer, Prefix, Runs, Swap};

const SWAPS: u64 = 100;
const BATCH: usize = 512;
const NETS: u32 = 200_000;

/// Each /24 of 200,000 says the version and its own number: images differ in every answer.
fn image(version: u32) -> Result<Image, BuildError> {
    let rows = (0..NETS).filter_map(|net| {
        let prefix = Prefix::new(0x0100_0000_u32 + (net << 8), 24)?;
        Some((prefix, net * 2 + version % 2))
    });
    let mut builder = Builder::new();
    let v4 = Runs::from_prefixes(rows.collect()).unwrap_or_default();
    builder.insert(Layer { name: "net".into(), v4, ..Layer::default() });
    Ok(Image::from_built(&builder.build(|_, _| true)?).unwrap_or_else(|error| panic!("{error}")))
}

#[derive(Default)]
struct Seen {
    wrong: u64,
    stalls: u64,
    longest: Duration,
}

fn read(swap: &Swap<Image>, asked: u64, seed: u32) -> Seen {
    let (mut reader, mut seen, mut state) = (swap.reader(), Seen::default(), seed);
    let (mut addrs, mut values) = ([0_u32; BATCH], [0_u32; BATCH]);
    for _ in 0..asked / BATCH as u64 {
        for addr in &mut addrs {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *addr = 0x0100_0000 + (((state >> 8) % NETS) << 8 | state & 0xff);
        }
        let begun = Instant::now();
        let held = reader.load();
        held.v4().get_batch(&addrs, &mut values);
        let took = begun.elapsed();
        seen.longest = seen.longest.max(took);
        seen.stalls += u64::from(took > Duration::from_millis(1));
        let version = held.version() as u32;
        for (&addr, &record) in addrs.iter().zip(&values) {
            let expected = ((addr - 0x0100_0000) >> 8) * 2 + version % 2;
            seen.wrong += u64::from(held.v4_records().get(record, 0) != Some(expected));
        }
    }
    seen
}

fn round(name: &str, asked: u64, writes: bool) -> Result<(), BuildError> {
    let swap = Swap::from(image(1)?);
    // Built before: what is measured is the swap, not a build beside it on the same two cores.
    let images = [Arc::new(image(2)?), Arc::new(image(1)?)];
    let (done, begun) = (AtomicBool::new(false), Instant::now());
    let (seen, swaps) = std::thread::scope(|scope| {
        let readers = [1, 2].map(|seed| {
            scope.spawn({
                let swap = &swap;
                move || read(swap, asked, seed)
            })
        });
        let writer = scope.spawn(|| {
            let mut swaps = 0;
            while writes && swaps < SWAPS && !done.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(asked / 40_000 / SWAPS));
                swap.swap(Arc::clone(&images[(swaps % 2) as usize]));
                swaps += 1;
            }
            swaps
        });
        let seen = readers.map(|reader| reader.join().unwrap_or_default());
        done.store(true, Ordering::Relaxed);
        (seen, writer.join().unwrap_or_default())
    });
    let millions = (2 * asked) as f64 / 1e6;
    println!(
        "{name}: {millions} M look-ups, {swaps} swaps, {} wrong, {} stalls over 1 ms, longest {:?}, \
         {:.0} M/s",
        seen.iter().map(|seen| seen.wrong).sum::<u64>(),
        seen.iter().map(|seen| seen.stalls).sum::<u64>(),
        seen.iter().map(|seen| seen.longest).max().unwrap_or_default(),
        millions / begun.elapsed().as_secs_f64(),
    );
    Ok(())
}

fn main() -> Result<(), BuildError> {
    let asked = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(50_000_000);
    for _ in 0..3 {
        round("without swaps", asked, false)?;
        round("with swaps   ", asked, true)?;
    }
    Ok(())
}
