//! What a run over the bench fleet costs, step by step: reading YAML, printing it, rendering the clusters, all of
//! `validate`.

mod fleet;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gitops_gen::flux::{self, Options};
use gitops_gen::repo::Repo;
use gitops_gen::rules;
use gitops_gen::yaml;

fn benches(criterion: &mut Criterion) {
    let files = fleet::fleet();
    let mut group = criterion.benchmark_group("fleet");
    // A fresh repository each time: it remembers what it has parsed.
    let repo = || Repo::new(files.clone());
    group.bench_function("parse", |bencher| {
        bencher.iter_batched_ref(
            repo,
            |repo| repo.files().iter().filter_map(|(_, source)| repo.yaml(source)).count(),
            BatchSize::PerIteration,
        );
    });
    let parsed = repo();
    let documents = || {
        let files = parsed.files().iter().filter_map(|(_, source)| parsed.yaml(source));
        files.flat_map(|file| file.documents.iter().map(|document| &document.root))
    };
    group.bench_function("emit", |bencher| {
        bencher.iter(|| yaml::emit_documents(documents()).expect("the fleet can be printed"));
    });
    group.bench_function("render", |bencher| {
        bencher.iter_batched_ref(repo, |repo| flux::clusters(repo, &Options::default()), BatchSize::PerIteration);
    });
    group.bench_function("validate", |bencher| {
        bencher.iter_batched_ref(
            repo,
            |repo| black_box(rules::validate(repo, &Options::default())),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group! {
    name = fleet_group;
    config = Criterion::default().sample_size(10);
    targets = benches
}
criterion_main!(fleet_group);
