//! Kafka stream processors: `trades` brings an exchange's trades to a topic, `candles` makes candles of them.
//!
//! The groups of modules are floors, lowest first; a module uses only modules of lower floors. The first two know neither Kafka
//! nor a clock: they are functions of values, and hold everything that decides what a candle is.

// Ground: values.
pub mod decimal;
pub mod settings;
pub mod trade;

// First floor: what a partition of trades becomes.
pub mod candle;
pub mod checkpoint;
pub mod partition;
