//! Bugs that wait for user code to panic: entries lost or dropped twice, counts that are off, guards
//! and queues that stay stuck. Every operation runs with a panic at every visit to every point.

mod support;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rcmap::Equivalent;
use support::{
    Build, Key, Map, Mood, Point, Query, R, Value, World, assert_scripted_panic, attempt, check,
    map_of, put, scripted_panic,
};

type Act = fn(&World, &Map, &mut Vec<R>);

/// Asserts that a map is consistent, that it and nothing else holds what is alive, and that it works.
#[track_caller]
fn usable(world: &World, map: &Map, held: &[R]) {
    check(map);
    world.assert_alive(2 * map.len());
    let mut names: Vec<u32> = held.iter().map(|r| r.as_key().name).collect();
    names.sort_unstable();
    names.dedup();
    let mut found: Vec<u32> = map.iter().map(|r| r.as_key().name).collect();
    found.sort_unstable();
    assert_eq!(found, names, "what is held is there, and nothing else");
    for r in held {
        let same = held.iter().filter(|other| *other == r).count();
        assert_eq!(r.strong_count(), same, "no count is lost or left over");
        let query = Query::new(world, r.as_key().name);
        assert!(map.find(&query).is_some_and(|found| found == *r));
    }
    let fresh = put(world, map, 1_000_000);
    map.reserve(10);
    assert_eq!(map.iter().count(), names.len() + 1);
    drop(fresh);
    assert_eq!(map.len(), names.len());
}

/// The last visit that a storm tries; far beyond what is reached, except under Miri.
const LAST: u32 = if cfg!(miri) { 2 } else { 1000 };

/// Runs `act` on a map of the entries 1 to 5 with a panic at the first visit to `point`, at the
/// second, and so on until it does not get there any more. Says how often it panicked.
fn storm(mood: Mood, point: Point, act: Act) -> u32 {
    for nth in 1..=LAST {
        let world = World::new();
        let map = map_of(&world, mood);
        let mut held: Vec<R> = (1..=5).map(|name| put(&world, &map, name)).collect();
        world.panic_at(point, nth);
        let ended = attempt(|| act(&world, &map, &mut held));
        let reached = world.armed() == 0;
        world.disarm();
        assert_eq!(ended.is_err(), reached, "a panic comes out, at {point:?} {nth}");
        usable(&world, &map, &held);
        drop(held);
        assert!(map.is_empty());
        drop(map);
        world.assert_alive(0);
        if !reached {
            return nth - 1;
        }
    }
    if cfg!(miri) { LAST } else { panic!("it does not end, at {point:?}") }
}

/// Like `storm` in both moods, at several points, each of which has to be reached.
#[track_caller]
fn storms(points: &[Point], act: Act) {
    for &point in points {
        let fair = if cfg!(miri) { 0 } else { storm(Mood::Fair, point, act) };
        let reached = fair + storm(Mood::Constant, point, act);
        assert!(reached > 0, "{point:?} is never reached");
    }
}

const LOOKING: [Point; 3] = [Point::BuildHasher, Point::Hash, Point::Eq];

#[test]
fn find_with_a_panic_anywhere() {
    storms(&LOOKING, |world, map, held| held.extend(map.find(&Query::new(world, 3))));
}

#[test]
fn a_failing_find_with_a_panic_anywhere() {
    storms(&LOOKING, |world, map, _| assert!(map.find(&Query::new(world, 9)).is_none()));
}

#[test]
fn contains_key_with_a_panic_anywhere() {
    storms(&LOOKING, |world, map, _| assert!(map.contains_key(&Query::new(world, 3))));
}

#[test]
fn find_hashed_with_a_panic_anywhere() {
    storms(&LOOKING, |world, map, held| {
        let query = Query::new(world, 4);
        held.extend(map.find_hashed(map.hash(&query), |key| query.equivalent(key)));
    });
}

#[test]
fn insert_of_a_new_key_with_a_panic_anywhere() {
    storms(&LOOKING, |world, map, held| held.push(put(world, map, 6)));
}

#[test]
fn insert_of_a_known_key_with_a_panic_anywhere() {
    storms(&[Point::Hash, Point::Eq, Point::DropKey, Point::DropValue], |world, map, _| {
        assert!(map.insert(Key::new(world, 3), Value::new(world, 3)).is_err());
    });
}

#[test]
fn insert_with_of_a_new_key_with_a_panic_anywhere() {
    storms(&[Point::Hash, Point::Eq, Point::Make], |world, map, held| {
        held.extend(map.insert_with(Key::new(world, 6), || Value::made(world, 6)));
    });
}

#[test]
fn insert_with_of_a_known_key_with_a_panic_anywhere() {
    storms(&[Point::Hash, Point::Eq, Point::DropKey], |world, map, _| {
        assert!(map.insert_with(Key::new(world, 3), || unreachable!()).is_err());
    });
}

#[test]
fn find_or_insert_of_a_new_key_with_a_panic_anywhere() {
    storms(&LOOKING, |world, map, held| {
        held.push(map.find_or_insert(Key::new(world, 6), Value::new(world, 6)));
    });
}

#[test]
fn find_or_insert_of_a_known_key_with_a_panic_anywhere() {
    storms(&[Point::Hash, Point::Eq, Point::DropKey, Point::DropValue], |world, map, held| {
        held.push(map.find_or_insert(Key::new(world, 2), Value::new(world, 2)));
    });
}

#[test]
fn find_or_insert_with_with_a_panic_anywhere() {
    storms(&[Point::Hash, Point::Eq, Point::Make, Point::DropKey], |world, map, held| {
        for name in [5, 6] {
            held.push(map.find_or_insert_with(Key::new(world, name), |_| Value::made(world, 6)));
        }
    });
}

#[test]
fn find_or_try_insert_with_with_a_panic_anywhere() {
    storms(&[Point::Hash, Point::Eq, Point::Make, Point::DropKey], |world, map, held| {
        let made = |_: &Key| Ok::<_, ()>(Value::made(world, 6));
        held.extend(map.find_or_try_insert_with(Key::new(world, 6), made));
        let failed = map.find_or_try_insert_with(Key::new(world, 7), |_| Err("no"));
        assert!(failed.is_err());
    });
}

#[test]
fn find_or_insert_ref_with_a_panic_anywhere() {
    storms(
        &[Point::BuildHasher, Point::Hash, Point::Eq, Point::From, Point::Make],
        |world, map, held| {
            for name in [5, 6] {
                let made = |_: &Key| Value::made(world, name);
                held.push(map.find_or_insert_ref(&Query::new(world, name), made));
            }
        },
    );
}

#[test]
fn find_or_insert_hashed_with_with_a_panic_anywhere() {
    storms(&[Point::Hash, Point::Eq, Point::Make], |world, map, held| {
        for name in [5, 6] {
            let query = Query::new(world, name);
            held.push(map.find_or_insert_hashed_with(
                map.hash(&query),
                |key| query.equivalent(key),
                || (Key::new(world, name), Value::made(world, name)),
            ));
        }
    });
}

#[test]
fn a_constructor_that_inserted_the_same_key_with_a_panic_anywhere() {
    storms(
        &[Point::Hash, Point::Eq, Point::Make, Point::DropKey, Point::DropValue],
        |world, map, held| {
            let r = map.find_or_insert_with(Key::new(world, 6), |_| {
                held.push(put(world, map, 6));
                Value::made(world, 60)
            });
            held.push(r);
        },
    );
}

#[test]
fn dropping_a_ref_with_a_panic_anywhere() {
    storms(&[Point::DropKey, Point::DropValue], |_, _, held| drop(held.pop()));
}

#[test]
fn dropping_many_refs_with_a_panic_anywhere() {
    storms(&[Point::DropKey, Point::DropValue], |_, _, held| held.clear());
}

#[test]
fn printing_with_a_panic_anywhere() {
    storms(&[Point::Fmt], |_, map, _| assert!(format!("{map:?}").len() > 2));
}

#[test]
fn iterating_with_a_panic_in_the_body() {
    storms(&[Point::Make], |world, map, held| {
        for r in map {
            held.push(r);
            drop(Value::made(world, 7));
        }
    });
}

#[test]
fn removal_never_hashes_or_compares() {
    for point in LOOKING {
        let reached = storm(Mood::Constant, point, |_, _, held| drop(held.remove(2)));
        assert_eq!(reached, 0, "{point:?}");
    }
}

#[test]
fn growth_never_calls_user_code() {
    for point in Point::ALL {
        let reached = storm(Mood::Constant, point, |_, map, _| {
            let capacity = map.capacity();
            map.reserve(1000);
            assert!(map.capacity() >= 1000 && map.capacity() > capacity);
        });
        assert_eq!(reached, 0, "{point:?}");
    }
}

#[test]
fn clone_and_weak_refs_never_call_user_code() {
    for point in Point::ALL {
        let reached = storm(Mood::Constant, point, |_, map, held| {
            let clone = held[0].clone();
            assert!(clone.downgrade().upgrade().is_some_and(|r| r == clone));
            assert!(map.resolve(clone.handle()).is_some());
            assert!(clone.value(map).is_ok() && clone.try_unwrap().is_err());
        });
        assert_eq!(reached, 0, "{point:?}");
    }
}

#[test]
fn shrinking_never_calls_user_code() {
    for point in Point::ALL {
        let world = World::new();
        let map = map_of(&world, Mood::Fair);
        let n = if cfg!(miri) { 20 } else { 200 };
        let held: Vec<R> = (0..n).map(|name| put(&world, &map, name)).collect();
        let kept = held[7].clone();
        drop(held);
        world.panic_at(point, 1);
        let capacity = map.capacity();
        map.shrink_to_fit();
        assert!(map.capacity() < capacity);
        assert_eq!(world.armed(), 1);
        world.disarm();
        usable(&world, &map, &[kept]);
    }
}

// Chains.

fn chain(world: &World, map: &Map, n: u32) -> R {
    let mut top = put(world, map, 0);
    for name in 1..n {
        let value = Value::holding(world, name, [top]);
        top = map.insert(Key::new(world, name), value).unwrap();
    }
    top
}

#[test]
fn a_chain_is_freed_to_its_end_whichever_destructor_panics() {
    for point in [Point::DropKey, Point::DropValue] {
        for nth in 1..=10 {
            let world = World::new();
            let map = map_of(&world, Mood::Fair);
            let kept = put(&world, &map, 100);
            let top = chain(&world, &map, 10);
            world.panic_at(point, nth);
            assert_scripted_panic(|| drop(top));
            usable(&world, &map, &[kept]);
        }
    }
}

#[test]
fn a_chain_is_freed_with_the_memory_of_its_map_whichever_destructor_panics() {
    for point in [Point::DropKey, Point::DropValue] {
        for nth in 1..=6 {
            let world = World::new();
            let map = map_of(&world, Mood::Fair);
            let top = chain(&world, &map, 6);
            let weak = top.downgrade();
            drop(map);
            world.panic_at(point, nth);
            assert_scripted_panic(|| drop(top));
            world.assert_alive(0);
            assert!(weak.upgrade().is_none());
        }
    }
}

#[test]
fn a_panic_of_a_key_does_not_keep_its_value() {
    let world = World::new();
    let map = map_of(&world, Mood::Fair);
    let r = put(&world, &map, 1);
    drop(world.take_log());
    world.panic_at(Point::DropKey, 1);
    assert_scripted_panic(|| drop(r));
    let log = world.take_log();
    assert_eq!(log, [support::Event::KeyDropped(1), support::Event::ValueDropped(1)]);
    usable(&world, &map, &[]);
}

#[test]
fn slots_are_used_again_after_a_destructor_has_panicked() {
    let world = World::new();
    let map = map_of(&world, Mood::Fair);
    drop(put(&world, &map, 1));
    let capacity = map.capacity();
    for _ in 0..50 {
        let r = put(&world, &map, 1);
        world.panic_at(Point::DropValue, 1);
        assert_scripted_panic(|| drop(r));
    }
    assert!(map.capacity() <= capacity + 8, "no slot is lost");
    usable(&world, &map, &[]);
}

#[test]
fn refs_dropped_by_unwinding_remove_their_entries() {
    let world = World::new();
    let map = map_of(&world, Mood::Fair);
    let kept = put(&world, &map, 100);
    let top = chain(&world, &map, 20);
    let weak = top.downgrade();
    assert_scripted_panic(|| {
        let _held = (top, kept.clone());
        scripted_panic();
    });
    assert!(weak.upgrade().is_none());
    usable(&world, &map, &[kept]);
}

// The end of a probe.

#[test]
fn a_destructor_that_panics_at_the_end_of_a_probe_leaves_the_hit_uncounted() {
    for point in [Point::DropKey, Point::DropValue] {
        let world = World::new();
        let map = map_of(&world, Mood::Constant);
        let kept = put(&world, &map, 1);
        let gone = Cell::new(Some((put(&world, &map, 2), put(&world, &map, 3))));
        world.at(Point::Eq, 1, move || drop(gone.take()));
        world.panic_at(point, 1);
        assert_scripted_panic(|| map.find(&Query::new(&world, 1)));
        usable(&world, &map, &[kept]);
    }
}

#[test]
fn eq_that_lets_go_and_panics_leaves_nothing_behind() {
    let world = World::new();
    let map = map_of(&world, Mood::Constant);
    let kept = put(&world, &map, 1);
    let gone = Cell::new(Some(chain(&world, &map_of(&world, Mood::Fair), 5)));
    let also = Cell::new(Some(put(&world, &map, 2)));
    world.at(Point::Eq, 1, move || {
        drop((gone.take(), also.take()));
        scripted_panic();
    });
    assert_scripted_panic(|| map.insert(Key::new(&world, 9), Value::new(&world, 9)));
    usable(&world, &map, &[kept]);
}

#[test]
fn a_panic_that_eq_catches_itself_does_not_end_the_search() {
    let world = World::new();
    let map = Rc::new(map_of(&world, Mood::Constant));
    let held = [put(&world, &map, 1), put(&world, &map, 2)];
    let (inner, books) = (Rc::clone(&map), world.clone());
    let caught = Rc::new(Cell::new(0));
    let count = Rc::clone(&caught);
    world.at(Point::Eq, 1, move || {
        for _ in 0..3 {
            // Debug builds refuse it.
            let key = Key::new(&books, 5);
            let added = attempt(|| inner.insert(key, Value::new(&books, 5)).map(|_| ()));
            let panicked = attempt(scripted_panic);
            let failed = added.is_err() == cfg!(debug_assertions) && panicked.is_err();
            count.set(count.get() + u32::from(failed));
        }
    });
    assert!(map.find(&Query::new(&world, 2)).is_some_and(|r| r == held[1]));
    assert_eq!(caught.get(), 3);
    usable(&world, &map, &held);
}

#[test]
fn a_panicking_predicate_leaves_no_guard_behind() {
    let world = World::new();
    let map = map_of(&world, Mood::Constant);
    let kept = put(&world, &map, 1);
    assert_scripted_panic(|| {
        map.find_hashed(0, |_| {
            scripted_panic();
            true
        })
    });
    assert_scripted_panic(|| {
        map.find_or_insert_hashed_with(
            0,
            |_| {
                scripted_panic();
                true
            },
            || unreachable!(),
        )
    });
    assert_scripted_panic(|| {
        map.find_or_insert_hashed_with(
            0,
            |_| false,
            || {
                scripted_panic();
                (Key::new(&world, 2), Value::new(&world, 2))
            },
        )
    });
    usable(&world, &map, &[kept]);
}

// In place.

#[test]
fn a_value_replaced_in_place_whose_destructor_panics() {
    let world = World::new();
    let mut map = map_of(&world, Mood::Fair);
    let r = chain(&world, &map, 5);
    world.panic_at(Point::DropValue, 1);
    assert_scripted_panic(|| *r.value_mut(&mut map).unwrap() = Value::new(&world, 50));
    assert_eq!(r.value(&map).unwrap().number, 50, "the new value is in place");
    usable(&world, &map, &[r]);
}

#[test]
fn a_panic_under_iter_mut_gives_the_guards_back() {
    let world = World::new();
    let mut map = map_of(&world, Mood::Fair);
    let held: Vec<R> = (0..5).map(|name| put(&world, &map, name)).collect();
    assert_scripted_panic(|| {
        let mut guards = Vec::new();
        for mut entry in map.iter_mut() {
            entry.number = 7;
            guards.push(entry);
            if guards.len() == 3 {
                scripted_panic();
            }
        }
    });
    let changed = held.iter().filter(|r| r.value(&map).unwrap().number == 7).count();
    assert_eq!(changed, 3);
    usable(&world, &map, &held);
}

#[test]
fn a_hasher_that_panics_when_it_is_dropped_does_not_keep_entries() {
    struct Bomb(Build);
    impl std::hash::BuildHasher for Bomb {
        type Hasher = support::crash::Mix;
        fn build_hasher(&self) -> Self::Hasher {
            self.0.build_hasher()
        }
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            scripted_panic();
        }
    }
    let world = World::new();
    let map = rcmap::RcHashMap::with_hasher(Bomb(Build::new(&world, Mood::Fair)));
    let r = map.insert(Key::new(&world, 1), Value::new(&world, 1)).unwrap();
    drop(map);
    assert_scripted_panic(|| drop(r));
    world.assert_alive(0);
}

// Lies.

#[test]
fn keys_that_lie_break_no_memory() {
    for lies in 1..6 {
        let world = World::new();
        let map = map_of(&world, Mood::Constant);
        let mut held: Vec<R> = (0..5).map(|name| put(&world, &map, name)).collect();
        world.lie(lies);
        for name in 0..10 {
            held.push(map.find_or_insert(Key::new(&world, name), Value::new(&world, name)));
        }
        world.lie(0);
        check(&map);
        world.assert_alive(2 * map.len());
        drop(held);
        assert!(map.is_empty());
        world.assert_alive(0);
    }
}

#[test]
fn a_hasher_that_changes_its_mind_breaks_no_memory() {
    let world = World::new();
    let map = map_of(&world, Mood::Fickle);
    let held: Vec<R> = (0..200)
        .map(|name| map.find_or_insert(Key::new(&world, name % 50), Value::new(&world, name)))
        .collect();
    check(&map);
    world.assert_alive(2 * map.len());
    map.hasher().set_mood(Mood::Constant);
    for r in &held {
        assert!(map.resolve(r.handle()).is_some_and(|found| found == *r));
    }
    drop(held);
    assert!(map.is_empty(), "removal does not ask the hasher");
    check(&map);
    world.assert_alive(0);
}

#[test]
fn a_panic_in_a_nested_constructor_leaves_the_outer_map_as_it_was() {
    let world = World::new();
    let map = map_of(&world, Mood::Fair);
    let kept = RefCell::new(Vec::new());
    assert_scripted_panic(|| {
        map.find_or_insert_with(Key::new(&world, 1), |_| {
            kept.borrow_mut().push(put(&world, &map, 2));
            let inner = map.find_or_insert_with(Key::new(&world, 3), |_| {
                scripted_panic();
                Value::new(&world, 3)
            });
            Value::holding(&world, 1, [inner])
        })
    });
    usable(&world, &map, &kept.borrow());
}
