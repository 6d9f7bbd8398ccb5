//! How cost grows: the time of each operation from a thousand entries to ten million, and how long
//! the longest single insertion takes.

use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rcmap_benches::contender::Contender;
use rcmap_benches::contenders::plain::Plain;
use rcmap_benches::contenders::rc_hashmap::RcHashmap;
use rcmap_benches::contenders::rcmap::Rcmap;
use rcmap_benches::keys::Data;
use rcmap_benches::options::{self, Options, short};
use rcmap_benches::paired::{Effort, Measured};
use rcmap_benches::workload::{self, Row};

const HELP: &str = "\
usage: growth [--sizes 1k,10k,100k,1M,10M] [--rounds N]";

const ROWS: [Row; 8] = [
    Row::Insert,
    Row::Find,
    Row::Miss,
    Row::CloneDrop,
    Row::Read,
    Row::Churn,
    Row::DropAll,
    Row::Iterate,
];
const CONTENDERS: [&str; 3] = ["rcmap", "rc-hashmap", "HashMap<K, V>"];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), String> {
    let options = Options::read(&[], &["sizes", "rounds"])?;
    let sizes = options.list("sizes");
    let sizes = sizes.unwrap_or(["1k", "10k", "100k", "1m", "10m"].map(String::from).to_vec());
    let sizes: Vec<usize> = sizes.iter().map(|s| options::size(s)).collect::<Result<_, _>>()?;
    let rounds = options.value("rounds").unwrap_or("3").parse();
    let rounds = rounds.map_err(|_| "--rounds needs a number")?;
    let effort = Effort { rounds, sample: Duration::from_millis(4) };

    println!("nanoseconds per operation, u64 keys, by the number of entries\n");
    print!("| work | contender |");
    sizes.iter().for_each(|&size| print!(" {} |", short(size)));
    print!("\n| --- | --- |");
    sizes.iter().for_each(|_| print!(" --: |"));
    println!();
    for row in ROWS {
        // Ten million entries take a while to set up.
        let rounds = |size| if size > 1_000_000 { 1 } else { rounds };
        let effort = |size| Effort { rounds: rounds(size), ..effort };
        let measured: Vec<Measured> =
            sizes.iter().map(|&size| measure(row, size, effort(size))).collect();
        for name in CONTENDERS {
            let medians: Vec<_> = measured.iter().filter_map(|m| m.median(name)).collect();
            if !medians.is_empty() {
                print!("| {} | {name} |", row.name());
                medians.iter().for_each(|median| print!(" {median:.1} |"));
                println!();
            }
        }
    }

    println!("\nthe longest of a million insertions, the least of {rounds} runs\n");
    println!("| contender | longest | at entry | with room reserved |");
    println!("| --- | --: | --: | --: |");
    longest::<Rcmap<u64>>(rounds);
    longest::<RcHashmap<u64>>(rounds);
    longest::<Plain<u64>>(rounds);
    Ok(())
}

fn measure(row: Row, size: usize, effort: Effort) -> Measured {
    let data = Rc::new(Data::<u64>::new(size));
    let entrants = workload::entrants::<u64>();
    let chosen = entrants.iter().filter(|entrant| CONTENDERS.contains(&entrant.name));
    let prepared = chosen.filter_map(|e| Some((e.name, e.prepare(row, &data)?)));
    Measured::run(prepared.collect(), effort)
}

/// Prints the longest insertion: that of the run where it was shortest, because other programs only
/// make it longer.
fn longest<C: Contender<u64>>(runs: usize) {
    let data = Data::<u64>::new(1_000_000);
    let run = |make: &dyn Fn() -> C| {
        let mut map = make();
        let mut held = Vec::with_capacity(data.n());
        // A vector's pages are there once they are written to.
        held.resize_with(data.n(), || None);
        let mut longest = (Duration::ZERO, 0);
        for (at, key) in data.keys().iter().enumerate() {
            let start = Instant::now();
            let entry = map.insert(*key, 1);
            longest = longest.max((start.elapsed(), at));
            held[at] = Some(entry);
        }
        longest
    };
    let least = |make: &dyn Fn() -> C| (0..runs.max(1)).map(|_| run(make)).min();
    let (fresh, at) = least(&C::new).expect("there is a run");
    let reserved = C::reserved(1).and_then(|_| {
        least(&|| C::reserved(data.n()).expect("this one can reserve")).map(|(longest, _)| longest)
    });
    let reserved = reserved.map_or("—".to_string(), |longest| format!("{longest:.1?}"));
    println!("| {} | {fresh:.1?} | {at} | {reserved} |", C::NAME);
}
