//! What every program reads: how Kafka is reached, and how the program runs.

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::Kafka;
use crate::config::LogFormat;
use crate::config::Operation;
use crate::environment::Reader;

/// Reads how Kafka is reached.
pub(crate) fn kafka(reader: &mut Reader) -> Kafka {
    let mut properties = vec![("bootstrap.servers", reader.text("KAFKA_BROKER_ADDRESS"))];
    let protocols = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"].map(|word| (word, word));
    let protocol = reader.choice("KAFKA_SECURITY_PROTOCOL", &protocols).unwrap_or("plaintext");
    properties.push(("security.protocol", protocol.to_owned()));
    if protocol.ends_with("ssl") && !cfg!(feature = "tls") {
        reader.mistake(format!(
            "KAFKA_SECURITY_PROTOCOL is `{protocol}`, and this program was built without the feature tls"
        ));
    }
    let mut file = |name: &str, property: &'static str| {
        if let Some((found, path)) = reader.found(name) {
            if let Err(error) = std::fs::metadata(&path) {
                reader.mistake(format!("{found} is `{path}`: {error}"));
            }
            properties.push((property, path));
        }
    };
    file("KAFKA_SSL_CA_FILE", "ssl.ca.location");
    file("KAFKA_SSL_CERTIFICATE_FILE", "ssl.certificate.location");
    file("KAFKA_SSL_KEY_FILE", "ssl.key.location");
    if protocol.starts_with("sasl") {
        sasl(reader, &mut properties);
    }
    Kafka { properties }
}

fn sasl(reader: &mut Reader, properties: &mut Vec<(&'static str, String)>) {
    let mechanisms = ["scram-sha-512", "scram-sha-256", "plain"].map(|word| (word, word));
    match reader.choice("KAFKA_SASL_MECHANISM", &mechanisms) {
        Some(mechanism) if mechanism.starts_with("scram") && !cfg!(feature = "tls") => reader.mistake(format!(
            "KAFKA_SASL_MECHANISM is `{mechanism}`, and this program was built without the feature tls"
        )),
        Some(mechanism) => properties.push(("sasl.mechanism", mechanism.to_uppercase())),
        None => reader.mistake("SASL needs KAFKA_SASL_MECHANISM".to_owned()),
    }
    match reader.found("KAFKA_SASL_USERNAME") {
        Some((_, user)) => properties.push(("sasl.username", user)),
        None => reader.mistake("SASL needs KAFKA_SASL_USERNAME".to_owned()),
    }
    match reader.found("KAFKA_SASL_PASSWORD_FILE") {
        Some((found, path)) => match std::fs::read_to_string(&path) {
            Ok(password) => properties.push(("sasl.password", password.trim_end_matches('\n').to_owned())),
            Err(error) => reader.mistake(format!("{found} is `{path}`: {error}")),
        },
        None => reader.mistake("SASL needs KAFKA_SASL_PASSWORD_FILE".to_owned()),
    }
}

/// Reads where the live page is.
pub(crate) fn page(reader: &mut Reader) -> Option<SocketAddr> {
    let (found, value) = reader.found("WEB_ADDRESS")?;
    let address = value.parse().ok();
    if address.is_none() {
        reader.mistake(format!("{found} is `{value}`, not an address and a port, as 127.0.0.1:8080"));
    }
    address
}

/// Reads how the program runs.
pub(crate) fn operation(reader: &mut Reader) -> Operation {
    let http = reader.text("HTTP_ADDR");
    let address = http.parse().unwrap_or_else(|_| {
        reader.mistake(format!("HTTP_ADDR is `{http}`, not an address and a port, as 0.0.0.0:9090"));
        SocketAddr::from(([0, 0, 0, 0], 0))
    });
    let levels = ["error", "warn", "info", "debug", "trace"].map(|word| (word, word));
    Operation {
        http: address,
        shutdown: Duration::from_millis(reader.number("SHUTDOWN_TIMEOUT_MS", 1_000, 600_000)),
        log_format: reader
            .choice("LOG_FORMAT", &[("json", LogFormat::Json), ("text", LogFormat::Text)])
            .unwrap_or(LogFormat::Json),
        log_level: reader.choice("LOG_LEVEL", &levels).unwrap_or("info").to_owned(),
    }
}
