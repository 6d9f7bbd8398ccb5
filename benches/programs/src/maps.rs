//! The workloads over maps and interners.

use std::collections::VecDeque;
use std::hint::black_box;

use crate::keys::{Random, permutation};
use crate::{Job, Key, Table, memory, time};

/// Runs the workloads of section 5 of the brief that the table can do.
pub(crate) fn run<K: Key, T: Table<K>>(job: &Job) {
    let keys: Vec<K> = (0..job.size as u64).map(K::make).collect();
    if T::IS_MAP {
        if ["hit", "kept", "call", "miss", "read", "clone"].iter().any(|name| job.wants(name)) {
            lookups::<K, T>(job, &keys);
        }
        changes::<K, T>(job, &keys);
    }
    if T::HOLDS && job.wants("intern") {
        intern::<K, T>(job);
    }
    if T::IS_MAP {
        job.offer("bytes", || {
            let handles = keys.len() * size_of::<T::Held>();
            (bytes::<K, T>(&keys) + handles) as f64 / keys.len() as f64
        });
        job.offer("small", || bytes::<K, T>(&keys) as f64);
    }
}

fn fill<K: Key, T: Table<K>>(keys: &[K]) -> (T, Vec<T::Held>) {
    let mut map = T::new();
    let held = (0..).zip(keys).map(|(value, key)| map.insert(key.clone(), value)).collect();
    (map, held)
}

/// The heap bytes of a map with these keys, without what the keys own.
fn bytes<K: Key, T: Table<K>>(keys: &[K]) -> usize {
    let (own, own_bytes) = memory::growth(|| keys.to_vec());
    let mut held = Vec::with_capacity(keys.len());
    let (_map, bytes) = memory::growth(|| {
        let mut map = T::new();
        held.extend(own.iter().cloned().map(|key| map.insert(key, 1)));
        map
    });
    bytes - (own_bytes - size_of_val(keys))
}

/// The loop of all workloads that change nothing.
#[inline(never)]
pub(crate) fn sum<T>(items: &[T], each: impl Fn(&T) -> u64) {
    let mut sum = 0_u64;
    for item in items {
        sum = sum.wrapping_add(each(item));
    }
    black_box(sum);
}

#[inline(never)]
fn touch<K: Key, T: Table<K>>(map: &T, query: &K::Query) -> u64 {
    let held = map.find(query).expect("the key is there");
    map.read(&held)
}

fn lookups<K: Key, T: Table<K>>(job: &Job, keys: &[K]) {
    let (map, held) = &fill::<K, T>(keys);
    let order = permutation(job.size);
    // Allocated in this order: only the map is walked at random.
    let queries: Vec<K> = order.iter().map(|&i| K::make(u64::from(i))).collect();
    let missing: Vec<K> = order.iter().map(|&i| K::make(u64::from(i) | 1 << 31)).collect();
    job.measure_loop("hit", &queries, move |query| {
        map.read(&map.find(query.borrow()).expect("the key is there"))
    });
    let mut kept = Vec::with_capacity(job.size);
    job.measure("kept", job.size, || {
        let took = time(|| keep(map, &queries, &mut kept));
        kept.clear();
        took
    });
    job.measure_loop("call", &queries, move |query| touch::<K, T>(map, query.borrow()));
    job.measure_loop("miss", &missing, move |query| u64::from(map.find(query.borrow()).is_some()));
    if T::HOLDS {
        job.measure_loop("read", &order, move |&i| map.read(&held[i as usize]));
        job.measure_loop("clone", &order, move |&i| {
            black_box(held[i as usize].clone());
            0
        });
    }
}

#[inline(never)]
fn keep<K: Key, T: Table<K>>(map: &T, queries: &[K], kept: &mut Vec<T::Held>) {
    for query in queries {
        kept.push(map.find(query.borrow()).expect("the key is there"));
    }
}

#[inline(never)]
fn insert<K: Key, T: Table<K>>(map: &mut T, keys: Vec<K>, held: &mut Vec<T::Held>) {
    for (value, key) in (0..).zip(keys) {
        held.push(map.insert(key, value));
    }
}

#[inline(never)]
fn drop_all<K: Key, T: Table<K>>(map: &mut T, held: Vec<T::Held>, keys: &[K]) {
    for (held, key) in held.into_iter().zip(keys) {
        map.release(held, key.borrow());
    }
    map.sweep();
}

#[inline(never)]
fn churn<K: Key, T: Table<K>>(map: &mut T, held: &mut VecDeque<T::Held>, old: &[K], new: Vec<K>) {
    for (key, old) in new.into_iter().zip(old) {
        let oldest = held.pop_front().expect("there are entries");
        map.release(oldest, old.borrow());
        held.push_back(map.insert(key, 1));
    }
}

fn changes<K: Key, T: Table<K>>(job: &Job, keys: &[K]) {
    let n = job.size;
    job.measure("insert", n, || {
        let (mut map, mut held, keys) = (T::new(), Vec::with_capacity(n), keys.to_vec());
        let took = time(|| insert(&mut map, keys, &mut held));
        drop(held);
        took
    });
    if job.wants("churn") {
        // Each repetition drops the entries of the one before, and inserts as many new ones.
        let (mut map, held) = fill::<K, T>(keys);
        let (mut held, mut old, mut next) = (VecDeque::from(held), keys.to_vec(), n as u64);
        job.measure("churn", n, || {
            let new: Vec<K> = (next..next + n as u64).map(K::make).collect();
            next += n as u64;
            let after = new.clone();
            let took = time(|| churn(&mut map, &mut held, &old, new));
            old = after;
            took
        });
    }
    job.measure("drop", n, || {
        let (mut map, held) = fill::<K, T>(keys);
        time(|| drop_all(&mut map, held, keys))
    });
}

/// Interns a text of `size` words, of which the last `size / 4` are held, again and again.
fn intern<K: Key, T: Table<K>>(job: &Job) {
    #[inline(never)]
    fn work<K: Key, T: Table<K>>(table: &mut T, held: &mut VecDeque<T::Held>, text: &[K]) {
        let window = held.len();
        let old = text[text.len() - window..].iter().chain(text);
        for (i, (word, old)) in text.iter().zip(old).enumerate() {
            let oldest = held.pop_front().expect("there is a window");
            table.release(oldest, old.borrow());
            held.push_back(table.intern(word.borrow()));
            if i % window == 0 {
                table.sweep();
            }
        }
    }
    let mut random = Random::new(7);
    let words = (0..job.size).map(|_| K::make(random.skewed(job.size) as u64));
    let text: Vec<K> = words.collect();
    let mut table = T::new();
    let window = &text[job.size - job.size / 4..];
    let mut held = window.iter().map(|word| table.intern(word.borrow())).collect();
    job.measure("intern", job.size, || time(|| work(&mut table, &mut held, &text)));
}
