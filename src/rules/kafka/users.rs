//! Rules on the users of a Kafka: whether they can log in, what they may do, and who says to be one.
//!
//! Source: Strimzi 1.2, "Securing access to a Kafka cluster"; Apache Kafka, "Authorization and ACLs".

use crate::diagnostic::{Diagnostic, Severity};
use crate::kustomize::Resource;
use crate::rules::index::{ClusterIndex, Workload};
use crate::rules::kafka::addresses::Address;
use crate::rules::kafka::model::{Kafka, Strimzi, Topic, objects};
use crate::rules::variables::variables;
use crate::rules::{Check, FixAvailability, Rule, nearest};
use crate::yaml::Node;

/// Every rule of this family, in the order they are documented.
pub(in crate::rules) const RULES: &[Rule] =
    &[USER_NOT_ACCEPTED, ACL_WITHOUT_AUTHORIZATION, ACL_TOPIC_UNKNOWN, USER_UNKNOWN, LISTENER_ANONYMOUS];

const USER_NOT_ACCEPTED: Rule = Rule {
    id: "kafka-user-not-accepted",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Some listener of the Kafka accepts the authentication of each KafkaUser: `scram-sha-512`, or `tls` (for `tls-external` too).

## Why it matters
Strimzi makes the user and its Secret, and whoever takes the credentials is refused by every listener.

## What it cannot see
Listeners with `type: custom` are taken to accept everybody.
",
    check: Check::Index(check_accepted),
};

const ACL_WITHOUT_AUTHORIZATION: Rule = Rule {
    id: "kafka-acl-without-authorization",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A Kafka with KafkaUsers that have `spec.authorization` has `spec.kafka.authorization` itself.

## Why it matters
The brokers keep no rights: Strimzi refuses the KafkaUser, which never becomes ready and gets no Secret. Everybody else may \
do everything.

## What it cannot see
An authorizer that `spec.kafka.config` was to bring: Strimzi does not take it from there.
",
    check: Check::Index(check_authorization),
};

const ACL_TOPIC_UNKNOWN: Rule = Rule {
    id: "kafka-acl-topic-unknown",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
Each topic that a KafkaUser has rights on is a KafkaTopic of its Kafka; of a prefix there is at least one.

## Why it matters
The right is for nothing, and the topic that was meant is denied: `TOPIC_AUTHORIZATION_FAILED`.

## What it cannot see
Topics that programs create themselves: a Kafka without any KafkaTopic is not looked at.
",
    check: Check::Index(check_topics),
};

const USER_UNKNOWN: Rule = Rule {
    id: "kafka-user-unknown",
    severity: Severity::Error,
    fix: FixAvailability::None,
    docs: "\
## What it checks
The name that a container logs in with at a Kafka (a variable with the words `SASL` and `USER` or `USERNAME`) is a KafkaUser of \
that Kafka, where it has KafkaUsers.

## Why it matters
The brokers know no such user: `SASL authentication failed`, and the program never gets further.

## What it cannot see
Names in Secrets, in files and inside JAAS configurations, and users that somebody made by hand.
",
    check: Check::Index(check_known),
};

const LISTENER_ANONYMOUS: Rule = Rule {
    id: "kafka-listener-anonymous",
    severity: Severity::Warning,
    fix: FixAvailability::None,
    docs: "\
## What it checks
A Kafka with `authorization` has authentication at each of its listeners.

## Why it matters
Whoever comes through a listener without authentication is `User:ANONYMOUS`, whom no KafkaUser can stand for: it connects and \
may do nothing, or, as a super user, everything.

## What it cannot see
Rights that were given to `User:ANONYMOUS` by hand.
",
    check: Check::Index(check_anonymous),
};

/// Returns every KafkaUser with the Kafka that it belongs to.
fn users<'s, 'a>(index: &ClusterIndex<'a>, strimzi: &'s Strimzi<'a>) -> Vec<(&'a Resource, &'s Kafka<'a>)> {
    objects(index, "KafkaUser").filter_map(|user| Some((user, strimzi.owner_of(user)?))).collect()
}

/// Reports every user whom no listener accepts.
fn check_accepted(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let strimzi = Strimzi::of(index);
    for (user, kafka) in users(index, &strimzi) {
        let Some(node) = user.node.at(&["spec", "authentication", "type"]) else { continue };
        let Some(written) = node.as_str() else { continue };
        let wanted = if written == "tls-external" { "tls" } else { written };
        let accepted: Vec<&str> = kafka
            .listeners()
            .filter_map(|listener| listener.0.at(&["authentication", "type"]).and_then(Node::as_str))
            .collect();
        if accepted.iter().any(|kind| *kind == wanted || *kind == "custom") {
            continue;
        }
        let owner = kafka.resource.object_ref();
        let help = match accepted.as_slice() {
            [] => format!("give a listener of `{owner}` an `authentication` of this type"),
            kinds => format!("write `{}`, or give a listener an `authentication` of this type", kinds.join("` or `")),
        };
        out.push(
            rule.report(format!("no listener of `{owner}` accepts `{}`", user.object_ref()))
                .label(node.span, format!("logs in by {written}"))
                .label(kafka.resource.name_span(), "this Kafka")
                .help(help)
                .note("its Secret is made, and its credentials are refused"),
        );
    }
}

/// Reports every user with rights at a Kafka that keeps none.
fn check_authorization(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let strimzi = Strimzi::of(index);
    for (user, kafka) in users(index, &strimzi) {
        let is_kept = kafka.resource.node.at(&["spec", "kafka", "authorization"]).is_some_and(|field| !field.is_null());
        let Some(rights) = user.node.at(&["spec", "authorization", "type"]).filter(|_| !is_kept) else { continue };
        let owner = kafka.resource.object_ref();
        out.push(
            rule.report(format!("`{}` has rights, and `{owner}` has no authorization", user.object_ref()))
                .label(rights.span, "rights that nobody keeps")
                .label(kafka.resource.name_span(), "no `spec.kafka.authorization`")
                .help("add `authorization: {type: simple}` below `spec.kafka`")
                .note("Strimzi refuses the user, and makes no Secret for it"),
        );
    }
}

/// Reports every right on a topic that is not there.
fn check_topics(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let strimzi = Strimzi::of(index);
    for (user, kafka) in users(index, &strimzi) {
        let topics: Vec<&str> = strimzi.topics_of(kafka).map(Topic::name).collect();
        let rights = user.node.at(&["spec", "authorization"]).map(|field| field.items("acls")).unwrap_or_default();
        for resource in rights.iter().filter_map(|right| right.get("resource")) {
            let text = |key: &str| resource.get(key).and_then(Node::as_str);
            let Some((node, name)) = resource.get("name").and_then(|node| Some((node, node.as_str()?))) else {
                continue;
            };
            let is_prefix = text("patternType") == Some("prefix");
            // Topics of Kafka itself and of its tools have no KafkaTopic.
            let is_internal = name.starts_with("__") || name == "*";
            let is_there = || topics.iter().any(|topic| *topic == name || is_prefix && topic.starts_with(name));
            if topics.is_empty() || text("type") != Some("topic") || is_internal || is_there() {
                continue;
            }
            let near = nearest(name, topics.iter().copied());
            let what = if is_prefix { "topics that begin with" } else { "the topic" };
            let help =
                near.map_or_else(|| format!("add a KafkaTopic `{name}`"), |near| format!("did you mean `{near}`?"));
            out.push(
                rule.report(format!(
                    "`{}` has rights on {what} `{name}`, which `{}` does not have",
                    user.object_ref(),
                    kafka.resource.object_ref()
                ))
                .label(node.span, "no KafkaTopic has this name")
                .help(help)
                .note("every other topic is denied to it: `TOPIC_AUTHORIZATION_FAILED`")
                .at_most(index.absence(kafka.resource.namespace(), near)),
            );
        }
    }
}

/// Reports every container that logs in as somebody who is not there.
fn check_known(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    let strimzi = Strimzi::of(index);
    let users = users(index, &strimzi);
    for workload in index.workloads() {
        for container in workload.containers() {
            let variables = variables(index, workload, container);
            let mut addresses =
                variables.iter().flat_map(|variable| Address::all(variable.value(), workload.namespace()));
            let Some(kafka) = addresses.find_map(|address| address.find(&strimzi)) else { continue };
            let is_of = |owner: &Kafka<'_>| std::ptr::eq(owner.resource, kafka.resource);
            let known: Vec<&str> =
                users.iter().filter(|(_, owner)| is_of(owner)).map(|(user, _)| user.name()).collect();
            let logins = variables.iter().filter(|variable| {
                variable.has_word(&["SASL"]) && variable.has_word(&["USER", "USERNAME"]) && !variable.value().is_empty()
            });
            for login in logins.filter(|login| !known.is_empty() && !known.contains(&login.value())) {
                out.push(unknown(rule, index, workload, &(login.value(), login.node), (kafka, &known)));
            }
        }
    }
}

/// Returns the finding on a login that none of the users `known` has.
fn unknown(
    rule: &Rule,
    index: &ClusterIndex<'_>,
    workload: &Workload<'_>,
    login: &(&str, &Node),
    of: (&Kafka<'_>, &[&str]),
) -> Diagnostic {
    let (kafka, known) = of;
    let (name, node) = *login;
    let near = nearest(name, known.iter().copied());
    let namespace = kafka.resource.namespace();
    let help = near.map_or_else(
        || format!("add a KafkaUser `{name}` to the namespace `{namespace}`"),
        |near| format!("did you mean `{near}`?"),
    );
    let (who, owner) = (workload.resource().object_ref(), kafka.resource.object_ref());
    rule.report(format!("`{who}` logs in as `{name}`, whom `{owner}` does not know"))
        .label(node.span, "no KafkaUser has this name")
        .help(help)
        .note("the brokers refuse it: `SASL authentication failed`")
        .at_most(index.absence(namespace, near))
}

/// Reports every listener that lets in whom no right can name.
fn check_anonymous(rule: &Rule, index: &ClusterIndex<'_>, out: &mut Vec<Diagnostic>) {
    for kafka in Strimzi::of(index).clusters {
        let authorization = kafka.resource.node.at(&["spec", "kafka", "authorization", "type"]);
        if authorization.and_then(Node::as_str) != Some("simple") {
            continue;
        }
        let is_open = |field: Option<&Node>| field.is_none_or(Node::is_null);
        for listener in kafka.listeners().filter(|listener| is_open(listener.0.at(&["authentication", "type"]))) {
            let owner = kafka.resource.object_ref();
            let name = listener.text("name");
            let span = listener.0.get("name").map_or(listener.0.span, |field| field.span);
            out.push(
                rule.report(format!(
                    "listener `{name}` of `{owner}` asks nobody who is there, and the Kafka has authorization"
                ))
                .label(span, "no `authentication`")
                .help("give it an `authentication`, or take it away")
                .note("its clients are `User:ANONYMOUS`, whom no KafkaUser can stand for"),
            );
        }
    }
}
