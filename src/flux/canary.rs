//! Flagger's Canaries: the steps of an analysis, and how long a promotion takes at the least.
//!
//! Source: Flagger 1.44, `pkg/controller/scheduler.go`: once in each interval it does one thing, and goes on at the next.

use std::time::Duration;

use crate::flux::read::duration;
use crate::kustomize::Resource;
use crate::yaml::Node;

/// What Flagger takes for an interval that is not given, and for one that is shorter than it allows.
const INTERVAL: Duration = Duration::from_mins(1);
const SHORTEST_INTERVAL: Duration = Duration::from_secs(10);
/// Iterations that Flagger takes for the provider `kubernetes`, where none are given.
const ITERATIONS: i64 = 10;
/// The weight that is all of the traffic.
const ALL: i64 = 100;

/// The provider that cannot route: it switches all traffic at once.
pub const KUBERNETES_PROVIDER: &str = "kubernetes";

/// Returns the analysis of a Canary that has one and runs it.
pub fn canary_analysis(canary: &Resource) -> Option<&Node> {
    let skips = canary.node.at(&["spec", "skipAnalysis"]).and_then(Node::as_str) == Some("true");
    canary.node.at(&["spec", "analysis"]).filter(|analysis| !skips && analysis.as_map().is_some())
}

/// Returns `spec.provider`; empty where the controller's own counts.
pub fn canary_provider(canary: &Resource) -> &str {
    canary.node.at(&["spec", "provider"]).and_then(Node::as_str).unwrap_or("")
}

/// How an analysis raises the weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanarySteps {
    /// `stepWeight`; 0 where it is not given.
    pub step: i64,
    /// `stepWeights`.
    pub weights: Vec<i64>,
    /// `maxWeight`.
    pub maximum: Option<i64>,
    /// `iterations`; 0 where it is not given. Above 0 no weight is raised.
    pub iterations: i64,
}

impl CanarySteps {
    /// Returns those of an analysis.
    pub fn of(analysis: &Node) -> Self {
        Self {
            step: number(analysis, "stepWeight").unwrap_or(0),
            weights: analysis.items("stepWeights").iter().filter_map(|node| node.as_str()?.parse().ok()).collect(),
            maximum: number(analysis, "maxWeight"),
            iterations: number(analysis, "iterations").unwrap_or(0),
        }
    }

    /// Returns the rounds after which a progressive analysis is at its greatest weight, and that weight; nothing where it
    /// never gets there.
    fn rounds(&self) -> Option<(i64, i64)> {
        let last = self.weights.last().copied();
        let goal = last.or(self.maximum.filter(|maximum| *maximum > 0)).unwrap_or(ALL).min(ALL);
        if self.step > 0 {
            let rounds = (goal + self.step - 1) / self.step;
            return Some((rounds, rounds.saturating_mul(self.step).min(ALL)));
        }
        last.filter(|last| *last > 0)?;
        Some((i64::try_from(self.weights.len()).ok()?, goal))
    }
}

fn number(analysis: &Node, key: &str) -> Option<i64> {
    analysis.get(key)?.as_str()?.parse().ok()
}

/// How fast Flagger goes where every check is good, or none is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CanaryPace {
    /// From the first round that sees a new revision until the primary alone answers with it.
    pub promoted: Duration,
    /// How long checks fail until the revision is taken back.
    pub rolled_back: Duration,
    /// Names of the webhooks that hold it until they say yes (`confirm-…`), in the order of the analysis.
    pub gates: Vec<String>,
}

impl CanaryPace {
    /// Returns that of a Canary; nothing where it has no analysis, or one that never advances.
    ///
    /// One round sees the revision and starts its pods; then one for each step or iteration, one to copy the revision to
    /// the primary, one to route to it and one to stop the canary.
    pub fn of(canary: &Resource) -> Option<Self> {
        let analysis = canary_analysis(canary)?;
        let steps = CanarySteps::of(analysis);
        let can_route = canary_provider(canary) != KUBERNETES_PROVIDER;
        let is_mirrored = analysis.get("mirror").and_then(Node::as_str) == Some("true");
        let (rounds, reached) = if steps.iterations > 0 || !can_route {
            let iterations = if steps.iterations > 0 { steps.iterations } else { ITERATIONS };
            let compares_users = can_route && !analysis.items("match").is_empty();
            // Blue and green: one round more, in which all traffic goes to the canary.
            (iterations.saturating_add(i64::from(!compares_users)), ALL)
        } else {
            let (rounds, reached) = steps.rounds()?;
            (rounds + i64::from(is_mirrored), reached)
        };
        let back = number(analysis, "stepWeightPromotion").filter(|step| *step > 0 && can_route);
        let routing = back.map_or(1, |step| (reached + step - 1) / step);
        let written = analysis.get("interval").and_then(Node::as_str).and_then(duration).unwrap_or(INTERVAL);
        let interval = written.max(SHORTEST_INTERVAL);
        let threshold = number(analysis, "threshold").filter(|threshold| *threshold > 0).unwrap_or(1);
        let after = |rounds: i64| interval.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
        let holds =
            |hook: &&Node| hook.get("type").and_then(Node::as_str).is_some_and(|kind| kind.starts_with("confirm-"));
        let gates = analysis.items("webhooks").iter().filter(holds);
        Some(Self {
            promoted: after(rounds.saturating_add(routing).saturating_add(2)),
            rolled_back: after(threshold),
            gates: gates.filter_map(|hook| hook.get("name")?.as_str().map(str::to_owned)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flux::read::duration_text;
    use crate::kustomize;
    use crate::repo::Repo;
    use crate::text::{FileSet, RepoPath};

    /// The time to promote and to roll back, and the gates.
    fn pace(spec: &str) -> Option<(String, String, String)> {
        let canary = format!(
            "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {{name: web, namespace: web}}\nspec: {spec}\n"
        );
        let files = [("kustomization.yaml", "resources: [canary.yaml]\n".to_owned()), ("canary.yaml", canary)];
        let repo = Repo::new(FileSet::from_texts(files));
        let built = kustomize::build(&repo, repo.files(), &RepoPath::root(), kustomize::Mode::Flux, None);
        let pace = CanaryPace::of(&built.resources[0])?;
        Some((duration_text(pace.promoted), duration_text(pace.rolled_back), pace.gates.join(",")))
    }

    fn promoted(spec: &str) -> String {
        pace(spec).map(|(promoted, ..)| promoted).unwrap_or_default()
    }

    #[test]
    fn a_promotion_takes_a_round_for_each_step_and_three_more() {
        assert_eq!(promoted("{analysis: {interval: 1m, stepWeight: 10, maxWeight: 50}}"), "8m");
        assert_eq!(promoted("{analysis: {interval: 30s, stepWeights: [1, 10, 80]}}"), "3m");
        // The last step goes beyond the greatest weight; without one it is all traffic.
        assert_eq!(promoted("{analysis: {interval: 1m, stepWeight: 30, maxWeight: 80}}"), "6m");
        assert_eq!(promoted("{analysis: {stepWeight: 50}}"), "5m");
        assert_eq!(promoted("{analysis: {interval: 1s, stepWeight: 50}}"), "50s");
    }

    #[test]
    fn the_way_back_to_the_primary_may_have_steps_too() {
        let spec = "{analysis: {interval: 1m, stepWeight: 50, maxWeight: 50, stepWeightPromotion: 20}}";
        assert_eq!(promoted(spec), "6m");
        let spec = "{analysis: {interval: 1m, stepWeight: 50, maxWeight: 50, mirror: true}}";
        assert_eq!(promoted(spec), "5m");
    }

    #[test]
    fn iterations_count_in_the_place_of_weights() {
        assert_eq!(promoted("{analysis: {interval: 1m, iterations: 5, match: [{headers: {}}]}}"), "8m");
        assert_eq!(promoted("{analysis: {interval: 1m, iterations: 5}}"), "9m");
        assert_eq!(promoted("{provider: kubernetes, analysis: {interval: 1m}}"), "14m");
    }

    #[test]
    fn failing_checks_and_gates_are_told() {
        let spec = "{analysis: {interval: 1m, threshold: 5, stepWeight: 10, maxWeight: 10, webhooks: [{name: load, url: \
                    x}, {name: gate, type: confirm-promotion, url: x}]}}";
        assert_eq!(pace(spec), Some(("4m".into(), "5m".into(), "gate".into())));
    }

    #[test]
    fn what_is_not_analysed_or_never_advances_has_no_pace() {
        for spec in ["{}", "{skipAnalysis: true, analysis: {stepWeight: 10}}", "{analysis: {maxWeight: 10}}"] {
            assert_eq!(pace(spec), None, "{spec}");
        }
    }
}
