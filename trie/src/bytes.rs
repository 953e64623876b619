//! Where the numbers of a table lie: in memory of our own or in a mapped file.
//!
//! The only module that makes slices from pointers. A [`Section`] keeps what it points into alive,
//! so that a look-up costs no more than a pointer, and a table may be cloned and sent anywhere.

use std::fmt;
use std::io::Read;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use bytemuck::Pod;

/// Bytes that live as long as the sections that point into them.
#[derive(Clone)]
pub(crate) enum Owner {
    /// Memory of our own, aligned to a cache line.
    Heap(Arc<Lines>),
    /// A mapped file or pages asked of the system; the kernel aligns them to a page.
    Map(Arc<memmap2::Mmap>),
}

/// Bytes of a cache line on the processors this is made for.
pub(crate) const LINE_BYTES: usize = 64;

/// A cache line, so that a vector of them is aligned to one.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE_BYTES]);

/// Memory of whole cache lines.
pub(crate) struct Lines {
    lines: Vec<Line>,
    bytes: usize,
}

impl Lines {
    /// A copy of these bytes, with zeros up to the end of the line and a line of zeros after them.
    pub(crate) fn copy(bytes: &[u8]) -> Self {
        let mut lines: Vec<Line> = Vec::with_capacity(bytes.len() / LINE_BYTES + 2);
        let (whole, rest) = bytes.as_chunks::<LINE_BYTES>();
        lines.extend(whole.iter().map(|line| Line(*line)));
        let mut last = [0; LINE_BYTES];
        last[..rest.len()].copy_from_slice(rest);
        lines.push(Line(last));
        lines.push(Line([0; LINE_BYTES]));
        Self { lines, bytes: bytes.len() }
    }

    fn as_ptr(&self) -> *const u8 {
        self.lines.as_ptr().cast()
    }
}

/// From here on pages of our own are asked for, and to be huge ones.
const MAP_BYTES_MIN: usize = 1 << 20;

impl Owner {
    /// A copy of these bytes.
    pub(crate) fn copy(bytes: &[u8]) -> Self {
        // Miri has no maps.
        if bytes.len() >= MAP_BYTES_MIN
            && !cfg!(miri)
            && let Ok(owner) = huge_pages(bytes.len(), |map| {
                map.copy_from_slice(bytes);
                Ok(())
            })
        {
            return owner;
        }
        Self::Heap(Arc::new(Lines::copy(bytes)))
    }

    /// A file, mapped for reading.
    pub(crate) fn map(file: &std::fs::File) -> std::io::Result<Self> {
        // SAFETY: the map is only read, by sections that check every bound. Another process that
        // writes the file changes numbers that are never trusted to be in bounds; `Image::open`
        // asks that none cuts it.
        let map = unsafe { memmap2::Mmap::map(file)? };
        Ok(Self::Map(Arc::new(map)))
    }

    /// A copy of a file.
    pub(crate) fn read(mut file: &std::fs::File) -> std::io::Result<Self> {
        let bytes = usize::try_from(file.metadata()?.len()).map_err(std::io::Error::other)?;
        if bytes >= MAP_BYTES_MIN && !cfg!(miri) {
            return huge_pages(bytes, |map| file.read_exact(map));
        }
        let mut copy = vec![0; bytes];
        file.read_exact(&mut copy)?;
        Ok(Self::Heap(Arc::new(Lines::copy(&copy))))
    }

    fn parts(&self) -> (*const u8, usize) {
        match self {
            Self::Heap(lines) => (lines.as_ptr(), lines.bytes),
            Self::Map(map) => (map.as_ptr(), map.len()),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Heap(lines) => {
                // SAFETY: `lines` holds at least `bytes` initialised bytes at that address, and
                // neither changes nor goes while it is borrowed through `self`.
                unsafe { std::slice::from_raw_parts(lines.as_ptr(), lines.bytes) }
            }
            Self::Map(map) => map,
        }
    }

    /// The numbers that lie at `offset`, `len` of them; `None` if they are not inside or not
    /// aligned for `T`.
    pub(crate) fn section<T: Pod>(&self, offset: usize, len: usize) -> Option<Section<T>> {
        let (ptr, had) = self.parts();
        let bytes = len.checked_mul(size_of::<T>())?;
        if offset.checked_add(bytes)? > had {
            return None;
        }
        // `offset` is at most `had`, so this stays inside the allocation or just past its end.
        let ptr = ptr.wrapping_add(offset).cast::<T>();
        if !ptr.is_aligned() {
            return None;
        }
        let ptr = NonNull::new(ptr.cast_mut())?;
        Some(Section { ptr, len, owner: self.clone(), kind: PhantomData })
    }
}

/// So many bytes in pages of the system, large ones where it has them: a table of 20 MB in pages of 4 kB
/// has more of them than the processor remembers, and every look-up would walk the page table.
fn huge_pages(
    bytes: usize,
    fill: impl FnOnce(&mut [u8]) -> std::io::Result<()>,
) -> std::io::Result<Owner> {
    let mut map = memmap2::MmapMut::map_anon(bytes)?;
    #[cfg(target_os = "linux")]
    if map.advise(memmap2::Advice::HugePage).is_err() {
        // Without them the table is the same, only slower.
    }
    fill(&mut map)?;
    Ok(Owner::Map(Arc::new(map.make_read_only()?)))
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, (_, bytes)) = match self {
            Self::Heap(_) => ("Heap", self.parts()),
            Self::Map(_) => ("Map", self.parts()),
        };
        write!(f, "{name}({bytes} bytes)")
    }
}

/// Numbers of one kind inside an [`Owner`].
pub(crate) struct Section<T> {
    ptr: NonNull<T>,
    len: usize,
    owner: Owner,
    kind: PhantomData<T>,
}

// SAFETY: a section only ever gives out shared references to numbers that nobody in this process
// writes, and its owner is `Send` and `Sync` itself (two `Arc`s of immutable memory).
unsafe impl<T: Pod + Send + Sync> Send for Section<T> {}
// SAFETY: as above.
unsafe impl<T: Pod + Send + Sync> Sync for Section<T> {}

impl<T> Clone for Section<T> {
    fn clone(&self) -> Self {
        Self { ptr: self.ptr, len: self.len, owner: self.owner.clone(), kind: PhantomData }
    }
}

impl<T: Pod> std::ops::Deref for Section<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `Owner::section` made `ptr` from the owner's bytes, checked that `len` numbers
        // lie inside and are aligned, and any bits are a `T` (`Pod`). The owner lives in `self`,
        // does not move its bytes, and nobody in this process writes them. A mapped file could be
        // written by another process: `Image::open` says what is expected of it.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl<T> fmt::Debug for Section<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}; {}] in {:?}", std::any::type_name::<T>(), self.len, self.owner)
    }
}
