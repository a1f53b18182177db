//! Rules on kustomization files: what kustomize itself would refuse, found while clusters are rendered.
//!
//! Source: kubernetes-sigs/kustomize v5.8.1.

use crate::diagnostic::Severity;
use crate::rules::{Check, FixAvailability, Rule};

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[
    rule(
        "kustomization-invalid",
        "\
## What it checks
Each kustomization file that a cluster builds has only fields that kustomize knows, with values of the right type.

## Why it matters
kustomize reads its files strictly: one wrong field fails the build, and Flux applies nothing of the Kustomization.

## What it cannot see
Kustomization files that no cluster builds.
",
    ),
    rule(
        "kustomization-path-missing",
        "\
## What it checks
Each file and directory that a kustomization file names exists.

## Why it matters
kustomize stops at the first one that does not: Flux applies nothing of the Kustomization.

## What it cannot see
Remote bases: they are listed as not checked.
",
    ),
    rule(
        "kustomization-path-outside",
        "\
## What it checks
No kustomization file names a path outside of what its build may read: outside of the source's artifact for Flux.

## Why it matters
The file is not in the artifact: the build fails in the cluster, although it works on a developer's machine.

## What it cannot see
Nothing that matters: the artifact is known.
",
    ),
    rule(
        "kustomization-cycle",
        "\
## What it checks
Kustomization files do not include each other in a circle.

## Why it matters
kustomize refuses to build any of them.

## What it cannot see
Circles through remote bases.
",
    ),
    rule(
        "kustomization-resource-invalid",
        "\
## What it checks
Each document among the resources of a build is a Kubernetes object with `apiVersion`, `kind` and `metadata.name`.

## Why it matters
One Helm values file or compose file among them fails the build. Without a kustomization file Flux takes every YAML file \
below the path.

## What it cannot see
Whether the kind exists: that is for the schema rules.
",
    ),
    rule(
        "kustomization-resource-duplicate",
        "\
## What it checks
No build takes in two objects of the same kind, namespace and name.

## Why it matters
kustomize fails: `may not add resource with an already registered id`.

## What it cannot see
Objects of different API versions: see `object-defined-twice`.
",
    ),
    rule(
        "kustomization-patch-fails",
        "\
## What it checks
Each patch can be read, and each of its operations can be applied.

## Why it matters
One operation on a path that does not exist fails the build.

## What it cannot see
Patches on objects that could not be rendered.
",
    ),
    rule(
        "kustomization-generator-fails",
        "\
## What it checks
Each configMapGenerator and secretGenerator can do what it says.

## Why it matters
A missing file, a literal without `=` or a key that is there twice fails the build.

## What it cannot see
The content of encrypted files.
",
    ),
    rule(
        "kustomization-transformer-fails",
        "\
## What it checks
Each other transformer (namespace, images, replicas, replacements, vars, …) can do what it says.

## Why it matters
A replacement whose source is missing, or replicas of an object that is not there, fails the build.

## What it cannot see
Objects that could not be rendered.
",
    ),
];

const fn rule(id: &'static str, docs: &'static str) -> Rule {
    Rule { id, severity: Severity::Error, fix: FixAvailability::None, docs, check: Check::Rendering }
}
