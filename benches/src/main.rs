//! Side by side: rcmap and what people use today, on the same keys, with the same hasher.
//!
//! `cargo run --release -p rcmap-benches` builds one program a contender in three ways, runs the programs
//! alternating, and prints for each workload what rcmap takes relative to the contender. [`programs`] builds,
//! [`measure`] runs, [`report`] and [`chart`] show. The workloads are those of the package in `programs`.
#![forbid(unsafe_code)]

mod chart;
mod measure;
mod programs;
mod report;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use pico_args::Arguments;
use rcmap_programs::Workload;
use rcmap_programs::workload::{Over, WORKLOADS};

use measure::{Group, Plan};

const HELP: &str = "\
usage: cargo run --release -p rcmap-benches -- [options]
  --quick             u64 and String keys, 1k and 100k entries (the default)
  --full              all keys, 1k, 100k and 1M entries
  --only WORKLOADS    of hit,kept,call,miss,read,clone,insert,churn,intern,drop,bytes,small and
                      queens,symbols,dag,paths (the beginning of a name will do)
  --keys KEYS         of u64,u32,String,Box (the beginning of a name will do)
  --sizes SIZES       such as 1k,100k,1M
  --against WHOM      of rc_values,rc-hashmap,weak-table,hand_rolled,plain,hashconsing,internment
  --baseline DIR      another checkout of rcmap as a contender; without --against the only one
  --builds BUILDS     of release,thin-lto,opt-2-abort
  --rounds N          how often programs are started (quick 2; full 3, of these 2 at 1M)
  --out DIR           where measured.md and chart.svg go (full: benches; quick: target/comparison);
                      what is not the whole of a mode is only written if this says where to";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What a list on the command line names; without it, what the mode has.
fn chosen<T>(
    arguments: &mut Arguments,
    option: &'static str,
    find: impl Fn(&str) -> Vec<T>,
) -> Result<Option<Vec<T>>, Box<dyn Error>> {
    let Some(list) = arguments.opt_value_from_str::<_, String>(option)? else { return Ok(None) };
    let mut all = Vec::new();
    for part in list.split(',').map(str::trim) {
        let found = find(part);
        if found.is_empty() {
            return Err(format!("{option}: there is no {part}\n\n{HELP}").into());
        }
        all.extend(found);
    }
    Ok(Some(all))
}

fn named<T: Copy>(all: &[T], name: impl Fn(&T) -> &str, part: &str) -> Vec<T> {
    let part = part.to_lowercase();
    all.iter().copied().filter(|item| name(item).to_lowercase().starts_with(&part)).collect()
}

fn size(text: &str) -> Vec<usize> {
    let text = text.to_lowercase();
    let digits = text.trim_end_matches(['k', 'm']);
    let unit = [("k", 1_000), ("m", 1_000_000)].into_iter().find(|(end, _)| text.ends_with(end));
    digits.parse::<usize>().map(|n| n * unit.map_or(1, |(_, unit)| unit)).into_iter().collect()
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = Arguments::from_env();
    if arguments.contains(["-h", "--help"]) {
        println!("{HELP}");
        return Ok(());
    }
    let full = arguments.contains("--full");
    let _ = arguments.contains("--quick");
    let all: Vec<Workload> = WORKLOADS.iter().map(|(workload, ..)| *workload).collect();
    let only = chosen(&mut arguments, "--only", |p| named(&all, |w| w.name(), p))?;
    let keys = chosen(&mut arguments, "--keys", |p| {
        named(&measure::KEYS, |key| key.trim_start_matches('('), p)
    })?;
    let sizes = chosen(&mut arguments, "--sizes", size)?;
    let against =
        chosen(&mut arguments, "--against", |p| named(&programs::CONTENDERS, |c| c.program, p))?;
    let builds = chosen(&mut arguments, "--builds", |p| named(&programs::BUILDS, |b| b, p))?;
    let baseline: Option<PathBuf> = arguments.opt_value_from_str("--baseline")?;
    let rounds: Option<usize> = arguments.opt_value_from_str("--rounds")?;
    let out: Option<PathBuf> = arguments.opt_value_from_str("--out")?;
    let rest = arguments.finish();
    if !rest.is_empty() {
        return Err(format!("unknown: {rest:?}\n\n{HELP}").into());
    }

    let narrowed = only.is_some() || keys.is_some() || sizes.is_some() || against.is_some();
    let whole = !narrowed && builds.is_none() && baseline.is_none();
    let workloads = only.unwrap_or(all);
    let keys = keys.unwrap_or(if full { measure::KEYS.to_vec() } else { vec!["u64", "String"] });
    let sizes =
        sizes.unwrap_or(if full { vec![1_000, 100_000, 1_000_000] } else { vec![1_000, 100_000] });
    let contenders = match (against, &baseline) {
        (Some(against), _) => against,
        (None, Some(_)) => Vec::new(),
        (None, None) => programs::CONTENDERS.to_vec(),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let programs = programs::build(
        root,
        &contenders,
        baseline.as_deref(),
        &builds.unwrap_or(programs::BUILDS.to_vec()),
    )?;

    let of = |over: Over| -> Vec<Workload> {
        workloads.iter().copied().filter(|workload| workload.over() == over).collect()
    };
    let mut groups = Vec::new();
    for key in keys {
        let large = sizes.iter().map(|&size| (size, of(Over::Maps)));
        let small = [0, 1, 10, 100].map(|size| (size, of(Over::SmallMaps)));
        groups.extend(large.chain(small).map(|(size, workloads)| Group { key, size, workloads }));
    }
    for workload in of(Over::Program) {
        let size = match workload {
            Workload::Queens => {
                if full {
                    8
                } else {
                    7
                }
            }
            Workload::Dag => {
                if full {
                    1_000_000
                } else {
                    100_000
                }
            }
            Workload::Paths => {
                if full {
                    100_000
                } else {
                    20_000
                }
            }
            _ => 0,
        };
        groups.push(Group { key: "-", size, workloads: vec![workload] });
    }
    groups.retain(|group| !group.workloads.is_empty());
    let (default_rounds, milliseconds, turns) = if full { (3, 10, 500) } else { (2, 2, 120) };
    let rounds = rounds.unwrap_or(default_rounds);
    let turns = Duration::from_millis(turns);
    let plan = Plan { groups, rounds, milliseconds, turns, folder: root.to_path_buf() };
    let results = plan.run(&programs)?;

    report::print(&results);
    let default = if full { root.join("benches") } else { programs.target.join("comparison") };
    if let Some(out) = out.or(whole.then_some(default)) {
        std::fs::create_dir_all(&out)?;
        let mode = if full { "--full" } else { "--quick" };
        std::fs::write(out.join("measured.md"), report::markdown(&results, root, mode))?;
        chart::draw(&out.join("chart.svg"), &results)?;
        println!("\nwritten: measured.md and chart.svg in {}", out.display());
    }
    Ok(())
}
