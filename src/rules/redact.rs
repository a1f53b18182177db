//! Values of Secrets that substitution brought into the names of objects: a message says the variable instead.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::diagnostic::Findings;
use crate::rules::Context;

/// Shorter values stand in too many words by chance; who has such a password has none.
const SHORTEST: usize = 3;

/// Puts `${name}` in the place of every value of a Secret in what people will read.
pub(super) fn hide_secret_variables(context: &Context<'_>, findings: &mut Findings) {
    let owners = context.fleet.clusters.iter().flat_map(|cluster| cluster.kustomizations.values());
    let variables = owners.flat_map(|owner| &owner.substitution.variables);
    let mut secrets = BTreeMap::new();
    for (name, variable) in variables.filter(|(_, variable)| variable.is_secret) {
        if let Some(value) = variable.value.as_deref().filter(|value| value.len() >= SHORTEST) {
            secrets.entry(value).or_insert_with(|| format!("${{{name}}}"));
        }
    }
    if secrets.is_empty() {
        return;
    }
    // Longest first: one value may be a part of another.
    let mut secrets: Vec<(&str, String)> = secrets.into_iter().collect();
    secrets.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    let hide = |text: &mut String| {
        for (value, name) in &secrets {
            if text.contains(value) {
                *text = text.replace(value, name);
            }
        }
    };
    for finding in &mut findings.diagnostics {
        hide(&mut finding.message);
        finding.help.iter_mut().chain(&mut finding.notes).for_each(hide);
        for label in &mut finding.labels {
            let mut text = label.message.to_string();
            hide(&mut text);
            label.message = Cow::Owned(text);
        }
    }
    findings.not_checked.iter_mut().for_each(|entry| hide(&mut entry.what));
}
