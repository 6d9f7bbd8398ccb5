//! The feature `serde`: a map serialises as a map, an interned value as the value.

use std::collections::BTreeMap;

use rcmap::{Interner, RcHashMap};

#[test]
fn a_map_serialises_as_a_map_of_what_is_alive() {
    let map: RcHashMap<String, u32> = RcHashMap::new();
    let held: Vec<_> = (0..5).map(|n| map.insert(n.to_string(), n).unwrap()).collect();
    drop(map.insert("gone".to_string(), 9).unwrap());
    assert_eq!(map.len(), 5);

    let text = serde_json::to_string(&map).unwrap();
    let read: BTreeMap<String, u32> = serde_json::from_str(&text).unwrap();
    let expected: BTreeMap<String, u32> = (0..5).map(|n| (n.to_string(), n)).collect();
    assert_eq!(read, expected);
    assert!(held.iter().all(|r| r.strong_count() == 1), "serialising gives back what it held");
}

#[test]
fn an_interned_value_serialises_as_the_value() {
    let names: Interner<Box<str>> = Interner::new();
    let name = names.intern_ref("tau");
    drop(names);
    assert_eq!(serde_json::to_string(&name).unwrap(), "\"tau\"");
}
