//! The paired comparison: prints the ratios against their limits and ends with 1 if one is exceeded, be it of the
//! brief's table or an aim beyond it.

use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use rcmap_benches::keys::{Data, Key};
use rcmap_benches::lines::{self, Line, SIZES};
use rcmap_benches::memory::Counting;
use rcmap_benches::nodes::{self, ConsedNodes, HandRolledNodes, Nodes, RcHashmapNodes, RcmapNodes};
use rcmap_benches::options::{self, Options};
use rcmap_benches::paired::{Effort, Measured};
use rcmap_benches::workload::{self, Prepared, Row};
use rcmap_benches::{chart, queens, with_a_deep_stack};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const HELP: &str = "\
usage: compare [options]
  --only WORDS     rows whose name contains one of these, e.g. find,clone,queens
  --sizes SIZES    of 1k,100k,1M (the limits are for these; others are measured too)
  --keys TYPES     of u64,String,Box<str>; without it u64,String
  --rounds N       rounds that count (15; at a million entries 7)
  --sample-ms N    the least time of a sample (4)
  --all            every contender and workload, not only those that limits name
  --svg PATH       where the chart goes (benches/chart.svg); needs --all to show everyone
  --no-svg         no chart";

const OURS: &str = "rcmap";

fn main() -> ExitCode {
    match Comparison::from_options() {
        Ok(comparison) => {
            let exceeded = with_a_deep_stack(move || comparison.run());
            let (aims, table): (Vec<_>, Vec<_>) = exceeded.into_iter().partition(|over| over.aim);
            list("aims beyond the table that are missed", &aims);
            list("limits of the table that are exceeded", &table);
            let kept = aims.is_empty() && table.is_empty();
            if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

/// A limit that is exceeded.
struct Exceeded {
    what: String,
    aim: bool,
}

fn list(title: &str, exceeded: &[Exceeded]) {
    println!("\n{title}: {}", exceeded.len());
    for over in exceeded {
        println!("  {}", over.what);
    }
}

struct Comparison {
    only: Option<Vec<String>>,
    sizes: Vec<usize>,
    keys: Vec<String>,
    rounds: Option<usize>,
    sample: Duration,
    all: bool,
    svg: Option<String>,
    exceeded: Vec<Exceeded>,
    points: Vec<chart::Point>,
}

impl Comparison {
    fn from_options() -> Result<Self, String> {
        let known = ["only", "sizes", "keys", "rounds", "sample-ms", "svg"];
        let options = Options::read(&["all", "no-svg", "help"], &known)?;
        if options.has("help") || !options.rest.is_empty() {
            return Err("the paired comparison".to_string());
        }
        let number = |name: &str| {
            let value = options.value(name).map(str::parse::<usize>).transpose();
            value.map_err(|_| format!("--{name} needs a number"))
        };
        let sizes = match options.list("sizes") {
            Some(sizes) => sizes.iter().map(|s| options::size(s)).collect::<Result<_, _>>()?,
            None => SIZES.to_vec(),
        };
        let keys = options.list("keys").unwrap_or(vec!["u64".into(), "string".into()]);
        let svg = options.value("svg").map(str::to_string);
        let default_svg = concat!(env!("CARGO_MANIFEST_DIR"), "/chart.svg").to_string();
        let partial = options.has("only") || options.has("sizes") || options.has("keys");
        Ok(Self {
            only: options.list("only"),
            sizes,
            keys,
            rounds: number("rounds")?,
            sample: Duration::from_millis(number("sample-ms")?.unwrap_or(4) as u64),
            all: options.has("all"),
            // A part of the comparison does not replace the chart of the whole.
            svg: svg.or((!options.has("no-svg") && !partial).then_some(default_svg)),
            exceeded: Vec::new(),
            points: Vec::new(),
        })
    }

    fn run(mut self) -> Vec<Exceeded> {
        println!(
            "time of rcmap relative to others (less is better), limit behind ≤, ns per operation in brackets"
        );
        self.keys_of::<u64>();
        self.keys_of::<String>();
        self.keys_of::<Box<str>>();
        self.nodes("chain drop", |n| {
            drop_of(n, nodes::chain, nodes::chain, nodes::chain, nodes::chain)
        });
        self.nodes("DAG drop", |n| drop_of(n, nodes::dag, nodes::dag, nodes::dag, nodes::dag));
        self.queens();
        if let Some(path) = &self.svg {
            match chart::draw(path, &self.points) {
                Ok(()) => println!("\nchart: {path}"),
                Err(error) => eprintln!("no chart at {path}: {error}"),
            }
        }
        self.exceeded
    }

    fn wants(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.only.as_ref().is_none_or(|only| only.iter().any(|part| name.contains(part)))
    }

    fn effort(&self, size: usize) -> Effort {
        let rounds = self.rounds.unwrap_or(if size >= 1_000_000 { 7 } else { 15 });
        Effort { rounds, sample: self.sample }
    }

    fn keys_of<K: Key + Send + Sync>(&mut self) {
        if !self.keys.contains(&K::NAME.to_lowercase()) {
            return;
        }
        println!("\n{} keys", K::NAME);
        let entrants = workload::entrants::<K>();
        for row in Row::ALL {
            let lines = lines::lines(row, K::NAME);
            if !self.wants(row.name()) || (lines.is_empty() && !self.all) {
                continue;
            }
            let mut results = Vec::new();
            for &size in &self.sizes {
                let data = Rc::new(Data::<K>::new(size));
                let named = |name| name == OURS || self.all || lines.iter().any(|l| l.peer == name);
                let prepare = || {
                    let prepared = entrants.iter().filter(|e| named(e.name));
                    prepared.filter_map(|e| Some((e.name, e.prepare(row, &data)?))).collect()
                };
                let places = if size < 10_000 { 5 } else { 1 };
                results.push((size, Measured::elsewhere(places, prepare, self.effort(size))));
            }
            self.report(&format!("{} ({})", row.name(), K::NAME), &lines, &results);
        }
        if self.wants("bytes per entry") {
            let results = self.bytes(&entrants, &self.sizes);
            self.report(&format!("bytes per entry ({})", K::NAME), &[lines::BYTES], &results);
        }
        if self.wants("bytes of small maps") {
            for (size, measured) in self.bytes(&entrants, &lines::SMALL) {
                let line = Line { limits: Some([lines::SMALL_LIMIT; 3]), ..lines::BYTES };
                let name = format!("bytes of a map of {size} ({})", K::NAME);
                // The same limit for each, so that any size of the table finds it.
                self.report(&name, &[line], &[(SIZES[0], measured)]);
            }
        }
    }

    fn bytes<K: Key>(
        &self,
        entrants: &[workload::Entrant<K>],
        sizes: &[usize],
    ) -> Vec<(usize, Measured)> {
        let of = |size: usize| {
            let data = Data::<K>::new(size);
            let bytes = entrants.iter().filter_map(|e| Some((e.name, e.bytes(data.keys())?)));
            let bytes = bytes.map(|(name, bytes)| (name, bytes as f64 / size_of_unit(size)));
            (size, Measured::exact(bytes.collect()))
        };
        sizes.iter().map(|&size| of(size)).collect()
    }

    fn nodes(&mut self, name: &str, prepare: impl Fn(usize) -> Vec<(&'static str, Prepared)>) {
        if !self.wants(name) || !self.all {
            return;
        }
        let sizes = self.sizes.clone();
        let measure = |&size: &usize| (size, Measured::run(prepare(size), self.effort(size)));
        let results: Vec<_> = sizes.iter().map(measure).collect();
        self.report(name, &[], &results);
    }

    fn queens(&mut self) {
        if !self.wants("queens") {
            return;
        }
        println!();
        for (n, solutions) in queens::SOLUTIONS {
            let outcome = queens::solve::<RcmapNodes>(n);
            assert_eq!(outcome.solutions, solutions);
            let queens::Outcome { peak, live, .. } = outcome;
            println!("{n} queens: {solutions} solutions, {peak} nodes at most, {live} in the end");
        }
        let contenders = vec![
            (RcmapNodes::NAME, queens::prepare::<RcmapNodes>(8)),
            (RcHashmapNodes::NAME, queens::prepare::<RcHashmapNodes>(8)),
            (HandRolledNodes::NAME, queens::prepare::<HandRolledNodes>(8)),
            (ConsedNodes::NAME, queens::prepare::<ConsedNodes>(8)),
        ];
        let measured = Measured::run(contenders, self.effort(1_000));
        self.report("8 queens", &lines::QUEENS, &[(SIZES[0], measured)]);
    }

    /// Prints a row: what the limits name first, then the other contenders.
    fn report(&mut self, name: &str, lines: &[Line], results: &[(usize, Measured)]) {
        let mut peers: Vec<Line> = lines.to_vec();
        for (_, measured) in results {
            for &peer in &measured.names {
                let new = peer != OURS && peers.iter().all(|line| line.peer != peer);
                if new && self.all {
                    peers.push(Line { peer, limits: None, aim: false });
                }
            }
        }
        for line in peers {
            let mut text = format!("{name:32} / {:24}", line.peer);
            for (size, measured) in results {
                let Some(ratio) = measured.ratio(OURS, line.peer) else { continue };
                let limit = line.limit(*size);
                let over = limit.is_some_and(|limit| ratio.median > limit);
                let times = measured.median(OURS).zip(measured.median(line.peer));
                let (ours, theirs) = times.unwrap_or((f64::NAN, f64::NAN));
                let limit = limit.map_or("     ".to_string(), |limit| format!("≤{limit:.2}"));
                let mark = if over { '✗' } else { ' ' };
                let size = if results.len() > 1 { options::short(*size) } else { String::new() };
                let shown = ratio.median;
                let shown = if shown.is_finite() { format!("{shown:.3}") } else { "—".into() };
                let cell = format!("{shown} {limit}{mark} ({}:{})", ns(ours), ns(theirs));
                text += &format!("{size:>5} {cell:<32}");
                if over {
                    let spread = format!("quartiles {:.3}–{:.3}", ratio.low, ratio.high);
                    let limit = limit.trim();
                    let peer = line.peer;
                    let what =
                        format!("{name} / {peer} {size}: {:.3} {limit}, {spread}", ratio.median);
                    self.exceeded.push(Exceeded { what, aim: line.aim });
                }
            }
            println!("{}", text.trim_end());
        }
        for (size, measured) in results {
            self.points.push(chart::Point::new(name, *size, measured));
        }
    }
}

/// What bytes are divided by: entries, or nothing for a whole small map.
fn size_of_unit(size: usize) -> f64 {
    if size < SIZES[0] { 1.0 } else { size as f64 }
}

fn ns(number: f64) -> String {
    if number < 100.0 { format!("{number:.1}") } else { format!("{number:.0}") }
}

type Build<N> = fn(usize) -> (N, <N as Nodes>::Id);

fn drop_of(
    n: usize,
    rcmap: Build<RcmapNodes>,
    rc_hashmap: Build<RcHashmapNodes>,
    hand_rolled: Build<HandRolledNodes>,
    consed: Build<ConsedNodes>,
) -> Vec<(&'static str, Prepared)> {
    let mut contenders = vec![
        (RcmapNodes::NAME, nodes::prepare_drop(n, rcmap)),
        (RcHashmapNodes::NAME, nodes::prepare_drop(n, rc_hashmap)),
        (HandRolledNodes::NAME, nodes::prepare_drop(n, hand_rolled)),
    ];
    // It looks at all nodes to collect one link of a chain.
    if n <= 1_000 {
        contenders.push((ConsedNodes::NAME, nodes::prepare_drop(n, consed)));
    }
    contenders
}
