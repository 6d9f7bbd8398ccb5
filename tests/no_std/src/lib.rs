//! Uses all of rcmap from a crate that has `core` and `alloc` only.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::{BuildHasherDefault, Hasher};
use rcmap::{CountedHashMap, HandleHashMap, Interner, PutResult, RcHashMap};

/// FNV-1a: some hasher that is not in `std`.
#[derive(Default)]
pub struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

type S = BuildHasherDefault<Fnv>;

/// Runs every layer once; panics if an answer is wrong.
pub fn exercise() {
    let mut handles = HandleHashMap::<u32, u32, S>::default();
    let handle = handles.insert(1, 2).unwrap();
    assert_eq!(handles.remove(handle), Some((1, 2)));

    let mut counted = CountedHashMap::<u32, u32, S>::default();
    let first = counted.insert(1, 2).unwrap();
    assert_eq!(counted.put(first), PutResult::Removed { key: 1, value: 2 });

    let map = RcHashMap::<u32, Box<str>, S>::default();
    let refs: Vec<_> = (0..1000).map(|n| map.insert(n, "x".into()).unwrap()).collect();
    assert_eq!(map.len(), 1000);
    let weak = refs[0].downgrade();
    drop(refs);
    assert!(map.is_empty() && weak.upgrade().is_none());

    let names = Interner::<Box<str>, S>::default();
    assert!(names.intern_ref("a") == names.intern_ref("a"));
    assert!(names.is_empty());
}
