//! Tables of prefixes: as operations of a builder, and as images whose checksums are right.

use infralock_trie::{
    Address, Builder, Image, ImageError, Kernel, Layer, Prefix, PrefixMap, Runs, Table,
};

/// Operations of six bytes: what to do, a length, and the four bytes that an address begins with.
pub fn fuzz_trie_builder(data: &[u8]) {
    let (mut v4, mut v6) = (PrefixMap::<u32>::new(), PrefixMap::<u128>::new());
    let mut builder = Builder::new();
    for &[what, len, a, b, c, d] in data.as_chunks::<6>().0.iter().take(500) {
        let addr = u32::from_be_bytes([a, b, c, d]);
        let wide = u128::from(addr) << 96 | u128::from(addr >> 3) << 60 | u128::from(d);
        let value = u32::from(what) * 7;
        let prefix4 = Prefix::new(addr, len % 33).unwrap();
        let prefix6 = Prefix::new(wide, len % 129).unwrap();
        match what % 8 {
            0 => drop(v4.remove(prefix4)),
            1 => drop(v6.remove(prefix6)),
            2 => drop(builder.insert(Layer {
                name: (c % 5).to_string(),
                note: String::new(),
                v4: Runs::from(&v4),
                v6: Runs::from(&v6.aggregate()),
            })),
            3 => drop(builder.remove(&(c % 5).to_string())),
            4 | 5 => drop(v6.insert(prefix6, value)),
            _ => drop(v4.insert(prefix4, value)),
        }
    }
    agree(&v4);
    agree(&v6);
    let names: Vec<String> = builder.layers().iter().map(|layer| layer.name.clone()).collect();
    let layers = builder.layers().to_vec();
    let image = Image::from_built(&builder.build(|_, _| true).unwrap()).unwrap();
    assert!(image.layers().iter().map(|layer| &layer.name).eq(&names));
    for (index, layer) in layers.iter().enumerate() {
        for (range, value) in layer.v4.ranges() {
            let record = image.v4().get(range.last()).unwrap();
            assert_eq!(image.v4_records().get(record, index), Some(value));
        }
        for (range, value) in layer.v6.ranges() {
            let record = image.v6().get(range.last()).unwrap();
            assert_eq!(image.v6_records().get(record, index), Some(value));
        }
    }
}

fn agree<A: Address>(map: &PrefixMap<A>) {
    let table = Table::new(&Runs::from(map)).unwrap();
    for (prefix, _) in map {
        for addr in [prefix.first(), prefix.last(), prefix.first().before().unwrap_or_default()] {
            let expected = map.longest_match(addr).map(|(_, value)| value);
            assert_eq!(table.get(addr), expected, "{}", Prefix::host(addr));
        }
    }
    assert_eq!(table.runs(), Runs::from(&map.aggregate()));
}

/// Any bytes as an image, as they are and with every checksum made right.
pub fn fuzz_trie_image(data: &[u8]) {
    ask(Image::from_bytes(data));
    let mut data = data.to_vec();
    if rehash(&mut data).is_some() {
        ask(Image::from_bytes(&data));
    }
}

fn ask(image: Result<Image, ImageError>) {
    let image = match image {
        Ok(image) => image,
        Err(error) => return assert!(error.to_string().starts_with('['), "{error}"),
    };
    walk(image.v4());
    walk(image.v6());
    for records in [image.v4_records(), image.v6_records()] {
        assert_eq!(records.values(records.len() as u32 / 2).count(), image.layers().len());
    }
    image.verify();
}

fn walk<A: Address>(table: &Table<A>) {
    let mut addrs = vec![A::MIN, A::MAX, A::from_u128(0xc000_0201)];
    addrs.extend(table.ranges().take(20).map(|(range, _)| range.last()));
    let mut values = vec![0; addrs.len()];
    for kernel in Kernel::ALL {
        table.clone().with_kernel(kernel).get_batch(&addrs, &mut values);
    }
    for &addr in &addrs {
        assert!(table.get_range(addr).0.contains(addr));
        table.get_with_prefix(addr);
        table.neighbours(addr);
    }
    table.runs();
}

/// Sets every checksum to that of the bytes it is for.
fn rehash(data: &mut [u8]) -> Option<()> {
    let count = u32::from_le_bytes(*data.get(12..)?.first_chunk()?).min(300) as usize;
    let end = 64 + 72 * count;
    for at in (64..end.min(data.len().saturating_sub(71))).step_by(72) {
        let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| data[at + byte]));
        let (offset, len) = (number(at + 24) as usize, number(at + 32) as usize);
        if let Some(body) = data.get(offset..offset.saturating_add(len)) {
            let hash = blake3::hash(body);
            data[at + 40..at + 72].copy_from_slice(hash.as_bytes());
        }
    }
    let hash = blake3::hash(data.get(64..end)?);
    let bytes = (data.len() as u64).to_le_bytes();
    data.get_mut(16..24)?.copy_from_slice(&bytes);
    data.get_mut(24..56)?.copy_from_slice(hash.as_bytes());
    Some(())
}
