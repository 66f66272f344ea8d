//! The last bytes of a stream, addressed by their absolute offset.

/// Smallest allocation: a quiet shell costs this, not the maximum.
const FIRST_BYTES: usize = 4096;

/// A ring that grows to its maximum and then forgets its oldest bytes.
#[derive(Debug)]
pub struct Ring {
    /// Byte `offset` is at `offset % buffer.len()`.
    buffer: Vec<u8>,
    start: u64,
    end: u64,
    bytes_max: usize,
}

impl Ring {
    /// An empty ring whose first byte will have offset 0. `bytes_max` is rounded up to a power of two.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            bytes_max: bytes_max.max(FIRST_BYTES).next_power_of_two(),
        }
    }

    /// Offset of the oldest byte kept.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Offset after the newest byte.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// How many bytes are kept at most.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Appends; the oldest bytes go when there is no room.
    pub fn push(&mut self, bytes: &[u8]) {
        let skipped = bytes.len().saturating_sub(self.bytes_max);
        let bytes = bytes.get(skipped..).unwrap_or_default();
        if skipped > 0 {
            self.end += skipped as u64;
            self.start = self.end;
        }
        let wanted = usize::try_from(self.end - self.start).unwrap_or(usize::MAX) + bytes.len();
        if wanted > self.buffer.len() && self.buffer.len() < self.bytes_max {
            self.grow(wanted);
        }
        put(&mut self.buffer, self.end, bytes);
        self.end += bytes.len() as u64;
        self.start = self.start.max(self.end.saturating_sub(self.buffer.len() as u64));
    }

    /// Up to `length` bytes from `from` on, in two pieces because the ring may turn between them. Empty when `from` is
    /// not in the ring.
    #[must_use]
    pub fn slices(&self, from: u64, length: usize) -> (&[u8], &[u8]) {
        if from < self.start || from >= self.end || self.buffer.is_empty() {
            return (&[], &[]);
        }
        let length = length.min(usize::try_from(self.end - from).unwrap_or(usize::MAX));
        let at = position(from, self.buffer.len());
        let first = length.min(self.buffer.len() - at);
        (
            self.buffer.get(at..at + first).unwrap_or_default(),
            self.buffer.get(..length - first).unwrap_or_default(),
        )
    }

    fn grow(&mut self, wanted: usize) {
        let size = wanted.next_power_of_two().clamp(FIRST_BYTES, self.bytes_max);
        let mut larger = vec![0; size];
        let (first, second) = self.slices(self.start, self.buffer.len());
        put(&mut larger, self.start, first);
        put(&mut larger, self.start + first.len() as u64, second);
        self.buffer = larger;
    }
}

fn position(offset: u64, length: usize) -> usize {
    // The length is a power of two and fits, so the remainder fits as well.
    usize::try_from(offset % length.max(1) as u64).unwrap_or_default()
}

/// Copies `bytes`, at most one turn, to where `offset` lies.
fn put(buffer: &mut [u8], offset: u64, bytes: &[u8]) {
    let at = position(offset, buffer.len());
    let (first, second) = bytes.split_at(bytes.len().min(buffer.len() - at));
    if let Some(place) = buffer.get_mut(at..at + first.len()) {
        place.copy_from_slice(first);
    }
    if let Some(place) = buffer.get_mut(..second.len()) {
        place.copy_from_slice(second);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(ring: &Ring, from: u64, length: usize) -> Vec<u8> {
        let (first, second) = ring.slices(from, length);
        [first, second].concat()
    }

    proptest! {
        /// Against the obvious model: everything ever written, of which the last `bytes_max` can be read.
        #[test]
        fn it_keeps_exactly_the_newest_bytes(
            pushes in prop::collection::vec(prop_oneof![4 => 0usize..700, 2 => 0usize..9000, 1 => 0usize..40_000], 1..60),
            reads in prop::collection::vec((any::<prop::sample::Index>(), 0usize..20_000), 1..20),
        ) {
            let mut ring = Ring::new(16 * 1024);
            let mut all = Vec::new();
            for (n, length) in pushes.into_iter().enumerate() {
                let bytes: Vec<u8> = (0..length).map(|i| (n * 31 + i * 7 + i / 251) as u8).collect();
                ring.push(&bytes);
                all.extend_from_slice(&bytes);
                prop_assert_eq!(ring.end(), all.len() as u64);
                let kept = ring.end() - ring.start();
                prop_assert!(kept <= ring.bytes_max() as u64);
                prop_assert!(kept >= (all.len().min(ring.bytes_max())) as u64);
                let start = ring.start() as usize;
                prop_assert_eq!(read(&ring, ring.start(), usize::MAX), &all[start..]);
            }
            for (at, length) in reads {
                let from = at.index(all.len() + 1);
                let expected = if (from as u64) < ring.start() {
                    Vec::new()
                } else {
                    all[from..(from + length).min(all.len())].to_vec()
                };
                prop_assert_eq!(read(&ring, from as u64, length), expected);
            }
        }
    }

    #[test]
    fn offsets_go_on_beyond_32_bits() {
        let at = 5 << 32;
        let mut ring = Ring {
            start: at - 3,
            end: at - 3,
            ..Ring::new(4096)
        };
        ring.push(b"abc");
        ring.push(&[b'x'; 4094]);
        assert_eq!((ring.start(), ring.end()), (at - 2, at + 4094));
        assert_eq!(read(&ring, at - 2, 3), b"bcx");
    }

    #[test]
    fn a_quiet_stream_is_small() {
        let mut ring = Ring::new(1 << 20);
        ring.push(b"$ ");
        assert_eq!(ring.buffer.len(), FIRST_BYTES);
        assert_eq!(ring.bytes_max(), 1 << 20);
    }
}
