//! Side by side: rcmap and what people use today, on the same keys, with the same hasher.
//!
//! | command | what it does |
//! | --- | --- |
//! | `cargo run --release -p rcmap-benches --bin compare` | the paired comparison: ratios against their limits, and a chart |
//! | `cargo bench -p rcmap-benches` | the same workloads under criterion |
//! | `cargo run --release -p rcmap-benches --bin growth` | how cost grows with the number of entries |
//! | `cargo run --release -p rcmap-benches --bin one -- find 100k rcmap` | one workload of one contender, for a profiler |
//!
//! [`contender`] says what a map has to offer, [`contenders`] are the maps, [`hot`] has the loops that
//! are timed, [`workload`] what happens around them. [`nodes`] does the same for tables whose keys
//! hold handles of the same table, with [`queens`] as the program over them. [`paired`] measures.
#![deny(unsafe_code)]

pub mod chart;
pub mod contender;
pub mod contenders;
pub mod hot;
pub mod keys;
pub mod lines;
#[allow(unsafe_code, reason = "a global allocator that counts")]
pub mod memory;
pub mod nodes;
pub mod options;
pub mod paired;
pub mod queens;
pub mod workload;

/// The hasher of every contender that lets one choose: hashbrown's default one, with a fixed seed.
pub type Hasher = foldhash::fast::FixedState;

/// Runs `work` on a thread with room for the recursion of contenders that free a chain recursively.
///
/// # Panics
///
/// If `work` does, or if there is no such thread.
pub fn with_a_deep_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(2 << 30).spawn(work);
    thread.expect("a thread with two GiB of stack").join().expect("the work succeeds")
}
