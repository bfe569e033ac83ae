//! The trip of a chunk in memory, one job per group, each beside a plain copy of the same bytes.

mod input;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use midflight::decode::{Chunk, Decoder};
use midflight::pipeline::{Worker, process};

/// A job and the configuration that asks for it.
const JOBS: [(&str, Option<&str>); 6] = [
    ("passthrough", Some("pass")),
    ("filter", Some("job")),
    ("check", Some("check")),
    ("mask_redact", Some("redact")),
    ("mask_hash", Some("hash")),
    ("detect", Some("recognisers")),
];

fn copy(chunks: &[Chunk], out: &mut Vec<u8>) {
    for chunk in chunks {
        out.clear();
        out.extend_from_slice(&chunk.bytes.as_slice()[..chunk.len]);
        black_box(&out);
    }
}

fn stages(criterion: &mut Criterion) {
    let chunks = input::chunks(&input::messages());
    let bytes: usize = chunks.iter().map(|chunk| chunk.len).sum();

    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(bytes as u64));
    let plan = input::plan(Some("redact"));
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    group.bench_function("midflight", |bench| {
        bench.iter(|| {
            for chunk in &chunks {
                let decoded = decoder.read(chunk, &plan);
                decoder.recycle(black_box(decoded).batches);
            }
        });
    });
    group.bench_function("copy", |bench| bench.iter(|| copy(&chunks, &mut out)));
    group.finish();

    for (job, config) in JOBS {
        let plan = input::plan(config);
        let mut group = criterion.benchmark_group(job);
        group.throughput(Throughput::Bytes(bytes as u64));
        let mut worker = Worker::default();
        group.bench_function("midflight", |bench| {
            bench.iter(|| {
                for chunk in &chunks {
                    let done = process(&plan, &mut worker, chunk.clone());
                    assert!(done.decoded.stop.is_none(), "the run stopped");
                    worker.reclaim(black_box(done));
                }
            });
        });
        let mut out = Vec::new();
        group.bench_function("copy", |bench| bench.iter(|| copy(&chunks, &mut out)));
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = stages
}
criterion_main!(benches);
