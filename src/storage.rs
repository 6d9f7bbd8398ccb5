//! Storage that never moves: slots in blocks, reached by 32-bit addresses.
//!
//! This module computes no hash, compares no keys, resolves no handle and knows of no counts. It hands
//! out memory for one entry at a time, takes it back, and turns an [`Address`] into a pointer. Whether a
//! slot holds an initialised key and value is the business of the layer above; what is stored here is a
//! header of eight bytes: a live slot's handle, or a dead one's hash and its successor in a list.
#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "blocks are raw memory, reached by addresses without bounds checks")]
mod arena;
mod hash;
#[allow(unsafe_code, reason = "it follows addresses")]
mod queue;
#[allow(unsafe_code, reason = "headers, keys and values are reached field by field")]
mod slot;

pub(crate) use arena::{Arena, Cursor, allocation_error};
pub(crate) use hash::Folded;
pub(crate) use queue::Queue;
use slot::Slot;
pub(crate) use slot::{Address, SlotPtr, drop_in_order};
