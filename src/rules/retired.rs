//! Rules on software that its makers have given up: as data in one table.

use crate::diagnostic::{Diagnostic, Severity};
use crate::flux::{self, Object};
use crate::kustomize::Resource;
use crate::rules::index::ClusterIndex;
use crate::rules::{Check, FixAvailability, Rule};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(super) const RULES: &[Rule] = &[RETIRED];

const RETIRED: Rule = Rule {
    id: "component-retired",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
No image, chart, chart repository or API group is of a component that its makers have retired: ingress-nginx, Starboard, \
provectus kafka-ui, Bitnami's public catalogue, Datree, Linkerd's stable charts, the Elastic Stack charts, ZooKeeper and its \
operator, Flux v1, SMI, `k8s.gcr.io`, the first Helm repositories, Promtail, Grafana Agent.

## Why it matters
No security fixes are made any more, and one day the image or chart is gone: the next node that pulls it fails.

## What it cannot see
Images that charts bring along.
",
    check: Check::Index(check_retired),
};

/// What something retired is known by.
enum Sign {
    /// Beginning of an image, with its registry, up to a whole part of its path.
    Image(&'static str),
    /// Beginning of the URL of a chart repository or chart, without its scheme.
    Repository(&'static str),
    /// A chart of a repository that has living ones too: beginning of its URL, and the chart's name.
    Chart(&'static str, &'static str),
    /// An API group.
    Group(&'static str),
}

/// A component that nobody maintains.
struct Retired {
    name: &'static str,
    /// What happened, and when.
    since: &'static str,
    /// What to use, as an imperative.
    successor: &'static str,
    signs: &'static [Sign],
}

/// Source: the announcements of the projects; `since` says when.
const TABLE: &[Retired] = &[
    Retired {
        name: "ingress-nginx",
        since: "retired on 24 March 2026; the last release is 1.15.1",
        successor: "move to an implementation of the Gateway API",
        signs: &[
            Sign::Repository("kubernetes.github.io/ingress-nginx"),
            Sign::Image("registry.k8s.io/ingress-nginx"),
            Sign::Image("quay.io/kubernetes-ingress-controller"),
        ],
    },
    Retired {
        name: "Starboard",
        since: "replaced in 2022; its repository is archived",
        successor: "use Trivy Operator (oci://ghcr.io/aquasecurity/helm-charts/trivy-operator)",
        signs: &[
            Sign::Chart("aquasecurity.github.io/helm-charts", "starboard-operator"),
            Sign::Image("docker.io/aquasec/starboard-operator"),
            Sign::Image("docker.io/aquasec/starboard"),
        ],
    },
    Retired {
        name: "the kafka-ui of Provectus",
        since: "without a release since April 2024",
        successor: "use its successor `ghcr.io/kafbat/kafka-ui`, which reads the same variables",
        signs: &[Sign::Image("docker.io/provectuslabs/kafka-ui"), Sign::Repository("provectus.github.io/kafka-ui")],
    },
    Retired {
        name: "Bitnami's public catalogue",
        since: "closed in August 2025: versioned images moved to `bitnamilegacy` and get no fixes",
        successor: "use the image or chart of the project itself",
        signs: &[
            Sign::Image("docker.io/bitnami"),
            Sign::Image("docker.io/bitnamilegacy"),
            Sign::Repository("charts.bitnami.com"),
            Sign::Repository("registry-1.docker.io/bitnamicharts"),
            Sign::Repository("docker.io/bitnamicharts"),
        ],
    },
    Retired {
        name: "Datree",
        since: "shut down in 2023",
        successor: "remove it",
        signs: &[Sign::Repository("datreeio.github.io"), Sign::Image("docker.io/datree")],
    },
    Retired {
        name: "the stable charts of Linkerd",
        since: "without a release since February 2024",
        successor: "use https://helm.linkerd.io/edge, or Buoyant's own distribution",
        signs: &[Sign::Repository("helm.linkerd.io/stable")],
    },
    Retired {
        name: "the chart of the Elastic Stack",
        since: "without a release since 8.5 (2022); its repository is archived",
        successor: "use the operator ECK (chart `eck-operator`)",
        signs: &[
            Sign::Chart("helm.elastic.co", "elasticsearch"),
            Sign::Chart("helm.elastic.co", "kibana"),
            Sign::Chart("helm.elastic.co", "logstash"),
            Sign::Chart("helm.elastic.co", "filebeat"),
            Sign::Chart("helm.elastic.co", "metricbeat"),
            Sign::Chart("helm.elastic.co", "apm-server"),
        ],
    },
    Retired {
        name: "ZooKeeper for Kafka",
        since: "gone since Kafka 4.0 (March 2025)",
        successor: "run Kafka in KRaft mode, as Strimzi does",
        signs: &[Sign::Image("docker.io/confluentinc/cp-zookeeper"), Sign::Image("docker.io/wurstmeister/zookeeper")],
    },
    Retired {
        name: "the ZooKeeper operator of Pravega",
        since: "without a release since 2023",
        successor: "run Kafka in KRaft mode, which needs no ZooKeeper",
        signs: &[Sign::Group("zookeeper.pravega.io"), Sign::Repository("charts.pravega.io")],
    },
    Retired {
        name: "Flux v1",
        since: "archived in November 2022",
        successor: "use the controllers of Flux 2 (`helm.toolkit.fluxcd.io/v2`)",
        signs: &[
            Sign::Group("helm.fluxcd.io"),
            Sign::Group("flux.weave.works"),
            Sign::Repository("charts.fluxcd.io"),
            Sign::Image("docker.io/fluxcd/flux"),
            Sign::Image("docker.io/fluxcd/helm-operator"),
        ],
    },
    Retired {
        name: "the Service Mesh Interface",
        since: "archived in October 2023",
        successor: "use routes of the Gateway API",
        signs: &[Sign::Group("split.smi-spec.io"), Sign::Group("access.smi-spec.io"), Sign::Group("specs.smi-spec.io")],
    },
    Retired {
        name: "the registry `k8s.gcr.io`",
        since: "frozen since April 2023",
        successor: "pull from `registry.k8s.io`",
        signs: &[Sign::Image("k8s.gcr.io")],
    },
    Retired {
        name: "the first repository of Helm charts",
        since: "archived in November 2020",
        successor: "use the chart of the project itself",
        signs: &[Sign::Repository("charts.helm.sh"), Sign::Repository("kubernetes-charts.storage.googleapis.com")],
    },
    Retired {
        name: "Promtail",
        since: "end of life on 2 March 2026",
        successor: "use Grafana Alloy",
        signs: &[Sign::Image("docker.io/grafana/promtail"), Sign::Chart("grafana.github.io/helm-charts", "promtail")],
    },
    Retired {
        name: "Grafana Agent",
        since: "end of life on 1 November 2025",
        successor: "use Grafana Alloy",
        signs: &[Sign::Image("docker.io/grafana/agent"), Sign::Chart("grafana.github.io/helm-charts", "grafana-agent")],
    },
];

/// Reports everything retired that the cluster runs.
fn check_retired(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let mut report = |who: String, node: &Node, retired: &Retired| {
        out.push(
            rule.report(format!("`{who}` uses {}", retired.name))
                .label(node.span, retired.since)
                .help(retired.successor),
        );
    };
    for workload in index.workloads() {
        for container in workload.containers() {
            let Some(node) = container.node.get("image") else { continue };
            let image = with_registry(node.as_str().unwrap_or(""));
            if let Some(retired) = known(|sign| matches!(sign, Sign::Image(prefix) if begins_with(&image, prefix))) {
                report(workload.resource().object_ref().to_string(), node, retired);
            }
        }
    }
    for retired in TABLE {
        let groups =
            retired.signs.iter().filter_map(|sign| if let Sign::Group(group) = sign { Some(*group) } else { None });
        for Object { resource, .. } in groups.flat_map(|group| index.of_group(group)) {
            let node = resource.node.get("apiVersion").unwrap_or(&resource.node);
            report(resource.object_ref().to_string(), node, retired);
        }
    }
    for kind in ["HelmRepository", "OCIRepository"] {
        for object in index.of_kind("source.toolkit.fluxcd.io", kind) {
            let Some(node) = object.resource.node.at(&["spec", "url"]) else { continue };
            let url = without_scheme(node.as_str().unwrap_or(""));
            if let Some(retired) = known(|sign| matches!(sign, Sign::Repository(prefix) if begins_with(url, prefix))) {
                report(object.resource.object_ref().to_string(), node, retired);
            }
        }
    }
    for object in index.of_kind("helm.toolkit.fluxcd.io", "HelmRelease") {
        let release = object.resource;
        let Some(node) = release.node.at(&["spec", "chart", "spec", "chart"]) else { continue };
        let url = repository_url(index, release).unwrap_or("");
        let is_it =
            |sign: &Sign| matches!(sign, Sign::Chart(at, name) if begins_with(url, at) && node.as_str() == Some(name));
        if let Some(retired) = known(is_it) {
            report(release.object_ref().to_string(), node, retired);
        }
    }
}

fn known(is_it: impl Fn(&Sign) -> bool) -> Option<&'static Retired> {
    TABLE.iter().find(|retired| retired.signs.iter().any(&is_it))
}

/// Returns the URL of the HelmRepository that the chart of `release` comes from.
fn repository_url<'a>(index: &ClusterIndex<'a>, release: &Resource) -> Option<&'a str> {
    let field = release.node.at(&["spec", "chart", "spec", "sourceRef"])?;
    let key = flux::source_ref(field, release.namespace())?.key();
    let url = index.source(&key)?.at(&["spec", "url"])?.as_str()?;
    Some(without_scheme(url))
}

fn without_scheme(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

/// Returns the image with the registry that containerd adds where none is written.
fn with_registry(image: &str) -> String {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => image.to_owned(),
        Some(_) => format!("docker.io/{image}"),
        None => format!("docker.io/library/{image}"),
    }
}

/// Returns whether `text` begins with `prefix` and goes on with another part, a tag or a digest, or ends.
fn begins_with(text: &str, prefix: &str) -> bool {
    let rest = text.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '@']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_compared_with_their_registry_and_by_whole_parts() {
        assert!(begins_with(&with_registry("bitnami/redis:7"), "docker.io/bitnami"));
        assert!(!begins_with(&with_registry("bitnamish/redis"), "docker.io/bitnami"));
        assert!(!begins_with(&with_registry("ghcr.io/bitnami/redis"), "docker.io/bitnami"));
        assert_eq!(with_registry("localhost:5000/web"), "localhost:5000/web");
        assert_eq!(with_registry("redis"), "docker.io/library/redis");
    }
}
