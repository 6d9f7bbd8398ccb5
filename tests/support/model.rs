//! The reference model of layer 3: `Rc` for what a `Ref` should do, `BTreeMap` for what a map should
//! do. It executes the same operations; only user code that behaves can be modelled.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::rc::{Rc, Weak};

use super::crash::Event;
use super::machine::{Outcome, Seen, Snapshot};
use super::op::{MAPS, Op, REGISTERS, Way};

/// What is born and dropped, and which key and value leave together.
#[derive(Default)]
struct Book {
    log: RefCell<Vec<Event>>,
    pairs: RefCell<Vec<(u32, u32)>>,
}

struct ModelKey {
    book: Rc<Book>,
    name: u32,
    stamp: u32,
}

impl ModelKey {
    fn new(book: &Rc<Book>, name: u8, stamp: u32) -> Self {
        book.log.borrow_mut().push(Event::KeyBorn(stamp));
        Self { book: Rc::clone(book), name: name.into(), stamp }
    }
}

impl Drop for ModelKey {
    fn drop(&mut self) {
        self.book.log.borrow_mut().push(Event::KeyDropped(self.stamp));
    }
}

struct ModelValue {
    book: Rc<Book>,
    stamp: u32,
    number: u32,
    held: Vec<Rc<Node>>,
}

impl ModelValue {
    fn new(book: &Rc<Book>, stamp: u32) -> Self {
        book.log.borrow_mut().push(Event::ValueBorn(stamp));
        Self { book: Rc::clone(book), stamp, number: stamp, held: Vec::new() }
    }
}

impl Drop for ModelValue {
    fn drop(&mut self) {
        self.book.log.borrow_mut().push(Event::ValueDropped(self.stamp));
    }
}

/// An entry. Dropping it drops the key, then the value.
struct Node {
    home: u32,
    key: ModelKey,
    value: RefCell<ModelValue>,
}

impl Drop for Node {
    fn drop(&mut self) {
        let pair = (self.key.stamp, self.value.borrow().stamp);
        self.key.book.pairs.borrow_mut().push(pair);
    }
}

#[derive(Default)]
struct ModelMap {
    generation: u32,
    entries: RefCell<BTreeMap<u32, Weak<Node>>>,
}

impl ModelMap {
    fn find(&self, name: u8) -> Option<Rc<Node>> {
        self.entries.borrow().get(&name.into())?.upgrade()
    }

    fn all(&self) -> Vec<Rc<Node>> {
        self.entries.borrow().values().filter_map(Weak::upgrade).collect()
    }
}

/// What should come out.
pub(crate) struct Model {
    book: Rc<Book>,
    maps: [RefCell<Option<ModelMap>>; MAPS],
    refs: RefCell<Vec<Rc<Node>>>,
    weaks: RefCell<Vec<Weak<Node>>>,
    raws: RefCell<Vec<Rc<Node>>>,
    handles: RefCell<Vec<(u32, Weak<Node>)>>,
    all: RefCell<Vec<Weak<Node>>>,
    clock: Cell<u32>,
    generations: Cell<u32>,
}

impl Model {
    pub(crate) fn new() -> Self {
        let model = Self {
            book: Rc::default(),
            maps: Default::default(),
            refs: RefCell::default(),
            weaks: RefCell::default(),
            raws: RefCell::default(),
            handles: RefCell::default(),
            all: RefCell::default(),
            clock: Cell::new(1000),
            generations: Cell::new(0),
        };
        for map in 0..MAPS as u8 {
            model.step(&Op::NewMap { map, mood: 0, room: 0 });
        }
        model
    }

    /// The events since the last call, and the pairs of key and value that left together.
    pub(crate) fn take_log(&self) -> (Vec<Event>, Vec<(u32, u32)>) {
        (self.book.log.take(), self.book.pairs.take())
    }

    fn pick<T: Clone>(from: &RefCell<Vec<T>>, n: u8) -> Option<T> {
        let from = from.borrow();
        if from.is_empty() { None } else { Some(from[usize::from(n) % from.len()].clone()) }
    }

    fn take<T>(from: &RefCell<Vec<T>>, n: u8) -> Option<T> {
        let mut from = from.borrow_mut();
        if from.is_empty() {
            return None;
        }
        let position = usize::from(n) % from.len();
        Some(from.remove(position))
    }

    fn store<T>(to: &RefCell<Vec<T>>, item: T) {
        let mut to = to.borrow_mut();
        if to.len() < REGISTERS {
            to.push(item);
        }
    }

    fn keep(&self, r: Rc<Node>) -> Outcome {
        let outcome =
            Outcome::Entry { name: r.key.name, key: r.key.stamp, count: Rc::strong_count(&r) };
        Self::store(&self.refs, r);
        outcome
    }

    fn is_home(&self, node: &Node) -> bool {
        self.maps.iter().any(|map| {
            map.try_borrow()
                .is_ok_and(|map| map.as_ref().is_some_and(|map| map.generation == node.home))
        })
    }

    pub(crate) fn step(&self, op: &Op) -> Outcome {
        self.clock.set(self.clock.get() + 1);
        self.try_step(op, self.clock.get()).unwrap_or(Outcome::Skipped)
    }

    fn run(&self, body: &[Op]) {
        for op in body {
            self.step(op);
        }
    }

    fn try_step(&self, op: &Op, stamp: u32) -> Option<Outcome> {
        let at = |map: u8| &self.maps[usize::from(map) % MAPS];
        Some(match *op {
            Op::NewMap { map, .. } => {
                let mut slot = at(map).try_borrow_mut().ok()?;
                self.generations.set(self.generations.get() + 1);
                *slot = Some(ModelMap {
                    generation: self.generations.get(),
                    entries: RefCell::default(),
                });
                Outcome::Nothing
            }
            Op::DropMap { map } => {
                *at(map).try_borrow_mut().ok()? = None;
                Outcome::Nothing
            }
            Op::Add { map, name, way } => {
                let map = at(map).try_borrow().ok()?;
                self.add(map.as_ref()?, name, way, stamp)
            }
            Op::Find { map, name } => {
                let map = at(map).try_borrow().ok()?;
                let map = map.as_ref()?;
                let Some(r) = map.find(name) else { return Some(Outcome::Refused) };
                Self::store(&self.handles, (map.generation, Rc::downgrade(&r)));
                self.keep(r)
            }
            Op::FindHashed { map, name } => {
                let map = at(map).try_borrow().ok()?;
                match map.as_ref()?.find(name) {
                    Some(r) => self.keep(r),
                    None => Outcome::Refused,
                }
            }
            Op::Contains { map, name } => {
                let map = at(map).try_borrow().ok()?;
                Outcome::Flag(map.as_ref()?.find(name).is_some())
            }
            Op::Resolve { handle } => {
                let (generation, weak) = Self::pick(&self.handles, handle)?;
                self.maps.iter().find(|map| {
                    map.try_borrow().is_ok_and(|map| {
                        map.as_ref().is_some_and(|map| map.generation == generation)
                    })
                })?;
                match weak.upgrade() {
                    Some(r) => self.keep(r),
                    None => Outcome::Refused,
                }
            }
            Op::CloneRef { r } => {
                let r = Self::pick(&self.refs, r)?;
                self.keep(r)
            }
            Op::DropRef { r } => {
                drop(Self::take(&self.refs, r)?);
                Outcome::Nothing
            }
            Op::TryUnwrap { r } => {
                let r = Self::take(&self.refs, r)?;
                let stamps = (r.key.stamp, r.value.borrow().stamp);
                if Rc::strong_count(&r) == 1 {
                    drop(r);
                    Outcome::Back(stamps.0, Some(stamps.1))
                } else {
                    Self::store(&self.refs, r);
                    Outcome::Refused
                }
            }
            Op::IntoRaw { r } => {
                if self.raws.borrow().len() >= REGISTERS {
                    return None;
                }
                let r = Self::take(&self.refs, r)?;
                self.raws.borrow_mut().push(r);
                Outcome::Nothing
            }
            Op::FromRaw { raw } => {
                let r = Self::take(&self.raws, raw)?;
                self.keep(r)
            }
            Op::Downgrade { r } => {
                let r = Self::pick(&self.refs, r)?;
                Self::store(&self.weaks, Rc::downgrade(&r));
                Outcome::Nothing
            }
            Op::Upgrade { weak } => match Self::pick(&self.weaks, weak)?.upgrade() {
                Some(r) => self.keep(r),
                None => Outcome::Refused,
            },
            Op::DropWeak { weak } => {
                Self::take(&self.weaks, weak)?;
                Outcome::Nothing
            }
            Op::Read { r, map } => {
                let r = Self::pick(&self.refs, r)?;
                let map = at(map).try_borrow().ok()?;
                if map.as_ref()?.generation != r.home {
                    return Some(Outcome::Refused);
                }
                let value = r.value.borrow();
                Outcome::Value { stamp: value.stamp, number: value.number }
            }
            Op::Replace { r, map } => {
                let r = Self::pick(&self.refs, r)?;
                let map = at(map).try_borrow_mut().ok()?;
                if map.as_ref()?.generation != r.home {
                    return Some(Outcome::Refused);
                }
                let old = r.value.replace(ModelValue::new(&self.book, stamp));
                Outcome::Value { stamp: old.stamp, number: stamp }
            }
            Op::Disjoint { map, refs } => {
                let [a, b, c] = refs.map(|r| Self::pick(&self.refs, r));
                let all = [a?, b?, c?];
                let map = at(map).try_borrow_mut().ok()?;
                let home = map.as_ref()?.generation;
                for (index, r) in all.iter().enumerate() {
                    if r.home != home || all[..index].iter().any(|other| Rc::ptr_eq(other, r)) {
                        return Some(Outcome::Number(index));
                    }
                }
                let numbers = all.each_ref().map(|r| r.value.borrow().number);
                for (index, r) in all.iter().enumerate() {
                    r.value.borrow_mut().number = numbers[(index + 1) % 3];
                }
                Outcome::Nothing
            }
            Op::Link { from, to } => {
                let from = Self::pick(&self.refs, from)?;
                let to = Self::pick(&self.refs, to)?;
                if !self.is_home(&from) || from.value.borrow().held.len() >= 4 {
                    return None;
                }
                from.value.borrow_mut().held.push(to);
                Outcome::Nothing
            }
            Op::Unlink { from } => {
                let from = Self::pick(&self.refs, from)?;
                if !self.is_home(&from) {
                    return None;
                }
                let held = std::mem::take(&mut from.value.borrow_mut().held);
                Outcome::Value { stamp: from.value.borrow().stamp, number: held.len() as u32 }
            }
            Op::Same { a, b } => {
                let (a, b) = (Self::pick(&self.refs, a)?, Self::pick(&self.refs, b)?);
                Outcome::Flag(Rc::ptr_eq(&a, &b))
            }
            Op::Collect { map } => {
                let map = at(map).try_borrow().ok()?;
                let mut all = map.as_ref()?.all();
                all.sort_by_key(|r| r.key.stamp);
                let n = all.len();
                all.into_iter().for_each(|r| Self::store(&self.refs, r));
                Outcome::Number(n)
            }
            Op::IterWith { map, ref body } => {
                let map = at(map).try_borrow().ok()?;
                if !map.as_ref()?.all().is_empty() {
                    self.run(body);
                }
                Outcome::Nothing
            }
            Op::IterMutWith { map, add, ref body } => {
                let map = at(map).try_borrow_mut().ok()?;
                let all = map.as_ref()?.all();
                for r in &all {
                    let mut value = r.value.borrow_mut();
                    value.number = value.number.wrapping_add(add.into());
                }
                let any = !all.is_empty();
                drop(all);
                if any {
                    self.run(body);
                }
                Outcome::Nothing
            }
            Op::Hold { r, map, ref body } => {
                let r = Self::pick(&self.refs, r)?;
                let map = at(map).try_borrow().ok()?;
                if map.as_ref()?.generation != r.home {
                    return Some(Outcome::Refused);
                }
                self.run(body);
                Outcome::Nothing
            }
            Op::Reserve { map, .. } => {
                at(map).try_borrow().ok()?.as_ref()?;
                Outcome::Nothing
            }
            Op::Shrink { map } => {
                at(map).try_borrow_mut().ok()?.as_ref()?;
                Outcome::Nothing
            }
            Op::Debug { map } => {
                let map = at(map).try_borrow().ok()?;
                let mut text = String::new();
                for r in map.as_ref()?.all() {
                    write!(text, "k{}: v{}, ", r.key.name, r.value.borrow().number).unwrap();
                }
                Outcome::Number(2 + text.len().saturating_sub(2))
            }
            Op::Arm { .. } | Op::Panic | Op::Lie { .. } | Op::Mood { .. } | Op::Disarm => {
                Outcome::Nothing
            }
        })
    }

    fn add(&self, map: &ModelMap, name: u8, way: Way, stamp: u32) -> Outcome {
        let book = &self.book;
        let found = map.find(name);
        let key = match way {
            Way::FindOrInsertRef | Way::Hashed | Way::EntryRef | Way::EntryHashed
                if found.is_some() =>
            {
                None
            }
            _ => Some(ModelKey::new(book, name, stamp)),
        };
        let value = match way {
            Way::Insert | Way::FindOrInsert => Some(ModelValue::new(book, stamp)),
            Way::TryInsertFails => None,
            _ if found.is_some() => None,
            _ => Some(ModelValue::new(book, stamp)),
        };
        let r = match (found, key, value) {
            (Some(_), Some(_), value) if matches!(way, Way::Insert | Way::InsertWith) => {
                return Outcome::Back(stamp, value.map(|value| value.stamp));
            }
            (Some(r), _, _) => r,
            (None, Some(key), Some(value)) => {
                let r = Rc::new(Node { home: map.generation, key, value: RefCell::new(value) });
                self.all.borrow_mut().push(Rc::downgrade(&r));
                map.entries.borrow_mut().insert(name.into(), Rc::downgrade(&r));
                r
            }
            (None, _, _) => return Outcome::Refused,
        };
        Self::store(&self.handles, (map.generation, Rc::downgrade(&r)));
        self.keep(r)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.maps
            .iter()
            .map(|map| {
                let map = map.borrow();
                let all = map.as_ref()?.all();
                let mut all: Vec<Seen> = all.iter().map(see).collect();
                all.sort();
                Some(all)
            })
            .collect()
    }

    pub(crate) fn refs(&self) -> Vec<(u32, usize)> {
        self.refs.borrow().iter().map(|r| (r.key.stamp, Rc::strong_count(r))).collect()
    }

    /// Breaks cycles, so that the model itself leaks nothing.
    pub(crate) fn finish(self) {
        for node in self.all.take().iter().filter_map(Weak::upgrade) {
            let held = std::mem::take(&mut node.value.borrow_mut().held);
            drop(held);
        }
    }
}

fn see(r: &Rc<Node>) -> Seen {
    let value = r.value.borrow();
    let mut held: Vec<u32> = value.held.iter().map(|r| r.key.stamp).collect();
    held.sort_unstable();
    Seen {
        name: r.key.name,
        key: r.key.stamp,
        value: value.stamp,
        number: value.number,
        count: Rc::strong_count(r) - 1,
        held,
    }
}
