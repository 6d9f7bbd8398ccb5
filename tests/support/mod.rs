//! What the tests and the fuzz targets share: crash-test types, one language of operations, machines
//! that execute it on the maps, and models that say what should have come out.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part of this")]

pub(crate) mod crash;
pub(crate) mod layers;
pub(crate) mod machine;
pub(crate) mod model;
pub(crate) mod numbers;
pub(crate) mod op;

pub(crate) use crash::*;

use machine::Machine;
use model::Model;
use op::{Manners, Op};

/// Runs bytes as a program on layer 1, next to its model.
pub(crate) fn run_handle_model(bytes: &[u8]) {
    layers::handle_model(&op::decode(bytes, Manners::Polite));
}

/// Runs bytes as a program on layer 2, next to its model.
pub(crate) fn run_counted_model(bytes: &[u8]) {
    layers::counted_model(&op::decode(bytes, Manners::Polite));
}

/// Runs bytes as a program on layer 3, next to its model, and compares everything after each step.
pub(crate) fn run_rc_model(bytes: &[u8]) {
    rc_model(&op::decode(bytes, Manners::Polite));
}

pub(crate) fn rc_model(program: &[Op]) {
    let (machine, model) = (Machine::new(true), Model::new());
    for op in program {
        let (real, expected) = (machine.step(op), model.step(op));
        assert_eq!(real, expected, "{op:?}");
        let log = machine.world.take_log();
        let (mut expected, pairs) = model.take_log();
        for (key, value) in pairs {
            let position = log.iter().position(|event| *event == Event::KeyDropped(key));
            let next = position.and_then(|position| log.get(position + 1));
            assert_eq!(next, Some(&Event::ValueDropped(value)), "a key, then its value: {log:?}");
        }
        let mut log = log;
        log.sort_unstable();
        expected.sort_unstable();
        assert_eq!(log, expected, "what is born and dropped by {op:?}");
        assert_eq!(machine.snapshot(), model.snapshot(), "after {op:?}");
        assert_eq!(machine.refs(), model.refs(), "after {op:?}");
    }
    model.finish();
    machine.finish();
}

/// Runs bytes as a program on layer 3 whose user code is hostile, and audits it after each step.
pub(crate) fn run_hostile(bytes: &[u8], manners: Manners) {
    hostile(&op::decode(bytes, manners));
}

/// Runs bytes as a program on layer 3 in which whatever user code is armed with panics.
pub(crate) fn run_panics(bytes: &[u8]) {
    panics(op::decode(bytes, Manners::Hostile));
}

pub(crate) fn panics(program: Vec<Op>) {
    let only_panics = |op| match op {
        Op::Arm { point, nth, .. } => Op::Arm { point, nth, op: Box::new(Op::Panic) },
        op => op,
    };
    hostile(&program.into_iter().map(only_panics).collect::<Vec<_>>());
}

pub(crate) fn hostile(program: &[Op]) {
    let machine = Machine::new(false);
    for op in program {
        // What is armed fires in the step or in a later one; the audit itself must not be disturbed.
        drop(attempt(|| machine.step(op)));
        if machine.world.armed() == 0 && machine.is_honest() {
            machine.audit();
        }
    }
    machine.world.lie(0);
    drop(attempt(|| machine.world.disarm()));
    machine.audit();
    machine.finish();
}
