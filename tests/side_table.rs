//! Side tables: what belongs to entries that are gone is never shown, and does not pile up.

use std::collections::HashMap;
use std::rc::Rc;

use proptest::prelude::*;
use rcmap::{CountedHashMap, Handle, HandleHashMap, Interner, PutResult, RcHashMap, SideTable};

#[test]
fn what_belonged_to_a_predecessor_is_never_shown() {
    let map = RcHashMap::<u32, ()>::new();
    let mut table = SideTable::new();
    let first = map.insert(1, ()).unwrap();
    let stale = first.handle();
    table.insert(&first, "first");
    drop(first);
    let second = map.insert(2, ()).unwrap();
    assert_eq!(second.handle().index(), stale.index(), "the slot is used again");
    assert_eq!((table.get(&second), table.get(stale)), (None, Some(&"first")));
    assert_eq!(table.insert(&second, "second"), None);
    assert_eq!((table.get(&second), table.get(stale), table.len()), (Some(&"second"), None, 1));
    assert_eq!(table.insert(stale, "late"), None, "what is stale does not come back");
    assert_eq!((table.get(&second), table.get(stale)), (Some(&"second"), None));
    assert_eq!(table.insert(Handle::default(), "nobody's"), None);
    assert_eq!(table.len(), 1);
}

#[test]
fn stale_data_is_never_in_the_way_of_an_entry_that_lives() {
    let map = RcHashMap::<u32, ()>::new();
    let r = map.insert(1, ()).unwrap();
    // As 2³⁰ uses of the slot ago, or of another map: by its version newer than the entry.
    let newer = Handle::from_bits(r.handle().to_bits() + (1 << 60));
    let mut table = SideTable::new();
    table.insert(newer, "stale");
    assert_eq!(table.insert(r.handle(), "lost"), None, "a handle may be stale itself");
    assert_eq!((table.get(&r), table.get(newer)), (None, Some(&"stale")));
    assert_eq!(table.insert(&r, "new"), None);
    assert_eq!((table.get(&r), table.get(newer)), (Some(&"new"), None));
}

#[test]
fn a_purge_drops_what_is_gone_and_nothing_else() {
    let map = RcHashMap::<u32, ()>::new();
    let mut table = SideTable::new();
    let mut refs: Vec<_> = (0..1000).map(|n| map.insert(n, ()).unwrap()).collect();
    let data = Rc::new(());
    for r in &refs {
        table.insert(r, data.clone());
    }
    let mut n = 0;
    refs.retain(|_| {
        n += 1;
        n % 10 == 0
    });
    assert_eq!(table.purge(&map), 900);
    assert_eq!((table.len(), Rc::strong_count(&data)), (100, 101));
    assert!(refs.iter().all(|r| table.contains_key(r)));
    drop(refs);
    assert_eq!((table.purge(&map), table.len()), (100, 0));
}

#[test]
fn a_table_that_grows_purges_itself() {
    let map = RcHashMap::<u32, ()>::new();
    let mut table = SideTable::new();
    // One stays, so that the slots of the others are not the same again and again.
    let keep: Vec<_> = (0..100).map(|n| map.insert(n, ()).unwrap()).collect();
    let mut most = 0;
    for round in 1..50 {
        let refs: Vec<_> = (0..1000).map(|n| map.insert(round * 1000 + n, ()).unwrap()).collect();
        for r in refs.iter().chain(&keep) {
            table.insert(r, round);
        }
        most = most.max(table.len());
    }
    assert!(most < 4000, "{most} elements for at most 1100 entries");
    assert!(keep.iter().all(|r| table.get(r) == Some(&49)));
}

#[test]
fn growth_drops_what_is_gone_in_maps_with_refs_and_in_interners() {
    let map = RcHashMap::<u32, ()>::new();
    let names = Interner::<u32>::new();
    // In slots of their own, so that nothing is overwritten.
    let mut refs: Vec<_> = (0..4000).map(|n| map.insert(n, ()).unwrap()).collect();
    let mut interned: Vec<_> = (0..4000).map(|n| names.intern(n)).collect();
    let (mut of_refs, mut of_interned) = (SideTable::new(), SideTable::new());
    for (r, interned) in refs.drain(..1000).zip(interned.drain(..1000)) {
        of_refs.insert(&r, 1);
        of_interned.insert(&interned, 1);
    }
    assert_eq!((map.len(), names.len()), (3000, 3000));
    for (r, interned) in refs.iter().zip(&interned) {
        of_refs.insert(r, 1);
        of_interned.insert(interned, 1);
    }
    assert_eq!((of_refs.len(), of_interned.len()), (3000, 3000), "the first thousand are gone");
}

#[test]
fn what_is_stored_can_be_asked_for_and_changed() {
    let map = RcHashMap::<u32, ()>::new();
    let (a, b) = (map.insert(1, ()).unwrap(), map.insert(2, ()).unwrap());
    let mut table = SideTable::new();
    assert!(table.is_empty());
    table.insert(&a, 1);
    assert!(!table.is_empty() && table.contains_key(&a) && !table.contains_key(&b));
    *table.get_mut(&a).unwrap() += 1;
    assert_eq!(table.get_mut(&b), None);
    assert_eq!(table.get(&a), Some(&2));
    assert_eq!(format!("{table:?}"), format!("{{{:?}: 2}}", a.handle()));
}

#[test]
fn every_map_and_every_handle_will_do() {
    let mut plain = HandleHashMap::new();
    let (kept, gone) = (plain.insert(1, 1).unwrap(), plain.insert(2, 2).unwrap());
    let mut table = SideTable::new();
    table.insert(kept, 1);
    table.insert(gone, 2);
    plain.remove(gone);
    assert_eq!((table.purge(&plain), table.get(kept)), (1, Some(&1)));

    let mut counted = CountedHashMap::new();
    let (kept, gone) = (counted.insert(1, 1).unwrap(), counted.insert(2, 2).unwrap());
    let mut table = SideTable::new();
    table.insert(&kept, 1);
    table.insert(&gone, 2);
    assert!(matches!(counted.put(gone), PutResult::Removed { .. }));
    assert_eq!((table.purge(&counted), table.remove(&kept)), (1, Some(1)));
    assert!(matches!(counted.put(kept), PutResult::Removed { .. }));

    let names = Interner::<String>::new();
    let (kept, gone) = (names.intern_ref("a"), names.intern_ref("b"));
    let mut table = SideTable::new();
    table.insert(&kept, 1);
    table.insert(&gone, 2);
    drop(gone);
    assert_eq!((table.purge(&names), table.get(&kept)), (1, Some(&1)));
}

#[test]
fn data_may_hold_refs_to_the_map() {
    let map = RcHashMap::<u32, ()>::new();
    let mut table = SideTable::new();
    let (a, b) = (map.insert(1, ()).unwrap(), map.insert(2, ()).unwrap());
    table.insert(&a, b.clone());
    table.insert(&b, a.clone());
    drop(b);
    drop(a);
    assert_eq!((map.len(), table.purge(&map)), (2, 0), "they hold each other");
    table.clear();
    assert!(map.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_agrees_with_a_map_from_handles(
        ops in prop::collection::vec((0..6u8, 0..12usize, any::<u32>()), 1..300)
    ) {
        let map = RcHashMap::<u32, ()>::new();
        let mut table = SideTable::new();
        let mut model: HashMap<Handle, u32> = HashMap::new();
        let mut refs = Vec::new();
        let mut next = 0;
        for (op, at, value) in ops {
            match op {
                0 | 1 => {
                    next += 1;
                    refs.push(map.insert(next, ()).unwrap());
                }
                2 if !refs.is_empty() => drop(refs.swap_remove(at % refs.len())),
                3 if !refs.is_empty() => {
                    let r = &refs[at % refs.len()];
                    prop_assert_eq!(table.insert(r, value), model.insert(r.handle(), value));
                }
                4 if !refs.is_empty() => {
                    let r = &refs[at % refs.len()];
                    prop_assert_eq!(table.remove(r), model.remove(&r.handle()));
                }
                _ => {
                    table.purge(&map);
                    model.retain(|handle, _| map.contains_handle(*handle));
                    prop_assert_eq!(table.len(), model.len());
                }
            }
            for r in &refs {
                prop_assert_eq!(table.get(r), model.get(&r.handle()));
            }
        }
    }
}
