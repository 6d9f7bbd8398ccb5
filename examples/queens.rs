//! The n-queens problem, solved with binary decision diagrams whose nodes free themselves.
//!
//! ```sh
//! cargo run --release --example queens [N]...
//! cargo run --release --example queens -- --keep 100000 [N]...
//! ```
//!
//! A reduced ordered BDD stores each distinct node once, in a *unique table*. Here that is one
//! [`RcHashMap`] whose keys hold the [`Ref`]s of their children: a formula is the `Ref` of its root
//! and keeps exactly its own nodes alive. There is no garbage collector, no reference to release by
//! hand, and no pause: what a formula no longer needs is gone when its `Ref` is dropped.
//!
//! BDD packages also remember the results of operations. Such a memo must not keep nodes for ever, so
//! this one holds [`Handle`]s, which keep nothing alive: see `Memo`. With `--keep`, a [`Keeper`] holds that many nodes which
//! no formula holds any more, so that an operation that needs one soon finds it again.

use std::hash::BuildHasher;
use std::process::ExitCode;
use std::time::Instant;

use rcmap::{DefaultHashBuilder, Handle, Keeper, RcHashMap, Ref, SideTable};

fn main() -> ExitCode {
    let (mut sizes, mut kept) = (Vec::new(), 0);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.parse() {
            _ if argument == "--keep" => match arguments.next().map(|it| it.parse()) {
                Some(Ok(count)) => kept = count,
                _ => {
                    eprintln!("queens: --keep needs a number");
                    return ExitCode::FAILURE;
                }
            },
            Ok(n) if (1..=MAX_SIZE).contains(&n) => sizes.push(n),
            _ => {
                eprintln!("queens: {argument}: not a size between 1 and {MAX_SIZE}");
                return ExitCode::FAILURE;
            }
        }
    }
    if sizes.is_empty() {
        sizes.extend(4..=9);
    }
    println!("n  solutions  live nodes  peak nodes  operations  per second");
    for n in sizes {
        let start = Instant::now();
        let Outcome { solutions, live, peak, operations } = solve(n, kept);
        let per_second = operations as f64 / start.elapsed().as_secs_f64();
        println!("{n} {solutions:>10} {live:>11} {peak:>11} {operations:>11} {per_second:>11.0}");
    }
    println!("all formulas dropped: 0 nodes live");
    ExitCode::SUCCESS
}

/// Up to here the number of assignments, 2 to the power of n * n, fits into 128 bits.
const MAX_SIZE: u32 = 11;

/// One square of the board: true if a queen stands there. Smaller ones come first in every formula.
type Variable = u32;

/// A formula is its root node. Equal formulas are the same entry, so comparing them is one comparison
/// of pointers.
pub(crate) type Formula = Ref<Node, ()>;

/// The keys of the unique table. Two nodes are equal if their variables are and their children are
/// the same entries: nothing is compared in depth.
#[derive(PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Constant(bool),
    /// `if variable { high } else { low }`. The children differ, and test later variables only.
    Choice {
        variable: Variable,
        low: Formula,
        high: Formula,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    And,
    Or,
}

/// Makes formulas and combines them.
pub(crate) struct Formulas {
    nodes: RcHashMap<Node, ()>,
    no: Formula,
    yes: Formula,
    memo: Memo,
    keeper: Keeper<Formula>,
    keeps: usize,
    peak: usize,
    operations: u64,
}

impl Formulas {
    /// Keeps up to so many nodes that no formula needs.
    pub(crate) fn new(kept: usize) -> Self {
        let nodes = RcHashMap::new();
        let no = nodes.find_or_insert(Node::Constant(false), ());
        let yes = nodes.find_or_insert(Node::Constant(true), ());
        Self {
            nodes,
            no,
            yes,
            memo: Memo::new(),
            keeper: Keeper::new(kept),
            keeps: 0,
            peak: 2,
            operations: 0,
        }
    }

    pub(crate) fn constant(&self, value: bool) -> Formula {
        if value { self.yes.clone() } else { self.no.clone() }
    }

    /// `if variable { high } else { low }`. Both must test later variables only.
    fn choice(&mut self, variable: Variable, low: Formula, high: Formula) -> Formula {
        if low == high {
            return low;
        }
        let formula = self.nodes.find_or_insert(Node::Choice { variable, low, high }, ());
        self.peak = self.peak.max(self.nodes.len());
        if self.keeper.limit() > 0 {
            self.keeper.keep(&formula);
            // Not each time: a trim looks at all that is kept and not in use.
            self.keeps += 1;
            if self.keeps % self.keeper.limit() == 0 {
                self.keeper.trim();
            }
        }
        formula
    }

    /// True if the variables in `set` are as it says. Needs them in order.
    pub(crate) fn all_of(&mut self, set: &[(Variable, bool)]) -> Formula {
        // From the bottom up, so that each node is made once.
        set.iter().rev().fold(self.constant(true), |rest, &(variable, value)| {
            let no = self.constant(false);
            if value { self.choice(variable, no, rest) } else { self.choice(variable, rest, no) }
        })
    }

    pub(crate) fn apply(&mut self, operation: Operation, a: &Formula, b: &Formula) -> Formula {
        if a == b {
            return a.clone();
        }
        // `no` decides a conjunction and leaves a disjunction open; `yes` the other way round.
        let (decides, neutral) = match operation {
            Operation::And => (&self.no, &self.yes),
            Operation::Or => (&self.yes, &self.no),
        };
        if a == decides || b == decides {
            return decides.clone();
        }
        if a == neutral {
            return b.clone();
        }
        if b == neutral {
            return a.clone();
        }

        self.operations += 1;
        let question = Question::new(operation, a, b);
        if let Some(known) = self.memo.recall(&question, &self.nodes) {
            return known;
        }
        let variable = top(a).min(top(b));
        let ((a_low, a_high), (b_low, b_high)) = (branches(a, variable), branches(b, variable));
        let low = self.apply(operation, a_low, b_low);
        let high = self.apply(operation, a_high, b_high);
        let result = self.choice(variable, low, high);
        self.memo.remember(question, &result);
        result
    }

    /// The number of assignments to `variables` variables that make the formula true.
    pub(crate) fn count(&self, formula: &Formula, variables: Variable) -> u128 {
        // Of the variables from `from` on.
        fn count(formula: &Formula, from: u32, to: u32, known: &mut SideTable<u128>) -> u128 {
            let (free, models) = match formula.as_key() {
                Node::Constant(value) => (to - from, u128::from(*value)),
                Node::Choice { variable, low, high } => {
                    let models = known.get(formula).copied().unwrap_or_else(|| {
                        let next = variable + 1;
                        count(low, next, to, known) + count(high, next, to, known)
                    });
                    known.insert(formula, models);
                    (variable - from, models)
                }
            };
            models << free
        }
        count(formula, 0, variables, &mut SideTable::new())
    }

    /// Gives up the constants, which are the formulas that it holds itself, and returns how many nodes
    /// somebody else still holds.
    pub(crate) fn finish(self) -> usize {
        let Self { nodes, no, yes, keeper, .. } = self;
        drop((no, yes, keeper));
        nodes.len()
    }
}

/// The first variable that a formula tests, which is none for a constant.
fn top(formula: &Formula) -> Variable {
    match formula.as_key() {
        Node::Constant(_) => Variable::MAX,
        Node::Choice { variable, .. } => *variable,
    }
}

/// What is left of a formula when a variable, none after its first, is false or true.
fn branches(formula: &Formula, variable: Variable) -> (&Formula, &Formula) {
    match formula.as_key() {
        Node::Choice { variable: top, low, high } if *top == variable => (low, high),
        _ => (formula, formula),
    }
}

/// The results of the last operations, in a table of fixed size whose entries overwrite each other.
///
/// Holds [`Handle`]s, which keep no node alive, and which name no other node when theirs is gone. So
/// nothing has to be swept when nodes vanish: a question about a node that is gone cannot be asked
/// again, and an answer that is gone resolves to `None` and is computed anew.
struct Memo {
    entries: Box<[Option<(Question, Handle)>]>,
    hasher: DefaultHashBuilder,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Question {
    operation: Operation,
    formulas: [Handle; 2],
}

impl Question {
    fn new(operation: Operation, a: &Formula, b: &Formula) -> Self {
        // Both operations are commutative.
        let (a, b) = (a.handle(), b.handle());
        Self { operation, formulas: [a.min(b), a.max(b)] }
    }
}

impl Memo {
    const SIZE: usize = 1 << 16;

    fn new() -> Self {
        Self { entries: vec![None; Self::SIZE].into(), hasher: DefaultHashBuilder::default() }
    }

    fn position(&self, question: &Question) -> usize {
        self.hasher.hash_one(question) as usize % Self::SIZE
    }

    fn recall(&self, question: &Question, nodes: &RcHashMap<Node, ()>) -> Option<Formula> {
        let (asked, answer) = self.entries[self.position(question)]?;
        if asked == *question { nodes.resolve(answer) } else { None }
    }

    fn remember(&mut self, question: Question, answer: &Formula) {
        self.entries[self.position(&question)] = Some((question, answer.handle()));
    }
}

pub(crate) struct Outcome {
    pub(crate) solutions: u128,
    /// Nodes of the formula for the whole problem, after all others have vanished.
    pub(crate) live: usize,
    pub(crate) peak: usize,
    /// How often a conjunction or disjunction of two nodes was looked for.
    pub(crate) operations: u64,
}

/// Counts the ways to place `n` queens on a board of `n` by `n` so that none attacks another. Keeps up to `kept` nodes.
///
/// # Panics
///
/// If a node has outlived all formulas.
pub(crate) fn solve(n: u32, kept: usize) -> Outcome {
    let mut formulas = Formulas::new(kept);
    let mut problem = formulas.constant(true);
    for row in 0..n {
        // Some queen stands in this row, and attacks no other square.
        let mut placed = formulas.constant(false);
        for column in 0..n {
            let alone = formulas.all_of(&alone_at(n, row, column));
            placed = formulas.apply(Operation::Or, &placed, &alone);
        }
        // The formula for the rows so far is dropped here, and with it the nodes that only it used.
        problem = formulas.apply(Operation::And, &problem, &placed);
    }

    let solutions = formulas.count(&problem, n * n);
    formulas.keeper.release();
    let (live, peak, operations) = (formulas.nodes.len(), formulas.peak, formulas.operations);
    drop(problem);
    assert_eq!(formulas.finish(), 0, "a node has outlived all formulas");
    Outcome { solutions, live, peak, operations }
}

/// A queen on this square, and none on those that it attacks.
fn alone_at(n: u32, row: u32, column: u32) -> Vec<(Variable, bool)> {
    let squares = (0..n).flat_map(|y| (0..n).map(move |x| (y, x)));
    squares
        .filter(|&(y, x)| y == row || x == column || y.abs_diff(row) == x.abs_diff(column))
        .map(|(y, x)| (y * n + x, (y, x) == (row, column)))
        .collect()
}
