//! What a workspace may use.

/// Smallest limit that lets a shell and git live: less is a mistake of units.
const MEMORY_BYTES_MIN: u64 = 64 * 1024 * 1024;
const CPU_MILLI_MIN: u32 = 50;
const PIDS_MIN: u32 = 32;

/// Longest idle time in minutes, as in the settings.
pub const IDLE_MINUTES_MAX: u32 = 10_080;

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Too little processor.
    #[error("limits.cpu_milli: {0} is less than {CPU_MILLI_MIN} thousandths of a core; 0 means no limit")]
    Cpu(u32),
    /// Too little memory.
    #[error("limits.memory_bytes: {0} is less than {MEMORY_BYTES_MIN} bytes; 0 means no limit")]
    Memory(u64),
    /// More than can be stored.
    #[error("limits.memory_bytes: {0} is more than any machine has")]
    MemoryHuge(u64),
    /// Too few processes.
    #[error("limits.pids: {0} is less than {PIDS_MIN} processes; 0 means no limit")]
    Pids(u32),
    /// Out of range.
    #[error("idle_stop_minutes: {0} is more than {IDLE_MINUTES_MAX}; 0 means never")]
    Idle(u32),
}

/// Checks limits; 0 means none of that kind.
///
/// # Errors
/// The first that cannot be meant.
pub fn check(cpu_milli: u32, memory_bytes: u64, pids: u32) -> Result<(), Problem> {
    if (1..CPU_MILLI_MIN).contains(&cpu_milli) {
        return Err(Problem::Cpu(cpu_milli));
    }
    if (1..MEMORY_BYTES_MIN).contains(&memory_bytes) {
        return Err(Problem::Memory(memory_bytes));
    }
    if i64::try_from(memory_bytes).is_err() {
        return Err(Problem::MemoryHuge(memory_bytes));
    }
    if (1..PIDS_MIN).contains(&pids) {
        return Err(Problem::Pids(pids));
    }
    Ok(())
}

/// Checks an idle time.
///
/// # Errors
/// When it is longer than the settings allow.
pub fn idle(minutes: u32) -> Result<u32, Problem> {
    if minutes > IDLE_MINUTES_MAX {
        Err(Problem::Idle(minutes))
    } else {
        Ok(minutes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert_eq!(check(0, 0, 0), Ok(()));
        assert_eq!(check(50, MEMORY_BYTES_MIN, 32), Ok(()));
        assert_eq!(check(2, 0, 0), Err(Problem::Cpu(2)));
        assert_eq!(check(0, 512, 0), Err(Problem::Memory(512)));
        assert_eq!(check(0, u64::MAX, 0), Err(Problem::MemoryHuge(u64::MAX)));
        assert_eq!(check(0, 0, 1), Err(Problem::Pids(1)));
        assert_eq!(idle(10_080), Ok(10_080));
        assert_eq!(idle(10_081), Err(Problem::Idle(10_081)));
    }
}
