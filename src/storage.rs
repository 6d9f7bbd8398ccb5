//! Storage that never moves: slots in blocks, reached by 32-bit addresses.
//!
//! This module knows nothing of hashing, keys that compare, handles or counts. It hands out memory
//! for one entry at a time, takes it back, and turns an [`Address`] into a pointer. Whether a slot
//! holds an initialised key and value is the business of the layer above; all that is stored here is
//! a [`Header`] of eight bytes that says whether the slot is live and, if it is not, which slot
//! follows it in the list that it waits in.

mod arena;
mod hash;
mod queue;
mod slot;

pub(crate) use arena::{Arena, Cursor, allocation_error};
pub(crate) use hash::Folded;
pub(crate) use queue::Queue;
use slot::Slot;
pub(crate) use slot::{Address, SlotPtr, drop_in_order};
