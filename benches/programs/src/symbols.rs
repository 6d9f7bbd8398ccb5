//! The symbols of a source tree: what a compiler's or an editor's symbol table does.

use std::fs;
use std::path::Path;

use crate::{Job, Table, time};

/// Interns each identifier of each Rust file of a folder, every file keeping all of its tokens, and then
/// closes the files.
pub(crate) fn run<T: Table<Box<str>>>(job: &Job) {
    #[inline(never)]
    fn work<T: Table<Box<str>>>(files: &[Vec<&str>]) {
        let mut table = T::new();
        let open: Vec<Vec<T::Held>> =
            files.iter().map(|file| file.iter().map(|word| table.intern(word)).collect()).collect();
        for (held, words) in open.into_iter().zip(files) {
            held.into_iter().zip(words).for_each(|(held, word)| table.release(held, word));
            table.sweep();
        }
    }
    if !T::HOLDS || !job.wants("symbols") {
        return;
    }
    let mut texts = Vec::new();
    read(&job.folder, &mut texts);
    let files: Vec<Vec<&str>> = texts.iter().map(|text| words(text).collect()).collect();
    let tokens = files.iter().map(Vec::len).sum();
    assert!(tokens > 0, "there are no sources in {}", job.folder.display());
    job.measure("symbols", tokens, || time(|| work::<T>(&files)));
}

/// The Rust files below a folder, in the same order everywhere.
fn read(folder: &Path, texts: &mut Vec<String>) {
    let entries =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let mut paths: Vec<_> = entries.collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && !path.ends_with("target") && !path.ends_with(".git") {
            read(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push(fs::read_to_string(&path).expect("text"));
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    parts.filter(|part| part.starts_with(|c: char| !c.is_numeric()))
}
