//! Label selectors: in their text form (`app=web,tier in (a, b),!canary`), as labels, and as objects write them.

use std::fmt;

use crate::yaml::{Entry, Map, Node};

/// What one requirement of a selector asks of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

/// A label selector: every requirement has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSelector(Vec<(String, Test)>);

/// Why a text is no label selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read the selector `{selector}`: {reason}")]
pub struct SelectorError {
    /// The selector as it is written.
    pub selector: String,
    /// What is wrong.
    pub reason: &'static str,
}

impl LabelSelector {
    /// Returns the selector that `text` writes; an empty text selects everything.
    ///
    /// Source: `k8s.io/apimachinery/pkg/labels`.
    ///
    /// # Errors
    /// On anything that Kubernetes does not take for a selector.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let tokens = tokens(text);
        let mut reader = Reader { tokens: &tokens, at: 0 };
        let mut requirements = Vec::new();
        let refuse = |reason| SelectorError { selector: text.to_owned(), reason };
        while reader.peek().is_some() {
            requirements.push(reader.requirement().map_err(refuse)?);
            match reader.next() {
                None => break,
                Some(Token::Comma) if reader.peek().is_some() => {}
                Some(_) => return Err(refuse("expected `,` between requirements")),
            }
        }
        Ok(Self(requirements))
    }

    /// Returns the selector that asks for each of `labels`: that of a Service.
    pub fn of_labels(labels: &Map) -> Self {
        let requirement = |entry: &Entry| {
            let value = entry.value.as_str().unwrap_or("").to_owned();
            (entry.key.text().to_owned(), Test::In(vec![value]))
        };
        Self(labels.iter().map(requirement).collect())
    }

    /// Returns the selector that an object writes as `matchLabels` and `matchExpressions`; an empty one selects
    /// everything. Operators that Kubernetes does not know are left to the schema and require nothing.
    pub fn of_node(node: &Node) -> Self {
        let mut selector = node.get("matchLabels").and_then(Node::as_map).map(Self::of_labels).unwrap_or_default();
        for expression in node.items("matchExpressions") {
            let field = |key| expression.get(key).and_then(Node::as_str);
            let (Some(key), Some(operator)) = (field("key"), field("operator")) else { continue };
            let values = || expression.items("values").iter().filter_map(Node::as_str).map(str::to_owned).collect();
            let test = match operator {
                "In" => Test::In(values()),
                "NotIn" => Test::NotIn(values()),
                "Exists" => Test::Exists,
                "DoesNotExist" => Test::Absent,
                _ => continue,
            };
            selector.0.push((key.to_owned(), test));
        }
        selector
    }

    /// Returns whether nothing is required.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether labels, looked up with `label`, fulfil every requirement.
    pub fn matches<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.0.iter().all(|(key, test)| {
            let value = label(key);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match test {
                Test::Exists => value.is_some(),
                Test::Absent => value.is_none(),
                Test::In(values) => value.is_some_and(|value| values.iter().any(|wanted| wanted == value)),
                Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|wanted| wanted != value)),
                Test::Above(bound) => number().is_some_and(|number| number > *bound),
                Test::Below(bound) => number().is_some_and(|number| number < *bound),
            }
        })
    }
}

/// A word or a sign of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Comma,
    Open,
    Close,
    Not,
    Equals,
    Differs,
    Above,
    Below,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let token = match character {
            ' ' | '\t' | '\r' | '\n' => continue,
            ',' => Token::Comma,
            '(' => Token::Open,
            ')' => Token::Close,
            '>' => Token::Above,
            '<' => Token::Below,
            '!' => match characters.next_if_eq(&'=') {
                Some(_) => Token::Differs,
                None => Token::Not,
            },
            '=' => {
                characters.next_if_eq(&'=');
                Token::Equals
            }
            first => {
                let mut word = first.to_string();
                while let Some(next) = characters.next_if(|next| !" \t\r\n,()><!=".contains(*next)) {
                    word.push(next);
                }
                Token::Word(word)
            }
        };
        tokens.push(token);
    }
    tokens
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn requirement(&mut self) -> Result<(String, Test), &'static str> {
        let is_negated = self.peek() == Some(&Token::Not);
        if is_negated {
            self.at += 1;
        }
        let Some(Token::Word(key)) = self.next() else { return Err("expected a label key") };
        if !is_label_key(&key) {
            return Err("a label key has letters, digits, `-`, `_`, `.` and at most one `/`");
        }
        if is_negated {
            return Ok((key, Test::Absent));
        }
        let test = match self.peek() {
            None | Some(Token::Comma) => return Ok((key, Test::Exists)),
            Some(Token::Equals) => Test::In(vec![self.value()?]),
            Some(Token::Differs) => Test::NotIn(vec![self.value()?]),
            Some(Token::Above) => Test::Above(self.value()?.parse().map_err(|_| "expected an integer after `>`")?),
            Some(Token::Below) => Test::Below(self.value()?.parse().map_err(|_| "expected an integer after `<`")?),
            Some(Token::Word(word)) if word == "in" => Test::In(self.values()?),
            Some(Token::Word(word)) if word == "notin" => Test::NotIn(self.values()?),
            Some(_) => return Err("expected an operator after the label key"),
        };
        Ok((key, test))
    }

    /// Reads the value after an operator; none at all is the empty value.
    fn value(&mut self) -> Result<String, &'static str> {
        self.at += 1;
        match self.peek() {
            None | Some(Token::Comma) => Ok(String::new()),
            Some(Token::Word(word)) if is_label_value(word) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            Some(_) => Err("expected a label value"),
        }
    }

    /// Reads the values in parentheses after `in` or `notin`.
    fn values(&mut self) -> Result<Vec<String>, &'static str> {
        self.at += 1;
        if self.next() != Some(Token::Open) {
            return Err("expected `(`");
        }
        let mut values = vec![String::new()];
        loop {
            match self.next() {
                Some(Token::Close) => return Ok(values),
                Some(Token::Comma) => values.push(String::new()),
                Some(Token::Word(word)) if is_label_value(&word) => {
                    if let Some(last) = values.last_mut() {
                        *last = word;
                    }
                }
                _ => return Err("expected values and `)`"),
            }
        }
    }
}

fn is_label_key(key: &str) -> bool {
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let is_prefix =
        |prefix: &str| !prefix.is_empty() && prefix.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
    !name.is_empty() && is_label_value(name) && prefix.is_none_or(is_prefix)
}

fn is_label_value(value: &str) -> bool {
    let ends_well = |character: Option<char>| character.is_none_or(|character| character.is_ascii_alphanumeric());
    value.len() <= 63
        && value.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
        && ends_well(value.chars().next())
        && ends_well(value.chars().next_back())
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (key, test)) in self.0.iter().enumerate() {
            if at > 0 {
                formatter.write_str(",")?;
            }
            match test {
                Test::Exists => write!(formatter, "{key}")?,
                Test::Absent => write!(formatter, "!{key}")?,
                Test::In(values) if values.len() == 1 => write!(formatter, "{key}={}", values[0])?,
                Test::In(values) => write!(formatter, "{key} in ({})", values.join(","))?,
                Test::NotIn(values) => write!(formatter, "{key} notin ({})", values.join(","))?,
                Test::Above(bound) => write!(formatter, "{key}>{bound}")?,
                Test::Below(bound) => write!(formatter, "{key}<{bound}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(selector: &str, labels: &[(&str, &'static str)]) -> bool {
        let selector = LabelSelector::parse(selector).unwrap();
        selector.matches(|key| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value))
    }

    #[test]
    fn every_requirement_has_to_hold() {
        let labels = [("app", "web"), ("tier", "a")];
        assert!(selects("app=web,tier in (a, b),!canary", &labels));
        assert!(!selects("app == web, tier notin (a)", &labels));
        assert!(selects("app!=api,tier", &labels));
    }

    #[test]
    fn objects_write_the_same_requirements_as_text() {
        let text = "matchLabels: {app: web}\nmatchExpressions: [{key: tier, operator: In, values: [a, b]}, \
                    {key: canary, operator: DoesNotExist}]\n";
        let files = crate::text::FileSet::from_texts([("a.yaml", text)]);
        let (_, source) = files.iter().next().unwrap();
        let node = crate::yaml::parse(source, text).documents.remove(0).root;
        assert_eq!(LabelSelector::of_node(&node), LabelSelector::parse("app=web,tier in (a, b),!canary").unwrap());
    }

    #[test]
    fn a_label_that_is_absent_differs_from_every_value() {
        assert!(selects("app!=web", &[]));
        assert!(!selects("app=web", &[]));
    }

    #[test]
    fn what_kubernetes_refuses_is_refused() {
        for selector in ["a b", "a in b", "=x", "a=b,", "a=b c", "a in (b", "-a"] {
            assert!(LabelSelector::parse(selector).is_err(), "{selector}");
        }
    }
}
