//! The main job: a symbol table over whole source trees that gives its memory back.
//!
//! ```sh
//! cargo run --release --example symbols [PATH]...
//! ```
//!
//! Reads every text file among the given files and folders (by default this crate's own `src`), finds
//! its identifiers, and interns each in one map that the whole program shares by `&`. A file keeps all
//! of its tokens as a `Vec<Ref>`, in order, as a syntax tree would: sixteen bytes a token, however
//! long the name is. Closing a file drops its `Ref`s, and a symbol vanishes with the last file that
//! uses it: when all are closed, the map is empty.
//!
//! What is not text (a NUL byte, invalid UTF-8), cannot be read or is larger than 256 MiB is reported
//! and skipped. Symbolic links are followed, and each file and folder is visited once. The exit code
//! is 1 if a path on the command line cannot be read.

#[path = "symbols/heap.rs"]
pub(crate) mod heap;

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rcmap::{RcHashMap, Ref};

/// What is known about each symbol. In `Cell`s, so that it can be changed through `&Symbols`.
#[derive(Default)]
struct SymbolStats {
    tokens: Cell<usize>,
    files: Cell<usize>,
    /// The number of the file that used the symbol last, so that `files` counts each file once.
    last_file: Cell<usize>,
}

type Symbols = RcHashMap<Box<str>, SymbolStats>;
type Symbol = Ref<Box<str>, SymbolStats>;

/// Files larger than this are not source text; what would never end (in `/proc`, say) ends here.
const MAX_FILE_BYTES: u64 = 256 << 20;

fn main() -> ExitCode {
    let mut paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        paths.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../src"));
    }
    let stdout = io::stdout();
    let progress_bar = stdout.is_terminal();
    match run(&paths, &mut stdout.lock(), &mut io::stderr(), progress_bar) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // The reader has seen enough, as in `symbols | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            report(&mut io::stderr(), "standard output", &error);
            ExitCode::FAILURE
        }
    }
}

/// Opens all files, prints the statistics to `out`, and closes them again. Returns whether each of
/// `paths` could be read.
pub(crate) fn run(
    paths: &[PathBuf],
    out: &mut dyn Write,
    complaints: &mut dyn Write,
    progress_bar: bool,
) -> io::Result<bool> {
    let Found { files: found, mut complete } = find_files(paths, complaints);

    let held_before = heap::held();
    let symbols = Symbols::new();
    let mut files: Vec<Vec<Symbol>> = Vec::new();
    let mut totals = Totals::default();
    for path in &found {
        match read_text(path) {
            Ok(text) => {
                let start = Instant::now();
                files.push(open(&text, files.len() + 1, &symbols, &mut totals));
                totals.time += start.elapsed();
            }
            Err(error) => {
                report(complaints, &path.display().to_string(), &error);
                totals.skipped += 1;
                complete &= error.kind() == ErrorKind::InvalidData || !paths.contains(path);
            }
        }
    }
    files.shrink_to_fit();
    let held = heap::held() - held_before;

    print_totals(out, files.len(), &symbols, &totals, held)?;
    print_most_frequent(out, &symbols)?;
    close_all(out, files, &symbols, progress_bar)?;

    assert_eq!(symbols.len(), 0, "a symbol has outlived its last token");
    writeln!(out, "\nall files closed: 0 symbols live")?;
    out.flush()?;
    Ok(complete)
}

/// Says on standard error what is left out, and why. That may be closed too, so it may be lost.
fn report(complaints: &mut dyn Write, what: &str, error: &io::Error) {
    writeln!(complaints, "symbols: {what}: {error}").ok();
}

#[derive(Default)]
struct Totals {
    skipped: usize,
    tokens: usize,
    /// The lengths of all tokens, added up.
    token_bytes: usize,
    /// Spent with tokenising and interning, without reading.
    time: Duration,
}

/// The identifiers of a text, in order. A number is none, nor is its suffix.
fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

/// Interns all tokens of a file.
fn open(text: &str, file: usize, symbols: &Symbols, totals: &mut Totals) -> Vec<Symbol> {
    let mut tokens = Vec::new();
    for name in identifiers(text) {
        let symbol = symbols.find_or_insert_ref(name, |_| SymbolStats::default());
        let stats = symbol.value(symbols).expect("the symbol was made by this map");
        stats.tokens.set(stats.tokens.get() + 1);
        if stats.last_file.replace(file) != file {
            stats.files.set(stats.files.get() + 1);
        }
        totals.token_bytes += name.len();
        tokens.push(symbol);
    }
    totals.tokens += tokens.len();
    tokens.shrink_to_fit();
    tokens
}

/// Drops the files' tokens, one file after another, and shows what happens to the symbols.
fn close_all(
    out: &mut dyn Write,
    files: Vec<Vec<Symbol>>,
    symbols: &Symbols,
    progress_bar: bool,
) -> io::Result<()> {
    const WIDTH: usize = 40;

    writeln!(out, "\nclosing:")?;
    let total = files.len();
    let steps = if progress_bar { 200 } else { 10 };
    for (closed, file) in (1..).zip(files) {
        drop(file);
        // Only when the next step is reached.
        if closed * steps / total == (closed - 1) * steps / total {
            continue;
        }
        let live = symbols.len();
        if progress_bar {
            let bar = "#".repeat(closed * WIDTH / total);
            write!(out, "\r[{bar:.<WIDTH$}] {closed}/{total} files, {live:>9} symbols live")?;
            out.flush()?;
        } else {
            writeln!(out, "{closed:>9} of {total} files closed {live:>9} symbols live")?;
        }
    }
    if progress_bar && total > 0 {
        writeln!(out)?;
    }
    Ok(())
}

fn print_totals(
    out: &mut dyn Write,
    files: usize,
    symbols: &Symbols,
    totals: &Totals,
    held: isize,
) -> io::Result<()> {
    let &Totals { skipped, tokens, token_bytes, time } = totals;
    let in_refs = tokens * size_of::<Symbol>();
    let as_strings = tokens * size_of::<String>() + token_bytes;
    let per_second = tokens as f64 / time.as_secs_f64().max(1e-9);
    let percent = if tokens == 0 { 0.0 } else { 100.0 * held as f64 / as_strings as f64 };

    writeln!(out, "files              {files:>14}   ({skipped} skipped)")?;
    writeln!(out, "tokens             {tokens:>14}")?;
    writeln!(out, "distinct symbols   {:>14}", symbols.len())?;
    writeln!(out, "tokens per second  {per_second:>14.0}   ({time:.2?}, without reading)")?;
    writeln!(out, "bytes held         {held:>14}   (measured; {in_refs} of them in `Ref`s)")?;
    writeln!(
        out,
        "bytes as `String`s {as_strings:>14}   (one per token; held: {percent:.1} % of that)"
    )
}

fn print_most_frequent(out: &mut dyn Write, symbols: &Symbols) -> io::Result<()> {
    writeln!(out, "\nmost frequent:")?;
    for (name, tokens, files) in most_frequent(symbols, 10) {
        writeln!(out, "{tokens:>9} times in {files:>6} files  {name}")?;
    }
    Ok(())
}

/// Name, tokens and files of the symbols that were found most often. Holds no symbol when it returns.
fn most_frequent(symbols: &Symbols, limit: usize) -> Vec<(String, usize, usize)> {
    let mut all: Vec<(usize, usize, Symbol)> = symbols
        .iter()
        .map(|symbol| {
            let stats = symbol.value(symbols).expect("`iter` yields symbols of its map");
            let (tokens, files) = (stats.tokens.get(), stats.files.get());
            (tokens, files, symbol)
        })
        .collect();
    all.sort_unstable_by(|(tokens_a, _, a), (tokens_b, _, b)| {
        Reverse(tokens_a).cmp(&Reverse(tokens_b)).then_with(|| a.as_key().cmp(b.as_key()))
    });
    all.truncate(limit);
    all.iter()
        .map(|(tokens, files, symbol)| (symbol.as_key().to_string(), *tokens, *files))
        .collect()
}

struct Found {
    files: Vec<PathBuf>,
    /// Whether each of the given paths exists.
    complete: bool,
}

/// The files among `paths` and below them, each once.
fn find_files(paths: &[PathBuf], complaints: &mut dyn Write) -> Found {
    let mut found = Found { files: Vec::new(), complete: true };
    // Canonical paths: what keeps a loop of symbolic links from being walked for ever.
    let mut visited = HashSet::new();
    for path in paths {
        let mut waiting = vec![path.clone()];
        while let Some(next) = waiting.pop() {
            match visit(&next, &mut visited) {
                Ok(Visit::Known) => {}
                Ok(Visit::File) => found.files.push(next),
                Ok(Visit::Folder(mut entries)) => {
                    // The first comes off the stack first.
                    entries.sort_unstable_by(|a, b| b.cmp(a));
                    waiting.append(&mut entries);
                }
                Err(error) => {
                    report(complaints, &next.display().to_string(), &error);
                    found.complete &= next != *path;
                }
            }
        }
    }
    found
}

enum Visit {
    /// Visited before, perhaps under another name.
    Known,
    File,
    Folder(Vec<PathBuf>),
}

fn visit(path: &Path, visited: &mut HashSet<PathBuf>) -> io::Result<Visit> {
    let real = path.canonicalize()?;
    let kind = fs::metadata(&real)?.file_type();
    if !visited.insert(real) {
        return Ok(Visit::Known);
    }
    if kind.is_file() {
        return Ok(Visit::File);
    }
    if !kind.is_dir() {
        // Reading a pipe or a device may never end.
        return Err(io::Error::other("neither a file nor a folder"));
    }
    let entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
    Ok(Visit::Folder(entries.collect::<io::Result<_>>()?))
}

/// The content of a file, if it is text.
fn read_text(path: &Path) -> io::Result<String> {
    let not_text = |why| Err(io::Error::new(ErrorKind::InvalidData, why));
    let mut bytes = Vec::new();
    let size = File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if size as u64 > MAX_FILE_BYTES {
        return not_text("larger than 256 MiB");
    }
    if bytes.contains(&0) {
        return not_text("binary");
    }
    String::from_utf8(bytes).or_else(|_| not_text("invalid UTF-8"))
}
