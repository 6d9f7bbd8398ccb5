//! Programs on several maps whose user code panics at the points that the input names. Afterwards the
//! maps must be consistent, nothing leaked and nothing dropped twice.
#![no_main]

#[path = "../program.rs"]
mod program;
#[path = "../../tests/support/mod.rs"]
mod support;

use program::Program;

libfuzzer_sys::fuzz_target!(
    // Panics are part of these programs; what is not caught ends the run all the same.
    init: std::panic::set_hook(Box::new(|_| {})),
    |program: Program<1>| support::panics(program.0)
);
