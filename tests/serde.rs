//! The feature `serde`: a map serialises as a map, an interned value as the value.

use std::collections::BTreeMap;

use rcmap::{Interner, RcHashMap};
use serde::de::DeserializeSeed;

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

#[test]
fn a_map_is_read_into_a_map_as_refs() {
    let map: RcHashMap<String, u32> = RcHashMap::new();
    let first = map.insert("first".to_string(), 1).unwrap();
    let text = r#"{"a": 2, "b": 3}"#;
    let refs = (&map).deserialize(&mut serde_json::Deserializer::from_str(text)).unwrap();
    assert_eq!(map.len(), 3);
    let read: Vec<_> =
        refs.iter().map(|r| (r.as_key().as_str(), *r.value(&map).unwrap())).collect();
    assert_eq!(read, [("a", 2), ("b", 3)]);
    drop((refs, first));
    assert!(map.is_empty());
}

#[test]
fn data_with_a_key_that_is_there_leaves_the_map_as_it_was() {
    let map: RcHashMap<String, u32> = RcHashMap::new();
    let first = map.insert("first".to_string(), 1).unwrap();
    for text in [
        r#"{"a": 2, "first": 3}"#,
        r#"{"a": 2, "a": 3}"#,
        r#"{"a": 2, "b": "#,
        "[1]",
        "{\"a\": null}",
    ] {
        let read = (&map).deserialize(&mut serde_json::Deserializer::from_str(text));
        assert!(read.is_err(), "{text}");
        assert_eq!((map.len(), first.value(&map)), (1, Ok(&1)));
    }
}

#[test]
fn a_value_is_read_into_an_interner() {
    let names: Interner<Box<str>> = Interner::new();
    let tau = names.intern_ref("tau");
    let read = (&names).deserialize(&mut serde_json::Deserializer::from_str("\"tau\"")).unwrap();
    assert!(read == tau);
    assert!((&names).deserialize(&mut serde_json::Deserializer::from_str("1")).is_err());
    assert_eq!(names.len(), 1);
}
