//! What a rule asked of a cluster: as long as none of it changes, what the rule found holds.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// One thing that can be asked of a cluster, and that a change of its objects may answer differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::rules) enum Question<'a> {
    /// Which objects of this group and kind are there, and what do they say?
    Kind(&'a str, &'a str),
    /// Which objects of this group are there, and what do they say?
    Group(&'a str),
    /// Which objects of this namespace and name are there, and what do they say?
    Name(&'a str, &'a str),
    /// What makes pods?
    Workloads,
    /// In which namespaces are objects?
    Namespaces,
    /// Was everything rendered?
    Resolved,
}

/// The questions that a rule asked, or those that a change answers differently; as hashes, of which two that are equal by chance
/// cost a run of the rule too many.
#[derive(Debug, Clone, Default)]
pub(in crate::rules) struct Questions {
    hashes: HashSet<u64>,
    /// Whether it is everything.
    all: bool,
}

impl Questions {
    /// Adds a question.
    pub(in crate::rules) fn add(&mut self, question: Question<'_>) {
        let mut hasher = DefaultHasher::new();
        question.hash(&mut hasher);
        self.hashes.insert(hasher.finish());
    }

    /// Adds every question.
    pub(in crate::rules) fn add_all(&mut self) {
        self.all = true;
    }

    /// Returns whether it is everything.
    pub(in crate::rules) fn are_all(&self) -> bool {
        self.all
    }

    /// Returns whether a question is in both, or one of them is everything: that holds more than questions can say.
    pub(in crate::rules) fn meet(&self, other: &Self) -> bool {
        let (few, many) = if self.hashes.len() < other.hashes.len() { (self, other) } else { (other, self) };
        self.all || other.all || few.hashes.iter().any(|hash| many.hashes.contains(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn questions(asked: &[Question<'_>]) -> Questions {
        let mut questions = Questions::default();
        for question in asked {
            questions.add(*question);
        }
        questions
    }

    #[test]
    fn a_question_meets_itself_and_everything_and_nothing_else() {
        let asked = questions(&[Question::Kind("apps", "Deployment"), Question::Name("web", "shop")]);
        assert!(asked.meet(&questions(&[Question::Name("web", "shop"), Question::Workloads])));
        assert!(!asked.meet(&questions(&[Question::Name("shop", "web"), Question::Kind("", "Deployment")])));
        assert!(!asked.meet(&questions(&[])));
        let mut all = Questions::default();
        all.add_all();
        assert!(asked.meet(&all) && all.meet(&asked) && all.meet(&questions(&[])));
    }
}
