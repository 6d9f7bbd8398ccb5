//! Programs on several maps whose user code panics at the points that the input names. Afterwards the
//! maps must be consistent, nothing leaked and nothing dropped twice.
#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

use support::op::{Manners, Op, decode};

fn only_panics(op: Op) -> Op {
    match op {
        Op::Arm { point, nth, .. } => Op::Arm { point, nth, op: Box::new(Op::Panic) },
        op => op,
    }
}

libfuzzer_sys::fuzz_target!(
    // Panics are part of these programs; what is not caught ends the run all the same.
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| {
        let program: Vec<Op> =
            decode(bytes, Manners::Hostile).into_iter().map(only_panics).collect();
        support::hostile(&program);
    }
);
