//! One test for each bug that was found by reading or fuzzing rather than by a test.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use rcmap::{Equivalent, RcHashMap};

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// The predicate used to be dropped between its yes and the minting of the `Ref`.
#[test]
fn a_predicate_that_owns_the_last_ref_finds_a_live_entry() {
    let map: RcHashMap<String, String> = RcHashMap::new();
    let r = map.insert("key".into(), "value".into()).unwrap();
    let hash = map.hash("key");
    assert_eq!(r.strong_count(), 1);
    let found = map.find_hashed(hash, move |key| r.as_key() == key).unwrap();
    assert_eq!(found.strong_count(), 1);
    assert_eq!(found.key_value(&map), Ok((&"key".to_string(), &"value".to_string())));
    drop(found);
    assert!(map.is_empty());
}

/// The predicate used to be dropped between the last look for the key and the insertion.
#[test]
fn a_predicate_whose_destructor_inserts_the_key_makes_no_second_entry() {
    let map: Rc<RcHashMap<u32, u32>> = Rc::new(RcHashMap::new());
    let kept = Rc::new(RefCell::new(Vec::new()));
    let bomb = {
        let (map, kept) = (map.clone(), kept.clone());
        OnDrop(move || kept.borrow_mut().extend(map.insert(1, 10)))
    };
    let make = {
        let (map, kept) = (map.clone(), kept.clone());
        move || {
            // So that the map has to be searched again.
            kept.borrow_mut().extend(map.insert(2, 0));
            (1, 20)
        }
    };
    let eq = move |key: &u32| {
        let _owned = &bomb;
        *key == 1
    };
    let r = map.find_or_insert_hashed_with(map.hash(&1), eq, make);
    assert_eq!(r.value(&map), Ok(&20));
    assert_eq!(map.iter().filter(|r| *r.as_key() == 1).count(), 1);
    assert_eq!(map.len(), 2);
}

/// The entry used to be destroyed, and the index to grow, below hashbrown's own search.
#[test]
fn what_eq_let_go_before_it_panicked_is_destroyed_after_the_search() {
    type Map = RcHashMap<u32, Option<OnDrop<Box<dyn FnMut()>>>>;
    let map = Rc::new(Map::new());
    let kept = Rc::new(RefCell::new(Vec::new()));
    let stack = Rc::new(RefCell::new(String::new()));
    let on_drop: Box<dyn FnMut()> = {
        let (map, kept, stack) = (map.clone(), kept.clone(), stack.clone());
        Box::new(move || {
            if !cfg!(miri) {
                // Miri sees the property itself, and printing a backtrace asks for the current folder.
                *stack.borrow_mut() = Backtrace::force_capture().to_string();
            }
            kept.borrow_mut().extend((10..100).map(|n| map.insert(n, None).unwrap()));
        })
    };
    let _other = map.insert(1, None).unwrap();
    let mut last = map.insert(2, Some(OnDrop(on_drop))).ok();
    let capacity = map.capacity();
    let search = || {
        map.find_hashed(map.hash(&1), |_| {
            last = None;
            panic!("out of Eq")
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(search)).is_err());
    assert!(map.capacity() > capacity, "the destructor made the index grow");
    let stack = stack.take();
    assert!(!stack.contains("RawTable"), "{stack}");
    assert_eq!((map.len(), kept.borrow().len()), (91, 90));
    assert!(map.find(&50).is_some());
    #[cfg(debug_assertions)]
    map.check_invariants();
}

/// What one search finds the other must find, also if it goes at the end of the search.
#[test]
fn searches_agree_about_an_entry_that_goes_with_the_search_that_found_it() {
    type Map = RcHashMap<u32, Option<OnDrop<Box<dyn FnMut()>>>>;

    /// Runs `call` with an `Eq` that lets go of an entry that holds the only `Ref` to the entry with key 1.
    fn run<T>(map: &Map, call: impl FnOnce(&dyn Fn()) -> T) -> T {
        let mut wanted = map.insert(1, None).ok();
        let on_drop: Box<dyn FnMut()> = Box::new(move || drop(wanted.take()));
        let other = RefCell::new(map.insert(2, Some(OnDrop(on_drop))).ok());
        call(&|| drop(other.take()))
    }

    let map = Map::new();
    assert!(run(&map, |let_go| map.contains_key(&Sly { key: 1, on_eq: let_go })));
    assert!(map.is_empty());
    assert!(run(&map, |let_go| map.find(&Sly { key: 1, on_eq: let_go })).is_some());
    assert!(map.is_empty());
}

struct Sly<'a> {
    key: u32,
    on_eq: &'a dyn Fn(),
}

impl Hash for Sly<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl Equivalent<u32> for Sly<'_> {
    fn equivalent(&self, key: &u32) -> bool {
        (self.on_eq)();
        self.key == *key
    }
}

/// A result on its way out of a function leaks if a parameter's destructor panics.
#[test]
fn a_panic_in_the_destructor_of_an_unused_closure_leaks_no_ref() {
    let map: RcHashMap<String, u32> = RcHashMap::new();
    let held = map.insert("key".into(), 1).unwrap();
    let hash = map.hash("key");
    let bomb = || OnDrop(|| panic!("the destructor of a closure"));
    let unused = |name: &str, call: &dyn Fn()| {
        let panicked = catch_unwind(AssertUnwindSafe(call)).is_err();
        assert!(panicked, "{name}");
        assert_eq!(held.strong_count(), 1, "{name}");
    };
    unused("find_hashed", &|| {
        let bomb = bomb();
        let eq = move |key: &String| {
            let _owned = &bomb;
            key == "key"
        };
        drop(map.find_hashed(hash, eq));
    });
    unused("find_hashed, which has to start again", &|| {
        let bomb = bomb();
        let mut other = map.insert("other".into(), 2).ok();
        let eq = move |key: &String| {
            let _owned = &bomb;
            drop(other.take());
            key == "key"
        };
        drop(map.find_hashed(hash, eq));
    });
    unused("find_or_insert_hashed_with", &|| {
        let bomb = bomb();
        let make = move || {
            let _owned = &bomb;
            unreachable!()
        };
        drop(map.find_or_insert_hashed_with(hash, |key| key == "key", make));
    });
    unused("find_or_insert_with", &|| {
        let bomb = bomb();
        let make = move |_: &String| {
            let _owned = &bomb;
            unreachable!()
        };
        drop(map.find_or_insert_with("key".into(), make));
    });
    unused("find_or_insert_ref", &|| {
        let bomb = bomb();
        let make = move |_: &String| {
            let _owned = &bomb;
            unreachable!()
        };
        drop(map.find_or_insert_ref("key", make));
    });
}

/// A `From` that normalises without changing the hash used to be the way to two equal keys.
#[test]
fn a_normalising_from_finds_the_normal_form() {
    #[derive(PartialEq, Eq)]
    struct Lower(String);

    impl Hash for Lower {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.to_lowercase().hash(state);
        }
    }

    #[derive(PartialEq, Eq)]
    struct Any(String);

    impl Hash for Any {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.to_lowercase().hash(state);
        }
    }

    impl Equivalent<Lower> for Any {
        fn equivalent(&self, key: &Lower) -> bool {
            self.0 == key.0
        }
    }

    impl From<&Any> for Lower {
        fn from(any: &Any) -> Self {
            Self(any.0.to_lowercase())
        }
    }

    let map: RcHashMap<Lower, ()> = RcHashMap::new();
    let lower = map.insert(Lower("foo".into()), ()).unwrap();
    let found = map.find_or_insert_ref(&Any("Foo".into()), |_| ());
    assert!(found == lower);
    assert_eq!(map.len(), 1);
}

/// Functions that move such values and have an early exit used to be compiled wrongly, in release builds: the program
/// went on somewhere else.
mod large_alignments {
    use rcmap::{CountedHashMap, Entry, HandleHashMap, Interner, PutResult, RcHashMap, Ref};

    macro_rules! alignments {
        ($($name:ident: $align:literal,)*) => {$(
            #[test]
            fn $name() {
                // The frames of unoptimised tests are large.
                let thread = std::thread::Builder::new().stack_size(64 << 20);
                thread.spawn(check).unwrap().join().unwrap();

                fn check() {
                #[repr(align($align))]
                #[derive(PartialEq, Debug)]
                struct Wide(u8);

                #[inline(never)]
                fn unwrap(r: Ref<u8, Wide>) -> u8 {
                    match r.try_unwrap() {
                        Ok((_, value)) => {
                            assert_eq!((&raw const value).addr() % $align, 0);
                            value.0
                        }
                        Err(_) => u8::MAX,
                    }
                }

                let mut steps = 0;
                let map = RcHashMap::new();
                let one = map.insert(1, Wide(1)).ok().unwrap();
                let two = map.insert_with(2, || Wide(2)).ok().unwrap();
                let three = map.find_or_insert(3, Wide(3));
                let four = map.find_or_insert_with(4, |_| Wide(4));
                assert!(map.insert(1, Wide(9)).is_err());
                steps += 1;
                assert_eq!(unwrap(four.clone()), u8::MAX);
                assert_eq!((unwrap(one), unwrap(four)), (1, 4));
                steps += 1;
                assert_eq!(two.try_unwrap().ok().unwrap().1, Wide(2));
                assert!(three.clone().try_unwrap().is_err());
                assert_eq!(three.try_unwrap().ok().unwrap().1, Wide(3));
                assert!(map.is_empty());
                steps += 1;

                // Entries: new, there, and there by the time when they are filled.
                let map = RcHashMap::<u8, Wide>::new();
                let held = [
                    map.entry(1).or_insert(Wide(1)),
                    map.entry(1).or_insert(Wide(9)),
                    map.find_or_insert(1, Wide(9)),
                    map.find_or_insert_ref_with(&1, |_| unreachable!()),
                    map.find_or_insert_ref_with(&2, |_| (2, Wide(2))),
                    map.entry_hashed(map.hash(&3), |&key| key == 3).or_insert(3, Wide(3)),
                    map.entry_hashed(map.hash(&3), |&key| key == 3).or_insert(3, Wide(9)),
                ];
                let fill = |vacant: Entry<u8, Wide>| match vacant {
                    Entry::Vacant(vacant) => {
                        let first = map.find_or_insert_with(4, |_| Wide(4));
                        assert!(vacant.insert(Wide(9)) == first);
                    }
                    Entry::Occupied(_) => unreachable!(),
                };
                fill(map.entry(4));
                let failed = map.find_or_try_insert_with(5, |_| Err::<Wide, _>(()));
                assert!(failed.is_err());
                assert_eq!((map.len(), held[0].strong_count()), (3, 4));
                assert_eq!(held[6].value(&map), Ok(&Wide(3)));
                drop(held);
                assert!(map.is_empty());
                steps += 1;

                // The same as keys.
                #[repr(align($align))]
                #[derive(PartialEq, Eq, Hash, Debug)]
                struct WideKey(u8);

                let map = RcHashMap::<WideKey, Wide>::new();
                let held = [
                    map.insert(WideKey(1), Wide(1)).ok().unwrap(),
                    map.entry(WideKey(1)).or_insert(Wide(9)),
                    map.entry(WideKey(2)).or_insert(Wide(2)),
                    map.find_or_insert(WideKey(2), Wide(9)),
                ];
                assert!(map.insert(WideKey(1), Wide(9)).is_err());
                assert!(map.insert_with(WideKey(1), || unreachable!()).is_err());
                assert_eq!((map.len(), held[0].strong_count()), (2, 2));
                drop(held);
                assert!(map.is_empty());
                let names = Interner::<WideKey>::new();
                let name = names.intern(WideKey(1));
                assert!(names.intern(WideKey(1)) == name);
                assert_eq!(name.try_unwrap().map_err(drop), Ok(WideKey(1)));
                steps += 1;

                let mut map = HandleHashMap::new();
                let handle = map.insert(1, Wide(1)).ok().unwrap();
                assert!(map.insert(1, Wide(9)).is_err());
                assert_eq!(map.remove(handle), Some((1, Wide(1))));
                assert_eq!(map.remove(handle), None);
                steps += 1;

                let mut map = CountedHashMap::new();
                let handle = map.insert(1, Wide(1)).ok().unwrap();
                let again = map.get(&handle);
                assert!(map.put(again) == PutResult::Live);
                assert!(map.put(handle) == PutResult::Removed { key: 1, value: Wide(1) });
                steps += 1;
                assert_eq!(std::hint::black_box(steps), 7);
                }
            }
        )*};
    }

    alignments! {
        sixteen: 16,
        a_cache_line: 64,
        half_a_kibibyte: 512,
        a_page: 4096,
        many_pages: 65536,
    }
}

/// In builds that inline nothing each function that a value passes through has a copy of it.
#[test]
#[cfg_attr(miri, ignore = "Miri has no stack to overflow")]
fn values_of_a_quarter_of_a_mebibyte_fit_a_stack_of_two() {
    const SIZE: usize = 256 << 10;
    type Map = RcHashMap<u32, [u8; SIZE]>;
    fn insert() {
        let map = Map::new();
        assert!(map.insert(1, [1; SIZE]).is_ok());
    }
    fn find_or_insert() {
        let map = Map::new();
        assert_eq!(map.find_or_insert(1, [1; SIZE]).strong_count(), 1);
    }
    fn find_or_insert_with() {
        let map = Map::new();
        assert_eq!(map.find_or_insert_with(1, |_| [1; SIZE]).strong_count(), 1);
    }
    fn entry() {
        let map = Map::new();
        assert_eq!(map.entry(1).or_insert([1; SIZE]).strong_count(), 1);
    }
    for run in [insert, find_or_insert, find_or_insert_with, entry] {
        let thread = std::thread::Builder::new().stack_size(2 << 20);
        thread.spawn(run).unwrap().join().unwrap();
    }
}
