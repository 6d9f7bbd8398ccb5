//! Runs the exercise: a program needs `std` to start, the library under test does not.
fn main() {
    rcmap_no_std::exercise();
    println!("rcmap works without std");
}
