//! What holds between two calls: see "Invariants" in `design.md`.
#![forbid(unsafe_code)]

use super::handles::Number;
use super::{Table, expect_hash};

impl<K, V> Table<K, V> {
    /// Asserts (I1) to (I4), given that no entry waits.
    pub(crate) fn check_invariants(&self) {
        assert_eq!(self.arena.waiting, Number::NONE, "nothing waits");
        assert_eq!(self.arena.in_use(), self.len(), "(I3) what is live is listed");
        self.arena.check_invariants();
        let mut cursor = self.cursor();
        let mut live = 0;
        while let Some((slot, handle)) = self.advance(&mut cursor) {
            assert!(self.slot(handle) == Some(slot), "(I1) a slot has the number it says");
            let hash = expect_hash(&self.handles, handle);
            assert_eq!(self.index.count(slot, hash), 1, "(I4) an entry is listed once");
            live += 1;
        }
        assert_eq!(live, self.len(), "a walk finds what is there");
    }

    #[cfg(test)]
    pub(super) fn check_invariants_if(&self, now: bool) {
        if now {
            self.check_invariants();
        }
    }
}
