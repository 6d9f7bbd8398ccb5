//! User code that goes back into the map: from `Hash`, `Eq`, constructors, destructors and `Debug`.
//!
//! Breaks with (I5) and (I10) of `design.md`.

mod support;

use std::cell::{Cell, RefCell};
use std::hash::Hash;
use std::rc::Rc;

use rcmap::{Equivalent, RcHashMap, Ref};
use support::{
    Key, Map, Mood, Point, Query, R, Value, World, assert_panics_with, assert_scripted_panic,
    attempt, check, map_of, put,
};

const STRUCTURAL: &str = "may not be inserted into";
const QUERY: &str = "was queried from `Eq`";

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

// Eq: Refs.

#[test]
fn eq_that_drops_the_last_ref_of_the_entry_under_comparison_finds_nothing() {
    let (world, map) = setup(Mood::Fair);
    let refs = shelf([put(&world, &map, 1)]);
    let (during, inner) = (Rc::new(Cell::new(None)), Rc::clone(&map));
    let (seen, books) = (Rc::clone(&during), world.clone());
    world.at(Point::Eq, 1, move || {
        empty(&refs);
        seen.set(Some((inner.len(), inner.is_empty(), books.alive())));
    });
    assert!(map.find(&q(&world, 1)).is_none());
    assert_eq!(during.get(), Some((0, true, 2)), "invisible at once, dropped later");
    world.assert_alive(0);
    holds(&world, &map, &[]);
}

#[test]
fn insert_whose_eq_drops_the_entry_that_it_collides_with_succeeds() {
    let (world, map) = setup(Mood::Fair);
    let refs = shelf([put(&world, &map, 1)]);
    world.at(Point::Eq, 1, move || empty(&refs));
    let new = map.insert(Key::stamped(&world, 1, 77), Value::new(&world, 77));
    assert_eq!(new.as_ref().expect("the old entry is gone").as_key().stamp, 77);
    world.assert_alive(2);
    holds(&world, &map, &[1]);
}

#[test]
fn find_or_insert_whose_eq_drops_the_hit_makes_a_new_entry() {
    let (world, map) = setup(Mood::Fair);
    let refs = shelf([put(&world, &map, 1)]);
    world.at(Point::Eq, 1, move || empty(&refs));
    let new = map.find_or_insert(Key::stamped(&world, 1, 78), Value::new(&world, 78));
    assert_eq!(new.as_key().stamp, 78);
    world.assert_alive(2);
    holds(&world, &map, &[1]);
}

#[test]
fn contains_key_whose_eq_drops_the_entry_says_no() {
    let (world, map) = setup(Mood::Fair);
    let refs = shelf([put(&world, &map, 1)]);
    world.at(Point::Eq, 1, move || empty(&refs));
    assert!(!map.contains_key(&q(&world, 1)));
    holds(&world, &map, &[]);
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
fn an_entry_let_go_in_eq_is_dropped_when_the_probe_ends_and_not_before() {
    let (world, map) = setup(Mood::Constant);
    let kept = put(&world, &map, 1);
    let refs = shelf([put(&world, &map, 2), put(&world, &map, 3)]);
    let books = world.clone();
    world.at(Point::Eq, 1, move || {
        drop(books.take_log());
        empty(&refs);
        assert_eq!(books.take_log(), [], "only queued");
    });
    drop(map.find(&q(&world, 9)));
    assert_eq!(world.take_log().len(), 4, "two keys and two values are gone on return");
    assert_eq!(kept.strong_count(), 1);
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
        assert_eq!((up.strong_count(), up.handle()), (3, weak.handle()));
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
fn a_weak_ref_to_what_eq_has_let_go_does_not_upgrade() {
    let (world, map) = setup(Mood::Fair);
    let r = put(&world, &map, 1);
    let (weak, refs) = (r.downgrade(), shelf([r]));
    world.at(Point::Eq, 1, move || {
        empty(&refs);
        assert!(weak.upgrade().is_none(), "queued is dead already");
    });
    assert!(map.find(&q(&world, 1)).is_none());
    holds(&world, &map, &[]);
}

#[test]
fn try_unwrap_in_eq_gives_the_ref_back() {
    let (world, map) = setup(Mood::Fair);
    let refs = shelf([put(&world, &map, 1)]);
    let held = Rc::clone(&refs);
    world.at(Point::Eq, 1, move || {
        let r = held.borrow_mut().pop().unwrap();
        assert_eq!(r.strong_count(), 1);
        let r = r.try_unwrap().expect_err("a probe runs");
        held.borrow_mut().push(r);
    });
    assert!(map.find(&q(&world, 1)).is_some());
    holds(&world, &map, &[1]);
    let r = refs.borrow_mut().pop().unwrap();
    assert!(r.try_unwrap().is_ok(), "outside it works");
    holds(&world, &map, &[]);
}

#[test]
fn eq_that_panics_after_dropping_the_last_ref_leaves_nothing_queued() {
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

// Eq: calls on the map.

/// Runs `call` in the first comparison of a probe for a key that is there, and says how it ended.
fn in_probe(call: fn(&World, &Map)) -> Result<(), String> {
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
    assert!(map.find(&q(&world, 1)).is_some_and(|r| r == held[0]), "the probe goes on");
    holds(&world, &map, &[1, 2]);
    world.assert_alive(4);
    drop(held);
    world.assert_alive(0);
    result.take().expect("the comparison ran")
}

#[track_caller]
fn structural(call: fn(&World, &Map)) {
    let message = in_probe(call).expect_err("a structural call in a probe panics in every build");
    assert!(message.contains(STRUCTURAL), "{message}");
}

#[track_caller]
fn query(call: fn(&World, &Map)) {
    let ended = in_probe(call);
    if cfg!(debug_assertions) {
        let message = ended.expect_err("a nested query panics in debug builds");
        assert!(message.contains(QUERY), "{message}");
    } else {
        ended.expect("a nested query works in release builds");
    }
}

#[test]
fn insert_in_eq_panics_in_every_build() {
    structural(|world, map| drop(map.insert(Key::new(world, 5), Value::new(world, 5))));
}

#[test]
fn insert_in_eq_panics_even_if_the_key_is_there() {
    structural(|world, map| drop(map.insert(Key::new(world, 1), Value::new(world, 1))));
}

#[test]
fn insert_with_in_eq_panics_in_every_build() {
    structural(|world, map| drop(map.insert_with(Key::new(world, 1), || unreachable!())));
}

#[test]
fn find_or_insert_in_eq_panics_even_if_the_key_is_there() {
    structural(|world, map| drop(map.find_or_insert(Key::new(world, 2), Value::new(world, 2))));
}

#[test]
fn find_or_insert_with_in_eq_panics_even_if_the_key_is_there() {
    structural(|world, map| drop(map.find_or_insert_with(Key::new(world, 2), |_| unreachable!())));
}

#[test]
fn find_or_insert_ref_in_eq_panics_even_if_the_key_is_there() {
    structural(|world, map| drop(map.find_or_insert_ref(&q(world, 2), |_| unreachable!())));
}

#[test]
fn find_or_try_insert_with_in_eq_panics_even_if_the_key_is_there() {
    structural(|world, map| {
        drop(map.find_or_try_insert_with(Key::new(world, 2), |_| Err::<Value, ()>(())));
    });
}

#[test]
fn find_or_insert_hashed_with_in_eq_panics_even_if_it_would_hit() {
    structural(|_, map| {
        drop(map.find_or_insert_hashed_with(0, |_| true, || unreachable!()));
    });
}

#[test]
fn reserve_in_eq_panics_even_if_there_is_room() {
    structural(|_, map| map.reserve(0));
    structural(|_, map| map.reserve(100));
}

#[test]
fn try_reserve_in_eq_panics_rather_than_fail() {
    structural(|_, map| drop(map.try_reserve(1)));
    structural(|_, map| drop(map.try_reserve(usize::MAX)));
}

#[test]
fn find_in_eq_panics_in_debug_and_works_in_release() {
    query(|world, map| assert!(map.find(&q(world, 2)).is_some()));
}

#[test]
fn find_of_a_missing_key_in_eq_panics_in_debug_and_works_in_release() {
    query(|world, map| assert!(map.find(&q(world, 3)).is_none()));
}

#[test]
fn contains_key_in_eq_panics_in_debug_and_works_in_release() {
    query(|world, map| assert!(map.contains_key(&q(world, 2)) && !map.contains_key(&q(world, 3))));
}

#[test]
fn iter_in_eq_panics_in_debug_and_works_in_release() {
    query(|_, map| assert_eq!(map.iter().count(), 2));
}

#[test]
fn into_iter_in_eq_panics_in_debug_and_works_in_release() {
    query(|_, map| assert_eq!(map.into_iter().count(), 2));
}

#[test]
fn find_hashed_in_eq_panics_in_debug_and_works_in_release() {
    query(|_, map| assert!(map.find_hashed(0, |key| key.name == 2).is_some()));
}

#[test]
fn resolve_in_eq_panics_in_debug_and_works_in_release() {
    thread_local!(static HANDLE: Cell<Option<rcmap::Handle>> = const { Cell::new(None) });
    let world = World::new();
    let other = map_of(&world, Mood::Fair);
    let stale = put(&world, &other, 1).handle();
    HANDLE.set(Some(stale));
    query(|_, map| drop(map.resolve(HANDLE.get().expect("set above"))));
}

#[test]
fn debug_of_the_map_in_eq_panics_in_debug_and_works_in_release() {
    query(|_, map| assert!(format!("{map:?}").contains("v2")));
}

#[test]
fn a_panic_out_of_a_nested_call_leaves_no_guard_behind() {
    let (world, map) = setup(Mood::Fair);
    let _held = put(&world, &map, 1);
    let (books, inner) = (world.clone(), Rc::clone(&map));
    world.at(Point::Eq, 1, move || inner.reserve(books.armed() + 1));
    assert_panics_with(STRUCTURAL, || map.find(&q(&world, 1)));
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

/// Only release builds nest probes.
#[cfg(not(debug_assertions))]
#[test]
fn what_nested_probes_let_go_waits_for_the_outermost() {
    let (world, map) = setup(Mood::Constant);
    let kept = put(&world, &map, 1);
    let refs = shelf([put(&world, &map, 2)]);
    let (books, inner) = (world.clone(), Rc::clone(&map));
    world.at(Point::Eq, 1, move || {
        books.at(Point::Eq, 1, move || empty(&refs));
        assert!(inner.find(&q(&books, 1)).is_some());
        assert_eq!(inner.len(), 1, "invisible");
        assert_eq!(books.alive(), 4, "still queued: the outer probe runs");
        assert!(inner.find(&q(&books, 2)).is_none(), "a nested probe does not see it either");
        assert_eq!(inner.iter().count(), 1);
    });
    assert!(map.find(&q(&world, 1)).is_some_and(|found| found == kept));
    world.assert_alive(2);
    holds(&world, &map, &[1]);
}

/// `Eq` lets go of entry 2, whose destructor, at the end of the probe, inserts one.
fn insert_when_the_probe_ends(world: &World, map: &Rc<Map>, point: Point, name: u32) -> Shelf {
    let refs = shelf([put(world, map, 2)]);
    let made = shelf([]);
    world.at(Point::Eq, 1, move || empty(&refs));
    let (books, inner, kept) = (world.clone(), Rc::clone(map), Rc::clone(&made));
    world.at(point, 1, move || kept.borrow_mut().push(put(&books, &inner, name)));
    made
}

#[test]
fn destructors_that_waited_for_a_probe_may_insert() {
    let (world, map) = setup(Mood::Constant);
    let _kept = put(&world, &map, 1);
    let _made = insert_when_the_probe_ends(&world, &map, Point::DropValue, 2);
    assert!(map.find(&q(&world, 1)).is_some());
    holds(&world, &map, &[1, 2]);
}

#[test]
fn a_destructor_at_the_end_of_an_inserts_probe_cannot_make_a_second_entry() {
    // The probe of `insert(5)` misses; at its end a destructor inserts 5.
    let (world, map) = setup(Mood::Constant);
    let made = insert_when_the_probe_ends(&world, &map, Point::DropValue, 5);
    let refused = map.insert(Key::stamped(&world, 5, 50), Value::new(&world, 50));
    assert_eq!(refused.expect_err("it is there by now").key.stamp, 50);
    holds(&world, &map, &[5]);
    assert_eq!(made.borrow().len(), 1);
}

#[test]
fn a_destructor_at_the_end_of_find_or_inserts_probe_cannot_make_a_second_entry() {
    let (world, map) = setup(Mood::Constant);
    let made = insert_when_the_probe_ends(&world, &map, Point::DropKey, 5);
    let r = map.find_or_insert_ref(&q(&world, 5), |_| unreachable!("it is there by now"));
    assert!(r == made.borrow()[0]);
    holds(&world, &map, &[5]);
}

#[test]
fn a_query_says_what_was_there_and_does_not_go_on_while_destructors_insert() {
    // Going on, as an insertion has to, need not end: each search may let the next one insert.
    let queries: [fn(&Map, &World) -> bool; 2] = [
        |map, world| map.find(&q(world, 5)).is_some(),
        |map, world| map.contains_key(&q(world, 5)),
    ];
    for query in queries {
        let (world, map) = setup(Mood::Constant);
        let _made = insert_when_the_probe_ends(&world, &map, Point::DropKey, 5);
        assert!(!query(&map, &world));
        holds(&world, &map, &[5]);
        assert!(query(&map, &world));
    }
}

// Predicates and closures.

#[test]
fn a_predicate_that_owns_the_last_ref_of_what_it_accepts_is_dropped_soundly() {
    // Found by reading: it was dropped between the hit and the minting, inside of the probe.
    let (world, map) = setup(Mood::Fair);
    let r = put(&world, &map, 1);
    let hash = map.hash(&q(&world, 1));
    let found = map.find_hashed(hash, move |key| r.as_key().name == key.name);
    match &found {
        Some(found) => {
            assert_eq!((found.as_key().name, found.strong_count(), map.len()), (1, 1, 1));
            world.assert_alive(2);
        }
        None => world.assert_alive(0),
    }
    drop(found);
    world.assert_alive(0);
    holds(&world, &map, &[]);
}

#[test]
fn what_is_found_stays_if_the_end_of_the_search_destroys_whoever_else_held_it() {
    struct Holder<K>(#[expect(dead_code, reason = "it only holds")] Option<Ref<K, Self>>);

    fn check<K: Hash + Eq>(make: impl Fn(u32) -> K) {
        let map = RcHashMap::new();
        let held = map.insert(make(2), Holder(None)).ok().unwrap();
        let holder = Cell::new(map.insert(make(1), Holder(Some(held))).ok());
        let found = map.find_hashed(map.hash(&make(2)), |key| {
            drop(holder.take());
            *key == make(2)
        });
        assert_eq!(map.len(), 1, "the holder has gone");
        assert_eq!(found.as_ref().map(Ref::strong_count), Some(1));
        drop(found);
        assert!(map.is_empty());
    }

    check(|n| n);
    check(|n| n.to_string());
}

/// Calls back when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn inserter(world: &World, map: &Rc<Map>, name: u32) -> (OnDrop<impl FnMut() + use<>>, Shelf) {
    let made = shelf([]);
    let (world, map, kept) = (world.clone(), Rc::clone(map), Rc::clone(&made));
    (OnDrop(move || kept.borrow_mut().push(put(&world, &map, name))), made)
}

#[test]
fn a_predicate_of_find_hashed_is_dropped_with_nothing_borrowed() {
    for wanted in [1, 2] {
        let (world, map) = setup(Mood::Fair);
        let _held = put(&world, &map, 1);
        let (bomb, _made) = inserter(&world, &map, 5);
        let hash = map.hash(&q(&world, wanted));
        let found = map.find_hashed(hash, move |key| {
            let _bomb = &bomb;
            key.name == wanted
        });
        assert_eq!(found.is_some(), wanted == 1);
        holds(&world, &map, &[1, 5]);
    }
}

#[test]
fn predicate_and_maker_of_find_or_insert_hashed_with_are_dropped_with_nothing_borrowed() {
    for wanted in [1, 2] {
        let (world, map) = setup(Mood::Fair);
        let _held = put(&world, &map, 1);
        let (first, _made) = inserter(&world, &map, 5);
        let (second, _also) = inserter(&world, &map, 6);
        let books = world.clone();
        let r = map.find_or_insert_hashed_with(
            map.hash(&q(&world, wanted)),
            move |key| {
                let _bomb = &first;
                key.name == wanted
            },
            move || {
                let _bomb = &second;
                (Key::new(&books, wanted), Value::new(&books, wanted))
            },
        );
        assert_eq!(r.as_key().name, wanted);
        drop(r);
        holds(&world, &map, &[1, 5, 6]);
    }
}

#[test]
fn an_unused_value_closure_is_dropped_with_nothing_borrowed() {
    type Call = fn(&World, &Map, OnDrop<Box<dyn FnMut()>>);
    let calls: [Call; 4] = [
        |world, map, bomb| {
            let made = map.insert_with(Key::new(world, 1), move || {
                drop(bomb);
                unreachable!()
            });
            assert!(made.is_err());
        },
        |world, map, bomb| {
            drop(map.find_or_insert_with(Key::new(world, 1), move |_| {
                drop(bomb);
                unreachable!()
            }));
        },
        |world, map, bomb| {
            drop(map.find_or_insert_ref(&q(world, 1), move |_| {
                drop(bomb);
                unreachable!()
            }));
        },
        |world, map, bomb| {
            drop(map.find_or_try_insert_with(Key::new(world, 1), move |_| {
                drop(bomb);
                Err::<Value, ()>(())
            }));
        },
    ];
    for call in calls {
        let (world, map) = setup(Mood::Fair);
        let _held = put(&world, &map, 1);
        let made = shelf([]);
        let (books, inner, kept) = (world.clone(), Rc::clone(&map), Rc::clone(&made));
        call(
            &world,
            &map,
            OnDrop(Box::new(move || kept.borrow_mut().push(put(&books, &inner, 5)))),
        );
        holds(&world, &map, &[1, 5]);
    }
}

#[test]
fn a_rejected_key_and_value_are_dropped_with_nothing_borrowed() {
    for point in [Point::DropKey, Point::DropValue] {
        let (world, map) = setup(Mood::Fair);
        let held = put(&world, &map, 1);
        let made = shelf([]);
        let (books, inner, kept) = (world.clone(), Rc::clone(&map), Rc::clone(&made));
        world.at(point, 1, move || {
            kept.borrow_mut().push(put(&books, &inner, 5));
            assert!(inner.find(&q(&books, 1)).is_some());
        });
        assert!(map.find_or_insert(Key::new(&world, 1), Value::new(&world, 1)) == held);
        holds(&world, &map, &[1, 5]);
    }
}

// Hash and BuildHasher.

#[test]
fn hash_that_inserts_the_same_key_wins() {
    for point in [Point::Hash, Point::BuildHasher] {
        let (world, map) = setup(Mood::Fair);
        let made = shelf([]);
        let (books, inner, kept) = (world.clone(), Rc::clone(&map), Rc::clone(&made));
        world.at(point, 1, move || kept.borrow_mut().push(put(&books, &inner, 1)));
        let refused = map.insert(Key::stamped(&world, 1, 10), Value::new(&world, 10));
        assert_eq!(refused.expect_err("the inner call was first").value.stamp, 10);
        holds(&world, &map, &[1]);
    }
}

#[test]
fn hash_that_inserts_the_same_key_is_what_find_or_insert_finds() {
    let (world, map) = setup(Mood::Fair);
    let made = shelf([]);
    let (books, inner, kept) = (world.clone(), Rc::clone(&map), Rc::clone(&made));
    world.at(Point::Hash, 1, move || kept.borrow_mut().push(put(&books, &inner, 1)));
    let r = map.find_or_insert(Key::stamped(&world, 1, 10), Value::new(&world, 10));
    assert!(r == made.borrow()[0]);
    holds(&world, &map, &[1]);
}

#[test]
fn hash_that_drops_the_entry_looked_for_finds_nothing() {
    let (world, map) = setup(Mood::Fair);
    let refs = shelf([put(&world, &map, 1)]);
    let books = world.clone();
    world.at(Point::Hash, 1, move || {
        empty(&refs);
        assert_eq!(books.alive(), 0, "dropped at once: no probe runs during `Hash`");
    });
    assert!(map.find(&q(&world, 1)).is_none());
    holds(&world, &map, &[]);
}

#[test]
fn hash_may_do_anything_in_every_build() {
    let (world, map) = setup(Mood::Fair);
    let _held = put(&world, &map, 1);
    let (books, inner) = (world.clone(), Rc::clone(&map));
    world.at(Point::Hash, 1, move || {
        assert!(inner.find(&q(&books, 1)).is_some());
        assert!(inner.contains_key(&q(&books, 1)));
        assert_eq!(inner.iter().count(), 1);
        inner.reserve(1000);
        let many: Vec<R> = (100..200).map(|name| put(&books, &inner, name)).collect();
        assert_eq!(inner.len(), 101);
        drop(many);
    });
    assert!(map.find(&q(&world, 1)).is_some());
    holds(&world, &map, &[1]);
}

// Constructors.

#[test]
fn a_value_closure_of_insert_with_that_inserts_the_same_key_loses() {
    let (world, map) = setup(Mood::Fair);
    let made = shelf([]);
    let refused = map.insert_with(Key::stamped(&world, 1, 10), || {
        made.borrow_mut().push(put(&world, &map, 1));
        Value::new(&world, 10)
    });
    let back = refused.expect_err("the inner entry stays");
    assert_eq!((back.key.stamp, back.value), (10, ()));
    drop(back);
    world.assert_alive(2);
    holds(&world, &map, &[1]);
}

#[test]
fn a_value_closure_of_find_or_insert_with_that_inserts_the_same_key_gets_that_entry() {
    let (world, map) = setup(Mood::Fair);
    let made = shelf([]);
    let r = map.find_or_insert_with(Key::stamped(&world, 1, 10), |key| {
        assert_eq!(key.stamp, 10);
        made.borrow_mut().push(put(&world, &map, 1));
        Value::new(&world, 10)
    });
    assert!(r == made.borrow()[0]);
    assert_eq!(r.strong_count(), 2);
    world.assert_alive(2);
    holds(&world, &map, &[1]);
}

#[test]
fn a_value_closure_that_inserts_the_same_key_and_drops_it_again_makes_the_entry() {
    let (world, map) = setup(Mood::Fair);
    let r = map.find_or_insert_with(Key::stamped(&world, 1, 10), |_| {
        drop(put(&world, &map, 1));
        Value::new(&world, 10)
    });
    assert_eq!(r.as_key().stamp, 10);
    world.assert_alive(2);
    holds(&world, &map, &[1]);
}

#[test]
fn a_failing_value_closure_leaves_what_it_did_itself_and_nothing_else() {
    let (world, map) = setup(Mood::Fair);
    let made = shelf([]);
    let failed = map.find_or_try_insert_with(Key::stamped(&world, 1, 10), |_| {
        made.borrow_mut().push(put(&world, &map, 1));
        Err("no")
    });
    assert_eq!(failed.expect_err("it failed"), "no");
    world.assert_alive(2);
    holds(&world, &map, &[1]);
    let failed = map.find_or_try_insert_with(Key::new(&world, 2), |_| Err("no"));
    assert!(failed.is_err());
    world.assert_alive(2);
    holds(&world, &map, &[1]);
}

#[test]
fn a_succeeding_try_closure_that_inserts_the_same_key_gets_that_entry() {
    let (world, map) = setup(Mood::Fair);
    let made = shelf([]);
    let r = map.find_or_try_insert_with(Key::stamped(&world, 1, 10), |_| {
        made.borrow_mut().push(put(&world, &map, 1));
        Ok::<_, ()>(Value::new(&world, 10))
    });
    assert!(r.unwrap() == made.borrow()[0]);
    holds(&world, &map, &[1]);
}

#[test]
fn from_that_inserts_the_same_key_gets_that_entry() {
    let (world, map) = setup(Mood::Fair);
    let made = shelf([]);
    let (books, inner, kept) = (world.clone(), Rc::clone(&map), Rc::clone(&made));
    world.at(Point::From, 1, move || kept.borrow_mut().push(put(&books, &inner, 1)));
    let r = map.find_or_insert_ref(&q(&world, 1), |_| unreachable!("it is there by now"));
    assert!(r == made.borrow()[0]);
    world.assert_alive(2);
    holds(&world, &map, &[1]);
}

#[test]
fn the_hash_of_a_built_key_that_inserts_the_same_key_gets_that_entry() {
    let (world, map) = setup(Mood::Fair);
    let made = shelf([]);
    let (books, inner, kept) = (world.clone(), Rc::clone(&map), Rc::clone(&made));
    world.at(Point::Hash, 2, move || kept.borrow_mut().push(put(&books, &inner, 1)));
    let r = map.find_or_insert_ref(&q(&world, 1), |_| unreachable!("it is there by now"));
    assert!(r == made.borrow()[0]);
    holds(&world, &map, &[1]);
}

#[test]
fn the_value_closure_of_find_or_insert_ref_that_inserts_the_same_key_gets_that_entry() {
    let (world, map) = setup(Mood::Fair);
    let made = shelf([]);
    let r = map.find_or_insert_ref(&q(&world, 1), |_| {
        made.borrow_mut().push(put(&world, &map, 1));
        Value::new(&world, 10)
    });
    assert!(r == made.borrow()[0]);
    world.assert_alive(2);
    holds(&world, &map, &[1]);
}

#[test]
fn the_maker_of_the_raw_tier_that_inserts_the_same_key_gets_that_entry() {
    let (world, map) = setup(Mood::Fair);
    let made = shelf([]);
    let query = q(&world, 1);
    let r = map.find_or_insert_hashed_with(
        map.hash(&query),
        |key| query.equivalent(key),
        || {
            made.borrow_mut().push(put(&world, &map, 1));
            (Key::stamped(&world, 1, 10), Value::new(&world, 10))
        },
    );
    assert!(r == made.borrow()[0]);
    world.assert_alive(2);
    holds(&world, &map, &[1]);
}

#[test]
fn a_value_closure_may_grow_and_empty_the_map() {
    let (world, map) = setup(Mood::Fair);
    let many = if cfg!(miri) { 40 } else { 2000 };
    let refs = shelf([put(&world, &map, 1)]);
    let r = map.find_or_insert_with(Key::new(&world, 2), |_| {
        let more: Vec<R> = (100..100 + many).map(|name| put(&world, &map, name)).collect();
        assert_eq!(map.iter().count(), more.len() + 1);
        drop(more);
        empty(&refs);
        assert!(map.is_empty());
        Value::new(&world, 2)
    });
    assert_eq!(r.strong_count(), 1);
    holds(&world, &map, &[2]);
}

#[test]
fn constructors_nest() {
    let (world, map) = setup(Mood::Constant);
    fn make(world: &World, map: &Map, depth: u32) -> R {
        map.find_or_insert_with(Key::new(world, depth), |key| {
            let below = (key.name > 0).then(|| make(world, map, key.name - 1));
            Value::holding(world, key.name, below)
        })
    }
    let top = make(&world, &map, 20);
    holds(&world, &map, &(0..=20).collect::<Vec<_>>());
    drop(top);
    holds(&world, &map, &[]);
    world.assert_alive(0);
}

// Destructors.

#[test]
fn destructors_may_insert_the_key_that_is_being_dropped() {
    for point in [Point::DropKey, Point::DropValue] {
        let (world, map) = setup(Mood::Fair);
        let made = shelf([]);
        let r = put(&world, &map, 1);
        let old = std::ptr::from_ref(r.as_key()).addr();
        let (books, inner, kept) = (world.clone(), Rc::clone(&map), Rc::clone(&made));
        world.at(point, 1, move || {
            let new = put(&books, &inner, 1);
            let new_at = std::ptr::from_ref(new.as_key()).addr();
            assert_ne!(new_at, old, "the slot is taken until both destructors have run");
            kept.borrow_mut().push(new);
        });
        drop(r);
        holds(&world, &map, &[1]);
        world.assert_alive(2);
    }
}

#[test]
fn in_destructors_the_entry_is_gone_for_every_query() {
    for point in [Point::DropKey, Point::DropValue] {
        let (world, map) = setup(Mood::Fair);
        let r = put(&world, &map, 1);
        let _other = put(&world, &map, 2);
        let (weak, handle) = (r.downgrade(), r.handle());
        let (books, inner) = (world.clone(), Rc::clone(&map));
        world.at(point, 1, move || {
            assert!(inner.find(&q(&books, 1)).is_none());
            assert!(!inner.contains_key(&q(&books, 1)));
            assert!(inner.resolve(handle).is_none());
            assert!(weak.upgrade().is_none());
            assert_eq!((inner.len(), inner.iter().count()), (1, 1));
            assert!(inner.find(&q(&books, 2)).is_some());
        });
        drop(r);
        holds(&world, &map, &[2]);
    }
}

#[test]
fn destructors_may_format_and_reserve() {
    let (world, map) = setup(Mood::Fair);
    let _other = put(&world, &map, 2);
    let inner = Rc::clone(&map);
    world.at(Point::DropValue, 1, move || {
        assert_eq!(format!("{inner:?}"), "{k2: v2}");
        inner.reserve(500);
        assert!(inner.try_reserve(500).is_ok());
    });
    drop(put(&world, &map, 1));
    holds(&world, &map, &[2]);
}

#[test]
fn an_entry_may_come_back_from_its_destructor_many_times() {
    let (world, map) = setup(Mood::Fair);
    let rounds = if cfg!(miri) { 20 } else { 1000 };
    for _ in 0..rounds {
        let (books, inner) = (world.clone(), Rc::clone(&map));
        world.at(Point::DropValue, 1, move || drop(put(&books, &inner, 1)));
        drop(put(&world, &map, 1));
        world.assert_alive(0);
    }
    holds(&world, &map, &[]);
    assert!(map.capacity() < 64, "slots are used again");
}

#[test]
fn a_destructor_may_drop_the_map() {
    for point in [Point::DropKey, Point::DropValue] {
        let (world, map) = setup(Mood::Fair);
        let r = put(&world, &map, 1);
        let keep = put(&world, &map, 2);
        world.at(point, 1, move || {
            let map = Rc::try_unwrap(map).expect("the last one");
            assert_eq!(map.len(), 1);
            drop(map);
        });
        drop(r);
        assert_eq!(keep.as_key().name, 2, "entries outlive the map");
        drop(keep);
        world.assert_alive(0);
    }
}

#[test]
fn a_destructor_may_clone_and_drop_other_refs() {
    let (world, map) = setup(Mood::Fair);
    let keep = put(&world, &map, 2);
    let refs = shelf([keep.clone(), put(&world, &map, 3)]);
    world.at(Point::DropKey, 1, move || {
        let clones: Vec<R> = refs.borrow().clone();
        empty(&refs);
        drop(clones);
    });
    drop(put(&world, &map, 1));
    assert_eq!(keep.strong_count(), 1);
    holds(&world, &map, &[2]);
    world.assert_alive(2);
}

// Debug.

#[test]
fn debug_of_the_map_survives_the_removal_of_what_it_prints() {
    let (world, map) = setup(Mood::Fair);
    let refs = shelf((0..10).map(|name| put(&world, &map, name)));
    let books = world.clone();
    world.at(Point::Fmt, 1, move || {
        empty(&refs);
        assert_eq!(books.alive(), 2, "all but the entry that is being printed");
    });
    let text = format!("{map:?}");
    assert_eq!(text.matches(':').count(), 1, "{text}");
    world.assert_alive(0);
    holds(&world, &map, &[]);
}

#[test]
fn debug_of_the_map_ends_although_formatting_inserts() {
    let (world, map) = setup(Mood::Fair);
    let made = shelf([put(&world, &map, 0), put(&world, &map, 1)]);
    for name in 2..50 {
        let (books, inner, kept) = (world.clone(), Rc::clone(&map), Rc::clone(&made));
        world.at(Point::Fmt, name, move || kept.borrow_mut().push(put(&books, &inner, name)));
    }
    assert!(format!("{map:?}").starts_with('{'));
    world.disarm();
    check(&map);
    assert_eq!(map.len(), made.borrow().len());
}

#[test]
fn debug_of_refs_and_weak_refs_never_formats_the_entry() {
    let (world, map) = setup(Mood::Fair);
    let r = put(&world, &map, 1);
    let mut map = Rc::try_unwrap(map).expect("the last one");
    let value = r.value_mut(&mut map).expect("its own map");
    let text = format!("{r:?} {:?}", r.downgrade());
    value.number = 5;
    assert_eq!(world.visits(Point::Fmt), 0);
    assert!(text.contains("Ref") && text.contains("WeakRef"), "{text}");
    assert_eq!(r.value(&map).unwrap().number, 5);
}

// Keys that hold Refs of their own map.

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
