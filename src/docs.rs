//! Longer texts: the design, patterns of use, what things cost, and what carries over from neighbouring systems.
//!
//! This module holds no code.
#![forbid(unsafe_code)]

#[doc = include_str!("../design.md")]
pub mod design {}

#[doc = include_str!("docs/neighbours.md")]
pub mod neighbours {}

#[doc = include_str!("docs/patterns.md")]
pub mod patterns {}

#[doc = include_str!("docs/performance.md")]
#[doc = include_str!("docs/measured.md")]
pub mod performance {}
