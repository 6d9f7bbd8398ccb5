//! What has to end the process: a count that overflows, and two destructors that panic into each
//! other. Each case runs this very program again as a child and looks at how that ended.
//!
//! Not under Miri, which has no processes.
#![cfg(not(miri))]

mod support;

use std::env;
use std::process::{Command, ExitStatus};

use rcmap::{Count, UsizeCount};
#[cfg(not(debug_assertions))]
use rcmap::{RcHashMap, Ref};
use support::{Mood, Point, World, map_of, put, scripted_panic};

const CASE: &str = "RCMAP_TEST_CASE";

/// Runs the test `name` of this program again, with `CASE` set, and says how it ended.
fn run_again(name: &str) -> (ExitStatus, String) {
    let program = env::current_exe().expect("tests are programs");
    let output = Command::new(program)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(CASE, name)
        .output()
        .expect("the program that runs can be run");
    (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn is_child(name: &str) -> bool {
    env::var_os(CASE).is_some_and(|case| case == name)
}

#[track_caller]
fn assert_aborted(status: ExitStatus, errors: &str) {
    assert!(!status.success(), "it went on: {errors}");
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        assert!(status.signal().is_some(), "it ended by itself: {status} {errors}");
    }
}

/// A map of one entry, to which there are so many `Ref`s: the one that is returned, and forgotten ones.
#[cfg(not(debug_assertions))]
fn map_with_a_count_of(count: u32) -> (RcHashMap<u32, String>, Ref<u32, String>) {
    let map = RcHashMap::new();
    let r = map.insert(1, "on the heap".to_string()).unwrap();
    for _ in 1..count {
        std::mem::forget(std::hint::black_box(r.clone()));
    }
    (map, r)
}

/// Four thousand million steps: a few seconds, in release builds.
#[cfg(not(debug_assertions))]
#[test]
fn an_overflow_of_a_count_aborts() {
    const NAME: &str = "an_overflow_of_a_count_aborts";
    if is_child(NAME) {
        let count = UsizeCount::new();
        for _ in 0..u32::MAX {
            std::mem::forget(std::hint::black_box(&count).get());
        }
        eprintln!("it came to {}", count.count());
        std::mem::forget(count.get());
        std::process::exit(0);
    }
    let (status, errors) = run_again(NAME);
    assert_aborted(status, &errors);
    assert!(errors.contains("it came to 4294967295"), "it ended early: {errors}");
}

#[cfg(not(debug_assertions))]
type Another = fn(&RcHashMap<u32, String>) -> Option<Ref<u32, String>>;

#[cfg(not(debug_assertions))]
fn the_last_is_minted_and_one_more_aborts(name: &str, another: Another) {
    if is_child(name) {
        let (map, _r) = map_with_a_count_of(u32::MAX - 1);
        let last = another(&map).expect("there is an entry");
        eprintln!("it came to {}", last.strong_count());
        std::mem::forget(another(&map));
        std::process::exit(0);
    }
    let (status, errors) = run_again(name);
    assert_aborted(status, &errors);
    assert!(errors.contains("it came to 4294967295"), "it ended early: {errors}");
}

/// A walk over the entries asks the count in another way, and so does a search.
#[cfg(not(debug_assertions))]
#[test]
fn an_overflow_of_a_count_aborts_in_a_walk_too() {
    let next: Another = |map| map.iter().next();
    the_last_is_minted_and_one_more_aborts("an_overflow_of_a_count_aborts_in_a_walk_too", next);
}

#[cfg(not(debug_assertions))]
#[test]
fn an_overflow_of_a_count_aborts_in_a_search_too() {
    let found: Another = |map| map.find(&1);
    the_last_is_minted_and_one_more_aborts("an_overflow_of_a_count_aborts_in_a_search_too", found);
}

/// A regression: the message used to be printed while the count was zero, and printing may panic.
#[cfg(all(not(debug_assertions), target_os = "linux"))]
#[test]
fn an_overflow_aborts_also_if_nothing_can_be_printed() {
    const NAME: &str = "an_overflow_aborts_also_if_nothing_can_be_printed";
    if is_child(NAME) {
        let (_map, r) = map_with_a_count_of(u32::MAX);
        assert_eq!(r.strong_count(), u32::MAX as usize);
        drop(support::attempt(|| std::mem::forget(r.clone())));
        std::process::exit(7);
    }
    let full = std::fs::File::options().write(true).open("/dev/full").expect("it is always there");
    let status = Command::new(env::current_exe().expect("tests are programs"))
        .args(["--exact", NAME, "--nocapture", "--test-threads=1"])
        .env(CASE, NAME)
        .stderr(full)
        .status()
        .expect("the program that runs can be run");
    assert_aborted(status, "");
}

#[test]
fn a_count_goes_far_without_aborting() {
    let count = UsizeCount::new();
    for n in 1..=70_000 {
        std::mem::forget(count.get());
        assert_eq!(count.count(), n);
    }
}

#[test]
fn two_destructors_that_panic_into_each_other_abort() {
    const NAME: &str = "two_destructors_that_panic_into_each_other_abort";
    if is_child(NAME) {
        let world = World::new();
        let map = map_of(&world, Mood::Fair);
        let r = put(&world, &map, 1);
        world.at(Point::DropKey, 1, scripted_panic);
        // Not `scripted_panic`, which knows better.
        world.at(Point::DropValue, 1, || panic!("the second"));
        drop(r);
        std::process::exit(0);
    }
    let (status, errors) = run_again(NAME);
    assert_aborted(status, &errors);
}

#[test]
fn a_lost_token_while_unwinding_does_not_abort() {
    const NAME: &str = "a_lost_token_while_unwinding_does_not_abort";
    if is_child(NAME) {
        let count = UsizeCount::new();
        support::assert_scripted_panic(|| {
            let _lost = [count.get(), count.get()];
            scripted_panic();
        });
        assert_eq!(count.count(), 2);
        std::process::exit(7);
    }
    let (status, errors) = run_again(NAME);
    assert_eq!(status.code(), Some(7), "{errors}");
}
