//! An organisation that is a path of groups, as GitLab has them.

use gitops_gen::flux::Options;
use gitops_gen::generate::{self, GenerateError};
use gitops_gen::repo::Repo;
use gitops_gen::report::{self, Color};
use gitops_gen::rules;

use crate::{PARAMETERS, generated, text};

const GROUPS: &str = "organisation: acme.io/platform\ngitProvider: gitlab\ngitHost: gitlab.com\nregistry: registry.gitlab.com\nci: gitlab\n";

#[test]
fn a_path_of_groups_stands_in_every_url_and_image_and_has_no_finding() {
    for others in
        ["", "imageUpdates: pull-request\nreceiver: true\n", "bootstrap: flux-operator\nsecrets: external-secrets\n"]
    {
        let files = generated(&format!("{GROUPS}{others}"));
        let repo = Repo::new(files.clone());
        let findings = rules::validate(&repo, &Options::default());
        assert!(findings.diagnostics.is_empty(), "{others}{}", report::text(&findings, &repo, Color::Never));
        let url = "ssh://git@gitlab.com/acme.io/platform/fleet";
        let source = if others.contains("flux-operator") { "flux-instance" } else { "gotk-sync" };
        let source = text(&files, &format!("clusters/fra1/flux-system/{source}.yaml"));
        assert!(source.contains(&format!("url: {url}\n")), "{source}");
        assert!(text(&files, "scripts/fleet.sh").contains(&format!("git_url='{url}'\n")));
        let image = "registry.gitlab.com/acme.io/platform/web";
        assert!(text(&files, "apps/production/web/kustomization.yaml").contains(&format!("newName: {image} ")));
        assert!(
            text(&files, "docs/app-ci/.gitlab-ci.yml")
                .contains("IMAGE: registry.gitlab.com/acme.io/platform/$TARGET\n")
        );
    }
}

#[test]
fn a_project_of_google_cloud_is_named_after_the_first_group() {
    let files = generated(&format!("{GROUPS}provider: gke\nterraform: false\nsecrets: external-secrets\n"));
    let store = text(&files, "infrastructure/secret-store/base/store.yaml");
    assert!(store.contains("projectID: acme-io\n") && store.contains("of groups the first"), "{store}");
}

#[test]
fn a_group_that_the_host_cannot_have_is_refused_with_the_reason() {
    for (provider, organisation, told) in [
        ("github", "acme/platform", "there are no groups within"),
        ("github", "acme_io", "there are no groups within"),
        ("gitlab", "acme//platform", "a path of groups"),
        ("gitlab", "acme/", "a path of groups"),
        ("gitlab", "acme/Platform", "in lower case"),
        ("gitlab", "acme/-x", "a path of groups"),
        ("gitlab", "acme.git/platform", "not ending in `.git`"),
        ("generic", "acme/x.atom", "not ending in `.git`"),
        ("generic", "acme..io", "a path of groups"),
    ] {
        let blueprint = generate::builtin("minimal").expect("it is built in").expect("it is well-formed");
        let mut answers = blueprint.defaults();
        let given = format!("gitProvider: {provider}\norganisation: {organisation}\n");
        for text in [PARAMETERS, &given] {
            blueprint.overlay(&mut answers, generate::parse_parameters(text).expect("they are a mapping"));
        }
        let Err(GenerateError::Parameters(problems)) = generate::generate(&blueprint, &answers) else {
            panic!("{given} is accepted");
        };
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(
            matches!(said.as_slice(), [one] if one.starts_with("`organisation` is ") && one.contains(told)),
            "{said:?}"
        );
    }
}
