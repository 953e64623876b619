//! Files that no builder wrote: an error that says where, or answers that end.

use infralock_trie::{Address, Builder, Image, ImageError, Prefix, Runs, Table};

use crate::images::{bytes, layer};
use crate::oracle::{Chance, Entries};
use crate::times;

const HEAD: usize = 64;
const ENTRY: usize = 72;

/// A small image with splits in both families, records, a note and a section.
fn small() -> Vec<u8> {
    let v4: Entries<u32> = ["192.0.2.0/24", "192.0.2.16/28", "198.51.100.7/32", "203.0.113.0/25"]
        .iter()
        .zip(1..)
        .map(|(text, value)| (text.parse().unwrap(), value))
        // Miri would hash the half megabyte of a root for minutes.
        .filter(|_| !cfg!(miri))
        .collect();
    let v6: Entries<u128> = (0..300)
        .map(|index| (0x2001_0db8_u128 << 96 | index << 76, 52))
        .chain([(0x2001_0db8 << 96 | 1, 128), (0x2001_0db8 << 96 | 1 << 66, 70)])
        .zip(0..)
        .map(|((addr, len), value)| (Prefix::new(addr, len).unwrap(), value))
        .collect();
    let mut builder = Builder::new();
    builder.insert(layer("one", &v4, &v6));
    builder.insert(layer("two", &v4.iter().copied().skip(1).take(2).collect(), &v6[2..9].to_vec()));
    builder.section("mine", vec![9; 100]);
    bytes(&builder.build(|_, _| true).unwrap())
}

/// Makes every checksum right again, wherever the section table now says that sections lie.
fn rehash(bytes: &mut [u8]) {
    let Some(&count) = bytes.get(12..).and_then(<[u8]>::first_chunk::<4>) else { return };
    let end = (u32::from_le_bytes(count) as usize).saturating_mul(ENTRY).saturating_add(HEAD);
    let end = end.min(bytes.len() / ENTRY * ENTRY).max(HEAD).min(bytes.len());
    if bytes.len() < HEAD {
        return;
    }
    for at in (HEAD..end.saturating_sub(ENTRY - 1)).step_by(ENTRY) {
        let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let (offset, len) = (number(at + 24) as usize, number(at + 32) as usize);
        if let Some(body) = bytes.get(offset..offset.saturating_add(len)) {
            let hash = blake3::hash(body);
            bytes[at + 40..at + 72].copy_from_slice(hash.as_bytes());
        }
    }
    let hash = blake3::hash(&bytes[HEAD..end]);
    bytes[24..56].copy_from_slice(hash.as_bytes());
}

/// Walks everything there is, and asks every question at a few places.
fn walk<A: Address>(table: &Table<A>, few: usize) {
    let mut chance = Chance::seeded(few as u64);
    let mut addrs = vec![A::MIN, A::MAX];
    addrs.extend((0..few).map(|_| chance.addr::<A>()));
    addrs.extend(table.ranges().take(few).flat_map(|(range, _)| [range.first(), range.last()]));
    let mut values = vec![0; addrs.len()];
    for kernel in infralock_trie::Kernel::ALL {
        table.clone().with_kernel(kernel).get_batch(&addrs, &mut values);
    }
    for &addr in &addrs {
        let (range, _) = table.get_range(addr);
        assert!(range.contains(addr));
        table.get(addr);
        table.get_with_prefix(addr);
        table.neighbours(addr);
    }
    assert!(table.covered(Prefix::new(A::MAX, 8).unwrap()).is_sorted());
    // As many as a table of this size can have, not as many as it claims.
    let most = 8 * table.bytes() + (1 << 16);
    assert!(table.runs().len() <= 2 * most + 1);
}

fn ask(image: &Image, few: usize) {
    walk(image.v4(), few);
    walk(image.v6(), few);
    for records in [image.v4_records(), image.v6_records()] {
        for record in [0, 1, records.len() as u32, u32::MAX] {
            assert_eq!(records.values(record).count(), image.layers().len());
        }
    }
    drop(image.section("mine"));
    image.verify();
}

/// What opening says; an error names a section and a place in or near the file.
fn open(bytes: &[u8], few: usize) -> Option<ImageError> {
    match Image::from_bytes(bytes) {
        Ok(image) => {
            ask(&image, few);
            None
        }
        Err(error) => {
            let ImageError::Bad { offset, what, .. } = &error else { panic!("{error}") };
            assert!(*offset <= bytes.len() as u64 && !what.is_empty(), "{error}");
            assert!(error.to_string().starts_with('['), "{error}");
            Some(error)
        }
    }
}

#[test]
fn a_file_cut_anywhere_says_so() {
    let whole = small();
    assert!(open(&whole, 20).is_none());
    // Each of the first bytes, and then here and there.
    let lens = (0..3_000).chain((3_000..whole.len()).step_by(977)).chain([whole.len() - 1]);
    for len in lens.step_by(times(1, 500)) {
        let error = open(&whole[..len], 1).unwrap().to_string();
        assert!(error.starts_with("[head]@"), "{len}: {error}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(open(&longer, 1).unwrap().to_string().contains("nothing belongs behind"));
}

#[test]
fn versions_older_and_newer_are_named() {
    for (version, age) in [(0_u32, "older"), (2, "newer"), (u32::MAX, "newer")] {
        let mut file = small();
        file[8..12].copy_from_slice(&version.to_le_bytes());
        let error = open(&file, 1).unwrap().to_string();
        assert!(error.starts_with("[head]@8: version") && error.contains(age), "{error}");
    }
}

#[test]
fn a_damaged_byte_is_found_by_its_section() {
    let whole = small();
    let image = Image::from_bytes(&whole).unwrap();
    for section in image.sections().filter(|section| section.len > 0) {
        let mut file = whole.clone();
        file[section.offset as usize] ^= 1;
        let found = match Image::from_bytes(&file) {
            Ok(image) => image.verify().first().unwrap().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(found.starts_with(&format!("[{}]@{}", section.name, section.offset)), "{found}");
        if section.name == "mine" {
            assert!(Image::from_bytes(&file).unwrap().section("mine").is_err());
        }
    }
}

/// Every byte of head, table and the small sections set to a few numbers, with checksums wrong and
/// right.
#[test]
fn every_byte_may_lie() {
    let whole = small();
    let image = Image::from_bytes(&whole).unwrap();
    let layers = image.sections().find(|section| section.name == "layers").unwrap();
    let head = HEAD + image.sections().count() * ENTRY;
    let places = (0..head).chain(layers.offset as usize..(layers.offset + layers.len) as usize);
    for at in places.step_by(times(1, 97)) {
        for value in [0, 1, 0x7f, 0xff, whole[at] ^ 1, whole[at].wrapping_add(1)] {
            let mut file = whole.clone();
            file[at] = value;
            open(&file, 1);
            rehash(&mut file);
            open(&file, 1);
        }
    }
}

#[test]
fn sections_of_hostile_numbers_end() {
    let whole = small();
    let image = Image::from_bytes(&whole).unwrap();
    let tables: Vec<_> = image.sections().filter(|section| section.name.starts_with('v')).collect();
    let mut chance = Chance::seeded(3);
    for round in 0..times(1_500, 4) {
        let mut file = whole.clone();
        for _ in 0..=chance.below(6) {
            let section = &tables[chance.below(tables.len())];
            let (offset, len) = (section.offset as usize, section.len as usize);
            if len < 8 {
                continue;
            }
            let at = offset + chance.below(len - 7);
            match chance.below(4) {
                0 => file[at] = chance.next() as u8,
                1 => file[at..at + 8].copy_from_slice(&chance.next().to_le_bytes()),
                2 => file[at..at + 8].fill(0xff),
                // All of it: the same eight bytes over and over, or noise.
                _ => {
                    let (word, is_noise) = (chance.next().to_le_bytes(), chance.below(2) == 0);
                    for byte in 0..len {
                        file[offset + byte] =
                            if is_noise { chance.next() as u8 } else { word[byte % 8] };
                    }
                }
            }
        }
        rehash(&mut file);
        assert!(open(&file, 8).is_none(), "round {round}: sizes did not change");
    }
}

/// Parts that are shared make a table of few bytes tell of all addresses one by one.
#[test]
fn a_table_that_claims_every_address_has_an_end() {
    let whole = small();
    let image = Image::from_bytes(&whole).unwrap();
    let mut file = whole.clone();
    for section in image.sections() {
        let body = section.offset as usize..(section.offset + section.len) as usize;
        match section.name.as_str() {
            "v4.root" | "v6.blocks" => file[body].fill(0),
            "v4.bitmaps" | "v4.codes" | "v6.leaves" => file[body].fill(0xff),
            // Starts that descend: every /64 is a stretch of its own.
            "v6.index" => {
                for (number, word) in file[body].chunks_exact_mut(8).enumerate() {
                    let first = if number % 16 == 0 { u64::MAX } else { 5 };
                    word.copy_from_slice(&first.to_le_bytes());
                }
            }
            _ => {}
        }
    }
    rehash(&mut file);
    assert!(open(&file, 5).is_none());
    let table = Image::from_bytes(&file).unwrap();
    assert!(table.v6().ranges().count() <= 8 * table.v6().bytes());
}

#[test]
fn a_table_of_runs_survives_what_an_image_says() {
    // Set operations over tables of hostile images make tables of their own.
    let mut file = small();
    let image = Image::from_bytes(&file).unwrap();
    let codes = image.sections().find(|section| section.name == "v4.codes").unwrap();
    file[codes.offset as usize..(codes.offset + codes.len) as usize].fill(0xa5);
    rehash(&mut file);
    let hostile = Image::from_bytes(&file).unwrap();
    let runs: Runs<u32> = hostile.v4().runs();
    if let Ok(table) = hostile.v4().union(image.v4()) {
        assert_eq!(table.get(0xc000_0201), runs.get(0xc000_0201).or(image.v4().get(0xc000_0201)));
    }
}
