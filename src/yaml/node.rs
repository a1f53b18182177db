//! The tree itself.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::text::Span;
use crate::yaml::{Dialect, Entry, Map, Members, Typed};

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// Without quotes: its type depends on its text.
    Plain,
    /// `'text'`
    SingleQuoted,
    /// `"text"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// A scalar as text; [`Scalar::typed`] gives it a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The text after unquoting, unescaping and folding.
    pub text: SmolStr,
    /// How it was written.
    pub style: Style,
    /// The explicit tag in its short form (`!!str`, `!custom`), where one was written or a transformer fixed the type.
    pub tag: Option<Tag>,
}

/// An explicit tag in its short form. Few scalars have one, hence it stands outside of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(Box<SmolStr>);

impl<T: Into<SmolStr>> From<T> for Tag {
    fn from(text: T) -> Self {
        Self(Box::new(text.into()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self)
    }
}

impl Deref for Tag {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Scalar {
    /// Returns a plain scalar: its type is what its text says.
    pub fn plain(text: impl Into<SmolStr>) -> Self {
        Self { text: text.into(), style: Style::Plain, tag: None }
    }

    /// Returns a scalar that is a string whatever its text.
    pub fn string(text: impl Into<SmolStr>) -> Self {
        Self { text: text.into(), style: Style::DoubleQuoted, tag: None }
    }

    /// Returns the value as `dialect` reads it.
    pub fn typed(&self, dialect: Dialect) -> Typed {
        dialect.resolve(self)
    }

    /// Returns whether `dialect` reads a string.
    pub fn is_string(&self, dialect: Dialect) -> bool {
        matches!(self.typed(dialect), Typed::String)
    }
}

/// The three kinds of YAML node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Text with a type.
    Scalar(Scalar),
    /// A list. Clones share their items until one is changed.
    Sequence(Members<Node>),
    /// A mapping.
    Map(Map),
}

/// What made or changed a value after it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A strategic merge or JSON 6902 patch set it; the node's span is in the patch.
    Patch,
    /// A transformer of a kustomization file or of a Flux Kustomization set or changed it; its name as in the file
    /// (`namespace`, `images`, `namePrefix`, `labels`, `configMapGenerator`, …).
    Transformer(&'static str),
    /// postBuild substitution; the names of the variables that were used, sorted.
    Substitution(Vec<SmolStr>),
    /// A name reference that follows its renamed target.
    NameReference,
}

/// How a value came to be, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// What happened.
    pub step: Step,
    /// The place that caused it: the transformer's field, the patch, the expression.
    pub by: Option<Span>,
    /// Where the value stood before.
    pub before: Option<Span>,
    /// Earlier steps.
    pub earlier: Option<Arc<Chain>>,
}

/// A value that knows where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The value.
    pub kind: Kind,
    /// The bytes that last set it (in a file of the repository).
    pub span: Span,
    /// How it came to be, where it is not simply what a file says.
    pub chain: Option<Arc<Chain>>,
}

impl Node {
    /// Returns a node that a file says.
    pub fn new(kind: Kind, span: Span) -> Self {
        Self { kind, span, chain: None }
    }

    /// Returns a plain scalar, typed by its text.
    pub fn plain(text: impl Into<SmolStr>, span: Span) -> Self {
        Self::new(Kind::Scalar(Scalar::plain(text)), span)
    }

    /// Returns a string scalar.
    pub fn string(text: impl Into<SmolStr>, span: Span) -> Self {
        Self::new(Kind::Scalar(Scalar::string(text)), span)
    }

    /// Returns an explicit null.
    pub fn null(span: Span) -> Self {
        Self::plain("null", span)
    }

    /// Returns a list.
    pub fn sequence(items: Vec<Node>, span: Span) -> Self {
        Self::new(Kind::Sequence(items.into()), span)
    }

    /// Returns a mapping.
    pub fn map(entries: Vec<Entry>, span: Span) -> Self {
        Self::new(Kind::Map(Map::from_entries(entries)), span)
    }

    /// Returns an empty mapping.
    pub fn empty_map(span: Span) -> Self {
        Self::map(Vec::new(), span)
    }

    /// Records that `step`, caused by `by`, made this node what it is, instead of what stood at `before`.
    pub fn via(mut self, step: Step, by: Option<Span>, before: Option<&Node>) -> Self {
        self.chain = Some(Arc::new(Chain {
            step,
            by,
            before: before.map(|node| node.span),
            earlier: before.and_then(|node| node.chain.clone()).or(self.chain),
        }));
        self
    }

    /// Returns the scalar.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Returns the scalar for change.
    pub fn as_scalar_mut(&mut self) -> Option<&mut Scalar> {
        match &mut self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Returns the text of a scalar that is not null, whatever its type.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(scalar) if !self.is_null() => Some(&scalar.text),
            _ => None,
        }
    }

    /// Returns the items of a list.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the items of a list for change.
    pub fn as_sequence_mut(&mut self) -> Option<&mut Members<Node>> {
        match &mut self.kind {
            Kind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the mapping.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns the mapping for change.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match &mut self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns the value of `key`, where this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    /// Returns the value of `key` for change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.as_map_mut()?.get_mut(key)
    }

    /// Returns the node at the end of `keys`, one mapping key each.
    pub fn at(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Returns the items of the list at `key`; none where it is absent or no list.
    pub fn items(&self, key: &str) -> &[Node] {
        self.get(key).and_then(Node::as_sequence).unwrap_or_default()
    }

    /// Returns whether this is null, written or empty (`~`, `null`, nothing).
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(scalar) if matches!(scalar.typed(Dialect::KustomizeV3), Typed::Null))
    }

    /// Returns the word for messages: `null`, `text`, `list` or `mapping`.
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(_) if self.is_null() => "null",
            Kind::Scalar(_) => "scalar",
            Kind::Sequence(_) => "list",
            Kind::Map(_) => "mapping",
        }
    }
}

/// Where a comment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommentPlace {
    /// On its own line.
    OwnLine,
    /// After content on the same line.
    AfterContent,
}

/// A comment, from `#` to the end of its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// With the `#`, without the line break.
    pub span: Span,
    /// Where it stands.
    pub place: CommentPlace,
    /// For a comment after content: the span of the scalar that ends (or, for a block scalar, begins) on this line.
    pub scalar: Option<Span>,
}
