//! What goes on in a map, and what the guard around `Eq` says to those whom it stops.
#![forbid(unsafe_code)]

use crate::handle_hash_map::Gate;

#[cold]
#[inline(never)]
#[track_caller]
pub(super) fn structural_call_in_probe() -> ! {
    panic!("a map may not be inserted into, reserved or shrunk from `Eq` while it compares keys")
}

#[cold]
#[inline(never)]
#[track_caller]
pub(super) fn query_in_probe() -> ! {
    panic!("a map was queried from `Eq` while it compares keys (allowed in release builds)")
}

/// What is going on in a map: how many probes are at work, each inside of the one before, whether
/// something is deferred, and whether a drain is at work. It lies in the [`Gate`], whose own bit it keeps:
/// unsafe code relies on that (I12), and on `is_idle` and `is_probing`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct State(u32);

impl State {
    /// Nothing at all, of a map whose keys are not short.
    pub(super) const NONE: Self = Self(0);
    const DEFERRED: u32 = 1;
    const PROBE: u32 = 2;
    const DRAINING: u32 = 1 << 30;
    const PROBES: u32 = Self::DRAINING - Self::PROBE;

    #[inline]
    pub(super) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    #[inline]
    pub(super) fn bits(self) -> u32 {
        self.0
    }

    /// Whether no probe and no drain is at work, and [`Gate::PIECES`] is not set.
    #[inline]
    pub(super) fn is_idle(self) -> bool {
        self.0 < Self::PROBE
    }

    /// Whether no probe and no drain is at work, but `PIECES` is set.
    #[inline]
    pub(super) fn is_idle_but_for_pieces(self) -> bool {
        self.0 ^ Gate::PIECES < Self::PROBE
    }

    #[inline]
    pub(super) fn is_probing(self) -> bool {
        self.0 & Self::PROBES != 0
    }

    #[inline]
    pub(super) fn is_draining(self) -> bool {
        self.0 & Self::DRAINING != 0
    }

    pub(super) fn has_deferred(self) -> bool {
        self.0 & Self::DEFERRED != 0
    }

    #[inline]
    pub(super) fn one_more(self) -> Self {
        Self(self.0 + Self::PROBE)
    }

    pub(super) fn one_less(self) -> Self {
        Self(self.0 - Self::PROBE)
    }

    #[inline]
    pub(super) fn with_deferred(self) -> Self {
        Self(self.0 | Self::DEFERRED)
    }

    pub(super) fn without_deferred(self) -> Self {
        Self(self.0 & !Self::DEFERRED)
    }

    #[inline]
    pub(super) fn with_draining(self, draining: bool) -> Self {
        let others = self.0 & !Self::DRAINING;
        Self(if draining { others | Self::DRAINING } else { others })
    }
}

/// Why a search goes the slow way, with a [`Probe`](super::Probe).
#[derive(Clone, Copy)]
pub(super) enum Detour {
    /// `Eq` has refused the first entry that may have the hash. There may be others.
    Refused,
    /// It is inside of another one, whose `Eq` may have let go of entries that are still listed, or of a
    /// destructor.
    Nested,
    /// `Eq` let go of an entry. The search has left its own probe at work.
    Interrupted,
    /// The end of the probe before let somebody insert.
    Again,
}

/// What it means that a search has found nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::rc_hash_map) enum Miss {
    /// There was no such entry while it ran. Its end may have let somebody insert one.
    Then,
    /// There is none: it went on until its end let nobody insert.
    Now,
}
