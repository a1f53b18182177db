//! Where a byte of a file shows in what the clusters get.

use crate::flux::{Cluster, FluxKustomization};
use crate::kustomize::{Build, Resource};
use crate::session::Session;
use crate::text::{SourceId, Span};
use crate::yaml::{Chain, Kind, Node};

/// What a place has to do with a rendered value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// It is the value, perhaps with variables filled in.
    Sets,
    /// It was the value until something else took its place.
    Replaced,
    /// It made the value what it is: a field of a transformer, a variable.
    Causes,
}

/// A rendered value and what a place has to do with it.
#[derive(Debug)]
pub(super) struct Occurrence<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) owner: Option<&'a FluxKustomization>,
    pub(super) resource: &'a Resource,
    /// The way to the value, for people: `spec.replicas`.
    pub(super) way: String,
    pub(super) node: &'a Node,
    pub(super) role: Role,
}

/// A byte that is looked for.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    source: SourceId,
    byte: usize,
}

/// Returns every rendered value that `byte` of the file `source` has to do with, by cluster, at most `most`.
pub(super) fn occurrences(session: &Session, source: SourceId, byte: usize, most: usize) -> Vec<Occurrence<'_>> {
    let wanted = Wanted { source, byte };
    let mut found = Vec::new();
    for cluster in &session.fleet().clusters {
        for object in cluster.objects() {
            if found.len() >= most {
                return found;
            }
            let takes_part = match object.owner {
                Some(owner) => wanted.takes_part_in(owner),
                None => cluster.root.as_ref().is_some_and(|build| build.files.contains(&source)),
            };
            if takes_part {
                let start = Occurrence {
                    cluster,
                    owner: object.owner,
                    resource: object.resource,
                    way: String::new(),
                    node: &object.resource.node,
                    role: Role::Sets,
                };
                wanted.search(&start, &mut found);
            }
        }
    }
    found.truncate(most);
    found
}

/// Returns every build of `cluster` that the file `source` took part in, with its Kustomization.
pub(super) fn builds_with(
    cluster: &Cluster,
    source: SourceId,
) -> impl Iterator<Item = (&Build, Option<&FluxKustomization>)> {
    let root = cluster.root.iter().map(|build| (build, None));
    let owners = cluster.kustomizations.values().map(|owner| (&owner.build, Some(owner)));
    let takes_part = move |(build, owner): &(&Build, Option<&FluxKustomization>)| {
        build.files.contains(&source) || owner.is_some_and(|owner| owner.node.span.source == source)
    };
    root.chain(owners).filter(takes_part)
}

impl Wanted {
    fn takes_part_in(self, owner: &FluxKustomization) -> bool {
        let mut variables = owner.substitution.variables.values();
        owner.build.files.contains(&self.source)
            || owner.node.span.source == self.source
            || variables.any(|variable| variable.span.is_some_and(|span| span.source == self.source))
    }

    fn is_in(self, span: Span) -> bool {
        span.source == self.source && span.range().start <= self.byte && self.byte <= span.range().end
    }

    fn search<'a>(self, at: &Occurrence<'a>, found: &mut Vec<Occurrence<'a>>) {
        match &at.node.kind {
            Kind::Scalar(_) => {
                if let Some(role) = self.role(at.node) {
                    found.push(Occurrence { way: at.way.clone(), role, ..*at });
                }
            }
            Kind::Sequence(items) => {
                for (number, node) in items.iter().enumerate() {
                    self.search(&Occurrence { way: format!("{}[{number}]", at.way), node, ..*at }, found);
                }
            }
            Kind::Map(map) => {
                for entry in map {
                    let dot = if at.way.is_empty() { "" } else { "." };
                    let way = format!("{}{dot}{}", at.way, entry.key.text());
                    let before = found.len();
                    self.search(&Occurrence { way: way.clone(), node: &entry.value, ..*at }, found);
                    // The key stands for its value.
                    if found.len() == before && self.is_in(entry.key.span()) && entry.value.as_scalar().is_some() {
                        found.push(Occurrence { way, node: &entry.value, role: Role::Sets, ..*at });
                    }
                }
            }
        }
    }

    fn role(self, node: &Node) -> Option<Role> {
        if self.is_in(node.span) {
            return Some(Role::Sets);
        }
        let steps = || std::iter::successors(node.chain.as_deref(), |step: &&Chain| step.earlier.as_deref());
        if steps().any(|step| step.before.is_some_and(|span| self.is_in(span))) {
            return Some(Role::Replaced);
        }
        steps().any(|step| step.by.is_some_and(|span| self.is_in(span))).then_some(Role::Causes)
    }
}
