//! The names of what is measured.

/// What a workload runs over, and so which sizes it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Over {
    /// Maps of many entries, for each type of key.
    Maps,
    /// Maps of a few entries, for each type of key.
    SmallMaps,
    /// Whatever the program needs.
    Program,
}

use Over::{Maps, Program, SmallMaps};

/// Each, in the order in which programs run them: its name, what the tables say it is, over what it runs.
pub const WORKLOADS: [(&str, &str, Over); 16] = [
    ("hit", "hit, read, let go", Maps),
    ("kept", "hit, kept in a `Vec`", Maps),
    ("call", "hit and read behind a call", Maps),
    ("miss", "miss", Maps),
    ("read", "read the value of a random handle", Maps),
    ("clone", "clone and drop a random handle", Maps),
    ("insert", "insert fresh", Maps),
    ("churn", "drop the oldest, insert a new one", Maps),
    ("drop", "drop all", Maps),
    ("intern", "intern a skewed stream, a window held", Maps),
    ("bytes", "heap bytes of an entry and its handle", Maps),
    ("small", "heap bytes of a whole map", SmallMaps),
    ("queens", "n-queens by BDD", Program),
    ("symbols", "symbols of a source tree", Program),
    ("dag", "hash-consed DAG, built and let go", Program),
    ("paths", "path table under edits", Program),
];
