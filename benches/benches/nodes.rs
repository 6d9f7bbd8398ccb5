//! Tables whose keys hold handles of the same table: letting go of chains and DAGs, and the n-queens.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use rcmap_benches::nodes::{self, ConsedNodes, HandRolledNodes, Nodes, RcHashmapNodes, RcmapNodes};
use rcmap_benches::options::short;
use rcmap_benches::workload::Prepared;
use rcmap_benches::{queens, with_a_deep_stack};

/// The first only for `hashconsing`, which looks at all nodes to collect one link of a chain.
const SIZES: [usize; 2] = [1_000, 100_000];

fn bench<N: Nodes>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    parameter: &str,
    prepare: impl Fn() -> Prepared,
) {
    let mut prepared = None;
    group.bench_function(BenchmarkId::new(N::NAME, parameter), |bencher| {
        bencher.iter_custom(|repetitions| prepared.get_or_insert_with(&prepare).time(repetitions));
    });
}

fn drops<N: Nodes>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    sizes: &[usize],
    build: fn(usize) -> (N, N::Id),
) {
    for &size in sizes {
        group.throughput(Throughput::Elements(size as u64));
        bench::<N>(group, &short(size), || nodes::prepare_drop(size, build));
    }
}

fn boards<N: Nodes>(group: &mut BenchmarkGroup<'_, WallTime>) {
    for n in [6, 8] {
        bench::<N>(group, &n.to_string(), || queens::prepare::<N>(n));
    }
}

fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chain drop");
    group.sample_size(10);
    drops::<RcmapNodes>(&mut group, &SIZES, nodes::chain);
    drops::<RcHashmapNodes>(&mut group, &SIZES, nodes::chain);
    drops::<HandRolledNodes>(&mut group, &SIZES, nodes::chain);
    drops::<ConsedNodes>(&mut group, &SIZES[..1], nodes::chain);
    group.finish();
    let mut group = criterion.benchmark_group("DAG drop");
    group.sample_size(10);
    drops::<RcmapNodes>(&mut group, &SIZES, nodes::dag);
    drops::<RcHashmapNodes>(&mut group, &SIZES, nodes::dag);
    drops::<HandRolledNodes>(&mut group, &SIZES, nodes::dag);
    drops::<ConsedNodes>(&mut group, &SIZES[..1], nodes::dag);
    group.finish();
    let mut group = criterion.benchmark_group("queens");
    group.sample_size(10);
    boards::<RcmapNodes>(&mut group);
    boards::<RcHashmapNodes>(&mut group);
    boards::<HandRolledNodes>(&mut group);
    boards::<ConsedNodes>(&mut group);
    group.finish();
}

fn main() {
    with_a_deep_stack(|| {
        let mut criterion = Criterion::default().configure_from_args();
        all(&mut criterion);
        criterion.final_summary();
    });
}
