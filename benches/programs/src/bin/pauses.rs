//! How long a single call may take in a map of ten million entries. Prints what the documentation says of pauses.

use std::time::Instant;

use rcmap::{RcHashMap, Ref};

const ENTRIES: u64 = 10_000_000;

struct Link(#[expect(dead_code, reason = "it keeps the next one")] Option<Ref<u64, Link>>);

/// Calls `step` for each of them, and returns the seconds of all and of the longest one.
fn time<T>(items: impl Iterator<Item = T>, mut step: impl FnMut(T)) -> (f64, f64) {
    let (start, mut longest) = (Instant::now(), 0.0_f64);
    for item in items {
        let start = Instant::now();
        step(item);
        longest = longest.max(start.elapsed().as_secs_f64());
    }
    (start.elapsed().as_secs_f64(), longest)
}

fn main() {
    let map = RcHashMap::<u64, u64>::new();
    let mut refs = Vec::with_capacity(ENTRIES as usize);
    let (_, longest) = time(0..ENTRIES, |n| refs.push(map.find_or_insert(n, n)));
    println!("longest insertion  {longest:.2} s");
    let (_, longest) = time(refs.into_iter(), drop);
    println!("longest removal    {longest:.2} s");

    let map = RcHashMap::<u64, Link>::new();
    let mut chain = None;
    for n in 0..ENTRIES {
        chain = Some(map.find_or_insert_with(n, |_| Link(chain.take())));
    }
    let (all, _) = time(chain.into_iter(), drop);
    println!("a chain of all     {all:.2} s");
    assert_eq!(map.len(), 0);
}
