//! The JSON objects of image and release commands: what they have in common.

use serde::Serialize;

/// Their version. It grows when a field goes or changes its meaning.
pub(super) const VERSION: u32 = 1;

/// Returns `value` as JSON for people to read too, with a line end.
pub(super) fn object(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("texts and numbers always serialize");
    text.push('\n');
    text
}
