//! What the compiler says to whoever moves a map with `Ref`s to another thread.
#![forbid(unsafe_code)]

/// A bound that nothing meets: maps with [`Ref`](crate::Ref)s, and `Ref`s, are `Send` and `Sync` if their keys meet it.
///
/// So that the compiler names this trait, and why there is no way, instead of types from inside of the crate.
#[diagnostic::on_unimplemented(
    message = "a map with `Ref`s and all of its `Ref`s stay on one thread",
    label = "would leave the thread of its map",
    note = "their counts are plain integers, as those of `Rc` are; several threads need a concurrent interner, or a map each"
)]
pub trait ManyThreads: Sized + sealed::Nothing {}

#[expect(unnameable_types, reason = "so that nobody can implement it")]
mod sealed {
    pub trait Nothing {}
}
