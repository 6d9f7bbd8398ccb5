//! Destructors that have their map borrowed mutably while entries wait for it: what waits keeps its slot.
//!
//! Breaks with (I2) and (I3) of `design.md`.

mod support;

use std::cell::RefCell;
use std::rc::Rc;

use rcmap::{RcHashMap, Ref};
use support::check;

/// A value whose destructor runs a script with its map borrowed mutably.
struct Owner {
    home: Rc<RefCell<Shared>>,
    number: u32,
    held: Vec<Ref<u32, Owner>>,
    script: Option<fn(&mut Shared)>,
    text: String,
}

type Shared = RcHashMap<u32, Owner>;

impl Drop for Owner {
    fn drop(&mut self) {
        assert_eq!(self.text, format!("value {}", self.number), "dropped once, and whole");
        self.held.clear();
        if let Some(script) = self.script.take() {
            script(&mut self.home.borrow_mut());
        }
        self.text.clear();
    }
}

fn owner(home: &Rc<RefCell<Shared>>, number: u32, held: Vec<Ref<u32, Owner>>) -> Owner {
    let text = format!("value {number}");
    Owner { home: Rc::clone(home), number, held, script: None, text }
}

/// Drops an entry that holds `n` others, and runs the script while those wait.
fn with_waiting(n: u32, script: fn(&mut Shared)) -> Rc<RefCell<Shared>> {
    let home = Rc::new(RefCell::new(Shared::new()));
    let top = {
        let map = home.borrow();
        let held =
            (0..n).map(|name| map.insert(name, owner(&home, name, Vec::new())).unwrap()).collect();
        let mut value = owner(&home, n, held);
        value.script = Some(script);
        map.insert(n, value).unwrap()
    };
    assert_eq!(home.borrow().len(), n as usize + 1);
    drop(top);
    check(&home.borrow());
    home
}

#[test]
fn shrink_to_fit_in_a_destructor_spares_what_waits() {
    for n in [1, 3, 10, 300, if cfg!(miri) { 50 } else { 5000 }] {
        let home = with_waiting(n, |map| {
            assert!(map.is_empty());
            map.shrink_to_fit();
        });
        assert_eq!(Rc::strong_count(&home), 1, "every value was dropped");
        let map = home.borrow_mut();
        assert!(map.is_empty());
        map.shrink_to_fit();
        assert_eq!(map.capacity(), 0, "nothing waits any more");
    }
}

#[test]
fn shrinking_and_filling_up_in_a_destructor_does_not_touch_what_waits() {
    let home = with_waiting(20, |map| {
        for round in 0..3 {
            let some: Vec<_> = (0..100)
                .map(|name| {
                    // No script, so that it can be dropped here, while the map is borrowed.
                    let home = Rc::new(RefCell::new(Shared::new()));
                    map.insert(1000 + name, owner(&home, round, Vec::new())).unwrap()
                })
                .collect();
            assert_eq!(map.len(), 100);
            drop(some);
            map.shrink_to_fit();
        }
    });
    assert_eq!(Rc::strong_count(&home), 1);
    assert!(home.borrow().is_empty());
}

#[test]
fn iter_mut_in_a_destructor_skips_what_waits() {
    let home = Rc::new(RefCell::new(Shared::new()));
    let (kept, top) = {
        let map = home.borrow();
        let kept = map.insert(100, owner(&home, 100, Vec::new())).unwrap();
        let held =
            (0..10).map(|name| map.insert(name, owner(&home, name, Vec::new())).unwrap()).collect();
        let mut value = owner(&home, 50, held);
        value.script = Some(|map| {
            let mut seen = Vec::new();
            for mut entry in map.iter_mut() {
                entry.number += 1;
                entry.text = format!("value {}", entry.number);
                seen.push(*entry.key());
            }
            assert_eq!(seen, [100]);
        });
        (kept, map.insert(50, value).unwrap())
    };
    drop(top);
    assert_eq!(kept.value(&home.borrow()).unwrap().number, 101);
    check(&home.borrow());
    // The entry and its value hold each other's home; the `Ref` goes first.
    drop(kept);
    assert_eq!(Rc::strong_count(&home), 1);
}

#[test]
fn values_may_be_borrowed_mutably_in_a_destructor() {
    let home = with_waiting(5, |map| {
        let elsewhere = Rc::new(RefCell::new(Shared::new()));
        let [a, b] =
            [70, 71].map(|name| map.insert(name, owner(&elsewhere, name, Vec::new())).unwrap());
        let [x, y] = map.get_disjoint_mut([&a, &b]).unwrap();
        std::mem::swap(x, y);
        assert_eq!(a.value_mut(map).unwrap().number, 71);
        assert_eq!(b.value(map).unwrap().number, 70);
    });
    assert!(home.borrow().is_empty());
    assert_eq!(Rc::strong_count(&home), 1);
}

#[test]
fn the_map_may_be_replaced_in_a_destructor() {
    let home = with_waiting(8, |map| *map = Shared::new());
    assert_eq!(Rc::strong_count(&home), 1);
    assert_eq!(home.borrow().capacity(), 0, "it is the new one");
}
