//! The loops that are timed, each a function of its own, so that a profiler can be told to look at
//! nothing else: `valgrind --tool=callgrind --toggle-collect='rcmap_benches::hot::*'`.

use std::collections::VecDeque;
use std::hint::black_box;

use crate::contender::{Contender, Interns};
use crate::keys::Key;

/// Adds entries with these keys.
#[inline(never)]
pub fn insert<K: Key, C: Contender<K>>(map: &mut C, keys: Vec<K>, held: &mut Vec<C::Held>) {
    for (value, key) in (0..).zip(keys) {
        held.push(map.insert(key, value));
    }
}

/// Adds entries with these keys, and lets go of all of them.
#[inline(never)]
pub fn insert_and_drop<K: Key, C: Contender<K>>(
    map: &mut C,
    keys: Vec<K>,
    held: &mut Vec<C::Held>,
    same_keys: &[K],
) {
    for (value, key) in (0..).zip(keys) {
        held.push(map.insert(key, value));
    }
    map.release_all(held, same_keys);
}

/// Runs four loops over a quarter of the queries each. Programs use what they find in one way or another,
/// and it is luck how a compiler treats a benchmark's only loop, and where in memory that lies. (This and its
/// callers are inlined, for a profiler that one function of this file toggles, the next would toggle back.)
#[inline(always)]
fn in_quarters<K, C>(map: &C, queries: &[K], loops: [fn(&C, &[K]); 4]) {
    let mut rest = queries;
    for (i, part) in loops.into_iter().enumerate() {
        let queries;
        (queries, rest) = rest.split_at(rest.len() / (4 - i));
        part(map, queries);
    }
}

/// Finds entries, reads the value of each and lets go of it.
#[inline(always)]
pub fn find<K: Key, C: Contender<K>>(map: &C, queries: &[K]) {
    in_quarters(map, queries, [find_and_show, find_and_add, find_if_there, find_and_hand_over]);
}

#[inline(never)]
fn find_and_show<K: Key, C: Contender<K>>(map: &C, queries: &[K]) {
    for query in queries {
        let held = map.find(query).expect("the key is there");
        black_box(map.read(&held));
    }
}

#[inline(never)]
fn find_and_add<K: Key, C: Contender<K>>(map: &C, queries: &[K]) {
    let mut sum = 0_u64;
    for query in queries {
        sum = sum.wrapping_add(map.read(&map.find(query).expect("the key is there")));
    }
    black_box(sum);
}

#[inline(never)]
fn find_if_there<K: Key, C: Contender<K>>(map: &C, queries: &[K]) {
    let mut sum = 0_u64;
    for query in queries {
        if let Some(held) = map.find(query) {
            sum = sum.wrapping_add(map.read(&held));
        }
    }
    black_box(sum);
}

#[inline(never)]
fn find_and_hand_over<K: Key, C: Contender<K>>(map: &C, queries: &[K]) {
    for query in queries {
        let held = black_box(map.find(query)).expect("the key is there");
        black_box(map.read(&held));
    }
}

/// Looks for what is not there.
#[inline(always)]
pub fn miss<K: Key, C: Contender<K>>(map: &C, queries: &[K]) {
    in_quarters(map, queries, [miss_and_show, miss_and_assert, miss_and_count, find_if_there]);
}

#[inline(never)]
fn miss_and_show<K: Key, C: Contender<K>>(map: &C, queries: &[K]) {
    for query in queries {
        black_box(map.find(query).is_none());
    }
}

#[inline(never)]
fn miss_and_assert<K: Key, C: Contender<K>>(map: &C, queries: &[K]) {
    for query in queries {
        assert!(map.find(query).is_none(), "the key is not there");
    }
}

#[inline(never)]
fn miss_and_count<K: Key, C: Contender<K>>(map: &C, queries: &[K]) {
    let mut missing = 0;
    for query in queries {
        missing += usize::from(map.find(query).is_none());
    }
    black_box(missing);
}

/// Reads the values of held entries.
#[inline(never)]
pub fn read<K: Key, C: Contender<K>>(map: &C, held: &[C::Held], order: &[u32]) {
    for &i in order {
        black_box(map.read(&held[i as usize]));
    }
}

/// Clones the holders of entries, and lets go of the clones.
#[inline(never)]
pub fn share<K: Key, C: Contender<K>>(held: &[C::Held], order: &[u32]) {
    for &i in order {
        black_box(C::share(&held[i as usize]));
    }
}

/// Lets go of the oldest entry and adds a new one, once for each of `keys`.
#[inline(never)]
pub fn churn<K: Key, C: Contender<K>>(
    map: &mut C,
    held: &mut VecDeque<C::Held>,
    keys: Vec<K>,
    oldest: &[K],
) {
    for (key, old) in keys.into_iter().zip(oldest) {
        let oldest = held.pop_front().expect("there are entries");
        map.release(oldest, old);
        held.push_back(map.insert(key, 1));
    }
}

/// Lets go of all entries.
#[inline(never)]
pub fn drop_all<K: Key, C: Contender<K>>(map: &mut C, held: &mut Vec<C::Held>, keys: &[K]) {
    map.release_all(held, keys);
}

/// Visits all entries.
#[inline(never)]
pub fn iterate<K: Key, C: Contender<K>>(map: &C) {
    black_box(map.sum());
}

/// Visits all entries with their values mutable.
#[inline(never)]
pub fn iterate_mut<K: Key, C: Contender<K>>(map: &mut C) {
    map.increment();
}

/// Interns the words of a text, holding the last `window` of them. The text is a circle: before and
/// after, the last `window` words of it are held.
#[inline(never)]
pub fn intern<K: Key, C: Interns<K>>(table: &mut C, held: &mut VecDeque<C::Held>, text: &[K]) {
    let window = held.len();
    let old = text[text.len() - window..].iter().chain(text);
    for (i, (word, old)) in text.iter().zip(old).enumerate() {
        let oldest = held.pop_front().expect("there is a window");
        table.release(oldest, old);
        held.push_back(table.intern(word));
        if i % window == 0 {
            table.sweep();
        }
    }
}
