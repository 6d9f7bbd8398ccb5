//! What only the inside of a table can tell.
#![forbid(unsafe_code)]

use alloc::vec::Vec;

use super::super::index::Listing;
use super::{Folded, LAST_VERSION, SlotPtr, Table};

#[test]
fn a_worn_out_index_is_never_used_again() {
    let mut table = Table::new();
    let hash = Folded::new(7);
    let mut stale = Vec::new();
    for round in 0..LAST_VERSION as usize * 2 {
        let handle = table.insert_mut(hash, round, ());
        assert!(!stale.contains(&handle), "no handle is given out twice");
        assert_eq!(table.remove_mut(handle), Some((round, ())));
        stale.push(handle);
        assert!(stale.iter().all(|&handle| table.get(handle).is_none()));
        table.check_invariants();
    }
    assert_eq!(table.worn_out.get(), 3, "each index serves (LAST_VERSION + 1) / 2 entries");
    assert!(table.capacity() <= table.handles().capacity() - 3);
}

#[test]
fn what_is_said_to_fit_fits_even_if_handles_are_the_scarcest() {
    let mut table = Table::new();
    for round in 0..LAST_VERSION * 20 {
        let handle = table.insert_mut(Folded::new(round), round, ());
        table.check_invariants();
        // Of the three parts only the handles wear out.
        if round % 200 != 0 {
            assert_eq!(table.remove_mut(handle), Some((round, ())));
            table.check_invariants();
        }
    }
    assert!(table.worn_out.get() > 30);
}

#[test]
fn an_index_full_of_tombstones_is_cleared_and_one_full_of_entries_grows() {
    let mut table = Table::new();
    table.reserve_mut(112);
    let buckets = table.index().num_buckets();
    for _ in 0..3 {
        let handles: Vec<_> = (0..112).map(|n| table.insert_mut(Folded::new(n), n, ())).collect();
        assert_eq!(table.index().num_buckets(), buckets, "there was room");
        for &handle in &handles[..100] {
            assert!(table.remove_mut(handle).is_some());
        }
        assert!(table.index().capacity() < 50, "removing left tombstones");
        table.reserve_mut(100);
        assert_eq!((table.index().capacity(), table.index().num_buckets()), (112, buckets));
        table.check_invariants();
        for &handle in &handles[100..] {
            assert!(table.remove_mut(handle).is_some());
        }
        table.reserve_mut(50);
        assert_eq!((table.index().capacity(), table.index().num_buckets()), (112, buckets));
    }
    let handles: Vec<_> = (0..112).map(|n| table.insert_mut(Folded::new(n), n, ())).collect();
    assert!(handles.iter().all(|&handle| table.remove_mut(handle).is_some()));
    assert!(table.index().capacity() < 50, "an empty index is full of tombstones");
    table.reserve_mut(50);
    assert_eq!((table.index().capacity(), table.index().num_buckets()), (112, buckets));
    for n in 0..113 {
        table.insert_mut(Folded::new(n), n, ());
        table.check_invariants();
    }
    assert_eq!(table.index().num_buckets(), 2 * buckets);
}

#[test]
fn a_listing_tells_hashes_apart_by_as_many_bits_as_slots_leave_free() {
    fn check<V>(value: V) {
        let mut table = Table::new();
        let handle = table.insert_mut(Folded::new(0), 0_u8, value);
        let slot = table.locate(handle).unwrap();
        let free = SlotPtr::<u8, V>::ALIGN.ilog2();
        for difference in 0..1024 {
            let a = Folded::new(0x2a5 << 22);
            let b = Folded::new((0x2a5 ^ difference) << 22);
            let listed = Listing::new(slot, a).slot::<u8, V>(b);
            assert_eq!(listed.is_some(), a.top(free) == b.top(free));
        }
    }

    check(());
    check(0_u64);
    check([0_u64; 2]);
    check([0_u8; 3]);
}

#[test]
fn slots_of_any_alignment_are_found_by_pointer_and_hash() {
    #[repr(align(128))]
    struct Wide;

    fn fill<V>(value: impl Fn() -> V) {
        let mut table = Table::new();
        let hash = |n: u64| Folded::new(n.wrapping_mul(0x1234_5677_89ab_cdef));
        for n in 0..300_u64 {
            table.insert_mut(hash(n), n as u8, value());
            table.check_invariants();
        }
        for n in 0..300_u64 {
            let found = table.find_handle(hash(n), |&key| key == n as u8);
            assert!(found.is_some_and(|handle| table.remove_mut(handle).is_some()));
        }
        assert_eq!(table.len(), 0);
    }

    fill(|| ());
    fill(|| 0_u16);
    fill(|| 0_u64);
    fill(|| [0_u8; 7]);
    fill(|| Wide);
    fill(|| [0_u64; 200]);
}

#[test]
fn shrinking_frees_idle_blocks_and_reuses_their_addresses() {
    let mut table = Table::new();
    let handles: Vec<_> = (0..5000_u64).map(|n| table.insert_mut(Folded::new(n), n, n)).collect();
    let full = table.capacity();
    for &handle in &handles[..4999] {
        assert!(table.remove_mut(handle).is_some());
    }
    table.shrink_mut();
    table.check_invariants();
    assert!(table.arena().capacity() < full / 2, "only the last block is left");
    assert_eq!(table.get(handles[4999]), Some((&4999, &4999)));
    for n in 0..5000 {
        table.insert_mut(Folded::new(n), n, n);
    }
    table.check_invariants();
    assert_eq!(table.iter().count(), 5001);
}
