//! Audits: what is found is what a search through all paths finds, whatever the closure does.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use rcmap::audit::{Report, audit};
use rcmap::{RcHashMap, Ref};

type Map = RcHashMap<usize, Node>;

#[derive(Default)]
struct Node(RefCell<Vec<Ref<usize, Node>>>);

fn graph(map: &Map, count: usize, edges: &[(usize, usize)]) -> Vec<Ref<usize, Node>> {
    let refs: Vec<_> = (0..count).map(|n| map.insert(n, Node::default()).unwrap()).collect();
    for &(from, to) in edges {
        refs[from].value(map).unwrap().0.borrow_mut().push(refs[to].clone());
    }
    refs
}

fn audit_map(map: &Map) -> Report<usize, Node> {
    audit(map, |_, node, visit| node.0.borrow().iter().for_each(visit))
}

fn leaks(report: &Report<usize, Node>) -> Vec<Vec<usize>> {
    report.leaks().map(|group| group.map(|entry| *entry.get().as_key()).collect()).collect()
}

fn break_up(map: &Map) {
    map.iter().for_each(|r| drop(r.value(map).unwrap().0.take()));
    assert!(map.is_empty());
}

#[test]
fn holders_outside_and_inside_are_counted() {
    let map = Map::new();
    let refs = graph(&map, 3, &[(0, 1), (0, 1), (1, 2)]);
    let second = refs[2].clone();
    let report = audit_map(&map);
    let counts = |n: usize| {
        let audited = report.find(refs[n].handle()).unwrap();
        (audited.inside(), audited.outside())
    };
    assert_eq!([counts(0), counts(1), counts(2)], [(0, 1), (2, 1), (1, 2)]);
    assert!(leaks(&report).is_empty());
    assert_eq!((report.entries().len(), second.strong_count()), (3, 4), "the report holds one");
    let text = format!("{report:?}");
    assert!(text.contains("inside: 1, outside: 2, is_leaked: false"), "{text}");
}

#[test]
fn each_group_that_only_holds_itself_is_a_leak() {
    let map = Map::new();
    let edges = [(0, 1), (1, 0), (1, 2), (3, 3), (4, 5), (6, 4), (2, 5)];
    let mut refs = graph(&map, 7, &edges);
    let kept = refs.remove(6);
    drop(refs);
    let report = audit_map(&map);
    assert_eq!(leaks(&report), [vec![0, 1, 2], vec![3]]);
    let is_in_cycle: Vec<_> = report
        .entries()
        .iter()
        .filter(|entry| entry.is_in_cycle())
        .map(|entry| *entry.get().as_key())
        .collect();
    assert_eq!(is_in_cycle, [0, 1, 3], "2 is only held by a cycle");
    assert_eq!(
        report.to_string(),
        "7 entries, 1 of them held from outside\n\
         leak 1: nobody outside holds\n  0, in a cycle\n  1, in a cycle\n  2, held by a cycle\n\
         leak 2: nobody outside holds\n  3, in a cycle\n"
    );
    drop((report, kept));
    break_up(&map);
}

#[test]
fn what_hangs_on_a_cycle_is_not_in_it_however_long_it_is() {
    let map = Map::new();
    drop(graph(&map, 5, &[(0, 0), (0, 1), (1, 2), (1, 3), (2, 3), (3, 4)]));
    let report = audit_map(&map);
    assert_eq!(leaks(&report), [vec![0, 1, 2, 3, 4]]);
    let is_in_cycle: Vec<_> = report.entries().iter().map(|entry| entry.is_in_cycle()).collect();
    assert_eq!(is_in_cycle, [true, false, false, false, false]);
    drop(report);
    break_up(&map);
}

#[test]
fn a_long_chain_takes_no_recursion() {
    const N: usize = if cfg!(miri) { 300 } else { 300_000 };
    let map = Map::new();
    let edges: Vec<_> = (0..N).map(|n| (n, (n + 1) % N)).collect();
    let refs = graph(&map, N, &edges);
    assert!(leaks(&audit_map(&map)).is_empty());
    drop(refs);
    let report = audit_map(&map);
    assert_eq!(leaks(&report).concat().len(), N);
    assert!(report.entries().iter().all(|entry| entry.is_in_cycle()));
    drop(report);
    break_up(&map);
}

#[test]
fn foreign_and_repeated_refs_are_told_and_do_no_harm() {
    let (map, other) = (Map::new(), Map::new());
    let refs = graph(&map, 2, &[(0, 1)]);
    let foreign = graph(&other, 1, &[]);
    let report = audit(&map, |_, node, visit| {
        visit(&foreign[0]);
        node.0.borrow().iter().for_each(|r| (0..5).for_each(|_| visit(r)));
    });
    assert_eq!(report.foreign(), 2);
    let audited = report.find(refs[1].handle()).unwrap();
    assert_eq!((audited.inside(), audited.outside()), (5, 0));
    assert!(audited.is_overcounted());
    let text = report.to_string();
    assert!(text.contains("warning: 2 `Ref`s of other maps"), "{text}");
    assert!(text.contains("warning: 1 has 2 `Ref`s, but 5 were visited"), "{text}");
}

#[test]
fn the_closure_may_change_the_map() {
    let map = Map::new();
    let refs = RefCell::new(graph(&map, 4, &[(0, 1), (1, 2), (2, 0)]));
    let new = RefCell::new(Vec::new());
    let report = audit(&map, |key, node, visit| {
        refs.borrow_mut().pop();
        let r = map.insert(100 + key, Node::default()).unwrap();
        visit(&r);
        new.borrow_mut().push(r);
        node.0.borrow().iter().for_each(visit);
    });
    assert_eq!(leaks(&report), [vec![0, 1, 2]]);
    assert_eq!((report.entries().len(), report.foreign()), (4, 0));
    let panicked = catch_unwind(AssertUnwindSafe(|| audit(&map, |_, _, _| panic!("on purpose"))));
    assert!(panicked.is_err());
    drop((report, new));
    assert_eq!(map.len(), 3);
    break_up(&map);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_audit_finds_what_paths_tell(
        count in 1..9usize,
        edges in prop::collection::vec((0..9usize, 0..9usize), 0..16),
        roots in prop::collection::vec(any::<bool>(), 9)
    ) {
        let map = Map::new();
        let edges: Vec<_> = edges.into_iter().map(|(a, b)| (a % count, b % count)).collect();
        let mut refs: Vec<_> = graph(&map, count, &edges).into_iter().map(Some).collect();
        for (r, is_root) in refs.iter_mut().zip(&roots) {
            if !is_root {
                *r = None;
            }
        }
        // Which can be reached from which, in one step or more.
        let mut reaches = vec![vec![false; count]; count];
        edges.iter().for_each(|&(a, b)| reaches[a][b] = true);
        for via in 0..count {
            for a in 0..count {
                for b in 0..count {
                    reaches[a][b] |= reaches[a][via] && reaches[via][b];
                }
            }
        }
        let is_leaked =
            |n: usize| !roots[n] && !(0..count).any(|root| roots[root] && reaches[root][n]);
        let report = audit_map(&map);
        let mut leaked = 0;
        for entry in report.entries() {
            let n = *entry.get().as_key();
            prop_assert_eq!(entry.is_leaked(), is_leaked(n));
            prop_assert_eq!(entry.inside(), edges.iter().filter(|&&(from, to)| to == n && map.contains_key(&from)).count());
            prop_assert_eq!(entry.outside(), usize::from(roots[n]));
            let holds_cycle = (0..count)
                .any(|m| (m == n || reaches[n][m]) && reaches[m][m] && is_leaked(m));
            prop_assert_eq!(entry.is_in_cycle(), entry.is_leaked() && holds_cycle);
            leaked += usize::from(entry.is_leaked());
        }
        prop_assert_eq!(leaks(&report).concat().len(), leaked);
        drop((report, refs));
        break_up(&map);
    }
}
