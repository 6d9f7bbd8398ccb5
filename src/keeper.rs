//! Handles that are kept for a while after their users are gone.
//!
//! An entry goes with its last handle. Where it is likely to be asked for again soon, as a glyph, an asset or a BDD node
//! is, a [`Keeper`] holds it. When it is trimmed, it drops the oldest handles that nobody else shares.
//!
//! ```
//! use rcmap::{Keeper, RcHashMap};
//!
//! let glyphs = RcHashMap::new();
//! let mut keeper = Keeper::new(2);
//! for (frame, name) in ["a", "b", "c"].into_iter().enumerate() {
//!     let glyph = glyphs.find_or_insert(name, frame);
//!     keeper.keep(&glyph);
//! }
//! assert_eq!(glyphs.len(), 3);
//! assert_eq!(keeper.trim(), 1);
//! assert!(!glyphs.contains_key("a") && glyphs.contains_key("b"));
//! ```
#![forbid(unsafe_code)]

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::mem;

use hashbrown::HashTable;

use crate::handle_hash_map::Handle;
use crate::interner::{Interned, WeakInterned};
use crate::rc_hash_map::{Ref, WeakRef};

/// Of those in use, so many are looked at in a row before a call gives up finding one that is not.
const LOOKS: usize = 64;

/// Holds handles, so that their entries outlive their users for a while.
///
/// `H` is a [`Ref`] or an [`Interned`]; a keeper may hold handles of several maps. It holds each entry once. An entry that is
/// found again while it is kept is simply alive.
///
/// A handle is *in use* if somebody else holds its entry, too. The [limit](Self::limit) is for those that are not in use.
/// A keeper drops nothing by itself, but when [`trim`](Self::trim), [`trim_by`](Self::trim_by) or
/// [`release`](Self::release) is called: once a frame, say.
///
/// ```
/// use rcmap::{Interner, Keeper};
///
/// let names = Interner::<Box<str>>::new();
/// let mut keeper = Keeper::new(10);
/// keeper.keep(&names.intern_ref("a"));
/// assert!(names.contains("a"), "kept");
/// assert_eq!(keeper.release(), 1);
/// assert!(names.is_empty());
/// ```
pub struct Keeper<H> {
    /// Those that were not in use when they were last looked at, or are new; by the time when they were kept.
    unused: BTreeMap<u64, H>,
    /// Those that were in use when they were last looked at.
    in_use: BTreeMap<u64, H>,
    /// The bits of the handle and the time of each.
    index: HashTable<(u64, u64)>,
    limit: usize,
    /// Counts calls of `keep`.
    now: u64,
    /// The time of the one in use that is looked at next.
    hand: u64,
}

fn hash(bits: u64) -> u64 {
    // The high half of the product depends on all bits; a `HashTable` wants them at both ends.
    bits.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
}

impl<H: KeepHandle> Keeper<H> {
    /// A keeper without handles, for at most `limit` that are not in use.
    ///
    /// ```
    /// let keeper = rcmap::Keeper::<rcmap::Ref<u32, u32>>::new(10);
    /// assert!(keeper.is_empty());
    /// ```
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            unused: BTreeMap::new(),
            in_use: BTreeMap::new(),
            index: HashTable::new(),
            limit,
            now: 0,
            hand: 0,
        }
    }

    /// The number of handles that are kept, in use or not. O(1).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let mut keeper = rcmap::Keeper::new(10);
    /// keeper.keep(&map.find_or_insert("a", 1));
    /// assert_eq!(keeper.len(), 1);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether nothing is kept. O(1).
    ///
    /// ```
    /// assert!(rcmap::Keeper::<rcmap::Ref<u32, u32>>::new(10).is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many handles that are not in use [`trim`](Self::trim) leaves; for [`trim_by`](Self::trim_by), how much.
    ///
    /// ```
    /// assert_eq!(rcmap::Keeper::<rcmap::Ref<u32, u32>>::new(10).limit(), 10);
    /// ```
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Sets the limit. Drops nothing before the next call of `trim`.
    ///
    /// ```
    /// let mut keeper = rcmap::Keeper::<rcmap::Ref<u32, u32>>::new(10);
    /// keeper.set_limit(20);
    /// assert_eq!(keeper.limit(), 20);
    /// ```
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    fn get(&self, time: u64) -> Option<&H> {
        self.unused.get(&time).or_else(|| self.in_use.get(&time))
    }

    /// When this handle was kept.
    fn time(&self, handle: &H) -> Option<u64> {
        let bits = handle.name().to_bits();
        // Handles of two maps may have the same bits.
        let is_it = |&(other, time): &(u64, u64)| other == bits && self.get(time) == Some(handle);
        self.index.find(hash(bits), is_it).map(|&(_, time)| time)
    }

    fn forget(&mut self, bits: u64, time: u64) {
        if let Ok(entry) = self.index.find_entry(hash(bits), |&it| it == (bits, time)) {
            entry.remove();
        }
    }

    /// Keeps the entry of `handle`, as the newest. Keeping it again makes it the newest again. O(log n).
    ///
    /// Drops nothing: call [`trim`](Self::trim).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let mut keeper = rcmap::Keeper::new(10);
    /// let r = map.insert("a", 1).unwrap();
    /// keeper.keep(&r);
    /// keeper.keep(&r);
    /// assert_eq!((keeper.len(), r.strong_count()), (1, 2));
    /// ```
    pub fn keep(&mut self, handle: &H) {
        let kept = self.remove(handle).unwrap_or_else(|| handle.clone());
        let (time, bits) = (self.now, kept.name().to_bits());
        self.now += 1;
        self.index.insert_unique(hash(bits), (bits, time), |&(bits, _)| hash(bits));
        self.unused.insert(time, kept);
    }

    /// Whether the entry of `handle` is kept. O(log n).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let mut keeper = rcmap::Keeper::new(10);
    /// let r = map.insert("a", 1).unwrap();
    /// assert!(!keeper.contains(&r));
    /// keeper.keep(&r);
    /// assert!(keeper.contains(&r));
    /// ```
    #[must_use]
    pub fn contains(&self, handle: &H) -> bool {
        self.time(handle).is_some()
    }

    /// Takes out the handle that is kept for the entry of `handle`. O(log n).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let mut keeper = rcmap::Keeper::new(10);
    /// let r = map.insert("a", 1).unwrap();
    /// keeper.keep(&r);
    /// assert_eq!(keeper.remove(&r), Some(r));
    /// assert!(map.is_empty());
    /// ```
    pub fn remove(&mut self, handle: &H) -> Option<H> {
        let time = self.time(handle)?;
        self.forget(handle.name().to_bits(), time);
        self.unused.remove(&time).or_else(|| self.in_use.remove(&time))
    }

    /// Drops the oldest that are not in use, until at most [`limit`](Self::limit) such are kept. Returns how many it dropped.
    ///
    /// O(1) if no more than the limit are kept at all. Otherwise O(limit), and O(log n) amortised for each that goes or that
    /// has come into use. Those that were in use before are passed over: a call looks at them, in turns, until 64 in a row
    /// are in use. So if there are more, one that has just become unused may stay until a later call.
    ///
    /// # Panics
    ///
    /// If the destructor of a key or a value panics. What has not been dropped by then stays kept.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let mut keeper = rcmap::Keeper::new(1);
    /// let refs = [1, 2, 3].map(|n| map.insert(n, ()).unwrap());
    /// refs.iter().for_each(|r| keeper.keep(r));
    /// assert_eq!(keeper.trim(), 0, "all are in use");
    /// drop(refs);
    /// assert_eq!(keeper.trim(), 2);
    /// assert!(map.contains_key(&3));
    /// ```
    pub fn trim(&mut self) -> usize {
        if self.len() <= self.limit { 0 } else { self.trim_by(|_| 1) }
    }

    /// Drops the oldest that are not in use, until the sizes of those that stay add up to at most
    /// [`limit`](Self::limit). Returns how many it dropped.
    ///
    /// Calls `size` for each that is not in use. Costs what [`trim`](Self::trim) does, and O(unused).
    ///
    /// # Panics
    ///
    /// If `size` panics, or as for [`trim`](Self::trim).
    ///
    /// ```
    /// let map = rcmap::RcHashMap::<&str, Vec<u8>>::new();
    /// let mut keeper = rcmap::Keeper::new(1000);
    /// for (name, bytes) in [("a", 600), ("b", 300), ("c", 500)] {
    ///     keeper.keep(&map.find_or_insert(name, vec![0; bytes]));
    /// }
    /// assert_eq!(keeper.trim_by(|r| r.value(&map).unwrap().len()), 1);
    /// assert!(!map.contains_key("a"));
    /// ```
    pub fn trim_by(&mut self, mut size: impl FnMut(&H) -> usize) -> usize {
        let mut gone = 0;
        loop {
            self.look_at_unused();
            self.look_at_used();
            let sizes: Vec<usize> = self.unused.values().map(&mut size).collect();
            let mut total: u128 = sizes.iter().map(|&size| size as u128).sum();
            let before = gone;
            for size in sizes {
                if total <= self.limit as u128 {
                    break;
                }
                total -= size as u128;
                gone += usize::from(self.drop_oldest());
            }
            // What went may have been the last to use others.
            if gone == before {
                return gone;
            }
        }
    }

    /// Drops the oldest one that was not in use, if it is not in use now: a destructor may have cloned it.
    fn drop_oldest(&mut self) -> bool {
        let Some((time, handle)) = self.unused.pop_first() else { return false };
        let is_unused = !handle.is_in_use();
        if is_unused {
            self.forget(handle.name().to_bits(), time);
            drop(handle);
        } else {
            self.in_use.insert(time, handle);
        }
        is_unused
    }

    /// Puts aside those that are in use by now.
    fn look_at_unused(&mut self) {
        let used: Vec<u64> =
            self.unused.iter().filter(|(_, it)| it.is_in_use()).map(|(&time, _)| time).collect();
        self.in_use.extend(used.into_iter().filter_map(|time| self.unused.remove_entry(&time)));
    }

    /// Finds some of those that are not in use any more.
    fn look_at_used(&mut self) {
        let (mut found, mut in_a_row) = (Vec::new(), 0);
        let turn = self.in_use.range(self.hand..).chain(self.in_use.range(..self.hand));
        for (&time, handle) in turn {
            if in_a_row == LOOKS {
                self.hand = time;
                break;
            }
            if handle.is_in_use() {
                in_a_row += 1;
            } else {
                in_a_row = 0;
                found.push(time);
            }
        }
        self.unused.extend(found.into_iter().filter_map(|time| self.in_use.remove_entry(&time)));
    }

    /// Drops all that nobody else holds, also those that only others of these hold, however deep. Returns how many it
    /// dropped. O(n log n).
    ///
    /// # Panics
    ///
    /// If the destructor of a key or a value panics. The others are dropped nevertheless.
    ///
    /// ```
    /// use rcmap::{Keeper, RcHashMap, Ref};
    ///
    /// struct Link(Option<Ref<u32, Link>>);
    ///
    /// let map = RcHashMap::new();
    /// let mut keeper = Keeper::new(0);
    /// let mut chain = None;
    /// for n in 0..1000 {
    ///     let link = map.insert(n, Link(chain)).unwrap();
    ///     keeper.keep(&link);
    ///     chain = Some(link);
    /// }
    /// assert_eq!(keeper.release(), 0, "somebody holds the last link");
    /// drop(chain);
    /// assert_eq!(keeper.release(), 1000);
    /// ```
    pub fn release(&mut self) -> usize {
        let before = self.len();
        let kept = self.take_all();
        let names = kept.iter().map(|(&time, handle)| (time, handle.to_weak())).collect();
        // Whatever is alive when nothing is kept is held by somebody else, and kept again.
        let survivors = Survivors { keeper: self, names };
        drop(kept);
        drop(survivors);
        before - self.len()
    }

    /// Takes out all handles, the oldest first.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let mut keeper = rcmap::Keeper::new(10);
    /// keeper.keep(&map.find_or_insert("a", 1));
    /// assert_eq!(keeper.drain().count(), 1);
    /// assert!(keeper.is_empty() && map.is_empty());
    /// ```
    pub fn drain(&mut self) -> impl Iterator<Item = H> + use<H> {
        self.take_all().into_values()
    }

    fn take_all(&mut self) -> BTreeMap<u64, H> {
        self.index.clear();
        let mut all = mem::take(&mut self.unused);
        all.append(&mut self.in_use);
        all
    }

    /// Visits all handles, in no particular order.
    ///
    /// ```
    /// let map = rcmap::RcHashMap::new();
    /// let mut keeper = rcmap::Keeper::new(10);
    /// keeper.keep(&map.find_or_insert("a", 1));
    /// assert_eq!(keeper.iter().next().unwrap().as_key(), &"a");
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = &H> {
        self.unused.values().chain(self.in_use.values())
    }
}

/// Takes back what is alive while nothing is kept, also after a destructor has panicked.
struct Survivors<'a, H: KeepHandle> {
    keeper: &'a mut Keeper<H>,
    names: Vec<(u64, H::Weak)>,
}

impl<H: KeepHandle> Drop for Survivors<'_, H> {
    fn drop(&mut self) {
        for (time, name) in &self.names {
            if let Some(handle) = H::from_weak(name) {
                let bits = handle.name().to_bits();
                self.keeper.index.insert_unique(hash(bits), (bits, *time), |&(bits, _)| hash(bits));
                self.keeper.in_use.insert(*time, handle);
            }
        }
    }
}

impl<H> fmt::Debug for Keeper<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("len", &self.index.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// What a [`Keeper`] can keep: a [`Ref`] or an [`Interned`]. Sealed.
pub trait KeepHandle: sealed::Handle {}

#[expect(unnameable_types, reason = "so that nobody else can implement it")]
mod sealed {
    pub trait Handle: Clone + Eq {
        type Weak;

        fn name(&self) -> super::Handle;
        fn is_in_use(&self) -> bool;
        fn to_weak(&self) -> Self::Weak;
        fn from_weak(weak: &Self::Weak) -> Option<Self>;
    }
}

macro_rules! keep {
    ($handle:ident<$($param:ident),*>, $weak:ident) => {
        impl<$($param),*> KeepHandle for $handle<$($param),*> {}

        impl<$($param),*> sealed::Handle for $handle<$($param),*> {
            type Weak = $weak<$($param),*>;

            #[inline]
            fn name(&self) -> Handle {
                self.handle()
            }

            #[inline]
            fn is_in_use(&self) -> bool {
                self.strong_count() > 1
            }

            fn to_weak(&self) -> Self::Weak {
                self.downgrade()
            }

            fn from_weak(weak: &Self::Weak) -> Option<Self> {
                weak.upgrade()
            }
        }
    };
}

keep!(Ref<K, V, S>, WeakRef);
keep!(Interned<T, S>, WeakInterned);
