//! Programs on layer 2 next to its model: every answer, and the invariants after each step.
#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| support::run_counted_model(bytes));
