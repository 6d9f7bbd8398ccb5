//! The names of what is measured.

/// What is measured, in the order in which programs do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "`WORKLOADS` says what they are")]
pub enum Workload {
    Hit,
    Kept,
    Call,
    Miss,
    Read,
    Clone,
    Insert,
    Churn,
    Drop,
    Bytes,
    Small,
    Intern,
    Queens,
    Symbols,
    Dag,
    Paths,
}

/// What a workload runs over, and so which sizes it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Maps of many entries, for each type of key.
    Maps,
    /// Maps of a few entries, for each type of key.
    SmallMaps,
    /// Whatever the program needs.
    Program,
}

use Workload::*;

/// Each with its name, and what the tables say it is.
pub const WORKLOADS: [(Workload, &str, &str); 16] = [
    (Hit, "hit", "hit, read, let go"),
    (Kept, "kept", "hit, kept in a `Vec`"),
    (Call, "call", "hit and read behind a call"),
    (Miss, "miss", "miss"),
    (Read, "read", "read the value of a random handle"),
    (Clone, "clone", "clone and drop a random handle"),
    (Insert, "insert", "insert fresh"),
    (Churn, "churn", "drop the oldest, insert a new one"),
    (Drop, "drop", "drop all"),
    (Bytes, "bytes", "heap bytes of an entry and its handle"),
    (Small, "small", "heap bytes of a whole map"),
    (Intern, "intern", "intern a skewed stream, a window held"),
    (Queens, "queens", "n-queens by BDD"),
    (Symbols, "symbols", "symbols of a source tree"),
    (Dag, "dag", "hash-consed DAG, built and let go"),
    (Paths, "paths", "path table under edits"),
];

impl Workload {
    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        WORKLOADS[self as usize].1
    }

    /// What the tables say.
    #[must_use]
    pub fn title(self) -> &'static str {
        WORKLOADS[self as usize].2
    }

    /// The workload with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(WORKLOADS.iter().find(|(_, own, _)| *own == name)?.0)
    }

    /// What it runs over.
    #[must_use]
    pub fn over(self) -> Over {
        match self {
            Small => Over::SmallMaps,
            Queens | Symbols | Dag | Paths => Over::Program,
            _ => Over::Maps,
        }
    }

    /// Whether it counts bytes, not time.
    #[must_use]
    pub fn counts_bytes(self) -> bool {
        matches!(self, Bytes | Small)
    }
}
