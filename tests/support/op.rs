//! One language for whole programs over several maps, and its decoder: any bytes are a program.
//!
//! Operands are small numbers. Machines and models take them modulo what they have, so every
//! operation means something (perhaps nothing) in every state.

use super::crash::{Mood, Point};

/// The number of maps that a program has at its disposal.
pub(crate) const MAPS: usize = 3;

/// The most `Ref`s, `WeakRef`s, .. that a program holds of a kind; what comes beyond is dropped.
pub(crate) const REGISTERS: usize = 24;

/// Which way an entry is added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Insert,
    InsertWith,
    FindOrInsert,
    FindOrInsertWith,
    FindOrInsertRef,
    TryInsert,
    /// The closure fails.
    TryInsertFails,
    Hashed,
    Entry,
    EntryRef,
    EntryHashed,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    /// Puts a new map in the place of an old one.
    NewMap {
        map: u8,
        mood: u8,
        room: u8,
    },
    DropMap {
        map: u8,
    },
    Add {
        map: u8,
        name: u8,
        way: Way,
    },
    Find {
        map: u8,
        name: u8,
    },
    FindHashed {
        map: u8,
        name: u8,
    },
    Contains {
        map: u8,
        name: u8,
    },
    Resolve {
        handle: u8,
    },
    CloneRef {
        r: u8,
    },
    DropRef {
        r: u8,
    },
    TryUnwrap {
        r: u8,
    },
    IntoRaw {
        r: u8,
    },
    FromRaw {
        raw: u8,
    },
    Downgrade {
        r: u8,
    },
    Upgrade {
        weak: u8,
    },
    DropWeak {
        weak: u8,
    },
    Read {
        r: u8,
        map: u8,
    },
    /// Replaces the value in place; the old one is dropped while the map is borrowed mutably.
    Replace {
        r: u8,
        map: u8,
    },
    Disjoint {
        map: u8,
        refs: [u8; 3],
    },
    /// Lets the value of one entry hold another entry.
    Link {
        from: u8,
        to: u8,
    },
    /// Empties a value.
    Unlink {
        from: u8,
    },
    Same {
        a: u8,
        b: u8,
    },
    /// Keeps what an iterator yields.
    Collect {
        map: u8,
    },
    /// Runs the body after the first item of an iterator, then goes on.
    IterWith {
        map: u8,
        body: Vec<Op>,
    },
    /// Adds to each number; runs the body after the first item.
    IterMutWith {
        map: u8,
        add: u8,
        body: Vec<Op>,
    },
    /// Runs the body while a value is borrowed.
    Hold {
        r: u8,
        map: u8,
        body: Vec<Op>,
    },
    Reserve {
        map: u8,
        room: u8,
    },
    Shrink {
        map: u8,
    },
    Debug {
        map: u8,
    },
    /// Runs an operation at the n-th visit to a point of user code.
    Arm {
        point: Point,
        nth: u8,
        op: Box<Op>,
    },
    /// Panics.
    Panic,
    /// The next comparisons lie.
    Lie {
        times: u8,
    },
    /// The hasher changes its mind.
    Mood {
        map: u8,
        mood: u8,
    },
    /// Drops what is armed.
    Disarm,
}

pub(crate) fn mood(n: u8) -> Mood {
    [Mood::Fair, Mood::Constant, Mood::Fickle][usize::from(n) % 3]
}

/// What a program may contain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manners {
    /// User code does what it should, so a model can say what comes out.
    Polite,
    /// User code re-enters, panics and drops.
    Hostile,
    /// It lies too, so that two entries may have one key.
    Lying,
}

/// Reads operations from bytes; when those run out, everything is zero.
pub(crate) struct Decoder<'a> {
    bytes: &'a [u8],
    manners: Manners,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8], manners: Manners) -> Self {
        Self { bytes, manners }
    }

    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        first
    }

    /// A small number, so that operands meet each other.
    fn small(&mut self) -> u8 {
        self.byte() % 32
    }

    fn map(&mut self) -> u8 {
        self.byte() % MAPS as u8
    }

    fn body(&mut self, depth: u32) -> Vec<Op> {
        let len = self.byte() % 4;
        (0..len).map(|_| self.op(depth + 1)).collect()
    }

    fn op(&mut self, depth: u32) -> Op {
        let kinds = match (self.manners, depth) {
            (Manners::Polite, 0) => 44,
            (Manners::Polite, _) => 40,
            (_, 0) => 62,
            (_, _) => 46,
        };
        match self.byte() % kinds {
            0..8 => {
                const WAYS: [Way; 8] = [
                    Way::Insert,
                    Way::InsertWith,
                    Way::FindOrInsert,
                    Way::FindOrInsertWith,
                    Way::FindOrInsertRef,
                    Way::TryInsert,
                    Way::TryInsertFails,
                    Way::Hashed,
                ];
                let byte = self.byte();
                let way = match WAYS[usize::from(byte) % WAYS.len()] {
                    // The same by other means. So old seeds keep their meaning.
                    Way::FindOrInsertWith if byte >= 128 => Way::Entry,
                    Way::FindOrInsertRef if byte >= 128 => Way::EntryRef,
                    Way::Hashed if byte >= 128 => Way::EntryHashed,
                    way => way,
                };
                Op::Add { map: self.map(), name: self.byte() % 12, way }
            }
            8 | 9 => Op::Find { map: self.map(), name: self.byte() % 12 },
            10 => Op::FindHashed { map: self.map(), name: self.byte() % 12 },
            11 => Op::Contains { map: self.map(), name: self.byte() % 12 },
            12 => Op::Resolve { handle: self.small() },
            13 | 14 => Op::CloneRef { r: self.small() },
            15..19 => Op::DropRef { r: self.small() },
            19 => Op::TryUnwrap { r: self.small() },
            20 => Op::IntoRaw { r: self.small() },
            21 => Op::FromRaw { raw: self.small() },
            22 => Op::Downgrade { r: self.small() },
            23 => Op::Upgrade { weak: self.small() },
            24 => Op::DropWeak { weak: self.small() },
            25 => Op::Read { r: self.small(), map: self.map() },
            26 | 27 => Op::Replace { r: self.small(), map: self.map() },
            28 => {
                Op::Disjoint { map: self.map(), refs: [self.small(), self.small(), self.small()] }
            }
            29..33 => Op::Link { from: self.small(), to: self.small() },
            33 => Op::Unlink { from: self.small() },
            34 => Op::Same { a: self.small(), b: self.small() },
            35 => Op::Collect { map: self.map() },
            36 => Op::Reserve { map: self.map(), room: self.byte() },
            37 => Op::Shrink { map: self.map() },
            38 => Op::Debug { map: self.map() },
            39 => match self.byte() % 3 {
                0 => Op::DropMap { map: self.map() },
                _ => Op::NewMap { map: self.map(), mood: self.byte() % 2, room: self.byte() },
            },
            // Only at the top from here on, if polite.
            40 if self.manners == Manners::Polite => {
                Op::IterWith { map: self.map(), body: self.body(depth) }
            }
            41 if self.manners == Manners::Polite => {
                Op::IterMutWith { map: self.map(), add: self.byte(), body: self.body(depth) }
            }
            42 | 43 if self.manners == Manners::Polite => {
                Op::Hold { r: self.small(), map: self.map(), body: self.body(depth) }
            }
            40..43 => Op::Panic,
            43 if self.manners == Manners::Lying => Op::Lie { times: self.byte() % 4 },
            44 if self.manners == Manners::Lying => Op::Mood { map: self.map(), mood: self.byte() },
            43..46 => Op::Disarm,
            46 => Op::IterWith { map: self.map(), body: self.body(depth) },
            47 => Op::IterMutWith { map: self.map(), add: self.byte(), body: self.body(depth) },
            48 => Op::Hold { r: self.small(), map: self.map(), body: self.body(depth) },
            _ => {
                let point = Point::ALL[usize::from(self.byte()) % Point::ALL.len()];
                let nth = self.byte() % 6 + 1;
                Op::Arm { point, nth, op: Box::new(self.op(depth + 1)) }
            }
        }
    }

    pub(crate) fn program(mut self) -> Vec<Op> {
        let mut program = Vec::new();
        while !self.bytes.is_empty() && program.len() < 400 {
            program.push(self.op(0));
        }
        program
    }
}

pub(crate) fn decode(bytes: &[u8], manners: Manners) -> Vec<Op> {
    Decoder::new(bytes, manners).program()
}
