//! The n-queens problem by a reduced ordered binary decision diagram, over any table of nodes.
//!
//! The diagram has a variable for each square. Each square demands that, with a queen on it, those
//! that it attacks are empty; each row demands a queen. The conjunction is built row by row.
//! Nodes that no longer belong to a result go by themselves: nobody collects.

use std::collections::HashMap;

use crate::Hasher;
use crate::nodes::Nodes;
use crate::workload::{Prepared, time_of};

/// The terminals have a variable behind all others.
const FALSE: u32 = u32::MAX - 1;
const TRUE: u32 = u32::MAX;

/// The number of solutions for n = 4…9.
pub const SOLUTIONS: [(usize, u128); 6] = [(4, 2), (5, 10), (6, 4), (7, 40), (8, 92), (9, 352)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    And,
    Or,
}

/// A diagram's nodes, its two terminals, and the memory of the running operation.
#[derive(Debug)]
struct Diagram<N: Nodes> {
    table: N,
    no: N::Id,
    yes: N::Id,
    known: HashMap<(N::Name, N::Name), N::Id, Hasher>,
    peak: usize,
}

impl<N: Nodes> Diagram<N> {
    fn new() -> Self {
        let mut table = N::new();
        let no = table.node(FALSE, None, None);
        let yes = table.node(TRUE, None, None);
        Self { table, no, yes, known: HashMap::default(), peak: 0 }
    }

    /// The diagram that is `high` where `var` holds, `low` elsewhere.
    fn node(&mut self, var: u32, low: N::Id, high: N::Id) -> N::Id {
        if low == high { low } else { self.table.node(var, Some(low), Some(high)) }
    }

    fn apply(&mut self, op: Op, a: &N::Id, b: &N::Id) -> N::Id {
        let result = self.apply_known(op, a, b);
        self.peak = self.peak.max(self.table.len());
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
        let question = (N::name(a), N::name(b));
        if let Some(answer) = self.known.get(&question) {
            return answer.clone();
        }
        let (var, a_low, a_high, b_low, b_high) = {
            let (a_var, a_low, a_high) = self.table.parts(a);
            let (b_var, b_low, b_high) = self.table.parts(b);
            let var = a_var.min(b_var);
            // A diagram that does not start with this variable is the same on both sides of it.
            let side = |own: u32, child: Option<&N::Id>, whole: &N::Id| {
                child.filter(|_| own == var).unwrap_or(whole).clone()
            };
            let (al, ah) = (side(a_var, a_low, a), side(a_var, a_high, a));
            (var, al, ah, side(b_var, b_low, b), side(b_var, b_high, b))
        };
        let low = self.apply_known(op, &a_low, &b_low);
        let high = self.apply_known(op, &a_high, &b_high);
        let answer = self.node(var, low, high);
        self.known.insert(question, answer.clone());
        answer
    }

    /// The number of assignments of `variables` variables under which `root` is true.
    fn count(&self, root: &N::Id, variables: u32) -> u128 {
        fn below<N: Nodes>(
            diagram: &Diagram<N>,
            id: &N::Id,
            variables: u32,
            known: &mut HashMap<N::Id, u128, Hasher>,
        ) -> (u32, u128) {
            let (var, low, high) = diagram.table.parts(id);
            let (Some(low), Some(high)) = (low, high) else {
                return (variables, u128::from(*id == diagram.yes));
            };
            if let Some(&count) = known.get(id) {
                return (var, count);
            }
            let mut count = 0;
            for child in [low, high] {
                let (child_var, child_count) = below(diagram, child, variables, known);
                count += child_count << (child_var - var - 1);
            }
            known.insert(id.clone(), count);
            (var, count)
        }
        let (var, count) = below(self, root, variables, &mut HashMap::default());
        count << var
    }
}

/// What a run found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// How many ways there are to place the queens.
    pub solutions: u128,
    /// The most nodes there were at the end of an operation, its memory included.
    pub peak: usize,
    /// The nodes at the end.
    pub live: usize,
}

/// Solves the problem for a board of `n` × `n` squares.
#[must_use]
#[inline(never)]
pub fn solve<N: Nodes>(n: usize) -> Outcome {
    let mut diagram = Diagram::<N>::new();
    let var = |row: usize, column: usize| (row * n + column) as u32;
    let mut all = diagram.yes.clone();
    for row in 0..n {
        let mut some = diagram.no.clone();
        for column in (0..n).rev() {
            some = diagram.node(var(row, column), some, diagram.yes.clone());
        }
        all = diagram.apply(Op::And, &all, &some);
        for column in (0..n).rev() {
            let peaceful = peaceful(&mut diagram, n, row, column);
            all = diagram.apply(Op::And, &all, &peaceful);
        }
    }
    let solutions = diagram.count(&all, (n * n) as u32);
    Outcome { solutions, peak: diagram.peak, live: diagram.table.len() }
}

/// No queen on this square, or none on those that it attacks.
fn peaceful<N: Nodes>(diagram: &mut Diagram<N>, n: usize, row: usize, column: usize) -> N::Id {
    let mut safe = diagram.yes.clone();
    let mut empty = diagram.yes.clone();
    for square in (0..n * n).rev() {
        let (r, c) = (square / n, square % n);
        let var = square as u32;
        if (r, c) == (row, column) {
            empty = diagram.node(var, diagram.yes.clone(), diagram.no.clone());
        } else if r == row || c == column || r.abs_diff(row) == c.abs_diff(column) {
            safe = diagram.node(var, safe, diagram.no.clone());
        }
    }
    diagram.apply(Op::Or, &empty, &safe)
}

/// The time to solve the problem, the table's end included.
#[must_use]
pub fn prepare<N: Nodes>(n: usize) -> Prepared {
    Prepared::new(1, move |repetitions| {
        // A board is a lot of operations.
        time_of(usize::MAX, || {
            for _ in 0..repetitions {
                let outcome = solve::<N>(n);
                assert_eq!(Some(&(n, outcome.solutions)), SOLUTIONS.iter().find(|(m, _)| *m == n));
            }
        })
    })
}

#[cfg(test)]
mod tests {
    //! The numbers of solutions are known.

    use super::{SOLUTIONS, solve};
    use crate::nodes::{ConsedNodes, HandRolledNodes, Nodes, RcHashmapNodes, RcmapNodes};

    fn check<N: Nodes>() {
        for (n, solutions) in &SOLUTIONS[..4] {
            assert_eq!(solve::<N>(*n).solutions, *solutions);
        }
    }

    #[test]
    fn all_contenders_find_all_solutions() {
        check::<RcmapNodes>();
        check::<RcHashmapNodes>();
        check::<HandRolledNodes>();
        check::<ConsedNodes>();
    }

    #[test]
    fn nine_queens() {
        assert_eq!(solve::<RcmapNodes>(9).solutions, 352);
    }
}
