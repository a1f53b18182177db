//! The Pod Security Standards: what `baseline` and `restricted` ask of a pod.
//!
//! Source: Kubernetes 1.36, "Pod Security Standards" and `k8s.io/pod-security-admission/policy`.

use crate::rules::index::{Container, Workload, number};
use crate::text::Span;
use crate::yaml::{Map, Node};

/// A level that refuses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Refuses what is known to lead out of the container.
    Baseline,
    /// Asks for what is held to be good practice.
    Restricted,
}

impl Level {
    /// Returns its name in labels of namespaces.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// Something that a level refuses.
pub(super) struct Breach {
    /// Where it is written, or where it would have to be.
    pub(super) span: Span,
    /// What it is, as a label.
    pub(super) what: String,
    /// The API server's own words.
    pub(super) reason: &'static str,
}

/// Capabilities that `baseline` lets a container add.
const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
/// Kernel parameters that are separate for each pod.
const SYSCTLS: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];
/// SELinux types that `baseline` lets a container have.
const SELINUX: [&str; 5] = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
/// Kinds of volume that `restricted` lets a pod have.
const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Collects what a level refuses.
struct Search {
    found: Vec<Breach>,
}

/// Returns what `level` refuses of the pods of `workload`, in the order of the standards.
pub(super) fn breaches(workload: &Workload<'_>, level: Level) -> Vec<Breach> {
    let Some(spec) = workload.pod_spec() else { return Vec::new() };
    let containers: Vec<Container<'_>> = workload.containers().collect();
    let mut search = Search { found: Vec::new() };
    search.host(spec);
    search.annotations(workload.template.at(&["metadata", "annotations"]).and_then(Node::as_map));
    search.contexts(spec.get("securityContext"));
    search.sysctls(spec);
    for container in &containers {
        search.container(*container);
        search.contexts(container.node.get("securityContext"));
    }
    if level == Level::Restricted {
        search.volumes(spec);
        let is_windows = spec.at(&["os", "name"]).and_then(Node::as_str) == Some("windows");
        search.users(spec, &containers);
        if !is_windows {
            search.linux(spec, &containers);
        }
    }
    search.found
}

impl Search {
    fn add(&mut self, span: Span, what: impl Into<String>, reason: &'static str) {
        self.found.push(Breach { span, what: what.into(), reason });
    }

    /// Host namespaces and host paths.
    fn host(&mut self, spec: &Node) {
        for field in ["hostNetwork", "hostPID", "hostIPC"] {
            if let Some(node) = spec.get(field).filter(|node| node.as_str() == Some("true")) {
                self.add(node.span, format!("`{field}` is not allowed"), "host namespaces");
            }
        }
        for volume in spec.items("volumes") {
            if let Some(entry) = volume.as_map().and_then(|map| map.entry("hostPath")) {
                self.add(entry.key.span(), "`hostPath` is not allowed", "hostPath volumes");
            }
        }
    }

    /// AppArmor as it was written before Kubernetes 1.30.
    fn annotations(&mut self, annotations: Option<&Map>) {
        let profiles = annotations.into_iter().flat_map(Map::iter);
        for entry in
            profiles.filter(|entry| entry.key.text().starts_with("container.apparmor.security.beta.kubernetes.io/"))
        {
            let profile = entry.value.as_str().unwrap_or("");
            if !profile.is_empty() && profile != "runtime/default" && !profile.starts_with("localhost/") {
                self.add(entry.value.span, "no profile", "forbidden AppArmor profiles");
            }
        }
    }

    /// What a security context of a pod or of a container may not say, in both levels.
    fn contexts(&mut self, context: Option<&Node>) {
        let Some(context) = context else { return };
        let text = |keys: &[&str]| context.at(keys).and_then(|node| Some((node, node.as_str()?)));
        if let Some((node, "true")) = text(&["windowsOptions", "hostProcess"]) {
            self.add(node.span, "`hostProcess` is not allowed", "hostProcess");
        }
        if let Some((node, "Unconfined")) = text(&["appArmorProfile", "type"]) {
            self.add(node.span, "`Unconfined` is not allowed", "forbidden AppArmor profile");
        }
        if let Some((node, "Unconfined")) = text(&["seccompProfile", "type"]) {
            self.add(node.span, "`Unconfined` is not allowed", "seccompProfile");
        }
        if let Some((node, kind)) = text(&["seLinuxOptions", "type"])
            && !SELINUX.contains(&kind)
        {
            self.add(node.span, "not a type for containers", "seLinuxOptions");
        }
        for field in ["user", "role"] {
            if let Some((node, _)) = text(&["seLinuxOptions", field]).filter(|(_, value)| !value.is_empty()) {
                self.add(node.span, format!("`{field}` may not be set"), "seLinuxOptions");
            }
        }
    }

    fn sysctls(&mut self, spec: &Node) {
        let list = spec.get("securityContext").map(|context| context.items("sysctls")).unwrap_or_default();
        for name in list.iter().filter_map(|sysctl| sysctl.get("name")) {
            if !name.as_str().is_some_and(|name| SYSCTLS.contains(&name)) {
                self.add(name.span, "not among the safe ones", "forbidden sysctls");
            }
        }
    }

    /// What a container may not have, in both levels.
    fn container(&mut self, container: Container<'_>) {
        let context = container.node.get("securityContext");
        let text = |key| context.and_then(|context| context.get(key)).and_then(|node| Some((node, node.as_str()?)));
        if let Some((node, "true")) = text("privileged") {
            self.add(node.span, "`privileged` is not allowed", "privileged");
        }
        if let Some((node, kind)) = text("procMount")
            && kind != "Default"
        {
            self.add(node.span, "only `Default` is allowed", "procMount");
        }
        let capabilities = context.and_then(|context| context.get("capabilities"));
        for added in capabilities.map(|capabilities| capabilities.items("add")).unwrap_or_default() {
            if !added.as_str().is_some_and(|name| CAPABILITIES.contains(&name)) {
                self.add(added.span, "may not be added", "non-default capabilities");
            }
        }
        for port in container.node.items("ports") {
            if let Some(node) = port.get("hostPort").filter(|node| number(Some(node)) != Some(0)) {
                self.add(node.span, "`hostPort` is not allowed", "hostPort");
            }
        }
        self.probes(container.node);
    }

    /// Probes and hooks that the node sends elsewhere than to the pod.
    fn probes(&mut self, container: &Node) {
        let probes =
            ["livenessProbe", "readinessProbe", "startupProbe"].into_iter().filter_map(|key| container.get(key));
        let hooks = ["postStart", "preStop"].into_iter().filter_map(|key| container.at(&["lifecycle", key]));
        for action in probes.chain(hooks) {
            for handler in ["httpGet", "tcpSocket"] {
                let host =
                    action.at(&[handler, "host"]).filter(|node| node.as_str().is_some_and(|host| !host.is_empty()));
                if let Some(host) = host {
                    self.add(host.span, "`host` may not be set", "probe or lifecycle host");
                }
            }
        }
    }

    fn volumes(&mut self, spec: &Node) {
        for volume in spec.items("volumes").iter().filter_map(Node::as_map) {
            for entry in volume.iter().filter(|entry| !matches!(entry.key.text(), "name" | "hostPath")) {
                if !VOLUMES.contains(&entry.key.text()) && !entry.value.is_null() {
                    self.add(
                        entry.key.span(),
                        format!("`{}` is not allowed", entry.key.text()),
                        "restricted volume types",
                    );
                }
            }
        }
    }

    /// Who runs: not root, in the pod or in every container.
    fn users(&mut self, spec: &Node, containers: &[Container<'_>]) {
        // In a user namespace of its own root is nobody outside.
        if spec.get("hostUsers").and_then(Node::as_str) == Some("false") {
            return;
        }
        let pod = spec.get("securityContext");
        let pod_says = pod.and_then(|context| context.get("runAsNonRoot"));
        for container in containers {
            let own = container.node.at(&["securityContext", "runAsNonRoot"]);
            match own.or(pod_says).map(|node| (node, node.as_str())) {
                Some((_, Some("true"))) => {}
                Some((node, _)) => self.add(node.span, "has to be `true`", "runAsNonRoot != true"),
                None => self.add(place(container), "`runAsNonRoot: true` is not set", "runAsNonRoot != true"),
            }
        }
        let contexts = containers.iter().filter_map(|container| container.node.get("securityContext"));
        for user in pod.into_iter().chain(contexts).filter_map(|context| context.get("runAsUser")) {
            if number(Some(user)) == Some(0) {
                self.add(user.span, "root is not allowed", "runAsUser=0");
            }
        }
    }

    /// What `restricted` asks of every container, except on Windows.
    fn linux(&mut self, spec: &Node, containers: &[Container<'_>]) {
        let pod_seccomp = spec.at(&["securityContext", "seccompProfile", "type"]).and_then(Node::as_str);
        for container in containers {
            let context = container.node.get("securityContext");
            let field = |keys: &[&str]| context.and_then(|context| context.at(keys));
            match field(&["allowPrivilegeEscalation"]) {
                Some(node) if node.as_str() == Some("false") => {}
                Some(node) => self.add(node.span, "has to be `false`", "allowPrivilegeEscalation != false"),
                None => {
                    let what = "`allowPrivilegeEscalation: false` is not set";
                    self.add(place(container), what, "allowPrivilegeEscalation != false");
                }
            }
            let capabilities = field(&["capabilities"]);
            let dropped = capabilities.map(|capabilities| capabilities.items("drop")).unwrap_or_default();
            if !dropped.iter().any(|name| name.as_str() == Some("ALL")) {
                self.add(place(container), "`capabilities.drop: [ALL]` is not set", "unrestricted capabilities");
            }
            for added in capabilities.map(|capabilities| capabilities.items("add")).unwrap_or_default() {
                let name = added.as_str().unwrap_or("");
                if name != "NET_BIND_SERVICE" && CAPABILITIES.contains(&name) {
                    self.add(added.span, "may not be added", "unrestricted capabilities");
                }
            }
            let own = field(&["seccompProfile", "type"]).and_then(Node::as_str);
            if own.or(pod_seccomp).is_none() {
                let what = "`seccompProfile.type: RuntimeDefault` is not set";
                self.add(place(container), what, "seccompProfile");
            }
        }
    }
}

/// Returns where a container would have to say something: its name.
fn place(container: &Container<'_>) -> Span {
    container.node.get("name").map_or(container.node.span, |name| name.span)
}
