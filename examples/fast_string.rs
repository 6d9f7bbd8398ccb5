//! A compiler's symbol table, after GHC's `FastString`.
//!
//! ```sh
//! cargo run --example fast_string [NAME]...
//! ```
//!
//! Each string is stored once. Comparing two is one comparison of pointers, each has a number of its
//! own (its *unique*), and its Z-encoding, the name that a linker accepts, is computed when it is first
//! asked for and kept with the entry.
//!
//! What carries over from GHC: all of that. What differs: GHC's table is shared by threads and holds
//! its strings for ever. Here a string is freed with its last handle, and if it is interned again it
//! gets a new unique: uniques are never used twice.

use std::cell::{Cell, OnceCell};
use std::fmt::Write;

use rcmap::{RcHashMap, Ref};

/// A handle to an interned string. Equality is identity.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct FastString(Ref<Box<str>, Payload>);

impl FastString {
    /// The text, which needs no table: keys neither move nor change.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_key()
    }
}

/// What the table knows of a string.
pub(crate) struct Payload {
    unique: u64,
    /// Set through `&Payload`, so that reading it never needs the table mutably.
    z_encoding: OnceCell<Box<str>>,
}

#[derive(Default)]
pub(crate) struct FastStringTable {
    strings: RcHashMap<Box<str>, Payload>,
    next_unique: Cell<u64>,
    z_encodings: Cell<usize>,
}

impl FastStringTable {
    /// The handle of a string, which is copied only if it is new.
    pub(crate) fn intern(&self, text: &str) -> FastString {
        FastString(self.strings.find_or_insert_ref(text, |_| {
            let unique = self.next_unique.get();
            self.next_unique.set(unique + 1);
            Payload { unique, z_encoding: OnceCell::new() }
        }))
    }

    /// The number of a string: no other one has it, now or later.
    pub(crate) fn unique(&self, string: &FastString) -> u64 {
        self.payload(string).unique
    }

    /// The Z-encoding of a string, computed the first time.
    pub(crate) fn z_encoding<'a>(&'a self, string: &'a FastString) -> &'a str {
        self.payload(string).z_encoding.get_or_init(|| {
            self.z_encodings.set(self.z_encodings.get() + 1);
            z_encode(string.as_str()).into()
        })
    }

    /// How many Z-encodings were computed.
    pub(crate) fn z_encodings(&self) -> usize {
        self.z_encodings.get()
    }

    /// How many strings somebody holds.
    pub(crate) fn len(&self) -> usize {
        self.strings.len()
    }

    /// What comes from a handle and the table is tied to both: the handle keeps the entry.
    fn payload<'a>(&'a self, string: &'a FastString) -> &'a Payload {
        string.0.value(&self.strings).expect("the string should come from this table")
    }
}

/// Encodes a Haskell name so that it consists of letters and digits and does not begin with a digit.
///
/// As GHC does it: letters and digits stay, but for `z` and `Z`, which begin the code of every other
/// character. Tuples have codes of their own.
pub(crate) fn z_encode(name: &str) -> String {
    if let Some(tuple) = z_encode_tuple(name) {
        return tuple;
    }
    let mut encoded = String::with_capacity(name.len());
    for (index, c) in name.chars().enumerate() {
        match z_code(c) {
            Some(code) => encoded.push_str(code),
            None if c.is_ascii_alphabetic() || (c.is_ascii_digit() && index > 0) => encoded.push(c),
            None => z_encode_number(&mut encoded, c),
        }
    }
    encoded
}

/// The number of the character in hexadecimal, with a zero in front if it would begin with a letter.
fn z_encode_number(encoded: &mut String, c: char) {
    let hex = format!("{:x}", u32::from(c));
    let zero = if hex.starts_with(|first: char| first.is_ascii_digit()) { "" } else { "0" };
    write!(encoded, "z{zero}{hex}U").expect("writing to a string does not fail");
}

/// `()` is `Z0T`, `(,,)` is `Z3T`; unboxed, `(# #)` is `Z1H` and `(#,,#)` is `Z3H`.
///
/// As in GHC, what follows the closing bracket does not matter: no name goes on there.
fn z_encode_tuple(name: &str) -> Option<String> {
    match name {
        "()" => return Some("Z0T".into()),
        "(# #)" => return Some("Z1H".into()),
        _ => {}
    }
    let inner = name.strip_prefix('(')?;
    let (inner, closing, kind) = match inner.strip_prefix('#') {
        Some(inner) => (inner, "#)", 'H'),
        None => (inner, ")", 'T'),
    };
    let end = inner.trim_start_matches(',');
    let commas = inner.len() - end.len();
    end.starts_with(closing).then(|| format!("Z{}{kind}", commas + 1))
}

fn z_code(c: char) -> Option<&'static str> {
    Some(match c {
        // What constructors are made of.
        '(' => "ZL",
        ')' => "ZR",
        '[' => "ZM",
        ']' => "ZN",
        ':' => "ZC",
        'Z' => "ZZ",
        // What variables are made of.
        'z' => "zz",
        '&' => "za",
        '|' => "zb",
        '^' => "zc",
        '$' => "zd",
        '=' => "ze",
        '>' => "zg",
        '#' => "zh",
        '.' => "zi",
        '<' => "zl",
        '-' => "zm",
        '!' => "zn",
        '+' => "zp",
        '\'' => "zq",
        '\\' => "zr",
        '/' => "zs",
        '*' => "zt",
        '_' => "zu",
        '%' => "zv",
        _ => return None,
    })
}

fn main() {
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    if names.is_empty() {
        let known = ["+", ">>=", "(,,)", "()", "Trak", "foo_wz", "fooZ", "foldl'", "größe", "+"];
        names.extend(known.map(String::from));
    }

    let table = FastStringTable::default();
    let strings: Vec<FastString> = names.iter().map(|name| table.intern(name)).collect();
    for string in &strings {
        let (unique, z_encoding) = (table.unique(string), table.z_encoding(string));
        println!("{unique:>4}  {:<12} {z_encoding}", string.as_str());
    }
    println!("{} names, {} strings, {} encoded", names.len(), table.len(), table.z_encodings());

    drop(strings);
    println!("all handles dropped: {} strings", table.len());
}
