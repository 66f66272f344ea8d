//! Work after the response. Nothing is promised: what must happen is a job.

use std::future::Future;

/// Goes on with `work` while the response is on its way. The host waits for it within its own limits.
#[cfg(target_family = "wasm")]
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    spin_sdk::wasip3::spawn(work);
}

/// Outside of Spin there is no response to be ahead of: the caller's test does such work itself.
#[cfg(not(target_family = "wasm"))]
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    drop(work);
}
