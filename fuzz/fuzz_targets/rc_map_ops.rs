//! Programs on layer 3 next to its model: every answer, every birth and drop, the invariants after each step.
#![no_main]

#[path = "../program.rs"]
mod program;
#[path = "../../tests/support/mod.rs"]
mod support;

use program::Program;

libfuzzer_sys::fuzz_target!(|program: Program<0>| support::rc_model(&program.0));
