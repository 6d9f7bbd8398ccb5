//! A single-threaded hash map whose entries live exactly as long as somebody holds a handle to them.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod counted_hash_map;
mod error;
pub mod handle_hash_map;
pub mod interner;
pub mod rc_hash_map;
#[allow(unsafe_code, reason = "entries live in raw memory that never moves")]
mod storage;
pub mod tokens;

pub use counted_hash_map::{CountedHandle, CountedHashMap, PutResult};
pub use error::{DisjointError, InsertError, WrongMap};
pub use handle_hash_map::{Handle, HandleHashMap};
pub use hashbrown::{DefaultHashBuilder, Equivalent, TryReserveError};
pub use interner::{Interned, Interner};
pub use rc_hash_map::{EntryMut, Iter, IterMut, RawRef, RcHashMap, Ref, WeakRef};
pub use tokens::{Count, Token, UsizeCount};

/// The README, so that its snippets are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
