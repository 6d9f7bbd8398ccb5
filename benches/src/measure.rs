//! Runs the programs, alternating, and takes medians of paired ratios.
//!
//! All contenders' programs run at once, and take samples of a workload in turn, a few milliseconds each, while
//! the others wait. What disturbs the machine for longer than a turn disturbs all of them, and what disturbs it for less
//! is an outlier that the median drops. Every round starts the programs anew: elsewhere in memory, and with
//! other seeds of the hasher.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rcmap_programs::Key;
use rcmap_programs::workload::{Over, WORKLOADS};

use crate::programs::{self, Programs};

/// The types of keys.
pub(crate) const KEYS: [&str; 4] =
    [u64::NAME, <(u32, u32, u32)>::NAME, String::NAME, <Box<str>>::NAME];

/// How many samples of a workload a program takes, at least and at most.
const LEAST_TURNS: usize = 2;
const MOST_TURNS: usize = 9;

/// What a program runs.
pub(crate) struct Group {
    /// The position in [`KEYS`] of the type of the keys; programs have none.
    pub(crate) key: usize,
    /// The number of entries.
    pub(crate) size: usize,
    /// What is measured.
    pub(crate) workloads: Vec<&'static str>,
}

/// What is to be run.
pub(crate) struct Plan {
    pub(crate) groups: Vec<Group>,
    /// How often programs are started.
    pub(crate) rounds: usize,
    /// How long a sample takes, in milliseconds, if the workload does not take longer.
    pub(crate) milliseconds: u32,
    /// For how long programs take turns over a workload, within limits.
    pub(crate) turns: Duration,
    /// Where the sources are whose symbols are interned.
    pub(crate) folder: PathBuf,
}

/// Where a number belongs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    workload: usize,
    key: usize,
    pub(crate) size: usize,
}

impl Place {
    /// The name of the workload.
    pub(crate) fn name(self) -> &'static str {
        WORKLOADS[self.workload].0
    }

    /// What tables call the workload.
    pub(crate) fn title(self) -> &'static str {
        WORKLOADS[self.workload].1
    }

    pub(crate) fn over(self) -> Over {
        WORKLOADS[self.workload].2
    }

    /// The type of the keys.
    pub(crate) fn key(self) -> &'static str {
        key_name(self.key)
    }

    /// Whether numbers are bytes, not nanoseconds.
    pub(crate) fn counts_bytes(self) -> bool {
        counts_bytes(self.name())
    }
}

fn counts_bytes(workload: &str) -> bool {
    ["bytes", "small"].contains(&workload)
}

fn key_name(key: usize) -> &'static str {
    KEYS.get(key).unwrap_or(&"-")
}

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
    /// By contender, in the order of the tables, then by place.
    pub(crate) compared: Vec<Compared>,
}

/// Our number and a contender's, of samples one shortly after the other, for each build.
type Pairs = BTreeMap<(usize, Place), Vec<Vec<(f64, f64)>>>;

impl Plan {
    /// Runs the programs.
    pub(crate) fn run(&self, programs: &Programs) -> Result<Results, Box<dyn Error>> {
        let Programs { builds, ours, others, .. } = programs;
        let rounds: usize = self.groups.iter().map(|group| self.rounds_of(group)).sum();
        let bar = programs::progress(rounds * builds.len(), "");
        let mut pairs = Pairs::new();
        // Rounds are far apart: what lasts for a while is in one of them.
        for round in 0..self.rounds {
            for group in self.groups.iter().filter(|group| round < self.rounds_of(group)) {
                for (build, name) in builds.iter().enumerate() {
                    bar.set_message(format!("{} {} ({name})", key_name(group.key), group.size));
                    let paths =
                        [&ours[build]].into_iter().chain(others.iter().map(|o| &o.1[build]));
                    let running = paths.map(|path| Running::start(path, group, self));
                    let running = running.collect::<Result<Vec<Running>, _>>()?;
                    self.alternate(running, |workload, contender, pair| {
                        let place = Place { workload, key: group.key, size: group.size };
                        let all = pairs.entry((contender, place)).or_default();
                        all.resize(builds.len(), Vec::new());
                        all[build].push(pair);
                    })?;
                    bar.inc(1);
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
        let compared = compared.filter(|one| one.mean().is_finite()).collect();
        Ok(Results { builds: builds.clone(), compared })
    }

    /// Lets programs, of which the first is ours, take samples of each workload in turn.
    fn alternate(
        &self,
        mut running: Vec<Running>,
        mut pair: impl FnMut(usize, usize, (f64, f64)),
    ) -> Result<(), Box<dyn Error>> {
        loop {
            // All get ready before anything is measured.
            let ready = running.iter_mut().map(Running::ready).collect::<Result<Vec<_>, _>>()?;
            let Some(workload) = ready.into_iter().flatten().min() else { break };
            let takes_part = |program: &Running| program.ready == Some(workload);
            let start = Instant::now();
            for turn in 0..if counts_bytes(WORKLOADS[workload].0) { 1 } else { MOST_TURNS } {
                if turn >= LEAST_TURNS && start.elapsed() > self.turns {
                    break;
                }
                let mut numbers = vec![None; running.len()];
                for i in 0..running.len() {
                    // Back and forth.
                    let i = if turn % 2 == 0 { i } else { running.len() - 1 - i };
                    if takes_part(&running[i]) {
                        numbers[i] = Some(running[i].sample()?);
                    }
                }
                let ours = numbers[0].ok_or("rcmap takes part in everything")?;
                for (contender, number) in numbers[1..].iter().enumerate() {
                    if let &Some(number) = number {
                        pair(workload, contender, (ours, number));
                    }
                }
            }
            running.iter_mut().filter(|program| takes_part(program)).try_for_each(Running::end)?;
        }
        Ok(())
    }

    /// Bytes are the same in each round, and large maps take their time.
    fn rounds_of(&self, group: &Group) -> usize {
        if group.workloads.iter().all(|workload| counts_bytes(workload)) {
            return 1;
        }
        if group.size >= 1_000_000 { self.rounds.min(2) } else { self.rounds }
    }
}

/// A program that runs.
struct Running {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    ready: Option<usize>,
}

impl Running {
    fn start(program: &Path, group: &Group, plan: &Plan) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(program);
        command.args([&group.workloads.join(","), key_name(group.key), &group.size.to_string()]);
        command.arg(plan.milliseconds.to_string()).arg(&plan.folder);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        Ok(Self { child, input, output, ready: None })
    }

    /// Waits until a workload is ready, if there is one left.
    fn ready(&mut self) -> Result<Option<usize>, Box<dyn Error>> {
        if self.ready.is_none() {
            match self.output.next() {
                Some(line) => {
                    let line = line?;
                    self.ready = WORKLOADS.iter().position(|(name, ..)| *name == line);
                }
                None if self.child.wait()?.success() => {}
                None => return Err("a program has failed".into()),
            }
        }
        Ok(self.ready)
    }

    fn sample(&mut self) -> Result<f64, Box<dyn Error>> {
        self.input.write_all(b"sample\n")?;
        Ok(self.output.next().ok_or("a program has failed")??.parse()?)
    }

    fn end(&mut self) -> Result<(), Box<dyn Error>> {
        self.ready = None;
        Ok(self.input.write_all(b"end\n")?)
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
