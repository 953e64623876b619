//! Images: what is put in by layers comes out by records.

use std::sync::atomic::{AtomicUsize, Ordering};

use infralock_trie::{
    Address, BuildError, Builder, Built, Image, LAYERS_MAX, Layer, Prefix, Records, Runs,
    SECTIONS_MAX, Table,
};
use proptest::prelude::*;

use crate::cases;
use crate::oracle::{Entries, Oracle, entries};

pub(crate) fn layer(name: &str, v4: &Entries<u32>, v6: &Entries<u128>) -> Layer {
    Layer {
        name: name.to_owned(),
        note: format!("{} of IPv4", v4.len()),
        v4: Runs::from_prefixes(v4.clone()).unwrap(),
        v6: Runs::from_prefixes(v6.clone()).unwrap(),
    }
}

pub(crate) fn bytes(built: &Built) -> Vec<u8> {
    let mut bytes = Vec::new();
    built.write_to(&mut bytes).unwrap();
    bytes
}

fn check_family<A: Address>(table: &Table<A>, records: &Records, layers: &[&Entries<A>]) {
    let oracles: Vec<Oracle<A>> = layers.iter().map(|rows| Oracle::new(rows)).collect();
    let borders: Vec<A> = oracles.iter().flat_map(Oracle::borders).collect();
    for &addr in &borders {
        let expected: Vec<Option<u32>> = oracles.iter().map(|oracle| oracle.get(addr)).collect();
        match table.get(addr) {
            Some(record) => {
                assert!(records.values(record).eq(expected.iter().copied()));
                assert_eq!(records.get(record, oracles.len()), None, "no such layer");
            }
            None => assert!(expected.iter().all(Option::is_none)),
        }
    }
    // Numbered as they are met, and every one is met.
    let mut met = 0;
    for (_, record) in table.ranges() {
        assert!(record <= met, "records ascend with the addresses");
        met = met.max(record + 1);
    }
    assert_eq!(records.len(), met as usize);
    assert_eq!(records.get(met, 0), None, "no such record");
}

type Rows = (Entries<u32>, Entries<u128>);

fn rows() -> impl Strategy<Value = Rows> {
    (entries::<u32>(25), entries::<u128>(25))
}

fn check_image(image: &Image, layers: &[(String, &Rows)]) {
    let v4: Vec<_> = layers.iter().map(|(_, rows)| &rows.0).collect();
    let v6: Vec<_> = layers.iter().map(|(_, rows)| &rows.1).collect();
    check_family(image.v4(), image.v4_records(), &v4);
    check_family(image.v6(), image.v6_records(), &v6);
    assert_eq!(image.layers().len(), layers.len());
    for (index, (name, rows)) in layers.iter().enumerate() {
        let info = &image.layers()[index];
        assert_eq!((image.layer(name), &info.name), (Some(index), name));
        assert_eq!(info.note, format!("{} of IPv4", rows.0.len()));
        let runs = Runs::from_prefixes(rows.1.clone()).unwrap();
        assert_eq!(info.runs[1], runs.ranges().count() as u64);
    }
    assert!(image.verify().is_empty());
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn records_say_what_the_layers_say(
        all in proptest::collection::vec(rows(), 0..6),
        other in rows(),
        gone in 0..6_usize,
    ) {
        let mut builder = Builder::new();
        let mut layers: Vec<(String, &Rows)> = Vec::new();
        for (index, rows) in all.iter().enumerate() {
            let name = format!("layer {index}");
            assert!(builder.insert(layer(&name, &rows.0, &rows.1)).is_none());
            layers.push((name, rows));
        }
        let image = Image::from_built(&builder.clone().build(|_, _| true).unwrap()).unwrap();
        check_image(&image, &layers);
        // The one after is replaced where it stands, and this one is taken out.
        if let Some(next) = layers.get_mut(gone + 1) {
            assert!(builder.insert(layer(&next.0, &other.0, &other.1)).is_some());
            next.1 = &other;
        }
        let had = builder.remove(&format!("layer {gone}"));
        assert_eq!(had.is_some(), gone < layers.len());
        if gone < layers.len() {
            layers.remove(gone);
        }
        assert_eq!(builder.layers().len(), layers.len());
        let built = builder.clone().build(|_, _| true).unwrap();
        let first = bytes(&built);
        assert_eq!(first, bytes(&builder.build(|_, _| true).unwrap()), "the same bytes always");
        let again = Image::from_bytes(&first).unwrap();
        check_image(&again, &layers);
        assert_eq!(again.bytes(), first.len());
        assert_eq!(again.id() == image.id(), layers.len() == all.len());
    }
}

fn one(value: u32) -> Layer {
    let prefix = Prefix::new(0xc000_0200_u32, 24).unwrap();
    layer(&format!("layer {value}"), &vec![(prefix, value)], &Entries::new())
}

#[test]
fn an_empty_image() {
    let image = Image::from_built(&Builder::new().build(|_, _| true).unwrap()).unwrap();
    assert_eq!((image.v4().get(7), image.v6().get(7)), (None, None));
    assert!(image.v4_records().is_empty() && image.layers().is_empty());
    assert_eq!(image.section("mine").unwrap(), None);
}

#[test]
fn layers_and_sections_up_to_the_bounds() {
    let mut builder = Builder::new();
    for value in 0..LAYERS_MAX as u32 {
        builder.insert(one(value));
    }
    let image = Image::from_built(&builder.clone().build(|_, _| true).unwrap()).unwrap();
    let record = image.v4().get(0xc000_02ff).unwrap();
    let values = image.v4_records().values(record);
    assert!(values.eq((0..LAYERS_MAX as u32).map(Some)));
    builder.insert(one(u32::MAX - 1));
    let error = builder.build(|_, _| true).unwrap_err();
    assert_eq!(error, BuildError::TooMany("layers"));

    let own = image.sections().count();
    let mut builder = Builder::new();
    for index in own..SECTIONS_MAX {
        builder.section(&format!("section {index}"), vec![index as u8; index]);
    }
    let image = Image::from_built(&builder.clone().build(|_, _| true).unwrap()).unwrap();
    for index in own..SECTIONS_MAX {
        let name = format!("section {index}");
        assert_eq!(image.section(&name).unwrap(), Some(vec![index as u8; index].as_slice()));
    }
    let last = image.sections().last().unwrap();
    assert_eq!((last.len, last.offset % 64), (SECTIONS_MAX as u64 - 1, 0));
    builder.section("one more", Vec::new());
    assert_eq!(builder.build(|_, _| true).unwrap_err(), BuildError::TooMany("sections"));
}

#[test]
fn names_that_cannot_be() {
    for name in ["", "a name of 25 bytes, alas!!", "v4.root", "zero\0", "given twice"] {
        let mut builder = Builder::new();
        builder.section("given twice", Vec::new());
        builder.section(name, Vec::new());
        let error = builder.build(|_, _| true).unwrap_err();
        assert_eq!(error, BuildError::Name(name.to_owned()));
        assert!(error.to_string().contains("24 bytes"), "{error}");
    }
}

#[test]
fn progress_is_told_and_stops_the_work() {
    let told = AtomicUsize::new(0);
    let mut builder = Builder::new();
    builder.insert(one(1));
    let watch = |done, of| {
        assert!(done <= of);
        told.fetch_add(1, Ordering::Relaxed);
        true
    };
    builder.clone().build(watch).unwrap();
    assert!(told.load(Ordering::Relaxed) >= 2, "by both families");
    assert_eq!(builder.clone().build(|_, _| false).unwrap_err(), BuildError::Stopped);
    let panics = std::panic::catch_unwind(|| builder.build(|_, _| panic!("mine")));
    assert!(panics.is_err(), "the caller's panic is not taken for a stop");
}

#[test]
#[cfg_attr(miri, ignore = "no maps under Miri")]
fn files_are_mapped_and_read() {
    let mut builder = Builder::new();
    builder.insert(one(5));
    builder.section("mine", b"what the values mean".to_vec());
    // More than what is kept in pages of its own.
    builder.section("large", vec![7; 3 << 20]);
    let built = builder.build(|_, _| true).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.image");
    built.write_to(&mut std::fs::File::create(&path).unwrap()).unwrap();
    let (mapped, read) = (Image::open(&path).unwrap(), Image::read(&path).unwrap());
    let kept = mapped.clone();
    drop(mapped);
    // The file goes, what is mapped stays.
    std::fs::remove_file(&path).unwrap();
    for image in [kept, read, Image::from_built(&built).unwrap()] {
        assert_eq!(
            image.v4().get(0xc000_0207).map(|r| image.v4_records().get(r, 0)),
            Some(Some(5))
        );
        assert_eq!(image.section("mine").unwrap(), Some(b"what the values mean".as_slice()));
        assert!(image.verify().is_empty());
    }
    assert!(matches!(Image::open(&path), Err(infralock_trie::ImageError::Io(_))));
    std::fs::write(&path, b"").unwrap();
    for result in [Image::open(&path), Image::read(&path)] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains("[head]@0") || error.contains("empty"), "{error}");
    }
}

#[test]
fn what_is_public_may_be_sent_and_shared() {
    fn is<T: Send + Sync + std::fmt::Debug>() {}
    is::<Table<u32>>();
    is::<Table<u128>>();
    is::<Runs<u128>>();
    is::<infralock_trie::PrefixMap<u128>>();
    is::<Builder>();
    is::<Built>();
    is::<Image>();
    is::<Records>();
    is::<infralock_trie::Swap<Image>>();
    is::<infralock_trie::Reader<Image>>();
    is::<infralock_trie::ImageError>();
    is::<BuildError>();
}
