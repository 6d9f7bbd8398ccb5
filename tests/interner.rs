//! The interner: one handle a value, identity instead of comparison, memory that comes back.

mod support;

use std::collections::{BTreeSet, HashSet};

use rcmap::{Interned, Interner};
use support::{Build, Key, Mood, Query, World, attempt};

type Names = Interner<Box<str>>;

#[test]
fn equal_values_share_one_handle() {
    let names = Names::new();
    let (a, b) = (names.intern_ref("foo"), names.intern("foo".into()));
    assert!(a == b && a != names.intern_ref("bar"));
    assert_eq!((a.strong_count(), names.len()), (2, 1));
    assert!(std::ptr::eq(&*a, &*b));
    assert!(names.get("foo").is_some_and(|c| c == a));
}

#[test]
fn values_go_with_their_last_handle() {
    let names = Names::new();
    let tokens: Vec<_> =
        "to be or not to be".split(' ').map(|word| names.intern_ref(word)).collect();
    assert_eq!(names.len(), 4);
    drop(tokens);
    assert!(names.is_empty() && names.get("be").is_none());
}

#[test]
fn get_stores_nothing() {
    let names = Names::new();
    assert!(names.get("foo").is_none());
    assert!(names.is_empty());
}

#[test]
fn a_handle_reads_like_its_value() {
    let names = Names::new();
    let foo = names.intern_ref("foo");
    assert_eq!((foo.len(), &**foo, foo.as_ref().as_ref()), (3, "foo", "foo"));
    assert_eq!((format!("{foo}"), format!("{foo:?}")), ("foo".to_string(), "\"foo\"".to_string()));
    assert_eq!(format!("{foo:>5}|"), "  foo|");
    assert_eq!(format!("{names:?}"), "{\"foo\"}");
}

#[test]
fn handles_stay_readable_when_the_interner_is_gone() {
    let names = Names::new();
    let (foo, bar) = (names.intern_ref("foo"), names.intern_ref("bar"));
    drop(names);
    assert_eq!((&**foo, &**bar), ("foo", "bar"));
    assert!(bar < foo && foo.clone() == foo);
}

#[test]
fn order_goes_by_content() {
    let names = Names::new();
    let words = ["pear", "fig", "apple", "fig"];
    let sorted: BTreeSet<_> = words.iter().map(|word| names.intern_ref(*word)).collect();
    let texts: Vec<&str> = sorted.iter().map(|word| &***word).collect();
    assert_eq!(texts, ["apple", "fig", "pear"]);
}

#[test]
fn handles_of_two_interners_differ_and_are_ordered_consistently() {
    let (a, b) = (Names::new(), Names::new());
    let (x, y) = (a.intern_ref("foo"), b.intern_ref("foo"));
    assert!(x != y && x.belongs_to(&a) && !x.belongs_to(&b));
    assert_ne!(x.cmp(&y), std::cmp::Ordering::Equal, "as `Eq` says");
    assert_eq!(x.cmp(&y), y.cmp(&x).reverse());
    assert_eq!(x.partial_cmp(&y), Some(x.cmp(&y)));
    let more = a.intern_ref("zoo");
    assert!(x < more && y < more);
    assert_eq!([&x, &y].into_iter().collect::<HashSet<_>>().len(), 2);
}

#[test]
fn equality_and_hash_never_look_at_the_value() {
    let world = World::new();
    let names = Interner::with_hasher(Build::new(&world, Mood::Fair));
    let a = names.intern(Key::new(&world, 1));
    let b = names.intern(Key::new(&world, 2));
    let (hashes, compares) = (world.visits(support::Point::Hash), world.visits(support::Point::Eq));
    assert!(a != b && a == a.clone());
    let set: HashSet<_> = [a.clone(), b.clone(), a.clone()].into_iter().collect();
    assert_eq!(set.len(), 2);
    assert_eq!(world.visits(support::Point::Hash), hashes);
    assert_eq!(world.visits(support::Point::Eq), compares);
    drop((a, b, set));
    world.assert_alive(0);
}

#[test]
fn intern_ref_builds_a_value_only_if_it_is_new() {
    let world = World::new();
    let names = Interner::<Key, _>::with_hasher(Build::new(&world, Mood::Fair));
    let first = names.intern_ref(&Query::new(&world, 1));
    let second = names.intern_ref(&Query::new(&world, 1));
    assert!(first == second);
    assert_eq!((world.visits(support::Point::From), world.alive()), (1, 1));
}

#[test]
fn a_rejected_value_is_dropped() {
    let world = World::new();
    let names = Interner::with_hasher(Build::new(&world, Mood::Constant));
    let first = names.intern(Key::stamped(&world, 1, 1));
    let second = names.intern(Key::stamped(&world, 1, 2));
    assert_eq!((second.stamp, first == second), (1, true));
    world.assert_alive(1);
}

#[test]
fn handles_resolve_while_their_value_lives() {
    let names = Names::new();
    let foo = names.intern_ref("foo");
    let handle = foo.handle();
    assert!(names.resolve(handle).is_some_and(|found| found == foo));
    drop(foo);
    assert!(names.resolve(handle).is_none());
}

#[test]
fn iteration_gives_each_value_once() {
    let names = Names::new();
    let held: Vec<_> = (0..50).map(|n| names.intern(n.to_string().into())).collect();
    let seen: BTreeSet<_> = names.iter().collect();
    assert_eq!(seen.len(), 50);
    assert!(held.iter().all(|name| seen.contains(name)));
    assert_eq!((&names).into_iter().count(), 50);
}

#[test]
fn the_capacity_family_works() {
    let names = Names::with_capacity(100);
    assert!(names.capacity() >= 100);
    let foo = names.intern_ref("foo");
    names.reserve(1000);
    assert!(names.capacity() >= 1000);
    assert!(names.try_reserve(usize::MAX).is_err() && names.try_reserve(10).is_ok());
    names.shrink_to_fit();
    assert_eq!((names.len(), &**foo), (1, "foo"));
    assert!(Interner::<String>::default().is_empty());
    let _: &rcmap::DefaultHashBuilder = names.hasher();
}

#[test]
fn an_interned_handle_has_one_word() {
    assert_eq!(size_of::<Interned<Box<str>>>(), size_of::<usize>());
    assert_eq!(size_of::<Option<Interned<Box<str>>>>(), size_of::<usize>());
}

#[test]
fn values_may_hold_interned_handles() {
    #[derive(PartialEq, Eq, Hash)]
    enum Type {
        Int,
        List(Interned<Type>),
    }
    let types = Interner::new();
    let n = if cfg!(miri) { 100 } else { 50_000 };
    let mut deep = types.intern(Type::Int);
    for _ in 0..n {
        deep = types.intern(Type::List(deep));
    }
    assert_eq!(types.len(), n + 1);
    assert!(matches!(&*deep, Type::List(_)));
    drop(deep);
    assert!(types.is_empty(), "freed without recursion");
}

#[test]
fn a_panicking_hash_leaves_the_interner_usable() {
    let world = World::new();
    let names = Interner::with_hasher(Build::new(&world, Mood::Fair));
    let one = names.intern(Key::new(&world, 1));
    for point in [support::Point::BuildHasher, support::Point::Hash, support::Point::Eq] {
        world.panic_at(point, 1);
        assert!(attempt(|| names.intern(Key::new(&world, 1))).is_err());
    }
    assert_eq!((names.len(), one.strong_count()), (1, 1));
    world.assert_alive(1);
}

#[test]
fn weak_handles_keep_nothing_and_outlive_the_interner() {
    let names = Interner::<Box<str>>::new();
    let a = names.intern_ref("a");
    let weak = a.downgrade();
    assert_eq!((a.strong_count(), weak.handle()), (1, a.handle()));
    assert!(weak.clone() == weak && weak.upgrade().is_some_and(|again| again == a));
    assert!(names.contains_handle(a.handle()));
    drop(names);
    assert!(weak.upgrade().is_some());
    drop(a);
    assert!(weak.upgrade().is_none());
    assert_eq!(size_of_val(&weak), size_of::<usize>() + 8);
}

#[test]
fn a_value_is_made_only_if_nobody_holds_it() {
    let names = Interner::<String>::new();
    let a = names.intern_with("a", |query| query.to_string());
    assert!(names.intern_with("a", |_| unreachable!()) == a);
    assert!(names.try_intern_with("a", |_| Err::<String, ()>(())) == Ok(a.clone()));
    assert!(names.try_intern_with("b", |_| Err::<String, _>("no")).is_err());
    assert_eq!((names.len(), a.strong_count()), (1, 1));
    assert!(names.contains("a") && !names.contains("b"));
}

#[test]
fn a_vacant_entry_of_an_interner_returns_what_was_interned_meanwhile() {
    use rcmap::interner::Entry;
    let names = Interner::<String>::new();
    let Entry::Vacant(vacant) = names.entry_ref("a") else { panic!("it is new") };
    assert_eq!(vacant.query(), "a");
    let meanwhile = names.intern_ref("a");
    assert!(vacant.insert("a".to_string()) == meanwhile);
    assert_eq!(names.len(), 1);
    assert!(names.entry_ref("a").or_insert("a".to_string()) == meanwhile);
}

#[test]
fn an_interned_value_compares_with_values_and_texts() {
    let boxed = Interner::<Box<str>>::new();
    let a = boxed.intern_ref("a");
    let (boxed_a, string_a) = (Box::<str>::from("a"), "a".to_string());
    assert!(a == "a" && a == *"a" && a == boxed_a);
    assert!("a" == a && *"a" == a);
    assert!(a != "b");
    let strings = Interner::<String>::new();
    let s = strings.intern_ref("a");
    assert!(s == "a" && s == string_a && *"a" == s);
    let bytes = Interner::<Vec<u8>>::new();
    let b = bytes.intern_ref(&b"abc"[..]);
    assert!(b == b"abc"[..] && b == vec![b'a', b'b', b'c']);
    let borrowed = Interner::<&str>::new();
    assert!(borrowed.intern("a") == "a");
}

#[test]
fn the_last_interned_handle_takes_the_value_out_and_others_do_not() {
    let names = Interner::<String>::new();
    let a = names.intern_ref("a");
    let second = a.clone();
    let a = a.try_unwrap().unwrap_err();
    assert_eq!(a.strong_count(), 2);
    drop(second);
    drop(names);
    assert_eq!(a.try_unwrap(), Ok("a".to_string()));
}

#[test]
fn an_interned_handle_is_a_ref_and_back() {
    let names = Interner::<String>::new();
    let a = names.intern_ref("a");
    let r: rcmap::Ref<String, ()> = a.clone().into();
    assert_eq!(r.handle(), a.handle());
    assert!(Interned::from(r) == a);
    assert!(rcmap::WeakInterned::<String>::default().upgrade().is_none());
}
