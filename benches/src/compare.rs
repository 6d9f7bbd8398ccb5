//! Side by side: rcmap and what people use today, on the same keys, with the same hasher.
//!
//! `cargo run --release -p rcmap-benches` builds one program a contender in three ways, lets the programs
//! alternate, and prints for each workload what rcmap takes relative to the contender. [`programs`] builds,
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
use rcmap_programs::workload::{Over, WORKLOADS};

use measure::{Group, KEYS, Plan};
use programs::{BUILDS, CONTENDERS};

const HELP: &str = "\
usage: cargo run --release -p rcmap-benches -- [options]
  --quick           u64 and String keys, 1k and 100k entries (the default)
  --full            all keys, 1k, 100k and 1M entries, larger programs
  --only LIST       of hit,kept,call,miss,read,clone,insert,churn,drop,intern,bytes,small and
                    queens,symbols,dag,paths
  --keys LIST       of u64,u32,String,Box
  --sizes LIST      such as 1k,100k,1M; with this or --keys no programs, unless --only names them
  --against LIST    of rc_values,rc-hashmap,weak-table,hand_rolled,plain,hashconsing,internment
  --builds LIST     of release,thin-lto,opt-2-abort
  --baseline DIR    another checkout of rcmap is a contender; without --against the only one
  --rounds N        how often the programs are started (quick 2; full 3, of these 2 at 1M)
  --out DIR         where measured.md and chart.svg go (full: src/docs and benches, for the documentation;
                    quick: target/comparison); a part of a mode is only written if this says where to
The beginning of a name will do.";

fn main() -> ExitCode {
    match run(Arguments::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// `1k`, `1M` or a plain number.
fn size(text: &str) -> Result<usize, std::num::ParseIntError> {
    let text = text.to_lowercase().replace('k', "000").replace('m', "000000");
    text.parse()
}

fn run(mut arguments: Arguments) -> Result<(), Box<dyn Error>> {
    if arguments.contains(["-h", "--help"]) {
        println!("{HELP}");
        return Ok(());
    }
    let [quick, full] = ["--quick", "--full"].map(|mode| arguments.contains(mode));
    let full = full && !quick;
    let mut list = |option| -> Result<Option<Vec<String>>, Box<dyn Error>> {
        let text: Option<String> = arguments.opt_value_from_str(option)?;
        Ok(text.map(|text| text.split(',').map(str::to_lowercase).collect()))
    };
    let [only, keys, sizes, against, builds] =
        ["--only", "--keys", "--sizes", "--against", "--builds"].map(&mut list);
    let (only, keys, sizes, against, builds) = (only?, keys?, sizes?, against?, builds?);
    let baseline: Option<PathBuf> = arguments.opt_value_from_str("--baseline")?;
    let rounds: Option<usize> = arguments.opt_value_from_str("--rounds")?;
    let out: Option<PathBuf> = arguments.opt_value_from_str("--out")?;
    let unknown = arguments.finish();
    if !unknown.is_empty() {
        return Err(format!("unknown: {unknown:?}\n\n{HELP}").into());
    }
    let whole = [&only, &keys, &sizes, &against, &builds].iter().all(|list| list.is_none())
        && baseline.is_none();
    let of = |list: &Option<Vec<String>>, name: &str| {
        let name = name.trim_start_matches('(').to_lowercase();
        list.as_ref().is_none_or(|list| list.iter().any(|part| name.starts_with(part)))
    };

    let mut contenders = CONTENDERS.to_vec();
    contenders.retain(|other| of(&against, other.program));
    if against.is_none() && baseline.is_some() {
        contenders.clear();
    }
    let builds: Vec<&str> = BUILDS.into_iter().filter(|build| of(&builds, build)).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let programs = programs::build(root, &contenders, baseline.as_deref(), &builds)?;

    let sizes_given = sizes.is_some();
    let sizes = match sizes {
        Some(sizes) => sizes.iter().map(|text| size(text)).collect::<Result<_, _>>()?,
        None if full => vec![1_000, 100_000, 1_000_000],
        None => vec![1_000, 100_000],
    };
    let workloads = |over| -> Vec<&str> {
        let wanted = WORKLOADS.iter().filter(|(name, _, own)| *own == over && of(&only, name));
        wanted.map(|(name, ..)| *name).collect()
    };
    let mut groups = Vec::new();
    for (key, name) in KEYS.iter().enumerate().filter(|(_, name)| of(&keys, name)) {
        if full || keys.is_some() || ["u64", "String"].contains(name) {
            let maps = sizes.iter().map(|&size| (size, Over::Maps));
            let all = maps.chain([0, 1, 10, 100].map(|size| (size, Over::SmallMaps)));
            groups.extend(all.map(|(size, over)| Group { key, size, workloads: workloads(over) }));
        }
    }
    let no_programs = only.is_none() && (keys.is_some() || sizes_given);
    for workload in workloads(Over::Program).into_iter().filter(|_| !no_programs) {
        let size = match (workload, full) {
            ("queens", _) => 7 + usize::from(full),
            ("dag", true) => 1_000_000,
            ("dag", false) | ("paths", true) => 100_000,
            ("paths", false) => 20_000,
            _ => 0,
        };
        groups.push(Group { key: KEYS.len(), size, workloads: vec![workload] });
    }
    groups.retain(|group| !group.workloads.is_empty());
    let (most, milliseconds, turns) = if full { (3, 10, 500) } else { (2, 2, 60) };
    let (rounds, turns) = (rounds.unwrap_or(most), Duration::from_millis(turns));
    let plan = Plan { groups, rounds, milliseconds, turns, folder: root.to_path_buf() };
    let results = plan.run(&programs)?;

    report::print(&results);
    let comparison = programs.target.join("comparison");
    let usual = if full {
        (root.join("src/docs"), root.join("benches"))
    } else {
        (comparison.clone(), comparison)
    };
    if let Some((table, picture)) = out.map(|out| (out.clone(), out)).or(whole.then_some(usual)) {
        let mode = if full { "--full" } else { "--quick" };
        std::fs::create_dir_all(&table)?;
        std::fs::write(table.join("measured.md"), report::markdown(&results, root, mode))?;
        chart::draw(&picture.join("chart.svg"), &results)?;
        println!(
            "\nwritten: {0}/measured.md and {1}/chart.svg",
            table.display(),
            picture.display()
        );
    }
    Ok(())
}
