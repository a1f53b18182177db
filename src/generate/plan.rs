//! Which file is made of which template, where, and with which values.

use std::collections::BTreeSet;

use crate::generate::block::{Block, Template};
use crate::generate::scope::{Scope, Turn};
use crate::generate::template::Engine;
use crate::text::RepoPath;

/// A file that is to be made.
pub(super) struct Task<'a> {
    pub(super) template: &'a Template,
    pub(super) target: RepoPath,
    /// With whose values.
    pub(super) turn: Turn,
}

/// Returns every file that `blocks` make, each path once; `prefix` stands before those that need not be at the root.
///
/// # Errors
/// A clause, when an expression cannot be read, a path leads nowhere, or two templates make one file.
pub(super) fn plan<'a>(
    engine: &Engine,
    blocks: &[&'a Block],
    scope: &mut Scope,
    prefix: &str,
) -> Result<Vec<Task<'a>>, String> {
    let mut tasks: Vec<Task<'a>> = Vec::new();
    let mut targets = BTreeSet::new();
    for block in blocks {
        let named = |reason| format!("block `{}`: {reason}", block.name);
        for template in &block.templates {
            for (path, turn) in placements(engine, block, template, scope, prefix).map_err(named)? {
                let target = RepoPath::new(&path).map_err(|error| named(error.to_string()))?;
                if !targets.insert(target.clone()) {
                    return Err(named(format!("`{}` makes `{target}`, which another template makes", template.name)));
                }
                tasks.push(Task { template, target, turn });
            }
        }
    }
    Ok(tasks)
}

/// Returns where `template` is rendered to, and in which turn: once, or once for each entry of the loop
/// that it is in, where its conditions hold.
fn placements(
    engine: &Engine,
    block: &Block,
    template: &Template,
    scope: &mut Scope,
    prefix: &str,
) -> Result<Vec<(String, Turn)>, String> {
    let below = |directory: &str| template.name.strip_prefix(directory)?.strip_prefix('/');
    let looped = block.loops.iter().find_map(|looped| Some((looped, below(&looped.directory)?)));
    let turns = match looped {
        Some((looped, _)) => scope.each(&looped.each, &looped.variables)?,
        None => [Turn::default()].into(),
    };
    let rules: Vec<_> = block.rules.iter().filter(|rule| rule.covers(&template.name)).collect();
    let conditions = rules.iter().filter_map(|rule| rule.when.as_deref());
    let conditions: Vec<_> = conditions.chain(looped.and_then(|(looped, _)| looped.when.as_deref())).collect();
    let place = rules.iter().filter(|rule| rule.file == template.name).find_map(|rule| rule.path.as_deref());
    let prefix = if rules.iter().any(|rule| rule.root) { "" } else { prefix };
    let mut placed = Vec::new();
    for turn in turns.iter() {
        let path = scope.at(turn, |values| -> Result<_, String> {
            for condition in &conditions {
                if !engine.holds(condition, values)? {
                    return Ok(None);
                }
            }
            Ok(Some(match (place, looped) {
                (Some(place), _) => engine.inline(place, values)?,
                (None, Some((looped, rest))) => format!("{}/{rest}", engine.inline(&looped.path, values)?),
                (None, None) => template.name.clone(),
            }))
        });
        placed.extend(path?.map(|path| (format!("{prefix}{path}"), turn.clone())));
    }
    Ok(placed)
}
