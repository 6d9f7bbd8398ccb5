//! Keepers: what is kept lives, the oldest that nobody else holds go first, and nothing is lost or kept twice.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use proptest::prelude::*;
use rcmap::{Interner, Keeper, RcHashMap, Ref};

type Map = RcHashMap<u32, ()>;

fn keys(keeper: &Keeper<Ref<u32, ()>>) -> Vec<u32> {
    let mut keys: Vec<_> = keeper.iter().map(|r| *r.as_key()).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn what_is_kept_lives_and_is_found_again() {
    let map = Map::new();
    let mut keeper = Keeper::new(10);
    keeper.keep(&map.find_or_insert(1, ()));
    let found = map.find(&1).unwrap();
    assert_eq!((found.strong_count(), keeper.len()), (2, 1));
    assert!(!keeper.is_empty());
    assert_eq!(format!("{keeper:?}"), "Keeper { len: 1, limit: 10, .. }");
    drop(keeper);
    assert_eq!(found.strong_count(), 1);
}

#[test]
fn the_oldest_unused_go_first_and_those_in_use_are_passed_over() {
    let map = Map::new();
    let mut keeper = Keeper::new(2);
    let refs: Vec<_> = (0..6).map(|n| map.insert(n, ()).unwrap()).collect();
    refs.iter().for_each(|r| keeper.keep(r));
    keeper.keep(&refs[2]);
    assert_eq!(keeper.trim(), 0);
    let mut refs = refs;
    let used = refs.remove(0);
    drop(refs);
    // Unused are 1, 3, 4, 5 and 2, in this order.
    assert_eq!(keeper.trim(), 3);
    assert_eq!(keys(&keeper), [0, 2, 5]);
    drop(used);
    assert_eq!(keeper.trim(), 1);
    assert_eq!(keys(&keeper), [2, 5], "0 was the oldest");
}

#[test]
fn limits_of_nothing_and_of_everything_work() {
    let map = Map::new();
    let mut keeper = Keeper::new(usize::MAX);
    (0..10).for_each(|n| keeper.keep(&map.find_or_insert(n, ())));
    assert_eq!((keeper.trim(), keeper.trim_by(|_| usize::MAX)), (0, 9));
    keeper.set_limit(0);
    assert_eq!((keeper.limit(), keeper.trim(), map.len()), (0, 1, 0));
    assert_eq!((keeper.trim(), keeper.release(), keeper.trim_by(|_| 0)), (0, 0, 0));
}

#[test]
fn what_only_what_went_has_held_goes_too() {
    struct Node(#[expect(dead_code, reason = "it holds the child")] Option<Ref<u32, Node>>);
    let map = RcHashMap::new();
    let mut keeper = Keeper::new(0);
    let child = map.insert(0, Node(None)).unwrap();
    let parent = map.insert(1, Node(Some(child.clone()))).unwrap();
    keeper.keep(&parent);
    keeper.keep(&child);
    drop((child, parent));
    assert_eq!((keeper.trim(), map.len()), (2, 0));
}

#[test]
fn a_release_takes_a_chain_in_either_order_and_leaves_what_somebody_holds() {
    const N: u32 = if cfg!(miri) { 300 } else { 100_000 };
    struct Link(Option<Ref<u32, Link>>);
    for backwards in [false, true] {
        let map = RcHashMap::new();
        let mut keeper = Keeper::new(5);
        let mut links: Vec<Ref<u32, Link>> = Vec::new();
        for n in 0..N {
            links.push(map.insert(n, Link(links.last().cloned())).unwrap());
        }
        if backwards {
            links.reverse();
        }
        links.iter().for_each(|link| keeper.keep(link));
        drop(links);
        let middle = map.find(&(N / 2)).unwrap();
        assert_eq!(keeper.release(), (N - 1 - N / 2) as usize);
        assert_eq!((keeper.len(), map.len()), ((N / 2 + 1) as usize, (N / 2 + 1) as usize));
        assert!(middle.value(&map).unwrap().0.as_ref().is_some_and(|next| keeper.contains(next)));
        drop(middle);
        assert_eq!((keeper.release(), map.len()), ((N / 2 + 1) as usize, 0));
    }
}

#[test]
fn many_in_use_are_not_looked_at_by_every_call() {
    const N: u32 = if cfg!(miri) { 300 } else { 100_000 };
    let map = Map::new();
    let mut keeper = Keeper::new(10);
    let held: Vec<_> = (0..N).map(|n| map.insert(n, ()).unwrap()).collect();
    held.iter().for_each(|r| keeper.keep(r));
    assert_eq!(keeper.trim(), 0);
    // This would take long if each call looked at all.
    for n in N..N + N / 40 {
        keeper.keep(&map.find_or_insert(n, ()));
        keeper.trim();
    }
    assert_eq!(keeper.len(), held.len() + 10);
    drop(held);
    assert_eq!((keeper.trim(), keeper.len()), (N as usize, 10), "all at once");
}

#[test]
fn the_one_of_thousands_in_use_that_has_become_unused_is_found() {
    let map = Map::new();
    let mut keeper = Keeper::new(0);
    let mut held: Vec<_> =
        (0..if cfg!(miri) { 300 } else { 4000 }).map(|n| map.insert(n, ()).unwrap()).collect();
    held.iter().for_each(|r| keeper.keep(r));
    assert_eq!(keeper.trim(), 0);
    for at in [3999, 0, 2500, 123] {
        drop(held.swap_remove(at.min(held.len() - 1)));
        assert_eq!(keeper.trim(), 1);
    }
    assert_eq!(keeper.len(), held.len());
}

#[test]
fn budgets_count_sizes_of_the_unused_only() {
    let names = Interner::<String>::new();
    let mut keeper = Keeper::new(10);
    let words = ["aaaa", "bbb", "cccccc", "dd"].map(|word| names.intern_ref(word));
    words.iter().for_each(|word| keeper.keep(word));
    let [a, b, used, d] = words;
    drop((a, b, d));
    let asked = RefCell::new(Vec::new());
    let size = |word: &rcmap::Interned<String>| {
        asked.borrow_mut().push(word.to_string());
        word.len()
    };
    assert_eq!(keeper.trim_by(size), 0, "4 + 3 + 2 fit");
    assert!(!asked.borrow().contains(&used.to_string()));
    keeper.keep(&used);
    drop(used);
    assert_eq!(keeper.trim_by(|word| word.len()), 2, "of 4, 3, 2 and 6 the oldest two go");
    assert!(names.contains("cccccc") && names.contains("dd"));
}

#[test]
fn sizes_are_asked_for_once_however_deep_what_goes_is_nested() {
    struct Link(#[expect(dead_code, reason = "it holds the next")] Option<Ref<u32, Link>>);
    let map = RcHashMap::new();
    let mut keeper = Keeper::new(50);
    let mut chain: Option<Ref<u32, Link>> = None;
    for n in 0..60 {
        let link = map.insert(n, Link(chain.take())).unwrap();
        keeper.keep(&link);
        chain = Some(link);
    }
    for n in 100..150 {
        keeper.keep(&map.insert(n, Link(None)).unwrap());
    }
    drop(chain);
    let mut asked = 0;
    let size = |_: &Ref<u32, Link>| {
        asked += 1;
        1
    };
    assert_eq!(keeper.trim_by(size), 60, "the chain is the oldest");
    assert_eq!((asked, map.len()), (110, 50));
}

#[test]
fn handles_of_several_maps_are_kept_apart() {
    let maps: Vec<_> = (0..50).map(|_| Map::new()).collect();
    let mut keeper = Keeper::new(0);
    let refs: Vec<_> = maps.iter().map(|map| map.insert(1, ()).unwrap()).collect();
    for r in &refs {
        assert!(!keeper.contains(r));
        keeper.keep(r);
    }
    assert_eq!(keeper.len(), 50);
    drop(maps);
    assert_eq!(keeper.remove(&refs[7]).as_ref(), Some(&refs[7]));
    assert!(!keeper.contains(&refs[7]) && keeper.contains(&refs[8]));
    let order: Vec<_> = keeper.drain().collect();
    let rest: Vec<_> = refs.iter().filter(|&r| *r != refs[7]).cloned().collect();
    assert!(order == rest, "the oldest first");
    assert!(keeper.is_empty());
}

/// Panics in its destructor if it is told to, and drops what it holds.
struct Hostile(
    Rc<Cell<bool>>,
    #[expect(dead_code, reason = "it is dropped")] Option<Ref<u32, Hostile>>,
);

impl Drop for Hostile {
    fn drop(&mut self) {
        if self.0.get() && !std::thread::panicking() {
            panic!("on purpose");
        }
    }
}

#[test]
fn a_destructor_that_panics_loses_nothing() {
    for release in [false, true] {
        let map = RcHashMap::new();
        let armed = Rc::new(Cell::new(false));
        let mut keeper = Keeper::new(0);
        let mut last = None;
        for n in 0..10 {
            let r = map.insert(n, Hostile(armed.clone(), last.clone())).unwrap();
            keeper.keep(&r);
            last = (n % 2 == 0).then_some(r);
        }
        let used = map.find(&5).unwrap();
        drop(last);
        armed.set(true);
        let result = catch_unwind(AssertUnwindSafe(|| match release {
            true => keeper.release(),
            false => keeper.trim(),
        }));
        assert!(result.is_err());
        armed.set(false);
        for r in keeper.iter() {
            assert!(map.find(r.as_key()).is_some_and(|found| found == *r && keeper.contains(r)));
        }
        assert!(keeper.contains(&used));
        assert_eq!(keeper.iter().count(), keeper.len());
        keeper.release();
        assert_eq!((keeper.len(), map.len()), (2, 2), "5 and 4, which it holds");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_keeper_does_what_its_model_does(
        limit in 0..6usize,
        ops in prop::collection::vec((0..8u8, 0..20u32), 1..200)
    ) {
        let map = Map::new();
        let mut keeper = Keeper::new(limit);
        // What is kept, the oldest first, and who else holds what.
        let mut model: Vec<u32> = Vec::new();
        let mut held: Vec<Ref<u32, ()>> = Vec::new();
        for (op, key) in ops {
            let is_held = |held: &[Ref<u32, ()>], key| held.iter().any(|r| *r.as_key() == key);
            match op {
                0..=2 => {
                    keeper.keep(&map.find_or_insert(key, ()));
                    model.retain(|&other| other != key);
                    model.push(key);
                }
                3 | 4 if !is_held(&held, key) => held.push(map.find_or_insert(key, ())),
                3 | 4 => held.retain(|r| *r.as_key() != key),
                5 | 6 => {
                    let unused: Vec<_> =
                        model.iter().copied().filter(|&key| !is_held(&held, key)).collect();
                    let going = &unused[..unused.len().saturating_sub(limit)];
                    prop_assert_eq!(keeper.trim(), going.len());
                    model.retain(|key| !going.contains(key));
                }
                _ => {
                    let before = model.len();
                    model.retain(|&key| is_held(&held, key));
                    prop_assert_eq!(keeper.release(), before - model.len());
                }
            }
            let mut expected = model.clone();
            expected.sort_unstable();
            prop_assert_eq!(keys(&keeper), expected);
            let mut alive = model.clone();
            alive.extend(held.iter().map(|r| *r.as_key()).filter(|key| !model.contains(key)));
            prop_assert_eq!(map.len(), alive.len());
        }
    }
}
