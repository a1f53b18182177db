//! Image policies and runs of automation, for people and for programs.

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::flux::{Fleet, FluxVersion, ImageAutomation, ImagePolicy};
use crate::image::{self, Choice, Field, Order, Policy};
use crate::promote::Run;
use crate::repo::Repo;
use crate::report::object::{VERSION, object};
use crate::yaml::Node;

/// A policy and one of its markers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageRow {
    /// `namespace/name`.
    pub policy: String,
    /// Clusters that have the policy.
    pub clusters: Vec<String>,
    /// The image; empty where its repository is not there.
    pub image: String,
    /// How it selects.
    pub rule: String,
    /// The file of the marker; nothing where the policy has none.
    pub file: Option<String>,
    /// Its line, from 1.
    pub line: Option<usize>,
    /// `reference`, `name`, `tag` or `digest`.
    pub field: Option<&'static str>,
    /// The value at the marker.
    pub value: Option<String>,
}

#[derive(Serialize)]
struct Rows<'a> {
    version: u32,
    images: &'a [ImageRow],
}

/// Returns a row for every policy and marker, by policy, file and line; one for a policy without a marker.
pub fn image_rows(repo: &Repo, fleet: &Fleet, version: FluxVersion) -> Vec<ImageRow> {
    let marked = image::marked_files(repo, image::Mode::Edit);
    let mut rows: Vec<ImageRow> = Vec::new();
    for cluster in &fleet.clusters {
        let automation = ImageAutomation::of(cluster);
        for policy in automation.policies.values() {
            let name = policy.name.to_string();
            let mut is_known = false;
            for row in rows.iter_mut().filter(|row| row.policy == name) {
                row.clusters.push(cluster.name.clone());
                is_known = true;
            }
            if is_known {
                continue;
            }
            let bare = ImageRow {
                policy: name,
                clusters: vec![cluster.name.clone()],
                image: automation.image_of(policy).unwrap_or_default().to_owned(),
                rule: selection_rule(policy, version),
                file: None,
                line: None,
                field: None,
                value: None,
            };
            let values = marked.iter().flat_map(|file| file.values().iter().map(move |value| (file, value)));
            let of_policy: Vec<ImageRow> = values
                .filter(|(_, value)| value.policy == policy.name)
                .map(|(file, value)| ImageRow {
                    file: Some(file.path.to_string()),
                    line: repo.sources().start(value.span).map(|place| place.line),
                    field: Some(field_name(value.field)),
                    value: Some(value.text.clone()),
                    ..bare.clone()
                })
                .collect();
            rows.extend(if of_policy.is_empty() { vec![bare] } else { of_policy });
        }
    }
    rows.sort_by(|left, right| (&left.policy, &left.file, left.line).cmp(&(&right.policy, &right.file, right.line)));
    rows
}

fn field_name(field: Field) -> &'static str {
    match field {
        Field::Reference => "reference",
        Field::Name => "name",
        Field::Tag => "tag",
        Field::Digest => "digest",
    }
}

/// Returns how a policy selects, in a few words.
pub fn selection_rule(policy: &ImagePolicy<'_>, version: FluxVersion) -> String {
    let read = policy.policy(version.image_grammar());
    let filter = match &read {
        Ok(Policy { filter: Some(filter), .. }) => format!(" of {}", filter.pattern),
        _ => String::new(),
    };
    let order = |order: Order| if order == Order::Ascending { "greatest" } else { "smallest" };
    match read {
        Err(error) => format!("invalid: {error}"),
        Ok(read) => match read.choice {
            Choice::Semver(_) => {
                let range = policy.spec().and_then(|spec| spec.at(&["policy", "semver", "range"]));
                format!("semver {}{filter}", range.and_then(Node::as_str).unwrap_or_default())
            }
            Choice::Alphabetical(by) => format!("{} text{filter}", order(by)),
            Choice::Numerical(by) => format!("{} number{filter}", order(by)),
        },
    }
}

/// Returns the rows as a table.
pub fn images_table(rows: &[ImageRow]) -> String {
    let head = ["POLICY", "CLUSTER", "IMAGE", "RULE", "FIELD", "VALUE", "FILE"].map(str::to_owned);
    let cells = |row: &ImageRow| {
        let file = match (&row.file, row.line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            _ => "no marker".to_owned(),
        };
        let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
        [
            row.policy.clone(),
            row.clusters.join(","),
            row.image.clone(),
            row.rule.clone(),
            or_dash(row.field),
            or_dash(row.value.as_deref()),
            file,
        ]
    };
    let table: Vec<[String; 7]> = std::iter::once(head).chain(rows.iter().map(cells)).collect();
    let width = |column: usize| table.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let mut out = String::new();
    for row in &table {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Returns the rows as one JSON object.
pub fn images_json(rows: &[ImageRow]) -> String {
    object(&Rows { version: VERSION, images: rows })
}

#[derive(Serialize)]
struct Tags<'a> {
    version: u32,
    tags: &'a [&'a str],
}

/// Returns a list of tags as one JSON object.
pub fn tags_json(tags: &[&str]) -> String {
    object(&Tags { version: VERSION, tags })
}

#[derive(Serialize)]
struct Runs {
    version: u32,
    runs: Vec<WireRun>,
}

#[derive(Serialize)]
struct WireRun {
    cluster: String,
    automation: String,
    branch: Option<String>,
    error: Option<String>,
    files: Vec<WireFile>,
    skipped: Vec<WireSkipped>,
}

#[derive(Serialize)]
struct WireFile {
    path: String,
    changes: Vec<WireChange>,
}

#[derive(Serialize)]
struct WireChange {
    setter: String,
    old: String,
    new: String,
}

#[derive(Serialize)]
struct WireSkipped {
    path: String,
    reason: String,
}

/// Returns what automations write as one JSON object.
pub fn runs_json(runs: &[Run]) -> String {
    let wire = |run: &Run| {
        let update = run.update.as_ref().ok();
        let files = update.into_iter().flat_map(|update| &update.files).map(|(path, file)| WireFile {
            path: path.to_string(),
            changes: file
                .changes
                .iter()
                .map(|change| WireChange {
                    setter: change.setter.clone(),
                    old: change.old.clone(),
                    new: change.new.clone(),
                })
                .collect(),
        });
        let skipped = update.into_iter().flat_map(|update| &update.skipped);
        WireRun {
            cluster: run.cluster.clone(),
            automation: run.automation.to_string(),
            branch: run.branch.clone(),
            error: run.update.as_ref().err().map(ToString::to_string),
            files: files.collect(),
            skipped: skipped
                .map(|(path, reason)| WireSkipped { path: path.to_string(), reason: reason.to_string() })
                .collect(),
        }
    };
    object(&Runs { version: VERSION, runs: runs.iter().map(wire).collect() })
}
