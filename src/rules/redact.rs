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

#[cfg(test)]
mod tests {
    use crate::flux::Options;
    use crate::repo::Repo;
    use crate::rules;
    use crate::text::FileSet;

    #[test]
    fn a_value_of_a_secret_in_the_name_of_an_object_is_printed_as_its_variable() {
        let cluster = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: apps\n  \
                       namespace: flux-system\nspec:\n  interval: 1h\n  path: ./apps\n  prune: true\n  sourceRef: {kind: \
                       GitRepository, name: flux-system}\n  postBuild: {substituteFrom: [{kind: Secret, name: vars}]}\n";
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: vars, namespace: flux-system}\nstringData: {PW: \
                      hunter2}\n";
        let app = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'd-${PW}', namespace: nowhere}\n";
        let texts = [("clusters/a/apps.yaml", cluster), ("clusters/a/vars.yaml", secret), ("apps/a.yaml", app)];
        let findings = rules::validate(&Repo::new(FileSet::from_texts(texts)), &Options::default());
        let missing =
            findings.diagnostics.iter().find(|finding| finding.rule == "namespace-missing").expect("it is missing");
        assert!(missing.message.contains("ConfigMap nowhere/d-${PW}"), "{}", missing.message);
        assert!(!format!("{findings:?}").contains("hunter2"), "{findings:?}");
    }
}
