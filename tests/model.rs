//! Random programs on each layer, compared with a trivially correct model after every step, and
//! hostile programs audited after every step.
//!
//! Breaks with (I1), (I2), (I3), (I4), (I6) and (I7), through `check_invariants` of `design.md`.

mod support;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestError, TestRunner};
use support::op::Manners;

/// Runs `run` on random bytes. Shrinks by itself, and writes no files.
fn on_random_bytes(cases: u32, len: usize, run: impl Fn(&[u8])) {
    let cases = if cfg!(miri) { cases.div_ceil(64) } else { cases };
    let len = if cfg!(miri) { len / 4 } else { len };
    let config =
        Config { cases, max_shrink_iters: 4000, failure_persistence: None, ..Config::default() };
    let tried = TestRunner::new(config).run(&vec(any::<u8>(), 0..len), |bytes| {
        run(&bytes);
        Ok(())
    });
    match tried {
        Ok(()) => {}
        Err(TestError::Fail(why, bytes)) => panic!("{why}\nbytes: {bytes:?}"),
        Err(aborted) => panic!("{aborted}"),
    }
}

#[test]
fn layer_1_does_what_its_model_does() {
    on_random_bytes(600, 600, support::run_handle_model);
}

#[test]
fn layer_2_does_what_its_model_does() {
    on_random_bytes(600, 600, support::run_counted_model);
}

#[test]
fn layer_3_does_what_its_model_does() {
    on_random_bytes(800, 700, support::run_rc_model);
}

#[test]
fn layer_3_does_what_its_model_does_in_long_programs() {
    on_random_bytes(40, 4000, support::run_rc_model);
}

#[test]
fn numbers_do_what_their_model_does_whatever_their_hashes() {
    on_random_bytes(400, 200, support::numbers::run);
}

#[test]
fn laws_hold_whatever_user_code_does() {
    on_random_bytes(3000, 500, |bytes| support::run_hostile(bytes, Manners::Hostile));
}

#[test]
fn laws_of_memory_hold_even_if_keys_and_hashers_lie() {
    on_random_bytes(3000, 500, |bytes| support::run_hostile(bytes, Manners::Lying));
}
