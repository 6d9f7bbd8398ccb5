//! Programs on layer 3 with numbers as keys, and with hashers of all kinds, next to a model.
//!
//! How such keys are looked for depends on how many there are. It must not depend on what their hashes tell.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};

use rcmap::{RcHashMap, Ref};

use super::check;

/// What a hasher makes of a number, and how many entries are many with it.
type Way = (fn(u64) -> u64, u64);

const WAYS: [Way; 7] = [
    (fair, 256),
    (|number| number, 256),
    (|number| fair(number) & u64::from(u32::MAX), 256),
    (|_| 0, 4),
    (|_| u64::MAX, 4),
    (|number| fair(number) & !0 << 57, 16),
    // The first keys tell nothing.
    (|number| if number < 64 { number } else { fair(number) }, 256),
];

fn fair(number: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ mixed >> 29).wrapping_mul(0x94d0_49bb_1331_11eb)
}

#[derive(Clone)]
struct Numbers {
    way: Way,
    number: u64,
}

impl BuildHasher for Numbers {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        self.clone()
    }
}

impl Hasher for Numbers {
    fn finish(&self) -> u64 {
        (self.way.0)(self.number)
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers");
    }

    fn write_u64(&mut self, number: u64) {
        self.number = number;
    }
}

type Map = RcHashMap<u64, u64, Numbers>;

struct Machine {
    map: Map,
    refs: RefCell<Vec<Ref<u64, u64, Numbers>>>,
    /// How many of the `Ref`s are of which key.
    model: RefCell<BTreeMap<u64, usize>>,
}

impl Machine {
    fn new(way: u8, room: u8) -> Self {
        let hasher = Numbers { way: WAYS[usize::from(way) % WAYS.len()], number: 0 };
        let map = Map::with_capacity_and_hasher(usize::from(room % 8).pow(3), hasher);
        Self { map, refs: RefCell::default(), model: RefCell::default() }
    }

    fn keep(&self, key: u64, r: Ref<u64, u64, Numbers>) {
        assert_eq!((*r.as_key(), r.value(&self.map)), (key, Ok(&!key)));
        *self.model.borrow_mut().entry(key).or_default() += 1;
        self.refs.borrow_mut().push(r);
    }

    fn insert(&self, key: u64) {
        let is_there = self.model.borrow().contains_key(&key);
        match self.map.insert(key, !key) {
            Ok(r) => {
                assert!(!is_there, "{key} was there");
                self.keep(key, r);
            }
            Err(refused) => assert!(is_there && refused.value == !key, "{key} was not there"),
        }
    }

    fn look_for(&self, key: u64) {
        let is_there = self.model.borrow().contains_key(&key);
        assert_eq!(self.map.contains_key(&key), is_there, "{key}");
        let found = self.map.find(&key);
        assert_eq!(found.as_ref().map(|r| *r.as_key()), is_there.then_some(key));
    }

    fn let_go(&self, n: usize) {
        let mut refs = self.refs.borrow_mut();
        if refs.is_empty() {
            return;
        }
        let n = n % refs.len();
        let r = refs.swap_remove(n);
        drop(refs);
        self.forget(*r.as_key());
    }

    fn forget(&self, key: u64) {
        let mut model = self.model.borrow_mut();
        let count = model.get_mut(&key).expect("it is held");
        *count -= 1;
        if *count == 0 {
            model.remove(&key);
        }
    }

    /// A search for `key` that lets go of a `Ref` on the way, if it compares anything. In release builds it
    /// also inserts.
    fn act_while_looking_for(&self, key: u64, n: usize) {
        let compared = Cell::new(None);
        let found = self.map.find_hashed(self.map.hash(&key), |other| {
            if compared.get().is_none() {
                compared.set(Some(*other));
                self.let_go(n);
                // What is compared is there until the comparison is over.
                if cfg!(not(debug_assertions)) && n % 2 == 0 && *other != key ^ 1 {
                    self.insert(key ^ 1);
                }
            }
            *other == key
        });
        let is_there = self.model.borrow().contains_key(&key) || compared.get() == Some(key);
        assert_eq!(found.map(|r| *r.as_key()), is_there.then_some(key));
    }

    fn step(&mut self, op: u8, n: u8) {
        let key = u64::from(n);
        match op % 13 {
            0 | 1 => self.insert(key),
            2 => self.look_for(key),
            3 => {
                if let Some(r) = self.map.find(&key) {
                    self.keep(key, r);
                }
            }
            4 => {
                let r = self.map.find_or_insert_with(key, |_| !key);
                self.keep(key, r);
            }
            5 => self.let_go(n.into()),
            6 => self.act_while_looking_for(key, usize::from(op)),
            // Many at once, so that there are ever more.
            7 | 8 => {
                let many = self.map.hasher().way.1 >> (n % 8);
                (key * 16..key * 16 + many).for_each(|key| self.insert(key));
            }
            9 => {
                let divisor = key % 64 + 1;
                self.refs.get_mut().retain(|r| r.as_key() % divisor == 0);
                self.model.get_mut().retain(|key, _| key % divisor == 0);
            }
            10 => self.map.reserve(usize::from(n) * 8),
            11 => self.map.shrink_to_fit(),
            _ => {
                let mut keys: Vec<_> = self.map.iter().map(|r| *r.as_key()).collect();
                keys.sort_unstable();
                assert!(keys.iter().eq(self.model.get_mut().keys()));
            }
        }
        assert_eq!(self.map.len(), self.model.get_mut().len());
    }

    fn audit(&self) {
        check(&self.map);
        for key in 0..300 {
            self.look_for(key);
        }
        for r in &*self.refs.borrow() {
            assert_eq!(r.strong_count(), self.model.borrow()[r.as_key()]);
            self.look_for(*r.as_key());
        }
    }
}

/// Runs bytes as a program, next to its model: the first two are the hasher and the room of the map.
pub(crate) fn run(bytes: &[u8]) {
    let mut pairs = bytes.chunks_exact(2).map(|pair| (pair[0], pair[1]));
    let Some((way, room)) = pairs.next() else { return };
    let mut machine = Machine::new(way, room);
    for (i, (op, n)) in pairs.enumerate() {
        machine.step(op, n);
        if i % 16 == 0 {
            machine.audit();
        }
    }
    machine.audit();
    machine.refs.get_mut().clear();
    assert!(machine.map.is_empty());
    check(&machine.map);
}
