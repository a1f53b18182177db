//! Kafka stream processors: trades and candles.
