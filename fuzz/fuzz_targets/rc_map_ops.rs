//! Programs on layer 3 next to its model: every answer, every birth and drop, the invariants after each step.
#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| support::run_rc_model(bytes));
