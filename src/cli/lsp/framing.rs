//! Messages on a stream of bytes: headers, an empty line, JSON.
//!
//! lsp-server can read them too, but ends at the first one that is malformed and believes any length.

use std::io::{self, BufRead, Read as _};

use lsp_server::Message;

/// The longest message that is read, in bytes; longer ones are passed over.
const LONGEST: u64 = 128 * 1024 * 1024;
/// The longest line of a header that is read, in bytes.
const LONGEST_LINE: u64 = 64 * 1024;

/// What stands on the stream.
#[derive(Debug)]
pub(super) enum Frame {
    /// A message.
    Message(Message),
    /// Bytes that are none; why, for people.
    Malformed(String),
    /// Nothing more.
    End,
}

/// Reads what comes next; after something malformed the next call goes on behind it.
pub(super) fn read(input: &mut impl BufRead) -> io::Result<Frame> {
    let mut length = None;
    let mut has_header = false;
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(Frame::End);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        if line.is_empty() && has_header {
            break;
        }
        has_header |= !line.is_empty();
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("Content-Length")
        {
            length = value.trim().parse::<u64>().ok();
        }
    }
    let Some(length) = length else { return Ok(Frame::Malformed("the header has no Content-Length".to_owned())) };
    let mut body = input.by_ref().take(length);
    if length > LONGEST {
        io::copy(&mut body, &mut io::sink())?;
        return Ok(Frame::Malformed(format!("a message of {length} bytes is too long")));
    }
    let mut bytes = Vec::new();
    body.read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Ok(Frame::End);
    }
    Ok(match serde_json::from_slice(&bytes) {
        Ok(message) => Frame::Message(message),
        Err(error) => Frame::Malformed(format!("the message cannot be read: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(input: &str) -> Vec<String> {
        let mut input = input.as_bytes();
        let mut found = Vec::new();
        loop {
            match read(&mut input).unwrap() {
                Frame::Message(message) => found.push(format!("{message:?}").chars().take(12).collect()),
                Frame::Malformed(why) => found.push(why),
                Frame::End => return found,
            }
        }
    }

    #[test]
    fn what_is_malformed_is_passed_over_and_the_next_message_is_read() {
        let exit = r#"{"jsonrpc":"2.0","method":"exit"}"#;
        let message = format!("Content-Length: {}\r\n\r\n{exit}", exit.len());
        let long = format!("content-length:3\r\nContent-Type: x\r\n\r\n{{]}}{message}");
        assert_eq!(frames(&long).len(), 2);
        assert!(frames(&long)[1].starts_with("Notification"));
        assert_eq!(frames(&format!("Length: 3\r\n\r\n{message}"))[0], "the header has no Content-Length");
        assert!(frames(&format!("Length: 3\r\n\r\n{message}"))[1].starts_with("Notification"));
        assert!(frames("Content-Length: 99999999999999\r\n\r\n{}")[0].contains("too long"));
        assert!(frames("Content-Length: 50\r\n\r\n{}").is_empty());
        assert!(frames("Content-Le").is_empty());
    }
}
