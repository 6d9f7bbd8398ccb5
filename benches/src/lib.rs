//! Benchmarks of rcmap and its peers.
