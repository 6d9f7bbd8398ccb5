//! Programs over tables of nodes: a hash-consed DAG, and paths that share their prefixes.

use std::hint::black_box;

use crate::keys::Random;
use crate::{Job, Node, Nodes, time};

/// Builds a DAG of `size` nodes with two random children each, asks for each node once more, and lets go
/// of all of them.
pub(crate) fn dag<N: Nodes>(job: &Job) {
    #[inline(never)]
    fn work<N: Nodes>(children: &[(u32, u32)]) {
        let mut table = N::new();
        let mut ids: Vec<N::Id> = Vec::with_capacity(children.len() + 1);
        ids.push(table.node(Node { label: 0, low: None, high: None }));
        let child = |ids: &[N::Id], at: u32| Some(ids[at as usize].clone());
        for (label, &(low, high)) in (1..).zip(children) {
            let (low, high) = (child(&ids, low), child(&ids, high));
            ids.push(table.node(Node { label, low, high }));
        }
        for (label, &(low, high)) in (1..).zip(children) {
            let (low, high) = (child(&ids, low), child(&ids, high));
            assert!(table.node(Node { label, low, high }) == ids[label as usize]);
        }
        drop(ids);
        table.sweep();
    }
    if !job.wants("dag") {
        return;
    }
    let mut random = Random::new(3);
    let children: Vec<(u32, u32)> =
        (1..job.size).map(|n| (random.below(n) as u32, random.below(n) as u32)).collect();
    job.measure("dag", job.size, || time(|| work::<N>(&children)));
}

/// The names of a definition, below its file.
type Definition = [u32; 3];

const DEFINITIONS: usize = 500;

/// The files of a workspace define `size` paths in all. Then files are edited, one after the other: all of
/// a file's paths are interned anew, of which one in fifty has another name, and those from before dropped.
pub(crate) fn paths<N: Nodes>(job: &Job) {
    fn open<N: Nodes>(table: &mut N, file: usize, definitions: &[Definition]) -> Vec<N::Id> {
        let root = table.node(Node { label: file as u32, low: None, high: None });
        let path = |names: &Definition| {
            let below = |parent, &label| table.node(Node { label, low: Some(parent), high: None });
            names.iter().fold(root.clone(), below)
        };
        definitions.iter().map(path).collect()
    }
    #[inline(never)]
    fn work<N: Nodes>(files: usize, revisions: &[Vec<Definition>]) {
        let mut table = N::new();
        let mut open_files: Vec<Vec<N::Id>> = Vec::new();
        for (n, definitions) in revisions.iter().enumerate() {
            let file = open(&mut table, n % files, definitions);
            if n < files {
                open_files.push(file);
            } else {
                open_files[n % files] = file;
            }
            if n % files == 0 {
                table.sweep();
            }
        }
        black_box(&open_files);
        drop(open_files);
        table.sweep();
    }
    if !job.wants("paths") {
        return;
    }
    let files = job.size / DEFINITIONS;
    let mut random = Random::new(5);
    let mut name = |bound| random.below(bound) as u32;
    let mut revisions: Vec<Vec<Definition>> = Vec::new();
    for n in 0..3 * files {
        if n < files {
            let definition = |_| [name(20), name(50), name(10_000)];
            revisions.push((0..DEFINITIONS).map(definition).collect());
        } else {
            let mut edited = revisions[n - files].clone();
            edited.iter_mut().step_by(50).for_each(|definition| definition[2] = name(10_000));
            revisions.push(edited);
        }
    }
    let interned = revisions.len() * DEFINITIONS * 3;
    job.measure("paths", interned, || time(|| work::<N>(files, &revisions)));
}
