//! What the maps of a machine hold, and the laws that hold between two steps.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::crash::{Key, Map, Mood, Query, R, check};
use super::{Machine, NAMES, Seen, Slot, Snapshot};

impl Machine {
    /// What the maps hold, as far as it shows. Nothing may be armed.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.maps
            .iter()
            .map(|slot| {
                let slot = slot.borrow();
                let map = &slot.as_ref()?.map;
                check(map);
                let mut all: Vec<Seen> = map.iter().map(|r| see(map, &r)).collect();
                all.sort();
                assert_eq!(map.len(), all.len());
                assert_eq!(map.is_empty(), all.is_empty());
                for name in 0..NAMES {
                    let present = all.iter().any(|seen| seen.name == name);
                    let query = Query::new(&self.world, name);
                    assert_eq!(map.contains_key(&query), present);
                    assert_eq!(map.find(&query).is_some(), present);
                }
                Some(all)
            })
            .collect()
    }

    pub(crate) fn refs(&self) -> Vec<(u32, usize)> {
        let refs = self.refs.borrow();
        refs.iter().map(|r| (r.as_key().stamp, r.strong_count())).collect()
    }

    /// Asserts the laws that hold whatever user code did, between two steps.
    pub(crate) fn audit(self: &Rc<Self>) {
        // Every way in which an entry can be held.
        let mut all: Vec<R> = self.refs.borrow().clone();
        all.extend(self.world.held());
        for &raw in &*self.raws.borrow() {
            // SAFETY: a copy of what is in the register, for a moment, under `ManuallyDrop`.
            let r = std::mem::ManuallyDrop::new(unsafe { R::from_raw(raw) });
            all.push((*r).clone());
        }
        let mut tally: BTreeMap<*const Key, (usize, R)> = BTreeMap::new();
        for r in all {
            tally.entry(std::ptr::from_ref(r.as_key())).or_insert((0, r)).0 += 1;
        }
        // By now each entry has the counted `Ref`s, and one that is in `tally`.
        for (count, r) in tally.values() {
            assert_eq!(r.strong_count(), count + 1, "a count is the number of holders");
            let weak = r.downgrade();
            assert!(weak.upgrade().is_some_and(|upgraded| upgraded == *r));
        }
        assert_eq!(self.world.alive_keys(), tally.len(), "what lives is what is held");
        for slot in &self.maps {
            let slot = slot.try_borrow().expect("no map is borrowed between two steps");
            let Some(Slot { map, .. }) = slot.as_ref() else { continue };
            check(map);
            let home: Vec<&R> =
                tally.values().map(|(_, r)| r).filter(|r| r.belongs_to(map)).collect();
            assert_eq!(map.len(), home.len(), "visible if and only if held");
            let mut seen: BTreeSet<_> =
                map.iter().map(|r| std::ptr::from_ref(r.as_key())).collect();
            for r in &home {
                assert!(seen.remove(&std::ptr::from_ref(r.as_key())), "iteration misses nothing");
                assert!(map.resolve(r.handle()).is_some_and(|resolved| resolved == **r));
            }
            assert!(seen.is_empty(), "iteration shows nothing that is gone");
            if self.honest.get() {
                for r in &home {
                    let found = map.find(&Query::new(&self.world, r.as_key().name));
                    assert!(found.is_some_and(|found| found == **r), "one entry a key");
                }
            }
        }
    }

    /// Whether user code told the truth so far.
    pub(crate) fn is_honest(&self) -> bool {
        self.honest.get()
    }

    /// Lets everything go, and asserts that nothing is left.
    pub(crate) fn finish(self: Rc<Self>) {
        let world = self.world.clone();
        world.lie(0);
        world.disarm();
        for raw in self.raws.take() {
            // SAFETY: it came from `into_raw`, and has just left the only register that has it.
            drop(unsafe { R::from_raw(raw) });
        }
        for slot in &self.maps {
            if let Some(Slot { map, .. }) = slot.borrow().as_ref() {
                map.hasher().set_mood(Mood::Fair);
            }
        }
        drop(self.refs.take());
        world.release_all();
        for slot in &self.maps {
            let slot = slot.take();
            if let Some(Slot { map, .. }) = &slot {
                assert_eq!(map.len(), 0, "nobody holds anything");
                check(map);
            }
            drop(slot);
        }
        for weak in self.weaks.take() {
            assert!(weak.upgrade().is_none());
        }
        drop(self);
        world.assert_alive(0);
    }
}

fn see(map: &Map, r: &R) -> Seen {
    let (key, value) = r.key_value(map).expect("the map's own");
    let mut held: Vec<u32> = value.held.borrow().iter().map(|r| r.as_key().stamp).collect();
    held.sort_unstable();
    Seen {
        name: key.name,
        key: key.stamp,
        value: value.stamp,
        number: value.number,
        count: r.strong_count() - 1,
        held,
    }
}
