//! The limits: what rcmap may take, relative to others. Those of the brief's table have to be kept; beyond it
//! there are aims.

use crate::workload::Row;

/// The sizes of the table, in its order.
pub const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];

const PEER: &str = "rc-hashmap";

/// A line of the table: the most that rcmap may take relative to `peer`, for each of [`SIZES`].
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// What rcmap is compared with.
    pub peer: &'static str,
    /// The limits, if there are any.
    pub limits: Option<[f64; 3]>,
    /// Whether it is not in the table, but what one would wish for beyond it.
    pub aim: bool,
}

impl Line {
    /// The limit for maps of `size` entries.
    #[must_use]
    pub fn limit(&self, size: usize) -> Option<f64> {
        let at = SIZES.iter().position(|&s| s == size)?;
        Some(self.limits?[at])
    }
}

/// The lines of a workload with keys of a type.
#[must_use]
pub fn lines(row: Row, key: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let against_peer = match row {
        Row::Insert => Some([1.10, 0.95, 0.70]),
        Row::Find if key == "u64" => Some([0.50, 0.65, 0.75]),
        Row::Find => Some([0.90, 0.75, 0.75]),
        Row::Miss => Some([1.00, 0.95, 0.65]),
        Row::CloneDrop => Some([0.50, 0.50, 0.50]),
        Row::Read => Some([0.85, 0.80, 0.80]),
        Row::Churn => Some([1.15, 1.15, 1.15]),
        Row::DropAll => Some([1.40, 1.25, 1.20]),
        Row::InsertReserved | Row::InsertDrop | Row::Intern | Row::Iterate | Row::IterateMut => {
            None
        }
    };
    if let Some(limits) = against_peer {
        lines.push(Line { peer: PEER, limits: Some(limits), aim: false });
    }
    match row {
        Row::Find => {
            for peer in ["weak-table", "HashMap<K, Rc<V>>"] {
                lines.push(Line { peer, limits: Some([1.25, 1.10, 1.10]), aim: true });
            }
        }
        Row::InsertDrop => {
            let limits = Some([0.70; 3]);
            lines.push(Line { peer: "hand-rolled Rc + Weak", limits, aim: true });
        }
        _ => {}
    }
    lines
}

/// The line for bytes per entry.
pub const BYTES: Line = Line { peer: PEER, limits: Some([1.10; 3]), aim: false };

/// The limit for the bytes of a whole map of each of [`SMALL`] entries.
pub const SMALL_LIMIT: f64 = 1.5;

/// The sizes of small maps.
pub const SMALL: [usize; 4] = [0, 1, 10, 100];

/// The n-queens program is to be faster than both of these.
pub const QUEENS: [Line; 2] = [
    Line { peer: PEER, limits: Some([1.0; 3]), aim: false },
    Line { peer: "hand-rolled Rc + Weak", limits: Some([1.0; 3]), aim: false },
];
