//! User code that goes back into the map: from `Hash`, constructors, destructors and `Debug`. (For `Eq` see
//! `comparison.rs`.)
//!
//! Breaks with (I5) of `design.md`.

mod support;

use std::cell::{Cell, RefCell};
use std::hash::Hash;
use std::rc::Rc;

use rcmap::{Equivalent, RcHashMap, Ref};
use support::{Key, Map, Mood, Point, Query, R, Value, World, check, map_of, put};

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
