//! Programs on several maps whose user code, wherever it runs, does what the input says: it inserts,
//! looks up, drops, borrows, leaks, panics and lies. The invariants are audited whenever nothing is
//! pending, and at the end every key and value must have been dropped once.
#![no_main]

#[path = "../program.rs"]
mod program;
#[path = "../../tests/support/mod.rs"]
mod support;

use program::Program;

libfuzzer_sys::fuzz_target!(
    // Panics are part of these programs; what is not caught ends the run all the same.
    init: std::panic::set_hook(Box::new(|_| {})),
    |program: Program<2>| support::hostile(&program.0)
);
