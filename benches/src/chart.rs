//! The chart: a panel for each size, a row for each workload, a mark for each contender.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::options::short;
use crate::paired::Measured;

/// A row of the chart.
#[derive(Debug, Clone)]
pub struct Point {
    name: String,
    size: usize,
    relative: Vec<(&'static str, f64)>,
}

impl Point {
    /// The row of a measurement: what each contender took relative to rcmap.
    #[must_use]
    pub fn new(name: &str, size: usize, measured: &Measured) -> Self {
        let names = measured.names.iter().filter(|&&name| name != "rcmap");
        let ratio = |&name| Some((name, measured.ratio(name, "rcmap")?.median));
        // Some empty maps own nothing.
        let relative = names.filter_map(ratio).filter(|(_, ratio)| *ratio > 0.0).collect();
        Self { name: name.to_string(), size, relative }
    }
}

const COLORS: [RGBColor; 8] = [
    RGBColor(204, 51, 17),
    RGBColor(0, 119, 187),
    RGBColor(0, 153, 136),
    RGBColor(238, 119, 51),
    RGBColor(136, 136, 136),
    RGBColor(170, 51, 119),
    RGBColor(102, 153, 0),
    RGBColor(68, 68, 153),
];
const ROW: u32 = 18;
const LABELS: u32 = 200;
const PANEL: u32 = 240;
const TOP: u32 = 84;
const BOTTOM: u32 = 30;
/// What lies beyond is drawn at the edge.
const RANGE: (f64, f64) = (0.25, 8.0);

/// Draws what was measured into a file.
///
/// # Errors
///
/// If the file cannot be written.
pub fn draw(path: &str, points: &[Point]) -> Result<(), Box<dyn Error>> {
    let mut rows: Vec<&str> = Vec::new();
    let mut sizes: Vec<usize> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for point in points.iter().filter(|point| !point.relative.is_empty()) {
        add(&mut rows, &point.name);
        add(&mut sizes, point.size);
        point.relative.iter().for_each(|(name, _)| add(&mut names, name));
    }
    sizes.sort_unstable();
    let width = LABELS + PANEL * sizes.len() as u32 + 20;
    let height = TOP + ROW * rows.len() as u32 + BOTTOM;
    let root = SVGBackend::new(path, (width, height)).into_drawing_area();
    root.fill(&WHITE)?;
    legend(&root, &names)?;
    for (at, row) in rows.iter().enumerate() {
        let style = text(12).pos(Pos::new(HPos::Right, VPos::Center));
        root.draw(&Text::new(*row, (LABELS as i32 - 8, middle(at)), style))?;
    }
    for (at, &size) in sizes.iter().enumerate() {
        let left = (LABELS + PANEL * at as u32) as i32;
        let here: Vec<&Point> = points.iter().filter(|point| point.size == size).collect();
        panel(&root, left, &short(size), &here, &rows, &names)?;
    }
    root.present()?;
    Ok(())
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn text(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&BLACK)
}

/// The height at which a row is drawn.
fn middle(row: usize) -> i32 {
    (TOP + ROW * row as u32 + ROW / 2) as i32
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn legend(root: &Area<'_>, names: &[&str]) -> Result<(), Box<dyn Error>> {
    let title = "time (bytes) relative to rcmap = 1: right of the line, rcmap is ahead";
    root.draw(&Text::new(title, (10, 8), text(15)))?;
    let mut left = 14;
    for (name, color) in names.iter().zip(COLORS.iter().cycle()) {
        root.draw(&Circle::new((left, 40), 5, color.filled()))?;
        let style = text(12).pos(Pos::new(HPos::Left, VPos::Center));
        root.draw(&Text::new(*name, (left + 10, 40), style))?;
        left += 34 + 7 * name.len() as i32;
    }
    Ok(())
}

fn panel(
    root: &Area<'_>,
    left: i32,
    title: &str,
    points: &[&Point],
    rows: &[&str],
    names: &[&str],
) -> Result<(), Box<dyn Error>> {
    let inner = f64::from(PANEL - 24);
    let x = |ratio: f64| {
        let part = (ratio.clamp(RANGE.0, RANGE.1) / RANGE.0).ln() / (RANGE.1 / RANGE.0).ln();
        left + (part * inner) as i32
    };
    let bottom = middle(rows.len()) - (ROW / 2) as i32;
    let center = Pos::new(HPos::Center, VPos::Center);
    root.draw(&Text::new(title, (x(1.0), TOP as i32 - 22), text(13).pos(center)))?;
    for mark in [0.25, 0.5, 1.0, 2.0, 4.0, 8.0] {
        let color = if mark == 1.0 { BLACK } else { RGBColor(221, 221, 221) };
        let line = vec![(x(mark), TOP as i32 - 6), (x(mark), bottom)];
        root.draw(&PathElement::new(line, color.stroke_width(1)))?;
        root.draw(&Text::new(format!("{mark}"), (x(mark), bottom + 12), text(11).pos(center)))?;
    }
    for point in points {
        let Some(row) = rows.iter().position(|row| *row == point.name) else { continue };
        for (name, ratio) in &point.relative {
            let color = names.iter().position(|n| n == name).map_or(BLACK, |i| COLORS[i % 8]);
            root.draw(&Circle::new((x(*ratio), middle(row)), 4, color.mix(0.8).filled()))?;
        }
    }
    Ok(())
}
