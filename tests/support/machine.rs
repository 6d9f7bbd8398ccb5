//! Executes programs on real maps of layer 3, and audits them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rcmap::{Entry, Equivalent, Handle, InsertError, RawRef};

mod audit;

use super::crash::{
    Build, Key, Map, Mood, Point, Query, R, Value, W, World, attempt, check, scripted_panic,
};
use super::op::{self, MAPS, Op, REGISTERS, Way};

/// What one step showed. Machines and models have to agree on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Nothing,
    /// There was nothing to do it to, or it is borrowed.
    Skipped,
    Flag(bool),
    Number(usize),
    /// The key of an entry, and its count.
    Entry {
        name: u32,
        key: u32,
        count: usize,
    },
    /// A value and its number.
    Value {
        stamp: u32,
        number: u32,
    },
    /// Key and value that came back, by stamp.
    Back(u32, Option<u32>),
    Refused,
}

/// An entry as a snapshot sees it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Seen {
    pub(crate) name: u32,
    pub(crate) key: u32,
    pub(crate) value: u32,
    pub(crate) number: u32,
    pub(crate) count: usize,
    /// The keys of what the value holds.
    pub(crate) held: Vec<u32>,
}

/// All entries of all maps.
pub(crate) type Snapshot = Vec<Option<Vec<Seen>>>;

/// Names that programs use.
pub(crate) const NAMES: u32 = 12;

struct Slot {
    map: Map,
    generation: u32,
}

/// Real maps, and the registers of a program.
pub(crate) struct Machine {
    pub(crate) world: World,
    polite: bool,
    honest: Cell<bool>,
    maps: [RefCell<Option<Slot>>; MAPS],
    refs: RefCell<Vec<R>>,
    weaks: RefCell<Vec<W>>,
    raws: RefCell<Vec<RawRef<Key, Value, Build>>>,
    handles: RefCell<Vec<(u32, Handle)>>,
    clock: Cell<u32>,
    generations: Cell<u32>,
}

impl Machine {
    pub(crate) fn new(polite: bool) -> Rc<Self> {
        let machine = Rc::new(Self {
            world: World::new(),
            polite,
            honest: Cell::new(true),
            maps: Default::default(),
            refs: RefCell::default(),
            weaks: RefCell::default(),
            raws: RefCell::default(),
            handles: RefCell::default(),
            clock: Cell::new(1000),
            generations: Cell::new(0),
        });
        for map in 0..MAPS as u8 {
            machine.step(&Op::NewMap { map, mood: map % 2, room: 0 });
        }
        machine
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

    /// Puts into a register; if there is none, hands back.
    fn store<T>(to: &RefCell<Vec<T>>, item: T) {
        let mut to = to.borrow_mut();
        if to.len() < REGISTERS {
            to.push(item);
            return;
        }
        // User code may run.
        drop(to);
        drop(item);
    }

    fn keep(&self, r: R) -> Outcome {
        let key = r.as_key();
        let outcome = Outcome::Entry { name: key.name, key: key.stamp, count: r.strong_count() };
        Self::store(&self.refs, r);
        outcome
    }

    fn note_handle(&self, slot: &Slot, r: &R) {
        Self::store(&self.handles, (slot.generation, r.handle()));
    }

    fn query(&self, name: u8, stamp: u32) -> Query {
        Query { world: self.world.clone(), name: name.into(), stamp }
    }

    /// Runs with the map that an entry is of, if it is there and not borrowed mutably.
    fn with_home<T>(&self, r: &R, run: impl FnOnce(&Map) -> T) -> Option<T> {
        for slot in &self.maps {
            let Ok(guard) = slot.try_borrow() else { continue };
            if let Some(slot) = guard.as_ref().filter(|slot| r.belongs_to(&slot.map)) {
                return Some(run(&slot.map));
            }
        }
        None
    }

    /// Executes one operation, and whatever is armed for what it does.
    pub(crate) fn step(self: &Rc<Self>, op: &Op) -> Outcome {
        self.clock.set(self.clock.get() + 1);
        self.try_step(op, self.clock.get()).unwrap_or(Outcome::Skipped)
    }

    fn run(self: &Rc<Self>, body: &[Op]) {
        for op in body {
            self.step(op);
        }
    }

    fn try_step(self: &Rc<Self>, op: &Op, stamp: u32) -> Option<Outcome> {
        let world = &self.world;
        let at = |map: u8| &self.maps[usize::from(map) % MAPS];
        Some(match *op {
            Op::NewMap { map, mood, room } => {
                let mut slot = at(map).try_borrow_mut().ok()?;
                let hasher = Build::new(world, op::mood(mood));
                self.generations.set(self.generations.get() + 1);
                let map = Map::with_capacity_and_hasher(room.into(), hasher);
                let old = slot.replace(Slot { map, generation: self.generations.get() });
                drop(slot);
                drop(old);
                Outcome::Nothing
            }
            Op::DropMap { map } => {
                let mut slot = at(map).try_borrow_mut().ok()?;
                let old = slot.take();
                drop(slot);
                drop(old);
                Outcome::Nothing
            }
            Op::Add { map, name, way } => {
                let slot = at(map).try_borrow().ok()?;
                self.add(slot.as_ref()?, name, way, stamp)
            }
            Op::Find { map, name } => {
                let slot = at(map).try_borrow().ok()?;
                let slot = slot.as_ref()?;
                let Some(r) = slot.map.find(&self.query(name, stamp)) else {
                    return Some(Outcome::Refused);
                };
                self.note_handle(slot, &r);
                self.keep(r)
            }
            Op::FindHashed { map, name } => {
                let slot = at(map).try_borrow().ok()?;
                let slot = slot.as_ref()?;
                let query = self.query(name, stamp);
                let hash = slot.map.hash(&query);
                match slot.map.find_hashed(hash, |key| query.equivalent(key)) {
                    Some(r) => self.keep(r),
                    None => Outcome::Refused,
                }
            }
            Op::Contains { map, name } => {
                let slot = at(map).try_borrow().ok()?;
                Outcome::Flag(slot.as_ref()?.map.contains_key(&self.query(name, stamp)))
            }
            Op::Resolve { handle } => {
                let (generation, handle) = Self::pick(&self.handles, handle)?;
                let slot = self.maps.iter().find_map(|slot| {
                    let slot = slot.try_borrow().ok()?;
                    let home = slot.as_ref().is_some_and(|slot| slot.generation == generation);
                    home.then_some(slot)
                })?;
                match slot.as_ref()?.map.resolve(handle) {
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
                match r.try_unwrap() {
                    Ok((key, value)) => {
                        let outcome = Outcome::Back(key.stamp, Some(value.stamp));
                        drop(key);
                        drop(value);
                        outcome
                    }
                    Err(r) => {
                        Self::store(&self.refs, r);
                        Outcome::Refused
                    }
                }
            }
            Op::IntoRaw { r } => {
                if self.raws.borrow().len() >= REGISTERS {
                    return None;
                }
                let r = Self::take(&self.refs, r)?;
                self.raws.borrow_mut().push(r.into_raw());
                Outcome::Nothing
            }
            Op::FromRaw { raw } => {
                let raw = Self::take(&self.raws, raw)?;
                // SAFETY: it came from `into_raw`, and has just left the only register that has it.
                let r = unsafe { R::from_raw(raw) };
                self.keep(r)
            }
            Op::Downgrade { r } => {
                let r = Self::pick(&self.refs, r)?;
                Self::store(&self.weaks, r.downgrade());
                Outcome::Nothing
            }
            Op::Upgrade { weak } => {
                let weak = Self::pick(&self.weaks, weak)?;
                match weak.upgrade() {
                    Some(r) => self.keep(r),
                    None => Outcome::Refused,
                }
            }
            Op::DropWeak { weak } => {
                drop(Self::take(&self.weaks, weak)?);
                Outcome::Nothing
            }
            Op::Read { r, map } => {
                let r = Self::pick(&self.refs, r)?;
                let slot = at(map).try_borrow().ok()?;
                let map = &slot.as_ref()?.map;
                assert_eq!(r.value(map).is_ok(), r.belongs_to(map));
                match r.key_value(map) {
                    Ok((key, value)) => {
                        assert!(std::ptr::eq(key, r.as_key()));
                        Outcome::Value { stamp: value.stamp, number: value.number }
                    }
                    Err(_) => Outcome::Refused,
                }
            }
            Op::Replace { r, map } => {
                let r = Self::pick(&self.refs, r)?;
                let mut slot = at(map).try_borrow_mut().ok()?;
                match r.value_mut(&mut slot.as_mut()?.map) {
                    Ok(value) => {
                        let old = value.stamp;
                        *value = Value::new(world, stamp);
                        Outcome::Value { stamp: old, number: value.number }
                    }
                    Err(_) => Outcome::Refused,
                }
            }
            Op::Disjoint { map, refs } => {
                let [a, b, c] = refs.map(|r| Self::pick(&self.refs, r));
                let (a, b, c) = (a?, b?, c?);
                let mut slot = at(map).try_borrow_mut().ok()?;
                match slot.as_mut()?.map.get_disjoint_mut([&a, &b, &c]) {
                    Ok([a, b, c]) => {
                        (a.number, b.number, c.number) = (b.number, c.number, a.number);
                        Outcome::Nothing
                    }
                    Err(error) => Outcome::Number(error.index),
                }
            }
            Op::Link { from, to } => {
                let from = Self::pick(&self.refs, from)?;
                let to = Self::pick(&self.refs, to)?;
                let held =
                    self.with_home(&from, |map| Rc::clone(&from.value(map).unwrap().held))?;
                let mut held = held.borrow_mut();
                if held.len() >= 4 {
                    return None;
                }
                held.push(to);
                Outcome::Nothing
            }
            Op::Unlink { from } => {
                let from = Self::pick(&self.refs, from)?;
                self.with_home(&from, |map| {
                    // Dropped while the value is borrowed.
                    let value = from.value(map).unwrap();
                    let held = value.held.take();
                    let n = held.len();
                    drop(held);
                    Outcome::Value { stamp: value.stamp, number: n as u32 }
                })?
            }
            Op::Same { a, b } => {
                let (a, b) = (Self::pick(&self.refs, a)?, Self::pick(&self.refs, b)?);
                let same = a == b;
                assert_eq!(same, std::ptr::eq(a.as_key(), b.as_key()));
                assert!(!same || a.handle() == b.handle());
                Outcome::Flag(same)
            }
            Op::Collect { map } => {
                let slot = at(map).try_borrow().ok()?;
                let all: Vec<R> = slot.as_ref()?.map.iter().collect();
                let n = all.len();
                // In an order that does not depend on the map's.
                let mut all: Vec<(u32, R)> =
                    all.into_iter().map(|r| (r.as_key().stamp, r)).collect();
                all.sort_by_key(|(stamp, _)| *stamp);
                for (_, r) in all {
                    Self::store(&self.refs, r);
                }
                Outcome::Number(n)
            }
            Op::IterWith { map, ref body } => {
                let slot = at(map).try_borrow().ok()?;
                self.iterate(&slot.as_ref()?.map, body)
            }
            Op::IterMutWith { map, add, ref body } => {
                let mut slot = at(map).try_borrow_mut().ok()?;
                let mut visited = BTreeSet::new();
                for mut entry in &mut slot.as_mut()?.map {
                    entry.number = entry.number.wrapping_add(add.into());
                    let (key, number) = (entry.key().stamp, entry.number);
                    assert!(visited.insert(key), "an entry is visited at most once");
                    let mut held = Some(entry);
                    if visited.len() == 1 {
                        // A model cannot know which entry comes first, so it is not held there.
                        if self.polite {
                            held = None;
                        }
                        self.run(body);
                    }
                    if let Some(entry) = held {
                        assert_eq!((entry.key().stamp, entry.number), (key, number));
                    }
                }
                Outcome::Nothing
            }
            Op::Hold { r, map, ref body } => {
                let r = Self::pick(&self.refs, r)?;
                let slot = at(map).try_borrow().ok()?;
                let Ok((key, value)) = r.key_value(&slot.as_ref()?.map) else {
                    return Some(Outcome::Refused);
                };
                let before = (key.name, key.stamp, value.stamp, value.number);
                self.run(body);
                assert_eq!((key.name, key.stamp, value.stamp, value.number), before);
                let (k, v) = r.key_value(&slot.as_ref()?.map).unwrap();
                assert!(std::ptr::eq(k, key) && std::ptr::eq(v, value), "entries never move");
                Outcome::Nothing
            }
            Op::Reserve { map, room } => {
                let slot = at(map).try_borrow().ok()?;
                let map = &slot.as_ref()?.map;
                map.reserve(room.into());
                assert!(map.capacity() >= map.len() + usize::from(room) || !self.polite);
                Outcome::Nothing
            }
            Op::Shrink { map } => {
                let mut slot = at(map).try_borrow_mut().ok()?;
                slot.as_mut()?.map.shrink_to_fit();
                Outcome::Nothing
            }
            Op::Debug { map } => {
                let slot = at(map).try_borrow().ok()?;
                Outcome::Number(format!("{:?}", slot.as_ref()?.map).len())
            }
            Op::Arm { point, nth, ref op } => {
                self.arm(point, nth, (**op).clone());
                Outcome::Nothing
            }
            Op::Panic => {
                scripted_panic();
                Outcome::Nothing
            }
            Op::Lie { times } => {
                self.honest.set(false);
                world.lie(times.into());
                Outcome::Nothing
            }
            Op::Mood { map, mood } => {
                let slot = at(map).try_borrow().ok()?;
                self.honest.set(false);
                slot.as_ref()?.map.hasher().set_mood(op::mood(mood));
                Outcome::Nothing
            }
            Op::Disarm => {
                world.disarm();
                Outcome::Nothing
            }
        })
    }

    fn arm(self: &Rc<Self>, point: Point, nth: u8, op: Op) {
        let machine = Rc::clone(self);
        self.world.at(point, nth.max(1).into(), move || {
            if std::thread::panicking() {
                // A second panic would end the process.
                drop(attempt(|| machine.step(&op)));
            } else {
                machine.step(&op);
            }
        });
    }

    fn add(self: &Rc<Self>, slot: &Slot, name: u8, way: Way, stamp: u32) -> Outcome {
        let world = &self.world;
        let map = &slot.map;
        let key = || Key::stamped(world, name.into(), stamp);
        let made = || Value::made(world, stamp);
        let query = self.query(name, stamp);
        let r = match way {
            Way::Insert => match map.insert(key(), Value::new(world, stamp)) {
                Ok(r) => r,
                Err(InsertError { key, value }) => {
                    return Outcome::Back(key.stamp, Some(value.stamp));
                }
            },
            Way::InsertWith => match map.insert_with(key(), made) {
                Ok(r) => r,
                Err(InsertError { key, value: () }) => return Outcome::Back(key.stamp, None),
            },
            Way::FindOrInsert => map.find_or_insert(key(), Value::new(world, stamp)),
            Way::FindOrInsertWith => map.find_or_insert_with(key(), |_| made()),
            Way::FindOrInsertRef => map.find_or_insert_ref(&query, |_| made()),
            Way::TryInsert => match map.find_or_try_insert_with(key(), |_| Ok::<_, ()>(made())) {
                Ok(r) => r,
                Err(()) => return Outcome::Refused,
            },
            Way::TryInsertFails => {
                let fails = |_: &Key| {
                    world.visit(Point::Make);
                    Err(())
                };
                match map.find_or_try_insert_with(key(), fails) {
                    Ok(r) => r,
                    Err(()) => return Outcome::Refused,
                }
            }
            Way::Hashed => {
                let hash = map.hash(&query);
                map.find_or_insert_hashed_with(
                    hash,
                    |key| query.equivalent(key),
                    || (key(), made()),
                )
            }
            Way::Entry => match map.entry(key()) {
                Entry::Occupied(r) => r,
                Entry::Vacant(vacant) => {
                    let value = made();
                    vacant.insert(value)
                }
            },
            Way::EntryRef => match map.entry_ref(&query) {
                Entry::Occupied(r) => r,
                Entry::Vacant(vacant) => {
                    let (key, value) = (key(), made());
                    vacant.insert_with_key(key, value)
                }
            },
            Way::EntryHashed => {
                match map.entry_hashed(map.hash(&query), |key| query.equivalent(key)) {
                    Entry::Occupied(r) => r,
                    Entry::Vacant(vacant) => {
                        let (key, value) = (key(), made());
                        vacant.insert(key, value)
                    }
                }
            }
        };
        self.note_handle(slot, &r);
        self.keep(r)
    }

    fn iterate(self: &Rc<Self>, map: &Map, body: &[Op]) -> Outcome {
        let keys = || -> BTreeSet<u32> { map.iter().map(|r| r.as_key().stamp).collect() };
        let before = keys();
        let mut visited = BTreeSet::new();
        for r in map {
            assert!(visited.insert(r.as_key().stamp), "an entry is visited at most once");
            let mut held = Some(r);
            if visited.len() == 1 {
                // A model cannot know which entry comes first, so it is not held there.
                if self.polite {
                    held = None;
                }
                self.run(body);
            }
            drop(held);
        }
        let throughout = before.intersection(&keys()).copied().collect::<BTreeSet<_>>();
        assert!(visited.is_superset(&throughout), "what lives all the time is visited");
        Outcome::Nothing
    }
}
