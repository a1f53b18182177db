//! Environment variables as a table: what is read, checked and printed comes from it and from nowhere else.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fmt::Write;
use std::str::FromStr;

use thiserror::Error;

/// Whether a variable has to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Without it the program does not start.
    Required,
    /// Nothing stands for it.
    Optional,
    /// This value stands for it.
    Default(&'static str),
}

/// One variable of a program.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Other names for it, of older and of other programs.
    pub aliases: &'static [&'static str],
    /// Whether it has to be set.
    pub presence: Presence,
    /// What it is, for people.
    pub help: &'static str,
}

/// What a thing of Kafka is; the words are those of Strimzi's KafkaUser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceKind {
    /// A topic, and how it has to be: `partitions`, where that is not free, and its configuration.
    Topic {
        /// A number, or the variable of the topic that has as many.
        partitions: Option<&'static str>,
        /// Names and values of Kafka, `cleanup.policy` first.
        config: &'static [(&'static str, &'static str)],
    },
    /// A consumer group.
    Group,
    /// A transactional id, used with `PROCESSING_GUARANTEE=exactly_once` alone.
    TransactionalId,
}

/// Something of Kafka that a program uses. It creates nothing: the manifests do.
#[derive(Clone, Copy, Debug)]
pub struct Resource {
    /// What it is.
    pub kind: ResourceKind,
    /// The variable that names it.
    pub variable: &'static str,
    /// What the program's user has to be allowed.
    pub operations: &'static [&'static str],
    /// What it is of use to allow beside: without it the program does less, and says so.
    pub optional: &'static [&'static str],
}

impl Resource {
    /// Returns the word of a KafkaUser for what it is.
    pub fn word(&self) -> &'static str {
        match self.kind {
            ResourceKind::Topic { .. } => "topic",
            ResourceKind::Group => "group",
            ResourceKind::TransactionalId => "transactionalId",
        }
    }

    fn write(&self, yaml: &mut String) {
        let (word, operations) = (self.word(), self.operations.join(", "));
        let _ =
            writeln!(yaml, "    - kind: {word}\n      variable: {}\n      operations: [{operations}]", self.variable);
        if !self.optional.is_empty() {
            let _ = writeln!(yaml, "      optional: [{}]", self.optional.join(", "));
        }
        if let ResourceKind::Topic { partitions, config } = self.kind {
            if let Some(partitions) = partitions {
                let _ = writeln!(yaml, "      partitions: {partitions}");
            }
            yaml.push_str("      config:\n");
            for (name, value) in config {
                let _ = writeln!(yaml, "        {name}: {value}");
            }
        }
    }
}

/// What a program reads, where it answers and what it uses of Kafka: the contract with the manifests.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The name of the binary, the image and the Deployment.
    pub name: &'static str,
    /// Every variable, in the order of the documentation.
    pub variables: &'static [&'static [Variable]],
    /// What it uses of Kafka.
    pub resources: &'static [Resource],
}

/// The port of `/livez`, `/readyz` and `/metrics`.
pub const HTTP_PORT: u16 = 9090;

/// Milliseconds in which a program has drained after SIGTERM, unless told otherwise.
pub const SHUTDOWN_TIMEOUT_MS: &str = "20000";

impl Program {
    /// Returns the variables.
    pub fn variables(&self) -> impl Iterator<Item = &'static Variable> {
        self.variables.iter().flat_map(|group| group.iter())
    }

    /// Returns the contract as YAML.
    pub fn contract(&self) -> String {
        let mut yaml = format!("{}:\n  port: {HTTP_PORT}\n", self.name);
        yaml.push_str("  probes: {live: /livez, ready: /readyz, metrics: /metrics}\n");
        let _ = writeln!(yaml, "  shutdownTimeoutMilliseconds: {SHUTDOWN_TIMEOUT_MS}\n  environment:");
        for variable in self.variables() {
            let _ = writeln!(yaml, "    - name: {}", variable.name);
            if !variable.aliases.is_empty() {
                let _ = writeln!(yaml, "      aliases: [{}]", variable.aliases.join(", "));
            }
            match variable.presence {
                Presence::Required => yaml.push_str("      required: true\n"),
                Presence::Optional => {}
                Presence::Default(value) => {
                    let _ = writeln!(yaml, "      default: \"{value}\"");
                }
            }
            let _ = writeln!(yaml, "      description: \"{}\"", variable.help.replace('"', "'"));
        }
        yaml.push_str("  resources:\n");
        for resource in self.resources {
            resource.write(&mut yaml);
        }
        yaml
    }
}

/// Every mistake in the environment, one a line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", .0.join("\n"))]
pub struct Mistakes(pub Vec<String>);

/// Reads variables and collects what is wrong with them.
#[derive(Debug)]
pub struct Reader<'a> {
    program: &'a Program,
    environment: &'a BTreeMap<String, String>,
    mistakes: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Returns a reader of `environment`.
    pub fn new(program: &'a Program, environment: &'a BTreeMap<String, String>) -> Self {
        Self { program, environment, mistakes: Vec::new() }
    }

    /// Returns the name under which a variable is set, and its value; the default where it is not. Of names that disagree, the
    /// first is taken, and it is a mistake.
    ///
    /// # Panics
    /// When the program has no variable `name`.
    pub fn found(&mut self, name: &str) -> Option<(&'static str, String)> {
        let variable = self.program.variables().find(|variable| variable.name == name);
        let variable = variable.expect("only variables of the table are read");
        let mut found: Option<(&'static str, String)> = None;
        for name in [&[variable.name], variable.aliases].concat() {
            // An empty value is how manifests unset a variable.
            let Some(value) = self.environment.get(name).filter(|value| !value.is_empty()) else { continue };
            match &found {
                Some((first, other)) if other != value => {
                    self.mistakes.push(format!("{name} and {first} say different things: keep one of them"));
                }
                Some(_) => {}
                None => found = Some((name, value.clone())),
            }
        }
        match (found, variable.presence) {
            (Some(found), _) => Some(found),
            (None, Presence::Default(value)) => Some((variable.name, value.to_owned())),
            (None, Presence::Optional) => None,
            (None, Presence::Required) => {
                self.mistakes.push(format!("{name} is not set: {}", variable.help));
                None
            }
        }
    }

    /// Returns the text of a variable; empty when it is not set.
    pub fn text(&mut self, name: &str) -> String {
        self.found(name).map(|(_, value)| value).unwrap_or_default()
    }

    /// Returns the number of a variable, between `least` and `most`.
    pub fn number<T: FromStr + PartialOrd + Display + Copy>(&mut self, name: &str, least: T, most: T) -> T {
        let Some((found, value)) = self.found(name) else { return least };
        match value.parse::<T>() {
            Ok(number) if number >= least && number <= most => number,
            _ => {
                self.mistake(format!("{found} is `{value}`, not a number from {least} to {most}"));
                least
            }
        }
    }

    /// Returns what `choices` has for the value of a variable.
    pub fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let (found, value) = self.found(name)?;
        let choice = choices.iter().find(|(word, _)| *word == value.to_lowercase()).map(|(_, choice)| *choice);
        if choice.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.mistake(format!("{found} is `{value}`, not one of {}", words.join(", ")));
        }
        choice
    }

    /// Adds a mistake.
    pub fn mistake(&mut self, text: String) {
        self.mistakes.push(text);
    }

    /// Returns `value` when there was no mistake.
    ///
    /// # Errors
    /// With every mistake, when there was one.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Mistakes> {
        match value {
            Some(value) if self.mistakes.is_empty() => Ok(value),
            _ => Err(Mistakes(self.mistakes)),
        }
    }
}
