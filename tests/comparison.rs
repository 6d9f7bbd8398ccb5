//! What `Eq` may do while the map compares keys: anything in release builds, anything but to enter the
//! map in debug builds.
//!
//! Breaks with (I5) of `design.md`.

mod support;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rcmap::{RcHashMap, Ref};
use support::{
    Key, Map, Mood, Point, Query, R, Value, World, assert_scripted_panic, attempt, check, map_of,
    put,
};

const REFUSED: &str = "while it compares keys";

/// `Ref`s that a script can reach.
type Shelf = Rc<RefCell<Vec<R>>>;

fn setup(mood: Mood) -> (World, Rc<Map>) {
    let world = World::new();
    let map = Rc::new(map_of(&world, mood));
    (world, map)
}

fn shelf(refs: impl IntoIterator<Item = R>) -> Shelf {
    Rc::new(RefCell::new(refs.into_iter().collect()))
}

fn empty(shelf: &Shelf) {
    let refs = shelf.take();
    assert!(!refs.is_empty(), "the script has something to drop");
    drop(refs);
}

fn q(world: &World, name: u32) -> Query {
    Query::new(world, name)
}

/// Asserts that the map holds exactly these names, and that every script has run.
#[track_caller]
fn holds(world: &World, map: &Map, names: &[u32]) {
    assert_eq!(world.armed(), 0, "every script has run");
    check(map);
    let mut found: Vec<u32> = map.iter().map(|r| r.as_key().name).collect();
    found.sort_unstable();
    assert_eq!(found, names);
    assert_eq!(map.len(), names.len());
    for &name in names {
        assert!(map.find(&q(world, name)).is_some_and(|r| r.as_key().name == name));
    }
}

// `Ref`s.

#[test]
fn the_entry_under_comparison_stays_until_the_comparison_is_over() {
    let (world, map) = setup(Mood::Fair);
    let refs = shelf([put(&world, &map, 1)]);
    let (during, inner) = (Rc::new(Cell::new(None)), Rc::clone(&map));
    let (seen, books) = (Rc::clone(&during), world.clone());
    world.at(Point::Eq, 1, move || {
        empty(&refs);
        seen.set(Some((inner.len(), inner.is_empty(), books.alive())));
    });
    let found = map.find(&q(&world, 1)).expect("it is what the search has accepted");
    assert_eq!(during.get(), Some((1, false, 2)), "the map held it");
    assert_eq!(found.strong_count(), 1);
    holds(&world, &map, &[1]);
    drop(found);
    world.assert_alive(0);
    holds(&world, &map, &[]);
}

#[test]
fn contains_key_agrees_with_find_about_an_entry_that_eq_lets_go_of() {
    let (world, map) = setup(Mood::Fair);
    let refs = shelf([put(&world, &map, 1)]);
    world.at(Point::Eq, 1, move || empty(&refs));
    assert!(map.contains_key(&q(&world, 1)), "it was there when it was compared");
    world.assert_alive(0);
    holds(&world, &map, &[]);
}

#[test]
fn an_entry_that_eq_refuses_and_lets_go_of_is_gone_when_the_search_returns() {
    for query in
        [|map: &Map, q: &Query| map.find(q).is_some(), |map: &Map, q: &Query| map.contains_key(q)]
    {
        let (world, map) = setup(Mood::Constant);
        let refs = shelf([put(&world, &map, 1)]);
        world.at(Point::Eq, 1, move || empty(&refs));
        assert!(!query(&map, &q(&world, 9)));
        world.assert_alive(0);
        holds(&world, &map, &[]);
    }
}

#[test]
fn insertions_whose_eq_lets_go_of_the_entry_they_collide_with_make_no_second_one() {
    let (world, map) = setup(Mood::Fair);
    let refs = shelf([put(&world, &map, 1)]);
    world.at(Point::Eq, 1, move || empty(&refs));
    let refused = map.insert(Key::stamped(&world, 1, 77), Value::new(&world, 77));
    assert_eq!(refused.expect_err("it was there when it was compared").key.stamp, 77);
    world.assert_alive(0);
    holds(&world, &map, &[]);

    let refs = shelf([put(&world, &map, 1)]);
    world.at(Point::Eq, 1, move || empty(&refs));
    let found = map.find_or_insert(Key::stamped(&world, 1, 78), Value::new(&world, 78));
    assert_ne!(found.as_key().stamp, 78, "it is the one that was there");
    assert_eq!(found.strong_count(), 1);
    holds(&world, &map, &[1]);
}

#[test]
fn eq_that_drops_every_other_colliding_entry_still_finds_its_own() {
    for wanted in 0..8 {
        let (world, map) = setup(Mood::Constant);
        let mut all: Vec<R> = (0..8).map(|name| put(&world, &map, name)).collect();
        let kept = all.remove(wanted as usize);
        let refs = shelf(all);
        world.at(Point::Eq, 1, move || empty(&refs));
        assert!(map.find(&q(&world, wanted)).is_some_and(|found| found == kept));
        world.assert_alive(2);
        holds(&world, &map, &[wanted]);
    }
}

#[test]
fn other_entries_that_eq_lets_go_of_are_dropped_at_once() {
    let (world, map) = setup(Mood::Constant);
    let kept = put(&world, &map, 1);
    let others = [put(&world, &map, 2), put(&world, &map, 3), put(&world, &map, 4)];
    let (refs, books) = (shelf(others), world.clone());
    let inner = Rc::clone(&map);
    world.at(Point::Eq, 1, move || {
        let alive = books.alive();
        empty(&refs);
        // One of the four is the entry under comparison.
        assert!(books.alive() <= alive - 4, "at least two entries are gone");
        assert!(inner.len() <= 2);
    });
    drop(map.find(&q(&world, 9)));
    assert_eq!(kept.strong_count(), 1);
    world.assert_alive(2);
    holds(&world, &map, &[1]);
}

#[test]
fn eq_may_clone_upgrade_and_read_in_every_build() {
    let (world, map) = setup(Mood::Fair);
    let r = put(&world, &map, 1);
    let (weak, taken, ran) = (r.downgrade(), r.clone(), Rc::new(Cell::new(false)));
    let (inner, flag) = (Rc::clone(&map), Rc::clone(&ran));
    world.at(Point::Eq, 1, move || {
        let up = weak.upgrade().expect("it lives");
        assert!(up == taken && up.clone().belongs_to(&inner));
        assert_eq!((up.strong_count(), up.handle()), (4, weak.handle()), "the map holds one");
        assert_eq!(up.value(&inner).unwrap().number, 1);
        assert_eq!(up.key(&inner).unwrap().name, up.as_key().name);
        let raw = up.into_raw();
        // SAFETY: it came from `into_raw` just now.
        drop(unsafe { R::from_raw(raw) });
        drop((weak.clone(), taken.downgrade()));
        assert_eq!((inner.len(), inner.is_empty()), (1, false));
        assert!(inner.capacity() >= 1);
        let _: &support::Build = inner.hasher();
        assert!(!format!("{taken:?}{weak:?}").is_empty());
        flag.set(true);
    });
    assert!(map.find(&q(&world, 1)).is_some());
    assert!(ran.get());
    assert_eq!(r.strong_count(), 1);
    holds(&world, &map, &[1]);
}

#[test]
fn a_weak_ref_to_another_entry_that_eq_has_let_go_of_does_not_upgrade() {
    let (world, map) = setup(Mood::Fair);
    let (_kept, r) = (put(&world, &map, 1), put(&world, &map, 2));
    let (weak, refs) = (r.downgrade(), shelf([r]));
    world.at(Point::Eq, 1, move || {
        empty(&refs);
        assert!(weak.upgrade().is_none());
    });
    assert!(map.find(&q(&world, 1)).is_some());
    holds(&world, &map, &[1]);
}

#[test]
fn try_unwrap_of_the_entry_under_comparison_gives_the_ref_back() {
    let (world, map) = setup(Mood::Fair);
    let refs = shelf([put(&world, &map, 1)]);
    let held = Rc::clone(&refs);
    world.at(Point::Eq, 1, move || {
        let r = held.borrow_mut().pop().unwrap();
        assert_eq!(r.strong_count(), 2);
        let r = r.try_unwrap().expect_err("it is shared");
        held.borrow_mut().push(r);
    });
    assert!(map.find(&q(&world, 1)).is_some());
    holds(&world, &map, &[1]);
    let r = refs.borrow_mut().pop().unwrap();
    assert!(r.try_unwrap().is_ok(), "outside it works");
    holds(&world, &map, &[]);
}

#[test]
fn eq_may_unwrap_other_entries() {
    let (world, map) = setup(Mood::Constant);
    let all = [put(&world, &map, 1), put(&world, &map, 2), put(&world, &map, 3)];
    let refs = shelf(all);
    let (held, out) = (Rc::clone(&refs), Rc::new(Cell::new(0)));
    let count = Rc::clone(&out);
    world.at(Point::Eq, 1, move || {
        let mut kept = Vec::new();
        for r in held.take() {
            match r.try_unwrap() {
                Ok(_) => count.set(count.get() + 1),
                Err(r) => kept.push(r),
            }
        }
        held.replace(kept);
    });
    assert!(map.find(&q(&world, 9)).is_none());
    assert_eq!((out.get(), map.len()), (2, 1), "all but the one under comparison");
    check(&map);
}

#[test]
fn eq_that_panics_after_dropping_the_last_ref_leaves_nothing() {
    let (world, map) = setup(Mood::Fair);
    let refs = shelf([put(&world, &map, 1)]);
    world.at(Point::Eq, 1, move || {
        empty(&refs);
        support::scripted_panic();
    });
    assert_scripted_panic(|| map.find(&q(&world, 1)));
    world.assert_alive(0);
    holds(&world, &map, &[]);
    drop(put(&world, &map, 1));
}

#[test]
fn eq_may_forget_refs() {
    let (world, map) = setup(Mood::Fair);
    let refs = shelf([put(&world, &map, 1)]);
    let forgotten = Rc::new(RefCell::new(Vec::new()));
    let raws = Rc::clone(&forgotten);
    world.at(Point::Eq, 1, move || {
        let taken = refs.take().into_iter().map(Ref::into_raw);
        raws.borrow_mut().extend(taken);
    });
    let found = map.find(&q(&world, 1)).unwrap();
    assert_eq!(found.strong_count(), 2);
    drop(found);
    holds(&world, &map, &[1]);
    for raw in forgotten.take() {
        // SAFETY: it came from `into_raw` and is taken back once.
        drop(unsafe { R::from_raw(raw) });
    }
    holds(&world, &map, &[]);
}

// Calls on the map.

/// Runs `call` in the first comparison of a search for a key that is there, and says how it ended.
fn in_eq(call: fn(&World, &Map)) -> Result<(), String> {
    let (world, map) = setup(Mood::Constant);
    let held = [put(&world, &map, 1), put(&world, &map, 2)];
    let result = Rc::new(RefCell::new(None));
    let (books, inner, slot) = (world.clone(), Rc::clone(&map), Rc::clone(&result));
    world.at(Point::Eq, 1, move || {
        let hashed = books.visits(Point::Hash);
        let ended = attempt(|| call(&books, &inner)).map_err(|payload| {
            assert_eq!(books.visits(Point::Hash), hashed, "refused before anything");
            *payload.downcast::<&str>().expect("a message")
        });
        *slot.borrow_mut() = Some(ended.map_err(String::from));
    });
    assert!(map.find(&q(&world, 1)).is_some_and(|r| r == held[0]), "the search goes on");
    holds(&world, &map, &[1, 2]);
    world.assert_alive(4);
    drop(held);
    world.assert_alive(0);
    result.take().expect("the comparison ran")
}

/// `call` enters the map: debug builds refuse it, in release builds it works.
#[track_caller]
fn enters(call: fn(&World, &Map)) {
    let ended = in_eq(call);
    if cfg!(debug_assertions) {
        let message = ended.expect_err("debug builds refuse it");
        assert!(message.contains(REFUSED), "{message}");
    } else {
        ended.expect("it works in release builds");
    }
}

#[test]
fn insertions_in_eq_are_refused_in_debug_builds_and_work_in_release_builds() {
    enters(|world, map| drop(map.insert(Key::new(world, 5), Value::new(world, 5)).unwrap()));
    enters(|world, map| {
        assert!(map.insert(Key::new(world, 1), Value::new(world, 1)).is_err());
    });
    enters(|world, map| {
        assert!(map.insert_with(Key::new(world, 1), || unreachable!()).is_err());
    });
    enters(|world, map| drop(map.find_or_insert(Key::new(world, 2), Value::new(world, 2))));
    enters(|world, map| drop(map.find_or_insert(Key::new(world, 6), Value::new(world, 6))));
    enters(|world, map| drop(map.find_or_insert_with(Key::new(world, 2), |_| unreachable!())));
    enters(|world, map| drop(map.find_or_insert_ref(&q(world, 2), |_| unreachable!())));
    enters(|world, map| {
        assert!(map.find_or_try_insert_with(Key::new(world, 7), |_| Err::<Value, ()>(())).is_err());
    });
    enters(|_, map| drop(map.find_or_insert_hashed_with(0, |_| true, || unreachable!())));
    enters(|world, map| drop(map.entry(Key::new(world, 2))));
    enters(|world, map| drop(map.entry_ref(&q(world, 2))));
    enters(|_, map| drop(map.entry_hashed(0, |key| key.name == 2)));
}

#[test]
fn reservations_in_eq_are_refused_in_debug_builds_and_work_in_release_builds() {
    enters(|_, map| map.reserve(0));
    enters(|_, map| map.reserve(100));
    enters(|_, map| assert!(map.try_reserve(1).is_ok()));
    enters(|_, map| assert!(map.try_reserve(usize::MAX).is_err()));
    enters(|_, map| map.shrink_to_fit());
}

#[test]
fn queries_in_eq_are_refused_in_debug_builds_and_work_in_release_builds() {
    enters(|world, map| assert!(map.find(&q(world, 2)).is_some()));
    enters(|world, map| assert!(map.find(&q(world, 3)).is_none()));
    enters(|world, map| assert!(map.contains_key(&q(world, 2)) && !map.contains_key(&q(world, 3))));
    enters(|_, map| assert_eq!(map.iter().count(), 2));
    enters(|_, map| assert_eq!(map.into_iter().count(), 2));
    enters(|_, map| assert!(map.find_hashed(0, |key| key.name == 2).is_some()));
    enters(|_, map| assert!(map.resolve(rcmap::Handle::default()).is_none()));
    enters(|_, map| assert!(!map.contains_handle(rcmap::Handle::default())));
    enters(|_, map| assert!(format!("{map:?}").contains("v2")));
}

#[test]
fn a_panic_out_of_eq_leaves_no_guard_behind() {
    let (world, map) = setup(Mood::Fair);
    let _held = put(&world, &map, 1);
    world.at(Point::Eq, 1, support::scripted_panic);
    assert_scripted_panic(|| map.find(&q(&world, 1)));
    let _more = put(&world, &map, 2);
    holds(&world, &map, &[1, 2]);
}

#[cfg(debug_assertions)]
#[test]
fn a_refused_call_that_eq_does_not_catch_leaves_no_guard_behind() {
    let (world, map) = setup(Mood::Fair);
    let _held = put(&world, &map, 1);
    let inner = Rc::clone(&map);
    world.at(Point::Eq, 1, move || inner.reserve(1));
    support::assert_panics_with(REFUSED, || map.find(&q(&world, 1)));
    let _more = put(&world, &map, 2);
    holds(&world, &map, &[1, 2]);
}

#[test]
fn the_guard_of_one_map_does_not_bind_another() {
    let (world, map) = setup(Mood::Fair);
    let other = Rc::new(map_of(&world, Mood::Fair));
    let _held = put(&world, &map, 1);
    let refs = shelf([]);
    let (books, inner, kept) = (world.clone(), Rc::clone(&other), Rc::clone(&refs));
    world.at(Point::Eq, 1, move || {
        kept.borrow_mut().push(put(&books, &inner, 7));
        assert!(inner.find(&q(&books, 7)).is_some());
        assert_eq!(inner.iter().count(), 1);
        inner.reserve(100);
    });
    assert!(map.find(&q(&world, 1)).is_some());
    holds(&world, &map, &[1]);
    holds(&world, &other, &[7]);
}

#[test]
fn destructors_that_eq_starts_may_enter_the_map_and_eq_itself_may_not_afterwards() {
    let (world, map) = setup(Mood::Fair);
    let _kept = put(&world, &map, 1);
    let (refs, made) = (shelf([put(&world, &map, 2)]), shelf([]));
    let inner = Rc::clone(&map);
    world.at(Point::Eq, 1, move || {
        empty(&refs);
        let entered = attempt(|| drop(inner.iter()));
        assert_eq!(entered.is_err(), cfg!(debug_assertions), "the guard is on again");
    });
    let (books, inner, kept) = (world.clone(), Rc::clone(&map), Rc::clone(&made));
    world.at(Point::DropValue, 1, move || {
        kept.borrow_mut().push(put(&books, &inner, 3));
        assert!(inner.find(&q(&books, 3)).is_some());
    });
    assert!(map.find(&q(&world, 1)).is_some());
    holds(&world, &map, &[1, 3]);
}

/// `Eq` lets go of entry 2, whose destructor inserts another.
fn insert_in_a_destructor(world: &World, map: &Rc<Map>, point: Point, name: u32) -> Shelf {
    let refs = shelf([put(world, map, 2)]);
    let made = shelf([]);
    world.at(Point::Eq, 1, move || empty(&refs));
    let (books, inner, kept) = (world.clone(), Rc::clone(map), Rc::clone(&made));
    world.at(point, 1, move || kept.borrow_mut().push(put(&books, &inner, name)));
    made
}

#[test]
fn a_destructor_during_an_insertion_cannot_make_a_second_entry() {
    // The search of `insert(5)` lets go of the entry under comparison, whose destructor inserts 5.
    let (world, map) = setup(Mood::Constant);
    let made = insert_in_a_destructor(&world, &map, Point::DropValue, 5);
    let refused = map.insert(Key::stamped(&world, 5, 50), Value::new(&world, 50));
    assert_eq!(refused.expect_err("it is there by now").key.stamp, 50);
    holds(&world, &map, &[5]);
    assert_eq!(made.borrow().len(), 1);

    let (world, map) = setup(Mood::Constant);
    let made = insert_in_a_destructor(&world, &map, Point::DropKey, 5);
    let r = map.find_or_insert_ref(&q(&world, 5), |_| unreachable!("it is there by now"));
    assert!(r == made.borrow()[0]);
    holds(&world, &map, &[5]);
}

#[test]
fn a_destructor_of_the_last_candidate_is_seen_by_the_search() {
    // The entry under comparison is not the first candidate but a later one.
    for count in 2..12 {
        let (world, map) = setup(Mood::Constant);
        let refs = shelf((10..10 + count).map(|name| put(&world, &map, name)));
        let made = shelf([]);
        world.at(Point::Eq, count, move || empty(&refs));
        let (books, inner, kept) = (world.clone(), Rc::clone(&map), Rc::clone(&made));
        world.at(Point::DropValue, count, move || {
            kept.borrow_mut().push(put(&books, &inner, 5));
        });
        let refused = map.insert(Key::new(&world, 5), Value::new(&world, 5));
        assert!(refused.is_err(), "{count} candidates");
        holds(&world, &map, &[5]);
    }
}

// In release builds `Eq` may enter the map.

#[cfg(not(debug_assertions))]
mod release {
    use super::*;

    #[test]
    fn a_key_that_eq_inserts_is_found_and_never_twice_there() {
        let searches: [fn(&World, &Map) -> bool; 5] = [
            |world, map| map.find(&q(world, 5)).is_some(),
            |world, map| map.contains_key(&q(world, 5)),
            |world, map| map.insert(Key::new(world, 5), Value::new(world, 5)).is_err(),
            |world, map| {
                map.find_or_insert(Key::new(world, 5), Value::new(world, 5)).strong_count() > 1
            },
            |world, map| {
                map.find_or_insert_ref(&q(world, 5), |_| unreachable!()).strong_count() > 1
            },
        ];
        for search in searches {
            for visit in 1..4 {
                let (world, map) = setup(Mood::Constant);
                let _held = [put(&world, &map, 1), put(&world, &map, 2), put(&world, &map, 3)];
                let made = shelf([]);
                let (books, inner, kept) = (world.clone(), Rc::clone(&map), Rc::clone(&made));
                world.at(Point::Eq, visit, move || kept.borrow_mut().push(put(&books, &inner, 5)));
                assert!(search(&world, &map), "inserted in comparison {visit}");
                holds(&world, &map, &[1, 2, 3, 5]);
            }
        }
    }

    #[test]
    fn eq_may_grow_and_shrink_the_map() {
        let (world, map) = setup(Mood::Constant);
        let _held = [put(&world, &map, 1), put(&world, &map, 2), put(&world, &map, 3)];
        let (books, inner) = (world.clone(), Rc::clone(&map));
        world.at(Point::Eq, 1, move || {
            inner.reserve(10_000);
            let many: Vec<R> = (100..3100).map(|name| put(&books, &inner, name)).collect();
            drop(many);
            inner.shrink_to_fit();
        });
        assert!(map.find(&q(&world, 3)).is_some());
        holds(&world, &map, &[1, 2, 3]);
    }

    #[test]
    fn eq_may_drop_a_map_that_somebody_else_holds_too() {
        let (world, map) = setup(Mood::Fair);
        let held = put(&world, &map, 1);
        let other = RefCell::new(Some(Rc::clone(&map)));
        world.at(Point::Eq, 1, move || drop(other.take()));
        assert!(map.find(&q(&world, 1)).is_some_and(|r| r == held));
        holds(&world, &map, &[1]);
    }

    #[test]
    fn searches_nest() {
        fn search(world: &World, map: &Rc<Map>, depth: u32) {
            if depth > 0 {
                let (books, inner) = (world.clone(), Rc::clone(map));
                world.at(Point::Eq, 1, move || search(&books, &inner, depth - 1));
            }
            assert!(map.find(&q(world, 1)).is_some());
        }
        let (world, map) = setup(Mood::Constant);
        let _held = [put(&world, &map, 1), put(&world, &map, 2)];
        search(&world, &map, 200);
        holds(&world, &map, &[1, 2]);
    }
}

// How often it is asked.

/// All of one hash, told apart by comparison only.
fn same_hash(count: u32) -> (RcHashMap<u32, ()>, Vec<Ref<u32, ()>>) {
    let map = RcHashMap::new();
    let make = |name| map.find_or_insert_hashed_with(7, |_| false, || (name, ()));
    let held = (0..count).map(make).collect();
    (map, held)
}

#[test]
fn each_candidate_is_asked_at_most_once_and_a_search_is_linear() {
    let many = if cfg!(debug_assertions) { 1000 } else { 10_000 };
    for count in [0, 1, 2, 7, 8, 9, 10, 100, many] {
        let (map, held) = same_hash(count);
        let mut asked = Vec::new();
        assert!(
            map.find_hashed(7, |&key| {
                asked.push(key);
                false
            })
            .is_none()
        );
        asked.sort_unstable();
        assert_eq!(asked, (0..count).collect::<Vec<_>>());
        assert!(held.iter().all(|r| r.strong_count() == 1));
        for wanted in (0..count).step_by(count as usize / 7 + 1) {
            let found = map.find_hashed(7, |&key| key == wanted).unwrap();
            assert_eq!(*found.as_key(), wanted);
        }
    }
}

#[test]
fn only_the_entry_under_comparison_is_held_by_the_map() {
    let (map, held) = same_hash(20);
    let mut compared = 0;
    let found = map.find_hashed(7, |&key| {
        let counts = held.iter().map(|r| (*r.as_key(), r.strong_count()));
        for (other, count) in counts {
            assert_eq!(count, if other == key { 2 } else { 1 });
        }
        compared += 1;
        false
    });
    assert!(found.is_none());
    assert_eq!(compared, 20);
}
