//! Programs on layer 3 with numbers as keys and hashers of all kinds, next to a model.
#![no_main]

#[path = "../../tests/support/mod.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Longer programs take longer, and find no more.
    support::numbers::run(&bytes[..bytes.len().min(400)]);
});
