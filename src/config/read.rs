//! Text to configuration.

use std::collections::BTreeMap;

use ignore::gitignore::GitignoreBuilder;
use smol_str::SmolStr;

use crate::config::{Config, Date, FILE, Level, Levels, NamedCluster, Suppression, VERSION};
use crate::diagnostic::{Diagnostic, Severity, pick};
use crate::text::{FileSet, RepoPath, Span, Spanned};
use crate::yaml::{self, Map, Node};

/// Rule of a configuration that cannot be followed.
pub const INVALID: &str = "config-invalid";

/// Fields of the file.
const FIELDS: &[&str] = &["version", "flux", "clusters", "rules", "schemas", "exclude", "suppress"];
/// Fields that are read elsewhere.
const FOREIGN: &[&str] = &["apiVersion", "kind", "blueprint", "parameters"];
/// Fields of a rule whose level depends on the path.
const LEVEL_FIELDS: &[&str] = &["level", "paths"];
/// Fields of a cluster.
const CLUSTER_FIELDS: &[&str] = &["name", "path"];
/// Fields of an accepted finding.
const SUPPRESSION_FIELDS: &[&str] = &["rule", "path", "cluster", "reason", "until"];

/// Reads the configuration of `files`; the default where there is none. What is wrong in it is left out and reported.
pub fn read(files: &FileSet) -> (Config, Vec<Diagnostic>) {
    let file = RepoPath::new(FILE).ok().and_then(|path| Some((files.id(&path)?, files.text(&path)?)));
    let Some((source, text)) = file else { return (Config::default(), Vec::new()) };
    let parsed = yaml::parse(source, text);
    let mut reader = Reader { findings: parsed.diagnostics };
    let config = parsed.documents.first().map(|document| reader.config(&document.root)).unwrap_or_default();
    (config, reader.findings)
}

struct Reader {
    findings: Vec<Diagnostic>,
}

impl Reader {
    fn refuse(&mut self, span: Span, message: impl Into<String>, label: &'static str) -> &mut Diagnostic {
        self.findings.push(Diagnostic::new(INVALID, Severity::Error, message).label(span, label));
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    fn config(&mut self, root: &Node) -> Config {
        let Some(map) = self.map(root, FILE) else { return Config::default() };
        self.known_fields(map, FILE, FIELDS, FOREIGN);
        self.version(map);
        Config {
            flux: map.get("flux").and_then(|node| self.text(node, "flux")),
            clusters: self.clusters(map),
            levels: self.levels(map),
            schemas: self.schemas(map),
            exclude: self.exclude(map),
            suppressions: self.list(map, "suppress").iter().filter_map(|item| self.suppression(item)).collect(),
        }
    }

    /// Refuses a file of a later format: what it says there may mean something else.
    fn version(&mut self, map: &Map) {
        let Some(node) = map.get("version") else { return };
        let Some(text) = self.text(node, "version") else { return };
        if text.value.parse::<u64>().is_ok_and(|version| (1..=VERSION).contains(&version)) {
            return;
        }
        let message = format!("{FILE} has version {}, this program reads version {VERSION}", text.value);
        let finding = self.refuse(text.span, message, "a version of another program");
        *finding = finding.clone().help("take a newer gitops-gen");
    }

    fn clusters(&mut self, map: &Map) -> Vec<NamedCluster> {
        let mut clusters: Vec<NamedCluster> = Vec::new();
        for item in self.list(map, "clusters") {
            let Some(fields) = self.map(item, "clusters") else { continue };
            self.known_fields(fields, "clusters", CLUSTER_FIELDS, &[]);
            let name = self.required(item, fields, "clusters", "name");
            let path = self.required(item, fields, "clusters", "path").and_then(|path| self.path(&path));
            let (Some(name), Some(path)) = (name, path) else { continue };
            if let Some(first) = clusters.iter().find(|cluster| cluster.name.value == name.value) {
                let first = first.name.span;
                let finding =
                    self.refuse(name.span, format!("cluster `{}` is named twice", name.value), "named again here");
                *finding = finding.clone().label(first, "first named here");
                continue;
            }
            clusters.push(NamedCluster { name, path });
        }
        clusters
    }

    fn exclude(&mut self, map: &Map) -> Vec<Spanned<SmolStr>> {
        let mut patterns = Vec::new();
        for item in self.list(map, "exclude") {
            let Some(pattern) = self.text(item, "exclude") else { continue };
            match GitignoreBuilder::new("").add_line(None, &pattern.value) {
                Ok(_) => patterns.push(pattern),
                Err(error) => {
                    let message = format!("`{}` is no pattern of a .gitignore", pattern.value);
                    let finding = self.refuse(pattern.span, message, "cannot be read");
                    *finding = finding.clone().note(format!("{error}."));
                }
            }
        }
        patterns
    }

    fn schemas(&mut self, map: &Map) -> Vec<Spanned<RepoPath>> {
        let paths = self.list(map, "schemas").iter().filter_map(|item| {
            let text = self.text(item, "schemas")?;
            self.path(&text)
        });
        paths.collect()
    }

    fn levels(&mut self, map: &Map) -> BTreeMap<SmolStr, Levels> {
        let Some(rules) = map.get("rules").filter(|rules| !rules.is_null()) else { return BTreeMap::new() };
        let Some(rules) = self.map(rules, "rules") else { return BTreeMap::new() };
        let mut levels = BTreeMap::new();
        for entry in rules {
            let rule = entry.key.text();
            let mut of_rule = Levels { span: entry.key.span(), everywhere: None, paths: Vec::new() };
            let everywhere = match entry.value.as_map() {
                None => Some(&entry.value),
                Some(fields) => {
                    self.known_fields(fields, rule, LEVEL_FIELDS, &[]);
                    of_rule.paths = self.path_levels(fields, rule);
                    fields.get("level")
                }
            };
            if let Some(node) = everywhere {
                let Some(level) = self.level(node, rule) else { continue };
                of_rule.everywhere = Some(level);
            }
            levels.insert(rule.into(), of_rule);
        }
        levels
    }

    /// Reads `paths` of a rule: levels by path.
    fn path_levels(&mut self, fields: &Map, rule: &str) -> Vec<(Spanned<RepoPath>, Level)> {
        let Some(paths) = fields.get("paths").and_then(|paths| self.map(paths, "paths")) else { return Vec::new() };
        let entries = paths.iter().filter_map(|entry| {
            let path = self.path(&Spanned::new(entry.key.text().into(), entry.key.span()))?;
            Some((path, self.level(&entry.value, rule)?))
        });
        entries.collect()
    }

    fn level(&mut self, node: &Node, rule: &str) -> Option<Level> {
        let text = self.text(node, "rules")?;
        match text.value.as_str() {
            "off" => Some(Level::Off),
            "note" => Some(Level::At(Severity::Note)),
            "warning" => Some(Level::At(Severity::Warning)),
            "error" => Some(Level::At(Severity::Error)),
            other => {
                let finding = self.refuse(text.span, format!("rule `{rule}` has the level `{other}`"), "no level");
                *finding = finding.clone().help("write `off`, `note`, `warning` or `error`");
                None
            }
        }
    }

    fn suppression(&mut self, item: &Node) -> Option<Suppression> {
        let fields = self.map(item, "suppress")?;
        self.known_fields(fields, "suppress", SUPPRESSION_FIELDS, &[]);
        let rule = self.required(item, fields, "suppress", "rule");
        let reason = self.required(item, fields, "suppress", "reason");
        let field = |reader: &mut Self, field: &str| fields.get(field).and_then(|node| reader.text(node, field));
        let cluster = field(self, "cluster");
        // An entry whose bounds cannot be read would accept more than was meant.
        let path = match field(self, "path") {
            Some(path) => Some(self.path(&path)?),
            None => None,
        };
        let until = match field(self, "until") {
            Some(until) => Some(self.date(&until)?),
            None => None,
        };
        Some(Suppression { rule: rule?, path, cluster, reason: reason?, until })
    }

    fn map<'a>(&mut self, node: &'a Node, owner: &str) -> Option<&'a Map> {
        if node.as_map().is_none() {
            let message = format!("`{owner}` holds a {} where a mapping belongs", node.kind_name());
            self.refuse(node.span, message, "no mapping");
        }
        node.as_map()
    }

    fn list<'a>(&mut self, map: &'a Map, field: &str) -> &'a [Node] {
        let Some(node) = map.get(field).filter(|node| !node.is_null()) else { return &[] };
        if node.as_sequence().is_none() {
            let message = format!("`{field}` holds a {} where a list belongs", node.kind_name());
            self.refuse(node.span, message, "no list");
        }
        node.as_sequence().unwrap_or_default()
    }

    fn text(&mut self, node: &Node, owner: &str) -> Option<Spanned<SmolStr>> {
        if node.as_str().is_none() {
            let message = format!("`{owner}` holds a {} where a text belongs", node.kind_name());
            self.refuse(node.span, message, "no text");
        }
        node.as_str().map(|text| Spanned::new(text.into(), node.span))
    }

    fn required(&mut self, item: &Node, fields: &Map, owner: &str, field: &str) -> Option<Spanned<SmolStr>> {
        if let Some(node) = fields.get(field) {
            return self.text(node, field);
        }
        self.refuse(item.span, format!("an entry of `{owner}` has no `{field}`"), "needs it");
        None
    }

    fn path(&mut self, text: &Spanned<SmolStr>) -> Option<Spanned<RepoPath>> {
        match RepoPath::new(&text.value) {
            Ok(path) => Some(Spanned::new(path, text.span)),
            Err(error) => {
                self.refuse(text.span, error.to_string(), "no path inside the repository");
                None
            }
        }
    }

    fn date(&mut self, text: &Spanned<SmolStr>) -> Option<Spanned<Date>> {
        match text.value.parse() {
            Ok(date) => Some(Spanned::new(date, text.span)),
            Err(error) => {
                self.refuse(text.span, format!("failed to {error}"), "no day");
                None
            }
        }
    }

    fn known_fields(&mut self, map: &Map, owner: &str, known: &[&str], foreign: &[&str]) {
        for entry in map {
            let field = entry.key.text();
            if known.contains(&field) || foreign.contains(&field) {
                continue;
            }
            let help = match pick::nearest(field, known.iter().chain(foreign).copied()) {
                Some(near) => format!("write `{near}`"),
                None => format!("write one of `{}`", known.join("`, `")),
            };
            let finding = self.refuse(entry.key.span(), format!("`{owner}` has no field `{field}`"), "unknown field");
            *finding = finding.clone().help(help);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(text: &str) -> (Config, Vec<String>) {
        let (config, findings) = read(&FileSet::from_texts([(FILE, text)]));
        (config, findings.into_iter().map(|finding| finding.message).collect())
    }

    fn finding(rule: &'static str, severity: Severity) -> Diagnostic {
        Diagnostic::new(rule, severity, "something").in_cluster("fra1")
    }

    #[test]
    fn without_a_file_nothing_is_configured() {
        assert_eq!(read(&FileSet::default()), (Config::default(), Vec::new()));
        assert_eq!(configured("# empty\n"), (Config::default(), Vec::new()));
    }

    #[test]
    fn a_file_of_a_later_format_is_refused() {
        assert_eq!(configured("version: 1\n").1, [""; 0]);
        for version in ["2", "0", "next"] {
            let said = configured(&format!("version: {version}\n")).1;
            assert_eq!(said, [format!("gitops.yaml has version {version}, this program reads version 1")]);
        }
    }

    #[test]
    fn levels_raise_lower_and_switch_off() {
        let (config, wrong) = configured("rules: {a-rule: error, b-rule: note, c-rule: off}\n");
        assert_eq!(wrong, Vec::<String>::new());
        let severity = |rule, own| config.apply_level(finding(rule, own), None).map(|finding| finding.severity);
        assert_eq!(severity("a-rule", Severity::Warning), Some(Severity::Error));
        assert_eq!(severity("a-rule", Severity::Note), Some(Severity::Note), "what is not proven stays a note");
        assert_eq!(severity("b-rule", Severity::Error), Some(Severity::Note));
        assert_eq!(severity("c-rule", Severity::Error), None);
        assert_eq!(severity("d-rule", Severity::Warning), Some(Severity::Warning));
    }

    #[test]
    fn a_level_may_depend_on_the_path_and_the_longest_path_decides() {
        let text =
            "rules:\n  a-rule: {level: note, paths: {apps: error, apps/old/: off}}\n  b-rule: {paths: {apps: off}}\n";
        let (config, wrong) = configured(text);
        assert_eq!(wrong, Vec::<String>::new());
        let severity = |rule, path: &str| {
            let path = RepoPath::new(path).unwrap();
            config.apply_level(finding(rule, Severity::Warning), Some(&path)).map(|finding| finding.severity)
        };
        assert_eq!(severity("a-rule", "clusters/a.yaml"), Some(Severity::Note));
        assert_eq!(severity("a-rule", "apps/web.yaml"), Some(Severity::Error));
        assert_eq!(severity("a-rule", "apps/old/web.yaml"), None);
        assert_eq!(severity("b-rule", "clusters/a.yaml"), Some(Severity::Warning));
        assert_eq!(severity("b-rule", "apps/web.yaml"), None);
        let (_, wrong) = configured("rules: {a-rule: {paths: {../x: off, apps: loud}, levle: note}}\n");
        assert_eq!(wrong.len(), 3, "{wrong:?}");
    }

    #[test]
    fn an_accepted_finding_is_bound_to_path_cluster_and_day() {
        let text =
            "suppress:\n- {rule: a-rule, path: apps/old, cluster: fra1, reason: retired soon, until: 2027-01-31}\n";
        let (config, wrong) = configured(text);
        assert_eq!(wrong, Vec::<String>::new());
        let accepts = |rule, path: &str, day: &str| {
            let path = RepoPath::new(path).unwrap();
            let finding = finding(rule, Severity::Error);
            config.suppression(&finding, Some(&path), day.parse().unwrap()).is_some()
        };
        assert!(accepts("a-rule", "apps/old/web.yaml", "2027-01-31"));
        assert!(!accepts("a-rule", "apps/older/web.yaml", "2027-01-31"));
        assert!(!accepts("a-rule", "apps/old/web.yaml", "2027-02-01"));
        assert!(!accepts("b-rule", "apps/old/web.yaml", "2027-01-01"));
    }

    #[test]
    fn mistakes_are_found_and_left_out() {
        let text = "cluster: []\nclusters:\n- {name: a, path: ../x}\n- {name: b, path: b}\n- {name: b, path: c}\n\
                    - {path: d}\nrules: {x: fatal}\nsuppress:\n- {rule: x, reason: y, until: soon}\n- {rule: x}\n";
        let (config, wrong) = configured(text);
        let expected = [
            "`gitops.yaml` has no field `cluster`",
            "`../x` leaves the repository",
            "cluster `b` is named twice",
            "an entry of `clusters` has no `name`",
            "rule `x` has the level `fatal`",
            "failed to read `soon` as a day: it is not like `2027-01-31`",
            "an entry of `suppress` has no `reason`",
        ];
        assert_eq!(wrong, expected);
        assert_eq!((config.clusters.len(), config.suppressions.len(), config.levels.len()), (1, 0, 0));
    }

    #[test]
    fn files_of_any_shape_end_in_findings() {
        for text in [
            "[]",
            "1",
            "clusters: 1",
            "clusters: [1]",
            "rules: []",
            "suppress: {a: b}",
            "flux: {}",
            "a: [",
            "clusters:",
        ] {
            configured(text);
        }
        assert_eq!(configured("clusters:\n").1, Vec::<String>::new());
    }
}
