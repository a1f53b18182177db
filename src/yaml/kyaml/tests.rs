use super::*;

fn reemitted(text: &str) -> String {
    reemit(text).unwrap()
}

#[test]
fn what_kyaml_prints_already_stays_byte_for_byte() {
    let texts = [
        "# head\n\n# of a\na: 1 # behind\n# below\n\nb:\n  # above\n  - x\n  # between\n  - y: 1\n    z: 2\n\n# tail\n",
        "a: &x\n  b: |-\n    text\n\n    more\n  c: 'it''s'\nd: *x\n",
        "a: {b: 1, c: [1, 2]}\ne: []\nf: {}\n---\ng: \"\\t\"\n",
        "l:\n- a\n- - b\n  - c\n-\n",
        "k: # of a block\n  v: 1\nlast:\n",
    ];
    for text in texts {
        assert_eq!(reemitted(text), text);
    }
}

#[test]
fn layout_is_normalised() {
    let cases = [
        ("---\na: 1\n", "a: 1\n"),
        ("a:   1   # c", "a: 1 # c\n"),
        ("a:\n    b: 1\n", "a:\n  b: 1\n"),
        ("a: 1\n\n\nb: 2\n", "a: 1\nb: 2\n"),
        ("a: one\n  two\n", "a: one two\n"),
        ("a: { b: 1 }\n", "a: {b: 1}\n"),
        ("x: &x {a: 1}\ny:\n  <<: *x\n", "x: &x {a: 1}\ny:\n  !!merge <<: *x\n"),
        ("l:\n- a\nm:\n  - b\n", "l:\n- a\nm:\n- b\n"),
        ("metadata:\n  annotations: {}\na: 1\n", "a: 1\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(reemitted(text), expected, "{text}");
    }
}

#[test]
fn what_kyaml_cannot_read_is_an_error() {
    assert_eq!(reemit("a: 1\n--- b\nc: 1\n"), Err(ReemitError::Separator));
    assert_eq!(reemit("- a\n"), Err(ReemitError::NoMapping));
    assert!(matches!(reemit("a: [\n"), Err(ReemitError::Syntax(_))));
}

#[test]
fn the_place_of_a_change_is_counted_in_the_text_that_was_given() {
    let text = "a: 1\r\n---\r\nb: old\r\n";
    let set = |scalar: Settable<'_>| (scalar.text == "old").then(|| "new".to_owned());
    let changes = reemit_with(text, &set).unwrap().changes;
    assert_eq!(changes.len(), 1);
    assert_eq!(&text[changes[0].start..changes[0].end], "old");
}
