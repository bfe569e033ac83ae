//! A configuration file to clean messages: through pipes of the operating system, with one worker and two,
//! beside a plain copy through the same pipes.

mod input;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use midflight::runtime::{pipe::run, run::Options};

/// Sends `messages` through `job` and gives the number of bytes that come out.
fn through_pipes(messages: &[u8], job: impl FnOnce(OwnedFd, OwnedFd) + Send) -> usize {
    let (input, source) = rustix::pipe::pipe().expect("a pipe");
    let (sink, output) = rustix::pipe::pipe().expect("a pipe");
    thread::scope(|scope| {
        scope.spawn(move || {
            File::from(source)
                .write_all(messages)
                .expect("a whole write")
        });
        scope.spawn(move || job(input, output));
        let (mut sink, mut buffer, mut bytes) = (File::from(sink), vec![0; 128 * 1024], 0);
        loop {
            match sink.read(&mut buffer).expect("a read") {
                0 => return bytes,
                count => bytes += count,
            }
        }
    })
}

fn copy(input: OwnedFd, output: OwnedFd) {
    let (mut input, mut output) = (File::from(input), File::from(output));
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match input.read(&mut buffer).expect("a read") {
            0 => return,
            count => output.write_all(&buffer[..count]).expect("a whole write"),
        }
    }
}

fn end_to_end(criterion: &mut Criterion) {
    let messages = input::messages();
    let mut group = criterion.benchmark_group("end_to_end");
    group.throughput(Throughput::Bytes(messages.len() as u64));
    for workers in [1, 2] {
        group.bench_function(format!("workers_{workers}"), |bench| {
            bench.iter(|| {
                let plan = input::plan(Some("check"));
                let options = Options {
                    workers,
                    ..Options::default()
                };
                let bytes = through_pipes(&messages, |input, output| {
                    run(&plan, input, output, &options).expect("a whole run");
                });
                assert!(bytes > messages.len() / 2, "messages are missing");
            });
        });
    }
    group.bench_function("copy", |bench| {
        bench.iter(|| assert_eq!(through_pipes(&messages, copy), messages.len()));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(4));
    targets = end_to_end
}
criterion_main!(benches);
