//! A single-threaded hash map whose entries live exactly as long as somebody holds a handle to them.
//!
//! [`RcHashMap::insert`] returns a [`Ref`]. Clones of it share the entry; when the last one drops, the
//! entry leaves the map, and its key and value are dropped. A `Ref` costs no heap allocation, may be
//! stored inside other keys and values, and may outlive the map.
//!
//! ```
//! use rcmap::RcHashMap;
//!
//! let map = RcHashMap::new();
//! let first = map.insert("key".to_string(), 1).unwrap();
//! let second = map.find("key").unwrap();
//! assert!(first == second);
//! assert_eq!(second.value(&map), Ok(&1));
//! drop((first, second));
//! assert!(map.is_empty());
//! ```
//!
//! # What do you want to do?
//!
//! | task | how |
//! | --- | --- |
//! | add an entry, keep it | [`RcHashMap::insert`] |
//! | look first and decide then | [`entry`](RcHashMap::entry), [`entry_ref`](RcHashMap::entry_ref), [`entry_hashed`](RcHashMap::entry_hashed) |
//! | get the entry of a key, adding it if it is new | [`find_or_insert`](RcHashMap::find_or_insert), [`find_or_insert_with`](RcHashMap::find_or_insert_with); from a borrowed query [`find_or_insert_ref`](RcHashMap::find_or_insert_ref); if making the value may fail [`find_or_try_insert_with`](RcHashMap::find_or_try_insert_with) |
//! | look up | [`find`](RcHashMap::find), [`contains_key`](RcHashMap::contains_key) |
//! | read | [`Ref::value`], [`Ref::key`], and without the map [`Ref::as_key`] |
//! | change a value | [`Ref::value_mut`], [`get_disjoint_mut`](RcHashMap::get_disjoint_mut), [`iter_mut`](RcHashMap::iter_mut); or put a `Cell` into it |
//! | remove an entry | drop its last `Ref`; [`Ref::try_unwrap`] hands key and value over |
//! | refer to an entry without keeping it | [`Ref::downgrade`] |
//! | store a name of eight bytes | [`Ref::handle`], back with [`RcHashMap::resolve`] |
//! | keep data beside a map | [`SideTable`], or [`SecondaryMap`]`<Handle, T>` |
//! | keep what nobody uses any more for a while | [`Keeper`] |
//! | intern strings | [`Interner`] |
//! | hash and compare yourself | [`RcHashMap::hash`], [`find_hashed`](RcHashMap::find_hashed), [`find_or_insert_hashed_with`](RcHashMap::find_or_insert_hashed_with) |
//! | keep a handle where no destructor may run: unions, `Copy` types | [`Ref::into_raw`] |
//!
//! # Three layers
//!
//! 1. [`HandleHashMap`]: structure. Copyable generational [`Handle`]s, explicit `remove`.
//! 2. [`CountedHashMap`]: a count for each entry, paid for with linear [`tokens`].
//! 3. [`RcHashMap`]: `Ref`s that count by `Clone` and `Drop`.
//!
//! [`interner`] is a thin face over the third. Each layer is built on the one below it only.
//!
//! # Handles
//!
//! | kind | size | keeps alive | when the entry is gone | when the map is gone |
//! | --- | --- | --- | --- | --- |
//! | [`Ref`] | one word, also as `Option` | its entry | cannot be | works on; [`as_key`](Ref::as_key) reads |
//! | [`WeakRef`] | one word and eight bytes | nothing | [`upgrade`](WeakRef::upgrade) gives `None` | the same |
//! | [`Handle`] | eight bytes, also as `Option` | nothing | [`resolve`](RcHashMap::resolve) gives `None` | there is nothing to ask |
//! | [`CountedHandle`] | eight bytes | its entry, in layer 2 | names nothing: `None`, `Live` or a panic | is a lost token |
//! | [`Interned`] | one word, also as `Option` | its value | cannot be | works on |
//! | [`WeakInterned`] | one word and eight bytes | nothing | [`upgrade`](WeakInterned::upgrade) gives `None` | the same |
//! | [`RawRef`] | one word, `Copy` | its entry, until it is taken back | cannot be | works on |
//!
//! # When to use what
//!
//! | you have | use |
//! | --- | --- |
//! | values that are looked up by key and should go when nobody uses them | this crate |
//! | `HashMap<K, Rc<V>>` | fine if entries may stay; freeing what only the map holds means sweeping |
//! | `HashMap<K, Weak<V>>` (weak tables) | frees values, but dead keys stay until the next sweep, and each value is an allocation |
//! | values that are never freed | an arena interner: simpler, and handles can be plain integers |
//! | no lookup by key | `Rc`, or the crate `slotmap` |
//! | one owner of all entries | `std::collections::HashMap` |
//! | several threads | a concurrent interner; maps with `Ref`s are neither `Send` nor `Sync` |
//!
//! # Cycles
//!
//! As with `Rc`, a cycle of `Ref`s is never freed. Let one direction be a [`WeakRef`]:
//!
//! ```
//! use rcmap::{RcHashMap, Ref, WeakRef};
//! use std::cell::RefCell;
//!
//! #[derive(Default)]
//! struct Node {
//!     children: RefCell<Vec<Ref<u32, Node>>>,
//!     parent: RefCell<Option<WeakRef<u32, Node>>>,
//! }
//!
//! let map = RcHashMap::new();
//! let parent = map.insert(1, Node::default()).unwrap();
//! let child = map.insert(2, Node::default()).unwrap();
//! *child.value(&map).unwrap().parent.borrow_mut() = Some(parent.downgrade());
//! parent.value(&map).unwrap().children.borrow_mut().push(child);
//! assert_eq!(map.len(), 2);
//! drop(parent);
//! assert_eq!(map.len(), 0);
//! ```
//!
//! [`audit`](audit::audit) finds the cycles that have leaked.
//!
//! # Looking up without building the key
//!
//! Whatever is `Hash` and [`Equivalent`] to the key is a query: a `&str` for a `String`, as with std's
//! maps. For a key of several parts, write a type that borrows them and hashes the same:
//!
//! ```
//! use rcmap::{Equivalent, RcHashMap};
//!
//! #[derive(PartialEq, Eq, Hash)]
//! struct Name {
//!     scope: u32,
//!     text: String,
//! }
//!
//! /// The fields of a `Name` in their order, so that the hashes are the same.
//! #[derive(Hash)]
//! struct NameRef<'a> {
//!     scope: u32,
//!     text: &'a str,
//! }
//!
//! impl Equivalent<Name> for NameRef<'_> {
//!     fn equivalent(&self, key: &Name) -> bool {
//!         self.scope == key.scope && self.text == key.text
//!     }
//! }
//!
//! impl From<&NameRef<'_>> for Name {
//!     fn from(name: &NameRef<'_>) -> Self {
//!         Self { scope: name.scope, text: name.text.to_string() }
//!     }
//! }
//!
//! let map = RcHashMap::<Name, usize>::new();
//! let query = NameRef { scope: 1, text: "main" };
//! let r = map.find_or_insert_ref(&query, |key| key.text.len());
//! assert!(map.find(&query) == Some(r));
//! ```
//!
//! # Many at once
//!
//! There is no `Extend`: an entry without a holder is gone at once, so somebody has to take the `Ref`s.
//! Collect them, after reserving if the number is known:
//!
//! ```
//! use rcmap::{RcHashMap, Ref};
//!
//! let map = RcHashMap::new();
//! let words = ["a", "b", "a"];
//! map.reserve(words.len());
//! let refs: Vec<Ref<&str, usize>> = words.iter().map(|w| map.find_or_insert(*w, w.len())).collect();
//! assert_eq!((refs.len(), map.len()), (3, 2));
//! ```
//!
//! # Limits
//!
//! - At most 2³² − 2 entries in a map: beyond that, insertion panics and `try_reserve` fails.
//! - 2³² − 1 `Ref`s to an entry: one more aborts the process, as an overflow of `Rc` does.
//! - One thread.
//! - In debug builds `Eq`, while a map compares keys, must not enter that map (look up, insert, iterate,
//!   reserve, …): it panics. In release builds it may.
//! - Code that is called back for ever loops for ever: an `Eq` that inserts an entry of the same hash at each
//!   comparison never lets a search end.
//! - A `Handle` that is used with another map than its own names some entry or none.
//! - Chains of entries are freed in a loop within one map. Where values own maps whose values own maps, the levels are
//!   freed recursively, as with `Box`.
//! - Memory that handles take comes back as long as the uses of the busiest slots, added up
//!   between the times when the map was empty, are fewer than 2³⁰.
//! - A key must not change its hash or equality while it is in a map. If it does, lookups may miss or two
//!   entries may compare equal; nothing worse.
//!
//! # More
//!
//! The module `docs` of this documentation holds
//!
//! - patterns: keys that hold handles, values that are read without the map, hashers, keys that borrow, freeing in steps,
//!   writing terms that share parts to a file;
//! - the design;
//! - performance, with measurements;
//! - what carries over from salsa, `FastString`, concurrent interners and arc-swap.
//!
//! # Features
//!
//! - `std` (on by default): a lost [`Token`] panics, overflowing counts abort without a second panic, and
//!   `SparseSecondaryMap` is there. Without it the crate needs `alloc` only.
//! - `default-hasher` (on by default): `new()` and `with_capacity()`.
//! - `serde`: `Serialize` for [`RcHashMap`] (as a map) and [`Interned`] (as its value), `DeserializeSeed` for
//!   `&RcHashMap` (yields the `Ref`s) and `&Interner`.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod audit;
pub mod counted_hash_map;
#[cfg(any(doc, doctest))]
pub mod docs;
mod error;
pub mod handle_hash_map;
pub mod interner;
pub mod keeper;
mod one_thread;
pub mod rc_hash_map;
pub mod side_table;
#[allow(unsafe_code, reason = "slots are reached through raw pointers, so that entries never move")]
mod table;
pub mod tokens;

#[cfg(doctest)]
mod compile_fail;

pub use counted_hash_map::{CountedHandle, CountedHashMap, PutResult};
pub use error::{DisjointError, InsertError, WrongMap};
pub use handle_hash_map::{Handle, HandleHashMap};
pub use hashbrown::{DefaultHashBuilder, Equivalent, TryReserveError};
pub use interner::{Interned, Interner, WeakInterned};
pub use keeper::{KeepHandle, Keeper};
pub use one_thread::ManyThreads;
pub use rc_hash_map::{
    BorrowedKey, Entry, EntryMut, HashedKey, Iter, IterMut, OwnedKey, RawRef, RcHashMap, Ref,
    VacantEntry, WeakRef,
};
pub use side_table::{SideKey, SideMap, SideTable};
pub use slotmap::SecondaryMap;
#[cfg(feature = "std")]
pub use slotmap::SparseSecondaryMap;
pub use tokens::{Count, Token, UsizeCount};

/// The README, so that its snippets are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
