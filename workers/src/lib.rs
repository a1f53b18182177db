//! Kafka stream processors: `trades` brings an exchange's trades to a topic, `candles` makes candles of them.
//!
//! The groups of modules are floors, lowest first; a module uses only modules of lower floors. The first two know neither Kafka
//! nor a clock: they are functions of values, and hold everything that decides what a candle is.

// Ground: values.
pub mod decimal;
pub mod environment;
pub mod settings;
pub mod trade;

// First floor: what a partition of trades becomes.
pub mod candle;
pub mod checkpoint;
pub mod partition;

// Second floor: where trades come from.
pub mod source;

// Third floor: configuration.
pub mod config;

// Fourth floor: Kafka, numbers and the web server.
pub mod http;
pub mod kafka;
pub mod metrics;

// Fifth floor: the live page.
pub mod web;

// Sixth floor: the loops.
pub mod ingest;
pub mod processor;

// Roof: the only place that prints and reads the environment.
pub mod program;
