//! A cluster with as many manifests as asked for, of fifty kinds: what schemas and rules cost at size.

use gitops_gen::text::FileSet;

/// Manifests that one Flux Kustomization applies.
const EACH: usize = 100;

/// Returns one cluster with `count` manifests of fifty kinds in turn, a hundred for each Flux Kustomization.
pub(crate) fn manifests(count: usize) -> FileSet {
    let templates: Vec<&str> = TEMPLATES.split("---\n").collect();
    let mut files = vec![("clusters/big/flux-system/gotk-sync.yaml".to_owned(), SYNC.to_owned())];
    for number in 0..count {
        let part = format!("part-{:03}", number / EACH);
        if number % EACH == 0 {
            files.push((format!("clusters/big/{part}.yaml"), KUSTOMIZATION.replace("PART", &part)));
            files.push((format!("parts/{part}/namespace.yaml"), NAMESPACE.replace("PART", &part)));
        }
        let template = templates[number % templates.len()];
        let text = template.replace("NAME", &format!("object-{number:05}")).replace("PART", &part);
        files.push((format!("parts/{part}/object-{number:05}.yaml"), text));
    }
    FileSet::from_texts(files)
}

const SYNC: &str = "\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 1m, ref: {branch: main}, url: 'ssh://git@github.com/example/big'}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 10m, path: ./clusters/big, prune: true, sourceRef: {kind: GitRepository, name: flux-system}}
---
apiVersion: v1
kind: Namespace
metadata: {name: flux-system}
";

const KUSTOMIZATION: &str = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: PART
  namespace: flux-system
spec:
  interval: 10m
  path: ./parts/PART
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
";

const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: PART\n";

const TEMPLATES: &str = include_str!("kinds.yaml");
