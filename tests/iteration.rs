//! `iter` and `iter_mut`: each entry at most once, always an end, whatever the body does.
//!
//! Breaks with (I9) of `design.md`.

mod support;

use std::collections::BTreeSet;
use std::mem::ManuallyDrop;

use rcmap::{CountedHashMap, EntryMut, HandleHashMap, PutResult, RcHashMap, Ref};
use support::{Build, Key, Map, Mood, R, Value, World, check, map_of, put};

/// Enough for several blocks.
const MANY: u32 = if cfg!(miri) { 150 } else { 3000 };

fn setup(n: u32) -> (World, Map, Vec<R>) {
    let world = World::new();
    let map = map_of(&world, Mood::Fair);
    let held = (0..n).map(|name| put(&world, &map, name)).collect();
    (world, map, held)
}

/// Recovers what a leaked guard kept: only so that the test itself leaks nothing.
fn leak(guard: EntryMut<'_, Key, Value, Build>) -> ManuallyDrop<R> {
    let guard = ManuallyDrop::new(guard);
    // SAFETY: the guard is leaked, so its `Ref` has no other owner.
    ManuallyDrop::new(unsafe { std::ptr::from_ref(guard.as_ref()).read() })
}

#[test]
fn every_entry_is_visited_once() {
    let (_world, map, held) = setup(100);
    let visited: Vec<u32> = map.iter().map(|r| r.as_key().name).collect();
    assert_eq!(visited.len(), 100);
    assert_eq!(visited.into_iter().collect::<BTreeSet<_>>(), (0..100).collect());
    assert!(held.iter().all(|r| r.strong_count() == 1));
}

#[test]
fn an_empty_map_has_nothing_to_visit() {
    let mut map: RcHashMap<u32, u32> = RcHashMap::new();
    assert!(map.iter().next().is_none() && map.iter_mut().next().is_none());
    map.reserve(100);
    assert!(map.iter().next().is_none() && map.iter_mut().next().is_none());
}

#[test]
fn iterators_stay_at_their_end() {
    let (_world, mut map, held) = setup(3);
    let mut iter = map.iter();
    assert_eq!(iter.by_ref().count(), 3);
    assert!(iter.next().is_none() && iter.next().is_none());
    let mut iter = map.iter_mut();
    assert_eq!(iter.by_ref().count(), 3);
    assert!(iter.next().is_none() && iter.next().is_none());
    assert_eq!(held.len(), 3);
}

/// A block is added behind the last one. (Addresses of blocks are multiples of 1024.)
#[test]
fn iterators_stay_at_their_end_when_a_block_is_added() {
    for room in [4, 1024] {
        let map = RcHashMap::with_capacity(room);
        let mut held: Vec<_> = (0..room).map(|n| map.insert(n, n).unwrap()).collect();
        let mut iter = map.iter();
        assert_eq!(iter.by_ref().count(), room);
        held.push(map.insert(room, room).unwrap());
        assert!(iter.next().is_none() && iter.next().is_none());
    }
}

#[test]
fn a_body_that_keeps_inserting_ends() {
    let (world, map, mut held) = setup(5);
    let mut visited = BTreeSet::new();
    for r in &map {
        assert!(visited.insert(r.as_key().name), "visited twice");
        for _ in 0..4 {
            held.push(put(&world, &map, held.len() as u32));
        }
        assert!(held.len() < 100_000, "it does not end");
    }
    assert!((0..5).all(|name| visited.contains(&name)), "what was there is visited");
    assert_eq!(map.len(), held.len());
    check(&map);
}

#[test]
fn a_body_that_replaces_each_entry_ends() {
    let (world, map, mut held) = setup(20);
    let mut rounds = 0;
    for r in &map {
        rounds += 1;
        assert!(rounds < 10_000, "it does not end");
        let position = held.iter().position(|other| *other == r);
        drop(r);
        if let Some(position) = position {
            // Removes the entry, and reuses its slot.
            drop(held.swap_remove(position));
            held.push(put(&world, &map, 1000 + rounds));
        }
    }
    assert!(rounds >= 20);
    assert_eq!(map.len(), 20);
    check(&map);
}

#[test]
fn a_body_that_empties_the_map_ends() {
    let (world, map, held) = setup(50);
    let mut held = Some(held);
    let mut visited = 0;
    for r in &map {
        visited += 1;
        drop(held.take());
        assert_eq!(map.len(), 1, "the one that is held");
        drop(r);
    }
    assert_eq!(visited, 1);
    world.assert_alive(0);
}

#[test]
fn an_entry_removed_before_its_turn_is_skipped() {
    let (_world, map, mut held) = setup(40);
    let mut visited = BTreeSet::new();
    for r in &map {
        let name = r.as_key().name;
        visited.insert(name);
        // The partner goes, unless it has been visited.
        held.retain(|other| other.as_key().name != (name ^ 1) || visited.contains(&(name ^ 1)));
    }
    assert_eq!(visited.len(), 20);
    assert!(visited.iter().all(|name| !visited.contains(&(name ^ 1))));
    assert_eq!(map.len(), 20);
}

#[test]
fn iterators_of_one_map_nest() {
    let (_world, map, held) = setup(12);
    let mut pairs = 0;
    for a in &map {
        for b in &map {
            pairs += u32::from(a != b);
        }
    }
    assert_eq!(pairs, 12 * 11);
    assert_eq!(held.len(), 12);
}

#[test]
fn an_iterator_may_be_dropped_or_leaked_half_way() {
    let (_world, map, held) = setup(10);
    let mut iter = map.iter();
    assert!(iter.next().is_some());
    drop(iter);
    let mut iter = map.iter();
    assert!(iter.next().is_some());
    let _leaked = ManuallyDrop::new(iter);
    check(&map);
    drop(held);
    assert!(map.is_empty());
}

#[test]
fn a_leaked_iter_mut_leaves_the_map_usable() {
    let (world, mut map, held) = setup(10);
    let mut iter = map.iter_mut();
    drop(iter.next());
    let _leaked = ManuallyDrop::new(iter);
    map.shrink_to_fit();
    drop(put(&world, &map, 99));
    check(&map);
    drop(held);
    assert!(map.is_empty());
}

#[test]
fn a_leaked_guard_keeps_its_entry_and_nothing_else() {
    let (world, mut map, held) = setup(10);
    let guard = map.iter_mut().next().unwrap();
    let leaked = leak(guard);
    drop(held);
    assert_eq!((map.len(), leaked.strong_count()), (1, 1));
    map.shrink_to_fit();
    let found = map.iter().next().unwrap();
    assert!(found == *leaked && found.value(&map).is_ok());
    found.value_mut(&mut map).unwrap().number = 4;
    assert_eq!(map.iter_mut().count(), 1);
    check(&map);
    drop(found);
    drop(ManuallyDrop::into_inner(leaked));
    world.assert_alive(0);
}

#[test]
fn iter_mut_reaches_every_value() {
    let (_world, mut map, held) = setup(64);
    for mut entry in &mut map {
        assert_eq!(entry.key().name, entry.value().number);
        entry.value_mut().number += 100;
        entry.number += 1;
    }
    assert!(held.iter().all(|r| r.value(&map).unwrap().number == r.as_key().name + 101));
    check(&map);
}

#[test]
fn guards_may_be_kept_all_together() {
    let (_world, mut map, held) = setup(30);
    let mut guards: Vec<_> = map.iter_mut().collect();
    for guard in &mut guards {
        guard.number = 7;
    }
    let (first, rest) = guards.split_at_mut(1);
    std::mem::swap(&mut **first.first_mut().unwrap(), &mut **rest.first_mut().unwrap());
    assert!(guards.iter().all(|guard| guard.number == 7 && guard.as_ref().strong_count() == 2));
    drop(guards);
    assert!(held.iter().all(|r| r.strong_count() == 1));
}

#[test]
fn refs_and_guards_may_be_dropped_while_iter_mut_runs() {
    let (world, mut map, mut held) = setup(30);
    let mut visited = 0;
    for mut entry in &mut map {
        visited += 1;
        let _clone = entry.as_ref().clone();
        held.clear();
        entry.number = 3;
        assert_eq!(entry.as_ref().as_key().name, entry.key().name);
    }
    assert_eq!(visited, 1, "the others went before their turn");
    world.assert_alive(0);
    check(&map);
}

#[test]
fn a_ref_cloned_from_a_guard_outlives_it() {
    let (_world, mut map, held) = setup(3);
    let kept: Vec<R> = map.iter_mut().map(|entry| entry.as_ref().clone()).collect();
    drop(held);
    assert_eq!((kept.len(), map.len()), (3, 3));
    assert!(kept.iter().all(|r| r.belongs_to(&map)));
}

#[test]
fn try_unwrap_of_a_clone_under_a_guard_is_refused() {
    let (_world, mut map, held) = setup(1);
    drop(held.into_iter().next().map(|r| {
        let entry = map.iter_mut().next().unwrap();
        let r = r.try_unwrap().expect_err("the guard holds the entry");
        assert_eq!((entry.number, r.strong_count()), (0, 2));
        r
    }));
    assert!(map.is_empty());
}

#[test]
fn iteration_sees_what_a_shrunk_and_refilled_map_holds() {
    let (world, map, mut held) = setup(MANY);
    let kept = held.swap_remove(MANY as usize * 5 / 6);
    held.clear();
    map.shrink_to_fit();
    assert_eq!(map.iter().count(), 1);
    held.extend((5000..5000 + MANY / 3).map(|name| put(&world, &map, name)));
    let seen: BTreeSet<u32> = map.iter().map(|r| r.as_key().name).collect();
    assert_eq!(seen, (5000..5000 + MANY / 3).chain([kept.as_key().name]).collect());
    check(&map);
}

#[test]
fn blocks_that_fill_gaps_are_not_visited_twice() {
    let (world, map, mut held) = setup(MANY);
    let kept = held.split_off(MANY as usize - 10);
    held.clear();
    map.shrink_to_fit();
    let mut visited = BTreeSet::new();
    for r in &map {
        assert!(visited.insert(r.as_key().stamp), "visited twice");
        while held.len() < MANY as usize * 2 / 3 {
            held.push(put(&world, &map, 10_000 + held.len() as u32));
        }
    }
    assert!(kept.iter().all(|r| visited.contains(&r.as_key().stamp)));
    check(&map);
}

#[test]
fn layers_1_and_2_visit_each_entry_once_and_know_how_many_are_left() {
    let mut map = HandleHashMap::new();
    let handles: Vec<_> = (0..50).map(|n| map.insert(n, n).unwrap()).collect();
    assert_eq!(map.remove(handles[7]), Some((7, 7)));
    let mut iter = map.iter();
    assert_eq!((iter.len(), iter.next().is_some(), iter.len()), (49, true, 48));
    map.iter_mut().for_each(|(_, key, value)| *value += *key);
    let seen: BTreeSet<_> = map
        .iter()
        .map(|(handle, key, value)| {
            assert_eq!(handle.value(&map), Some(value));
            assert_eq!(*value, 2 * key);
            *key
        })
        .collect();
    assert_eq!(seen.len(), 49);

    let mut map = CountedHashMap::new();
    let handles: Vec<_> = (0..50).map(|n| map.insert(n, n).unwrap()).collect();
    assert_eq!((map.iter().len(), map.iter_mut().len()), (50, 50));
    map.iter_mut().for_each(|(_, key, value)| *value += *key);
    assert!(map.iter().all(|(_, key, value)| *value == 2 * key));
    for handle in handles {
        assert!(matches!(map.put(handle), PutResult::Removed { .. }));
    }
    assert!(map.iter().next().is_none());
}

#[test]
fn iter_of_a_map_whose_values_hold_its_refs() {
    struct Node(Vec<Ref<u32, Node>>);
    let map = RcHashMap::new();
    let leaf = map.insert(0, Node(Vec::new())).unwrap();
    let held: Vec<_> = (1..10).map(|n| map.insert(n, Node(vec![leaf.clone()])).unwrap()).collect();
    let edges: usize = map.iter().map(|r| r.value(&map).unwrap().0.len()).sum();
    assert_eq!((edges, leaf.strong_count(), held.len()), (9, 10, 9));
}
