//! What libyaml reads, as events with owned text.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::slice;

use unsafe_libyaml::{
    YAML_ALIAS_EVENT, YAML_DOCUMENT_END_EVENT, YAML_DOCUMENT_START_EVENT, YAML_DOUBLE_QUOTED_SCALAR_STYLE,
    YAML_FOLDED_SCALAR_STYLE, YAML_LITERAL_SCALAR_STYLE, YAML_MAPPING_END_EVENT, YAML_MAPPING_START_EVENT,
    YAML_SCALAR_EVENT, YAML_SEQUENCE_END_EVENT, YAML_SEQUENCE_START_EVENT, YAML_SINGLE_QUOTED_SCALAR_STYLE,
    YAML_STREAM_END_EVENT, yaml_event_delete, yaml_event_t, yaml_parser_delete, yaml_parser_initialize,
    yaml_parser_parse, yaml_parser_set_input_string, yaml_parser_t,
};

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalarStyle {
    /// Without quotes.
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

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A document begins.
    DocumentStart,
    /// A document ends.
    DocumentEnd,
    /// `*anchor`
    Alias(String),
    /// A scalar.
    Scalar {
        /// The text after unquoting, unescaping and folding.
        text: String,
        /// How it was written.
        style: ScalarStyle,
        /// `&anchor`
        anchor: Option<String>,
        /// The tag in its long form.
        tag: Option<String>,
    },
    /// A list begins.
    SequenceStart(Option<String>),
    /// A list ends.
    SequenceEnd,
    /// A mapping begins.
    MappingStart(Option<String>),
    /// A mapping ends.
    MappingEnd,
}

struct Parser(Box<yaml_parser_t>);

impl Drop for Parser {
    fn drop(&mut self) {
        // SAFETY: `events` initialized it, and it is deleted once.
        unsafe { yaml_parser_delete(&raw mut *self.0) }
    }
}

/// Returns the events of `text`.
///
/// # Errors
/// Where libyaml refuses the text: its reason.
pub fn events(text: &str) -> Result<Vec<Event>, String> {
    let mut place = Box::new(MaybeUninit::<yaml_parser_t>::uninit());
    // SAFETY: libyaml fills the whole of the structure, or says that it did not.
    let mut parser = unsafe {
        if yaml_parser_initialize(place.as_mut_ptr()).fail {
            return Err("out of memory".to_owned());
        }
        Parser(place.assume_init())
    };
    // SAFETY: `text` outlives the parser.
    unsafe { yaml_parser_set_input_string(&raw mut *parser.0, text.as_ptr(), text.len() as u64) };
    let mut out = Vec::new();
    loop {
        let mut event = MaybeUninit::<yaml_event_t>::uninit();
        // SAFETY: the parser is initialized; the event is filled on success and deleted once.
        unsafe {
            if yaml_parser_parse(&raw mut *parser.0, event.as_mut_ptr()).fail {
                let problem = parser.0.problem;
                let reason = if problem.is_null() { c"unknown" } else { CStr::from_ptr(problem) };
                return Err(reason.to_string_lossy().into_owned());
            }
            let mut event = event.assume_init();
            let is_end = event.type_ == YAML_STREAM_END_EVENT;
            out.extend(owned(&event));
            yaml_event_delete(&raw mut event);
            if is_end {
                return Ok(out);
            }
        }
    }
}

/// Copies what an event holds.
///
/// # Safety
/// `event` was filled by libyaml and is not deleted yet.
unsafe fn owned(event: &yaml_event_t) -> Option<Event> {
    // SAFETY: the union's member is the one that the type names; texts end with NUL or have a length.
    unsafe {
        let name =
            |text: *mut u8| (!text.is_null()).then(|| CStr::from_ptr(text.cast()).to_string_lossy().into_owned());
        Some(match event.type_ {
            YAML_DOCUMENT_START_EVENT => Event::DocumentStart,
            YAML_DOCUMENT_END_EVENT => Event::DocumentEnd,
            YAML_ALIAS_EVENT => Event::Alias(name(event.data.alias.anchor)?),
            YAML_SCALAR_EVENT => {
                let scalar = &event.data.scalar;
                let length = usize::try_from(scalar.length).unwrap_or(0);
                let bytes = slice::from_raw_parts(scalar.value, length);
                Event::Scalar {
                    text: String::from_utf8_lossy(bytes).into_owned(),
                    style: match scalar.style {
                        YAML_SINGLE_QUOTED_SCALAR_STYLE => ScalarStyle::SingleQuoted,
                        YAML_DOUBLE_QUOTED_SCALAR_STYLE => ScalarStyle::DoubleQuoted,
                        YAML_LITERAL_SCALAR_STYLE => ScalarStyle::Literal,
                        YAML_FOLDED_SCALAR_STYLE => ScalarStyle::Folded,
                        _ => ScalarStyle::Plain,
                    },
                    anchor: name(scalar.anchor),
                    tag: name(scalar.tag),
                }
            }
            YAML_SEQUENCE_START_EVENT => Event::SequenceStart(name(event.data.sequence_start.anchor)),
            YAML_SEQUENCE_END_EVENT => Event::SequenceEnd,
            YAML_MAPPING_START_EVENT => Event::MappingStart(name(event.data.mapping_start.anchor)),
            YAML_MAPPING_END_EVENT => Event::MappingEnd,
            _ => return None,
        })
    }
}
