//! Executes programs on layers 1 and 2, next to models of them.
//!
//! Both read the same language as layer 3; what has no meaning for a layer does nothing.

use std::collections::BTreeMap;

use rcmap::{CountedHandle, CountedHashMap, Handle, HandleHashMap, InsertError, PutResult};

use super::crash::{Build, Key, Mood, Query, Value, World};
use super::op::{self, Op, REGISTERS, Way};

/// A model's entry: stamp of the key, stamp of the value, number.
type Entry = (u32, u32, u32);

fn adds_lazily(way: Way) -> bool {
    !matches!(way, Way::Insert | Way::FindOrInsert)
}

/// A map of layer 1, and what should be in it.
struct HandleMachine {
    world: World,
    map: HandleHashMap<Key, Value, Build>,
    /// What it should hold, by name.
    model: BTreeMap<u32, (Handle, Entry)>,
    handles: Vec<Handle>,
    /// Handles of other maps: they may name anything here.
    foreign: Vec<Handle>,
}

impl HandleMachine {
    fn new(world: &World, mood: Mood, room: u8, foreign: Vec<Handle>) -> Self {
        let hasher = Build::new(world, mood);
        Self {
            world: world.clone(),
            map: HandleHashMap::with_capacity_and_hasher(room.into(), hasher),
            model: BTreeMap::new(),
            handles: Vec::new(),
            foreign,
        }
    }

    fn pick(&self, n: u8) -> Option<Handle> {
        let n = usize::from(n);
        if self.handles.is_empty() { None } else { Some(self.handles[n % self.handles.len()]) }
    }

    fn name_of(&self, handle: Handle) -> Option<u32> {
        self.model.iter().find(|(_, (other, _))| *other == handle).map(|(name, _)| *name)
    }

    fn remember(&mut self, handle: Handle) {
        if self.handles.len() < 2 * REGISTERS {
            self.handles.push(handle);
        }
    }

    fn step(&mut self, op: &Op, stamp: u32) {
        let world = self.world.clone();
        match *op {
            Op::NewMap { mood, room, .. } => {
                let foreign = std::mem::take(&mut self.handles);
                let new = Self::new(&world, op::mood(mood), room, foreign);
                drop(std::mem::replace(self, new));
                world.assert_alive(0);
            }
            Op::Add { name, way, .. } => {
                let key = Key::stamped(&world, name.into(), stamp);
                let known = self.model.get(&name.into()).copied();
                let inserted = if adds_lazily(way) {
                    let made = self.map.insert_with(key, || Value::made(&world, stamp));
                    made.map_err(|InsertError { key, value: () }| key)
                } else {
                    self.map.insert(key, Value::new(&world, stamp)).map_err(|back| {
                        assert_eq!(back.value.stamp, stamp, "the value comes back");
                        back.key
                    })
                };
                match (inserted, known) {
                    (Ok(handle), None) => {
                        assert!(!self.handles.contains(&handle), "no handle is given out twice");
                        self.model.insert(name.into(), (handle, (stamp, stamp, stamp)));
                        self.remember(handle);
                    }
                    (Err(key), Some(_)) => assert_eq!(key.stamp, stamp, "the key comes back"),
                    (inserted, known) => panic!("{inserted:?} against {known:?}"),
                }
            }
            Op::Find { name, .. } | Op::Contains { name, .. } | Op::FindHashed { name, .. } => {
                let query = Query::new(&world, name.into());
                let known = self.model.get(&name.into()).map(|(handle, _)| *handle);
                assert_eq!(self.map.find(&query), known);
                assert_eq!(self.map.contains_key(&query), known.is_some());
            }
            Op::DropRef { r } | Op::TryUnwrap { r } => {
                let Some(handle) = self.pick(r) else { return };
                let known = self.name_of(handle);
                let known = known.and_then(|name| Some((name, self.model.remove(&name)?)));
                let removed = self.map.remove(handle);
                assert_eq!(removed.is_some(), known.is_some());
                if let (Some((key, value)), Some((name, (_, entry)))) = (removed, known) {
                    assert_eq!((key.name, key.stamp), (name, entry.0));
                    assert_eq!((value.stamp, value.number), (entry.1, entry.2));
                }
            }
            Op::Read { r, .. } | Op::Resolve { handle: r } => {
                let Some(handle) = self.pick(r) else { return };
                let known = self.name_of(handle).map(|name| self.model[&name].1);
                let key = handle.key(&self.map).map(|key| key.stamp);
                let value = handle.value(&self.map).map(|value| (value.stamp, value.number));
                assert_eq!(key, known.map(|known| known.0));
                assert_eq!(value, known.map(|known| (known.1, known.2)));
            }
            Op::Replace { r, .. } => {
                let Some(handle) = self.pick(r) else { return };
                let known = self.name_of(handle);
                match (handle.value_mut(&mut self.map), known) {
                    (Some(value), Some(name)) => {
                        *value = Value::new(&world, stamp);
                        let entry = &mut self.model.get_mut(&name).expect("known").1;
                        (entry.1, entry.2) = (stamp, stamp);
                    }
                    (None, None) => {}
                    _ => panic!("a handle names an entry if and only if it is there"),
                }
            }
            Op::IterMutWith { add, .. } => {
                for (handle, _, value) in &mut self.map {
                    assert!(
                        handle
                            .key(&HandleHashMap::<Key, Value, Build>::with_hasher(Build::new(
                                &world,
                                Mood::Fair
                            )))
                            .is_none()
                    );
                    value.number = value.number.wrapping_add(add.into());
                }
                for (_, entry) in self.model.values_mut() {
                    entry.2 = entry.2.wrapping_add(add.into());
                }
            }
            Op::Reserve { room, .. } => {
                self.map.reserve(room.into());
                assert!(self.map.capacity() >= self.map.len() + usize::from(room));
            }
            Op::Shrink { .. } => self.map.shrink_to_fit(),
            Op::Same { a, .. } => {
                if self.foreign.is_empty() {
                    return;
                }
                // Never unsafe; what it names is not said.
                let foreign = self.foreign[usize::from(a) % self.foreign.len()];
                let key = foreign.key(&self.map).map(|key| key.stamp);
                assert!(key.is_none_or(|key| self.model.values().any(|(_, entry)| entry.0 == key)));
                assert_eq!(foreign.value(&self.map).is_some(), key.is_some());
            }
            _ => {}
        }
    }

    fn compare(&self) {
        #[cfg(any(fuzzing, debug_assertions))]
        self.map.check_invariants();
        assert_eq!(self.map.len(), self.model.len());
        assert_eq!(self.map.iter().len(), self.model.len());
        let mut seen = BTreeMap::new();
        for (handle, key, value) in &self.map {
            let entry = (handle, (key.stamp, value.stamp, value.number));
            assert!(seen.insert(key.name, entry).is_none(), "one entry a key");
        }
        assert_eq!(seen, self.model);
        self.world.assert_alive(2 * self.model.len());
    }
}

/// Runs a program on layer 1 and its model.
pub(crate) fn handle_model(program: &[Op]) {
    let world = World::new();
    let mut machine = HandleMachine::new(&world, Mood::Fair, 0, Vec::new());
    for (op, stamp) in program.iter().zip(1000..) {
        machine.step(op, stamp);
        machine.compare();
    }
    drop(machine);
    world.assert_alive(0);
}

/// A map of layer 2, what should be in it, and the handles that are out.
struct CountedMachine {
    world: World,
    map: CountedHashMap<Key, Value, Build>,
    model: BTreeMap<u32, Entry>,
    handles: Vec<(u32, CountedHandle)>,
}

impl CountedMachine {
    fn new(world: &World, mood: Mood, room: u8) -> Self {
        let hasher = Build::new(world, mood);
        Self {
            world: world.clone(),
            map: CountedHashMap::with_capacity_and_hasher(room.into(), hasher),
            model: BTreeMap::new(),
            handles: Vec::new(),
        }
    }

    fn count(&self, name: u32) -> usize {
        self.handles.iter().filter(|(other, _)| *other == name).count()
    }

    fn pick(&self, n: u8) -> Option<&(u32, CountedHandle)> {
        let n = usize::from(n);
        if self.handles.is_empty() { None } else { Some(&self.handles[n % self.handles.len()]) }
    }

    fn keep(&mut self, name: u32, handle: CountedHandle) {
        self.handles.push((name, handle));
        if self.handles.len() > REGISTERS {
            self.put(0);
        }
    }

    fn put(&mut self, n: u8) {
        if self.handles.is_empty() {
            return;
        }
        let position = usize::from(n) % self.handles.len();
        let (name, handle) = self.handles.remove(position);
        let last = self.count(name) == 0;
        match self.map.put(handle) {
            PutResult::Live => assert!(!last, "the last token removes the entry"),
            PutResult::Removed { key, value } => {
                assert!(last, "only the last token removes the entry");
                let entry = self.model.remove(&name).expect("known");
                assert_eq!((key.name, key.stamp), (name, entry.0));
                assert_eq!((value.stamp, value.number), (entry.1, entry.2));
            }
        }
    }

    fn clear(&mut self) {
        while !self.handles.is_empty() {
            self.put(0);
        }
        assert!(self.map.is_empty(), "no tokens, no entries");
        self.world.assert_alive(0);
    }

    fn step(&mut self, op: &Op, stamp: u32) {
        let world = self.world.clone();
        match *op {
            Op::NewMap { mood, room, .. } => {
                self.clear();
                *self = Self::new(&world, op::mood(mood), room);
            }
            Op::DropMap { .. } => {
                // Its entries go with it; the handles that are left name nothing anywhere.
                let handles = std::mem::take(&mut self.handles);
                *self = Self::new(&world, Mood::Fair, 0);
                world.assert_alive(0);
                for (_, handle) in handles {
                    assert!(matches!(self.map.put(handle), PutResult::Live));
                }
            }
            Op::Add { name, way, .. } => {
                let name = u32::from(name);
                let key = Key::stamped(&world, name, stamp);
                let known = self.model.contains_key(&name);
                let inserted = if adds_lazily(way) {
                    let made = self.map.insert_with(key, || Value::made(&world, stamp));
                    made.map_err(|InsertError { key, value: () }| key)
                } else {
                    self.map.insert(key, Value::new(&world, stamp)).map_err(|back| {
                        assert_eq!(back.value.stamp, stamp, "the value comes back");
                        back.key
                    })
                };
                assert_eq!(inserted.is_err(), known);
                match inserted {
                    Ok(handle) => {
                        self.model.insert(name, (stamp, stamp, stamp));
                        self.keep(name, handle);
                    }
                    Err(key) => assert_eq!(key.stamp, stamp, "the key comes back"),
                }
            }
            Op::Find { name, .. } | Op::FindHashed { name, .. } => {
                let name = u32::from(name);
                let found = self.map.find(&Query::new(&world, name));
                assert_eq!(found.is_some(), self.model.contains_key(&name));
                if let Some(handle) = found {
                    self.keep(name, handle);
                }
            }
            Op::Contains { name, .. } => {
                let name = u32::from(name);
                let present = self.map.contains_key(&Query::new(&world, name));
                assert_eq!(present, self.model.contains_key(&name));
            }
            Op::CloneRef { r } => {
                let Some((name, handle)) = self.pick(r) else { return };
                let (name, minted) = (*name, self.map.get(handle));
                assert_eq!(minted.handle(), handle.handle());
                self.keep(name, minted);
            }
            Op::DropRef { r } | Op::TryUnwrap { r } => self.put(r),
            Op::Read { r, .. } => {
                let Some((name, handle)) = self.pick(r) else { return };
                let entry = self.model[name];
                assert_eq!(handle.key(&self.map).map(|key| key.stamp), Some(entry.0));
                let value = handle.value(&self.map).map(|value| (value.stamp, value.number));
                assert_eq!(value, Some((entry.1, entry.2)));
            }
            Op::Replace { r, .. } => {
                let n = usize::from(r);
                if self.handles.is_empty() {
                    return;
                }
                let (name, handle) = &self.handles[n % self.handles.len()];
                let value = handle.value_mut(&mut self.map).expect("it has a token");
                *value = Value::new(&world, stamp);
                let entry = self.model.get_mut(name).expect("known");
                (entry.1, entry.2) = (stamp, stamp);
            }
            Op::IterMutWith { add, .. } => {
                for (_, _, value) in &mut self.map {
                    value.number = value.number.wrapping_add(add.into());
                }
                for entry in self.model.values_mut() {
                    entry.2 = entry.2.wrapping_add(add.into());
                }
            }
            Op::Reserve { room, .. } => {
                self.map.reserve(room.into());
                assert!(self.map.capacity() >= self.map.len() + usize::from(room));
            }
            Op::Shrink { .. } => self.map.shrink_to_fit(),
            _ => {}
        }
    }

    fn compare(&self) {
        #[cfg(any(fuzzing, debug_assertions))]
        self.map.check_invariants();
        let mut seen = BTreeMap::new();
        for (_, key, value) in &self.map {
            let entry = (key.stamp, value.stamp, value.number);
            assert!(seen.insert(key.name, entry).is_none(), "one entry a key");
        }
        assert_eq!(seen, self.model);
        assert_eq!(self.map.len(), self.model.len());
        for name in self.model.keys() {
            assert!(self.count(*name) > 0, "an entry has a token out");
        }
        self.world.assert_alive(2 * self.model.len());
    }
}

impl Drop for CountedMachine {
    fn drop(&mut self) {
        // Tokens must not be lost, also when an assertion has failed.
        for (_, handle) in self.handles.drain(..) {
            drop(self.map.put(handle));
        }
    }
}

/// Runs a program on layer 2 and its model.
pub(crate) fn counted_model(program: &[Op]) {
    let world = World::new();
    let mut machine = CountedMachine::new(&world, Mood::Fair, 0);
    for (op, stamp) in program.iter().zip(1000..) {
        machine.step(op, stamp);
        machine.compare();
    }
    machine.clear();
    drop(machine);
    world.assert_alive(0);
}
