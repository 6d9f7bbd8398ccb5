//! An entry is visible if and only if somebody holds it; keys are unique; counts are exact.

mod support;

use rcmap::{InsertError, RcHashMap, Ref, WrongMap};
use support::{Key, Map, Mood, Point, Query, R, Value, World, check, map_of, put};

fn setup() -> (World, Map) {
    let world = World::new();
    let map = map_of(&world, Mood::Fair);
    (world, map)
}

fn q(world: &World, name: u32) -> Query {
    Query::new(world, name)
}

#[test]
fn an_entry_whose_only_ref_is_dropped_at_once_is_never_seen_again() {
    let (world, map) = setup();
    drop(map.insert(Key::new(&world, 1), Value::new(&world, 1)));
    assert!(map.is_empty() && map.find(&q(&world, 1)).is_none());
    world.assert_alive(0);
}

#[test]
fn find_and_contains_and_iter_and_len_agree() {
    let (world, map) = setup();
    let mut held: Vec<R> = (0..20).map(|name| put(&world, &map, name)).collect();
    while !held.is_empty() {
        for name in 0..20 {
            let expected = held.iter().any(|r| r.as_key().name == name);
            assert_eq!(map.contains_key(&q(&world, name)), expected);
            assert_eq!(map.find(&q(&world, name)).is_some(), expected);
            assert_eq!(map.iter().any(|r| r.as_key().name == name), expected);
        }
        assert_eq!((map.len(), map.is_empty()), (held.len(), false));
        drop(held.swap_remove(held.len() / 2));
        check(&map);
    }
    assert!(map.is_empty());
}

#[test]
fn contains_key_touches_no_count_and_find_mints_one() {
    let (world, map) = setup();
    let r = put(&world, &map, 1);
    assert!(map.contains_key(&q(&world, 1)));
    assert_eq!(r.strong_count(), 1);
    let found = map.find(&q(&world, 1)).unwrap();
    assert_eq!((r.strong_count(), found.strong_count()), (2, 2));
    assert!(found == r);
    drop(r);
    assert_eq!(found.strong_count(), 1);
}

#[test]
fn the_ref_that_find_gave_keeps_the_entry() {
    let (world, map) = setup();
    let r = put(&world, &map, 1);
    let found = map.find(&q(&world, 1)).unwrap();
    drop(r);
    assert_eq!((map.len(), found.value(&map).unwrap().number), (1, 1));
    drop(found);
    world.assert_alive(0);
}

#[test]
fn a_duplicate_insert_changes_nothing_and_hands_everything_back() {
    let (world, map) = setup();
    let r = put(&world, &map, 1);
    let handle = r.handle();
    let InsertError { key, value } = map
        .insert(Key::stamped(&world, 1, 10), Value::new(&world, 10))
        .expect_err("the key is there");
    assert_eq!((key.stamp, value.stamp), (10, 10));
    assert_eq!((map.len(), r.strong_count(), r.handle()), (1, 1, handle));
    assert_eq!((r.as_key().stamp, r.value(&map).unwrap().number), (1, 1));
    world.assert_alive(4);
    check(&map);
}

#[test]
fn insert_with_runs_its_closure_for_a_new_key_only() {
    let (world, map) = setup();
    let r = map.insert_with(Key::new(&world, 1), || Value::made(&world, 1)).unwrap();
    let back = map.insert_with(Key::stamped(&world, 1, 10), || unreachable!());
    assert_eq!(back.expect_err("the key is there").key.stamp, 10);
    assert_eq!((world.visits(Point::Make), r.strong_count()), (1, 1));
}

#[test]
fn a_key_that_left_may_come_back_with_another_value() {
    let (world, map) = setup();
    let first = put(&world, &map, 1);
    let (handle, weak) = (first.handle(), first.downgrade());
    drop(first);
    let second = map.insert(Key::new(&world, 1), Value::new(&world, 2)).unwrap();
    assert_eq!(second.value(&map).unwrap().number, 2);
    assert!(second.handle() != handle && weak.upgrade().is_none());
    assert!(map.resolve(handle).is_none());
}

#[test]
fn find_or_insert_always_gives_the_one_entry() {
    let (world, map) = setup();
    let first = map.find_or_insert(Key::new(&world, 1), Value::new(&world, 1));
    let all = [
        map.find_or_insert(Key::stamped(&world, 1, 2), Value::new(&world, 2)),
        map.find_or_insert_with(Key::stamped(&world, 1, 3), |_| unreachable!()),
        map.find_or_insert_ref(&q(&world, 1), |_| unreachable!()),
        map.find_or_try_insert_with(Key::stamped(&world, 1, 4), |_| Err(())).unwrap(),
    ];
    assert!(all.iter().all(|r| *r == first));
    assert_eq!((map.len(), first.strong_count()), (1, 5));
    world.assert_alive(2);
}

#[test]
fn a_failing_constructor_leaves_the_map_unchanged() {
    let (world, map) = setup();
    let _other = put(&world, &map, 2);
    let failed = map.find_or_try_insert_with(Key::new(&world, 1), |_| Err("no value"));
    assert_eq!(failed.expect_err("the closure failed"), "no value");
    assert_eq!(map.len(), 1);
    assert!(!map.contains_key(&q(&world, 1)));
    world.assert_alive(2);
    check(&map);
}

#[test]
fn refs_work_with_their_own_map_only() {
    let (world, map) = setup();
    let mut other = map_of(&world, Mood::Fair);
    let (r, twin) = (put(&world, &map, 1), put(&world, &other, 1));
    assert!(r.belongs_to(&map) && !r.belongs_to(&other));
    assert_eq!(r.key(&other).err(), Some(WrongMap));
    assert_eq!(r.value(&other).err(), Some(WrongMap));
    assert!(r.key_value(&other).is_err());
    assert_eq!(r.value_mut(&mut other).err(), Some(WrongMap));
    assert!(r != twin, "equal keys, but two entries");
    assert!(r.key_value(&map).is_ok());
}

#[test]
fn a_map_that_replaces_another_is_another_map() {
    let world = World::new();
    let mut map = map_of(&world, Mood::Fair);
    let r = put(&world, &map, 1);
    map = map_of(&world, Mood::Fair);
    assert!(!r.belongs_to(&map) && r.value(&map).is_err());
    let twin = put(&world, &map, 1);
    assert!(r != twin);
    drop(map);
    assert_eq!((r.as_key().name, twin.as_key().name), (1, 1));
}

#[test]
fn moving_a_map_moves_no_entry() {
    let (world, map) = setup();
    let r = put(&world, &map, 1);
    let before = std::ptr::from_ref(r.value(&map).unwrap());
    let boxed = Box::new(map);
    assert_eq!(std::ptr::from_ref(r.value(&boxed).unwrap()), before);
}

#[test]
fn everything_stays_reachable_through_growth() {
    let n = if cfg!(miri) { 300 } else { 20_000 };
    let map: RcHashMap<u32, String> = RcHashMap::new();
    let mut held = Vec::new();
    for name in 0..n {
        held.push(map.insert(name, name.to_string()).unwrap());
        if name.is_power_of_two() {
            assert!((0..=name).all(|name| map.contains_key(&name)));
            check(&map);
        }
    }
    for (name, r) in held.iter().enumerate() {
        assert!(map.find(&(name as u32)).is_some_and(|found| found == *r));
        assert_eq!(r.value(&map), Ok(&name.to_string()));
    }
}

#[test]
fn colliding_keys_stay_apart() {
    let world = World::new();
    let map = map_of(&world, Mood::Constant);
    let mut held: Vec<R> = (0..60).map(|name| put(&world, &map, name)).collect();
    for (name, r) in held.iter().enumerate() {
        assert!(map.find(&q(&world, name as u32)).is_some_and(|found| found == *r));
    }
    held.retain(|r| r.as_key().name % 3 == 0);
    for name in 0..60 {
        assert_eq!(map.contains_key(&q(&world, name)), name % 3 == 0);
    }
    check(&map);
}

#[test]
fn a_cycle_lives_until_it_is_broken() {
    let (world, map) = setup();
    let (a, b) = (put(&world, &map, 1), put(&world, &map, 2));
    a.value(&map).unwrap().held.borrow_mut().push(b.clone());
    b.value(&map).unwrap().held.borrow_mut().push(a.clone());
    drop((a, b));
    assert_eq!(map.len(), 2);
    let found = map.find(&q(&world, 1)).unwrap();
    let held = found.value(&map).unwrap().held.take();
    drop((found, held));
    assert!(map.is_empty());
    world.assert_alive(0);
}

#[test]
fn random_clones_and_drops_keep_counts_exact() {
    let (world, map) = setup();
    let mut held: Vec<R> = (0..4).map(|name| put(&world, &map, name)).collect();
    let mut state = 1_u32;
    for _ in 0..if cfg!(miri) { 200 } else { 20_000 } {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let n = (state >> 16) as usize;
        if n % 2 == 0 && held.len() < 50 || held.is_empty() {
            let name = n as u32 / 2 % 4;
            held.push(
                map.find_or_insert_with(Key::new(&world, name), |_| Value::new(&world, name)),
            );
        } else {
            drop(held.swap_remove(n % held.len()));
        }
        let sum: usize = map.iter().map(|r| r.strong_count() - 1).sum();
        assert_eq!(sum, held.len());
    }
    drop(held);
    world.assert_alive(0);
}

/// A hash-consed term: its key holds the `Ref`s of its parts.
#[derive(PartialEq, Eq, Hash, Debug)]
enum Term {
    Leaf(u32),
    Pair(Node, Node),
}

type Node = Ref<Term, ()>;

#[test]
fn keys_may_hold_refs_of_their_own_map() {
    let terms: RcHashMap<Term, ()> = RcHashMap::new();
    let leaf = |n| terms.find_or_insert(Term::Leaf(n), ());
    let pair = |a: &Node, b: &Node| terms.find_or_insert(Term::Pair(a.clone(), b.clone()), ());
    let (a, b) = (leaf(1), leaf(2));
    let ab = pair(&a, &b);
    assert!(pair(&a, &b) == ab, "the rejected key drops its `Ref`s");
    assert_eq!((a.strong_count(), ab.strong_count()), (2, 1));
    let top = pair(&ab, &ab);
    assert_eq!(terms.len(), 4);
    drop((a, b, ab));
    assert_eq!(terms.len(), 4);
    drop(top);
    assert!(terms.is_empty());
}
