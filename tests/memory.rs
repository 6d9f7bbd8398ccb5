//! Memory comes back: by itself when entries leave, wholly when a reservation fails.
//!
//! Breaks with (I2) of `design.md`.

#[path = "support/counting.rs"]
mod counting;

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use counting::{BYTES, Counting, allocations, granting, limited};
use rcmap::{CountedHashMap, Handle, HandleHashMap, PutResult, RcHashMap, Ref};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Map = RcHashMap<u64, u64>;
type R = Ref<u64, u64>;

const MANY: u64 = match (cfg!(miri), cfg!(debug_assertions)) {
    (true, _) => 5_000,
    (_, true) => 60_000,
    _ => 300_000,
};

/// What an empty map may hold.
const EMPTY: isize = 64 << 10;

fn held(map: &Map, keys: std::ops::Range<u64>) -> Vec<R> {
    keys.map(|n| map.insert(n, n).unwrap()).collect()
}

/// The same order in every run, without any pattern.
fn shuffle<T>(list: &mut [T]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for n in (1..list.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        list.swap(n, (state >> 33) as usize % (n + 1));
    }
}

fn check(map: &Map) {
    #[cfg(debug_assertions)]
    map.check_invariants();
    #[cfg(not(debug_assertions))]
    let _ = map;
}

#[test]
fn an_empty_map_holds_little_after_spikes_of_every_shape() {
    let shapes: [fn(&Map) -> Vec<R>; 6] = [
        |map| held(map, 0..MANY),
        |map| {
            let mut refs = held(map, 0..MANY);
            refs.reverse();
            refs
        },
        |map| {
            let mut refs = held(map, 0..MANY);
            shuffle(&mut refs);
            refs
        },
        |map| {
            map.reserve(MANY as usize);
            held(map, 0..MANY)
        },
        |map| {
            map.reserve(MANY as usize);
            held(map, 0..1)
        },
        |map| {
            // One slot is used again and again before.
            (0..1000).for_each(|n| drop(map.insert(n, n)));
            held(map, 0..MANY)
        },
    ];
    let before = BYTES.get();
    let map = Map::new();
    let mut stale: Vec<Handle> = Vec::new();
    for round in 0..3 {
        for (n, shape) in shapes.iter().enumerate() {
            let refs = shape(&map);
            let handles: Vec<_> = refs.iter().map(Ref::handle).step_by(199).collect();
            let weak = refs[0].downgrade();
            assert!(stale.iter().all(|&handle| map.resolve(handle).is_none()));
            drop(refs);
            assert!(map.is_empty() && weak.upgrade().is_none());
            drop(weak);
            check(&map);
            stale.extend(&handles);
            let kept = stale.capacity() * 8;
            drop(handles);
            let bytes = BYTES.get() - before - kept as isize;
            assert!(bytes <= EMPTY, "{bytes} bytes after shape {n} in round {round}");
        }
    }
    drop(stale);
    map.shrink_to_fit();
    let bytes = BYTES.get() - before;
    assert!(bytes <= 4 << 10, "{bytes} bytes after shrinking");
}

#[test]
fn an_empty_map_holds_little_with_one_page_and_an_index_of_before() {
    fn spike<const SIZE: usize>() {
        let before = BYTES.get();
        let map = RcHashMap::new();
        let many: Vec<_> = (0..1700).map(|n| map.insert(n, [0_u8; SIZE]).unwrap()).collect();
        drop(many);
        for n in 0..3 {
            drop(map.insert(n, [0_u8; SIZE]).unwrap());
            assert!(BYTES.get() - before <= EMPTY, "{} of {SIZE}", BYTES.get() - before);
        }
    }
    spike::<1000>();
    spike::<10_000>();
    spike::<30_000>();
    spike::<34_000>();
    spike::<40_000>();
    spike::<59_000>();
}

#[test]
fn an_empty_map_of_large_values_holds_little() {
    let before = BYTES.get();
    let map = RcHashMap::new();
    let refs: Vec<_> = (0..MANY / 50).map(|n| map.insert(n, [n; 128]).unwrap()).collect();
    assert!(BYTES.get() - before > 1024 * (MANY / 50) as isize);
    drop(refs);
    let bytes = BYTES.get() - before;
    assert!(bytes <= EMPTY, "{bytes} bytes");
}

#[test]
fn the_other_layers_give_memory_back_too() {
    let before = BYTES.get();
    let mut map = HandleHashMap::new();
    let handles: Vec<_> = (0..MANY).map(|n| map.insert(n, n).unwrap()).collect();
    assert!(handles.into_iter().all(|handle| map.remove(handle).is_some()));
    assert!(BYTES.get() - before <= EMPTY);

    let before = BYTES.get();
    let mut map = CountedHashMap::new();
    let handles: Vec<_> = (0..MANY).map(|n| map.insert(n, n).unwrap()).collect();
    for handle in handles {
        assert_ne!(map.put(handle), PutResult::Live);
    }
    assert!(map.is_empty());
    assert!(BYTES.get() - before <= EMPTY);
}

#[test]
fn what_survivors_leave_free_comes_back() {
    /// Which survive, and how many pages they are in at most.
    type Survivors = (&'static str, fn(usize) -> bool, u64);

    let spikes: [Survivors; 4] = [
        ("first", |n| n < 100, 3),
        ("last", |n| n >= MANY as usize - 100, 3),
        ("every 1000th", |n| n % 1000 == 0, MANY / 1000 + 3),
        ("one", |n| n == MANY as usize / 2, 3),
    ];
    for (name, survives, pages) in spikes {
        for in_order in [true, false] {
            let before = BYTES.get();
            let map = Map::new();
            let numbered = held(&map, 0..MANY).into_iter().enumerate();
            let (kept, mut gone): (Vec<_>, Vec<_>) = numbered.partition(|(n, _)| survives(*n));
            let place = |(n, r): &(usize, R)| (*n as u64, std::ptr::from_ref(r.as_key()));
            let places: Vec<_> = kept.iter().map(place).collect();
            if !in_order {
                shuffle(&mut gone);
            }
            drop(gone);
            check(&map);
            let own = (kept.capacity() + places.capacity()) * 16;
            let bytes = BYTES.get() - before - own as isize;
            // Eight bytes a handle in a table that doubles, pages, and a small index.
            let all_pages = (MANY / 2048 + 12).min(pages) as isize * 66_000;
            let most = 2 * 8 * MANY as isize + all_pages + 32 * 2048 * 2 + 40_000;
            assert!(bytes <= most, "{bytes} bytes of at most {most}, {name}");
            for ((_, r), &(n, place)) in kept.iter().zip(&places) {
                assert_eq!((*r.as_key(), r.value(&map)), (n, Ok(&n)));
                assert_eq!(std::ptr::from_ref(r.as_key()), place, "entries do not move");
            }
            // New entries share pages, however scattered the numbers are that are free.
            let more = held(&map, MANY..MANY + 10_000);
            check(&map);
            let bytes = BYTES.get() - before - own as isize - more.capacity() as isize * 8;
            let most = most + 10_000 * 64 + (1 << 20);
            assert!(bytes <= most, "{bytes} bytes of at most {most} with 10 000 more, {name}");
        }
    }
}

#[test]
fn entries_that_come_and_go_allocate_nothing() {
    let live = [1, 2, 3, 4, 5, 8, 9, 100, 1000, 2046, 2047, 2048, 2049, 10_000, 100_000];
    let after_a_spike: [fn(&Map) -> Vec<R>; 3] = [
        |_| Vec::new(),
        |map| held(map, u64::MAX - MANY..u64::MAX).split_off(MANY as usize - 1),
        |map| {
            let kept = held(map, u64::MAX - MANY..u64::MAX).split_off(MANY as usize - 1);
            map.shrink_to_fit();
            kept
        },
    ];
    for (n, prepare) in after_a_spike.iter().enumerate() {
        for &live in live.iter().filter(|&&live| live <= MANY / 2) {
            let map = Map::new();
            let kept = prepare(&map);
            let mut window: std::collections::VecDeque<_> = held(&map, 0..live).into();
            let mut round = |n: u64, oldest: bool| {
                let gone = if oldest { window.pop_front() } else { window.pop_back() };
                drop(gone);
                window.push_back(map.insert(live + n, n).unwrap());
            };
            (0..3 * live).for_each(|n| round(n, true));
            let bytes = BYTES.get();
            let made = allocations(|| {
                (3 * live..4 * live + 100).for_each(|n| round(n, n % 3 != 0));
            });
            assert_eq!((made, BYTES.get()), (0, bytes), "{live} live entries, preparation {n}");
            assert_eq!(map.len() as u64, live + kept.len() as u64);
        }
    }
}

#[test]
fn a_reservation_that_fails_gives_everything_back() {
    let prepare: [fn(&Map) -> Vec<R>; 3] = [
        |_| Vec::new(),
        |map| held(map, 0..1000),
        |map| {
            let mut refs = held(map, 0..MANY.min(20_000));
            shuffle(&mut refs);
            refs.truncate(100);
            refs
        },
    ];
    for prepare in prepare {
        for n in [10_000, 100_000, 1_000_000] {
            for granted in 0..60 {
                let map = Map::new();
                let kept = prepare(&map);
                let bytes = BYTES.get();
                let reserved = granting(granted, || map.try_reserve(n));
                if reserved.is_ok() {
                    break;
                }
                assert!(BYTES.get() <= bytes, "{} bytes are lost", BYTES.get() - bytes);
                check(&map);
                drop(kept);
            }
            let map = Map::new();
            let kept = prepare(&map);
            let bytes = BYTES.get();
            assert!(limited(100_000, || map.try_reserve(n)).is_err());
            assert!(BYTES.get() <= bytes, "{} bytes are lost", BYTES.get() - bytes);
            drop(kept);
        }
    }
}

#[test]
fn a_reservation_that_succeeds_is_kept() {
    let prepare: [fn(&Map) -> Vec<R>; 4] = [
        |_| Vec::new(),
        |map| held(map, 0..10),
        |map| {
            let mut refs = held(map, 0..MANY);
            shuffle(&mut refs);
            refs.truncate(100);
            refs
        },
        |map| {
            let mut refs = held(map, 0..MANY);
            refs.truncate(100);
            map.shrink_to_fit();
            refs
        },
    ];
    for (number, prepare) in prepare.iter().enumerate() {
        for n in [1, 10, 3000, 20_000] {
            let map = Map::new();
            let kept = prepare(&map);
            let mut more = Vec::with_capacity(n);
            assert!(map.try_reserve(n).is_ok());
            assert!(map.capacity() >= map.len() + n);
            let made = allocations(|| {
                more.extend((MANY..MANY + n as u64).map(|n| map.insert(n, n).unwrap()));
            });
            assert_eq!(made, 0, "{n} insertions, preparation {number}");
            check(&map);
            drop(kept);
        }
    }
}

#[test]
fn an_insertion_needs_no_memory_where_clearing_tombstones_makes_room() {
    let map = Map::new();
    let mut refs = held(&map, 0..20_000);
    while map.len() < map.capacity() {
        refs.push(map.insert(refs.len() as u64, 0).unwrap());
    }
    shuffle(&mut refs);
    refs.truncate(refs.len() / 2 + 100);
    limited(10_000, || {
        assert!(map.try_reserve(1).is_ok());
        for n in 0..1_000 {
            refs.push(map.insert(1_000_000 + n, n).unwrap());
        }
    });
    check(&map);
}

#[test]
fn a_map_that_goes_frees_its_index_at_once() {
    let map = Map::new();
    let refs = held(&map, 0..MANY);
    let bytes = BYTES.get();
    drop(map);
    let freed = bytes - BYTES.get();
    assert!(freed >= 9 * MANY as isize, "{freed} bytes");
    assert!(refs.iter().zip(0..).all(|(r, n)| *r.as_key() == n));
    let bytes = BYTES.get();
    drop(refs);
    assert!(BYTES.get() < bytes - 32 * MANY as isize);
}

#[test]
fn after_the_map_has_gone_its_entries_live_on() {
    let map = Map::new();
    let refs = held(&map, 0..100);
    let weak = refs[7].downgrade();
    drop(map);
    assert!(weak.upgrade().is_some_and(|r| *r.as_key() == 7));
    drop(refs);
    assert!(weak.upgrade().is_none());
}

#[test]
fn nothing_aborts_where_the_allocator_refuses_everything() {
    let map = Map::new();
    let mut refs = held(&map, 0..MANY);
    shuffle(&mut refs);
    let kept = refs.split_off(MANY as usize - 50);
    granting(0, || {
        drop(refs);
        map.shrink_to_fit();
        assert!(map.try_reserve(MANY as usize).is_err());
    });
    check(&map);
    assert!(kept.iter().all(|r| map.find(r.as_key()).is_some_and(|found| found == *r)));
    granting(0, || {
        drop(kept);
        map.shrink_to_fit();
    });
    assert!(map.is_empty());
    check(&map);
}

#[test]
fn walks_and_borrows_outlive_the_memory_around_them() {
    let mut map = Map::new();
    let shelf = RefCell::new(held(&map, 0..MANY));
    let kept = shelf.borrow_mut().swap_remove(MANY as usize / 2);
    let value = kept.value(&map).unwrap();
    let bytes = BYTES.get();
    let (mut seen, mut made) = (0, Vec::new());
    for r in &map {
        seen += 1;
        if seen == 10 {
            shelf.borrow_mut().clear();
            assert!(BYTES.get() < bytes - 30 * MANY as isize, "memory has gone");
        } else if seen > 10 && made.len() < 10_000 {
            made.push(map.insert(MANY + made.len() as u64, 0).unwrap());
        }
        assert!(seen < 3 * MANY, "the walk ends");
        drop(r);
    }
    assert_eq!(*value, MANY / 2);
    drop(made);
    check(&map);

    let shelf = RefCell::new(held(&map, MANY..2 * MANY));
    let mut seen = std::collections::BTreeSet::new();
    for mut entry in &mut map {
        *entry += 1;
        assert!(seen.insert(*entry.key()), "once");
        if seen.len() == 10 {
            shelf.borrow_mut().clear();
        }
    }
    assert!(seen.len() <= 12);
    check(&map);
}

#[test]
fn entries_that_wait_for_their_destructors_keep_their_memory() {
    struct Node {
        map: Weak<RcHashMap<u64, Node>>,
        held: Vec<Ref<u64, Node>>,
        number: u64,
    }

    impl Drop for Node {
        fn drop(&mut self) {
            assert!(self.number < MANY, "the value is whole");
            self.held.clear();
            if let (Some(map), true) = (self.map.upgrade(), self.number % 500 == 0) {
                map.shrink_to_fit();
            }
        }
    }

    let before = BYTES.get();
    let map = Rc::new(RcHashMap::new());
    let node = |number, held| Node { map: Rc::downgrade(&map), held, number };
    let held: Vec<_> =
        (1..MANY / 10).map(|n| map.insert(n, node(n, Vec::new())).ok().unwrap()).collect();
    let root = map.insert(0, node(0, held)).ok().unwrap();
    drop(root);
    assert!(map.is_empty());
    #[cfg(debug_assertions)]
    map.check_invariants();
    assert!(BYTES.get() - before <= EMPTY);
}

/// Not in debug builds, which are also made with fields in random order.
#[cfg(not(debug_assertions))]
#[test]
fn small_maps_are_small() {
    // Half as much again as `rc-hashmap` 0.1.0 takes.
    for (count, most) in [(0, 216), (1, 472), (10, 1353), (100, 9555)] {
        let before = BYTES.get();
        let map = Map::new();
        let mut refs = Vec::with_capacity(count as usize);
        refs.extend((0..count).map(|n| map.insert(n, n).unwrap()));
        let bytes = BYTES.get() - before - refs.capacity() as isize * 8;
        assert!(bytes <= most, "{bytes} bytes of {count} entries");
    }
}

#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn a_reservation_touches_no_memory() {
    fn resident() -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    }

    let map = Map::new();
    let (bytes, before) = (BYTES.get(), resident());
    map.reserve(1_000_000);
    let reserved = (BYTES.get() - bytes) as usize;
    let touched = resident().saturating_sub(before);
    assert!(reserved > 49_000_000);
    // Other tests run in the same process.
    assert!(touched < reserved / 2, "{touched} of {reserved} bytes");
}
