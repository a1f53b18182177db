//! Types of plain scalars, as the two YAML readers of the field see them.

use crate::yaml::{Scalar, Style};

/// Which reader decides the type of a plain scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// go-yaml v3: how kustomize reads resources and strategic merge patches (`yes` is a string, `0644` is octal).
    KustomizeV3,
    /// go-yaml v2 behind sigs.k8s.io/yaml: how the API server, kustomization files and JSON 6902 patches are read
    /// (`yes`, `on`, `y` are booleans).
    KubernetesV2,
}

/// The type and value that a reader gives to a scalar.
#[derive(Debug, Clone, PartialEq)]
pub enum Typed {
    /// null
    Null,
    /// true or false
    Bool(bool),
    /// An integer that fits i64.
    Int(i64),
    /// An integer above `i64::MAX`.
    UInt(u64),
    /// Any other number; also `.inf` and `.nan`, which JSON cannot hold.
    Float(f64),
    /// Text: the scalar's own.
    String,
    /// A date or time (go-yaml v3 only); printed by kustomize as an RFC 3339 string, which is given here.
    Timestamp(String),
    /// `!!binary`, decoded.
    Binary(Vec<u8>),
}

impl Dialect {
    /// Returns the type of `scalar`: its tag's where it has one, a string where it is quoted, else what its text says.
    pub fn resolve(self, scalar: &Scalar) -> Typed {
        if scalar.style != Style::Plain && scalar.tag.is_none() {
            return Typed::String;
        }
        self.resolve_plain(&scalar.text)
    }

    /// Returns the type that `text` has as a plain scalar.
    pub fn resolve_plain(self, text: &str) -> Typed {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Typed::Null,
            "true" | "True" | "TRUE" => Typed::Bool(true),
            "false" | "False" | "FALSE" => Typed::Bool(false),
            _ => Typed::String,
        }
    }
}
