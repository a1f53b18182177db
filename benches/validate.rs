//! What a run over the bench fleet costs, step by step: reading YAML, printing it, rendering the clusters, all of
//! `validate`; and what a second run costs after one file changed, also in a fleet of 10,000 rendered objects.

mod fleet;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gitops_gen::flux::{self, Options};
use gitops_gen::repo::Repo;
use gitops_gen::rules;
use gitops_gen::session::{Session, Settings};
use gitops_gen::text::{Content, RepoPath};
use gitops_gen::yaml;

fn benches(criterion: &mut Criterion) {
    let files = fleet::fleet(fleet::APPS);
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

/// Applications in each cluster of the large fleet.
const MANY_APPS: usize = 834;

fn second_runs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("second run");
    for apps in [fleet::APPS, MANY_APPS] {
        let files = fleet::fleet(apps);
        let mut session = Session::new(files.clone(), Settings::default());
        for at in ["apps/base/app-07/deployment.yaml", "apps/fra1/app-07/replicas.yaml", "clusters/fra1/app-07.yaml"] {
            let path = RepoPath::new(at).expect("a path of the fleet");
            let text = files.text(&path).expect("a file of the fleet");
            let mut round = 0;
            group.bench_function(format!("{} objects, {at}", apps * 12), |bencher| {
                bencher.iter(|| {
                    round += 1;
                    let text = format!("# {round}\n{text}");
                    session.update([(path.clone(), Some(Content::Text(text.into())))])
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = fleet_group;
    config = Criterion::default().sample_size(10);
    targets = benches, second_runs
}
criterion_main!(fleet_group);
