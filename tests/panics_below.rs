//! User code that panics in layers 1 and 2.

mod support;

use rcmap::{CountedHashMap, HandleHashMap, PutResult};
use support::{Build, Key, Mood, Point, Query, Value, World, assert_scripted_panic};

#[test]
fn layer_1_survives_a_panic_anywhere_in_insert() {
    for point in [Point::BuildHasher, Point::Hash, Point::Eq, Point::Make] {
        let world = World::new();
        let mut map = HandleHashMap::with_hasher(Build::new(&world, Mood::Constant));
        for name in 0..5 {
            map.insert(Key::new(&world, name), Value::new(&world, name)).unwrap();
        }
        world.panic_at(point, 1);
        assert_scripted_panic(|| {
            map.insert_with(Key::new(&world, 9), || Value::made(&world, 9)).is_ok()
        });
        assert_eq!((map.len(), map.iter().count()), (5, 5));
        world.assert_alive(10);
        let handle = map.insert(Key::new(&world, 9), Value::new(&world, 9)).unwrap();
        assert_eq!(handle.key(&map).unwrap().name, 9);
        drop(map);
        world.assert_alive(0);
    }
}

#[test]
fn a_dropped_layer_1_map_drops_every_entry_whichever_destructor_panics() {
    for point in [Point::DropKey, Point::DropValue] {
        for nth in 1..=5 {
            let world = World::new();
            let mut map = HandleHashMap::with_hasher(Build::new(&world, Mood::Fair));
            for name in 0..5 {
                map.insert(Key::new(&world, name), Value::new(&world, name)).unwrap();
            }
            world.panic_at(point, nth);
            assert_scripted_panic(|| drop(map));
            world.assert_alive(0);
        }
    }
}

#[test]
fn a_dropped_layer_2_map_drops_every_entry_whichever_destructor_panics() {
    for nth in 1..=5 {
        let world = World::new();
        let mut map = CountedHashMap::with_hasher(Build::new(&world, Mood::Fair));
        let handles: Vec<_> = (0..5)
            .map(|name| map.insert(Key::new(&world, name), Value::new(&world, name)).unwrap())
            .collect();
        world.panic_at(Point::DropValue, nth);
        assert_scripted_panic(|| drop(map));
        world.assert_alive(0);
        let mut other =
            CountedHashMap::<Key, Value, _>::with_hasher(Build::new(&world, Mood::Fair));
        for handle in handles {
            assert!(matches!(other.put(handle), PutResult::Live));
        }
    }
}

#[test]
fn layer_2_mints_nothing_when_a_lookup_panics() {
    for point in [Point::BuildHasher, Point::Hash, Point::Eq] {
        let world = World::new();
        let mut map = CountedHashMap::with_hasher(Build::new(&world, Mood::Constant));
        let handle = map.insert(Key::new(&world, 1), Value::new(&world, 1)).unwrap();
        world.panic_at(point, 1);
        assert_scripted_panic(|| map.find(&Query::new(&world, 1)).is_some());
        assert!(matches!(map.put(handle), PutResult::Removed { .. }), "it was the only token");
        assert!(map.is_empty());
        drop(map);
        world.assert_alive(0);
    }
}
