//! The public surface: signatures, sizes, bounds, errors, the raw tier, and how often keys are hashed.

mod support;

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Debug;
use std::hash::{BuildHasher, Hash, RandomState};
use std::rc::Rc;

use rcmap::{
    Count, CountedHashMap, DefaultHashBuilder, DisjointError, EntryMut, Equivalent, Handle,
    HandleHashMap, InsertError, PutResult, RawRef, RcHashMap, Ref, TryReserveError, WeakRef,
    WrongMap,
};
use support::{Build, Key, Mood, Point, Query, Value, World, check, map_of, put};

/// Implements nothing at all.
struct Bare;

const WORD: usize = size_of::<usize>();

#[test]
fn refs_have_one_word_and_a_niche() {
    assert_eq!(size_of::<Ref<String, String>>(), WORD);
    assert_eq!(size_of::<Option<Ref<String, String>>>(), WORD);
    assert_eq!(size_of::<Ref<(), ()>>(), WORD);
    assert_eq!(size_of::<Ref<Bare, [u64; 100], RandomState>>(), WORD);
    assert_eq!(size_of::<RawRef<String, String>>(), WORD);
    assert_eq!(size_of::<Option<RawRef<String, String>>>(), WORD);
    assert_eq!(size_of::<WeakRef<String, String>>(), WORD + 8);
    assert_eq!(size_of::<Option<WeakRef<String, String>>>(), WORD + 8);
}

#[test]
fn handles_have_eight_bytes_and_a_niche() {
    fn is<T: Copy + Eq + Ord + Hash + Debug>() {}
    is::<Handle>();
    assert_eq!((size_of::<Handle>(), size_of::<Option<Handle>>()), (8, 8));
}

#[test]
fn an_empty_map_of_every_layer_needs_no_bounds() {
    let rc = RcHashMap::<Bare, Bare, Bare>::with_hasher(Bare);
    let counted = CountedHashMap::<Bare, Bare, Bare>::with_hasher(Bare);
    let handle = HandleHashMap::<Bare, Bare, Bare>::with_hasher(Bare);
    assert_eq!((rc.len(), counted.len(), handle.len()), (0, 0, 0));
    assert!(rc.is_empty() && counted.is_empty() && handle.is_empty());
    assert_eq!((rc.capacity(), counted.capacity(), handle.capacity()), (0, 0, 0));
    let _: (&Bare, &Bare, &Bare) = (rc.hasher(), counted.hasher(), handle.hasher());
    assert_eq!((rc.iter().count(), counted.iter().count(), handle.iter().count()), (0, 0, 0));
    rc.reserve(10);
    assert!(rc.try_reserve(20).is_ok() && rc.capacity() >= 20);
}

#[test]
fn what_refs_do_needs_no_bounds() {
    // The raw tier needs neither `Hash` nor `Eq` nor a hasher.
    let mut map = RcHashMap::<Bare, Bare, Bare>::with_hasher(Bare);
    let r = map.find_or_insert_hashed_with(7, |_| true, || (Bare, Bare));
    assert!(map.find_hashed(7, |_| true).is_some_and(|found| found == r));
    assert!(map.find_hashed(7, |_| false).is_none());
    let weak = r.downgrade();
    assert!(weak.upgrade().is_some() && map.resolve(r.handle()).is_some());
    assert!(r.key_value(&map).is_ok() && r.value_mut(&mut map).is_ok());
    assert!(map.get_disjoint_mut([&r]).is_ok());
    let text = format!("{r:?} {weak:?} {:?} {:?}", map.iter(), r.handle());
    assert!(!text.is_empty());
    map.shrink_to_fit();
    let raw: RawRef<_, _, _> = r.into_raw();
    assert!(!format!("{raw:?}").is_empty());
    // SAFETY: it came from `into_raw`, and is taken back once.
    assert!(unsafe { Ref::from_raw(raw) }.try_unwrap().is_ok());
    assert!(map.is_empty());
}

#[test]
fn errors_need_no_bounds() {
    fn error<T: Error + Debug>(error: &T) -> (String, String) {
        assert!(error.source().is_none());
        (error.to_string(), format!("{error:?}"))
    }
    let (text, debug) = error(&InsertError { key: Bare, value: Bare });
    assert!(!text.is_empty() && debug.contains("InsertError"));
    assert_eq!(error(&WrongMap).1, "WrongMap");
    let (text, debug) = error(&DisjointError { index: 3 });
    assert!(text.contains('3') && debug.contains("index: 3"));
    assert!(WrongMap == WrongMap && size_of::<WrongMap>() == 0);
}

#[test]
fn debug_prints_entries() {
    let map = RcHashMap::new();
    let _held = map.insert("a", 1).unwrap();
    assert_eq!(format!("{map:?}"), r#"{"a": 1}"#);
    let mut counted = CountedHashMap::new();
    let handle = counted.insert("a", 1).unwrap();
    assert_eq!(format!("{counted:?}"), r#"{"a": 1}"#);
    assert_eq!(counted.put(handle), PutResult::Removed { key: "a", value: 1 });
    let mut handles = HandleHashMap::new();
    assert!(handles.insert("a", 1).is_ok());
    assert_eq!(format!("{handles:?}"), r#"{"a": 1}"#);
}

#[test]
fn an_owned_key_is_found_by_what_it_borrows() {
    let map: RcHashMap<String, u32> = RcHashMap::new();
    let r = map.insert("key".to_string(), 1).unwrap();
    assert!(map.find("key").is_some() && map.find(&"key".to_string()).is_some());
    assert!(map.contains_key("key") && !map.contains_key("other"));
    let map: RcHashMap<Vec<u8>, u32> = RcHashMap::new();
    let _held = map.insert(vec![1, 2], 1).unwrap();
    assert!(map.contains_key(&[1, 2][..]));
    let map: RcHashMap<Rc<str>, u32> = RcHashMap::new();
    let _held = map.insert("key".into(), 1).unwrap();
    assert!(map.contains_key("key") && r.strong_count() == 1);
}

#[test]
fn borrowed_keys_work_in_every_layer() {
    let text = String::from("one two two");
    let map: RcHashMap<&str, usize> = RcHashMap::new();
    let words: Vec<_> =
        text.split(' ').map(|word| map.find_or_insert_with(word, |word| word.len())).collect();
    assert_eq!((map.len(), words[1] == words[2]), (2, true));
    assert!(map.find("one").is_some());
    let mut map: HandleHashMap<&str, usize> = HandleHashMap::new();
    assert!(map.insert(&text[..3], 1).is_ok() && map.contains_key("one"));
    let mut map: CountedHashMap<&str, usize> = CountedHashMap::new();
    let handle = map.insert(&text[..3], 1).unwrap();
    assert_eq!(handle.key(&map), Some(&"one"));
    assert_eq!(map.put(handle), PutResult::Removed { key: "one", value: 1 });
}

#[test]
fn find_or_insert_ref_works_with_borrowed_keys() {
    #[derive(PartialEq, Eq, Hash, Debug)]
    struct Name<'a>(&'a str);
    impl<'a> From<&'a str> for Name<'a> {
        fn from(text: &'a str) -> Self {
            Self(text)
        }
    }
    impl Equivalent<Name<'_>> for str {
        fn equivalent(&self, key: &Name<'_>) -> bool {
            self == key.0
        }
    }
    let text = String::from("key");
    let map: RcHashMap<Name<'_>, usize> = RcHashMap::new();
    let r = map.find_or_insert_ref(&text[..], |key| key.0.len());
    assert_eq!(r.key_value(&map), Ok((&Name("key"), &3)));
    assert!(std::ptr::eq(r.as_key().0, text.as_str()), "not a copy");
}

#[test]
fn find_or_insert_ref_works_with_keys_that_own() {
    let map: RcHashMap<String, usize> = RcHashMap::new();
    let r = map.find_or_insert_ref("key", |key| key.len());
    assert!(map.find_or_insert_ref("key", |_| unreachable!()) == r);
    let map: RcHashMap<Box<[u8]>, ()> = RcHashMap::new();
    assert_eq!(&**map.find_or_insert_ref(&[1_u8, 2][..], |_| ()).as_key(), [1, 2]);
    let map: RcHashMap<Cow<'_, str>, ()> = RcHashMap::new();
    assert_eq!(map.find_or_insert_ref("key", |_| ()).as_key(), "key");
}

/// A key that is made lower case, and a query that is not.
#[derive(PartialEq, Eq, Hash, Debug)]
struct Lower(String);

#[derive(Hash)]
struct Text(&'static str);

impl Equivalent<Lower> for Text {
    fn equivalent(&self, key: &Lower) -> bool {
        self.0 == key.0
    }
}

impl From<&Text> for Lower {
    fn from(text: &Text) -> Self {
        Self(text.0.to_lowercase())
    }
}

#[test]
fn find_or_insert_ref_probes_again_when_from_normalises() {
    let map: RcHashMap<Lower, u32> = RcHashMap::new();
    let first = map.find_or_insert_ref(&Text("Key"), |_| 1);
    assert_eq!(first.as_key().0, "key");
    let second = map.find_or_insert_ref(&Text("KEY"), |_| unreachable!());
    assert!(first == second);
    assert!(map.find_or_insert_ref(&Text("key"), |_| unreachable!()) == first);
    assert_eq!(map.len(), 1);
    check(&map);
}

#[test]
fn a_key_is_hashed_once_on_insert_and_never_again() {
    let world = World::new();
    let map = map_of(&world, Mood::Fair);
    let n = if cfg!(miri) { 60 } else { 2000 };
    let held: Vec<_> = (0..n).map(|name| put(&world, &map, name)).collect();
    assert_eq!(world.visits(Point::Hash), n, "once each, through all growth");
    map.reserve(10_000);
    drop(held);
    assert_eq!(world.visits(Point::Hash), n, "and not to remove it");
    assert!(map.is_empty());
}

#[test]
fn each_operation_hashes_as_often_as_it_says() {
    let world = World::new();
    let map = map_of(&world, Mood::Fair);
    let hashes = |act: &mut dyn FnMut()| {
        let before = world.visits(Point::Hash);
        act();
        world.visits(Point::Hash) - before
    };
    let mut held = Vec::new();
    let query = Query::new(&world, 1);
    let value = |n| Value::new(&world, n);
    assert_eq!(hashes(&mut || held.push(put(&world, &map, 0))), 1);
    assert_eq!(hashes(&mut || assert!(map.find(&query).is_none())), 1);
    assert_eq!(hashes(&mut || held.push(map.find_or_insert_ref(&query, |_| value(1)))), 2);
    assert_eq!(hashes(&mut || held.push(map.find_or_insert_ref(&query, |_| unreachable!()))), 1);
    assert_eq!(
        hashes(&mut || held.push(map.find_or_insert_with(Key::new(&world, 2), |_| value(2)))),
        1
    );
    assert_eq!(hashes(&mut || assert!(map.insert(Key::new(&world, 2), value(2)).is_err())), 1);
    let r = held.pop().unwrap();
    let weak = r.downgrade();
    assert_eq!(
        hashes(&mut || {
            assert!(map.resolve(r.handle()).is_some() && weak.upgrade().is_some());
            assert!(map.find_hashed(0, |_| true).is_none());
            assert_eq!(map.iter().count(), 3);
            drop(r.clone());
        }),
        0
    );
    assert_eq!(hashes(&mut || assert_ne!(map.hash(&query), 0)), 1);
}

#[test]
fn the_raw_tier_and_the_rest_see_the_same_entries() {
    let map: RcHashMap<String, u32> = RcHashMap::new();
    let hash = map.hash("key");
    assert_eq!(hash, map.hasher().hash_one("key"));
    assert!(map.find_hashed(hash, |key| key == "key").is_none());
    let r = map.find_or_insert_hashed_with(hash, |key| key == "key", || ("key".to_string(), 1));
    assert!(map.find("key").is_some_and(|found| found == r));
    let again = map.find_or_insert_hashed_with(hash, |key| key == "key", || unreachable!());
    assert!(again == r);
    let other = map.insert("other".to_string(), 2).unwrap();
    let found = map.find_hashed(map.hash("other"), |key| key == "other");
    assert!(found.is_some_and(|found| found == other));
    check(&map);
}

#[test]
fn raw_hashes_may_be_anything() {
    let map: RcHashMap<u64, ()> = RcHashMap::new();
    let hashes = [0, 1, u64::MAX, 1 << 63, 1 << 32, 0xffff_ffff, 1 << 31, 0x8000_0000_8000_0000];
    let held: Vec<_> = hashes
        .iter()
        .map(|&hash| map.find_or_insert_hashed_with(hash, |key| *key == hash, || (hash, ())))
        .collect();
    assert_eq!(map.len(), hashes.len());
    for (hash, r) in hashes.iter().zip(&held) {
        assert!(map.find_hashed(*hash, |key| key == hash).is_some_and(|found| found == *r));
    }
    check(&map);
    drop(held);
    assert!(map.is_empty());
}

#[test]
fn predicates_are_fn_mut() {
    let map: RcHashMap<u32, ()> = RcHashMap::new();
    let _held = [1, 2].map(|n| map.find_or_insert_hashed_with(5, |key| *key == n, || (n, ())));
    let mut asked = Vec::new();
    let found = map.find_hashed(5, |key| {
        asked.push(*key);
        false
    });
    asked.sort_unstable();
    assert_eq!((found.is_none(), asked), (true, vec![1, 2]));
}

#[test]
fn get_disjoint_mut_gives_distinct_values() {
    let mut map: RcHashMap<u32, String> = RcHashMap::new();
    let held: Vec<_> = (0..4).map(|n| map.insert(n, n.to_string()).unwrap()).collect();
    let [a, b, c] = map.get_disjoint_mut([&held[3], &held[0], &held[2]]).unwrap();
    std::mem::swap(a, b);
    c.push('!');
    let values: Vec<&str> = held.iter().map(|r| r.value(&map).unwrap().as_str()).collect();
    assert_eq!(values, ["3", "1", "2!", "0"]);
    assert!(map.get_disjoint_mut([]).is_ok());
}

#[test]
fn get_disjoint_mut_names_the_first_offending_position() {
    let (mut map, other) = (RcHashMap::<u32, u32>::new(), RcHashMap::<u32, u32>::new());
    let (a, b) = (map.insert(1, 1).unwrap(), map.insert(2, 2).unwrap());
    let (foreign, twin) = (other.insert(1, 1).unwrap(), a.clone());
    let index = |result: Result<_, DisjointError>| result.err().map(|error| error.index);
    assert_eq!(index(map.get_disjoint_mut([&a, &b, &twin]).map(drop)), Some(2));
    assert_eq!(index(map.get_disjoint_mut([&a, &twin, &foreign]).map(drop)), Some(1));
    assert_eq!(index(map.get_disjoint_mut([&foreign, &a, &a]).map(drop)), Some(0));
    assert_eq!(index(map.get_disjoint_mut([&a, &b]).map(drop)), None);
    assert_eq!((a.value(&map), b.value(&map)), (Ok(&1), Ok(&2)));
}

#[test]
fn try_unwrap_takes_the_entry_of_the_last_ref_out() {
    let map: RcHashMap<String, Vec<u32>> = RcHashMap::new();
    let r = map.insert("key".to_string(), vec![1]).unwrap();
    let second = r.clone();
    let r = r.try_unwrap().expect_err("there is another");
    assert_eq!((r.strong_count(), map.len()), (2, 1));
    drop(second);
    assert_eq!(r.try_unwrap().unwrap(), ("key".to_string(), vec![1]));
    assert!(map.is_empty() && map.find("key").is_none());
    check(&map);
}

#[test]
fn into_raw_carries_the_count() {
    fn is_copy<T: Copy>(_: &T) {}
    let map: RcHashMap<u32, String> = RcHashMap::new();
    let r = map.insert(1, "value".to_string()).unwrap();
    let raw = r.clone().into_raw();
    is_copy(&raw);
    assert_eq!(r.strong_count(), 2);
    drop(r);
    assert!(map.contains_key(&1));
    // SAFETY: it came from `into_raw`, and is taken back once.
    let r = unsafe { Ref::from_raw(raw) };
    assert_eq!((r.strong_count(), r.value(&map)), (1, Ok(&"value".to_string())));
}

#[test]
fn the_capacity_family_works_in_every_layer() {
    let map: RcHashMap<u32, u32> = RcHashMap::with_capacity(100);
    assert!(map.capacity() >= 100);
    let before = map.capacity();
    let held: Vec<_> = (0..100).map(|n| map.insert(n, n).unwrap()).collect();
    assert_eq!(map.capacity(), before, "no growth within the capacity");
    map.reserve(1000);
    assert!(map.capacity() >= 1100);
    drop(held);
    map.shrink_to_fit();
    assert_eq!(map.capacity(), 0);

    let hasher = DefaultHashBuilder::default;
    let mut map = HandleHashMap::<u32, u32>::with_capacity_and_hasher(50, hasher());
    assert!(map.capacity() >= 50);
    map.shrink_to_fit();
    assert_eq!(map.capacity(), 0);
    assert!(map.try_reserve(70).is_ok() && map.capacity() >= 70);
    let mut map = CountedHashMap::<u32, u32>::with_capacity_and_hasher(50, hasher());
    assert!(map.capacity() >= 50);
    map.reserve(500);
    assert!(map.capacity() >= 500);
    let map: RcHashMap<u32, u32> = RcHashMap::with_capacity_and_hasher(50, hasher());
    assert!(map.capacity() >= 50);
    assert!(RcHashMap::<u32, u32, RandomState>::default().is_empty());
    assert!(HandleHashMap::<u32, u32, RandomState>::default().is_empty());
    assert!(CountedHashMap::<u32, u32, RandomState>::default().is_empty());
}

#[test]
fn a_capacity_that_cannot_be_is_an_error_and_changes_nothing() {
    let world = World::new();
    let map = map_of(&world, Mood::Fair);
    let held = put(&world, &map, 1);
    for impossible in [usize::MAX, isize::MAX as usize, u32::MAX as usize] {
        let refused = map.try_reserve(impossible);
        assert!(matches!(refused, Err(TryReserveError::CapacityOverflow)), "{refused:?}");
    }
    assert!(support::attempt(|| map.reserve(usize::MAX)).is_err());
    check(&map);
    assert!(map.capacity() < 1000);
    assert!(map.find(&Query::new(&world, 1)).is_some_and(|found| found == held));
    let mut layer = HandleHashMap::<u32, [u8; 64]>::new();
    assert!(layer.try_reserve(u32::MAX as usize).is_err());
    let mut layer = CountedHashMap::<u32, [u8; 64]>::new();
    assert!(layer.try_reserve(usize::MAX / 2).is_err());
}

#[test]
fn more_entries_of_a_huge_type_than_memory_has_addresses_is_an_error() {
    // 2⁴⁰ bytes and 2²⁴ entries, with pointers of 64 bits.
    let map: RcHashMap<u32, [u8; 1 << (usize::BITS - 24)]> = RcHashMap::new();
    assert!(map.try_reserve(1 << 24).is_err());
    assert!(map.is_empty());
    check(&map);
}

#[test]
fn shared_by_reference_and_by_rc() {
    type Lists = RcHashMap<u32, Vec<Ref<u32, ()>>>;
    fn fill(map: &Lists, leaves: &RcHashMap<u32, ()>) -> usize {
        let r = map.find_or_insert_with(1, |_| vec![leaves.find_or_insert(2, ())]);
        r.value(map).unwrap().len()
    }
    let (map, leaves) = (Rc::new(RcHashMap::new()), RcHashMap::new());
    assert_eq!(fill(&map, &leaves), 1);
    let shared = Rc::clone(&map);
    let r = shared.insert(5, Vec::new()).unwrap();
    drop(shared);
    assert!(r.belongs_to(&map));
}

#[test]
fn entry_mut_reads_and_writes_through_deref() {
    let mut map: RcHashMap<u32, Vec<u32>> = RcHashMap::new();
    let r = map.insert(1, vec![1]).unwrap();
    let mut entry: EntryMut<'_, _, _> = map.iter_mut().next().unwrap();
    entry.push(2);
    assert_eq!((entry.len(), entry.key(), entry.value()), (2, &1, &vec![1, 2]));
    assert_eq!(format!("{entry:?}"), "EntryMut { key: 1, value: [1, 2] }");
    assert!(*entry.as_ref() == r);
}

#[test]
fn iterators_and_weak_refs_print_without_bounds() {
    let mut map = RcHashMap::<Bare, Bare, Bare>::with_hasher(Bare);
    assert!(format!("{:?}", map.iter()).contains("Iter"));
    assert!(format!("{:?}", map.iter_mut()).contains("IterMut"));
    let weak: WeakRef<Bare, Bare, Bare> =
        map.find_or_insert_hashed_with(1, |_| false, || (Bare, Bare)).downgrade();
    assert!(format!("{weak:?}").contains("WeakRef"));
    assert!(weak.upgrade().is_none());
}

#[test]
fn a_query_of_its_own_type_needs_equivalent_only() {
    struct Suffix<'a>(&'a str);
    impl Hash for Suffix<'_> {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }
    impl Equivalent<(&'static str,)> for Suffix<'_> {
        fn equivalent(&self, key: &(&'static str,)) -> bool {
            self.0 == key.0
        }
    }
    let map: RcHashMap<(&'static str,), u32> = RcHashMap::new();
    let r = map.insert(("key",), 1).unwrap();
    let text = String::from("a key");
    assert!(map.find(&Suffix(&text[2..])).is_some_and(|found| found == r));
    assert!(!map.contains_key(&Suffix(&text)));
}

#[test]
fn maps_of_different_hashers_are_of_different_types_and_both_work() {
    let world = World::new();
    let a: RcHashMap<u32, u32, RandomState> = RcHashMap::default();
    let b = RcHashMap::<u32, u32, Build>::with_hasher(Build::new(&world, Mood::Constant));
    let (x, y) = (a.insert(1, 1).unwrap(), b.insert(1, 1).unwrap());
    assert_eq!((x.value(&a), y.value(&b)), (Ok(&1), Ok(&1)));
}

#[test]
fn count_is_public_and_usize() {
    let count = rcmap::UsizeCount::new();
    let token = count.get();
    let n: usize = count.count();
    assert_eq!((n, count.put(token)), (1, true));
    let map: RcHashMap<u32, u32> = RcHashMap::new();
    let n: usize = map.insert(1, 1).unwrap().strong_count();
    assert_eq!(n, 1);
}

#[test]
fn everything_may_cross_a_catch_unwind() {
    fn check<T: std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    check::<RcHashMap<String, Vec<u8>>>();
    check::<Ref<String, Vec<u8>>>();
    check::<WeakRef<String, Vec<u8>>>();
    check::<RawRef<String, Vec<u8>>>();
    check::<rcmap::Interner<String>>();
    check::<rcmap::Interned<String>>();
    check::<HandleHashMap<String, Vec<u8>>>();
    check::<CountedHashMap<String, Vec<u8>>>();
}
