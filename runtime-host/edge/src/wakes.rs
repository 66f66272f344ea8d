//! `x-sam-wake`: how a response tells the edge that something happened.
//!
//! Each item of the comma list is either `work:<queue>`, for whoever runs background work, or a topic whose held streams
//! and long-polls must look again.

use crate::grip::Hub;
use http::HeaderMap;
use http::header::HeaderName;
use std::fmt;
use std::sync::Arc;

const X_SAM_WAKE: HeaderName = HeaderName::from_static("x-sam-wake");

/// The start of a wake item that names a queue instead of a topic.
pub const WORK_PREFIX: &str = "work:";

/// At most this many items of one response are followed: more is a mistake, not news.
const ITEMS_MAX: usize = 64;

type WorkListener = dyn Fn(&str) + Send + Sync;

/// Takes wakes from response headers and hands them on. Cheap to clone.
#[derive(Clone)]
pub struct Wakes {
    hub: Arc<Hub>,
    work: Arc<WorkListener>,
}

impl Default for Wakes {
    fn default() -> Self {
        Self::new(|_| ())
    }
}

impl fmt::Debug for Wakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wakes").field("hub", &self.hub).finish_non_exhaustive()
    }
}

impl Wakes {
    /// `work` is called with the queue's name for each `work:<queue>` item; it must return at once.
    pub fn new(work: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            hub: Arc::default(),
            work: Arc::new(work),
        }
    }

    /// Follows the wake header of a response that did not pass the edge, such as the answer of a background job.
    pub fn apply(&self, headers: &HeaderMap) {
        let items = headers
            .get_all(X_SAM_WAKE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .take(ITEMS_MAX);
        for item in items {
            match item.strip_prefix(WORK_PREFIX) {
                Some(queue) => (self.work)(queue),
                None => self.hub.wake(item),
            }
        }
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn items_go_to_queues_or_topics() {
        let queues = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&queues);
        let wakes = Wakes::new(move |queue| seen.lock().unwrap().push(queue.to_owned()));
        let mut headers = HeaderMap::new();
        headers.append(X_SAM_WAKE, " work:audit , account:1,, ".parse().unwrap());
        headers.append(X_SAM_WAKE, "work:mail".parse().unwrap());
        let before = wakes.hub().now();
        wakes.apply(&headers);
        assert_eq!(*queues.lock().unwrap(), ["audit", "mail"]);
        assert_eq!(wakes.hub().now(), before + 1);
    }
}
