//! Programs on several maps whose user code, wherever it runs, does what the input says: it inserts,
//! looks up, drops, borrows, leaks, panics and lies. The invariants are audited whenever nothing is
//! pending, and at the end every key and value must have been dropped once.
#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use support::op::{Manners, decode};

libfuzzer_sys::fuzz_target!(
    // Panics are part of these programs; what is not caught ends the run all the same.
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| support::hostile(&decode(bytes, Manners::Lying))
);
