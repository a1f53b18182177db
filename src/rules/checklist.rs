//! The production checklist: what has to be there before people rely on a cluster, and where the repository shows it.
//!
//! Unlike a rule it asks for what is *there*. Each line is answered from the rendered objects of the production clusters
//! (those that no name, directory or variable tells apart) and from what the rules found in them. What only people can
//! know is said to be unknown, never guessed.

mod access;
mod operation;
mod storage;

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::rules::Context;
use crate::rules::fleet;
use crate::rules::index::{ClusterIndex, Workload};
use crate::text::Span;

/// How a line is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The repository shows it.
    Done,
    /// The repository shows that it is not so, somewhere at least.
    Missing,
    /// A repository cannot tell.
    Unknown,
}

impl Verdict {
    /// Returns the word of reports: `done`, `missing` or `unknown`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }
}

/// What an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where it is written; nothing where it is about what is not written anywhere.
    pub span: Option<Span>,
    /// What stands there, as a clause.
    pub what: String,
}

/// A line of the checklist with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Kebab-case name.
    pub id: &'static str,
    /// The line, as a sentence.
    pub line: &'static str,
    /// The answer.
    pub verdict: Verdict,
    /// Why, where no place says it; may be empty.
    pub reason: String,
    /// What shows it: what is there where it is done, what is not so where it is missing. In the order of the clusters.
    pub places: Vec<Place>,
    /// What to do, an imperative; nothing where it is done.
    pub todo: Option<&'static str>,
}

/// The answered checklist of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checklist {
    /// Names of the clusters that it is about, sorted.
    pub clusters: Vec<String>,
    /// Names of those that are for staging or tests, sorted.
    pub left_out: Vec<String>,
    /// The lines, in their order.
    pub items: Vec<Item>,
}

/// A line before it is answered.
struct Line {
    id: &'static str,
    says: &'static str,
    todo: &'static str,
    answer: fn(&Look<'_, '_>) -> Answer,
}

/// Every line, in the order in which it is asked.
const LINES: &[Line] = &[
    Line {
        id: "images-pinned",
        says: "Every image is pinned, by digest or by a tag that stays",
        todo: "name a version, or let image automation write it; `digestReflectionPolicy` adds the digest",
        answer: access::images,
    },
    Line {
        id: "secrets-real",
        says: "Secrets have real values, and nobody can read them in Git",
        todo: "write the value, encrypt the file with SOPS, or take it from an external store",
        answer: access::secrets,
    },
    Line {
        id: "tls",
        says: "What is public has a TLS certificate",
        todo: "give each Gateway an HTTPS listener, or each Ingress `spec.tls`, with a certificate of an issuer that exists",
        answer: access::tls,
    },
    Line {
        id: "storage",
        says: "Volumes are on the provider's storage",
        todo: "name a StorageClass of the provider where data is kept",
        answer: storage::storage,
    },
    Line {
        id: "monitoring",
        says: "Metrics are collected, and somebody is alerted",
        todo: "run Prometheus with Alertmanager, for example the chart kube-prometheus-stack, and a Flux Alert",
        answer: operation::monitoring,
    },
    Line {
        id: "logs",
        says: "Logs are collected",
        todo: "run a collector such as Fluent Bit, Alloy or Vector; what a provider collects by itself no repository shows",
        answer: operation::logs,
    },
    Line {
        id: "quotas",
        says: "Each namespace has a resource quota",
        todo: "add a ResourceQuota, and a LimitRange for pods that say nothing",
        answer: operation::quotas,
    },
    Line {
        id: "network-policies",
        says: "Network policies limit who reaches which pod",
        todo: "add a NetworkPolicy that selects every pod and allows nothing, then one for each flow",
        answer: access::network,
    },
    Line {
        id: "rbac",
        says: "Each program has a service account of its own, and none is administrator of the cluster",
        todo: "set `serviceAccountName`, and bind roles that say what is needed",
        answer: access::accounts,
    },
    Line {
        id: "pod-security",
        says: "Pod Security Standards are enforced",
        todo: "label the namespace `pod-security.kubernetes.io/enforce: restricted`",
        answer: access::pod_security,
    },
    Line {
        id: "load-test",
        says: "A load test was run",
        todo: "run one against staging, and write down what it showed",
        answer: operation::load_test,
    },
    Line {
        id: "recovery-plan",
        says: "There is a plan for a disaster",
        todo: "write down what has to be restored, from where, and in which order: docs/recovery.md",
        answer: operation::recovery,
    },
    Line {
        id: "backups",
        says: "Data is backed up, and was restored once",
        todo: "schedule backups to a store outside of the cluster, and rehearse the restore",
        answer: storage::backups,
    },
];

/// Returns the checklist of what `context` holds, in which the rules found `findings`.
pub fn checklist(context: &Context<'_>, findings: &Findings) -> Checklist {
    let is_meant = |index: &&ClusterIndex<'_>| {
        context.is_reported(index.cluster_name()) && fleet::may_be_production(index.cluster())
    };
    let indexes: Vec<ClusterIndex<'_>> = context.indexes().collect();
    let clusters: Vec<&ClusterIndex<'_>> = indexes.iter().filter(is_meant).collect();
    let names: BTreeSet<String> = clusters.iter().map(|index| index.cluster_name().to_owned()).collect();
    let reported = context.fleet.clusters.iter().filter(|cluster| context.is_reported(&cluster.name));
    let left_out = reported.map(|cluster| cluster.name.clone()).filter(|name| !names.contains(name)).collect();
    let look = Look { context, clusters, findings: &findings.diagnostics };
    let items = LINES.iter().map(|line| look.item(line)).collect();
    Checklist { clusters: names.into_iter().collect(), left_out, items }
}

/// What the lines look at.
struct Look<'l, 'a> {
    context: &'l Context<'a>,
    /// The production clusters.
    clusters: Vec<&'l ClusterIndex<'a>>,
    findings: &'l [Diagnostic],
}

/// An answer without its line.
struct Answer {
    verdict: Verdict,
    reason: String,
    places: Vec<Place>,
}

impl Answer {
    fn new(verdict: Verdict, reason: impl Into<String>, places: Vec<Place>) -> Self {
        Self { verdict, reason: reason.into(), places }
    }

    /// Returns what `done` and `missing` come to; where there is neither, nobody can tell, for the reason `nothing`.
    fn of(done: Vec<Place>, missing: Vec<Place>, nothing: &'static str) -> Self {
        if !missing.is_empty() {
            Self::new(Verdict::Missing, "", missing)
        } else if !done.is_empty() {
            Self::new(Verdict::Done, "", done)
        } else {
            Self::new(Verdict::Unknown, nothing, Vec::new())
        }
    }
}

impl<'l, 'a> Look<'l, 'a> {
    fn item(&self, line: &Line) -> Item {
        let mut answer = if self.clusters.is_empty() {
            Answer::new(Verdict::Unknown, "the repository has no production cluster", Vec::new())
        } else {
            (line.answer)(self)
        };
        let mut known = BTreeSet::new();
        // What clusters share is said once.
        answer.places.retain(|place| known.insert((place.span, place.what.clone())));
        Item {
            id: line.id,
            line: line.says,
            verdict: answer.verdict,
            reason: answer.reason,
            places: answer.places,
            todo: (answer.verdict != Verdict::Done).then_some(line.todo),
        }
    }

    /// Returns what the rules of these ids found in production clusters, and in files alone; notes are left out.
    fn found(&self, ids: &[&str]) -> Vec<Place> {
        let is_meant = |finding: &&Diagnostic| {
            let cluster = finding.cluster.as_deref();
            ids.contains(&finding.rule)
                && finding.severity > Severity::Note
                && cluster.is_none_or(|name| self.clusters.iter().any(|index| index.cluster_name() == name))
        };
        let place = |finding: &Diagnostic| Place { span: finding.span(), what: finding.message.clone() };
        self.findings.iter().filter(is_meant).map(place).collect()
    }

    /// Returns every workload of the production clusters that is not Kubernetes' or Flux' own.
    fn workloads(&self) -> impl Iterator<Item = (&'l ClusterIndex<'a>, &'l Workload<'a>)> {
        let workloads = self.clusters.iter().flat_map(|index| index.workloads().iter().map(move |it| (*index, it)));
        workloads.filter(|(_, workload)| !GIVEN.contains(&workload.namespace()))
    }

    /// Asks `find` about each namespace that a workload is in; what it returns is where `what` is.
    fn in_each_namespace(&self, what: &str, find: impl Fn(&ClusterIndex<'_>, &str) -> Option<Span>) -> Answer {
        let (mut done, mut missing, mut asked) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (index, workload) in self.workloads() {
            let namespace = workload.namespace();
            if !asked.insert((index.cluster_name(), namespace)) {
                continue;
            }
            if let Some(span) = find(index, namespace) {
                done.push(there(span, format!("{what} of namespace `{namespace}`")));
            } else {
                let span = workload.resource().name_span();
                missing.push(there(span, format!("the pods of namespace `{namespace}` have no {what}")));
            }
        }
        Answer::of(done, missing, NO_WORKLOAD)
    }
}

/// Why nothing can be said of pods.
const NO_WORKLOAD: &str = "the repository shows no pod: charts and operators make them all";
/// Namespaces that others than this repository fill.
const GIVEN: [&str; 2] = ["flux-system", "kube-system"];

fn there(span: Span, what: String) -> Place {
    Place { span: Some(span), what }
}
