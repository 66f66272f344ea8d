//! The memory limit of one component instance.

use wasmtime::ResourceLimiter;

/// Table slots of one instance; a table costs eight bytes a slot, so this is at most 800 KB.
const TABLE_ELEMENTS_MAX: usize = 100_000;

/// Bounds the sum of an instance's linear memories (a composed component has one per part).
///
/// Growth beyond the limit is refused, not trapped: the guest sees a failed allocation. Rust guests abort on it, and
/// [`MemoryLimit::refused`] then tells the host why.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    bytes_max: usize,
    bytes: usize,
    refused: Option<usize>,
}

impl MemoryLimit {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bytes: 0,
            refused: None,
        }
    }

    /// The size in bytes that was asked for when growth was last refused.
    pub(crate) fn refused(&self) -> Option<usize> {
        self.refused
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.bytes.saturating_add(desired.saturating_sub(current));
        if wanted > self.bytes_max {
            self.refused = Some(wanted);
            return Ok(false);
        }
        self.bytes = wanted;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_memories_share_one_limit() {
        let mut limit = MemoryLimit::new(100);
        assert!(limit.memory_growing(0, 60, None).unwrap());
        assert!(limit.memory_growing(0, 40, None).unwrap());
        assert_eq!(limit.refused(), None);
        assert!(!limit.memory_growing(60, 61, None).unwrap());
        assert_eq!(limit.refused(), Some(101));
    }
}
