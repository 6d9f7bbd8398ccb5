//! The workloads: what is made before the clock starts, and cleared away after it stops.

use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

use crate::contender::{Contender, Interns, Words};
use crate::contenders::hand_rolled::HandRolled;
use crate::contenders::interners::{HashConsing, Internment};
use crate::contenders::plain::Plain;
use crate::contenders::rc_hashmap::RcHashmap;
use crate::contenders::rc_values::RcValues;
use crate::contenders::rcmap::Rcmap;
use crate::contenders::weak_table::WeakTable;
use crate::hot;
use crate::keys::{Data, Key};
use crate::memory;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Row {
    /// Insert into a map that starts empty.
    Insert,
    /// Insert into a map that has room.
    InsertReserved,
    /// Find, read the value, drop the handle.
    Find,
    /// Look for what is not there.
    Miss,
    /// Clone a random handle and drop the clone.
    CloneDrop,
    /// Read the value of a random handle.
    Read,
    /// Drop the oldest entry, insert a new one.
    Churn,
    /// Drop all entries.
    DropAll,
    /// Insert into a map that starts empty, drop all entries.
    InsertDrop,
    /// Intern a Zipf-distributed text with a sliding window of holders.
    Intern,
    /// Visit every entry.
    Iterate,
    /// Visit every entry with its value mutable.
    IterateMut,
}

impl Row {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 12] = [
        Self::Insert,
        Self::InsertReserved,
        Self::Find,
        Self::Miss,
        Self::CloneDrop,
        Self::Read,
        Self::Churn,
        Self::DropAll,
        Self::InsertDrop,
        Self::Intern,
        Self::Iterate,
        Self::IterateMut,
    ];

    /// What the tables and the command line call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert fresh",
            Self::InsertReserved => "insert reserved",
            Self::Find => "find hit + read + drop",
            Self::Miss => "find miss",
            Self::CloneDrop => "clone + drop",
            Self::Read => "read",
            Self::Churn => "churn",
            Self::DropAll => "drop all",
            Self::InsertDrop => "insert, then drop all",
            Self::Intern => "intern a text",
            Self::Iterate => "iterate",
            Self::IterateMut => "iter_mut",
        }
    }
}

impl Row {
    /// The number of operations of one repetition on maps of `n` entries.
    #[must_use]
    pub fn operations(self, n: usize) -> usize {
        if self == Self::Intern { 2 * n } else { n }
    }
}

/// A workload of a contender, ready to be timed again and again.
pub struct Prepared {
    /// The number of operations each repetition does.
    pub operations: usize,
    run: Box<dyn FnMut(u64) -> Duration>,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("operations", &self.operations).finish_non_exhaustive()
    }
}

impl Prepared {
    /// A workload whose repetitions are timed by `run`.
    pub fn new(operations: usize, run: impl FnMut(u64) -> Duration + 'static) -> Self {
        Self { operations, run: Box::new(run) }
    }

    /// A workload that times `once`, with `before` and `after` outside of the time.
    fn of_each<S: 'static, T: 'static>(
        operations: usize,
        mut state: S,
        mut before: impl FnMut(&mut S) -> T + 'static,
        mut once: impl FnMut(&mut S, &mut T, Time<'_>) + 'static,
    ) -> Self {
        Self::new(operations, move |repetitions| {
            let mut total = Duration::ZERO;
            for _ in 0..repetitions {
                let mut fresh = before(&mut state);
                once(&mut state, &mut fresh, Time { total: &mut total, operations });
            }
            total
        })
    }

    /// The time that `repetitions` take.
    pub fn time(&mut self, repetitions: u64) -> Duration {
        (self.run)(repetitions)
    }
}

/// A clock to be started.
struct Time<'a> {
    total: &'a mut Duration,
    operations: usize,
}

impl Time<'_> {
    fn of(self, work: impl FnOnce()) {
        *self.total += time_of(self.operations, work);
    }
}

/// The time of so many operations: where reading it costs little in proportion, that of this thread,
/// which does not pass while others run.
pub fn time_of(operations: usize, work: impl FnOnce()) -> Duration {
    if operations >= 50_000 {
        let start = ThreadTime::now();
        work();
        start.elapsed()
    } else {
        let start = Instant::now();
        work();
        start.elapsed()
    }
}

/// A contender, for keys of type `K`.
#[derive(Debug)]
pub struct Entrant<K> {
    /// What the tables call it.
    pub name: &'static str,
    takes_part: fn(Row) -> bool,
    prepare: fn(Row, &Rc<Data<K>>) -> Prepared,
    bytes: Option<fn(&[K]) -> usize>,
}

impl<K: Key> Entrant<K> {
    fn of<C: Contender<K>>() -> Self {
        Self {
            name: C::NAME,
            takes_part: |row| match row {
                Row::CloneDrop | Row::Read | Row::Intern => C::SHARES,
                Row::InsertReserved => C::reserved(1).is_some(),
                _ => true,
            },
            prepare: prepare::<K, C>,
            bytes: Some(bytes::<K, C>),
        }
    }

    fn interner<C: Interns<K>>() -> Self {
        Self {
            name: C::NAME,
            takes_part: |row| row == Row::Intern,
            prepare: |_, data| prepare_interning::<K, C>(data),
            bytes: None,
        }
    }

    /// Whether the workload makes sense for this contender.
    #[must_use]
    pub fn takes_part(&self, row: Row) -> bool {
        (self.takes_part)(row)
    }

    /// The workload, if it makes sense for this contender.
    #[must_use]
    pub fn prepare(&self, row: Row, data: &Rc<Data<K>>) -> Option<Prepared> {
        self.takes_part(row).then(|| (self.prepare)(row, data))
    }

    /// The bytes on the heap of a map with these keys, without what the keys own.
    #[must_use]
    pub fn bytes(&self, keys: &[K]) -> Option<usize> {
        self.bytes.map(|bytes| bytes(keys))
    }
}

/// Everyone who takes part, rcmap first.
#[must_use]
pub fn entrants<K: Key + Send + Sync>() -> Vec<Entrant<K>> {
    vec![
        Entrant::of::<Rcmap<K>>(),
        Entrant::of::<RcHashmap<K>>(),
        Entrant::of::<WeakTable<K>>(),
        Entrant::of::<RcValues<K>>(),
        Entrant::of::<HandRolled<K>>(),
        Entrant::of::<Plain<K>>(),
        Entrant::interner::<HashConsing<K>>(),
        Entrant::interner::<Internment>(),
    ]
}

fn fill<K: Key, C: Contender<K>>(keys: &[K]) -> (C, Vec<C::Held>) {
    let mut map = C::new();
    let mut held = Vec::with_capacity(keys.len());
    // Not `hot::insert`: a profiler is not to see this.
    for (value, key) in (0..).zip(keys) {
        held.push(map.insert(key.clone(), value));
    }
    (map, held)
}

fn bytes<K: Key, C: Contender<K>>(keys: &[K]) -> usize {
    let own = keys.to_vec();
    let own_bytes = memory::growth(|| keys.to_vec()).1 - size_of_val(keys);
    let mut held = Vec::with_capacity(keys.len());
    let (map, bytes) = memory::growth(|| {
        let mut map = C::new();
        for key in own.iter().cloned() {
            held.push(map.insert(key, 1));
        }
        map
    });
    drop((held, map));
    bytes - own_bytes
}

fn prepare<K: Key, C: Contender<K>>(row: Row, data: &Rc<Data<K>>) -> Prepared {
    let data = Rc::clone(data);
    let n = data.n();
    match row {
        Row::Insert | Row::InsertReserved | Row::InsertDrop => {
            let before = move |_: &mut Vec<C::Held>| {
                let map = match row {
                    Row::InsertReserved => C::reserved(n).expect("this one can reserve"),
                    _ => C::new(),
                };
                (map, data.keys().to_vec(), Rc::clone(&data))
            };
            Prepared::of_each(n, Vec::with_capacity(n), before, move |held, fresh, time| {
                let (map, keys, data) = fresh;
                let keys = std::mem::take(keys);
                if row == Row::InsertDrop {
                    time.of(|| hot::insert_and_drop(map, keys, held, data.keys()));
                } else {
                    time.of(|| hot::insert(map, keys, held));
                    held.clear();
                }
            })
        }
        Row::Find | Row::Miss => {
            let (map, held) = fill::<K, C>(data.keys());
            // Made before the clock starts.
            let queries = if row == Row::Find { data.queries() } else { data.misses() };
            Prepared::of_each(
                queries.len(),
                (map, held),
                |_| (),
                move |(map, _), (), time| {
                    if row == Row::Find {
                        time.of(|| hot::find(map, data.queries()));
                    } else {
                        time.of(|| hot::miss(map, data.misses()));
                    }
                },
            )
        }
        Row::CloneDrop | Row::Read => {
            let filled = fill::<K, C>(data.keys());
            data.order();
            Prepared::of_each(
                n,
                filled,
                |_| (),
                move |(map, held), (), time| {
                    if row == Row::Read {
                        time.of(|| hot::read(map, held, data.order()));
                    } else {
                        time.of(|| hot::share::<K, C>(held, data.order()));
                    }
                },
            )
        }
        Row::Churn => {
            let (map, held) = fill::<K, C>(data.keys());
            let state = (map, VecDeque::from(held), data.keys().to_vec(), n as u64);
            let before = move |state: &mut (C, VecDeque<C::Held>, Vec<K>, u64)| {
                let next = state.3;
                state.3 += n as u64;
                (next..state.3).map(K::make).collect::<Vec<K>>()
            };
            Prepared::of_each(n, state, before, |(map, held, oldest, _), keys, time| {
                let next = keys.clone();
                let keys = std::mem::take(keys);
                time.of(|| hot::churn(map, held, keys, oldest));
                *oldest = next;
            })
        }
        Row::DropAll => {
            let state = (C::new(), Vec::with_capacity(n), data);
            let before = |(map, held, data): &mut (C, Vec<C::Held>, Rc<Data<K>>)| {
                (*map, *held) = fill(data.keys());
            };
            Prepared::of_each(n, state, before, |(map, held, data), (), time| {
                time.of(|| hot::drop_all(map, held, data.keys()));
            })
        }
        Row::Intern => prepare_interning::<K, Words<C>>(&data),
        Row::Iterate => {
            let filled = fill::<K, C>(data.keys());
            Prepared::of_each(
                n,
                filled,
                |_| (),
                |(map, _), (), time| {
                    time.of(|| hot::iterate(map));
                },
            )
        }
        Row::IterateMut => {
            let filled = fill::<K, C>(data.keys());
            Prepared::of_each(
                n,
                filled,
                |_| (),
                |(map, _), (), time| {
                    time.of(|| hot::iterate_mut(map));
                },
            )
        }
    }
}

/// A vocabulary of `n` words, of which the last `n / 4` of the text are held.
fn prepare_interning<K: Key, C: Interns<K>>(data: &Rc<Data<K>>) -> Prepared {
    let text = data.words();
    let mut table = C::new();
    let window = &text[text.len() - data.n() / 4..];
    let held: VecDeque<C::Held> = window.iter().map(|word| table.intern(word)).collect();
    let state = (table, held, Rc::clone(data));
    Prepared::of_each(
        text.len(),
        state,
        |_| (),
        |(table, held, data), (), time| {
            time.of(|| hot::intern(table, held, data.words()));
        },
    )
}
