//! What an `ImagePolicy` and its `ImageRepository` ask for, as their files say it.

use crate::image::constraint::{Constraint, ConstraintError};
use crate::image::pattern::{Pattern, PatternError, Template};
use crate::image::semver::Grammar;
use crate::yaml::Node;

/// What a repository excludes when it says nothing.
pub const DEFAULT_EXCLUSION: &str = r"^.*\.sig$";

/// Which end of the order wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The greatest.
    #[default]
    Ascending,
    /// The smallest.
    Descending,
}

/// How a policy compares tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The greatest version in the range.
    Semver(Constraint),
    /// By bytes.
    Alphabetical(Order),
    /// As 64-bit floats.
    Numerical(Order),
}

impl Choice {
    /// Returns which end wins.
    pub fn order(&self) -> Order {
        match self {
            Self::Semver(_) => Order::Ascending,
            Self::Alphabetical(order) | Self::Numerical(order) => *order,
        }
    }
}

/// `spec.filterTags`.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Searched for in each tag.
    pub pattern: Pattern,
    /// What is compared in the place of the tag; nothing: the tag.
    pub extract: Option<Template>,
}

/// `spec.digestReflectionPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Digests {
    /// No digest.
    #[default]
    Never,
    /// That of the moment at which the tag was selected.
    IfNotPresent,
    /// That of the last look.
    Always,
}

/// A policy as it is used.
#[derive(Debug, Clone)]
pub struct Policy {
    /// How tags are compared.
    pub choice: Choice,
    /// Which tags are looked at.
    pub filter: Option<Filter>,
}

/// Why a policy selects nothing, whatever the tags: Flux stalls it as `InvalidPolicy`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// None of the three kinds is given.
    #[error("given ImagePolicyChoice object is invalid")]
    NoChoice,
    /// `order` is another word; it is given in capitals.
    #[error("invalid order argument provided: '{0}', must be one of: ASC, DESC")]
    Order(String),
    /// `range` is no range.
    #[error(transparent)]
    Range(#[from] ConstraintError),
    /// `filterTags.pattern` is no regular expression.
    #[error("invalid regular expression pattern '{pattern}': error parsing regexp: {error}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        error: PatternError,
    },
}

impl Policy {
    /// Returns the policy of the `spec` of an `ImagePolicy`. Where it gives several kinds, the first of semver,
    /// alphabetical and numerical counts, as in the controller.
    ///
    /// # Errors
    /// Where the controller stalls.
    pub fn read(spec: &Node, grammar: Grammar) -> Result<Self, PolicyError> {
        Ok(Self { choice: read_choice(spec, grammar)?, filter: read_filter(spec)? })
    }

    /// Returns whether the pattern of its filter has every group that `extract` names.
    pub fn has_its_groups(&self) -> bool {
        let Some(filter) = &self.filter else { return true };
        filter.extract.iter().flat_map(Template::groups).all(|group| filter.pattern.has_group(group))
    }
}

fn read_choice(spec: &Node, grammar: Grammar) -> Result<Choice, PolicyError> {
    let kind = |kind: &str| spec.at(&["policy", kind]).filter(|node| !node.is_null());
    if let Some(semver) = kind("semver") {
        let range = semver.get("range").and_then(Node::as_str).unwrap_or_default();
        return Ok(Choice::Semver(Constraint::parse(range, grammar)?));
    }
    if let Some(alphabetical) = kind("alphabetical") {
        return read_order(alphabetical).map(Choice::Alphabetical);
    }
    match kind("numerical") {
        Some(numerical) => read_order(numerical).map(Choice::Numerical),
        None => Err(PolicyError::NoChoice),
    }
}

fn read_order(node: &Node) -> Result<Order, PolicyError> {
    let word = node.get("order").and_then(Node::as_str).unwrap_or_default().to_uppercase();
    match word.as_str() {
        "" | "ASC" => Ok(Order::Ascending),
        "DESC" => Ok(Order::Descending),
        _ => Err(PolicyError::Order(word)),
    }
}

fn read_filter(spec: &Node) -> Result<Option<Filter>, PolicyError> {
    let Some(filter) = spec.get("filterTags").filter(|node| !node.is_null()) else { return Ok(None) };
    let text = |key| filter.get(key).and_then(Node::as_str).unwrap_or_default();
    let pattern = text("pattern");
    let extract = Some(text("extract")).filter(|extract| !extract.is_empty()).map(Template::new);
    match Pattern::new(pattern) {
        Ok(pattern) => Ok(Some(Filter { pattern, extract })),
        Err(error) => Err(PolicyError::Pattern { pattern: pattern.to_owned(), error }),
    }
}

/// Returns what the `spec` of an `ImageRepository` excludes.
///
/// # Errors
/// Where an expression is none; its text is given.
pub fn read_exclusions(spec: Option<&Node>) -> Result<Vec<Pattern>, PolicyError> {
    let written: Vec<&str> =
        spec.map_or(&[][..], |spec| spec.items("exclusionList")).iter().filter_map(Node::as_str).collect();
    let patterns = if written.is_empty() { vec![DEFAULT_EXCLUSION] } else { written };
    let compile = |pattern: &str| {
        Pattern::new(pattern).map_err(|error| PolicyError::Pattern { pattern: pattern.to_owned(), error })
    };
    patterns.into_iter().map(compile).collect()
}

/// Returns what the `spec` of an `ImagePolicy` says of digests.
pub fn read_digests(spec: &Node) -> Digests {
    match spec.get("digestReflectionPolicy").and_then(Node::as_str) {
        Some("Always") => Digests::Always,
        Some("IfNotPresent") => Digests::IfNotPresent,
        _ => Digests::Never,
    }
}
