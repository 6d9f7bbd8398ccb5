//! Tokens: what they cost, and what becomes of a lost or foreign one.

mod support;

use rcmap::{Count, CountedHandle, CountedHashMap, PutResult, Token, UsizeCount};
use support::{assert_panics_with, assert_scripted_panic, attempt, scripted_panic};

#[test]
fn a_token_has_no_size() {
    assert_eq!((size_of::<Token>(), align_of::<Token>()), (0, 1));
    assert_eq!(size_of::<CountedHandle>(), 8);
    assert_eq!(size_of::<Option<CountedHandle>>(), 8);
    assert!(size_of::<UsizeCount>() <= size_of::<usize>());
}

#[test]
fn a_count_is_the_number_of_tokens_that_are_out() {
    let count = UsizeCount::new();
    assert!(count.is_zero());
    let tokens: Vec<Token> = (1..=10)
        .map(|n| {
            let token = count.get();
            assert_eq!((count.count(), count.is_zero()), (n, false));
            token
        })
        .collect();
    for (token, left) in tokens.into_iter().zip((0..10).rev()) {
        assert_eq!(count.put(token), left == 0, "says whether it was the last");
        assert_eq!(count.count(), left);
    }
    assert!(count.is_zero());
}

#[test]
fn a_count_may_be_used_again_after_zero() {
    let count = UsizeCount::default();
    for _ in 0..3 {
        let token = count.get();
        assert!(count.put(token));
    }
    assert_eq!(format!("{count:?}"), "UsizeCount(0)");
}

#[test]
fn count_works_through_the_trait() {
    fn twice(count: &dyn Count) -> bool {
        let (a, b) = (count.get(), count.get());
        let first = count.put(a);
        let second = count.put(b);
        !first && second
    }
    assert!(twice(&UsizeCount::new()));
}

#[test]
fn a_lost_token_panics_and_stays_counted() {
    let count = UsizeCount::new();
    assert_panics_with("token", || drop(count.get()));
    assert_eq!(count.count(), 1);
}

#[test]
fn a_token_lost_while_unwinding_only_leaks_its_unit() {
    let count = UsizeCount::new();
    assert_scripted_panic(|| {
        let _tokens = [count.get(), count.get(), count.get()];
        scripted_panic();
    });
    assert_eq!(count.count(), 3);
}

#[test]
fn a_foreign_token_makes_both_counts_wrong_and_nothing_else() {
    let (a, b) = (UsizeCount::new(), UsizeCount::new());
    let (from_a, from_b) = (a.get(), b.get());
    let second = b.get();
    assert!(a.put(from_b), "`a` cannot tell");
    assert!(!b.put(from_a) && b.put(second));
    assert!(a.is_zero() && b.is_zero());
}

#[test]
fn a_foreign_token_at_zero_is_refused_and_wraps_nothing() {
    let (rich, poor) = (UsizeCount::new(), UsizeCount::new());
    let token = rich.get();
    assert!(attempt(|| poor.put(token)).is_err());
    assert_eq!((rich.count(), poor.count()), (1, 0));
}

#[test]
fn a_lost_counted_handle_panics_and_keeps_its_entry() {
    let mut map = CountedHashMap::new();
    let handle = map.insert("key", 1).unwrap();
    assert_panics_with("token", || drop(map.find("key")));
    assert_eq!(map.put(handle), PutResult::Live, "the lost token is still counted");
    assert!(map.contains_key("key"));
}

#[test]
fn a_counted_handle_lost_while_unwinding_only_leaks_a_unit() {
    let mut map = CountedHashMap::new();
    let handle = map.insert("key", 1).unwrap();
    assert_scripted_panic(|| {
        let _minted = map.get(&handle);
        scripted_panic();
    });
    assert_eq!(map.put(handle), PutResult::Live);
    assert_eq!(map.len(), 1);
}

#[test]
fn layer_2_removes_with_the_last_token_whoever_has_it() {
    let mut map = CountedHashMap::new();
    let first = map.insert("key".to_string(), 1).unwrap();
    let handles = [map.find("key").unwrap(), map.get(&first), map.find("key").unwrap(), first];
    let last = handles.len() - 1;
    for (n, handle) in handles.into_iter().enumerate() {
        assert!(map.contains_key("key"));
        let result = map.put(handle);
        assert_eq!(matches!(result, PutResult::Removed { .. }), n == last);
    }
    assert!(map.is_empty());
}

#[test]
fn a_duplicate_insert_into_layer_2_mints_nothing() {
    let mut map = CountedHashMap::new();
    let handle = map.insert("key", 1).unwrap();
    let back = map.insert("key", 2).expect_err("it is there");
    assert_eq!((back.key, back.value), ("key", 2));
    assert!(map.insert_with("key", || unreachable!()).is_err());
    assert_eq!(map.put(handle), PutResult::Removed { key: "key", value: 1 });
}
