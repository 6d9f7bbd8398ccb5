//! What was measured, on the terminal and as a file that the documentation includes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use rcmap_programs::workload::Over;

use crate::measure::{Compared, Place, Results};

/// What a comparison should not exceed.
fn aim(compared: &Compared) -> Option<f64> {
    let place = compared.place;
    let text = ["String", "Box<str>"].contains(&place.key());
    let (rc_values, rc_hashmap) = match place.name() {
        "hit" | "kept" => (if text { 1.05 } else { 1.25 }, 0.80),
        "call" => (1.25, 0.80),
        "miss" => (1.25, 1.05),
        "read" => (1.25, 0.95),
        "clone" => (1.25, 0.60),
        "insert" => (1.10, 0.90),
        "churn" | "intern" => (f64::INFINITY, 1.00),
        "drop" => (f64::INFINITY, 1.10),
        "bytes" => (1.15, 1.00),
        "small" => (f64::INFINITY, 1.50),
        _ => return None,
    };
    let limit = match compared.contender {
        "HashMap<K, Rc<V>>" => rc_values,
        "rc-hashmap" => rc_hashmap,
        _ => return None,
    };
    Some(limit).filter(|limit| limit.is_finite())
}

/// The short form of a size.
pub(crate) fn short(size: usize) -> String {
    match size {
        1_000_000.. if size.is_multiple_of(1_000_000) => format!("{} M", size / 1_000_000),
        1_000.. if size.is_multiple_of(1_000) => format!("{} k", size / 1_000),
        _ => size.to_string(),
    }
}

/// What a row says about keys and size, where there are any.
fn of(place: Place) -> String {
    match place.over() {
        Over::Program if place.size == 0 => place.name().to_string(),
        Over::Program => format!("{} {}", place.name(), short(place.size)),
        _ => format!("{} {} {}", place.name(), place.key(), short(place.size)),
    }
}

/// Prints everything, and then the aims that do not hold.
pub(crate) fn print(results: &Results) {
    println!("rcmap relative to others: medians of paired ratios, less is better\n");
    let builds = results.builds.iter().map(|build| format!("{build:>11} ")).collect::<String>();
    println!("{:<26} {:<21} {builds}    mean   worst  rcmap : other", "", "");
    let mut missed = Vec::new();
    let mut aims = 0;
    for compared in &results.compared {
        let ratios =
            compared.ratios.iter().map(|ratio| format!("{ratio:>11.2} ")).collect::<String>();
        let (mean, worst) = (compared.mean(), compared.worst());
        let unit = if compared.place.counts_bytes() { "bytes" } else { "ns" };
        let mut line = format!("{:<26} {:<21} {ratios}", of(compared.place), compared.contender);
        let (ours, theirs) = (compared.ours, compared.theirs);
        let _ =
            write!(line, "{mean:>8.2}{worst:>8.2}  {} : {} {unit}", number(ours), number(theirs));
        if let Some(limit) = aim(compared) {
            aims += 1;
            let over = mean > limit + 0.005;
            let _ = write!(line, "  ≤ {limit:.2} {}", if over { "✗" } else { "✓" });
            if over {
                let what = of(compared.place);
                missed.push(format!("{what} / {}: {mean:.2}, not {limit:.2}", compared.contender));
            }
        }
        println!("{line}");
    }
    if aims > 0 {
        println!("\naims of {aims} that do not hold: {}", missed.len());
        missed.iter().for_each(|line| println!("  {line}"));
    }
}

fn number(number: f64) -> String {
    if number < 100.0 { format!("{number:.1}") } else { format!("{number:.0}") }
}

fn output(command: &mut Command) -> String {
    let output = command.output().ok().and_then(|output| String::from_utf8(output.stdout).ok());
    output.unwrap_or_default().trim().to_string()
}

/// The tables.
pub(crate) fn markdown(results: &Results, root: &Path, mode: &str) -> String {
    let rustc = output(Command::new("rustc").arg("-V"));
    let commit =
        output(Command::new("git").current_dir(root).args(["rev-parse", "--short", "HEAD"]));
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let mut text = format!(
        "<!-- Written by `cargo run --release -p rcmap-benches -- {mode}`. Not to be edited. -->\n\n\
         What rcmap takes relative to others, less is better: the geometric mean of three builds ({}), in brackets the worst of \
         them, of each the median of paired ratios. One program a contender, programs alternating, the same hasher for all. Bold \
         is where rcmap takes more. {rustc}, {}, commit {commit}, mode `{mode}`.\n",
        results.builds.join(", "),
        cpu.unwrap_or("an unknown processor"),
    );
    let mut contenders: Vec<&str> =
        results.compared.iter().map(|compared| compared.contender).collect();
    contenders.dedup();
    for contender in contenders {
        let rows = || results.compared.iter().filter(|compared| compared.contender == contender);
        let _ = writeln!(text, "\n## Relative to `{contender}`");
        table(&mut text, rows(), |compared| {
            let (mean, worst) = (compared.mean(), compared.worst());
            let mean = if mean > 1.005 { format!("**{mean:.2}**") } else { format!("{mean:.2}") };
            if compared.place.counts_bytes() { mean } else { format!("{mean} ({worst:.2})") }
        });
    }
    let _ = writeln!(text, "\n## Nanoseconds and bytes of rcmap");
    let first = results.compared.first().map_or("", |compared| compared.contender);
    let rows = results.compared.iter().filter(|compared| compared.contender == first);
    table(&mut text, rows, |compared| number(compared.ours));
    text
}

/// Tables of these rows: those over maps, over small maps, and programs have other columns each.
fn table<'a>(
    text: &mut String,
    rows: impl Iterator<Item = &'a Compared>,
    cell: impl Fn(&Compared) -> String,
) {
    let rows: Vec<&Compared> = rows.collect();
    for over in [Over::Maps, Over::SmallMaps, Over::Program] {
        let rows: Vec<&&Compared> = rows.iter().filter(|row| row.place.over() == over).collect();
        let mut sizes: Vec<usize> = rows.iter().map(|row| row.place.size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let (mut head, mut columns) = ("| work | keys |".to_string(), sizes.len());
        match over {
            Over::Program => (head, columns) = ("| program | size | |".to_string(), 1),
            _ => sizes.iter().for_each(|&size| head += &format!(" {} |", short(size))),
        }
        if !rows.is_empty() {
            let _ = write!(text, "\n{head}\n| --- | --- |{}", " --: |".repeat(columns));
        }
        let mut last = None;
        for row in rows {
            let (title, key, size) = (row.place.title(), row.place.key(), row.place.size);
            if over == Over::Program {
                let size = if size == 0 { String::new() } else { short(size) };
                let _ = write!(text, "\n| {title} | {size} |");
            } else if last != Some((title, key)) {
                let _ = write!(text, "\n| {title} | `{key}` |");
            }
            last = Some((title, key));
            let _ = write!(text, " {} |", cell(row));
        }
        text.push('\n');
    }
}
