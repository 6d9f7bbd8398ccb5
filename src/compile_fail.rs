//! What must not compile, each next to a twin that does: lifetimes, variance, auto traits, tokens.
//!
//! A test that shows that something fails to compile also passes when it fails for another reason, so
//! each names the error, and its twin differs from it as little as can be.
#![forbid(unsafe_code)]

/// What `Ref::value` gives may not outlive the `Ref`.
///
/// ```
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.value(&map).unwrap();
/// assert_eq!(got, "v");
/// drop(r);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.value(&map).unwrap();
/// drop(r);
/// assert_eq!(got, "v");
/// ```
mod value_needs_its_ref {}

/// What `Ref::value` gives may not outlive the borrow of the map.
///
/// ```
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.value(&map).unwrap();
/// assert_eq!(got, "v");
/// drop(map);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.value(&map).unwrap();
/// drop(map);
/// assert_eq!(got, "v");
/// ```
mod value_needs_its_map {}

/// What `Ref::key` gives may not outlive the `Ref`.
///
/// ```
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.key(&map).unwrap();
/// assert_eq!(got, "k");
/// drop(r);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.key(&map).unwrap();
/// drop(r);
/// assert_eq!(got, "k");
/// ```
mod key_needs_its_ref {}

/// What `Ref::key` gives may not outlive the borrow of the map.
///
/// ```
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.key(&map).unwrap();
/// assert_eq!(got, "k");
/// drop(map);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.key(&map).unwrap();
/// drop(map);
/// assert_eq!(got, "k");
/// ```
mod key_needs_its_map {}

/// What `Ref::key_value` gives may not outlive the `Ref`.
///
/// ```
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.key_value(&map).unwrap();
/// assert_eq!(got.1, "v");
/// drop(r);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.key_value(&map).unwrap();
/// drop(r);
/// assert_eq!(got.1, "v");
/// ```
mod key_value_needs_its_ref {}

/// What `Ref::key_value` gives may not outlive the borrow of the map.
///
/// ```
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.key_value(&map).unwrap();
/// assert_eq!(got.1, "v");
/// drop(map);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.key_value(&map).unwrap();
/// drop(map);
/// assert_eq!(got.1, "v");
/// ```
mod key_value_needs_its_map {}

/// What `Ref::as_key` gives may not outlive the `Ref`; it needs no map.
///
/// ```
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.as_key();
/// drop(map);
/// assert_eq!(got, "k");
/// drop(r);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.as_key();
/// drop(r);
/// assert_eq!(got, "k");
/// ```
mod as_key_needs_its_ref {}

/// What `Ref::value_mut` gives may not outlive the `Ref`.
///
/// ```
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.value_mut(&mut map).unwrap();
/// got.push('!');
/// drop(r);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.value_mut(&mut map).unwrap();
/// drop(r);
/// got.push('!');
/// ```
mod value_mut_needs_its_ref {}

/// What `Ref::value_mut` gives may not outlive the borrow of the map.
///
/// ```
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.value_mut(&mut map).unwrap();
/// got.push('!');
/// drop(map);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.value_mut(&mut map).unwrap();
/// drop(map);
/// got.push('!');
/// ```
mod value_mut_needs_its_map {}

/// What `get_disjoint_mut` gives may not outlive the `Ref`s.
///
/// ```
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let [got] = map.get_disjoint_mut([&r]).unwrap();
/// got.push('!');
/// drop(r);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let [got] = map.get_disjoint_mut([&r]).unwrap();
/// drop(r);
/// got.push('!');
/// ```
mod disjoint_needs_its_refs {}

/// What `get_disjoint_mut` gives may not outlive the borrow of the map.
///
/// ```
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let [got] = map.get_disjoint_mut([&r]).unwrap();
/// got.push('!');
/// drop(map);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let [got] = map.get_disjoint_mut([&r]).unwrap();
/// drop(map);
/// got.push('!');
/// ```
mod disjoint_needs_its_map {}

/// There is no `value_mut` while a `&V` lives.
///
/// ```
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.value(&map).unwrap();
/// assert_eq!(got, "v");
/// r.value_mut(&mut map).unwrap().push('!');
/// ```
///
/// ```compile_fail,E0502
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let got = r.value(&map).unwrap();
/// r.value_mut(&mut map).unwrap().push('!');
/// assert_eq!(got, "v");
/// ```
mod no_value_mut_while_a_value_lives {}

/// There are no two `value_mut` at a time.
///
/// ```
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let s = map.insert("l".into(), "w".into()).unwrap();
/// let [a, b] = map.get_disjoint_mut([&r, &s]).unwrap();
/// std::mem::swap(a, b);
/// ```
///
/// ```compile_fail,E0499
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let s = map.insert("l".into(), "w".into()).unwrap();
/// let a = r.value_mut(&mut map).unwrap();
/// let b = s.value_mut(&mut map).unwrap();
/// std::mem::swap(a, b);
/// ```
mod no_two_value_muts {}

/// A shared map gives no `&mut`.
///
/// ```
/// use rcmap::{RcHashMap, Ref};
/// type Map = RcHashMap<u32, u32>;
/// fn set(map: &mut Map, r: &Ref<u32, u32>) {
///     *r.value_mut(map).unwrap() = 1;
/// }
/// ```
///
/// ```compile_fail,E0596
/// use rcmap::{RcHashMap, Ref};
/// type Map = RcHashMap<u32, u32>;
/// fn set(map: &Map, r: &Ref<u32, u32>) {
///     *r.value_mut(&mut *map).unwrap() = 1;
/// }
/// ```
mod no_value_mut_through_a_shared_map {}

/// A shared map gives no `iter_mut`.
///
/// ```
/// use rcmap::RcHashMap;
/// fn walk(map: &mut RcHashMap<u32, u32>) {
///     for mut entry in map.iter_mut() {
///         *entry += 1;
///     }
/// }
/// ```
///
/// ```compile_fail,E0596
/// use rcmap::RcHashMap;
/// fn walk(map: &RcHashMap<u32, u32>) {
///     for mut entry in map.iter_mut() {
///         *entry += 1;
///     }
/// }
/// ```
mod no_iter_mut_through_a_shared_map {}

/// There is no `value` while a guard of `iter_mut` lives.
///
/// ```
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let mut guard = map.iter_mut().next().unwrap();
/// guard.push('!');
/// drop(guard);
/// assert_eq!(r.value(&map).unwrap(), "v!");
/// ```
///
/// ```compile_fail,E0502
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let mut guard = map.iter_mut().next().unwrap();
/// let got = r.value(&map).unwrap();
/// guard.push('!');
/// assert_eq!(got, "v");
/// ```
mod no_value_while_a_guard_lives {}

/// What a guard lends may not outlive it.
///
/// ```
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let guard = map.iter_mut().next().unwrap();
/// let got = guard.value();
/// assert_eq!(got, "v");
/// drop(guard);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::RcHashMap;
/// let mut map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let guard = map.iter_mut().next().unwrap();
/// let got = guard.value();
/// drop(guard);
/// assert_eq!(got, "v");
/// ```
mod a_guard_lends_its_value {}

/// What `CountedHandle::value` gives may not outlive the handle.
///
/// ```
/// use rcmap::CountedHashMap;
/// let mut map: CountedHashMap<String, String> = CountedHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// fn forget(handle: rcmap::CountedHandle) {
///     std::mem::forget(handle);
/// }
/// let got = handle.value(&map).unwrap();
/// assert_eq!(got, "v");
/// forget(handle);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::CountedHashMap;
/// let mut map: CountedHashMap<String, String> = CountedHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// fn forget(handle: rcmap::CountedHandle) {
///     std::mem::forget(handle);
/// }
/// let got = handle.value(&map).unwrap();
/// forget(handle);
/// assert_eq!(got, "v");
/// ```
mod counted_value_needs_its_handle {}

/// What `CountedHandle::value` gives may not outlive the borrow of the map.
///
/// ```
/// use rcmap::CountedHashMap;
/// let mut map: CountedHashMap<String, String> = CountedHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// let other = map.get(&handle);
/// let got = handle.value(&map).unwrap();
/// assert_eq!(got, "v");
/// assert!(matches!(map.put(other), rcmap::PutResult::Live));
/// assert!(matches!(map.put(handle), rcmap::PutResult::Removed { .. }));
/// ```
///
/// ```compile_fail,E0502
/// use rcmap::CountedHashMap;
/// let mut map: CountedHashMap<String, String> = CountedHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// let other = map.get(&handle);
/// let got = handle.value(&map).unwrap();
/// assert!(matches!(map.put(other), rcmap::PutResult::Live));
/// assert_eq!(got, "v");
/// std::mem::forget(handle);
/// ```
mod counted_value_needs_its_map {}

/// What `CountedHandle::key` gives may not outlive the handle.
///
/// ```
/// use rcmap::CountedHashMap;
/// let mut map: CountedHashMap<String, String> = CountedHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// fn forget(handle: rcmap::CountedHandle) {
///     std::mem::forget(handle);
/// }
/// let got = handle.key(&map).unwrap();
/// assert_eq!(got, "k");
/// forget(handle);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::CountedHashMap;
/// let mut map: CountedHashMap<String, String> = CountedHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// fn forget(handle: rcmap::CountedHandle) {
///     std::mem::forget(handle);
/// }
/// let got = handle.key(&map).unwrap();
/// forget(handle);
/// assert_eq!(got, "k");
/// ```
mod counted_key_needs_its_handle {}

/// What `CountedHandle::key` gives may not outlive the borrow of the map.
///
/// ```
/// use rcmap::CountedHashMap;
/// let mut map: CountedHashMap<String, String> = CountedHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// let other = map.get(&handle);
/// let got = handle.key(&map).unwrap();
/// assert_eq!(got, "k");
/// assert!(matches!(map.put(other), rcmap::PutResult::Live));
/// assert!(matches!(map.put(handle), rcmap::PutResult::Removed { .. }));
/// ```
///
/// ```compile_fail,E0502
/// use rcmap::CountedHashMap;
/// let mut map: CountedHashMap<String, String> = CountedHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// let other = map.get(&handle);
/// let got = handle.key(&map).unwrap();
/// assert!(matches!(map.put(other), rcmap::PutResult::Live));
/// assert_eq!(got, "k");
/// std::mem::forget(handle);
/// ```
mod counted_key_needs_its_map {}

/// What `CountedHandle::value_mut` gives may not outlive the handle.
///
/// ```
/// use rcmap::CountedHashMap;
/// let mut map: CountedHashMap<String, String> = CountedHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// let got = handle.value_mut(&mut map).unwrap();
/// got.push('!');
/// std::mem::forget(handle);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::CountedHashMap;
/// let mut map: CountedHashMap<String, String> = CountedHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// let got = handle.value_mut(&mut map).unwrap();
/// std::mem::forget(handle);
/// got.push('!');
/// ```
mod counted_value_mut_needs_its_handle {}

/// What `CountedHandle::value_mut` gives may not outlive the borrow of the map.
///
/// ```
/// use rcmap::CountedHashMap;
/// let mut map: CountedHashMap<String, String> = CountedHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// let other = map.get(&handle);
/// let got = handle.value_mut(&mut map).unwrap();
/// got.push('!');
/// assert!(matches!(map.put(other), rcmap::PutResult::Live));
/// assert!(matches!(map.put(handle), rcmap::PutResult::Removed { .. }));
/// ```
///
/// ```compile_fail,E0499
/// use rcmap::CountedHashMap;
/// let mut map: CountedHashMap<String, String> = CountedHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// let other = map.get(&handle);
/// let got = handle.value_mut(&mut map).unwrap();
/// assert!(matches!(map.put(other), rcmap::PutResult::Live));
/// got.push('!');
/// std::mem::forget(handle);
/// ```
mod counted_value_mut_needs_its_map {}

/// What `Handle::value` gives lives as long as the borrow of the map, which a copy of the handle
/// does not shorten.
///
/// ```
/// use rcmap::HandleHashMap;
/// let mut map: HandleHashMap<String, String> = HandleHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// let got = {
///     let copy = handle;
///     copy.value(&map).unwrap()
/// };
/// assert_eq!(got, "v");
/// assert!(map.remove(handle).is_some());
/// ```
///
/// ```compile_fail,E0502
/// use rcmap::HandleHashMap;
/// let mut map: HandleHashMap<String, String> = HandleHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// let got = handle.value(&map).unwrap();
/// assert!(map.remove(handle).is_some());
/// assert_eq!(got, "v");
/// ```
mod handle_value_needs_its_map {}

/// What `Handle::key` gives lives as long as the borrow of the map, which a copy of the handle does
/// not shorten.
///
/// ```
/// use rcmap::HandleHashMap;
/// let mut map: HandleHashMap<String, String> = HandleHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// let got = {
///     let copy = handle;
///     copy.key(&map).unwrap()
/// };
/// assert_eq!(got, "k");
/// assert!(map.remove(handle).is_some());
/// ```
///
/// ```compile_fail,E0502
/// use rcmap::HandleHashMap;
/// let mut map: HandleHashMap<String, String> = HandleHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// let got = handle.key(&map).unwrap();
/// assert!(map.remove(handle).is_some());
/// assert_eq!(got, "k");
/// ```
mod handle_key_needs_its_map {}

/// What `Handle::value_mut` gives may not outlive the borrow of the map.
///
/// ```
/// use rcmap::HandleHashMap;
/// let mut map: HandleHashMap<String, String> = HandleHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// let got = handle.value_mut(&mut map).unwrap();
/// got.push('!');
/// assert!(map.remove(handle).is_some());
/// ```
///
/// ```compile_fail,E0499
/// use rcmap::HandleHashMap;
/// let mut map: HandleHashMap<String, String> = HandleHashMap::new();
/// let handle = map.insert("k".into(), "v".into()).unwrap();
/// let got = handle.value_mut(&mut map).unwrap();
/// assert!(map.remove(handle).is_some());
/// got.push('!');
/// ```
mod handle_value_mut_needs_its_map {}

/// `RcHashMap` is not `Send`.
///
/// ```
/// fn is<T: Send>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Send>() {}
/// is::<rcmap::RcHashMap<u32, u32>>();
/// ```
mod map_is_not_send {}

/// `RcHashMap` is not `Sync`.
///
/// ```
/// fn is<T: Sync>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Sync>() {}
/// is::<rcmap::RcHashMap<u32, u32>>();
/// ```
mod map_is_not_sync {}

/// `Ref` is not `Send`.
///
/// ```
/// fn is<T: Send>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Send>() {}
/// is::<rcmap::Ref<u32, u32>>();
/// ```
mod ref_is_not_send {}

/// `Ref` is not `Sync`.
///
/// ```
/// fn is<T: Sync>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Sync>() {}
/// is::<rcmap::Ref<u32, u32>>();
/// ```
mod ref_is_not_sync {}

/// `WeakRef` is not `Send`.
///
/// ```
/// fn is<T: Send>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Send>() {}
/// is::<rcmap::WeakRef<u32, u32>>();
/// ```
mod weak_ref_is_not_send {}

/// `WeakRef` is not `Sync`.
///
/// ```
/// fn is<T: Sync>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Sync>() {}
/// is::<rcmap::WeakRef<u32, u32>>();
/// ```
mod weak_ref_is_not_sync {}

/// `Token` is not `Send`.
///
/// ```
/// fn is<T: Send>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Send>() {}
/// is::<rcmap::Token>();
/// ```
mod token_is_not_send {}

/// `Token` is not `Sync`.
///
/// ```
/// fn is<T: Sync>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Sync>() {}
/// is::<rcmap::Token>();
/// ```
mod token_is_not_sync {}

/// `CountedHandle` is not `Send`.
///
/// ```
/// fn is<T: Send>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Send>() {}
/// is::<rcmap::CountedHandle>();
/// ```
mod counted_handle_is_not_send {}

/// `CountedHandle` is not `Sync`.
///
/// ```
/// fn is<T: Sync>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Sync>() {}
/// is::<rcmap::CountedHandle>();
/// ```
mod counted_handle_is_not_sync {}

/// `RawRef` is not `Send`.
///
/// ```
/// fn is<T: Send>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Send>() {}
/// is::<rcmap::RawRef<u32, u32>>();
/// ```
mod raw_ref_is_not_send {}

/// `RawRef` is not `Sync`.
///
/// ```
/// fn is<T: Sync>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Sync>() {}
/// is::<rcmap::RawRef<u32, u32>>();
/// ```
mod raw_ref_is_not_sync {}

/// `Interner` is not `Send`.
///
/// ```
/// fn is<T: Send>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Send>() {}
/// is::<rcmap::Interner<u32>>();
/// ```
mod interner_is_not_send {}

/// `Interner` is not `Sync`.
///
/// ```
/// fn is<T: Sync>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Sync>() {}
/// is::<rcmap::Interner<u32>>();
/// ```
mod interner_is_not_sync {}

/// `Interned` is not `Send`.
///
/// ```
/// fn is<T: Send>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Send>() {}
/// is::<rcmap::Interned<u32>>();
/// ```
mod interned_is_not_send {}

/// `Interned` is not `Sync`.
///
/// ```
/// fn is<T: Sync>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Sync>() {}
/// is::<rcmap::Interned<u32>>();
/// ```
mod interned_is_not_sync {}

/// `HandleHashMap` has cells, so it is not `Sync`.
///
/// ```
/// fn is<T: Sync>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Sync>() {}
/// is::<rcmap::HandleHashMap<u32, u32>>();
/// ```
mod handle_hash_map_is_not_sync {}

/// `CountedHashMap` has cells, so it is not `Sync`.
///
/// ```
/// fn is<T: Sync>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Sync>() {}
/// is::<rcmap::CountedHashMap<u32, u32>>();
/// ```
mod counted_hash_map_is_not_sync {}

/// A `Token` cannot be cloned.
///
/// ```
/// use rcmap::{Count, UsizeCount};
/// let count = UsizeCount::new();
/// let token = count.get();
/// let second = count.get();
/// assert!(!count.put(token));
/// assert!(count.put(second));
/// ```
///
/// ```compile_fail,E0599
/// use rcmap::{Count, UsizeCount};
/// let count = UsizeCount::new();
/// let token = count.get();
/// let second = token.clone();
/// count.put(token);
/// count.put(second);
/// ```
mod a_token_is_not_clone {}

/// A `Token` cannot be used twice.
///
/// ```
/// use rcmap::{Count, UsizeCount};
/// let count = UsizeCount::new();
/// let token = count.get();
/// assert!(count.put(token));
/// ```
///
/// ```compile_fail,E0382
/// use rcmap::{Count, UsizeCount};
/// let count = UsizeCount::new();
/// let token = count.get();
/// count.put(token);
/// count.put(token);
/// ```
mod a_token_is_not_copy {}

/// A `Token` cannot be made outside of the crate.
///
/// ```
/// use rcmap::{Count, Token, UsizeCount};
/// let count = UsizeCount::new();
/// let token: Token = count.get();
/// assert!(count.put(token));
/// ```
///
/// ```compile_fail,E0451
/// use rcmap::{Count, Token, UsizeCount};
/// let count = UsizeCount::new();
/// let token = Token { not_send: std::marker::PhantomData };
/// count.put(token);
/// ```
mod a_token_cannot_be_made {}

/// A `Token` has no default.
///
/// ```
/// fn is<T: Default>() {}
/// is::<rcmap::UsizeCount>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Default>() {}
/// is::<rcmap::Token>();
/// ```
mod a_token_has_no_default {}

/// A `CountedHandle` cannot be cloned.
///
/// ```
/// fn is<T: Clone>() {}
/// is::<rcmap::Handle>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Clone>() {}
/// is::<rcmap::CountedHandle>();
/// ```
mod a_counted_handle_is_not_clone {}

/// An `RcHashMap` cannot be cloned.
///
/// ```
/// fn is<T: Clone>() {}
/// is::<rcmap::Ref<u32, u32>>();
/// ```
///
/// ```compile_fail,E0277
/// fn is<T: Clone>() {}
/// is::<rcmap::RcHashMap<u32, u32>>();
/// ```
mod a_map_is_not_clone {}

/// `RcCount` cannot be reached.
///
/// ```
/// use rcmap::tokens::UsizeCount;
/// ```
///
/// ```compile_fail,E0603
/// use rcmap::tokens::RcCount;
/// ```
mod rc_count_is_private {}

/// `RcHashMap` is invariant in `K`.
///
/// ```
/// fn same<'s, 'm>(map: &'m rcmap::RcHashMap<&'static str, u32>) -> &'m rcmap::RcHashMap<&'static str, u32> {
///     map
/// }
/// ```
///
/// ```compile_fail
/// fn shorten<'s, 'm>(map: &'m rcmap::RcHashMap<&'static str, u32>) -> &'m rcmap::RcHashMap<&'s str, u32> {
///     map
/// }
/// ```
mod map_is_invariant_in_k {}

/// `RcHashMap` is invariant in `V`.
///
/// ```
/// fn same<'s, 'm>(map: &'m rcmap::RcHashMap<u32, &'static str>) -> &'m rcmap::RcHashMap<u32, &'static str> {
///     map
/// }
/// ```
///
/// ```compile_fail
/// fn shorten<'s, 'm>(map: &'m rcmap::RcHashMap<u32, &'static str>) -> &'m rcmap::RcHashMap<u32, &'s str> {
///     map
/// }
/// ```
mod map_is_invariant_in_v {}

/// `Interner` is invariant in `T`.
///
/// ```
/// fn same<'s, 'm>(map: &'m rcmap::Interner<&'static str>) -> &'m rcmap::Interner<&'static str> {
///     map
/// }
/// ```
///
/// ```compile_fail
/// fn shorten<'s, 'm>(map: &'m rcmap::Interner<&'static str>) -> &'m rcmap::Interner<&'s str> {
///     map
/// }
/// ```
mod interner_is_invariant {}

/// `IterMut` is invariant in `K`.
///
/// ```
/// fn same<'s, 'm>(it: rcmap::IterMut<'m, &'static str, u32>) -> rcmap::IterMut<'m, &'static str, u32> {
///     it
/// }
/// ```
///
/// ```compile_fail
/// fn shorten<'s, 'm>(it: rcmap::IterMut<'m, &'static str, u32>) -> rcmap::IterMut<'m, &'s str, u32> {
///     it
/// }
/// ```
mod iter_mut_is_invariant_in_k {}

/// `IterMut` is invariant in `V`.
///
/// ```
/// fn same<'s, 'm>(it: rcmap::IterMut<'m, u32, &'static str>) -> rcmap::IterMut<'m, u32, &'static str> {
///     it
/// }
/// ```
///
/// ```compile_fail
/// fn shorten<'s, 'm>(it: rcmap::IterMut<'m, u32, &'static str>) -> rcmap::IterMut<'m, u32, &'s str> {
///     it
/// }
/// ```
mod iter_mut_is_invariant_in_v {}

/// `EntryMut` is invariant in `K`.
///
/// ```
/// fn same<'s, 'm>(it: rcmap::EntryMut<'m, &'static str, u32>) -> rcmap::EntryMut<'m, &'static str, u32> {
///     it
/// }
/// ```
///
/// ```compile_fail
/// fn shorten<'s, 'm>(it: rcmap::EntryMut<'m, &'static str, u32>) -> rcmap::EntryMut<'m, &'s str, u32> {
///     it
/// }
/// ```
mod entry_mut_is_invariant_in_k {}

/// `EntryMut` is invariant in `V`.
///
/// ```
/// fn same<'s, 'm>(it: rcmap::EntryMut<'m, u32, &'static str>) -> rcmap::EntryMut<'m, u32, &'static str> {
///     it
/// }
/// ```
///
/// ```compile_fail
/// fn shorten<'s, 'm>(it: rcmap::EntryMut<'m, u32, &'static str>) -> rcmap::EntryMut<'m, u32, &'s str> {
///     it
/// }
/// ```
mod entry_mut_is_invariant_in_v {}

/// A key that borrows has to outlive the map: its destructor may look at it (drop check).
///
/// ```
/// use rcmap::RcHashMap;
/// #[derive(PartialEq, Eq, Hash)]
/// struct Loud<'a>(&'a str);
/// impl Drop for Loud<'_> {
///     fn drop(&mut self) {
///         assert!(!self.0.is_empty());
///     }
/// }
/// let text = String::from("key");
/// let map = RcHashMap::new();
/// let held = map.insert(Loud(&text), ()).unwrap();
/// ```
///
/// ```compile_fail,E0597
/// use rcmap::RcHashMap;
/// #[derive(PartialEq, Eq, Hash)]
/// struct Loud<'a>(&'a str);
/// impl Drop for Loud<'_> {
///     fn drop(&mut self) {
///         assert!(!self.0.is_empty());
///     }
/// }
/// let held;
/// {
///     let text = String::from("key");
///     let map = RcHashMap::new();
///     held = map.insert(Loud(&text), ()).unwrap();
/// }
/// ```
mod a_borrowed_key_may_not_dangle {}

/// A value that borrows has to outlive the `Ref`s, whoever drops first.
///
/// ```
/// use rcmap::RcHashMap;
/// let text = String::from("value");
/// let map: RcHashMap<u32, &str> = RcHashMap::new();
/// let held = map.insert(1, &*text).unwrap();
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::RcHashMap;
/// let map: RcHashMap<u32, &str> = RcHashMap::new();
/// let text = String::from("value");
/// let held = map.insert(1, &*text).unwrap();
/// drop(text);
/// assert_eq!(held.value(&map), Ok(&"value"));
/// ```
mod a_borrowed_value_may_not_dangle {}

/// The same holds for layer 1.
///
/// ```
/// use rcmap::HandleHashMap;
/// #[derive(PartialEq, Eq, Hash)]
/// struct Loud<'a>(&'a str);
/// impl Drop for Loud<'_> {
///     fn drop(&mut self) {
///         assert!(!self.0.is_empty());
///     }
/// }
/// let text = String::from("key");
/// let mut map = HandleHashMap::new();
/// assert!(map.insert(Loud(&text), ()).is_ok());
/// ```
///
/// ```compile_fail,E0597
/// use rcmap::HandleHashMap;
/// #[derive(PartialEq, Eq, Hash)]
/// struct Loud<'a>(&'a str);
/// impl Drop for Loud<'_> {
///     fn drop(&mut self) {
///         assert!(!self.0.is_empty());
///     }
/// }
/// let mut map = HandleHashMap::new();
/// let text = String::from("key");
/// assert!(map.insert(Loud(&text), ()).is_ok());
/// ```
mod a_layer_1_key_may_not_dangle {}

/// `find_or_insert_ref` works with keys that borrow from the query, which then has to live as long
/// as they.
///
/// ```
/// use rcmap::{Equivalent, RcHashMap};
/// #[derive(PartialEq, Eq, Hash)]
/// struct Name<'a>(&'a str);
/// impl<'a> From<&'a str> for Name<'a> {
///     fn from(text: &'a str) -> Self {
///         Self(text)
///     }
/// }
/// impl Equivalent<Name<'_>> for str {
///     fn equivalent(&self, key: &Name<'_>) -> bool {
///         self == key.0
///     }
/// }
/// let text = String::from("key");
/// let map: RcHashMap<Name<'_>, usize> = RcHashMap::new();
/// let r = map.find_or_insert_ref(text.as_str(), |key| key.0.len());
/// assert_eq!(r.value(&map), Ok(&3));
/// ```
///
/// ```compile_fail,E0597
/// use rcmap::{Equivalent, RcHashMap};
/// #[derive(PartialEq, Eq, Hash)]
/// struct Name<'a>(&'a str);
/// impl<'a> From<&'a str> for Name<'a> {
///     fn from(text: &'a str) -> Self {
///         Self(text)
///     }
/// }
/// impl Equivalent<Name<'_>> for str {
///     fn equivalent(&self, key: &Name<'_>) -> bool {
///         self == key.0
///     }
/// }
/// let text = String::from("key");
/// let map: RcHashMap<Name<'_>, usize> = RcHashMap::new();
/// let r = {
///     let text = String::from("key");
///     map.find_or_insert_ref(text.as_str(), |key| key.0.len())
/// };
/// assert_eq!(r.value(&map), Ok(&3));
/// ```
mod a_query_that_becomes_a_key_has_to_live {}

/// `find` borrows its query for the call only, also if keys borrow.
///
/// ```
/// use rcmap::RcHashMap;
/// let text = String::from("key");
/// let map: RcHashMap<&str, u32> = RcHashMap::new();
/// let r = {
///     let query = String::from("key");
///     map.find(query.as_str())
/// };
/// assert!(r.is_none());
/// ```
///
/// ```compile_fail,E0597
/// use rcmap::RcHashMap;
/// let text = String::from("key");
/// let map: RcHashMap<&str, u32> = RcHashMap::new();
/// let r = {
///     let key = String::from("key");
///     map.insert(key.as_str(), 1)
/// };
/// assert!(r.is_ok());
/// ```
mod find_does_not_bind_its_query {}

/// `from_raw` is unsafe.
///
/// ```
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let raw = r.into_raw();
/// // SAFETY: it came from `into_raw`, and is taken back once.
/// drop(unsafe { rcmap::Ref::from_raw(raw) });
/// ```
///
/// ```compile_fail,E0133
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let raw = r.into_raw();
/// drop(rcmap::Ref::from_raw(raw));
/// ```
mod from_raw_needs_an_unsafe_block {}

/// `try_unwrap` takes the `Ref`, so nothing that it lent may live on.
///
/// ```
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// assert_eq!(r.as_key(), "k");
/// assert!(r.try_unwrap().is_ok());
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::RcHashMap;
/// let map: RcHashMap<String, String> = RcHashMap::new();
/// let r = map.insert("k".into(), "v".into()).unwrap();
/// let key = r.as_key();
/// assert!(r.try_unwrap().is_ok());
/// assert_eq!(key, "k");
/// ```
mod try_unwrap_needs_an_unborrowed_ref {}

/// What an `Interned` lends may not outlive it.
///
/// ```
/// use rcmap::Interner;
/// let names: Interner<Box<str>> = Interner::new();
/// let name = names.intern_ref("name");
/// let text: &str = &name;
/// assert_eq!(text, "name");
/// drop(name);
/// ```
///
/// ```compile_fail,E0505
/// use rcmap::Interner;
/// let names: Interner<Box<str>> = Interner::new();
/// let name = names.intern_ref("name");
/// let text: &str = &name;
/// drop(name);
/// assert_eq!(text, "name");
/// ```
mod an_interned_value_needs_its_handle {}

/// A map of mutable references lets its owner reach them, so it may not cross a `catch_unwind` unseen.
///
/// ```
/// fn check<T: std::panic::UnwindSafe>() {}
/// check::<rcmap::RcHashMap<(), Vec<u8>>>();
/// ```
///
/// ```compile_fail,E0277
/// fn check<T: std::panic::UnwindSafe>() {}
/// check::<rcmap::RcHashMap<(), &mut Vec<u8>>>();
/// ```
mod a_map_of_mutable_references_is_not_unwind_safe {}

/// A map with `Ref`s stays on its thread, whatever its keys are; those of layers 1 and 2 need not.
///
/// ```
/// fn check<T: Send>() {}
/// check::<rcmap::HandleHashMap<u32, u32>>();
/// ```
///
/// ```compile_fail,E0277
/// fn check<T: Send>() {}
/// check::<rcmap::Interned<u32>>();
/// ```
mod an_interned_value_stays_on_its_thread {}
