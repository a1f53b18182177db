//! Which places of the files made the objects of a cluster.

use std::collections::{BTreeMap, BTreeSet};

use crate::flux::Cluster;
use crate::text::{SourceId, Span};
use crate::yaml::{Chain, Kind, Node};

/// What of the files is in a cluster.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// Places that made a value of an object.
    pub made: BTreeSet<Span>,
    /// Places whose value another place replaced, with that place.
    pub replaced: BTreeMap<Span, Span>,
    /// Files that have a part in a value.
    pub files: BTreeSet<SourceId>,
}

impl Usage {
    /// Returns what is in `cluster`.
    pub fn of(cluster: &Cluster) -> Self {
        let mut used = Self::default();
        for object in cluster.objects() {
            used.node(&object.resource.node);
        }
        used
    }

    fn node(&mut self, node: &Node) {
        match &node.kind {
            Kind::Scalar(_) => {
                self.made.insert(node.span);
                self.files.insert(node.span.source);
                self.chain(node.chain.as_deref(), node.span);
            }
            Kind::Sequence(items) => items.iter().for_each(|item| self.node(item)),
            Kind::Map(map) => map.iter().for_each(|entry| self.node(&entry.value)),
        }
    }

    fn chain(&mut self, mut chain: Option<&Chain>, by: Span) {
        while let Some(link) = chain {
            for span in link.by.into_iter().chain(link.before) {
                self.files.insert(span.source);
            }
            if let Some(before) = link.before.filter(|before| *before != by) {
                self.replaced.insert(before, by);
            }
            chain = link.earlier.as_deref();
        }
    }
}
