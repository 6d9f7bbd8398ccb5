//! Every workload of every map, for statistics: `cargo bench -p rcmap-benches --bench maps -- find`.

use std::rc::Rc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rcmap_benches::keys::{Data, Key};
use rcmap_benches::lines::SIZES;
use rcmap_benches::options::short;
use rcmap_benches::workload::{Row, entrants};

fn maps<K: Key + Send + Sync>(criterion: &mut Criterion) {
    for row in Row::ALL {
        let mut group = criterion.benchmark_group(format!("{} ({})", row.name(), K::NAME));
        group.sample_size(10);
        for size in SIZES {
            let data = Rc::new(Data::<K>::new(size));
            for entrant in entrants::<K>() {
                let id = BenchmarkId::new(entrant.name, short(size));
                // Prepared on first use, so that a filter on the command line saves the time.
                let mut prepared = None;
                group.throughput(Throughput::Elements(row.operations(size) as u64));
                if !entrant.takes_part(row) {
                    continue;
                }
                group.bench_function(id, |bencher| {
                    bencher.iter_custom(|repetitions| {
                        let prepared = prepared.get_or_insert_with(|| entrant.prepare(row, &data));
                        prepared.as_mut().expect("it takes part").time(repetitions)
                    });
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, maps::<u64>, maps::<String>, maps::<Box<str>>);
criterion_main!(benches);
