//! Images swapped while others look up in them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use infralock_trie::{Builder, Image, Layer, Prefix, Runs, Swap};

use crate::oracle::Chance;
use crate::times;

/// The image of a version: each address of 192.0.2.0/24 and each /64 of 2001:db8::/56 answers
/// with the version and its own number.
fn image(version: u32) -> Arc<Image> {
    let v4 = (0..256).map(|at| (Prefix::host(0xc000_0200_u32 + at), version * 1000 + at));
    let v6 = (0..256_u32).map(|at| {
        let addr = 0x2001_0db8_u128 << 96 | u128::from(at) << 64;
        (Prefix::new(addr, 64).unwrap(), version * 1000 + at)
    });
    let mut builder = Builder::new();
    builder.insert(Layer {
        name: "version".into(),
        v4: Runs::from_prefixes(v4.collect()).unwrap(),
        v6: Runs::from_prefixes(v6.collect()).unwrap(),
        ..Layer::default()
    });
    Arc::new(Image::from_built(&builder.build(|_, _| true).unwrap()).unwrap())
}

#[test]
fn two_threads_look_up_during_a_hundred_swaps() {
    let swaps = times(100, 3) as u32;
    let swap = Swap::new(image(1));
    let asked = AtomicUsize::new(0);
    let read = || {
        let (mut reader, mut chance) = (swap.reader(), Chance::seeded(1));
        let mut values = [0; 100];
        loop {
            let held = reader.load();
            let version = held.version() as u32;
            let ats: [u32; 100] = std::array::from_fn(|_| chance.below(256) as u32);
            held.v4().get_batch(&ats.map(|at| 0xc000_0200 + at), &mut values);
            for (&at, &record) in ats.iter().zip(&values) {
                assert_eq!(held.v4_records().get(record, 0), Some(version * 1000 + at));
                let record = held.v6().get(0x2001_0db8 << 96 | u128::from(at) << 64).unwrap();
                assert_eq!(held.v6_records().get(record, 0), Some(version * 1000 + at));
            }
            asked.fetch_add(200, Ordering::Relaxed);
            if version == swaps + 1 {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(read);
        scope.spawn(read);
        for version in 2..=swaps + 1 {
            assert_eq!(swap.swap(image(version)), u64::from(version));
        }
    });
    assert_eq!(swap.reclaim(), 0, "every old image is gone");
    assert!(asked.load(Ordering::Relaxed) >= 400);
}
