//! Who looks at a terminal, and who of them decides its size.
//!
//! The writer that was active last decides (arrived, typed, resized), as in tmux's `window-size latest`: the one person
//! who works sees the program fill their screen, whatever an old tab on another device is sized to. When that one
//! leaves, the most recent of the others takes over; with nobody left the size stays. Readers never decide.

use sam_contract::terminal::Size;

use crate::Access;

/// Viewers of one terminal at a time.
pub(crate) const VIEWERS_MAX: usize = 32;

/// In order of activity, the latest last.
#[derive(Debug, Default)]
pub(crate) struct Viewers {
    present: Vec<Viewer>,
    next: u64,
}

#[derive(Debug)]
struct Viewer {
    key: u64,
    size: Size,
    access: Access,
}

impl Viewers {
    /// Adds a viewer; `None` when there are too many.
    pub(crate) fn join(&mut self, size: Size, access: Access) -> Option<u64> {
        if self.present.len() >= VIEWERS_MAX {
            return None;
        }
        self.next += 1;
        self.present.push(Viewer {
            key: self.next,
            size: size.cut(),
            access,
        });
        Some(self.next)
    }

    pub(crate) fn leave(&mut self, key: u64) {
        self.present.retain(|viewer| viewer.key != key);
    }

    /// A viewer typed. True when the decision changed hands.
    pub(crate) fn typed(&mut self, key: u64) -> bool {
        if self.present.last().is_some_and(|viewer| viewer.key == key) {
            return false;
        }
        let Some(at) = self.present.iter().position(|viewer| viewer.key == key) else {
            return false;
        };
        let before = self.size();
        let viewer = self.present.remove(at);
        self.present.push(viewer);
        self.size() != before
    }

    pub(crate) fn resized(&mut self, key: u64, size: Size) {
        if let Some(viewer) = self.present.iter_mut().find(|viewer| viewer.key == key) {
            viewer.size = size.cut();
        }
        self.typed(key);
    }

    /// The size the terminal should have; `None` when nobody decides.
    pub(crate) fn size(&self) -> Option<Size> {
        let mut latest_first = self.present.iter().rev();
        latest_first
            .find(|viewer| viewer.access == Access::Write)
            .map(|viewer| viewer.size)
    }

    pub(crate) fn count(&self) -> usize {
        self.present.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn size(cols: u16) -> Size {
        Size { cols, rows: 24 }
    }

    #[test]
    fn the_latest_writer_decides() {
        let mut viewers = Viewers::default();
        assert_eq!(viewers.size(), None);
        let desk = viewers.join(size(200), Access::Write).unwrap();
        let phone = viewers.join(size(40), Access::Write).unwrap();
        assert_eq!(viewers.size(), Some(size(40)), "arriving counts");
        assert!(viewers.typed(desk));
        assert_eq!(viewers.size(), Some(size(200)), "typing counts");
        assert!(!viewers.typed(desk), "nothing changed");
        viewers.resized(phone, size(50));
        assert_eq!(viewers.size(), Some(size(50)), "turning the phone counts");
        viewers.leave(phone);
        assert_eq!(viewers.size(), Some(size(200)), "the other takes over");
        viewers.leave(desk);
        assert_eq!(viewers.size(), None, "nobody decides");
    }

    #[test]
    fn a_reader_never_decides() {
        let mut viewers = Viewers::default();
        let reader = viewers.join(size(30), Access::Read).unwrap();
        assert_eq!(viewers.size(), None);
        viewers.join(size(80), Access::Write).unwrap();
        viewers.resized(reader, size(20));
        assert!(!viewers.typed(reader));
        assert_eq!(viewers.size(), Some(size(80)));
    }

    #[test]
    fn there_is_a_limit() {
        let mut viewers = Viewers::default();
        for _ in 0..VIEWERS_MAX {
            assert!(viewers.join(size(80), Access::Read).is_some());
        }
        assert!(viewers.join(size(80), Access::Write).is_none());
    }

    #[test]
    fn sizes_are_cut() {
        let mut viewers = Viewers::default();
        viewers.join(Size { cols: 0, rows: 60_000 }, Access::Write);
        let cut = viewers.size().unwrap();
        assert_eq!((cut.cols, cut.rows), (1, 2000));
    }
}
