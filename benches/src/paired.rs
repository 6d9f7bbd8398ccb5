//! Paired measurement: contenders alternate within each round, the first round is discarded, and
//! ratios are taken within a round before their median is taken over the rounds.
//!
//! What disturbs the machine for longer than a round disturbs both sides of a ratio, and what
//! disturbs it for less is an outlier that the median drops.

use std::hint::black_box;
use std::time::Duration;

use crate::workload::Prepared;

/// How much to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds that count.
    pub rounds: usize,
    /// What a sample takes at least.
    pub sample: Duration,
}

/// A part of a sample is long enough to be told from the clock's resolution.
const PART: Duration = Duration::from_micros(100);

/// Takes samples of a workload: each of several parts, of which the fastest counts, because whatever
/// else the machine does can only make one slower.
struct Sampler {
    prepared: Prepared,
    repetitions: u64,
    parts: u32,
}

impl Sampler {
    /// Warms the workload up, and finds out how much of it makes a sample.
    fn warm(mut prepared: Prepared, sample: Duration) -> Self {
        let mut repetitions = 1_u64;
        let part = loop {
            let part = prepared.time(repetitions).max(Duration::from_nanos(1));
            if part >= PART {
                break part;
            }
            let missing = PART.as_secs_f64() / part.as_secs_f64();
            repetitions = (repetitions as f64 * missing.clamp(1.1, 50.0)).ceil() as u64;
        };
        let parts = (sample.as_secs_f64() / part.as_secs_f64()).ceil() as u32;
        Self { prepared, repetitions, parts: parts.max(2) }
    }

    /// Nanoseconds per operation.
    fn sample(&mut self) -> f64 {
        let parts = (0..self.parts).map(|_| self.prepared.time(self.repetitions));
        let fastest = parts.min().expect("there are parts").as_secs_f64() * 1e9;
        fastest / (self.repetitions as f64 * self.prepared.operations as f64)
    }
}

/// What was measured of one workload: nanoseconds per operation, by contender and round.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The names of the contenders, rcmap first.
    pub names: Vec<&'static str>,
    samples: Vec<Vec<f64>>,
}

impl Measured {
    /// Measures contenders against each other.
    #[must_use]
    pub fn run(contenders: Vec<(&'static str, Prepared)>, effort: Effort) -> Self {
        let (names, prepared): (Vec<_>, Vec<_>) = contenders.into_iter().unzip();
        let mut samplers: Vec<Sampler> =
            prepared.into_iter().map(|prepared| Sampler::warm(prepared, effort.sample)).collect();
        let mut samples = vec![Vec::new(); samplers.len()];
        let count = samplers.len();
        for round in 0..=effort.rounds {
            for turn in 0..count {
                // The next round starts with the next contender.
                let i = (turn + round) % count;
                let sample = samplers[i].sample();
                if round > 0 {
                    samples[i].push(sample);
                }
            }
        }
        Self { names, samples }
    }

    /// Measures contenders that are made anew so many times, each time elsewhere in memory: the times of
    /// small maps depend on where they lie by up to a third.
    #[must_use]
    pub fn elsewhere(
        places: usize,
        prepare: impl Fn() -> Vec<(&'static str, Prepared)>,
        effort: Effort,
    ) -> Self {
        let effort = Effort { rounds: effort.rounds.div_ceil(places), ..effort };
        let mut in_the_way = Vec::new();
        let measured = (0..places).map(|place| {
            in_the_way.push(black_box(vec![0_u8; 20_000 + 1_040 * place]));
            Self::run(prepare(), effort)
        });
        let merged = measured.reduce(|mut all, one| {
            for (samples, more) in all.samples.iter_mut().zip(one.samples) {
                samples.extend(more);
            }
            all
        });
        merged.expect("there are places")
    }

    /// A single round of numbers that are exact.
    #[must_use]
    pub fn exact(contenders: Vec<(&'static str, f64)>) -> Self {
        let (names, samples) = contenders.into_iter().map(|(name, x)| (name, vec![x])).unzip();
        Self { names, samples }
    }

    fn of(&self, name: &str) -> Option<&[f64]> {
        let at = self.names.iter().position(|&n| n == name)?;
        Some(&self.samples[at])
    }

    /// The median of what `name` took.
    #[must_use]
    pub fn median(&self, name: &str) -> Option<f64> {
        Some(median(self.of(name)?.to_vec()))
    }

    /// The median of the ratios of `above` to `below`, round by round, and the quartiles around it.
    #[must_use]
    pub fn ratio(&self, above: &str, below: &str) -> Option<Ratio> {
        let rounds = self.of(above)?.iter().zip(self.of(below)?);
        let mut ratios: Vec<f64> = rounds.map(|(a, b)| a / b).collect();
        ratios.sort_by(f64::total_cmp);
        let at = |part: f64| ratios[((ratios.len() - 1) as f64 * part).round() as usize];
        Some(Ratio { low: at(0.25), median: median(ratios.clone()), high: at(0.75) })
    }
}

/// A median and its quartiles.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    /// A quarter of the rounds is below.
    pub low: f64,
    /// Half of the rounds is below.
    pub median: f64,
    /// Three quarters of the rounds are below.
    pub high: f64,
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() % 2 {
        _ if numbers.is_empty() => f64::NAN,
        0 => f64::midpoint(numbers[middle - 1], numbers[middle]),
        _ => numbers[middle],
    }
}

#[cfg(test)]
mod tests {
    //! Medians are of ratios, not ratios of medians.

    use super::Measured;

    #[test]
    fn medians_of_ratios() {
        let measured = Measured {
            names: vec!["a", "b"],
            samples: vec![vec![1.0, 20.0, 3.0], vec![2.0, 40.0, 1.0]],
        };
        let ratio = measured.ratio("a", "b").expect("both took part");
        assert!((ratio.median - 0.5).abs() < 1e-9);
        assert!((measured.median("a").expect("it took part") - 3.0).abs() < 1e-9);
        assert!(measured.ratio("a", "c").is_none());
    }
}
