//! Entries: one hash and one probe, and never two entries with one key, whatever happens while one is held.

use std::cell::{Cell, RefCell};
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use rcmap::{Entry, RcHashMap, Ref};

thread_local! {
    static HASHES: Cell<usize> = const { Cell::new(0) };
    static COMPARISONS: Cell<usize> = const { Cell::new(0) };
}

/// A key that counts how often it is hashed and compared.
#[derive(Clone, Debug)]
struct Counted(u32);

impl Hash for Counted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        HASHES.set(HASHES.get() + 1);
        self.0.hash(state);
    }
}

impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        COMPARISONS.set(COMPARISONS.get() + 1);
        self.0 == other.0
    }
}

impl Eq for Counted {}

/// What `run` hashes and compares.
fn counted<R>(run: impl FnOnce() -> R) -> (R, usize, usize) {
    HASHES.set(0);
    COMPARISONS.set(0);
    let result = run();
    (result, HASHES.get(), COMPARISONS.get())
}

fn expect_vacant<'a, K, V, S, L>(
    entry: Entry<'a, K, V, S, L>,
) -> rcmap::VacantEntry<'a, K, V, S, L> {
    match entry {
        Entry::Occupied(_) => panic!("it is new"),
        Entry::Vacant(vacant) => vacant,
    }
}

#[test]
fn an_entry_hashes_once_and_looks_once() {
    let map = RcHashMap::<Counted, u32>::new();
    let (first, hashes, comparisons) = counted(|| map.entry(Counted(1)).or_insert(1));
    assert_eq!((hashes, comparisons), (1, 0));
    let (second, hashes, comparisons) = counted(|| map.entry(Counted(1)).or_insert(2));
    assert_eq!((hashes, comparisons), (1, 1));
    assert!(first == second);
    let hash = map.hash(&Counted(2));
    let (_third, hashes, comparisons) =
        counted(|| map.entry_hashed(hash, |key| key.0 == 2).or_insert(Counted(2), 2));
    assert_eq!((hashes, comparisons), (0, 0), "the caller's hash is used");
}

#[test]
fn an_entry_of_a_query_looks_once_if_the_query_stands_for_its_key() {
    #[derive(Clone, Default)]
    struct Colliding;
    impl Hasher for Colliding {
        fn finish(&self) -> u64 {
            7
        }
        fn write(&mut self, _: &[u8]) {}
    }
    #[derive(Hash)]
    struct Query(u32);
    impl rcmap::Equivalent<Counted> for Query {
        fn equivalent(&self, key: &Counted) -> bool {
            self.0 == key.0
        }
    }
    let map = RcHashMap::<Counted, u32, std::hash::BuildHasherDefault<Colliding>>::default();
    let _other = map.insert(Counted(1), 1).unwrap();
    let (r, _, comparisons) = counted(|| match map.entry_ref(&Query(2)) {
        Entry::Vacant(vacant) => vacant.insert_with_key(Counted(2), 2),
        Entry::Occupied(_) => unreachable!(),
    });
    assert_eq!(comparisons, 0, "the query compared itself; the key need not be looked for");
    let _wrong = match map.entry_ref(&Query(3)) {
        Entry::Vacant(vacant) => vacant.insert_with_key(Counted(2), 3),
        Entry::Occupied(_) => unreachable!(),
    };
    assert_eq!((map.len(), r.strong_count()), (2, 2), "another key is looked for");
}

#[test]
fn an_entry_looks_again_if_anything_was_inserted_meanwhile() {
    let map = RcHashMap::<Counted, u32>::new();
    let vacant = expect_vacant(map.entry(Counted(1)));
    let _other = map.insert(Counted(2), 2).unwrap();
    let (_r, hashes, _) = counted(|| vacant.insert(1));
    assert_eq!(hashes, 0, "the hash is kept");
    assert_eq!(map.len(), 2);
}

#[test]
fn a_key_that_was_inserted_meanwhile_wins() {
    let map = RcHashMap::<String, Rc<u32>>::new();
    let key = || "key".to_string();
    let (lost, hash) = (Rc::new(2), map.hash("key"));

    let owned = expect_vacant(map.entry(key()));
    let borrowed = expect_vacant(map.entry_ref("key"));
    let with_key = expect_vacant(map.entry_ref("key"));
    let hashed = expect_vacant(map.entry_hashed(hash, |it| it == "key"));
    let by = expect_vacant(map.entry_hashed(hash, |it| it == "key"));
    let first = map.insert(key(), Rc::new(1)).unwrap();
    assert!(owned.insert(lost.clone()) == first);
    assert!(borrowed.insert(lost.clone()) == first);
    assert!(with_key.insert_with_key(key(), lost.clone()) == first);
    assert!(hashed.insert(key(), lost.clone()) == first);
    assert!(by.insert_by(key(), lost.clone(), |a, b| a == b) == first);
    assert_eq!((map.len(), first.strong_count()), (1, 1));
    assert_eq!(Rc::strong_count(&lost), 1, "what was not used is dropped");
}

#[test]
fn a_vacant_entry_survives_whatever_the_map_does() {
    let map = RcHashMap::<u32, u32>::new();
    let held: Vec<_> = (1..50_000).map(|n| map.insert(n, n).unwrap()).collect();
    let vacant = expect_vacant(map.entry(0));
    let hashed = expect_vacant(map.entry_hashed(map.hash(&50_000), |&key| key == 50_000));
    drop(held);
    map.shrink_to_fit();
    assert_eq!(map.len(), 0);
    let (a, b) = (vacant.insert(1), hashed.insert(50_000, 2));
    assert!(map.find(&0) == Some(a) && map.find(&50_000) == Some(b));
}

#[test]
fn closures_may_look_at_what_the_key_is_then_made_of() {
    struct Parts(String, Vec<u8>);
    let map = RcHashMap::<(String, Vec<u8>), ()>::new();
    let add = |parts: Parts| {
        let hash = map.hash(&(parts.0.clone(), parts.1.clone()));
        map.entry_hashed(hash, |key| key.0 == parts.0 && key.1 == parts.1)
            .or_insert_with(|| ((parts.0, parts.1), ()))
    };
    let first = add(Parts("a".into(), vec![1]));
    assert!(add(Parts("a".into(), vec![1])) == first);
    assert!(add(Parts("a".into(), vec![2])) != first);
}

#[test]
fn a_constructor_that_fails_leaves_the_map_alone_and_the_key_is_dropped() {
    let map = RcHashMap::<Rc<str>, u32>::new();
    let key: Rc<str> = "key".into();
    let failed = map.entry(key.clone()).or_try_insert_with(|| Err::<u32, _>("no"));
    assert_eq!(failed.unwrap_err(), "no");
    assert_eq!((map.len(), Rc::strong_count(&key)), (0, 1));
    let failed = map.entry_ref("key").or_try_insert_with(|| Err::<u32, _>("no"));
    assert_eq!(failed.unwrap_err(), "no");
    let hash = map.hash("key");
    let failed = map
        .entry_hashed(hash, |it| **it == *"key")
        .or_try_insert_with(|| Err::<(Rc<str>, u32), _>("no"));
    assert_eq!(failed.unwrap_err(), "no");
    assert!(map.is_empty());
}

#[test]
fn constructors_of_entries_may_insert_the_same_key() {
    let map = RcHashMap::<String, u32>::new();
    let inner = RefCell::new(Vec::new());
    let insert = || inner.borrow_mut().push(map.find_or_insert("key".to_string(), 1));
    let outer = [
        map.entry("key".to_string()).or_insert_with(|| {
            insert();
            2
        }),
        map.entry_ref("key").or_insert_with_key(|_| unreachable!()),
    ];
    assert!(outer.iter().all(|r| *r == inner.borrow()[0]));
    assert_eq!((map.len(), outer[0].value(&map)), (1, Ok(&1)));
}

#[test]
fn a_key_that_the_query_does_not_stand_for_is_looked_up_by_itself() {
    let map = RcHashMap::<String, u32>::new();
    let lower = map.insert("key".to_string(), 1).unwrap();
    let vacant = expect_vacant(map.entry_ref("KEY"));
    assert!(vacant.insert_with_key("key".to_string(), 2) == lower);
    let vacant = expect_vacant(map.entry_ref("OTHER"));
    let other = vacant.insert_with_key("other".to_string(), 3);
    assert!(map.find("other") == Some(other));
    assert!(map.find("OTHER").is_none());
}

#[test]
fn a_query_with_a_context_makes_its_key_once() {
    let map = RcHashMap::<Box<str>, usize>::new();
    let mut made = Vec::new();
    let mut intern = |text: &str| {
        map.find_or_insert_ref_with(text, |text| {
            made.push(text.to_string());
            (text.into(), made.len())
        })
    };
    let (a, b, again) = (intern("a"), intern("b"), intern("a"));
    assert!(a == again && a != b);
    assert_eq!(made, ["a", "b"]);
    let failed = map.find_or_try_insert_ref_with("c", |_| Err::<(Box<str>, usize), _>("no"));
    assert_eq!(failed.unwrap_err(), "no");
    assert_eq!(map.len(), 2);
}

#[test]
fn an_entry_that_is_not_used_changes_nothing() {
    let map = RcHashMap::<u32, u32>::new();
    drop(map.entry(1));
    assert!(map.is_empty());
    let r = map.insert(1, 1).unwrap();
    let occupied = map.entry(1);
    assert_eq!(r.strong_count(), 2, "an occupied entry is a `Ref`");
    drop(occupied);
    assert_eq!(r.strong_count(), 1);
}

/// Runs something when it is dropped, for closures to hold.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}

#[test]
fn a_key_that_the_destructor_of_the_closure_inserts_is_not_inserted_again() {
    let map = RcHashMap::<u32, u32>::new();
    let held = RefCell::new(Vec::new());
    let insert = OnDrop(|| held.borrow_mut().push(map.insert(7, 1).unwrap()));
    let vacant = map.entry_hashed(map.hash(&7), move |key| {
        let _insert = &insert;
        *key == 7
    });
    assert_eq!(map.len(), 1, "the closure is gone");
    assert!(vacant.or_insert(7, 2) == held.borrow()[0]);
    assert_eq!(map.len(), 1);
}

#[test]
fn nothing_stays_if_the_destructor_of_a_closure_panics() {
    let map = RcHashMap::<u32, String>::new();
    let hash = map.hash(&7);
    let panics = || OnDrop(|| assert!(std::thread::panicking(), "on purpose"));
    type Attempt<'a> = Box<dyn FnOnce() + 'a>;
    let attempts: [Attempt; 6] = [
        Box::new(|| {
            let eq = panics();
            let eq = move |key: &u32| (&eq, *key == 7).1;
            drop(map.find_or_insert_hashed_with(hash, eq, || (7, String::new())));
        }),
        Box::new(|| {
            let eq = panics();
            let eq = move |key: &u32| (&eq, *key == 7).1;
            drop(map.entry_hashed(hash, eq).or_insert(7, String::new()));
        }),
        Box::new(|| {
            let eq = panics();
            let eq = move |a: &u32, b: &u32| (&eq, a == b).1;
            let vacant = expect_vacant(map.entry_hashed(hash, |key| *key == 7));
            drop(vacant.insert_by(7, String::new(), eq));
        }),
        Box::new(|| {
            let make = panics();
            drop(map.entry(7).or_insert_with(move || (&make, String::new()).1));
        }),
        Box::new(|| {
            let _r = map.insert(7, String::new()).unwrap();
            let make = panics();
            drop(map.entry(7).or_insert_with(move || (&make, String::new()).1));
        }),
        Box::new(|| {
            let _r = map.insert(7, String::new()).unwrap();
            let make = panics();
            let make = move |_: &u32| (&make, (7, String::new())).1;
            drop(map.find_or_insert_ref_with(&7, make));
        }),
    ];
    for (n, attempt) in attempts.into_iter().enumerate() {
        let result = catch_unwind(AssertUnwindSafe(attempt));
        assert!(result.is_err(), "attempt {n}");
        assert_eq!(map.len(), 0, "attempt {n}");
    }
}

#[test]
fn vacant_entries_are_not_filled_in_eq_in_debug_builds_and_are_in_release_builds() {
    let map: RcHashMap<String, u32> = RcHashMap::new();
    let held = map.insert("held".to_string(), 1).unwrap();
    let (hash, new) = (map.hash("held"), map.hash("new"));
    let fills: [Box<dyn FnOnce() -> Ref<String, u32>>; 3] = [
        match map.entry("new".to_string()) {
            Entry::Vacant(vacant) => Box::new(|| vacant.insert(2)),
            Entry::Occupied(_) => unreachable!(),
        },
        match map.entry_ref("new") {
            Entry::Vacant(vacant) => Box::new(|| vacant.insert(2)),
            Entry::Occupied(_) => unreachable!(),
        },
        match map.entry_hashed(new, |key| key == "new") {
            Entry::Vacant(vacant) => Box::new(|| vacant.insert("new".to_string(), 2)),
            Entry::Occupied(_) => unreachable!(),
        },
    ];
    for fill in fills {
        let mut fill = Some(fill);
        let mut filled = None;
        let found = map.find_hashed(hash, |_| {
            filled = fill
                .take()
                .map(|fill| catch_unwind(AssertUnwindSafe(|| fill().strong_count())).ok());
            true
        });
        assert!(found.is_some_and(|r| r == held));
        assert_eq!(filled, Some((!cfg!(debug_assertions)).then_some(1)));
        assert_eq!(map.len(), 1);
    }
}

#[test]
#[cfg(debug_assertions)]
fn an_entry_that_is_held_refuses_in_eq_before_it_makes_anything() {
    let map: RcHashMap<String, u32> = RcHashMap::new();
    let _held = map.insert("held".to_string(), 1).unwrap();
    let (hash, new) = (map.hash("held"), map.hash("new"));
    let made = Cell::new(0);
    let make = || made.set(made.get() + 1);
    let (owned, borrowed) = (map.entry("new".to_string()), map.entry_ref("new"));
    let hashed = map.entry_hashed(new, |key| key == "new");
    let uses: [Box<dyn FnOnce() + '_>; 3] = [
        Box::new(|| drop(owned.or_insert_with(|| (make(), 2).1))),
        Box::new(|| drop(borrowed.or_insert_with(|| (make(), 2).1))),
        Box::new(|| drop(hashed.or_insert_with(|| (make(), ("new".to_string(), 2)).1))),
    ];
    for entry_use in uses {
        let mut entry_use = Some(entry_use);
        let mut refused = false;
        let found = map.find_hashed(hash, |_| {
            let entry_use = entry_use.take().expect("one comparison");
            refused = catch_unwind(AssertUnwindSafe(entry_use)).is_err();
            true
        });
        assert!(found.is_some() && refused);
    }
    assert_eq!((made.get(), map.len()), (0, 1));
}
