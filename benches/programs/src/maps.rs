//! The workloads over maps and interners. Each loop that is timed is a function of its own.

use std::collections::VecDeque;
use std::hint::black_box;

use crate::keys::{Random, permutation};
use crate::{Interner, Job, Key, Map, Workload, memory, time};

/// The workloads of section 5 of the brief, but for interning.
pub(crate) fn run<K: Key, M: Map<K>>(job: &Job) {
    let n = job.size;
    let keys: Vec<K> = (0..n as u64).map(K::make).collect();
    if job.workloads.iter().any(|w| (Workload::Hit..=Workload::Clone).contains(w)) {
        lookups::<K, M>(job, &keys);
    }
    job.measure(Workload::Insert, n, || {
        let (mut map, mut held, keys) = (M::new(), Vec::with_capacity(n), keys.clone());
        let took = time(|| insert(&mut map, keys, &mut held));
        drop(held);
        took
    });
    if job.wants(Workload::Churn) {
        churn::<K, M>(job, &keys);
    }
    job.measure(Workload::Drop, n, || {
        let (mut map, held) = fill::<K, M>(&keys);
        time(|| drop_all(&mut map, held, &keys))
    });
    job.offer(Workload::Bytes, || {
        let (map, handles) = bytes::<K, M>(&keys);
        (map + handles) as f64 / n as f64
    });
    job.offer(Workload::Small, || bytes::<K, M>(&keys).0 as f64);
}

fn fill<K: Key, M: Map<K>>(keys: &[K]) -> (M, Vec<M::Held>) {
    let mut map = M::new();
    let held = (0..).zip(keys).map(|(value, key)| map.insert(key.clone(), value)).collect();
    (map, held)
}

/// The heap bytes of a map with these keys, without what the keys own, and those of a handle each.
fn bytes<K: Key, M: Map<K>>(keys: &[K]) -> (usize, usize) {
    let (own, own_bytes) = memory::growth(|| keys.to_vec());
    let mut held = Vec::with_capacity(keys.len());
    let (map, bytes) = memory::growth(|| {
        let mut map = M::new();
        held.extend(own.iter().cloned().map(|key| map.insert(key, 1)));
        map
    });
    drop((held, map));
    (bytes - (own_bytes - size_of_val(keys)), keys.len() * size_of::<M::Held>())
}

fn lookups<K: Key, M: Map<K>>(job: &Job, keys: &[K]) {
    let (map, held) = fill::<K, M>(keys);
    let order = permutation(job.size);
    // Allocated in this order: only the map is walked at random.
    let queries: Vec<K> = order.iter().map(|&i| K::make(u64::from(i))).collect();
    let missing: Vec<K> = order.iter().map(|&i| K::make(u64::from(i) | 1 << 31)).collect();
    job.measure_again(Workload::Hit, || hit(&map, &queries));
    let mut kept = Vec::with_capacity(job.size);
    job.measure(Workload::Kept, job.size, || {
        let took = time(|| keep(&map, &queries, &mut kept));
        kept.clear();
        took
    });
    job.measure_again(Workload::Call, || call(&map, &queries));
    job.measure_again(Workload::Miss, || miss(&map, &missing));
    if M::HOLDS {
        job.measure_again(Workload::Read, || read(&map, &held, &order));
        job.measure_again(Workload::Clone, || share::<K, M>(&held, &order));
    }
}

#[inline(never)]
fn hit<K: Key, M: Map<K>>(map: &M, queries: &[K]) {
    let mut sum = 0_u64;
    for query in queries {
        let held = map.find(query.borrow()).expect("the key is there");
        sum = sum.wrapping_add(map.read(&held));
    }
    black_box(sum);
}

#[inline(never)]
fn keep<K: Key, M: Map<K>>(map: &M, queries: &[K], kept: &mut Vec<M::Held>) {
    for query in queries {
        kept.push(map.find(query.borrow()).expect("the key is there"));
    }
}

#[inline(never)]
fn touch<K: Key, M: Map<K>>(map: &M, query: &K::Query) -> u64 {
    let held = map.find(query).expect("the key is there");
    map.read(&held)
}

#[inline(never)]
fn call<K: Key, M: Map<K>>(map: &M, queries: &[K]) {
    let mut sum = 0_u64;
    for query in queries {
        sum = sum.wrapping_add(touch(map, query.borrow()));
    }
    black_box(sum);
}

#[inline(never)]
fn miss<K: Key, M: Map<K>>(map: &M, queries: &[K]) {
    let mut found = 0_usize;
    for query in queries {
        found += usize::from(map.find(query.borrow()).is_some());
    }
    assert_eq!(found, 0);
}

#[inline(never)]
fn read<K: Key, M: Map<K>>(map: &M, held: &[M::Held], order: &[u32]) {
    let mut sum = 0_u64;
    for &i in order {
        sum = sum.wrapping_add(map.read(&held[i as usize]));
    }
    black_box(sum);
}

#[inline(never)]
fn share<K: Key, M: Map<K>>(held: &[M::Held], order: &[u32]) {
    for &i in order {
        black_box(M::share(&held[i as usize]));
    }
}

#[inline(never)]
fn insert<K: Key, M: Map<K>>(map: &mut M, keys: Vec<K>, held: &mut Vec<M::Held>) {
    for (value, key) in (0..).zip(keys) {
        held.push(map.insert(key, value));
    }
}

#[inline(never)]
fn drop_all<K: Key, M: Map<K>>(map: &mut M, held: Vec<M::Held>, keys: &[K]) {
    for (held, key) in held.into_iter().zip(keys) {
        map.release(held, key.borrow());
    }
    map.sweep();
}

/// Each repetition drops the entries of the one before, the oldest first, and inserts as many new ones.
fn churn<K: Key, M: Map<K>>(job: &Job, keys: &[K]) {
    #[inline(never)]
    fn work<K: Key, M: Map<K>>(map: &mut M, held: &mut VecDeque<M::Held>, old: &[K], new: Vec<K>) {
        for (key, old) in new.into_iter().zip(old) {
            let oldest = held.pop_front().expect("there are entries");
            map.release(oldest, old.borrow());
            held.push_back(map.insert(key, 1));
        }
    }
    let n = job.size as u64;
    let (mut map, held) = fill::<K, M>(keys);
    let (mut held, mut old, mut next) = (VecDeque::from(held), keys.to_vec(), n);
    job.measure(Workload::Churn, job.size, || {
        let new: Vec<K> = (next..next + n).map(K::make).collect();
        next += n;
        let after = new.clone();
        let took = time(|| work(&mut map, &mut held, &old, new));
        old = after;
        took
    });
}

/// Interns a text of `size` words, of which the last `size / 4` are held, again and again.
pub(crate) fn interner<K: Key, I: Interner<K>>(job: &Job) {
    #[inline(never)]
    fn work<K: Key, I: Interner<K>>(table: &mut I, held: &mut VecDeque<I::Held>, text: &[K]) {
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
    if !I::HOLDS || !job.wants(Workload::Intern) {
        return;
    }
    let mut random = Random::new(7);
    let text: Vec<K> = (0..job.size).map(|_| K::make(random.skewed(job.size) as u64)).collect();
    let mut table = I::new();
    let window = &text[job.size - job.size / 4..];
    let mut held = window.iter().map(|word| table.intern(word.borrow())).collect();
    job.measure(Workload::Intern, job.size, || time(|| work(&mut table, &mut held, &text)));
}
