//! Images that not everybody may pull.

use gitops_gen::text::FileSet;

use crate::{generated, is_there, text};

const SECRET: &str = "imagePullSecrets:\n  - name: pull\n";

fn is_named(files: &FileSet, path: &str) -> bool {
    text(files, path).contains(SECRET)
}

#[test]
fn pods_pull_and_tags_are_read_with_the_credentials_of_the_environment() {
    let files = generated("pullSecret: pull\n");
    assert!(is_named(&files, "apps/base/web/serviceaccount.yaml"));
    assert!(text(&files, "image-automation/web.yaml").contains("  secretRef:\n    name: pull\n"));
    for environment in ["production", "staging"] {
        let directory = format!("infrastructure/registry/{environment}");
        assert!(text(&files, &format!("{directory}/kustomization.yaml")).contains("  - apps\n  - flux-system\n"));
        let credentials = text(&files, &format!("{directory}/credentials/pull-secret.sops.yaml"));
        assert!(credentials.contains("type: kubernetes.io/dockerconfigjson\n"), "{credentials}");
    }
    // Nothing starts, and no tag is read, before the credentials are there.
    for layers in ["clusters/fra1/apps.yaml", "clusters/fra1/image-automation.yaml"] {
        assert!(text(&files, layers).contains("    - name: registry\n"), "{layers}");
    }
}

#[test]
fn a_cluster_on_this_machine_pulls_nothing_and_public_images_need_no_credentials() {
    let files = generated("pullSecret: pull\n");
    assert!(text(&files, "apps/local/web/kustomization.yaml").contains("path: /imagePullSecrets\n"));
    assert!(!text(&files, "clusters/home/apps.yaml").contains("registry"));
    assert!(!is_there(&files, "infrastructure/registry/local/kustomization.yaml"));
    let files = generated("pullSecret: ''\n");
    assert!(!is_named(&files, "apps/base/web/serviceaccount.yaml"));
    assert!(!is_there(&files, "infrastructure/registry/production/kustomization.yaml"));
}
