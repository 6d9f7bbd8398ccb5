//! What the main example prints and asserts is right: its code is included here and run.

#[path = "../examples/symbols.rs"]
#[expect(dead_code, reason = "nobody calls the example's `main`")]
mod symbols;

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use symbols::{heap, run};

/// A folder of its own for each test, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("symbols_{name}"));
        fs::remove_dir_all(&path).ok();
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What the command line would be.
    fn paths(&self) -> Vec<PathBuf> {
        vec![self.0.clone()]
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

struct Output {
    complete: bool,
    out: String,
    complaints: String,
}

impl Output {
    /// The number in the line that begins with `label`.
    fn number(&self, label: &str) -> usize {
        let line = self.out.lines().find_map(|line| line.strip_prefix(label));
        line.unwrap().split_whitespace().next().unwrap().parse().unwrap()
    }

    fn most_frequent(&self) -> Vec<&str> {
        let lines = self.out.lines().skip_while(|line| *line != "most frequent:").skip(1);
        lines.take_while(|line| !line.is_empty()).map(str::trim_start).collect()
    }
}

fn symbols(paths: &[PathBuf], progress_bar: bool) -> Output {
    let (mut out, mut complaints) = (Vec::new(), Vec::new());
    let complete = run(paths, &mut out, &mut complaints, progress_bar).unwrap();
    let [out, complaints] = [out, complaints].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(out.ends_with("all files closed: 0 symbols live\n"), "{out}");
    Output { complete, out, complaints }
}

#[test]
fn counts_tokens_and_distinct_symbols() {
    let folder = Folder::new("counts")
        .with("a.rs", "fn foo() { foo(1, 0xff, 2.0f32, größe, _x1) }")
        .with("deep/er/b.txt", "foo fn\nbar\n")
        .with("empty", "");
    let output = symbols(&folder.paths(), false);
    assert!(output.complete);
    assert_eq!(output.complaints, "");
    assert_eq!(output.number("files"), 3);
    // fn foo foo größe _x1, foo fn bar
    assert_eq!(output.number("tokens"), 8);
    assert_eq!(output.number("distinct symbols"), 5);
    let string_bytes = 8 * size_of::<String>() + "fnfoofoogröße_x1foofnbar".len();
    assert_eq!(output.number("bytes as `String`s"), string_bytes);
    assert_eq!(
        output.most_frequent(),
        [
            "3 times in      2 files  foo",
            "2 times in      2 files  fn",
            "1 times in      1 files  _x1",
            "1 times in      1 files  bar",
            "1 times in      1 files  größe",
        ]
    );
}

#[test]
fn shows_ten_symbols_at_most() {
    let folder = Folder::new("ten").with("a", "a b c d e f g h i j k l m a");
    let output = symbols(&folder.paths(), false);
    assert_eq!(output.most_frequent().len(), 10);
    assert_eq!(output.most_frequent()[0], "2 times in      1 files  a");
}

#[test]
fn reports_and_skips_what_is_not_text() {
    let folder = Folder::new("not_text")
        .with("binary", b"ab\0cd")
        .with("latin1.txt", b"gr\xf6\xdfe")
        .with("good.rs", "good");
    let output = symbols(&folder.paths(), false);
    assert!(output.complete, "what a folder contains by the way is not an error");
    assert!(output.complaints.contains("binary: binary\n"), "{}", output.complaints);
    assert!(output.complaints.contains("latin1.txt: invalid UTF-8\n"), "{}", output.complaints);
    assert!(output.out.contains("(2 skipped)"));
    assert_eq!((output.number("files"), output.number("tokens")), (1, 1));
}

#[test]
fn reports_what_is_not_there_and_reads_the_rest() {
    let folder = Folder::new("missing").with("good.rs", "good");
    let output = symbols(&[folder.path("nowhere"), folder.path("good.rs")], false);
    assert!(!output.complete);
    assert!(output.complaints.contains("nowhere: "), "{}", output.complaints);
    assert_eq!(output.number("files"), 1);
    let nothing = symbols(&[folder.path("nowhere")], true);
    assert_eq!((nothing.number("files"), nothing.number("tokens per second")), (0, 0));
}

#[test]
fn reads_each_file_once() {
    let folder = Folder::new("once").with("a.rs", "name");
    let paths = [folder.0.clone(), folder.path("a.rs"), folder.path("./a.rs")];
    assert_eq!(symbols(&paths, false).number("files"), 1);
}

#[test]
#[cfg(unix)]
fn symbolic_links_end() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new("links").with("sub/a.rs", "name");
    symlink("..", folder.path("sub/up")).unwrap();
    symlink("self", folder.path("self")).unwrap();
    symlink("nowhere", folder.path("dangling")).unwrap();
    symlink("sub/a.rs", folder.path("again.rs")).unwrap();
    let output = symbols(&folder.paths(), false);
    assert!(output.complete);
    assert_eq!(output.number("files"), 1);
    assert_eq!(output.complaints.lines().count(), 2, "{}", output.complaints);
    assert!(output.complaints.contains("self: ") && output.complaints.contains("dangling: "));
}

#[test]
fn draws_a_bar_only_when_asked_to() {
    let folder = Folder::new("bar").with("a", "x").with("b", "y");
    assert!(!symbols(&folder.paths(), false).out.contains('\r'));
    let with_bar = symbols(&folder.paths(), true).out;
    assert!(with_bar.contains("\r[####################....................] 1/2"), "{with_bar}");
}

#[test]
fn live_symbols_fall_as_files_close() {
    let folder = Folder::new("fall").with("a", "x y").with("b", "x z").with("c", "x");
    let out = symbols(&folder.paths(), false).out;
    let live: Vec<&str> = out
        .lines()
        .filter_map(|line| line.strip_suffix(" symbols live")?.split_once("files closed "))
        .map(|(_, live)| live.trim())
        .collect();
    assert_eq!(live, ["2", "1", "0"]);
}

/// A pipe whose reader is gone after a few lines.
struct Head {
    lines: usize,
}

impl Write for Head {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        self.lines = self.lines.checked_sub(lines).ok_or(ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_is_an_error_and_no_panic() {
    let folder = Folder::new("pipe").with("a", "x y z");
    for lines in 0..10 {
        let result = run(&folder.paths(), &mut Head { lines }, &mut Head { lines: 0 }, true);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
}

#[test]
fn gives_all_memory_back() {
    let before = heap::held();
    let boxed = std::hint::black_box(Box::new([0_u8; 1000]));
    assert_eq!(heap::held() - before, 1000);
    drop(boxed);

    let folder = Folder::new("memory").with("a", "x y z x y z").with("b", "x y z");
    let paths = folder.paths();
    let before = heap::held();
    run(&paths, &mut io::sink(), &mut io::sink(), false).unwrap();
    assert_eq!(heap::held(), before);
}

#[test]
#[cfg_attr(miri, ignore = "too many tokens")]
fn reads_this_crates_own_source() {
    let output = symbols(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("src")], false);
    assert!(output.complete);
    assert_eq!(output.complaints, "");
    assert!(output.number("tokens") > 10 * output.number("distinct symbols"));
    assert!(output.number("bytes held") < output.number("bytes as `String`s"));
}
