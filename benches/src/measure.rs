//! Runs the programs, alternating, and takes medians of paired ratios.
//!
//! Every run of a contender's program follows or precedes one of ours: what disturbs the machine for longer
//! disturbs both, and what disturbs it for less is an outlier that the median drops. Each run is a new
//! process, elsewhere in memory and with another seed of the hasher.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcmap_programs::{Key, Workload};

use crate::programs::{self, Programs};

/// The types of keys.
pub(crate) const KEYS: [&str; 4] =
    [u64::NAME, <(u32, u32, u32)>::NAME, String::NAME, <Box<str>>::NAME];

/// What a program runs at once.
pub(crate) struct Group {
    /// The type of the keys.
    pub(crate) key: &'static str,
    /// The number of entries.
    pub(crate) size: usize,
    /// What is measured.
    pub(crate) workloads: Vec<Workload>,
}

/// What is to be run.
pub(crate) struct Plan {
    pub(crate) groups: Vec<Group>,
    pub(crate) rounds: usize,
    /// The least time of a workload.
    pub(crate) milliseconds: u32,
    /// Where the sources are whose symbols are interned.
    pub(crate) folder: PathBuf,
}

/// Where a number belongs: workload, key, size.
pub(crate) type Place = (Workload, &'static str, usize);

/// What we take relative to a contender.
pub(crate) struct Compared {
    pub(crate) place: Place,
    pub(crate) contender: &'static str,
    /// The median ratio in each build.
    pub(crate) ratios: Vec<f64>,
    /// Nanoseconds or bytes: the mean of the medians of each build.
    pub(crate) ours: f64,
    /// The same of the contender.
    pub(crate) theirs: f64,
}

impl Compared {
    /// The geometric mean of the builds.
    pub(crate) fn mean(&self) -> f64 {
        mean(&self.ratios)
    }

    /// The worst of the builds.
    pub(crate) fn worst(&self) -> f64 {
        self.ratios.iter().copied().fold(0.0, f64::max)
    }
}

/// Everything that was measured.
pub(crate) struct Results {
    pub(crate) builds: Vec<&'static str>,
    pub(crate) rounds: usize,
    /// By contender, in the order of the tables, then by place.
    pub(crate) compared: Vec<Compared>,
}

type Numbers = BTreeMap<Workload, f64>;

impl Plan {
    /// Runs the programs.
    pub(crate) fn run(&self, programs: &Programs) -> Result<Results, Box<dyn Error>> {
        let Programs { builds, ours, others, .. } = programs;
        let runs = builds.len() * (others.len() + others.len().div_ceil(2));
        let rounds: usize = self.groups.iter().map(|group| self.rounds_of(group)).sum();
        let bar = programs::progress(rounds * runs, "");
        let mut pairs: BTreeMap<(usize, Place), Vec<Vec<(f64, f64)>>> = BTreeMap::new();
        // Rounds are far apart: what lasts for a while is in one of them.
        for round in 0..self.rounds {
            for group in self.groups.iter().filter(|group| round < self.rounds_of(group)) {
                for build in 0..builds.len() {
                    bar.set_message(format!("{} {} ({})", group.key, group.size, builds[build]));
                    let run = |program: &Path| {
                        bar.inc(1);
                        self.run_program(program, group)
                    };
                    // In turn: a contender, ours, another contender.
                    for two in (0..others.len()).collect::<Vec<_>>().chunks(2) {
                        let first = run(&others[two[0]].1[build])?;
                        let our = run(&ours[build])?;
                        let second = two.get(1).map(|&i| run(&others[i].1[build])).transpose()?;
                        for (&contender, theirs) in two.iter().zip([Some(first), second]) {
                            for (workload, number) in theirs.into_iter().flatten() {
                                let place = (workload, group.key, group.size);
                                let all = pairs.entry((contender, place)).or_default();
                                all.resize(builds.len(), Vec::new());
                                all[build].push((our[&workload], number));
                            }
                        }
                    }
                }
            }
        }
        bar.finish_and_clear();
        let compared = pairs.iter().map(|(&(contender, place), pairs)| {
            let of = |number: fn(&(f64, f64)) -> f64| -> Vec<f64> {
                pairs.iter().map(|pairs| median(pairs.iter().map(number).collect())).collect()
            };
            let (ours, theirs) = (mean(&of(|pair| pair.0)), mean(&of(|pair| pair.1)));
            let contender = others[contender].0.name;
            Compared { place, contender, ratios: of(|pair| pair.0 / pair.1), ours, theirs }
        });
        // Some empty maps own nothing.
        let compared = compared.filter(|compared| compared.mean().is_finite()).collect();
        Ok(Results { builds: builds.clone(), rounds: self.rounds, compared })
    }

    /// Bytes are the same in each round, and large maps take their time.
    fn rounds_of(&self, group: &Group) -> usize {
        if group.workloads.iter().all(|workload| workload.counts_bytes()) {
            return 1;
        }
        if group.size >= 1_000_000 { self.rounds.min(3) } else { self.rounds }
    }

    fn run_program(&self, program: &Path, group: &Group) -> Result<Numbers, Box<dyn Error>> {
        let names: Vec<&str> = group.workloads.iter().map(|workload| workload.name()).collect();
        let mut command = Command::new(program);
        command.args([&names.join(","), group.key, &group.size.to_string()]);
        let output = command.arg(self.milliseconds.to_string()).arg(&self.folder).output()?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{command:?}: {}\n{error}", output.status).into());
        }
        let mut numbers = Numbers::new();
        for line in String::from_utf8(output.stdout)?.lines() {
            let (name, number) = line.split_once(' ').ok_or("not a line of a program")?;
            numbers.insert(Workload::named(name).ok_or("not a workload")?, number.parse()?);
        }
        Ok(numbers)
    }
}

/// The geometric mean.
fn mean(numbers: &[f64]) -> f64 {
    (numbers.iter().map(|number| number.ln()).sum::<f64>() / numbers.len() as f64).exp()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 {
        numbers[middle]
    } else {
        f64::midpoint(numbers[middle - 1], numbers[middle])
    }
}
