//! The n-queens problem by a reduced ordered binary decision diagram, over any table of nodes.
//!
//! The diagram has a variable for each square. Each square demands that, with a queen on it, those that it
//! attacks are empty; each row demands a queen. The conjunction is built row by row.

use std::collections::HashMap;

use crate::{Hasher, Job, Node, Nodes, time};

/// The terminals have a variable behind all others.
const FALSE: u32 = u32::MAX - 1;
const TRUE: u32 = u32::MAX;

/// The number of solutions for n = 4…9.
const SOLUTIONS: [u128; 6] = [2, 10, 4, 40, 92, 352];

/// Solves the problem for a board of `size` × `size` squares, which makes one operation.
pub(crate) fn run<N: Nodes>(job: &Job) {
    job.measure("queens", 1, || time(|| assert_eq!(solve::<N>(job.size), SOLUTIONS[job.size - 4])));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    And,
    Or,
}

/// A diagram's nodes, its two terminals, and the memory of the running operation.
struct Diagram<N: Nodes> {
    table: N,
    no: N::Id,
    yes: N::Id,
    known: HashMap<(N::Id, N::Id), N::Id, Hasher>,
}

impl<N: Nodes> Diagram<N> {
    fn new() -> Self {
        let mut table = N::new();
        let mut terminal = |label| table.node(Node { label, low: None, high: None });
        let (no, yes) = (terminal(FALSE), terminal(TRUE));
        Self { table, no, yes, known: HashMap::default() }
    }

    /// The diagram that is `high` where `label` holds, `low` elsewhere.
    fn node(&mut self, label: u32, low: N::Id, high: N::Id) -> N::Id {
        if low == high {
            return low;
        }
        self.table.node(Node { label, low: Some(low), high: Some(high) })
    }

    fn apply(&mut self, op: Op, a: &N::Id, b: &N::Id) -> N::Id {
        let result = self.apply_known(op, a, b);
        self.known.clear();
        self.table.sweep();
        result
    }

    fn apply_known(&mut self, op: Op, a: &N::Id, b: &N::Id) -> N::Id {
        let (unit, zero) =
            if op == Op::And { (&self.yes, &self.no) } else { (&self.no, &self.yes) };
        if a == b || b == unit || a == zero {
            return a.clone();
        }
        if a == unit || b == zero {
            return b.clone();
        }
        let question = (a.clone(), b.clone());
        if let Some(answer) = self.known.get(&question) {
            return answer.clone();
        }
        let (label, a_low, a_high, b_low, b_high) = {
            let (node_a, node_b) = (self.table.parts(a), self.table.parts(b));
            let label = node_a.label.min(node_b.label);
            // A diagram that does not start with this variable is the same on both sides of it.
            let side = |node: &Node<N::Id>, child: &Option<N::Id>, whole: &N::Id| {
                child.as_ref().filter(|_| node.label == label).unwrap_or(whole).clone()
            };
            let (a_low, a_high) = (side(node_a, &node_a.low, a), side(node_a, &node_a.high, a));
            let (b_low, b_high) = (side(node_b, &node_b.low, b), side(node_b, &node_b.high, b));
            (label, a_low, a_high, b_low, b_high)
        };
        let low = self.apply_known(op, &a_low, &b_low);
        let high = self.apply_known(op, &a_high, &b_high);
        let answer = self.node(label, low, high);
        self.known.insert(question, answer.clone());
        answer
    }

    /// The first variable of a diagram, and the number of assignments of it and those after it, up to
    /// `variables`, under which it is true.
    fn count(
        &self,
        id: &N::Id,
        variables: u32,
        known: &mut HashMap<N::Id, u128, Hasher>,
    ) -> (u32, u128) {
        let node = self.table.parts(id);
        let (Some(low), Some(high)) = (&node.low, &node.high) else {
            return (variables, u128::from(*id == self.yes));
        };
        if let Some(&count) = known.get(id) {
            return (node.label, count);
        }
        let mut count = 0;
        for child in [low, high] {
            let (label, below) = self.count(child, variables, known);
            count += below << (label - node.label - 1);
        }
        known.insert(id.clone(), count);
        (node.label, count)
    }
}

#[inline(never)]
fn solve<N: Nodes>(n: usize) -> u128 {
    let mut diagram = Diagram::<N>::new();
    let mut all = diagram.yes.clone();
    for row in 0..n {
        let mut some = diagram.no.clone();
        for column in (0..n).rev() {
            let yes = diagram.yes.clone();
            some = diagram.node((row * n + column) as u32, some, yes);
        }
        all = diagram.apply(Op::And, &all, &some);
        for column in (0..n).rev() {
            let peaceful = peaceful(&mut diagram, n, row, column);
            all = diagram.apply(Op::And, &all, &peaceful);
        }
    }
    let (first, count) = diagram.count(&all, (n * n) as u32, &mut HashMap::default());
    count << first
}

/// No queen on this square, or none on those that it attacks.
fn peaceful<N: Nodes>(diagram: &mut Diagram<N>, n: usize, row: usize, column: usize) -> N::Id {
    let (no, yes) = (diagram.no.clone(), diagram.yes.clone());
    let (mut safe, mut empty) = (yes.clone(), yes.clone());
    for square in (0..n * n).rev() {
        let (r, c) = (square / n, square % n);
        if (r, c) == (row, column) {
            empty = diagram.node(square as u32, yes.clone(), no.clone());
        } else if r == row || c == column || r.abs_diff(row) == c.abs_diff(column) {
            safe = diagram.node(square as u32, safe, no.clone());
        }
    }
    diagram.apply(Op::Or, &empty, &safe)
}
