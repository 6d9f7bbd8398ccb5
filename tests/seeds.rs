//! Replays the seeds of the fuzz targets: programs that between them reach all that fuzzing has reached.

mod support;

use std::fs;
use std::path::Path;

use support::op::Manners;

/// Runs every seed of a target. The published package has none: then nothing is run.
fn replay(target: &str, run: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    if !folder.exists() {
        return;
    }
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|seed| seed.unwrap().path()).collect();
    assert!((10..150).contains(&paths.len()), "{} seeds: `bash .ci/run seeds`", paths.len());
    paths.sort();
    // Miri takes long for each.
    for path in paths.iter().step_by(if cfg!(miri) { 20 } else { 1 }) {
        run(&fs::read(path).unwrap());
    }
}

#[test]
fn seeds_of_layer_1() {
    replay("handle_map_ops", support::run_handle_model);
}

#[test]
fn seeds_of_layer_2() {
    replay("counted_map_ops", support::run_counted_model);
}

#[test]
fn seeds_of_layer_3() {
    replay("rc_map_ops", support::run_rc_model);
}

#[test]
fn seeds_of_numbers() {
    replay("numbers", support::numbers::run);
}

#[test]
fn seeds_of_hostile_code() {
    replay("panics", support::run_panics);
    replay("reentrancy", |bytes| support::run_hostile(bytes, Manners::Lying));
}
