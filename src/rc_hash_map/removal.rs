//! How entries leave a map: see "Removal order" in `design.md`.

use core::mem::{self, ManuallyDrop};

use super::Ref;
use super::inner::{Inner, Kept, Slot, keep_alive_of, owner_of, value_of};
use crate::counted_hash_map::{Counted, CountedSlot};
use crate::table::{Dead, drop_in_order};
use crate::tokens::{RcCount, Token};

type DeadEntry<K, V> = Dead<K, Counted<Kept<V>>>;

/// Removes an entry whose count has reached zero.
///
/// # Safety
///
/// The slot is a live one of a map with this `K`, `V` and `S`, its count is zero, and no reference to its key or value and no
/// function argument that refers into `Inner` is alive.
#[cold] // Not rare, but out of the way of drops that are not the last.
#[inline(never)]
pub(super) unsafe fn remove<K, V, S>(slot: Slot<K, V>) {
    // SAFETY: the caller's promise.
    let owner = unsafe { owner_of::<K, V, S>(slot) };
    // SAFETY: (I7) the entry itself holds `Inner`; the reference is not used once that may end.
    let inner = unsafe { &*owner.as_ptr() };
    // SAFETY: (I5) nothing is borrowed.
    let table = unsafe { inner.table().borrow_mut() };
    if !mem::needs_drop::<K>() && !mem::needs_drop::<V>() {
        // No destructor of the entry can run, so nobody has to wait for it.
        // SAFETY: nobody looks at the entry again.
        let token = unsafe { take_keep_alive(slot) };
        // SAFETY: there is nothing to drop.
        unsafe { table.remove_slot(slot.slot()) };
        // SAFETY: the entry's own token; nothing looks at `Inner` after this.
        unsafe { owner.put(token) };
        return;
    }
    // SAFETY: the caller's promise.
    let dead = unsafe { table.unlink(slot.slot()) };
    if inner.draining.get() {
        table.push_waiting(&dead);
        return;
    }
    // SAFETY: (I7) the entry holds `Inner` until the drain has its token.
    let mut drain = unsafe { Drain::start(owner) };
    drain.destroy(dead);
    drain.finish();
}

/// Takes an entry out for its last `Ref`, whose token has been put back.
///
/// Returns what `try_unwrap` does, and neither is inlined, so that nothing of a large alignment lies in a frame
/// that is left early: rustc 1.95 and others compile such functions wrongly.
///
/// # Safety
///
/// As for [`remove`].
#[inline(never)]
pub(super) unsafe fn take_out<K, V, S>(slot: Slot<K, V>) -> Result<(K, V), Ref<K, V, S>> {
    // SAFETY: the caller's promise.
    let owner = unsafe { owner_of::<K, V, S>(slot) };
    // SAFETY: (I7) the entry itself holds `Inner`; the reference is not used once that may end.
    let inner = unsafe { &*owner.as_ptr() };
    // SAFETY: (I5) nothing is borrowed.
    let table = unsafe { inner.table().borrow_mut() };
    // SAFETY: (I3) it is live, and nobody uses its key again.
    let key = unsafe { slot.key().read() };
    // SAFETY: as above.
    let value = unsafe { value_of(slot).read() };
    // SAFETY: nobody looks at the entry again.
    let token = unsafe { take_keep_alive(slot) };
    // SAFETY: key and value are moved out.
    unsafe { table.remove_slot(slot.slot()) };
    // SAFETY: the entry's own token; nothing looks at `Inner` after this.
    unsafe { owner.put(token) };
    Ok((key, value))
}

/// The unit of the map's strong count that an entry holds.
///
/// # Safety
///
/// The token is taken once, and nobody uses the entry again but to remove it.
#[inline]
unsafe fn take_keep_alive<K, V>(slot: Slot<K, V>) -> Token {
    // SAFETY: initialised until the slot is recycled.
    ManuallyDrop::into_inner(unsafe { keep_alive_of(slot).read() })
}

/// The one that runs destructors: while it is at work, entries that are removed wait for it, so that a
/// chain of any length is freed in a loop.
///
/// Dropping it finishes the work, also after a destructor has panicked.
struct Drain<K, V, S> {
    owner: RcCount<Inner<K, V, S>>,
    /// The unit of the entry that was destroyed last: it keeps `Inner` for the next look at it.
    token: Option<Token>,
    /// Whether the guard was on. Destructors that `Eq` has started may enter the map.
    comparing: bool,
}

impl<K, V, S> Drain<K, V, S> {
    /// # Safety
    ///
    /// No other drain is at work. `Inner` is alive until the first entry is destroyed, and no function
    /// argument refers into it.
    #[inline]
    unsafe fn start(owner: RcCount<Inner<K, V, S>>) -> Self {
        let mut drain = Self { owner, token: None, comparing: false };
        drain.comparing = drain.inner().guard.replace(false);
        drain.inner().draining.set(true);
        drain
    }

    #[inline]
    fn inner(&self) -> &Inner<K, V, S> {
        // SAFETY: (I7) held by `token`, or before there is one by what `start`'s caller promised.
        unsafe { &*self.owner.as_ptr() }
    }

    /// Destroys whatever waits, in the order in which it was removed.
    #[inline]
    fn run(&mut self) {
        while let Some(dead) = self.next() {
            self.destroy(dead);
        }
    }

    #[inline]
    fn next(&self) -> Option<DeadEntry<K, V>> {
        // SAFETY: (I5) nothing is borrowed.
        unsafe { self.inner().table().borrow_mut() }.pop_waiting()
    }

    /// Drops the key, then the value, recycles the slot, and keeps the entry's token.
    #[inline]
    fn destroy(&mut self, dead: DeadEntry<K, V>) {
        let slot = CountedSlot::new(dead.slot);
        // SAFETY: the entry is destroyed once.
        let token = unsafe { take_keep_alive(slot) };
        if let Some(previous) = self.token.replace(token) {
            // SAFETY: not the last one: this entry's is held.
            unsafe { self.owner.put(previous) };
        }
        let _recycle = Recycle { owner: self.owner, dead };
        // SAFETY: (I3) a dead entry has both until here, and nobody can reach them.
        unsafe { drop_in_order(slot.key(), value_of(slot)) };
    }

    /// Does the rest, and ends.
    #[inline]
    fn finish(mut self) {
        self.run();
        ManuallyDrop::new(self).close();
    }

    /// Lets the next one in and returns the last token. Nothing waits.
    #[inline]
    fn close(&mut self) {
        self.inner().draining.set(false);
        self.inner().guard.replace(self.comparing);
        if let Some(token) = self.token.take() {
            // SAFETY: the last look at `Inner` was above; it may go now.
            unsafe { self.owner.put(token) };
        }
    }
}

/// Only when a destructor has panicked: `finish` is the usual end.
impl<K, V, S> Drop for Drain<K, V, S> {
    #[cold]
    fn drop(&mut self) {
        self.run();
        self.close();
    }
}

/// Gives the slot of a destroyed entry back, also if a destructor panicked.
struct Recycle<K, V, S> {
    owner: RcCount<Inner<K, V, S>>,
    dead: DeadEntry<K, V>,
}

impl<K, V, S> Drop for Recycle<K, V, S> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: (I7) the drain holds this entry's token.
        let inner = unsafe { &*self.owner.as_ptr() };
        // SAFETY: (I5) nothing is borrowed.
        let table = unsafe { inner.table().borrow_mut() };
        // SAFETY: it does not wait, and key and value have been dropped.
        unsafe { table.recycle(&self.dead) };
    }
}
