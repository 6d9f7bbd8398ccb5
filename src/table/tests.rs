//! What only the inside of a table can tell.
#![forbid(unsafe_code)]

use alloc::vec::Vec;

use super::handles::{LAST_VERSION, Number};
use super::{Folded, Handle, Table};

/// A hash for each number, all different.
fn hash(n: u64) -> Folded {
    Folded::new(n.wrapping_mul(0x1234_5677_89ab_cdef))
}

fn fill<V>(table: &mut Table<u64, V>, count: u64, value: impl Fn() -> V) -> Vec<Handle> {
    (0..count).map(|n| table.insert(hash(n), n, value())).collect()
}

#[test]
fn a_worn_out_number_is_never_used_again() {
    let mut table = Table::new();
    let _held = table.insert(hash(1 << 40), 1 << 40, ());
    let mut stale = Vec::new();
    for round in 0..u64::from(LAST_VERSION) * 2 {
        let handle = table.insert(hash(round), round, ());
        assert!(!stale.contains(&handle), "no handle is given out twice");
        assert_eq!(table.remove(handle), Some((round, ())));
        stale.push(handle);
        assert!(stale.iter().all(|&handle| table.get(handle).is_none()));
        table.check_invariants();
    }
    let worn_out: Vec<_> = stale.iter().filter(|handle| handle.is_last()).collect();
    assert_eq!(worn_out.len(), 3, "each number serves (LAST_VERSION + 1) / 2 entries");
}

#[test]
fn what_is_said_to_fit_fits_even_if_numbers_wear_out() {
    let mut table = Table::new();
    for round in 0..u64::from(LAST_VERSION) * 20 {
        let fits = table.capacity() - table.len();
        let handle = table.insert(hash(round), round, ());
        table.check_invariants();
        if fits > 0 {
            assert!(table.capacity() - table.len() == fits - 1, "an insertion takes one place");
        }
        if round % 200 != 0 {
            assert_eq!(table.remove(handle), Some((round, ())));
            table.check_invariants();
        }
    }
}

#[test]
fn handles_of_before_the_numbers_start_again_name_nothing() {
    let mut table = Table::new();
    let mut stale: Vec<Handle> = Vec::new();
    for round in 0..LAST_VERSION / 2 + 10 {
        let handles = fill(&mut table, 3000, || [0_u64; 4]);
        assert!(stale.iter().all(|&handle| table.get(handle).is_none()), "in round {round}");
        for &handle in &handles {
            assert!(table.remove(handle).is_some());
        }
        table.check_invariants();
        stale.extend(handles.into_iter().step_by(97));
        if round < LAST_VERSION / 8 {
            assert!(!table.handles.is_large(), "memory comes back as long as there are versions");
        }
    }
    assert!(table.handles.is_large(), "there are not enough versions left for another start");
}

#[test]
fn tombstones_are_cleared_away_and_an_index_full_of_entries_grows() {
    let mut table = Table::new();
    table.reserve(112);
    let buckets = table.index.num_buckets();
    for _ in 0..3 {
        let handles = fill(&mut table, 112, || ());
        assert_eq!(table.index.num_buckets(), buckets, "there was room");
        for &handle in &handles[..100] {
            assert!(table.remove(handle).is_some());
        }
        assert!(table.index.capacity() < 112, "removing left tombstones");
        table.reserve(100);
        assert_eq!((table.index.capacity(), table.index.num_buckets()), (112, buckets));
        table.check_invariants();
        for &handle in &handles[100..] {
            assert!(table.remove(handle).is_some());
        }
    }
    for n in 0..113 {
        table.insert(hash(n), n, ());
        table.check_invariants();
    }
    assert_eq!(table.index.num_buckets(), 2 * buckets);
}

#[test]
fn a_slot_is_found_by_pointer_and_hash_whatever_its_alignment() {
    #[repr(align(128))]
    struct Wide;
    #[repr(align(4096))]
    struct Page;

    fn check<V>(value: impl Fn() -> V) {
        let mut table = Table::new();
        for n in 0..300_u64 {
            table.insert(hash(n), n, value());
            table.check_invariants();
        }
        for n in 0..300_u64 {
            let handle = table.find(hash(n), |&key| key == n).expect("it was inserted");
            assert!(table.remove(handle).is_some());
        }
        assert_eq!(table.len(), 0);
        table.check_invariants();
    }

    check(|| ());
    check(|| 0_u16);
    check(|| 0_u64);
    check(|| [0_u8; 7]);
    check(|| Wide);
    check(|| Page);
    check(|| [0_u64; 200]);
    check(|| [0_u64; 10_000]);
}

#[test]
fn pages_without_an_entry_are_freed_and_come_back() {
    let mut table = Table::new();
    let handles = fill(&mut table, 20_000, || 0_u64);
    let pages = table.arena.pages();
    for &handle in &handles[..19_990] {
        assert!(table.remove(handle).is_some());
        table.check_invariants_if(handle.index() % 512 == 0);
    }
    table.check_invariants();
    assert!(table.arena.pages() < pages, "most pages have gone by themselves");
    let rest = &handles[19_990..];
    assert!(rest.iter().all(|&handle| table.get(handle).is_some()));
    table.shrink();
    table.check_invariants();
    assert!(table.index.num_buckets() <= 16, "a small index is enough");

    for n in 0..19_990_u64 {
        table.insert(hash(n), n, n);
        table.check_invariants_if(n % 512 == 0);
    }
    table.check_invariants();
    assert_eq!(table.iter().count(), 20_000);
    assert_eq!(table.arena.pages(), pages, "the same numbers are used again");
}

#[test]
fn a_walk_looks_at_the_pages_that_are_there() {
    let mut table = Table::new();
    let handles = fill(&mut table, 200_000, || ());
    for &handle in &handles[10..] {
        assert!(table.remove(handle).is_some());
    }
    assert_eq!(table.iter().count(), 10);
    assert!(table.cursor().steps(&table.arena) < 20_000, "not the peak");
    for &handle in &handles[..10] {
        assert!(table.remove(handle).is_some());
    }
    assert!(table.cursor().steps(&table.arena) <= 1024, "next to nothing");
}

#[test]
fn the_first_slot_is_number_one_and_none_is_nobody() {
    let mut table = Table::new();
    let handle = table.insert(hash(0), 0_u64, ());
    assert_eq!(handle.index(), 1);
    for number in [0, 2, 3, 4, 1 << 20, u32::MAX - 1, u32::MAX] {
        let forged = Handle::from_parts(Number(number), handle.version());
        assert_eq!(table.get(forged), None, "{number}");
    }
    assert_eq!(table.get(Handle::default()), None);
}

#[test]
fn hashes_that_agree_in_either_half_are_told_apart() {
    for shift in [0, 20, 32, 44] {
        let mut table = Table::new();
        for n in 0..1000_u64 {
            table.insert(Folded::new(n << shift), n, ());
        }
        let mut asked = 0;
        for n in 0..1000_u64 {
            let is_it = |&key: &u64| {
                asked += 1;
                key == n
            };
            assert!(table.find(Folded::new(n << shift), is_it).is_some());
        }
        assert!(asked < 1100, "{asked} comparisons for 1000 hits, hashes shifted by {shift}");
    }
}

#[test]
fn most_entries_lie_in_the_bucket_that_is_prefetched() {
    let mut table = Table::new();
    let handles = fill(&mut table, 20_000, || ());
    let at_home = |table: &Table<u64, ()>, count| {
        (0..count).filter(|&n| table.index.is_at_home(hash(n))).count()
    };
    assert!(at_home(&table, 20_000) > 10_000, "in an index that has grown");
    for &handle in &handles[1000..] {
        assert!(table.remove(handle).is_some());
    }
    table.shrink();
    assert!(at_home(&table, 1000) > 250, "in one that has shrunk");
}

/// Programs of insertions, removals, reservations and shrinking next to a model. Slots are so large that a page
/// of full size has eight, so that pages come and go all the time.
#[test]
fn a_table_does_what_its_model_does_while_pages_come_and_go() {
    type Wide = [u64; 900];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    for round in 0..if cfg!(miri) { 1 } else { 8 } {
        let mut table: Table<u64, Wide> = Table::new();
        let mut model: Vec<(Handle, u64)> = Vec::new();
        let mut stale: Vec<Handle> = Vec::new();
        let mut next = 0;
        for step in 0..if cfg!(miri) { 40 } else { 400 } {
            match random(8) {
                0..=2 => {
                    for _ in 0..random(40) {
                        model.push((table.insert(hash(next), next, [next; 900]), next));
                        next += 1;
                    }
                }
                3..=5 => {
                    let in_order = random(2) == 0;
                    for _ in 0..random(60).min(model.len()) {
                        let n = if in_order { 0 } else { random(model.len()) };
                        let (handle, key) = model.remove(n);
                        assert_eq!(table.remove(handle).map(|(key, _)| key), Some(key));
                        stale.push(handle);
                    }
                }
                6 => {
                    let room = random(100);
                    table.reserve(room);
                    assert!(table.capacity() >= table.len() + room, "in step {step}");
                    let pages = table.arena.pages();
                    for _ in 0..room {
                        model.push((table.insert(hash(next), next, [next; 900]), next));
                        next += 1;
                    }
                    assert!(table.arena.pages() >= pages);
                }
                _ if round % 2 == 0 => table.shrink(),
                _ => {
                    for (handle, key) in model.drain(..) {
                        assert_eq!(table.remove(handle).map(|(key, _)| key), Some(key));
                        stale.push(handle);
                    }
                }
            }
            table.check_invariants();
            assert_eq!(table.len(), model.len());
            for &(handle, key) in &model {
                assert_eq!(table.find(hash(key), |&other| other == key), Some(handle));
                assert!(table.get(handle).is_some_and(|(&k, v)| k == key && v[899] == key));
            }
            assert!(stale.iter().all(|&handle| table.get(handle).is_none()), "in step {step}");
            stale.truncate(500);
        }
    }
}

/// To look for each among all that have its hash would be quadratic.
#[test]
fn without_an_index_nothing_is_looked_for() {
    let mut table = Table::new();
    let same = hash(1);
    let handles: Vec<_> = (0..1000_u64).map(|n| table.insert(same, n, ())).collect();
    table.drop_index();
    assert_eq!(
        (table.index.len(), table.index.num_buckets()),
        (0, 1),
        "there is nothing to search"
    );
    for (handle, n) in handles.into_iter().zip(0..) {
        assert_eq!(table.remove(handle), Some((n, ())));
    }
    assert_eq!(table.index.num_buckets(), 1, "and it does not come back");
}
