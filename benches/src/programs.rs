//! Builds the contenders' programs.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use indicatif::{ProgressBar, ProgressStyle};

/// A program that takes part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contender {
    /// The name of the program.
    pub(crate) program: &'static str,
    /// What the tables say.
    pub(crate) name: &'static str,
    /// The crate that it is about, if that is not `hashbrown`.
    feature: &'static str,
}

const fn contender(program: &'static str, name: &'static str, feature: &'static str) -> Contender {
    Contender { program, name, feature }
}

/// Those that rcmap is compared with.
pub(crate) const CONTENDERS: [Contender; 7] = [
    contender("rc_values", "HashMap<K, Rc<V>>", ""),
    contender("rc-hashmap", "rc-hashmap", "rc-hashmap"),
    contender("weak-table", "weak-table", "weak-table"),
    contender("hand_rolled", "hand-rolled Rc + Weak", ""),
    contender("plain", "HashMap<K, V>", ""),
    contender("hashconsing", "hashconsing", "hashconsing"),
    contender("internment", "internment", "internment"),
];
const OURS: Contender = contender("rcmap", "rcmap", "rcmap");
const BASELINE: Contender = contender("rcmap", "baseline", "rcmap");

/// The profiles of the workspace that programs are built in.
pub(crate) const BUILDS: [&str; 3] = ["release", "thin-lto", "opt-2-abort"];

/// What was built.
pub(crate) struct Programs {
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
    /// The profiles.
    pub(crate) builds: Vec<&'static str>,
    /// Our program, for each build.
    pub(crate) ours: Vec<PathBuf>,
    /// The others', for each build.
    pub(crate) others: Vec<(Contender, Vec<PathBuf>)>,
}

/// Builds our program, and those of contenders, in each of these ways; `baseline` is another checkout of
/// rcmap whose program is a contender, too.
pub(crate) fn build(
    root: &Path,
    contenders: &[Contender],
    baseline: Option<&Path>,
    builds: &[&'static str],
) -> Result<Programs, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("no target folder")?.to_path_buf();
    let count = (1 + contenders.len() + usize::from(baseline.is_some())) * builds.len();
    let bar = progress(count, "building");
    let in_each = |manifest: &Path, target: &Path, contender: Contender| {
        let paths = builds.iter().map(|build| {
            bar.set_message(format!("building {} ({build})", contender.name));
            let path = cargo(manifest, target, contender, build);
            bar.inc(1);
            path
        });
        paths.collect::<Result<Vec<PathBuf>, Box<dyn Error>>>()
    };
    let manifest = root.join("benches/programs/Cargo.toml");
    let ours = in_each(&manifest, &target, OURS)?;
    let mut others = Vec::new();
    if let Some(other) = baseline {
        let copy = target.join("baseline");
        copy_programs(root, &copy, other)?;
        let paths = in_each(&copy.join("Cargo.toml"), &copy.join("target"), BASELINE)?;
        others.push((BASELINE, paths));
    }
    for &contender in contenders {
        others.push((contender, in_each(&manifest, &target, contender)?));
    }
    bar.finish_and_clear();
    Ok(Programs { target, builds: builds.to_vec(), ours, others })
}

/// A bar for so many steps.
pub(crate) fn progress(steps: usize, message: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {elapsed} (left: {eta}) {msg}");
    let bar = ProgressBar::new(steps as u64).with_style(style.expect("a good template"));
    bar.with_message(message)
}

/// Builds a program, for which nothing is compiled that belongs to another contender.
fn cargo(
    manifest: &Path,
    target: &Path,
    contender: Contender,
    build: &str,
) -> Result<PathBuf, Box<dyn Error>> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.args(["build", "--quiet", "--no-default-features", "--features", contender.feature]);
    command.args(["--profile", build, "--bin", contender.program, "--manifest-path"]);
    command.arg(manifest).arg("--target-dir").arg(target);
    if !command.status()?.success() {
        return Err(format!("{} ({build}) cannot be built", contender.name).into());
    }
    Ok(target.join(build).join(contender.program))
}

/// Copies the package of the programs such that it depends on the rcmap in `other`. Files that are the same
/// stay as they are, so that cargo builds nothing anew.
fn copy_programs(root: &Path, copy: &Path, other: &Path) -> Result<(), Box<dyn Error>> {
    fn put(path: &Path, text: &str) -> std::io::Result<()> {
        let same = fs::read_to_string(path).is_ok_and(|there| there == text);
        if same { Ok(()) } else { fs::write(path, text) }
    }
    let package = root.join("benches/programs");
    for folder in ["src", "src/bin"] {
        fs::create_dir_all(copy.join(folder))?;
        for entry in fs::read_dir(package.join(folder))? {
            let path = entry?.path();
            if path.is_file() {
                put(&copy.join(path.strip_prefix(&package)?), &fs::read_to_string(&path)?)?;
            }
        }
    }
    let manifest = fs::read_to_string(package.join("Cargo.toml"))?;
    let other = fs::canonicalize(other)?;
    let mut manifest = manifest.replace("path = \"../..\"", &format!("path = {other:?}"));
    manifest += "\n[workspace]\n";
    // The same profiles.
    for section in fs::read_to_string(root.join("Cargo.toml"))?.split("\n[") {
        if section.starts_with("profile.") {
            manifest += &format!("\n[{section}");
        }
    }
    put(&copy.join("Cargo.toml"), &manifest)?;
    if !copy.join("Cargo.lock").exists() {
        fs::copy(root.join("Cargo.lock"), copy.join("Cargo.lock"))?;
    }
    Ok(())
}
