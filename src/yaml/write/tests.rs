use proptest::prelude::*;

use crate::text::{FileSet, Span};
use crate::yaml::{self, Comments, Dialect, Entry, Key, Kind, Node, Scalar, Style, Typed};

fn read(text: &str) -> yaml::Parsed {
    let files = FileSet::from_texts([("a.yaml", text)]);
    let (_, source) = files.iter().next().unwrap();
    yaml::parse(source, text)
}

fn rewritten(text: &str) -> String {
    let parsed = read(text);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let comments = Comments::of(text, &parsed);
    yaml::write(parsed.documents.iter().map(|document| &document.root), &comments)
}

#[test]
fn a_tidy_file_is_written_as_it_was() {
    let text = r#"# What this is.
apiVersion: apps/v1
kind: Deployment # the kind
metadata:
  name: web
  # Where it lives.
  namespace: shop
  labels: # for people
    app: web
  annotations: {}

spec:
  replicas: 2
  template:
    spec:
      containers:
        # The one that matters.
        - name: web
          image: ghcr.io/org/web:1.0.0 # {"$imagepolicy": "flux-system:web"}
          command: ["sh"] # flow
          args: []

        - name: side
          env:
            - name: ON
              value: "on"
            - name: SCRIPT
              value: | # a script
                set -e
                  run

            - - a
              - b
            - null
          empty:
  suspend: false
---
kind: List
items: []
# The end.
"#;
    let expected = text.replace("command: [\"sh\"] # flow\n", "command:\n            - sh # flow\n");
    assert_eq!(rewritten(text), expected);
}

// The line of spaces that ends a block was taken for an empty line above the next item, and doubled.
#[test]
fn a_block_that_ends_in_a_line_of_spaces_gets_no_empty_line_behind_it() {
    let text = "a:\n  - |\n    b\n     \n  - c\n";
    assert_eq!(rewritten(text), text);
}

#[test]
fn the_head_of_an_object_comes_first_with_its_comments() {
    let text =
        "spec: {}\nmetadata:\n  annotations: {}\n  namespace: b\n  uid: x\n  # c\n  name: a\nkind: A\napiVersion: v1\n";
    let expected =
        "apiVersion: v1\nkind: A\nmetadata:\n  # c\n  name: a\n  namespace: b\n  annotations: {}\n  uid: x\nspec: {}\n";
    assert_eq!(rewritten(text), expected);
}

#[test]
fn quotes_are_written_only_where_a_dialect_needs_them() {
    let cases = [
        ("a: 'b'\n", "a: b\n"),
        ("a: \"5\"\n", "a: \"5\"\n"),
        ("a: 'yes'\n", "a: 'yes'\n"),
        ("a: yes\n", "a: yes\n"),
        ("'y': 0644\n", "'y': 0644\n"),
        ("a: \"b: c\"\n", "a: \"b: c\"\n"),
        ("a: '\"x\"'\n", "a: '\"x\"'\n"),
        ("a: \"x\\ny\"\n", "a: |-\n  x\n  y\n"),
        ("a: >\n  x\n  y\n", "a: |\n  x y\n"),
        ("a: !!str 5\n", "a: !!str \"5\"\n"),
        ("a: ~\nb:\n", "a: ~\nb:\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(rewritten(text), expected);
    }
}

#[test]
fn a_marker_can_be_put_behind_a_value() {
    let text = "image: a:1\n";
    let parsed = read(text);
    let root = &parsed.documents[0].root;
    let mut comments = Comments::of(text, &parsed);
    comments.set_behind(root.get("image").unwrap().span, "{\"$imagepolicy\": \"flux-system:a\"}");
    assert_eq!(yaml::write([root], &comments), "image: a:1 # {\"$imagepolicy\": \"flux-system:a\"}\n");
}

fn texts() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\t",
        ":",
        ": ",
        "#",
        " #",
        "- ",
        "-",
        "'",
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        "?",
        "&",
        "*",
        "!",
        "|",
        ">",
        "%",
        "@",
        "`",
        "é",
        "😀",
        "\u{2028}",
        "\u{feff}",
        "\u{7f}",
        "\u{85}",
        "\r",
        "\u{1}",
        "0",
        "1",
        "12",
        "3.5",
        "e5",
        "0x1F",
        "0o7",
        "_",
        "yes",
        "no",
        "y",
        "on",
        "true",
        "null",
        "~",
        ".inf",
        "12:30",
        "2020-01-01",
        "<<",
        "=",
        "---",
        "...",
        "word",
        "!!str",
        "apiVersion",
        "kind",
    ]);
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn scalars() -> impl Strategy<Value = Scalar> {
    (texts(), any::<bool>(), prop::option::weighted(0.1, Just("!!str"))).prop_map(|(text, plain, tag)| {
        let scalar = if plain { Scalar::plain(text) } else { Scalar::string(text) };
        // A merge key is no text; the reader never leaves one in a tree.
        let style = if scalar.text == "<<" { Style::DoubleQuoted } else { scalar.style };
        Scalar { style, tag: tag.map(Into::into), ..scalar }
    })
}

fn nowhere() -> Span {
    let files = FileSet::from_texts([("a.yaml", "")]);
    let (_, source) = files.iter().next().unwrap();
    Span::new(source, 0..0)
}

fn nodes() -> impl Strategy<Value = Node> {
    let leaf = scalars().prop_map(|scalar| Node::new(Kind::Scalar(scalar), nowhere()));
    leaf.prop_recursive(4, 40, 5, |inner| {
        let entries = prop::collection::vec((scalars(), inner.clone()), 0..5).prop_map(|pairs| {
            let mut entries: Vec<Entry> = Vec::new();
            for (mut scalar, value) in pairs {
                // Null is no key of an object.
                if Scalar::plain(scalar.text.clone()).typed(Dialect::KustomizeV3) == Typed::Null {
                    scalar.style = Style::DoubleQuoted;
                }
                if !entries.iter().any(|entry| entry.key.text() == scalar.text) {
                    entries.push(Entry { key: Key::new(scalar, nowhere()), value });
                }
            }
            Node::map(entries, nowhere())
        });
        let items = prop::collection::vec(inner, 0..5).prop_map(|items| Node::sequence(items, nowhere()));
        prop_oneof![entries, items]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same_values_by_both_dialects(node in nodes()) {
        prop_assume!(!node.is_null());
        let text = yaml::write([&node], &Comments::default());
        let parsed = read(&text);
        prop_assert!(parsed.diagnostics.is_empty(), "{text}\n{:?}", parsed.diagnostics);
        prop_assert_eq!(parsed.documents.len(), 1, "{}", text);
        for dialect in [Dialect::KustomizeV3, Dialect::KubernetesV2] {
            prop_assert_eq!(parsed.documents[0].root.to_json(dialect), node.to_json(dialect), "{}", text);
        }
    }

    #[test]
    fn what_is_written_is_written_again_unchanged(node in nodes()) {
        let text = yaml::write([&node], &Comments::default());
        let parsed = read(&text);
        let comments = Comments::of(&text, &parsed);
        let again = yaml::write(parsed.documents.iter().map(|document| &document.root), &comments);
        prop_assume!(!node.is_null());
        prop_assert_eq!(again, text);
    }
}
