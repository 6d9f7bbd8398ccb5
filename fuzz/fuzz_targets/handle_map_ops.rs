//! Programs on layer 1 next to its model: every answer, and the invariants after each step.
#![no_main]

#[path = "../program.rs"]
mod program;
#[path = "../../tests/support/mod.rs"]
mod support;

use program::Program;

libfuzzer_sys::fuzz_target!(|program: Program<0>| support::layers::handle_model(&program.0));
