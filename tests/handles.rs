//! Handles and weak references: they resolve to their own entry or to nothing.

mod support;

use std::collections::{BTreeSet, HashSet};

use rcmap::{CountedHashMap, HandleHashMap, PutResult, RcHashMap};
use support::{attempt, check};

#[test]
fn a_handle_names_its_entry_while_it_lives() {
    let map: RcHashMap<u32, u32> = RcHashMap::new();
    let r = map.insert(1, 10).unwrap();
    let handle = r.handle();
    let resolved = map.resolve(handle).unwrap();
    assert!(resolved == r && resolved.strong_count() == 2);
    assert_eq!(r.clone().handle(), handle);
    drop((r, resolved));
    assert!(map.resolve(handle).is_none());
}

#[test]
fn stale_handles_and_weak_refs_never_resolve_however_often_slots_are_reused() {
    let map: RcHashMap<u32, u32> = RcHashMap::new();
    let mut stale = Vec::new();
    for round in 0..if cfg!(miri) { 50 } else { 2000 } {
        let r = map.insert(round % 3, round).unwrap();
        assert!(stale.iter().all(|(handle, _)| *handle != r.handle()), "given out twice");
        stale.push((r.handle(), r.downgrade()));
        drop(r);
        assert!(stale.iter().all(|(handle, _)| map.resolve(*handle).is_none()));
        if round % 50 == 0 {
            assert!(stale.iter().all(|(_, weak)| weak.upgrade().is_none()));
        }
    }
    assert!(map.capacity() < 64, "the slots were reused");
    check(&map);
}

#[test]
fn shrinking_does_not_bring_stale_handles_back() {
    let map: RcHashMap<u32, u32> = RcHashMap::new();
    let many = if cfg!(miri) { 100 } else { 1000 };
    let held: Vec<_> = (0..many).map(|n| map.insert(n, n).unwrap()).collect();
    let stale: Vec<_> = held.iter().map(|r| r.handle()).collect();
    drop(held);
    map.shrink_to_fit();
    let fresh: Vec<_> = (0..many).map(|n| map.insert(n, n).unwrap()).collect();
    assert!(stale.iter().all(|handle| map.resolve(*handle).is_none()));
    assert!(fresh.iter().all(|r| map.resolve(r.handle()).is_some_and(|found| found == *r)));
}

#[test]
fn a_weak_ref_upgrades_until_the_last_ref_goes() {
    let map: RcHashMap<u32, u32> = RcHashMap::new();
    let r = map.insert(1, 10).unwrap();
    let weak = r.downgrade();
    assert_eq!((r.strong_count(), map.len()), (1, 1));
    let second = weak.upgrade().unwrap();
    drop(r);
    let third = weak.upgrade().unwrap();
    assert!(second == third && third.strong_count() == 2);
    drop((second, third));
    assert!(weak.upgrade().is_none() && map.is_empty());
}

#[test]
fn a_weak_ref_upgrades_when_the_map_is_gone() {
    let map: RcHashMap<u32, u32> = RcHashMap::new();
    let (r, other) = (map.insert(1, 10).unwrap(), map.insert(2, 20).unwrap());
    let weak = r.downgrade();
    drop(map);
    assert!(weak.upgrade().is_some_and(|up| up == r));
    drop(r);
    assert!(weak.upgrade().is_none());
    drop(other);
    assert!(weak.upgrade().is_none());
}

#[test]
fn weak_refs_are_equal_if_they_name_one_entry_also_when_it_is_gone() {
    let (map, other) = (RcHashMap::<u32, u32>::new(), RcHashMap::<u32, u32>::new());
    let (r, twin) = (map.insert(1, 1).unwrap(), other.insert(1, 1).unwrap());
    let (a, b, c) = (r.downgrade(), r.clone().downgrade(), twin.downgrade());
    assert!(a == b && a == a.clone() && a != c);
    assert_eq!((a.handle(), b.handle()), (r.handle(), r.handle()));
    drop((r, twin));
    assert!(a == b && a != c);
    let again = map.insert(1, 1).unwrap();
    assert!(again.downgrade() != a);
}

#[test]
fn many_weak_refs_of_a_map_that_is_gone() {
    let weaks: Vec<_> = {
        let map: RcHashMap<u32, Box<u32>> = RcHashMap::new();
        let held: Vec<_> = (0..100).map(|n| map.insert(n, Box::new(n)).unwrap()).collect();
        held.iter().map(|r| r.downgrade()).collect()
    };
    assert!(weaks.iter().all(|weak| weak.upgrade().is_none() && weak.clone() == *weak));
}

#[test]
fn handles_are_small_and_ordered_and_hashable() {
    let mut map = HandleHashMap::new();
    let handles: Vec<_> = (0..100).map(|n| map.insert(n, n).unwrap()).collect();
    assert_eq!((size_of_val(&handles[0]), size_of_val(&Some(handles[0]))), (8, 8));
    assert_eq!(handles.iter().collect::<HashSet<_>>().len(), 100);
    assert_eq!(handles.iter().collect::<BTreeSet<_>>().len(), 100);
    let texts: HashSet<String> = handles.iter().map(|handle| format!("{handle:?}")).collect();
    assert_eq!(texts.len(), 100, "they print apart");
}

#[test]
fn layer_1_handles_outlive_nothing_and_lie_never() {
    let mut map = HandleHashMap::new();
    let handle = map.insert("a", 1).unwrap();
    let copy = handle;
    assert_eq!(map.remove(handle), Some(("a", 1)));
    assert_eq!((map.remove(copy), copy.key(&map)), (None, None));
    assert_eq!(copy.value_mut(&mut map), None);
    let again = map.insert("a", 2).unwrap();
    assert!(again != copy && copy.value(&map).is_none());
}

#[test]
fn a_foreign_handle_of_layer_1_is_never_unsafe() {
    let (mut map, mut other) = (HandleHashMap::new(), HandleHashMap::new());
    let foreign: Vec<_> = (0..50).map(|n| other.insert(n, n.to_string()).unwrap()).collect();
    for handle in &foreign {
        assert_eq!(handle.key(&map), None, "an empty map has nothing to name");
    }
    let own: Vec<_> = (100..110).map(|n| map.insert(n, n.to_string()).unwrap()).collect();
    for handle in &foreign {
        let named = handle.value(&map);
        assert_eq!(named, handle.key(&map).map(|key| key.to_string()).as_ref());
        assert!(named.is_none() || own.iter().any(|own| own.value(&map) == named));
        if let Some(value) = handle.value_mut(&mut map) {
            value.push('!');
            value.pop();
        }
    }
    let removed = foreign.iter().filter_map(|handle| map.remove(*handle)).count();
    assert_eq!(map.len(), 10 - removed);
    assert_eq!(other.len(), 50);
    // The handles of another type of map.
    let mut wide: HandleHashMap<String, [u128; 4]> = HandleHashMap::new();
    assert!(wide.insert("x".to_string(), [7; 4]).is_ok());
    for handle in &foreign {
        assert!(handle.value(&wide).is_none_or(|value| *value == [7; 4]));
    }
}

#[test]
fn a_foreign_handle_of_layer_3_resolves_to_an_entry_of_the_map_or_to_nothing() {
    let (map, other) = (RcHashMap::<u32, u32>::new(), RcHashMap::<u32, u32>::new());
    let theirs: Vec<_> = (0..20).map(|n| other.insert(n, n).unwrap()).collect();
    let ours: Vec<_> = (0..5).map(|n| map.insert(n, n).unwrap()).collect();
    for r in &theirs {
        if let Some(found) = map.resolve(r.handle()) {
            assert!(found.belongs_to(&map) && ours.contains(&found));
        }
    }
    check(&map);
}

#[test]
fn a_counted_handle_given_to_an_empty_map_names_nothing() {
    let mut map = CountedHashMap::new();
    let mut other: CountedHashMap<u32, u32> = CountedHashMap::new();
    let handle = map.insert(1, 1).unwrap();
    assert_eq!((handle.key(&other), handle.value(&other)), (None, None));
    assert_eq!(handle.value_mut(&mut other), None);
    assert!(attempt(|| other.get(&handle)).is_err(), "`get` panics for what names no entry");
    assert_eq!(other.put(handle), PutResult::Live, "its token is consumed");
    assert_eq!((map.len(), other.len()), (1, 0), "the entry lost a token");
}

#[test]
fn a_counted_handle_given_to_another_map_may_confuse_it_and_nothing_else() {
    let (mut map, mut other) = (CountedHashMap::new(), CountedHashMap::new());
    let mine = map.insert(1, "mine".to_string()).unwrap();
    let theirs = other.insert(1, "theirs".to_string()).unwrap();
    assert_eq!(mine.handle(), theirs.handle(), "one name in two maps");
    assert_eq!(mine.value(&other).unwrap(), "theirs");
    let minted = other.get(&mine);
    assert_eq!(other.put(mine), PutResult::Live);
    assert!(matches!(other.put(minted), PutResult::Removed { key: 1, .. }));
    assert_eq!(theirs.value(&other), None);
    assert!(attempt(|| other.get(&theirs)).is_err());
    // In the map it does not belong to it is as good as the lost one.
    let PutResult::Removed { value, .. } = map.put(theirs) else { panic!("the only token") };
    assert_eq!(value, "mine");
    assert!(map.is_empty() && other.is_empty());
}

#[test]
fn get_panics_for_a_handle_whose_entry_is_gone_and_mints_nothing() {
    let mut map = CountedHashMap::new();
    let handle = map.insert(1, 1).unwrap();
    let stranger = {
        let mut other = CountedHashMap::new();
        let first = other.insert(9, 9).unwrap();
        assert!(matches!(other.put(first), PutResult::Removed { .. }));
        let second = other.insert(9, 9).unwrap();
        assert_ne!(second.handle(), handle.handle());
        second
    };
    assert!(attempt(|| map.get(&stranger)).is_err());
    assert_eq!(map.put(stranger), PutResult::Live);
    assert_eq!(map.put(handle), PutResult::Removed { key: 1, value: 1 });
}

#[test]
fn the_hash_of_a_ref_is_that_of_its_handle() {
    use std::hash::{BuildHasher, RandomState};
    let map = RcHashMap::<u32, u32>::new();
    let r = map.insert(1, 1).unwrap();
    let state = RandomState::new();
    assert_eq!(state.hash_one(&r), state.hash_one(r.clone()));
    assert_eq!(state.hash_one(&r), state.hash_one(r.handle()), "and of nothing else");
    assert_eq!(state.hash_one(&r), state.hash_one(r.downgrade()));
}

#[test]
fn a_handle_stands_for_its_ref_in_a_set_of_refs() {
    let map = RcHashMap::<u32, u32>::new();
    let (a, b) = (map.insert(1, 1).unwrap(), map.insert(2, 2).unwrap());
    let mut set = hashbrown::HashSet::new();
    set.insert(a.clone());
    assert_eq!(set.get(&a.handle()), Some(&a));
    assert!(!set.contains(&b.handle()));
}

#[test]
fn the_first_handles_of_many_maps_differ() {
    let maps: Vec<_> = (0..10_000).map(|_| RcHashMap::<u32, u32>::new()).collect();
    let refs: Vec<_> = maps.iter().map(|map| map.insert(1, 1).unwrap()).collect();
    let handles: HashSet<_> = refs.iter().map(rcmap::Ref::handle).collect();
    assert_eq!(handles.len(), refs.len(), "or sets of them would be slow");
    let set: HashSet<_> = refs.iter().cloned().collect();
    assert_eq!(set.len(), refs.len());
    let resolved = maps.iter().filter(|map| map.contains_handle(refs[0].handle())).count();
    assert_eq!(resolved, 1, "only its own map knows a handle");
}

#[test]
fn each_thread_numbers_its_maps_in_the_same_way() {
    let first_handles = || {
        let maps: Vec<_> = (0..3).map(|_| RcHashMap::<u32, u32>::new()).collect();
        maps.iter().map(|map| map.insert(1, 1).unwrap().handle()).collect::<Vec<_>>()
    };
    let of_threads = [(); 2].map(|()| std::thread::spawn(first_handles).join().unwrap());
    assert_eq!(of_threads[0], of_threads[1], "so that runs can be repeated");
}

#[test]
fn refs_are_ordered_by_handle() {
    let map = RcHashMap::<u32, u32>::new();
    let refs: Vec<_> = [5, 3, 9, 1].map(|key| map.insert(key, key).unwrap()).into();
    let mut sorted = refs.clone();
    sorted.sort();
    let mut handles: Vec<_> = refs.iter().map(rcmap::Ref::handle).collect();
    handles.sort();
    assert_eq!(sorted.iter().map(rcmap::Ref::handle).collect::<Vec<_>>(), handles);
    let mut weak: Vec<_> = refs.iter().map(rcmap::Ref::downgrade).collect();
    weak.sort();
    assert_eq!(weak.iter().map(rcmap::WeakRef::handle).collect::<Vec<_>>(), handles);
    assert!(rcmap::WeakRef::<u32, u32>::default().upgrade().is_none());
}
