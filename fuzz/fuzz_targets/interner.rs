//! Interning next to a multiset: two handles are equal exactly if their contents are, order goes by
//! content, and a value is there as long as a handle to it is.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use rcmap::{Interned, Interner};

#[derive(Arbitrary, Debug)]
enum Op {
    Intern(Word),
    InternRef(Word),
    Get(Word),
    Clone(u8),
    Drop(u8),
    Resolve(u8),
    Shrink,
    /// The interner goes, its handles stay.
    Renew,
}

/// Few and short, so that they meet.
#[derive(Arbitrary, Debug)]
struct Word(u8);

impl Word {
    fn text(&self) -> String {
        "w".repeat(usize::from(self.0 % 16))
    }
}

type Held = (u32, String, Interned<Box<str>>);

fn run(program: Vec<Op>) {
    let mut names: Interner<Box<str>> = Interner::new();
    let mut generation = 0;
    let mut held: Vec<Held> = Vec::new();
    for op in program {
        let at = |n: u8| if held.is_empty() { None } else { Some(usize::from(n) % held.len()) };
        match op {
            Op::Intern(word) => {
                held.push((generation, word.text(), names.intern(word.text().into())));
            }
            Op::InternRef(word) => {
                held.push((generation, word.text(), names.intern_ref(word.text().as_str())));
            }
            Op::Get(word) => {
                let found = names.get(word.text().as_str());
                let expected =
                    held.iter().any(|(g, text, _)| *g == generation && *text == word.text());
                assert_eq!(found.is_some(), expected);
                assert!(found.is_none_or(|found| **found == *word.text()));
            }
            Op::Clone(n) => held.extend(at(n).map(|n| held[n].clone())),
            Op::Drop(n) => drop(at(n).map(|n| held.swap_remove(n))),
            Op::Resolve(n) => {
                if let Some((g, _, handle)) = at(n).map(|n| &held[n]) {
                    let resolved = names.resolve(handle.handle());
                    if *g == generation {
                        assert!(resolved.as_ref() == Some(handle));
                    }
                }
            }
            Op::Shrink => names.shrink_to_fit(),
            Op::Renew => {
                names = Interner::new();
                generation += 1;
            }
        }
        let mut counts: BTreeMap<(u32, &str), usize> = BTreeMap::new();
        for (g, text, _) in &held {
            *counts.entry((*g, text)).or_default() += 1;
        }
        assert_eq!(names.len(), counts.keys().filter(|(g, _)| *g == generation).count());
        for (i, (g, text, a)) in held.iter().enumerate() {
            assert_eq!(***a, **text);
            assert_eq!(a.strong_count(), counts[&(*g, text.as_str())]);
            for (h, other, b) in &held[i..] {
                assert_eq!(a == b, g == h && text == other);
                assert_eq!(a.cmp(b).is_eq(), a == b);
                assert!(text == other || a.cmp(b) == text.cmp(other));
            }
        }
    }
}

libfuzzer_sys::fuzz_target!(|program: Vec<Op>| run(program));
