//! Plans of promotions and timelines of simulations, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::promote::{Direction, Event, Moment, Plan, Rollback, Rollout, Step};
use crate::report::object::{VERSION, object};

/// Returns a plan, wave by wave.
pub fn plan_text(plan: &Plan) -> String {
    let mut out = format!("promote {} to {}\n", plan.app, plan.version);
    if plan.steps.is_empty() {
        out.push_str("nothing to change: every value is at it\n");
    }
    let mut wave = 0;
    for step in &plan.steps {
        if step.wave != wave {
            wave = step.wave;
            let clusters = if step.clusters.is_empty() { "no cluster".to_owned() } else { step.clusters.join(", ") };
            writeln!(out, "wave {wave}: track {}, {clusters}", step.track).expect("a String takes every text");
        }
        let sign = match step.direction {
            Direction::Up => "",
            Direction::Down => " (lower)",
            Direction::Unknown => " (the old tag is none of the policy's)",
        };
        writeln!(out, "  {}: {} -> {}{sign}", step.path, step.old, step.new).expect("a String takes every text");
    }
    let rollouts = plan.rollouts.iter().map(rollout_text);
    for note in plan.notes.iter().cloned().chain(rollouts) {
        writeln!(out, "note: {note}").expect("a String takes every text");
    }
    out
}

/// Returns what Flagger makes of a plan in which clusters.
pub fn rollout_text(rollout: &Rollout) -> String {
    format!("in {}: {rollout}", rollout.clusters.join(" and "))
}

#[derive(Serialize)]
struct WireRollout<'a> {
    canary: String,
    workload: &'a str,
    clusters: &'a [String],
    promoted_after_seconds: u64,
    rolled_back_after_seconds: u64,
    gates: &'a [String],
}

fn wire_rollout(rollout: &Rollout) -> WireRollout<'_> {
    WireRollout {
        canary: rollout.canary.to_string(),
        workload: &rollout.workload,
        clusters: &rollout.clusters,
        promoted_after_seconds: rollout.pace.promoted.as_secs(),
        rolled_back_after_seconds: rollout.pace.rolled_back.as_secs(),
        gates: &rollout.pace.gates,
    }
}

#[derive(Serialize)]
struct WirePlan<'a> {
    version: u32,
    app: &'a str,
    tag: &'a str,
    steps: Vec<WireStep<'a>>,
    notes: &'a [String],
    rollouts: Vec<WireRollout<'a>>,
}

#[derive(Serialize)]
struct WireStep<'a> {
    wave: usize,
    track: &'a str,
    policy: String,
    clusters: &'a [String],
    path: String,
    old: &'a str,
    new: &'a str,
    direction: &'static str,
}

fn wire_step(step: &Step) -> WireStep<'_> {
    WireStep {
        wave: step.wave,
        track: &step.track,
        policy: step.policy.to_string(),
        clusters: &step.clusters,
        path: step.path.to_string(),
        old: &step.old,
        new: &step.new,
        direction: match step.direction {
            Direction::Up => "up",
            Direction::Down => "down",
            Direction::Unknown => "unknown",
        },
    }
}

/// Returns a plan as one JSON object.
pub fn plan_json(plan: &Plan) -> String {
    object(&WirePlan {
        version: VERSION,
        app: &plan.app,
        tag: &plan.version,
        steps: plan.steps.iter().map(wire_step).collect(),
        notes: &plan.notes,
        rollouts: plan.rollouts.iter().map(wire_rollout).collect(),
    })
}

#[derive(Serialize)]
struct WireRollback<'a> {
    version: u32,
    app: &'a str,
    tag: &'a str,
    steps: Vec<WireStep<'a>>,
    ranges: Vec<WireRange<'a>>,
    reasons: &'a [String],
    rollouts: Vec<WireRollout<'a>>,
}

#[derive(Serialize)]
struct WireRange<'a> {
    policy: String,
    path: String,
    old: &'a str,
    new: &'a str,
}

/// Returns a rollback as one JSON object.
pub fn rollback_json(rollback: &Rollback) -> String {
    let ranges = rollback.ranges.iter().map(|range| WireRange {
        policy: range.policy.to_string(),
        path: range.path.to_string(),
        old: &range.old,
        new: &range.new,
    });
    object(&WireRollback {
        version: VERSION,
        app: &rollback.plan.app,
        tag: &rollback.plan.version,
        steps: rollback.plan.steps.iter().map(wire_step).collect(),
        ranges: ranges.collect(),
        reasons: &rollback.reasons,
        rollouts: rollback.plan.rollouts.iter().map(wire_rollout).collect(),
    })
}

fn event_text(event: &Event) -> String {
    match event {
        Event::Pushed { app: None, tag } => format!("{tag} is pushed"),
        Event::Pushed { app: Some(app), tag } => format!("{app}:{tag} is pushed"),
        Event::RolledBack { app, to } => format!("{app} is rolled back to {to}"),
    }
}

/// Returns a timeline: each event, the commits that follow, and what each cluster runs then.
pub fn timeline_text(moments: &[Moment]) -> String {
    let mut out = String::new();
    let mut write = |line: String| {
        out.push_str(&line);
        out.push('\n');
    };
    for (at, moment) in moments.iter().enumerate() {
        write(format!("{}. {}", at + 1, event_text(&moment.event)));
        for commit in &moment.commits {
            write(format!("   commit to {} by {}", commit.branch, commit.author));
            for path in &commit.paths {
                write(format!("     {path}"));
            }
            for (old, new) in &commit.changes {
                write(format!("     {old} -> {new}"));
            }
        }
        for (cluster, workloads) in &moment.clusters {
            write(format!("   {cluster}"));
            for (workload, references) in workloads {
                let tags: Vec<&str> = references.iter().map(|reference| tag_of(reference)).collect();
                write(format!("     {workload}  {}", tags.join(", ")));
            }
            for rollout in moment.rollouts.iter().filter(|rollout| rollout.clusters.contains(cluster)) {
                write(format!("     {rollout}"));
            }
        }
    }
    out
}

fn tag_of(reference: &str) -> &str {
    reference.rsplit_once(':').map_or(reference, |(_, tag)| tag)
}

#[derive(Serialize)]
struct WireTimeline<'a> {
    version: u32,
    moments: Vec<WireMoment<'a>>,
}

#[derive(Serialize)]
struct WireMoment<'a> {
    event: String,
    commits: Vec<WireCommit>,
    clusters: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    rollouts: Vec<WireRollout<'a>>,
}

#[derive(Serialize)]
struct WireCommit {
    branch: String,
    author: String,
    paths: Vec<String>,
    changes: Vec<(String, String)>,
}

/// Returns a timeline as one JSON object.
pub fn timeline_json(moments: &[Moment]) -> String {
    object(&WireTimeline { version: VERSION, moments: moments.iter().map(wire_moment).collect() })
}

fn wire_moment(moment: &Moment) -> WireMoment<'_> {
    WireMoment {
        event: event_text(&moment.event),
        commits: moment
            .commits
            .iter()
            .map(|commit| WireCommit {
                branch: commit.branch.clone(),
                author: commit.author.clone(),
                paths: commit.paths.iter().map(ToString::to_string).collect(),
                changes: commit.changes.clone(),
            })
            .collect(),
        clusters: moment
            .clusters
            .iter()
            .map(|(cluster, workloads)| {
                let runs = workloads.iter().map(|(name, found)| (name.clone(), found.iter().cloned().collect()));
                (cluster.clone(), runs.collect())
            })
            .collect(),
        rollouts: moment.rollouts.iter().map(wire_rollout).collect(),
    }
}
