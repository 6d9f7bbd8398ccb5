//! What each contender's program does. A program contains one contender, as a user's would, so that
//! no other one has a say in what the compiler inlines.
//!
//! `NAME WORKLOADS KEY SIZE MILLISECONDS FOLDER` prepares workloads (names with commas in between), one after
//! the other, and prints the name of each that makes sense for the contender when it is ready. Then it takes
//! a sample for each line `sample` that it reads, of about so many milliseconds, and prints nanoseconds per
//! operation, or bytes. Any other line ends the workload. `FOLDER` holds the sources whose symbols are
//! interned. By hand: `yes sample | head -3 | target/release/rcmap hit u64 100000 20 .`
#![deny(unsafe_code)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

mod contender;
mod keys;
mod maps;
#[allow(unsafe_code, reason = "a global allocator that counts")]
mod memory;
mod nodes;
mod queens;
mod symbols;
pub mod workload;

pub use contender::{ByAddress, Contender, Node, Nodes, Table};
pub use keys::Key;

/// The hasher of every contender that lets one choose.
pub type Hasher = hashbrown::DefaultHashBuilder;

/// What a program was told to do.
struct Job {
    workloads: Vec<String>,
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
    let job = Job {
        workloads: workloads.split(',').map(String::from).collect(),
        size: size.parse().expect("a number"),
        budget: Duration::from_millis(milliseconds.parse().expect("a number")),
        folder: folder.into(),
    };
    let work = move || {
        match key.as_str() {
            u64::NAME => maps::run::<u64, C::Table<_>>(&job),
            <(u32, u32, u32)>::NAME => maps::run::<(u32, u32, u32), C::Table<_>>(&job),
            String::NAME => maps::run::<String, C::Table<_>>(&job),
            <Box<str>>::NAME => maps::run::<Box<str>, C::Table<_>>(&job),
            _ => {
                queens::run::<C>(&job);
                symbols::run::<C::Table<_>>(&job);
                nodes::dag::<C>(&job);
                nodes::paths::<C>(&job);
            }
        }
        // Memory goes back faster by itself.
        std::process::exit(0);
    };
    // Some contenders free by recursion.
    let thread = std::thread::Builder::new().stack_size(1 << 30).spawn(work);
    thread.expect("a thread").join().expect("the work succeeds");
}

impl Job {
    fn wants(&self, workload: &str) -> bool {
        self.workloads.iter().any(|wanted| wanted == workload)
    }

    /// Says that a workload is ready, and takes a sample whenever asked to, so that programs can alternate.
    fn offer(&self, workload: &str, mut sample: impl FnMut() -> f64) {
        if !self.wants(workload) {
            return;
        }
        println!("{workload}");
        for line in std::io::stdin().lines() {
            if line.expect("a line") != "sample" {
                break;
            }
            println!("{}", sample());
        }
    }

    /// Offers to measure work of so many operations, which tells its own time: the fastest of as many
    /// repetitions as the budget allows, because whatever else the machine does can only make one slower.
    fn measure(&self, workload: &str, operations: usize, mut once: impl FnMut() -> Duration) {
        self.offer(workload, || {
            let start = Instant::now();
            let mut fastest = once();
            // What takes longer gets itself warm.
            let mut again = fastest < Duration::from_millis(50);
            while again {
                fastest = fastest.min(once());
                again = start.elapsed() < self.budget;
            }
            fastest.as_secs_f64() * 1e9 / operations as f64
        });
    }

    /// Offers to measure a loop over these, which leaves everything as it was.
    fn measure_loop<T>(&self, workload: &str, items: &[T], each: impl Fn(&T) -> u64 + Copy) {
        // Reading the clock is not to count.
        let passes = (50_000 / items.len()).max(1);
        self.measure(workload, items.len() * passes, || {
            time(|| (0..passes).for_each(|_| maps::sum(items, each)))
        });
    }
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
