//! One workload of one contender, for a profiler.

use std::process::ExitCode;
use std::rc::Rc;

use rcmap_benches::keys::{Data, Key};
use rcmap_benches::nodes::{ConsedNodes, HandRolledNodes, Nodes, RcHashmapNodes, RcmapNodes};
use rcmap_benches::options::{self, Options};
use rcmap_benches::workload::{self, Prepared, Row};
use rcmap_benches::{nodes, queens, with_a_deep_stack};

const HELP: &str = "\
usage: one ROW SIZE CONTENDER [--keys u64|String|Box<str>] [--reps N]
ROW and CONTENDER are the beginning of a name, or a word of it; rows are those of `compare`, and
chain, dag and queens (whose size is that of the board). For example:
  one find 100k rcmap --reps 100
  valgrind --tool=callgrind --toggle-collect='rcmap_benches::hot::*' one find 1k rc-hashmap";

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
    let options = Options::read(&[], &["keys", "reps"])?;
    let [row, size, contender] = options.rest.as_slice() else {
        return Err("one workload of one contender".to_string());
    };
    let (row, contender) = (row.to_lowercase(), contender.to_lowercase());
    let size = options::size(size)?;
    let repetitions = options.value("reps").unwrap_or("10").parse();
    let repetitions: u64 = repetitions.map_err(|_| "--reps needs a number")?;
    let keys = options.value("keys").unwrap_or("u64").to_lowercase();
    if ["queens", "chain", "dag"].contains(&row.as_str()) {
        return with_a_deep_stack(move || {
            let prepared = of_nodes(&row, size, &contender).ok_or("no such workload")?;
            report(prepared, repetitions);
            Ok(())
        });
    }
    let prepared = match keys.as_str() {
        "u64" => of_keys::<u64>(&row, size, &contender),
        "string" => of_keys::<String>(&row, size, &contender),
        "box<str>" => of_keys::<Box<str>>(&row, size, &contender),
        _ => return Err(format!("no keys of type {keys}")),
    };
    report(prepared.ok_or("no such workload")?, repetitions);
    Ok(())
}

fn report(mut prepared: Prepared, repetitions: u64) {
    let took = prepared.time(repetitions);
    let operations = prepared.operations as f64 * repetitions as f64;
    println!("{:.2} ns per operation", took.as_secs_f64() * 1e9 / operations);
}

/// What `part` is the beginning of, or else a part of.
fn choose<T: Copy>(part: &str, all: impl Iterator<Item = (&'static str, T)> + Clone) -> Option<T> {
    let of = |test: fn(&str, &str) -> bool| {
        let mut all = all.clone();
        all.find(|(name, _)| test(&name.to_lowercase(), part)).map(|(_, what)| what)
    };
    of(|name, part| name == part)
        .or_else(|| of(|name, part| name.starts_with(part)))
        .or_else(|| of(|name, part| name.contains(part)))
}

fn of_keys<K: Key + Send + Sync>(row: &str, size: usize, contender: &str) -> Option<Prepared> {
    let row = choose(row, Row::ALL.iter().map(|&row| (row.name(), row)))?;
    let entrants = workload::entrants::<K>();
    let at = choose(contender, entrants.iter().enumerate().map(|(i, e)| (e.name, i)))?;
    entrants[at].prepare(row, &Rc::new(Data::new(size)))
}

fn of_nodes(row: &str, size: usize, contender: &str) -> Option<Prepared> {
    fn of<N: Nodes>(row: &str, size: usize) -> Prepared {
        match row {
            "queens" => queens::prepare::<N>(size),
            "chain" => nodes::prepare_drop::<N>(size, nodes::chain),
            _ => nodes::prepare_drop::<N>(size, nodes::dag),
        }
    }
    type Of = fn(&str, usize) -> Prepared;
    let all: [(&str, Of); 4] = [
        (RcmapNodes::NAME, of::<RcmapNodes>),
        (RcHashmapNodes::NAME, of::<RcHashmapNodes>),
        (HandRolledNodes::NAME, of::<HandRolledNodes>),
        (ConsedNodes::NAME, of::<ConsedNodes>),
    ];
    Some(choose(contender, all.into_iter())?(row, size))
}
