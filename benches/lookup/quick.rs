//! One line for each shipped set: ours alone, in a minute.

use std::hint::black_box;
use std::time::Instant;

use infralock::intel::{BundledSets, Intel, SET_IDS};

use super::engine::{LookUp, NONE};
use super::ours::Ours;
use super::tables::{Drawn, Key, Ranges};

pub(crate) fn table_of_all() {
    println!("look-ups on one core, in millions a second, random over each set's own prefixes:");
    println!("{:24} {:>10} {:>8} {:>10} {:>8}", "set", "IPv4", "M/s", "IPv6", "M/s");
    for &id in SET_IDS {
        let (v4, v6) = (line::<u32>(id), line::<u128>(id));
        if v4.is_some() || v6.is_some() {
            let none = || format!(" {:>10} {:>8}", "–", "–");
            println!("{id:24}{}{}", v4.unwrap_or_else(none), v6.unwrap_or_else(none));
        }
    }
    let start = Instant::now();
    let intel = Intel::from_sets(&BundledSets).unwrap();
    let opened = start.elapsed();
    black_box(intel.facts("8.8.8.8".parse().unwrap()));
    let first = start.elapsed();
    intel.decode_all();
    println!("opened in {opened:.1?}, first answer at {first:.1?}, all at {:.1?}", start.elapsed());
}

fn line<K: Key>(id: &'static str) -> Option<String> {
    let table = Ranges::<K>::shipped(id, id, 0);
    if table.rows.is_empty() {
        return None;
    }
    let ours = Ours::new(&table);
    let keys = Drawn::Prefixes.keys(&table, super::QUERIES);
    let mut answers = vec![NONE; keys.len()];
    let pass = |_| {
        let start = Instant::now();
        ours.look_up(&keys, black_box(&mut answers));
        let secs = start.elapsed().as_secs_f64();
        assert!(answers.iter().all(|&answer| answer != NONE), "{id}: drawn from its own ranges");
        keys.len() as f64 / 1e6 / secs
    };
    let best = (0..3).map(pass).fold(0.0, f64::max);
    Some(format!(" {:>10} {best:>8.1}", table.rows.len()))
}
