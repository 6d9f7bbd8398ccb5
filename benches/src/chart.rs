//! The chart: a panel for each size, a row for each workload and key, a mark for each contender.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use rcmap_programs::workload::Over;

use crate::measure::{Compared, Results};
use crate::report::short;

const COLORS: [RGBColor; 7] = [
    RGBColor(204, 51, 17),
    RGBColor(0, 119, 187),
    RGBColor(0, 153, 136),
    RGBColor(238, 119, 51),
    RGBColor(136, 136, 136),
    RGBColor(170, 51, 119),
    RGBColor(102, 153, 0),
];
const ROW: i32 = 18;
const LABELS: i32 = 300;
const PANEL: i32 = 240;
const TOP: i32 = 84;
/// What lies beyond is drawn at the edge.
const RANGE: (f64, f64) = (0.25, 8.0);

fn text(size: u32, at: HPos) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&BLACK).pos(Pos::new(at, VPos::Center))
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    let at = list.iter().position(|other| *other == item);
    at.unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

/// What a row is called. Programs are in the first panel, whatever their size.
fn label(compared: &Compared) -> String {
    let place = compared.place;
    match place.over() {
        Over::Program if place.size > 0 => format!("{}, {}", place.title(), short(place.size)),
        Over::Program => place.title().to_string(),
        _ => format!("{}, {}", place.title(), place.key()),
    }
}

/// Draws what each contender took relative to rcmap.
pub(crate) fn draw(path: &Path, results: &Results) -> Result<(), Box<dyn Error>> {
    let (mut rows, mut sizes, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let drawn = |compared: &&Compared| {
        let place = compared.place;
        place.over() == Over::Program
            || place.over() == Over::Maps && ["u64", "String"].contains(&place.key())
    };
    let mut points = Vec::new();
    for compared in results.compared.iter().filter(drawn) {
        let row = add(&mut rows, label(compared));
        let name = add(&mut names, compared.contender);
        let program = compared.place.over() == Over::Program;
        let panel = if program { 0 } else { add(&mut sizes, compared.place.size) };
        points.push((panel as i32, row as i32, name, 1.0 / compared.mean()));
    }
    let bottom = TOP + ROW * rows.len() as i32;
    let legend: i32 = names.iter().map(|name| legend_width(name)).sum();
    let width = (LABELS + PANEL * sizes.len().max(1) as i32).max(legend) + 20;
    let root = SVGBackend::new(path, (width as u32, bottom as u32 + 30)).into_drawing_area();
    root.fill(&WHITE)?;
    let title = "time (bytes) relative to rcmap = 1: right of the line, rcmap is ahead";
    root.draw(&Text::new(title, (10, 18), text(15, HPos::Left)))?;
    let mut left = 14;
    for (name, color) in names.iter().zip(COLORS) {
        root.draw(&Circle::new((left, 42), 5, color.filled()))?;
        root.draw(&Text::new(*name, (left + 10, 42), text(12, HPos::Left)))?;
        left += legend_width(name);
    }
    let middle = |row: i32| TOP + ROW * row + ROW / 2;
    for (row, name) in (0..).zip(&rows) {
        root.draw(&Text::new(name.as_str(), (LABELS - 8, middle(row)), text(12, HPos::Right)))?;
    }
    for (at, &size) in (0..).zip(&sizes) {
        panel(&root, at, &short(size), bottom)?;
    }
    for (at, row, name, ratio) in points {
        let mark = Circle::new((x(at, ratio), middle(row)), 4, COLORS[name].mix(0.8).filled());
        root.draw(&mark)?;
    }
    root.present()?;
    Ok(())
}

fn legend_width(name: &str) -> i32 {
    34 + 7 * name.len() as i32
}

/// Where a ratio lies in a panel.
fn x(panel: i32, ratio: f64) -> i32 {
    let part = (ratio.clamp(RANGE.0, RANGE.1) / RANGE.0).ln() / (RANGE.1 / RANGE.0).ln();
    LABELS + PANEL * panel + (part * f64::from(PANEL - 24)) as i32
}

fn panel(
    root: &DrawingArea<SVGBackend<'_>, Shift>,
    at: i32,
    title: &str,
    bottom: i32,
) -> Result<(), Box<dyn Error>> {
    root.draw(&Text::new(title, (x(at, 1.0), TOP - 22), text(13, HPos::Center)))?;
    for ratio in [0.25, 0.5, 1.0, 2.0, 4.0, 8.0] {
        let color = if ratio == 1.0 { BLACK } else { RGBColor(221, 221, 221) };
        let x = x(at, ratio);
        root.draw(&PathElement::new(vec![(x, TOP - 6), (x, bottom)], color.stroke_width(1)))?;
        root.draw(&Text::new(format!("{ratio}"), (x, bottom + 12), text(11, HPos::Center)))?;
    }
    Ok(())
}
