//! What allocates and what does not, and what if memory runs out, by a global allocator that counts
//! and refuses.
//!
//! Counts are per thread, so that tests and the harness do not disturb each other.

#[path = "support/counting.rs"]
mod counting;

use std::cell::Cell;

use counting::{BYTES, Counting, allocations, granting};
use rcmap::{HandleHashMap, Interner, RcHashMap, Ref, TryReserveError};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const N: u64 = if cfg!(miri) { 100 } else { 10_000 };

fn filled() -> (RcHashMap<u64, u64>, Vec<Ref<u64, u64>>) {
    let map = RcHashMap::new();
    let held = (0..N).map(|n| map.insert(n, n).unwrap()).collect();
    (map, held)
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| std::hint::black_box(Box::new(1_u64))), 1);
    assert_eq!(allocations(|| 1), 0);
    let before = BYTES.get();
    let boxed = Box::new([0_u64; 8]);
    assert_eq!(BYTES.get() - before, 64);
    drop(boxed);
    assert_eq!(BYTES.get(), before);
}

/// Reserves while the allocator refuses everything after so many allocations, in a map with ten entries that `prepare`
/// has made, until it succeeds.
fn reserve_whichever_allocation_is_refused(
    prepare: fn() -> RcHashMap<usize, usize>,
    entries: usize,
) {
    for granted in 0.. {
        let map = prepare();
        let held: Vec<_> = (0..entries).map(|n| map.insert(n, n).unwrap()).collect();
        let result = granting(granted, || map.try_reserve(1000));
        #[cfg(debug_assertions)]
        map.check_invariants();
        assert_eq!(map.len(), entries);
        for (n, r) in held.iter().enumerate() {
            assert_eq!(r.value(&map), Ok(&n));
            assert!(map.find(&n).is_some_and(|found| found == *r));
        }
        match result {
            Err(TryReserveError::AllocError { layout }) => {
                assert!(layout.size() > 0);
                assert!(map.capacity() < 1000);
                // It grows again as soon as there is memory.
                let more: Vec<_> = (10..100).map(|n| map.insert(n, n).unwrap()).collect();
                assert_eq!(more.len() + entries, map.len());
            }
            Err(other) => panic!("{other:?}"),
            Ok(()) => {
                assert!(map.capacity() >= 1000 + entries);
                assert!(granted >= 4, "blocks, pages, handles and index are allocated");
                return;
            }
        }
    }
}

#[test]
fn whichever_allocation_is_refused_the_map_stays_as_it_was() {
    reserve_whichever_allocation_is_refused(RcHashMap::new, 10);
}

#[test]
fn whichever_allocation_is_refused_a_map_that_was_emptied_stays_as_it_was() {
    let emptied = || {
        let map = RcHashMap::new();
        let held: Vec<_> = (0..5000).map(|n| map.insert(n, n).unwrap()).collect();
        drop(held);
        map
    };
    reserve_whichever_allocation_is_refused(emptied, 0);
    let shrunk = || {
        let map = RcHashMap::new();
        map.shrink_to_fit();
        map
    };
    reserve_whichever_allocation_is_refused(shrunk, 0);
}

#[test]
fn whichever_allocation_is_refused_entries_are_dropped_and_memory_freed() {
    for granted in 0..10 {
        let map = RcHashMap::new();
        let held: Vec<_> = (0..N as usize).map(|n| map.insert(n, n).unwrap()).collect();
        granting(granted, || {
            drop(held);
            map.shrink_to_fit();
        });
        #[cfg(debug_assertions)]
        map.check_invariants();
        assert!(map.is_empty());
        assert!(map.find(&1).is_none());
        assert!(map.insert(1, 1).is_ok());
    }
}

#[test]
fn whichever_allocation_is_refused_a_map_that_was_reserved_is_emptied() {
    type Map = RcHashMap<u32, [u8; 1000]>;
    for granted in 0..6 {
        let map = Map::with_capacity(100);
        let held: Vec<_> = (0..100).map(|n| map.insert(n, [0; 1000]).unwrap()).collect();
        granting(granted, || drop(held));
        assert!(map.is_empty() && map.find(&1).is_none());
    }
}

#[test]
fn one_entry_comes_and_goes_without_allocating_whatever_its_size() {
    fn churn<const SIZE: usize>() {
        let map = RcHashMap::new();
        drop(map.insert(0, [0_u8; SIZE]).unwrap());
        let made = allocations(|| {
            for n in 0..100 {
                drop(map.insert(n, [0_u8; SIZE]).unwrap());
            }
        });
        assert_eq!(made, 0, "{SIZE} bytes");
    }
    churn::<8>();
    churn::<1000>();
    churn::<10_000>();
    churn::<30_000>();
    churn::<36_000>();
}

#[test]
fn find_allocates_nothing() {
    let (map, held) = filled();
    let made = allocations(|| {
        for n in 0..2 * N {
            assert_eq!(map.find(&n).is_some(), n < N);
            assert_eq!(map.contains_key(&n), n < N);
            assert_eq!(map.find_hashed(map.hash(&n), |key| *key == n).is_some(), n < N);
        }
    });
    assert_eq!((made, held.len() as u64), (0, N));
}

#[test]
fn reading_and_cloning_allocate_nothing() {
    let (mut map, held) = filled();
    let made = allocations(|| {
        for (n, r) in held.iter().enumerate() {
            let clone = r.clone();
            assert_eq!(clone.key_value(&map), Ok((&(n as u64), &(n as u64))));
            assert!(map.resolve(r.handle()).is_some_and(|found| found == *r));
            let weak = clone.downgrade();
            assert!(weak.clone().upgrade().is_some());
            *r.value_mut(&mut map).unwrap() += 1;
            let raw = clone.into_raw();
            // SAFETY: it came from `into_raw`, and is taken back once.
            drop(unsafe { Ref::from_raw(raw) });
        }
    });
    assert_eq!(made, 0);
}

#[test]
fn iterating_allocates_nothing() {
    let (mut map, held) = filled();
    let made = allocations(|| {
        assert_eq!(map.iter().count() as u64, N);
        map.iter_mut().for_each(|mut entry| *entry += 1);
        assert!(map.get_disjoint_mut([&held[0], &held[1]]).is_ok());
    });
    assert_eq!(made, 0);
}

/// How often a large index may be made smaller while a map is emptied: each time by a factor of at least four.
const SMALLER: usize = 8;

#[test]
fn removal_allocates_for_a_smaller_index_only() {
    let (map, mut held) = filled();
    let made = allocations(|| {
        while let Some(r) = held.pop() {
            if r.as_key() % 2 == 0 {
                drop(r);
            } else {
                assert!(r.try_unwrap().is_ok());
            }
        }
    });
    assert_eq!(map.len(), 0);
    assert!(made <= SMALLER, "{made} allocations");

    let map = RcHashMap::new();
    let held: Vec<_> = (0..1000).map(|n| map.insert(n, n).unwrap()).collect();
    assert_eq!(allocations(|| drop(held)), 0, "a small index stays");
}

#[test]
fn inserting_within_the_capacity_allocates_nothing() {
    let map = RcHashMap::with_capacity(N as usize);
    let mut held = Vec::with_capacity(N as usize);
    let made = allocations(|| {
        for n in 0..N {
            held.push(map.insert(n, n).unwrap());
        }
        assert!(map.insert(0, 0).is_err() && map.find_or_insert(1, 1) == held[1]);
    });
    assert_eq!((made, map.len() as u64), (0, N));
}

#[test]
fn clearing_tombstones_away_allocates_nothing() {
    for left in [0, 12] {
        let mut map = HandleHashMap::with_capacity(112);
        let mut handles: Vec<_> = (0..112).map(|n| map.insert(n, n).unwrap()).collect();
        // Churn leaves tombstones, which are cleared away when there is no other room.
        let mut made = 0;
        for n in 112..10_000 {
            let oldest = handles.remove(0);
            assert!(map.remove(oldest).is_some());
            made += allocations(|| handles.push(map.insert(n, n).unwrap()));
        }
        assert!(
            made <= 2,
            "{made} allocations: the index may double once, the list of handles too"
        );
        for handle in handles.drain(left..) {
            assert!(map.remove(handle).is_some());
        }
        assert_eq!(allocations(|| map.reserve(112 - left)), 0);
        assert!(map.capacity() >= 112);
    }
}

#[test]
fn there_is_no_allocation_per_entry() {
    let map = RcHashMap::new();
    let mut held = Vec::with_capacity(N as usize);
    let made = allocations(|| held.extend((0..N).map(|n| map.insert(n, n).unwrap())));
    assert!(made > 0 && made < 40 + N as usize / 10, "{made} allocations for {N} entries");
}

struct Link(#[expect(dead_code, reason = "held, not read")] Option<Ref<u64, Link>>);

#[test]
fn freeing_a_chain_gives_everything_back() {
    let before = BYTES.get();
    for drop_map_first in [false, true] {
        let map = RcHashMap::new();
        let mut top = map.insert(0, Link(None)).unwrap();
        for n in 1..N {
            top = map.insert(n, Link(Some(top))).unwrap();
        }
        assert!(BYTES.get() - before > N as isize * 16);
        let made = if drop_map_first {
            allocations(|| {
                drop(map);
                drop(top);
            })
        } else {
            allocations(|| {
                drop(top);
                drop(map);
            })
        };
        assert_eq!(BYTES.get(), before);
        assert!(made <= if drop_map_first { 0 } else { SMALLER }, "{made} allocations");
    }
}

#[test]
fn a_chain_let_go_inside_of_eq_is_freed_without_more_memory() {
    let map = RcHashMap::new();
    let mut top = map.insert(0, Link(None)).unwrap();
    for n in 1..N {
        top = map.insert(n, Link(Some(top))).unwrap();
    }
    let (hash, slot) = (map.hash(&0), Cell::new(Some(top)));
    let made = allocations(|| {
        drop(map.find_hashed(hash, |_| {
            drop(slot.take());
            false
        }));
    });
    assert_eq!(map.len(), 0);
    assert!(made <= SMALLER, "{made} allocations");
}

#[test]
fn a_million_inserts_and_removals_at_constant_size_do_not_grow_memory() {
    let rounds: u64 = if cfg!(miri) { 1000 } else { 1_000_000 };
    let size: u64 = if cfg!(miri) { 50 } else { 1000 };
    let map = RcHashMap::new();
    let mut window: Vec<_> = (0..size).map(|n| map.insert(n, n).unwrap()).collect();
    let warm_up = rounds / 10;
    let mut warm = 0;
    for n in 0..rounds {
        if n == warm_up {
            warm = BYTES.get();
        }
        let at = (n.wrapping_mul(2_654_435_761) % size) as usize;
        window[at] = map.insert(size + n, n).unwrap();
    }
    assert_eq!(map.len() as u64, size);
    assert!(BYTES.get() <= warm, "{} bytes more than after the warm-up", BYTES.get() - warm);
}

#[test]
fn filling_and_emptying_again_and_again_does_not_grow_memory() {
    let map = RcHashMap::new();
    let round = || {
        let held: Vec<_> = (0..N).map(|n| map.insert(n, n).unwrap()).collect();
        assert_eq!(map.len() as u64, N);
        drop(held);
    };
    round();
    round();
    let warm = BYTES.get();
    (0..10).for_each(|_| round());
    assert!(BYTES.get() <= warm);
}

#[test]
fn shrinking_gives_memory_back() {
    let (map, held) = filled();
    let full = BYTES.get();
    map.shrink_to_fit();
    drop(held);
    map.shrink_to_fit();
    let freed = full - BYTES.get();
    // At least 32 bytes of slot, eight of handle and nine of index an entry.
    assert!(freed > N as isize * 49, "{freed} bytes freed of {N} entries");
}

#[test]
fn a_dropped_map_gives_everything_back() {
    let before = BYTES.get();
    let (map, held) = filled();
    let weak = held[0].downgrade();
    drop((map, held));
    let left = BYTES.get() - before;
    assert!(left > 0 && left < 512, "a weak reference keeps {left} bytes");
    drop(weak);
    assert_eq!(BYTES.get(), before);
}

#[test]
fn an_empty_map_is_small() {
    let before = BYTES.get();
    let map = RcHashMap::<u64, u64>::new();
    let empty = BYTES.get() - before;
    assert!(empty < 400, "{empty} bytes");
    assert!(map.is_empty());
}

#[test]
fn interning_a_known_word_allocates_nothing() {
    let names = Interner::<Box<str>>::new();
    let word = names.intern_ref("word");
    let made = allocations(|| {
        let again = names.intern_ref("word");
        assert!(again == word && names.get("word").is_some() && names.get("other").is_none());
        again
    });
    assert_eq!(made, 0);
}

#[test]
fn printing_refs_allocates_for_the_text_only() {
    let (map, held) = filled();
    let mut text = String::with_capacity(1000);
    let made = allocations(|| {
        use std::fmt::Write;
        write!(text, "{:?} {:?}", held[0], held[0].downgrade()).unwrap();
    });
    assert_eq!((made, map.len() as u64), (0, N));
}
