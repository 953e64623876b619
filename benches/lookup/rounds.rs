//! Asks every engine in turn: first whether it is right, then how fast it is.

use super::engine::Engine;
use super::output::{Line, Measured};
use super::tables::{Drawn, Key, Ranges};
use super::{NONE, QUERIES};

/// Rounds; odd, so that the median is one of them.
const ROUNDS: usize = 7;

/// Compares and times all engines on one table.
pub(crate) fn measure<'a, K: Key>(
    table: &Ranges<K>,
    engines: &mut [Box<dyn Engine<K> + 'a>],
) -> Measured {
    let lines = engines.iter().map(|engine| Line {
        name: engine.name(),
        bytes: engine.bytes(),
        build_secs: engine.build_secs(),
        nanos: Vec::new(),
    });
    let mut lines: Vec<Line> = lines.collect();
    let mut drawn_here = Vec::new();
    for drawn in Drawn::ALL {
        if drawn == Drawn::Uniform && K::BITS == 128 {
            // Of all IPv6 addresses one in 2¹⁰⁰ or so lies in a table.
            continue;
        }
        drawn_here.push(drawn);
        let keys = drawn.keys(table, QUERIES);
        compare(table, engines, drawn, &keys);
        let mut nanos = vec![Vec::new(); engines.len()];
        let mut sums = vec![None; engines.len()];
        for round in 0..ROUNDS {
            for turn in 0..engines.len() {
                let at = (turn + round) % engines.len();
                let Some(pass) = engines[at].pass(drawn, &keys) else { continue };
                let before = sums[at].replace(pass.sum);
                let name = engines[at].name();
                assert!(before.is_none_or(|sum| sum == pass.sum), "{name} answers by its mood");
                nanos[at].push(pass.nanos / keys.len() as f64);
            }
        }
        for (line, mut nanos) in lines.iter_mut().zip(nanos) {
            nanos.sort_by(f64::total_cmp);
            line.nanos.push(nanos.get(ROUNDS / 2).copied());
        }
    }
    Measured { name: table.name, original: table.original, drawn: drawn_here, lines }
}

/// All answers of all engines are those of plain binary search.
fn compare<'a, K: Key>(
    table: &Ranges<K>,
    engines: &mut [Box<dyn Engine<K> + 'a>],
    drawn: Drawn,
    keys: &[K],
) {
    let expected: Vec<u32> = keys.iter().map(|&key| table.plain(key)).collect();
    assert!(drawn == Drawn::Uniform || expected.iter().all(|&value| value != NONE));
    for engine in engines {
        engine.learn(drawn, keys);
        let values = engine.values(drawn, keys);
        let wrong = values.iter().zip(&expected).position(|(value, expected)| value != expected);
        assert!(
            values.len() == expected.len() && wrong.is_none(),
            "{}: {} of {} is wrong: {:?}",
            table.name,
            engine.name(),
            drawn.name(),
            wrong.map(|at| (keys[at].any_ip(), values[at], expected[at]))
        );
    }
}
