//! What each contender's program does. A program contains one contender, as a user's would, so that
//! no other one has a say in what the compiler inlines.
//!
//! `NAME WORKLOADS KEY SIZE MILLISECONDS FOLDER` prepares workloads (names with commas in between), one after
//! the other, and prints the name of each that makes sense for the contender when it is ready. Then it takes a
//! sample for each line `sample` that it reads, of about so many milliseconds, and prints nanoseconds per
//! operation, or bytes. Any other line ends the workload. `FOLDER` holds the sources whose symbols are interned.
//! By hand: `yes sample | head -3 | target/release/rcmap hit u64 100000 20 .`
#![deny(unsafe_code)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

pub mod by_address;
pub mod contender;
pub mod keys;
mod maps;
#[allow(unsafe_code, reason = "a global allocator that counts")]
mod memory;
mod nodes;
mod queens;
mod symbols;
pub mod workload;

pub use contender::{Contender, Interner, Map, Node, Nodes};
pub use keys::Key;
pub use workload::Workload;

/// The hasher of every contender that lets one choose.
pub type Hasher = hashbrown::DefaultHashBuilder;

/// What a program was told to do.
struct Job {
    workloads: Vec<Workload>,
    size: usize,
    budget: Duration,
    folder: PathBuf,
}

/// The `main` of a contender's program.
///
/// # Panics
///
/// If the command line is not as the documentation of this crate says.
pub fn run<C: Contender>() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [workloads, key, size, milliseconds, folder] = arguments.try_into().expect("5 arguments");
    let workloads = workloads.split(',').map(|name| Workload::named(name).expect("a workload"));
    let job = Job {
        workloads: workloads.collect(),
        size: size.parse().expect("a number"),
        budget: Duration::from_millis(milliseconds.parse().expect("a number")),
        folder: folder.into(),
    };
    let work = move || {
        match key.as_str() {
            u64::NAME => job.keys::<C, u64>(),
            <(u32, u32, u32)>::NAME => job.keys::<C, (u32, u32, u32)>(),
            String::NAME => job.keys::<C, String>(),
            <Box<str>>::NAME => job.keys::<C, Box<str>>(),
            _ => job.programs::<C>(),
        }
        // Memory goes back faster by itself.
        std::process::exit(0);
    };
    // Some contenders free by recursion.
    let thread = std::thread::Builder::new().stack_size(1 << 30).spawn(work);
    thread.expect("a thread").join().expect("the work succeeds");
}

impl Job {
    fn keys<C: Contender, K: Key>(&self) {
        C::maps::<K>(&Maps(self));
        maps::interner::<K, C::Interner<K>>(self);
    }

    fn programs<C: Contender>(&self) {
        queens::run::<C::Nodes>(self);
        symbols::run::<C::Interner<Box<str>>>(self);
        nodes::dag::<C::Nodes>(self);
        nodes::paths::<C::Nodes>(self);
    }

    fn wants(&self, workload: Workload) -> bool {
        self.workloads.contains(&workload)
    }

    /// Offers to measure work of so many operations, which tells its own time: the fastest of as many
    /// repetitions as the budget allows, because whatever else the machine does can only make one slower.
    fn measure(&self, workload: Workload, operations: usize, mut once: impl FnMut() -> Duration) {
        self.offer(workload, || {
            let start = Instant::now();
            let mut fastest = once();
            // What takes longer gets itself warm.
            let repeat = fastest < Duration::from_millis(50);
            while fastest == Duration::ZERO || start.elapsed() < self.budget {
                fastest = fastest.min(once());
            }
            if repeat {
                fastest = fastest.min(once());
            }
            fastest.as_secs_f64() * 1e9 / operations as f64
        });
    }

    /// Says that a workload is ready, and takes a sample whenever asked to, so that programs can alternate.
    fn offer(&self, workload: Workload, mut sample: impl FnMut() -> f64) {
        if !self.wants(workload) {
            return;
        }
        println!("{}", workload.name());
        for line in std::io::stdin().lines() {
            if line.expect("a line") != "sample" {
                break;
            }
            println!("{}", sample());
        }
    }

    /// Measures work that leaves everything as it was, `size` operations.
    fn measure_again(&self, workload: Workload, mut work: impl FnMut()) {
        // Reading the clock is not to count.
        let passes = (50_000 / self.size).max(1);
        self.measure(workload, self.size * passes, || time(|| (0..passes).for_each(|_| work())));
    }
}

/// The workloads over maps, for [`Contender::maps`] to start.
pub struct Maps<'a>(&'a Job);

impl std::fmt::Debug for Maps<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Maps").finish_non_exhaustive()
    }
}

impl Maps<'_> {
    /// Runs them over maps of a type.
    pub fn over<K: Key, M: Map<K>>(&self) {
        maps::run::<K, M>(self.0);
    }
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
