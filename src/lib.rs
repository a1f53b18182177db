//! gitops-gen generates Flux multi-cluster GitOps repositories and validates any of them offline.
//!
//! A repository is parsed once into a tree in which every value knows the file and the bytes it came from; everything
//! else is a function over that tree. The groups below are the floors of the house, lowest first: a module uses only
//! modules of lower floors, and `tests/architecture.rs` keeps it so.

// Ground
pub mod text;

// Floor 1
pub mod diagnostic;
pub mod git;

// Floor 2
pub mod yaml;

// Floor 3
pub mod config;
pub mod kube;

// Floor 4
pub mod repo;

// Floor 5
pub mod image;
pub mod kustomize;
pub mod schema;

// Floor 6
pub mod flux;

// Floor 7
pub mod generate;
pub mod promote;
pub mod rules;

// Floor 8
pub mod apply;
pub mod report;
pub mod session;

// Floor 9
pub mod editor;

// Roof
pub mod cli;
