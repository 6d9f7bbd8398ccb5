//! Programs on several maps whose user code panics at the points that the input names. Afterwards the
//! maps must be consistent, nothing leaked and nothing dropped twice.
#![no_main]

#[path = "../program.rs"]
mod program;
#[path = "../../tests/support/mod.rs"]
mod support;

use program::Program;
use support::op::Op;

fn only_panics(op: Op) -> Op {
    match op {
        Op::Arm { point, nth, .. } => Op::Arm { point, nth, op: Box::new(Op::Panic) },
        op => op,
    }
}

libfuzzer_sys::fuzz_target!(
    // Panics are part of these programs; what is not caught ends the run all the same.
    init: std::panic::set_hook(Box::new(|_| {})),
    |program: Program<1>| {
        let program: Vec<Op> = program.0.into_iter().map(only_panics).collect();
        support::hostile(&program);
    }
);
