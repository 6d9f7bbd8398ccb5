//! How entries leave: in which order, iteratively, and whatever destructors do meanwhile.
//!
//! Breaks with (I3) and (I7) of `design.md`.

mod support;

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, DefaultHasher, Hash};
use std::rc::{Rc, Weak};

use rcmap::{RcHashMap, Ref};
use support::{Event, Key, Map, Mood, Point, Query, R, Value, World, check, map_of, put};

fn setup(mood: Mood) -> (World, Map) {
    let world = World::new();
    let map = map_of(&world, mood);
    (world, map)
}

fn at(r: &R) -> usize {
    std::ptr::from_ref(r.as_key()).addr()
}

/// Scales what runs a million times a second down to what Miri can do.
fn scaled(n: u32) -> u32 {
    if cfg!(miri) { n / 10_000 + 50 } else { n }
}

// Order.

#[test]
fn the_key_is_dropped_before_the_value() {
    let (world, map) = setup(Mood::Fair);
    let r = put(&world, &map, 1);
    drop(world.take_log());
    drop(r);
    assert_eq!(world.take_log(), [Event::KeyDropped(1), Event::ValueDropped(1)]);
    check(&map);
}

#[test]
fn an_entry_stays_until_its_last_ref_goes() {
    let (world, map) = setup(Mood::Fair);
    let mut refs = vec![put(&world, &map, 1)];
    for _ in 0..5 {
        refs.push(refs[0].clone());
    }
    while let Some(r) = refs.pop() {
        world.assert_alive(2);
        assert_eq!((r.strong_count(), map.len()), (refs.len() + 1, 1));
    }
    world.assert_alive(0);
    assert!(map.is_empty() && !map.contains_key(&Query::new(&world, 1)));
}

/// Tells when the map's memory goes: with it goes the hasher.
struct Tombstone(Rc<Cell<u32>>);

impl BuildHasher for Tombstone {
    type Hasher = DefaultHasher;
    fn build_hasher(&self) -> DefaultHasher {
        DefaultHasher::new()
    }
}

impl Drop for Tombstone {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn the_map_goes_with_itself_if_it_is_empty() {
    let gone = Rc::new(Cell::new(0));
    let map = RcHashMap::<u32, u32, _>::with_hasher(Tombstone(Rc::clone(&gone)));
    drop(map.insert(1, 1).unwrap());
    assert_eq!(gone.get(), 0);
    drop(map);
    assert_eq!(gone.get(), 1);
}

#[test]
fn the_memory_outlives_the_map_and_goes_after_the_last_value() {
    let (world, gone) = (World::new(), Rc::new(Cell::new(0)));
    let map = RcHashMap::with_hasher(Tombstone(Rc::clone(&gone)));
    let a = map.insert(Key::new(&world, 1), Value::new(&world, 1)).unwrap();
    let b = map.insert(Key::new(&world, 2), Value::new(&world, 2)).unwrap();
    drop(map);
    drop(a);
    assert_eq!(gone.get(), 0, "the other entry holds it");
    world.assert_alive(2);
    let seen = Rc::clone(&gone);
    world.at(Point::DropValue, 1, move || assert_eq!(seen.get(), 0, "not before the destructors"));
    drop(b);
    assert_eq!((world.armed(), gone.get()), (0, 1));
    world.assert_alive(0);
}

#[test]
fn try_unwrap_after_the_map_is_gone_frees_the_memory_and_keeps_the_entry() {
    let (world, gone) = (World::new(), Rc::new(Cell::new(0)));
    let map = RcHashMap::with_hasher(Tombstone(Rc::clone(&gone)));
    let r = map.insert(Key::new(&world, 1), Value::new(&world, 1)).unwrap();
    drop(map);
    let (key, value) = r.try_unwrap().expect("the last one");
    assert_eq!((gone.get(), key.name, value.number), (1, 1, 1));
    world.assert_alive(2);
    drop((key, value));
    world.assert_alive(0);
}

#[test]
fn weak_refs_keep_neither_entries_nor_the_hasher() {
    let gone = Rc::new(Cell::new(0));
    let map = RcHashMap::<u32, u32, _>::with_hasher(Tombstone(Rc::clone(&gone)));
    let r = map.insert(1, 1).unwrap();
    let weak = r.downgrade();
    drop(map);
    assert!(weak.upgrade().is_some_and(|up| up == r));
    drop(r);
    assert_eq!(gone.get(), 1);
    assert!(weak.upgrade().is_none() && weak.clone().upgrade().is_none());
}

#[test]
fn refs_of_a_dropped_map_may_go_in_any_order() {
    for first in 0..3 {
        let (world, map) = setup(Mood::Fair);
        let mut refs: Vec<R> = (0..3).map(|name| put(&world, &map, name)).collect();
        drop(map);
        let other = refs.remove(first);
        let clone = other.clone();
        drop(other);
        assert_eq!(clone.as_key().name, first as u32);
        drop(refs);
        world.assert_alive(2);
        drop(clone);
        world.assert_alive(0);
    }
}

// Iterative.

/// An entry that holds the next one.
struct Link(#[expect(dead_code, reason = "held, not read")] Option<Ref<u32, Link>>);

fn chain(map: &RcHashMap<u32, Link>, n: u32) -> Ref<u32, Link> {
    let mut top = map.insert(0, Link(None)).unwrap();
    for name in 1..n {
        top = map.insert(name, Link(Some(top))).unwrap();
    }
    assert_eq!(map.len(), n as usize);
    top
}

#[test]
fn a_chain_of_three_million_entries_is_freed_without_recursion() {
    let map = RcHashMap::new();
    let top = chain(&map, scaled(3_000_000));
    drop(top);
    assert!(map.is_empty());
    check(&map);
}

#[test]
fn a_chain_of_millions_of_entries_is_freed_after_the_map() {
    let map = RcHashMap::new();
    let n = if cfg!(debug_assertions) { 1_000_000 } else { 3_000_000 };
    let top = chain(&map, scaled(n));
    let weak = top.downgrade();
    drop(map);
    drop(top);
    assert!(weak.upgrade().is_none());
}

#[test]
fn a_chain_through_keys_is_freed_without_recursion() {
    #[derive(PartialEq, Eq, Hash)]
    struct Path(u32, Option<Ref<Path, ()>>);
    let map: RcHashMap<Path, ()> = RcHashMap::new();
    let mut top = map.find_or_insert(Path(0, None), ());
    for n in 1..scaled(300_000) {
        top = map.find_or_insert(Path(n, Some(top)), ());
    }
    assert_eq!(map.len(), scaled(300_000) as usize);
    drop(top);
    assert!(map.is_empty());
}

#[test]
fn a_chain_that_alternates_between_two_maps_is_freed_without_recursion() {
    struct Other(#[expect(dead_code, reason = "held, not read")] Option<Ref<u32, Here>>);
    struct Here(#[expect(dead_code, reason = "held, not read")] Option<Ref<u32, Other>>);
    let (a, b) = (RcHashMap::<u32, Here>::new(), RcHashMap::<u32, Other>::new());
    let mut top = None;
    for n in 0..scaled(200_000) {
        let other = b.insert(n, Other(top)).unwrap();
        top = Some(a.insert(n, Here(Some(other))).unwrap());
    }
    drop(b);
    drop(top);
    assert!(a.is_empty());
    check(&a);
}

#[test]
fn a_chain_of_which_eq_drops_the_head_is_freed_without_recursion() {
    let map = RcHashMap::new();
    let top = RefCell::new(Some(chain(&map, scaled(300_000))));
    let hash = map.hash(&0);
    let found = map.find_hashed(hash, |key| {
        drop(top.take());
        *key == 0
    });
    assert!(top.borrow().is_none(), "the predicate ran");
    assert!(found.is_none_or(|found| *found.as_key() == 0));
    assert!(map.is_empty());
}

#[test]
fn a_star_of_a_hundred_thousand_entries_is_freed_without_recursion() {
    struct Star(#[expect(dead_code, reason = "held, not read")] Vec<Ref<u32, Star>>);
    let map = RcHashMap::new();
    let n = scaled(100_000);
    let rays: Vec<_> = (0..n).map(|name| map.insert(name, Star(Vec::new())).unwrap()).collect();
    let center = map.insert(n, Star(rays)).unwrap();
    assert_eq!(map.len(), n as usize + 1);
    drop(center);
    assert!(map.is_empty());
    check(&map);
}

#[test]
fn destructors_of_one_map_never_nest() {
    let (world, map) = setup(Mood::Fair);
    let mut top = put(&world, &map, 0);
    for name in 1..50 {
        // A diamond at each step: two holders of one entry.
        let held = [top.clone(), top];
        let value = Value::holding(&world, name, held);
        top = map.insert(Key::new(&world, name), value).unwrap();
    }
    assert_eq!((map.len(), world.deepest()), (50, 0));
    drop(top);
    assert_eq!(world.deepest(), 1, "each destructor returns before the next one starts");
    world.assert_alive(0);
    check(&map);
}

/// A link of a chain whose destructor changes the size of the map before it lets go of the next one.
struct Stretching<K: 'static> {
    stretched: Weak<Stretched<K>>,
    next: Option<Ref<K, Self>>,
}

struct Stretched<K: 'static> {
    map: RefCell<RcHashMap<K, Stretching<K>>>,
    grow: bool,
    destructors: Cell<usize>,
    nested: Cell<bool>,
}

impl<K> Drop for Stretching<K> {
    fn drop(&mut self) {
        let stretched = self.stretched.upgrade().expect("the test holds it");
        let destructors = &stretched.destructors;
        destructors.set(destructors.get() + 1);
        stretched.nested.set(stretched.nested.get() || destructors.get() > 1);
        if stretched.grow {
            let map = stretched.map.borrow();
            map.reserve(map.capacity() + 1 - map.len());
        } else {
            stretched.map.borrow_mut().shrink_to_fit();
        }
        drop(self.next.take());
        destructors.set(destructors.get() - 1);
    }
}

#[test]
fn destructors_do_not_nest_although_the_map_grows_or_shrinks_in_them() {
    fn run<K: Eq + Hash + 'static>(grow: bool, key: impl Fn(u32) -> K) {
        let map = RcHashMap::with_capacity(if grow { 0 } else { 200 });
        let (map, destructors, nested) = (RefCell::new(map), Cell::new(0), Cell::new(false));
        let stretched = Rc::new(Stretched { map, grow, destructors, nested });
        let mut last = None;
        for n in 0..6 {
            let link = Stretching { stretched: Rc::downgrade(&stretched), next: last.take() };
            last = stretched.map.borrow().insert(key(n), link).ok();
        }
        drop(last);
        assert!(!stretched.nested.get(), "each waited for the one before");
        assert!(stretched.map.borrow().is_empty());
        check(&stretched.map.borrow());
    }

    for grow in [true, false] {
        run(grow, |n| n);
        run(grow, |n| n.to_string());
    }
}

#[test]
fn destructors_run_in_the_order_in_which_their_entries_departed() {
    struct Logged {
        name: u32,
        log: Rc<RefCell<Vec<u32>>>,
        _held: Vec<Ref<u32, Self>>,
    }

    impl Drop for Logged {
        fn drop(&mut self) {
            self.log.borrow_mut().push(self.name);
        }
    }

    let map = RcHashMap::new();
    let log = Rc::default();
    let put = |name, held: &[&Ref<u32, Logged>]| {
        let _held = held.iter().map(|&r| r.clone()).collect();
        map.insert(name, Logged { name, log: Rc::clone(&log), _held }).unwrap()
    };
    let [six, five, four, three] = [6, 5, 4, 3].map(|name| put(name, &[]));
    let two = put(2, &[&six]);
    let one = put(1, &[&four, &five]);
    let root = put(0, &[&one, &two, &three]);
    drop((one, two, three, four, five, six));
    assert_eq!(map.len(), 7);
    drop(root);
    assert_eq!(*log.borrow(), [0, 1, 2, 3, 4, 5, 6], "level by level");
}

#[test]
fn a_shared_part_of_a_dag_goes_once_and_last() {
    let (world, map) = setup(Mood::Fair);
    let shared = put(&world, &map, 0);
    let parents = [1, 2].map(|name| {
        let value = Value::holding(&world, name, [shared.clone()]);
        map.insert(Key::new(&world, name), value).unwrap()
    });
    drop(shared);
    let [a, b] = parents;
    drop(a);
    assert_eq!(map.len(), 2);
    assert!(map.contains_key(&Query::new(&world, 0)));
    drop(b);
    world.assert_alive(0);
}

// Waiting.

#[test]
fn what_a_destructor_drops_is_unlinked_at_once_and_destroyed_later() {
    for point in [Point::DropKey, Point::DropValue] {
        let (world, map) = setup(Mood::Fair);
        let map = Rc::new(map);
        let (outer, inner) = (put(&world, &map, 1), put(&world, &map, 2));
        let (weak, handle) = (inner.downgrade(), inner.handle());
        let (books, shared, slot) = (world.clone(), Rc::clone(&map), Cell::new(Some(inner)));
        world.at(point, 1, move || {
            let before = books.alive();
            drop(slot.take());
            assert_eq!(books.alive(), before, "it waits");
            assert!(shared.is_empty() && shared.iter().next().is_none());
            assert!(shared.find(&Query::new(&books, 2)).is_none());
            assert!(weak.upgrade().is_none() && shared.resolve(handle).is_none());
            drop(put(&books, &shared, 2));
            assert_eq!(books.alive(), before + 2, "what comes and goes here waits, too");
        });
        drop(outer);
        assert_eq!(world.armed(), 0);
        world.assert_alive(0);
        check(&map);
    }
}

#[test]
fn what_eq_lets_go_inside_of_a_destructor_waits_for_that_destructor() {
    let (world, map) = setup(Mood::Constant);
    let map = Rc::new(map);
    let _kept = put(&world, &map, 9);
    let (outer, by_eq, after) =
        (put(&world, &map, 1), Cell::new(Some(put(&world, &map, 2))), put(&world, &map, 3));
    let (books, shared, after) = (world.clone(), Rc::clone(&map), Cell::new(Some(after)));
    world.at(Point::DropValue, 1, move || {
        let before = books.alive();
        books.at(Point::Eq, 1, move || drop(by_eq.take()));
        assert!(shared.find(&Query::new(&books, 9)).is_some());
        assert_eq!(
            (books.armed(), books.alive()),
            (0, before),
            "it waits when the probe has ended"
        );
        drop(after.take());
        assert_eq!((shared.len(), books.alive()), (1, before), "and so does what comes later");
    });
    drop(outer);
    assert_eq!((world.armed(), world.deepest()), (0, 1));
    world.assert_alive(2);
    check(&map);
}

#[test]
fn a_waiting_entry_keeps_its_slot() {
    let (world, map) = setup(Mood::Fair);
    let map = Rc::new(map);
    let (outer, inner) = (put(&world, &map, 1), put(&world, &map, 2));
    let taken = [at(&outer), at(&inner)];
    let (books, shared, slot) = (world.clone(), Rc::clone(&map), Cell::new(Some(inner)));
    world.at(Point::DropKey, 1, move || {
        drop(slot.take());
        let new: Vec<R> = (10..30).map(|name| put(&books, &shared, name)).collect();
        assert!(new.iter().all(|r| !taken.contains(&at(r))), "two entries in one slot");
    });
    drop(outer);
    assert_eq!((world.armed(), map.len()), (0, 0));
    world.assert_alive(0);
    check(&map);
}

#[test]
fn try_unwrap_works_in_a_destructor() {
    let (world, map) = setup(Mood::Fair);
    let map = Rc::new(map);
    let (outer, inner) = (put(&world, &map, 1), Cell::new(Some(put(&world, &map, 2))));
    let (out, shared) = (Rc::new(RefCell::new(None)), Rc::clone(&map));
    let slot = Rc::clone(&out);
    world.at(Point::DropValue, 1, move || {
        *slot.borrow_mut() = inner.take().unwrap().try_unwrap().ok();
        assert!(shared.is_empty());
    });
    drop(outer);
    world.assert_alive(2);
    let (key, value) = out.take().expect("it was the last one");
    assert_eq!((key.name, value.number), (2, 2));
    check(&map);
}

// In place.

#[test]
fn values_replaced_in_place_may_drop_other_entries() {
    let (world, mut map) = setup(Mood::Fair);
    let mut top = put(&world, &map, 0);
    for name in 1..20 {
        let value = Value::holding(&world, name, [top]);
        top = map.insert(Key::new(&world, name), value).unwrap();
    }
    let key = at(&top);
    *top.value_mut(&mut map).unwrap() = Value::new(&world, 99);
    assert_eq!((map.len(), at(&top)), (1, key));
    assert_eq!(top.value(&map).unwrap().number, 99);
    world.assert_alive(2);
    check(&map);
}

#[test]
fn taking_from_a_value_under_iter_mut_skips_what_goes() {
    let (world, mut map) = setup(Mood::Fair);
    let leaves: Vec<R> = (0..30).map(|name| put(&world, &map, name)).collect();
    let root = put(&world, &map, 100);
    root.value(&map).unwrap().held.borrow_mut().extend(leaves);
    assert_eq!(map.len(), 31);
    let mut visited = 0;
    for entry in map.iter_mut() {
        visited += 1;
        let held = entry.held.take();
        drop(held);
    }
    assert!((1..=31).contains(&visited));
    assert_eq!(map.len(), 1);
    world.assert_alive(2);
    check(&map);
}

#[test]
fn a_value_may_hold_a_weak_ref_of_itself() {
    struct Node {
        me: RefCell<Option<rcmap::WeakRef<u32, Node>>>,
        seen: Rc<Cell<bool>>,
    }
    impl Drop for Node {
        fn drop(&mut self) {
            let me = self.me.take().expect("set below");
            assert!(me.upgrade().is_none(), "an entry does not come back");
            self.seen.set(true);
        }
    }
    let map = RcHashMap::new();
    let seen = Rc::new(Cell::new(false));
    let r = map.insert(1, Node { me: RefCell::default(), seen: Rc::clone(&seen) }).unwrap();
    *r.value(&map).unwrap().me.borrow_mut() = Some(r.downgrade());
    drop(r);
    assert!(seen.get() && map.is_empty());
}

#[test]
fn a_hidden_count_keeps_an_entry_visible() {
    let (world, map) = setup(Mood::Fair);
    let raw = put(&world, &map, 1).into_raw();
    let copy = raw;
    assert_eq!(map.len(), 1);
    assert!(map.find(&Query::new(&world, 1)).is_some_and(|r| r.strong_count() == 2));
    // A `Ref` that is forgotten counts as well. (Here it can be remembered.)
    let forgotten = std::mem::ManuallyDrop::new(put(&world, &map, 2));
    assert!(map.find(&Query::new(&world, 2)).is_some_and(|r| r.strong_count() == 2));
    drop(map);
    world.assert_alive(4);
    // SAFETY: the only copy that is taken back.
    drop(unsafe { R::from_raw(copy) });
    drop(std::mem::ManuallyDrop::into_inner(forgotten));
    world.assert_alive(0);
}

#[test]
fn freed_slots_are_used_again() {
    let (world, map) = setup(Mood::Fair);
    let mut window: std::collections::VecDeque<R> =
        (0..10).map(|name| put(&world, &map, name)).collect();
    let capacity = map.capacity();
    for name in 10..scaled(20_000) {
        drop(window.pop_front());
        window.push_back(put(&world, &map, name));
    }
    assert_eq!(map.len(), 10);
    assert!(map.capacity() <= 2 * capacity, "{} for 10 entries", map.capacity());
    check(&map);
}

#[test]
fn slots_freed_inside_of_a_destructor_are_used_again_after_it() {
    let (world, map) = setup(Mood::Fair);
    let build = |base: u32| {
        let held: Vec<R> = (0..50).map(|n| put(&world, &map, base + n)).collect();
        let value = Value::holding(&world, base + 50, held);
        map.insert(Key::new(&world, base + 50), value).unwrap()
    };
    for round in 0..if cfg!(miri) { 3 } else { 20 } {
        let top = build(round * 100);
        assert_eq!(map.len(), 51);
        drop(top);
    }
    assert!(map.capacity() < 150, "{} for 51 entries", map.capacity());
}
