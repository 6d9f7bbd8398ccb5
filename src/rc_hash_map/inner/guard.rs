//! What the guard counts while `Eq` runs, and what it says to those whom it stops.
#![forbid(unsafe_code)]

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

/// How many probes are at work, each inside of the one before, and whether something is deferred.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(super) struct Probes(u32);

impl Probes {
    pub(super) const NONE: Self = Self(0);
    /// No probe, but something is deferred: the last one has to settle it.
    pub(super) const NONE_BUT_DEFERRED: Self = Self(1);
    /// One probe, and nothing is deferred.
    pub(super) const ONE: Self = Self(2);

    pub(super) fn one_more(self) -> Self {
        Self(self.0 + Self::ONE.0)
    }

    pub(super) fn one_less(self) -> Self {
        Self(self.0 - Self::ONE.0)
    }

    #[inline]
    pub(super) fn with_deferred(self) -> Self {
        Self(self.0 | Self::NONE_BUT_DEFERRED.0)
    }
}

/// Why a search goes the slow way, with a [`Probe`](super::Probe).
pub(super) enum Detour {
    /// It is inside of another one, whose `Eq` may have let go of entries that are still listed.
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
