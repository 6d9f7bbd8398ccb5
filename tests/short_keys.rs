//! Keys that are short and plain are looked for in other ways than all others, and in different ways as
//! long as their entries are few and once they are many. Predicates that act must see no difference.
//!
//! Breaks with (I5), (I10) and (I12) of `design.md`.

mod support;

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, Hash, Hasher};
use std::rc::{Rc, Weak};

use rcmap::{DefaultHashBuilder, Equivalent, RcHashMap, Ref};
use support::{Point, Value, World, assert_panics_with, attempt, check};

/// All entries are listed under this hash, so a predicate sees every one of them. The piece that listings
/// carry is not zero.
const HASH: u64 = 0xb000_0007;
const NAMES: [u32; 4] = [1, 2, 3, 4];
const NEW: u32 = 5;

/// With room for so many, entries are far away.
const FAR: usize = if cfg!(debug_assertions) { 100 } else { 300_000 };

#[derive(Clone, Default)]
struct Same;

impl BuildHasher for Same {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self
    }
}

impl Hasher for Same {
    fn finish(&self) -> u64 {
        HASH
    }

    fn write(&mut self, _: &[u8]) {}
}

/// A query that acts when it is compared.
struct Acting<F>(F);

impl<F> Hash for Acting<F> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl<K, F: Fn(&K) -> bool> Equivalent<K> for Acting<F> {
    fn equivalent(&self, key: &K) -> bool {
        (self.0)(key)
    }
}

trait Name: 'static {
    fn of(name: u32) -> Self;
    fn name(&self) -> u32;
}

impl Name for u32 {
    fn of(name: u32) -> Self {
        name
    }

    fn name(&self) -> u32 {
        *self
    }
}

impl Name for Cell<u64> {
    fn of(name: u32) -> Self {
        Self::new(name.into())
    }

    fn name(&self) -> u32 {
        self.get() as u32
    }
}

/// Of short keys, this one has a destructor.
impl Name for Box<u32> {
    fn of(name: u32) -> Self {
        Self::new(name)
    }

    fn name(&self) -> u32 {
        **self
    }
}

impl Name for String {
    fn of(name: u32) -> Self {
        name.to_string()
    }

    fn name(&self) -> u32 {
        self.parse().expect("a number")
    }
}

impl Name for [u32; 3] {
    fn of(name: u32) -> Self {
        [name; 3]
    }

    fn name(&self) -> u32 {
        self[0]
    }
}

/// The queries that a predicate can be given to.
#[derive(Clone, Copy)]
enum Way {
    FindHashed,
    Find,
    ContainsKey,
}

struct Setup<K> {
    world: World,
    map: Rc<RcHashMap<K, Value, Same>>,
    refs: RefCell<Vec<Ref<K, Value, Same>>>,
    way: Way,
}

impl<K: Name> Setup<K> {
    fn new(way: Way, room: usize) -> Self {
        let (world, refs) = (World::new(), RefCell::new(Vec::new()));
        let map = Rc::new(RcHashMap::with_capacity_and_hasher(room, Same));
        let setup = Self { world, map, refs, way };
        for name in NAMES {
            setup.insert(name);
        }
        setup
    }

    fn insert(&self, name: u32) {
        let make = || (K::of(name), Value::new(&self.world, name));
        let r = self.map.find_or_insert_hashed_with(HASH, |key| key.name() == name, make);
        self.refs.borrow_mut().push(r);
    }

    fn find(&self, name: u32) -> Option<Ref<K, Value, Same>> {
        self.map.find_hashed(HASH, |key| key.name() == name)
    }

    fn let_go(&self, name: u32) {
        let position = self.refs.borrow().iter().position(|r| r.as_key().name() == name);
        let r = position.map(|position| self.refs.borrow_mut().remove(position));
        drop(r);
    }

    /// Looks for `target`, and acts once, in the `at`-th comparison.
    fn search(&self, target: u32, at: usize, act: impl Fn()) -> bool {
        let calls = Cell::new(0);
        let eq = |key: &K| {
            let name = key.name();
            if calls.replace(calls.get() + 1) == at {
                act();
            }
            name == target
        };
        let found = match self.way {
            Way::FindHashed => self.map.find_hashed(HASH, eq),
            Way::Find => self.map.find(&Acting(eq)),
            Way::ContainsKey => return self.map.contains_key(&Acting(eq)),
        };
        assert!(found.as_ref().is_none_or(|r| r.as_key().name() == target));
        found.is_some()
    }

    /// Asserts that exactly these are there, and that the guard is off.
    #[track_caller]
    fn holds(&self, names: &[u32]) {
        check(&self.map);
        assert_eq!(self.map.len(), names.len());
        self.world.assert_alive(names.len());
        assert!(names.iter().all(|&name| self.find(name).is_some()));
        names.iter().for_each(|&name| self.insert(name));
        self.insert(NEW);
        assert_eq!(self.map.len(), names.len() + 1);
    }
}

/// Every target (one is not there), each with every comparison that might act.
fn for_each_search<K: Name>(room: usize, test: impl Fn(&Setup<K>, u32, usize)) {
    for target in 1..=NEW {
        for at in 0..NAMES.len() {
            for way in [Way::FindHashed, Way::Find, Way::ContainsKey] {
                test(&Setup::new(way, room), target, at);
            }
        }
    }
}

fn but(gone: u32) -> Vec<u32> {
    NAMES.into_iter().filter(|&name| name != gone).collect()
}

fn predicates_may_not_insert<K: Name>(room: usize) {
    for_each_search::<K>(room, |setup, target, at| {
        let acted = Cell::new(false);
        let insert = || {
            acted.set(true);
            setup.insert(NEW);
        };
        if let Ok(found) = attempt(|| setup.search(target, at, insert)) {
            assert!(found && !acted.get(), "it was found before");
        }
        setup.holds(&NAMES);
    });
    let setup = Setup::<K>::new(Way::Find, room);
    assert_panics_with("may not be inserted into", || setup.search(NEW, 3, || setup.insert(NEW)));
}

fn predicates_may_let_go<K: Name>(room: usize) {
    for victim in NAMES {
        for_each_search::<K>(room, |setup, target, at| {
            let acted = Cell::new(false);
            let found = setup.search(target, at, || {
                acted.set(true);
                setup.let_go(victim);
                assert_eq!(setup.world.alive(), NAMES.len(), "its destructor waits");
            });
            let there = target != NEW && !(acted.get() && target == victim);
            assert_eq!(found, there);
            setup.holds(&if acted.get() { but(victim) } else { NAMES.to_vec() });
        });
    }
}

fn searches_that_start_again_pass_over_what_is_gone<K: Name>(room: usize) {
    for victim in NAMES {
        let setup = Setup::<K>::new(Way::FindHashed, room);
        let (acted, seen) = (Cell::new(false), RefCell::new(Vec::new()));
        let found = setup.map.find_hashed(HASH, |key| {
            if acted.replace(true) {
                seen.borrow_mut().push(key.name());
            } else {
                setup.let_go(victim);
            }
            false
        });
        assert!(found.is_none());
        let mut seen = seen.into_inner();
        seen.sort_unstable();
        assert_eq!(seen, but(victim));
    }
}

fn searches_ask_about_each_entry_once<K: Name>(room: usize) {
    for target in 1..=NEW {
        let setup = Setup::<K>::new(Way::FindHashed, room);
        let seen = RefCell::new(Vec::new());
        let found = setup.map.find_hashed(HASH, |key| {
            seen.borrow_mut().push(key.name());
            key.name() == target
        });
        let mut seen = seen.into_inner();
        assert_eq!(
            found.map(|r| r.as_key().name()),
            seen.last().copied().filter(|&it| it == target)
        );
        seen.sort_unstable();
        assert!(seen.is_sorted_by(|a, b| a < b), "one of {seen:?} was asked about twice");
        assert!(target != NEW || seen == NAMES, "none is left out");
    }
}

/// What a search has refused before is passed over once, and no more when it starts again.
fn searches_that_start_again_ask_about_what_is_new<K: Name>(room: usize) {
    for victim in NAMES {
        let setup = Rc::new(Setup::<K>::new(Way::FindHashed, room));
        let inside = Rc::clone(&setup);
        setup.world.at(Point::DropValue, victim, move || inside.insert(NEW));
        let calls = Cell::new(0);
        let eq = |key: &K| {
            if calls.replace(calls.get() + 1) == 1 {
                NAMES.into_iter().for_each(|name| setup.let_go(name));
            }
            key.name() == NEW
        };
        let make = || (K::of(NEW), Value::new(&setup.world, NEW));
        let r = setup.map.find_or_insert_hashed_with(HASH, eq, make);
        assert!(r == setup.refs.borrow()[0], "two entries with one key");
        drop(r);
        assert_eq!((setup.map.len(), setup.world.armed()), (1, 0));
        check(&setup.map);
    }
}

fn predicates_may_panic<K: Name>(room: usize) {
    for victim in NAMES {
        for_each_search::<K>(room, |setup, target, at| {
            let ended = attempt(|| {
                setup.search(target, at, || {
                    setup.let_go(victim);
                    std::panic::resume_unwind(Box::new(()));
                })
            });
            setup.holds(&if ended.is_err() { but(victim) } else { NAMES.to_vec() });
        });
    }
}

/// Only release builds nest probes.
#[cfg(not(debug_assertions))]
fn nested_queries_see_what_is_alive<K: Name>(room: usize) {
    for_each_search::<K>(room, |setup, target, at| {
        let acted = Cell::new(false);
        let found = setup.search(target, at, || {
            acted.set(true);
            setup.let_go(2);
            for name in 1..=NEW {
                let is_there = NAMES.contains(&name) && name != 2;
                let query = Acting(|key: &K| key.name() == name);
                assert_eq!(setup.map.contains_key(&query), is_there);
                for found in [setup.find(name), setup.map.find(&query)] {
                    assert_eq!(found.map(|r| r.as_key().name()), is_there.then_some(name));
                }
            }
            // A dead entry's header holds its hash, which is odd, as the version of a live one is.
            assert!(setup.map.iter().all(|r| r.as_key().name() != 2));
            assert_eq!(setup.map.iter().count(), NAMES.len() - 1);
            // A regression: of several that a query accepts, the first to be met may be dead.
            let accepts = |key: &K| [2, 3].contains(&key.name());
            assert!(setup.map.contains_key(&Acting(accepts)));
            for any in [setup.map.find(&Acting(accepts)), setup.map.find_hashed(HASH, accepts)] {
                assert!(any.is_some_and(|r| r.as_key().name() == 3), "another one is alive");
            }
            assert!(attempt(|| setup.insert(NEW)).is_err(), "the outer search still runs");
        });
        let there = target != NEW && !(acted.get() && target == 2);
        assert_eq!(found, there);
        setup.holds(&if acted.get() { but(2) } else { NAMES.to_vec() });
    });
}

/// A search inside of another one lets go of an entry, and panics or does not: the outer one must notice.
#[cfg(not(debug_assertions))]
fn nested_searches_let_go<K: Name>(room: usize) {
    for panics in [false, true] {
        for inner in NAMES {
            for_each_search::<K>(room, |setup, target, at| {
                let acted = Cell::new(false);
                let found = setup.search(target, at, || {
                    acted.set(true);
                    setup.let_go(1);
                    let ended = attempt(|| {
                        setup.search(inner, 0, || {
                            setup.let_go(2);
                            assert!(setup.search(3, 0, || setup.let_go(4)));
                            if panics {
                                std::panic::resume_unwind(Box::new(()));
                            }
                        })
                    });
                    assert!(ended.map_or(panics, |found| !panics && found == (inner == 3)));
                    assert_eq!(setup.map.len(), 1);
                    assert_eq!(setup.world.alive(), NAMES.len(), "all destructors wait");
                    assert!(attempt(|| setup.insert(NEW)).is_err(), "the outer search still runs");
                });
                let left = if acted.get() { vec![3] } else { NAMES.to_vec() };
                assert_eq!(found, left.contains(&target));
                setup.holds(&left);
            });
        }
    }
}

/// A value whose destructor looks around in the map that it leaves.
struct Asks<K: Name> {
    name: u32,
    around: Weak<Around<K>>,
}

struct Around<K: Name> {
    map: RcHashMap<K, Asks<K>, Same>,
    refs: RefCell<Vec<Ref<K, Asks<K>, Same>>>,
    asked: Cell<bool>,
}

impl<K: Name> Drop for Asks<K> {
    fn drop(&mut self) {
        let Some(around) = self.around.upgrade() else { return };
        assert!(!around.asked.replace(true), "a destructor runs inside of another one");
        let map = &around.map;
        let is = |name| move |key: &K| key.name() == name;
        let there: Vec<_> = around.refs.borrow().iter().map(|r| r.as_key().name()).collect();
        for name in 1..=2 * NEW {
            let found = map.find_hashed(HASH, is(name));
            assert_eq!(found.is_some(), there.contains(&name), "{name} in {there:?}");
            assert_eq!(map.contains_key(&Acting(is(name))), found.is_some());
        }
        // What is let go inside of a search inside of a destructor waits for both, here and below.
        let last = Cell::new(around.refs.borrow_mut().pop());
        let gone = there.last();
        assert!(
            map.find_hashed(HASH, |key| {
                drop(last.take());
                gone == Some(&key.name())
            })
            .is_none()
        );
        if self.name <= NEW {
            let again = self.name + NEW;
            let make = || (K::of(again), Self { name: again, around: self.around.clone() });
            let last = Cell::new(around.refs.borrow_mut().pop());
            let eq = |key: &K| {
                drop(last.take());
                key.name() == again
            };
            let added = map.find_or_insert_hashed_with(HASH, eq, make);
            around.refs.borrow_mut().insert(0, added);
        }
        around.asked.set(false);
    }
}

fn destructors_may_query<K: Name>(room: usize) {
    let map = RcHashMap::with_capacity_and_hasher(room, Same);
    let around = Rc::new(Around { map, refs: RefCell::default(), asked: Cell::new(false) });
    for name in NAMES {
        let value = Asks { name, around: Rc::downgrade(&around) };
        let make = || (K::of(name), value);
        let r = around.map.find_or_insert_hashed_with(HASH, |key| key.name() == name, make);
        around.refs.borrow_mut().push(r);
    }
    let first = around.refs.borrow_mut().remove(0);
    drop(first);
    check(&around.map);
    assert!(around.map.is_empty(), "each has let go of another one, added ones included");
}

/// Leaves numbers of 64 bits as they are, and multiplies those of 32 by what it starts with.
#[derive(Clone, Copy)]
struct AsTheyAre(u64);

impl BuildHasher for AsTheyAre {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for AsTheyAre {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers");
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = u64::from(number.wrapping_mul(self.0 as u32));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// The way in which short keys are looked for changes on the way.
fn short_keys_are_found_while_their_entries_grow_many_and_few_again<S: BuildHasher>(hasher: S) {
    const MANY: u32 = 2 * FAR as u32;

    let assert_there = |map: &RcHashMap<u32, u32, S>, is_there: &dyn Fn(u32) -> bool| {
        for name in 0..MANY + 100 {
            assert_eq!(map.contains_key(&name), is_there(name), "{name}");
            assert_eq!(map.find(&name).map(|r| *r.as_key()), is_there(name).then_some(name));
        }
        check(map);
    };

    let mut map = RcHashMap::with_hasher(hasher);
    let mut refs = Vec::new();
    for round in 0..3 {
        for name in 0..MANY {
            if !map.contains_key(&name) {
                refs.push(map.insert(name, round).unwrap());
            }
            if name.is_power_of_two() {
                assert_there(&map, &|other| {
                    other <= name || round > 0 && other % 97 == 0 && other < MANY
                });
            }
        }
        assert_there(&map, &|name| name < MANY);
        refs.retain(|r| r.as_key() % 97 == 0);
        assert_there(&map, &|name| name % 97 == 0 && name < MANY);
        map.shrink_to_fit();
        assert_there(&map, &|name| name % 97 == 0 && name < MANY);
    }
}

#[test]
fn short_keys_are_found_whatever_their_hashes() {
    let fair = DefaultHashBuilder::default();
    short_keys_are_found_while_their_entries_grow_many_and_few_again(fair);
    let half = AsTheyAre(0x9e37_79b1);
    short_keys_are_found_while_their_entries_grow_many_and_few_again(half);
    let numbers = AsTheyAre(1);
    short_keys_are_found_while_their_entries_grow_many_and_few_again(numbers);
}

/// Slots that leave more bits for a piece than any other.
#[test]
fn short_keys_are_found_next_to_values_of_wide_alignment() {
    #[repr(align(128))]
    struct Wide(u64);

    let map = RcHashMap::new();
    let count = if cfg!(debug_assertions) { 300 } else { 20_000 };
    let refs: Vec<_> = (0..count).map(|n| map.insert(n, Wide(n)).unwrap()).collect();
    for (n, r) in (0..).zip(&refs) {
        assert!(map.find(&n).as_ref() == Some(r) && map.contains_key(&n));
        assert!(r.value(&map).is_ok_and(|wide| wide.0 == n));
    }
    assert!((count..2 * count).all(|n| map.find(&n).is_none()));
    check(&map);
}

/// The index changes, and with it what the map's state is kept with.
#[test]
fn destructors_do_not_nest_while_they_make_the_map_grow() {
    struct Grows {
        name: u32,
        around: Weak<Around>,
    }

    struct Around {
        map: RcHashMap<u32, Grows>,
        refs: RefCell<Vec<Ref<u32, Grows>>>,
        running: Cell<u32>,
        most: Cell<u32>,
    }

    impl Drop for Grows {
        fn drop(&mut self) {
            let Some(around) = self.around.upgrade() else { return };
            around.running.set(around.running.get() + 1);
            around.most.set(around.most.get().max(around.running.get()));
            let new = |name| Grows { name, around: self.around.clone() };
            if self.name == 0 {
                for name in 1..2 * FAR as u32 {
                    let r = around.map.insert(name, new(name)).ok();
                    around.refs.borrow_mut().extend(r);
                    // Waits, whatever the index has become.
                    if name.is_power_of_two() {
                        let last = around.refs.borrow_mut().pop();
                        drop(last);
                    }
                }
            }
            around.running.set(around.running.get() - 1);
        }
    }

    let map = RcHashMap::new();
    let around = Rc::new(Around {
        map,
        refs: RefCell::default(),
        running: Cell::new(0),
        most: Cell::new(0),
    });
    let first = Grows { name: 0, around: Rc::downgrade(&around) };
    drop(around.map.insert(0, first).ok());
    assert_eq!(around.most.get(), 1, "one destructor ran inside of another one");
    check(&around.map);
    let refs = around.refs.take();
    assert_eq!(around.map.len(), refs.len());
}

/// If the index took such hashes as they are, neighbours would lie next to each other, all with the same tag,
/// and a search for what is not there would compare a great many.
#[test]
fn numbers_that_are_their_own_hashes_do_not_get_in_each_others_way() {
    for room in [0, 1000] {
        let map = RcHashMap::with_capacity_and_hasher(room, AsTheyAre(0));
        let refs: Vec<_> = (0..900_u64).map(|n| map.insert(n, ()).unwrap()).collect();
        let compared = Cell::new(0);
        let misses = 100_000..101_000;
        for n in misses.clone() {
            let is_it = |key: &u64| {
                compared.set(compared.get() + 1);
                *key == n
            };
            assert!(map.find_hashed(n, is_it).is_none());
        }
        assert!(compared.get() < misses.count(), "{} comparisons", compared.get());
        drop(refs);
        check(&map);
    }
}

macro_rules! for_each_kind_of_key {
    ($($(#[$attribute:meta])* $name:ident: $test:ident,)*) => {$(
        $(#[$attribute])*
        #[test]
        fn $name() {
            for room in [0, FAR] {
                $test::<u32>(room);
                $test::<Cell<u64>>(room);
            }
            $test::<[u32; 3]>(0);
            $test::<Box<u32>>(0);
            $test::<String>(0);
        }
    )*};
}

for_each_kind_of_key! {
    insertions_from_any_comparison_are_refused: predicates_may_not_insert,
    what_any_comparison_lets_go_is_not_found_and_not_lost: predicates_may_let_go,
    what_a_comparison_let_go_is_not_compared_again: searches_that_start_again_pass_over_what_is_gone,
    any_comparison_is_made_once: searches_ask_about_each_entry_once,
    what_appears_on_the_way_is_found: searches_that_start_again_ask_about_what_is_new,
    destructors_may_look_around: destructors_may_query,
    a_panic_out_of_any_comparison_leaves_the_guard_off: predicates_may_panic,
    #[cfg(not(debug_assertions))]
    nested_queries_from_any_comparison: nested_queries_see_what_is_alive,
    #[cfg(not(debug_assertions))]
    what_nested_searches_let_go_is_not_found_and_not_lost: nested_searches_let_go,
}
