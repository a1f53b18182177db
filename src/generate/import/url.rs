//! What the URL of a Git repository says of its host, its groups and its name.

/// The parts of a URL of a Git repository.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GitUrl {
    /// Host, with its port where it has one.
    pub(super) host: String,
    /// `github` or `gitlab`, where the host says so, else `generic`.
    pub(super) provider: &'static str,
    /// The organisation or user; of groups within groups the path. In lower case: the hosts take both for one.
    pub(super) organisation: String,
    /// Name of the repository, without `.git`.
    pub(super) repository: String,
}

impl GitUrl {
    /// Returns the parts of `url`, over HTTPS or SSH; nothing where it has another form.
    pub(super) fn of(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        if !["http", "https", "ssh"].contains(&scheme) {
            return None;
        }
        let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
        let (host, path) = rest.trim_end_matches('/').split_once('/')?;
        let (organisation, repository) = path.rsplit_once('/')?;
        let provider = ["github", "gitlab"].into_iter().find(|name| host.contains(name)).unwrap_or("generic");
        Some(Self {
            host: host.to_owned(),
            provider,
            organisation: organisation.to_ascii_lowercase(),
            repository: repository.strip_suffix(".git").unwrap_or(repository).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_tells_host_organisation_and_repository() {
        let said = |url| {
            GitUrl::of(url).map(|it| format!("{} {} {} {}", it.provider, it.host, it.organisation, it.repository))
        };
        assert_eq!(said("ssh://git@github.com/Acme/fleet.git").as_deref(), Some("github github.com acme fleet"));
        assert_eq!(
            said("https://gitlab.example.com:8443/acme/fleet/").as_deref(),
            Some("gitlab gitlab.example.com:8443 acme fleet")
        );
        assert_eq!(
            said("ssh://git@gitlab.com/Acme/platform/tools/fleet").as_deref(),
            Some("gitlab gitlab.com acme/platform/tools fleet")
        );
        assert_eq!(said("https://git.example.com/acme/fleet").as_deref(), Some("generic git.example.com acme fleet"));
        for other in ["https://gitlab.com/fleet", "oci://ghcr.io/acme/fleet", "git@github.com:acme/fleet"] {
            assert_eq!(said(other), None, "{other}");
        }
    }
}
