//! Entries never move while they live, and what is borrowed stays what it was.
//!
//! Breaks with (I3) and (I8) of `design.md`.

mod support;

use rcmap::{HandleHashMap, RcHashMap, Ref};
use support::check;

/// Enough for several blocks.
const MANY: u32 = if cfg!(miri) { 200 } else { 3000 };

/// How often a map is changed while something is borrowed.
const CHANGES: u32 = if cfg!(miri) { 500 } else { 100_000 };

#[test]
fn borrows_hold_across_a_hundred_thousand_inserts_and_removals() {
    let map: RcHashMap<u32, String> = RcHashMap::new();
    let held: Vec<_> = (0..10).map(|n| map.insert(n, format!("value {n}")).unwrap()).collect();
    let borrowed: Vec<(&u32, &String)> = held.iter().map(|r| r.key_value(&map).unwrap()).collect();
    let mut window = Vec::new();
    for n in 0..CHANGES {
        window.push(map.insert(100 + n, String::new()).unwrap());
        if window.len() > 1000 {
            drop(window.swap_remove(n as usize % 1000));
        }
    }
    assert!(map.len() > 500);
    for (n, (key, value)) in borrowed.into_iter().enumerate() {
        assert_eq!((*key, value), (n as u32, &format!("value {n}")));
        let (k, v) = held[n].key_value(&map).unwrap();
        assert!(std::ptr::eq(k, key) && std::ptr::eq(v, value));
    }
    check(&map);
}

#[test]
fn a_mutable_borrow_holds_while_other_refs_come_and_go() {
    let mut map: RcHashMap<u32, Vec<u32>> = RcHashMap::new();
    let held: Vec<Ref<_, _>> = (0..100).map(|n| map.insert(n, vec![n]).unwrap()).collect();
    let (first, rest) = held.split_first().unwrap();
    let mut clones: Vec<_> = rest.to_vec();
    let value = first.value_mut(&mut map).unwrap();
    value.push(1);
    for _ in 0..CHANGES / 100 {
        clones.extend(rest.iter().cloned());
        value.push(2);
        clones.truncate(100);
        let weak = first.downgrade();
        assert!(weak.upgrade().is_some_and(|up| up == *first && *up.as_key() == 0));
    }
    drop(clones);
    value[0] = 7;
    assert_eq!((value[0], value.len()), (7, 2 + CHANGES as usize / 100));
}

#[test]
fn a_mutable_borrow_holds_while_other_entries_are_removed() {
    let mut map: RcHashMap<u32, String> = RcHashMap::new();
    let kept = map.insert(1000, "kept".to_string()).unwrap();
    let gone: Vec<_> = (0..500).map(|n| map.insert(n, n.to_string()).unwrap()).collect();
    let value = kept.value_mut(&mut map).unwrap();
    drop(gone);
    value.push('!');
    assert_eq!(value, "kept!");
    assert_eq!(map.len(), 1);
}

#[test]
fn addresses_survive_growth_and_shrinking() {
    let map: RcHashMap<u32, u64> = RcHashMap::new();
    let mut held: Vec<_> = (0..MANY).map(|n| map.insert(n, u64::from(n)).unwrap()).collect();
    let at = |map: &RcHashMap<u32, u64>, r: &Ref<u32, u64>| {
        (std::ptr::from_ref(r.as_key()), std::ptr::from_ref(r.value(map).unwrap()))
    };
    let kept: Vec<_> = held.iter().step_by(97).cloned().collect();
    let before: Vec<_> = kept.iter().map(|r| at(&map, r)).collect();
    held.clear();
    map.shrink_to_fit();
    assert_eq!(map.len(), kept.len());
    map.reserve(3 * MANY as usize);
    let more: Vec<_> = (5000..5000 + MANY).map(|n| map.insert(n, u64::from(n)).unwrap()).collect();
    let after: Vec<_> = kept.iter().map(|r| at(&map, r)).collect();
    assert_eq!(before, after);
    assert!(kept.iter().all(|r| r.value(&map) == Ok(&u64::from(*r.as_key()))));
    drop(more);
    check(&map);
}

#[test]
fn no_two_live_entries_share_memory() {
    let map: RcHashMap<u32, [u8; 24]> = RcHashMap::new();
    let mut held = Vec::new();
    for n in 0..MANY {
        held.push(map.insert(n, [n as u8; 24]).unwrap());
        if n % 3 == 0 {
            drop(held.swap_remove(held.len() / 2));
        }
    }
    let mut ranges: Vec<(usize, usize)> = held
        .iter()
        .flat_map(|r| {
            let (key, value) = r.key_value(&map).unwrap();
            let at = |address: usize, size| (address, address + size);
            [at(std::ptr::from_ref(key).addr(), 4), at(std::ptr::from_ref(value).addr(), 24)]
        })
        .collect();
    ranges.sort_unstable();
    assert!(ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0));
    assert!(held.iter().all(|r| r.value(&map) == Ok(&[*r.as_key() as u8; 24])));
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(align(128))]
struct Wide(u64);

fn is_aligned<T>(reference: &T) -> bool {
    std::ptr::from_ref(reference).addr() % align_of::<T>() == 0
}

#[test]
fn keys_and_values_of_128_byte_alignment_are_aligned() {
    let mut map: RcHashMap<Wide, Wide> = RcHashMap::new();
    let n = if cfg!(miri) { 100 } else { 3000 };
    let held: Vec<_> = (0..n).map(|n| map.insert(Wide(n), Wide(n)).unwrap()).collect();
    for r in &held {
        let (key, value) = r.key_value(&map).unwrap();
        assert!(is_aligned(key) && is_aligned(value));
        assert_eq!(key, value);
    }
    for mut entry in map.iter_mut() {
        assert!(is_aligned(&*entry));
        entry.0 += 1;
    }
    assert!(held.iter().all(|r| r.value(&map).unwrap().0 == r.as_key().0 + 1));
    let last = held.last().unwrap().clone();
    drop(held);
    map.shrink_to_fit();
    assert_eq!(last.try_unwrap().unwrap(), (Wide(n - 1), Wide(n)));
    check(&map);
}

#[test]
fn an_aligned_value_next_to_a_small_key_is_aligned() {
    let map: RcHashMap<u8, Wide> = RcHashMap::new();
    let held: Vec<_> = (0..200).map(|n| map.insert(n, Wide(n.into())).unwrap()).collect();
    for r in &held {
        let value = r.value(&map).unwrap();
        assert!(is_aligned(value));
        assert_eq!(value.0, u64::from(*r.as_key()));
    }
    let map: RcHashMap<Wide, u8> = RcHashMap::new();
    let held: Vec<_> = (0..200_u8).map(|n| map.insert(Wide(n.into()), n).unwrap()).collect();
    assert!(held.iter().all(|r| is_aligned(r.as_key())));
}

#[test]
fn zero_sized_keys_and_values_work() {
    let mut map: RcHashMap<(), ()> = RcHashMap::new();
    let r = map.insert((), ()).unwrap();
    assert!(map.insert((), ()).is_err());
    assert_eq!(r.key_value(&map), Ok((&(), &())));
    assert_eq!(r.value_mut(&mut map), Ok(&mut ()));
    assert_eq!(map.iter_mut().count(), 1);
    let handle = r.handle();
    drop(r);
    assert!(map.is_empty() && map.resolve(handle).is_none());
    assert_eq!(map.find_or_insert((), ()).try_unwrap().unwrap(), ((), ()));
    check(&map);
}

#[test]
fn zero_sized_values_with_destructors_are_dropped_once_each() {
    thread_local!(static DROPS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
    struct Unit;
    impl Drop for Unit {
        fn drop(&mut self) {
            DROPS.set(DROPS.get() + 1);
        }
    }
    let map: RcHashMap<u32, Unit> = RcHashMap::new();
    let held: Vec<_> = (0..100).map(|n| map.insert(n, Unit).unwrap()).collect();
    assert_eq!(DROPS.get(), 0);
    drop(map);
    drop(held);
    assert_eq!(DROPS.get(), 100);
    let mut map = HandleHashMap::new();
    (0..10).for_each(|n| drop(map.insert(n, Unit)));
    drop(map);
    assert_eq!(DROPS.get(), 110);
}

#[test]
fn distinct_entries_of_zero_size_are_distinct() {
    let (a, b) = (RcHashMap::<(), ()>::new(), RcHashMap::<(), ()>::new());
    let (x, y) = (a.insert((), ()).unwrap(), b.insert((), ()).unwrap());
    assert!(x != y && x == x.clone());
    assert!(x.belongs_to(&a) && !x.belongs_to(&b));
}

#[test]
fn large_values_work() {
    let map: RcHashMap<u32, [u64; 512]> = RcHashMap::new();
    let held: Vec<_> = (0..30).map(|n| map.insert(n, [n.into(); 512]).unwrap()).collect();
    for r in &held {
        assert!(r.value(&map).unwrap().iter().all(|n| *n == u64::from(*r.as_key())));
    }
    drop(held);
    assert!(map.is_empty());
}

#[test]
fn layer_1_entries_never_move_either() {
    let mut map = HandleHashMap::new();
    let first = map.insert(0_u32, "first".to_string()).unwrap();
    let before = std::ptr::from_ref(first.value(&map).unwrap()).addr();
    for n in 1..CHANGES / 10 {
        let handle = map.insert(n, String::new()).unwrap();
        if n % 2 == 0 {
            assert!(map.remove(handle).is_some());
        }
    }
    map.shrink_to_fit();
    assert_eq!(std::ptr::from_ref(first.value(&map).unwrap()).addr(), before);
    assert_eq!(first.value(&map).unwrap(), "first");
}
