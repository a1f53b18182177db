//! Resources that are added to an accumulator one after the other.

use std::collections::HashMap;

use smol_str::SmolStr;

use crate::diagnostic::{Diagnostic, Severity};
use crate::kustomize::Resource;
use crate::kustomize::context::{Accumulator, Context, rule};

/// An accumulator that resources are being added to; while they are, no name or kind in it changes.
pub(crate) struct Adding<'t> {
    /// The accumulator.
    pub(crate) to: &'t mut Accumulator,
    /// Positions of its resources by their current name.
    by_name: HashMap<SmolStr, Vec<usize>>,
}

impl<'t> Adding<'t> {
    /// Returns `to`, ready to be added to.
    pub(crate) fn new(to: &'t mut Accumulator) -> Self {
        let mut by_name: HashMap<SmolStr, Vec<usize>> = HashMap::new();
        for (at, resource) in to.resources.iter().enumerate() {
            by_name.entry(resource.name().into()).or_default().push(at);
        }
        Self { to, by_name }
    }

    /// Makes room for exactly `count` more: they may be most of all.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.to.resources.reserve_exact(count);
    }

    /// Adds `resource`, whose id must be new.
    pub(crate) fn add(&mut self, context: &mut Context<'_>, resource: Resource) {
        context.openapi.note_object(&resource.node);
        let id = resource.id();
        let namesakes = self.by_name.entry(id.name.clone()).or_default();
        let mut others = namesakes.iter().map(|at| &self.to.resources[*at]);
        if let Some(other) = others.find(|other| other.kind() == id.gvk.kind && other.id().is_same(&id)) {
            let finding = Diagnostic::new(rule::DUPLICATE, Severity::Error, format!("{id} is there already"));
            let finding = finding.label(resource.name_span(), "added again").label(other.name_span(), "added first");
            context.diagnostics.push(finding);
            return;
        }
        namesakes.push(self.to.resources.len());
        self.to.resources.push(resource);
    }
}
