//! Looks at the first bytes of a stream without taking them.

use std::io::{ErrorKind, Read, Result};

/// A reader whose first bytes have been looked at and will be read all the same.
pub struct Peek<R> {
    head: Box<[u8]>,
    taken: usize,
    /// What stopped the look; it comes after the head, in its place in the stream.
    error: Option<std::io::Error>,
    input: R,
}

impl<R: Read> Peek<R> {
    /// Reads the first `bytes`, or as many as there are before the end or an error.
    pub fn new(input: R, bytes: usize) -> Self {
        let (mut input, mut head, mut had, mut error) = (input, vec![0; bytes], 0, None);
        while let Some(free) = head.get_mut(had..).filter(|free| !free.is_empty()) {
            match input.read(free) {
                Ok(0) => break,
                Ok(read) => had += read,
                Err(met) if met.kind() == ErrorKind::Interrupted => {}
                Err(met) => {
                    error = Some(met);
                    break;
                }
            }
        }
        head.truncate(had);
        Self { head: head.into_boxed_slice(), taken: 0, error, input }
    }

    /// The first bytes, read or not.
    pub fn head(&self) -> &[u8] {
        &self.head
    }
}

impl<R: Read> Read for Peek<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let mut rest = self.head.get(self.taken..).unwrap_or_default();
        if !rest.is_empty() {
            let read = rest.read(out)?;
            self.taken += read;
            return Ok(read);
        }
        match self.error.take() {
            Some(error) => Err(error),
            None => self.input.read(out),
        }
    }
}
