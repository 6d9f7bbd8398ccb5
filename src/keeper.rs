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

use alloc::vec::Vec;
use core::fmt;

use hashbrown::HashTable;
use slotmap::{DefaultKey, Key, SlotMap};

use crate::handle_hash_map::Handle;
use crate::interner::{Interned, WeakInterned};
use crate::rc_hash_map::{Ref, WeakRef};

/// Of those in use, so many are looked at in a row before a call gives up finding one that is not.
const LOOKS: usize = 4096;

/// Holds handles, so that their entries outlive their users for a while.
///
/// `H` is a [`Ref`] or an [`Interned`]; a keeper may hold handles of several maps. It holds each entry once. An entry that is
/// found again while it is kept is simply alive.
///
/// A handle is *in use* if somebody else holds its entry, too. The [limit](Self::limit) is for those that are not in use.
/// Keep what users ask for, not all that it consists of: an entry inside of a kept one is in use, so it costs a place and does
/// not count.
///
/// Keep an entry in one keeper only: two that keep it are two users, and neither drops it.
///
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
    kept: SlotMap<DefaultKey, Kept<H>>,
    index: HashTable<DefaultKey>,
    /// Those that were not in use when they were last looked at, or are new; the oldest first.
    unused: List,
    /// Those that were in use when they were last looked at; the one that is looked at next comes first.
    in_use: List,
    limit: usize,
    /// Counts calls of `keep`.
    now: u64,
}

struct Kept<H> {
    handle: H,
    /// When it was kept.
    time: u64,
    /// Its size, while `trim_by` is at work.
    size: usize,
    /// In which list it is.
    is_in_use: bool,
    previous: DefaultKey,
    next: DefaultKey,
}

/// The ends of a list that runs through what is kept. The null key is none.
#[derive(Default)]
struct List {
    first: DefaultKey,
    last: DefaultKey,
    len: usize,
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
            kept: SlotMap::new(),
            index: HashTable::new(),
            unused: List::default(),
            in_use: List::default(),
            limit,
            now: 0,
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
        self.kept.len()
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

    fn find(&self, handle: &H) -> Option<DefaultKey> {
        let is_it = |&key: &DefaultKey| self.kept[key].handle == *handle;
        self.index.find(hash(handle.name().to_bits()), is_it).copied()
    }

    /// Adds what is not kept, without linking it.
    fn add(&mut self, handle: H, time: u64) -> DefaultKey {
        let bits = handle.name().to_bits();
        let (previous, next) = (DefaultKey::null(), DefaultKey::null());
        let key =
            self.kept.insert(Kept { handle, time, size: 0, is_in_use: false, previous, next });
        let kept = &self.kept;
        let hash_of = |&key: &DefaultKey| hash(kept[key].handle.name().to_bits());
        self.index.insert_unique(hash(bits), key, hash_of);
        key
    }

    /// Puts what is in no list in front of `next`; at the end if that is null.
    fn link(&mut self, key: DefaultKey, next: DefaultKey, is_in_use: bool) {
        let list = if is_in_use { &mut self.in_use } else { &mut self.unused };
        list.len += 1;
        let previous = self.kept.get(next).map_or(list.last, |next| next.previous);
        match self.kept.get_mut(previous) {
            Some(previous) => previous.next = key,
            None => list.first = key,
        }
        match self.kept.get_mut(next) {
            Some(next) => next.previous = key,
            None => list.last = key,
        }
        let kept = &mut self.kept[key];
        (kept.is_in_use, kept.previous, kept.next) = (is_in_use, previous, next);
    }

    fn unlink(&mut self, key: DefaultKey) {
        let Kept { is_in_use, previous, next, .. } = self.kept[key];
        let list = if is_in_use { &mut self.in_use } else { &mut self.unused };
        list.len -= 1;
        match self.kept.get_mut(previous) {
            Some(previous) => previous.next = next,
            None => list.first = next,
        }
        match self.kept.get_mut(next) {
            Some(next) => next.previous = previous,
            None => list.last = previous,
        }
    }

    fn take(&mut self, key: DefaultKey) -> Option<H> {
        self.unlink(key);
        let bits = self.kept[key].handle.name().to_bits();
        if let Ok(entry) = self.index.find_entry(hash(bits), |&it| it == key) {
            entry.remove();
        }
        self.kept.remove(key).map(|kept| kept.handle)
    }

    /// Keeps the entry of `handle`, as the newest. Keeping it again makes it the newest again. O(1), amortised.
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
        let (time, end) = (self.now, DefaultKey::null());
        self.now += 1;
        let key = match self.find(handle) {
            Some(key) => {
                self.unlink(key);
                self.kept[key].time = time;
                key
            }
            None => self.add(handle.clone(), time),
        };
        self.link(key, end, false);
    }

    /// Whether the entry of `handle` is kept. O(1).
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
        self.find(handle).is_some()
    }

    /// Takes out the handle that is kept for the entry of `handle`. O(1).
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
        let key = self.find(handle)?;
        self.take(key)
    }

    /// Drops the oldest that are not in use, until at most [`limit`](Self::limit) such are kept. Returns how many it dropped.
    ///
    /// O(1) if no more than the limit are kept at all. Otherwise O(limit), and O(1) amortised for each that it drops or
    /// that has come into use, O(log n) for each that has come out of use. If what it drops was the last to use others
    /// that are kept, it goes on with these, and puts them among the unused: at worst O(limit) for each level of nesting.
    ///
    /// Those that were in use before are passed over: a call looks at them, in turns, until 4096 in a row are in use. So if there
    /// are more, one that has just become unused may stay until a later call.
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
    /// Calls `size` once for each that is not in use. Costs what [`trim`](Self::trim) does, and O(unused).
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
        self.look_at_unused();
        self.look_at_used();
        let mut total = 0;
        let mut key = self.unused.first;
        while let Some(kept) = self.kept.get_mut(key) {
            kept.size = size(&kept.handle);
            total += kept.size as u128;
            key = kept.next;
        }
        let mut gone = 0;
        loop {
            let before = gone;
            while total > self.limit as u128 {
                let key = self.unused.first;
                let kept = &self.kept[key];
                total -= kept.size as u128;
                // A destructor may have cloned it meanwhile.
                if kept.handle.is_in_use() {
                    self.unlink(key);
                    self.link(key, DefaultKey::null(), true);
                } else {
                    drop(self.take(key));
                    gone += 1;
                }
            }
            if gone == before {
                return gone;
            }
            // What went may have been the last to use others.
            for key in self.look_at_used() {
                let kept = &mut self.kept[key];
                kept.size = size(&kept.handle);
                total += kept.size as u128;
            }
        }
    }

    /// Puts those aside that are in use by now.
    fn look_at_unused(&mut self) {
        let mut key = self.unused.first;
        while let Some(kept) = self.kept.get(key) {
            let next = kept.next;
            if kept.handle.is_in_use() {
                self.unlink(key);
                self.link(key, DefaultKey::null(), true);
            }
            key = next;
        }
    }

    /// Finds some of those that are not in use any more, and puts them back in the order of their times.
    fn look_at_used(&mut self) -> Vec<DefaultKey> {
        let (mut found, mut in_a_row) = (Vec::new(), 0);
        for _ in 0..self.in_use.len {
            if in_a_row == LOOKS {
                break;
            }
            let key = self.in_use.first;
            self.unlink(key);
            let Kept { handle, time, .. } = &self.kept[key];
            if handle.is_in_use() {
                in_a_row += 1;
                self.link(key, DefaultKey::null(), true);
            } else {
                in_a_row = 0;
                found.push((*time, key));
            }
        }
        found.sort_unstable();
        let mut next = self.unused.first;
        for &(time, key) in &found {
            while let Some(kept) = self.kept.get(next).filter(|kept| kept.time < time) {
                next = kept.next;
            }
            self.link(key, next, false);
        }
        found.into_iter().map(|(_, key)| key).collect()
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
        let names = kept.iter().map(|(time, handle)| (*time, handle.to_weak())).collect();
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
        self.take_all().into_iter().map(|(_, handle)| handle)
    }

    /// All handles with their times, the oldest first.
    fn take_all(&mut self) -> Vec<(u64, H)> {
        self.index.clear();
        (self.unused, self.in_use) = (List::default(), List::default());
        let mut all: Vec<_> = self.kept.drain().map(|(_, kept)| (kept.time, kept.handle)).collect();
        all.sort_unstable_by_key(|&(time, _)| time);
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
        self.kept.values().map(|kept| &kept.handle)
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
                let key = self.keeper.add(handle, *time);
                self.keeper.link(key, DefaultKey::null(), true);
            }
        }
    }
}

impl<H> fmt::Debug for Keeper<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("len", &self.kept.len())
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
