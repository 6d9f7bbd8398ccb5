//! Hashers of all kinds, and maps that grow many and few again.
//!
//! Breaks with (I4) of `design.md`.

mod support;

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, Hasher};
use std::rc::{Rc, Weak};

use rcmap::{DefaultHashBuilder, Equivalent, RcHashMap, Ref};
use support::check;

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

fn numbers_are_found_while_they_grow_many_and_few_again<S: BuildHasher>(hasher: S) {
    const MANY: u32 = if cfg!(debug_assertions) { 200 } else { 600_000 };

    let assert_there = |map: &RcHashMap<u32, u32, S>, is_there: &dyn Fn(u32) -> bool| {
        for name in 0..MANY + 100 {
            assert_eq!(map.contains_key(&name), is_there(name), "{name}");
            assert_eq!(map.find(&name).map(|r| *r.as_key()), is_there(name).then_some(name));
        }
        check(map);
    };

    let map = RcHashMap::with_hasher(hasher);
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
fn numbers_are_found_whatever_their_hashes() {
    let fair = DefaultHashBuilder::default();
    numbers_are_found_while_they_grow_many_and_few_again(fair);
    let half = AsTheyAre(0x9e37_79b1);
    numbers_are_found_while_they_grow_many_and_few_again(half);
    let numbers = AsTheyAre(1);
    numbers_are_found_while_they_grow_many_and_few_again(numbers);
}

/// Slots that leave more bits for a piece than any other.
#[test]
fn numbers_are_found_next_to_values_of_wide_alignment() {
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
                for name in 1..5000 {
                    let r = around.map.insert(name, new(name)).ok();
                    around.refs.borrow_mut().extend(r);
                    // Waits, however large the map has become.
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

/// fxhash and older versions of rustc-hash leave the low bits of such keys alone.
#[test]
fn hashes_with_all_their_entropy_in_the_high_bits_are_told_apart() {
    #[derive(Clone, Copy, Default)]
    struct Fx(u64);

    impl BuildHasher for Fx {
        type Hasher = Self;

        fn build_hasher(&self) -> Self {
            *self
        }
    }

    impl Hasher for Fx {
        fn finish(&self) -> u64 {
            self.0
        }

        fn write(&mut self, _: &[u8]) {
            unreachable!("keys are numbers");
        }

        fn write_u64(&mut self, number: u64) {
            self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }

    let map = RcHashMap::with_hasher(Fx::default());
    let doubles = || (0..20_000).map(|n| f64::from(n).to_bits());
    let refs: Vec<_> = doubles().map(|bits| map.insert(bits, ()).unwrap()).collect();
    let compared = Cell::new(0);
    for bits in doubles() {
        let is_it = |key: &u64| {
            compared.set(compared.get() + 1);
            *key == bits
        };
        assert!(map.find_hashed(map.hash(&bits), is_it).is_some());
    }
    assert!(compared.get() < 2 * refs.len(), "{} comparisons", compared.get());
}

#[test]
fn hashes_that_differ_in_one_half_only_are_told_apart() {
    struct Asked<'a>(u64, &'a Cell<u32>);

    impl std::hash::Hash for Asked<'_> {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    impl Equivalent<u64> for Asked<'_> {
        fn equivalent(&self, key: &u64) -> bool {
            self.1.set(self.1.get() + 1);
            self.0 == *key
        }
    }

    for shift in [0, 20, 32, 44, 52] {
        let map = RcHashMap::new();
        let insert = |n: u64| map.find_or_insert_hashed_with(n << shift, |_| false, || (n, ()));
        let held: Vec<_> = (0..2000).map(insert).collect();
        assert_eq!(held.len(), 2000);
        let asked = Cell::new(0);
        for n in 0..2000_u64 {
            let found = map.find_hashed(n << shift, |key| Asked(n, &asked).equivalent(key));
            assert!(found.is_some());
        }
        assert!(asked.get() < 2300, "{} comparisons, hashes shifted by {shift}", asked.get());
    }
}
