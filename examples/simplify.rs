//! A simplifier of expressions in which equal parts are stored, and simplified, once.
//!
//! ```sh
//! cargo run --example simplify
//! ```
//!
//! Expressions are *hash-consed*: a term's key holds the [`Ref`]s of its operands, so building a term
//! that exists gives the one that exists, and expressions that look like trees are graphs that share
//! all equal parts. Equality is one comparison of pointers. A term is freed with the last expression
//! that contains it, however deep it is, without recursion.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use rcmap::{RcHashMap, Ref, SideTable};

/// An expression: cheap to clone, compare and hash, whatever its size.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Expr(Ref<Term, ()>);

#[derive(PartialEq, Eq, Hash)]
pub(crate) enum Term {
    Number(i64),
    Variable(Box<str>),
    Sum(Expr, Expr),
    Product(Expr, Expr),
}

impl Expr {
    pub(crate) fn term(&self) -> &Term {
        self.0.as_key()
    }
}

/// Prints the expression as a tree, with all brackets.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.term() {
            Term::Number(number) => write!(f, "{number}"),
            Term::Variable(name) => f.write_str(name),
            Term::Sum(a, b) => write!(f, "({a} + {b})"),
            Term::Product(a, b) => write!(f, "({a} * {b})"),
        }
    }
}

/// Makes expressions. Shared by `&`, so that building them nests.
#[derive(Default)]
pub(crate) struct Terms {
    table: RcHashMap<Term, ()>,
    /// What is known of terms. It keeps none alive, and forgets those that are gone.
    degrees: RefCell<SideTable<u64>>,
}

impl Terms {
    fn make(&self, term: Term) -> Expr {
        Expr(self.table.find_or_insert(term, ()))
    }

    pub(crate) fn number(&self, number: i64) -> Expr {
        self.make(Term::Number(number))
    }

    pub(crate) fn variable(&self, name: &str) -> Expr {
        self.make(Term::Variable(name.into()))
    }

    pub(crate) fn sum(&self, a: &Expr, b: &Expr) -> Expr {
        let (a, b) = in_order(a, b);
        self.make(Term::Sum(a, b))
    }

    pub(crate) fn product(&self, a: &Expr, b: &Expr) -> Expr {
        let (a, b) = in_order(a, b);
        self.make(Term::Product(a, b))
    }

    /// How many different terms all existing expressions consist of.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Computes what is known, and drops what changes nothing.
    pub(crate) fn simplify(&self, expr: &Expr) -> Expr {
        self.simplify_once(expr, &mut HashMap::new())
    }

    /// `done` holds the parts that were met already, so shared ones are not visited again. It goes
    /// when the whole is done: kept longer, it would keep every term that was ever simplified.
    fn simplify_once(&self, expr: &Expr, done: &mut HashMap<Expr, Expr>) -> Expr {
        if let Some(known) = done.get(expr) {
            return known.clone();
        }
        let simple = match expr.term() {
            Term::Number(_) | Term::Variable(_) => expr.clone(),
            Term::Sum(a, b) => {
                let (a, b) = (self.simplify_once(a, done), self.simplify_once(b, done));
                self.simple_sum(&a, &b)
            }
            Term::Product(a, b) => {
                let (a, b) = (self.simplify_once(a, done), self.simplify_once(b, done));
                self.simple_product(&a, &b)
            }
        };
        done.insert(expr.clone(), simple.clone());
        simple
    }

    fn simple_sum(&self, a: &Expr, b: &Expr) -> Expr {
        match (a.term(), b.term()) {
            (Term::Number(0), _) => b.clone(),
            (_, Term::Number(0)) => a.clone(),
            (Term::Number(x), Term::Number(y)) => match x.checked_add(*y) {
                Some(sum) => self.number(sum),
                None => self.sum(a, b),
            },
            // One comparison, however large the two are.
            _ if a == b => self.simple_product(&self.number(2), a),
            _ => self.sum(a, b),
        }
    }

    fn simple_product(&self, a: &Expr, b: &Expr) -> Expr {
        match (a.term(), b.term()) {
            (Term::Number(0), _) | (_, Term::Number(0)) => self.number(0),
            (Term::Number(1), _) => b.clone(),
            (_, Term::Number(1)) => a.clone(),
            (Term::Number(x), Term::Number(y)) => match x.checked_mul(*y) {
                Some(product) => self.number(product),
                None => self.product(a, b),
            },
            _ => self.product(a, b),
        }
    }

    /// The degree as a polynomial of all variables. Each term is looked at once in its life.
    pub(crate) fn degree(&self, expr: &Expr) -> u64 {
        if let Some(known) = self.degrees.borrow().get(&expr.0) {
            return *known;
        }
        let degree = match expr.term() {
            Term::Number(_) => 0,
            Term::Variable(_) => 1,
            Term::Sum(a, b) => self.degree(a).max(self.degree(b)),
            Term::Product(a, b) => self.degree(a).saturating_add(self.degree(b)),
        };
        self.degrees.borrow_mut().insert(&expr.0, degree);
        degree
    }

    /// How many degrees are stored.
    pub(crate) fn degrees_known(&self) -> usize {
        self.degrees.borrow_mut().purge(&self.table);
        self.degrees.borrow().len()
    }

    /// The derivative by a variable, not simplified.
    pub(crate) fn derive(&self, expr: &Expr, by: &Expr) -> Expr {
        self.derive_once(expr, by, &mut HashMap::new())
    }

    fn derive_once(&self, expr: &Expr, by: &Expr, done: &mut HashMap<Expr, Expr>) -> Expr {
        if let Some(known) = done.get(expr) {
            return known.clone();
        }
        let derivative = match expr.term() {
            Term::Number(_) => self.number(0),
            Term::Variable(_) => self.number(i64::from(expr == by)),
            Term::Sum(a, b) => {
                self.sum(&self.derive_once(a, by, done), &self.derive_once(b, by, done))
            }
            Term::Product(a, b) => {
                let (da, db) = (self.derive_once(a, by, done), self.derive_once(b, by, done));
                self.sum(&self.product(&da, b), &self.product(a, &db))
            }
        };
        done.insert(expr.clone(), derivative.clone());
        derivative
    }
}

/// The operands in an order of their own, so that `a + b` and `b + a` are one term. Any order will do
/// that stays the same while both exist: that of their handles does.
fn in_order(a: &Expr, b: &Expr) -> (Expr, Expr) {
    let swap = b.0.handle() < a.0.handle();
    if swap { (b.clone(), a.clone()) } else { (a.clone(), b.clone()) }
}

fn main() {
    let terms = Terms::default();
    let (x, y) = (terms.variable("x"), terms.variable("y"));

    let expr = terms.sum(&terms.product(&x, &y), &terms.product(&y, &x));
    println!("{expr}  is  {}", terms.simplify(&expr));
    let derivative = terms.derive(&expr, &x);
    println!("its derivative  {derivative}  is  {}", terms.simplify(&derivative));
    drop((expr, derivative));

    // x to the power of 2 to the power of 40: printed, it would have a million million `x`.
    let mut power = x.clone();
    for _ in 0..40 {
        power = terms.product(&power, &power);
    }
    println!("x ^ (2 ^ 40): {} terms, degree {}", terms.len(), terms.degree(&power));
    let derivative = terms.simplify(&terms.derive(&power, &x));
    println!("and its derivative, simplified: {} terms", terms.len());

    drop((power, derivative));
    println!("both dropped: {} terms, which are {x} and {y}", terms.len());
    println!("of {} of them the degree is known", terms.degrees_known());
    drop((x, y));
    assert_eq!(terms.len(), 0);
}
