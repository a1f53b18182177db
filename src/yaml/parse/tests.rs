use crate::text::{FileSet, Sources};
use crate::yaml::{CommentPlace, Limits, Node, Parsed, parse, parse_embedded, parse_with};

fn read(text: &str) -> (Sources, Parsed) {
    let files = FileSet::from_texts([("a.yaml", text)]);
    let (_, id) = files.iter().next().unwrap();
    (files.sources().clone(), parse(id, text))
}

fn root(parsed: &Parsed) -> &Node {
    assert_eq!(parsed.diagnostics, []);
    &parsed.documents[0].root
}

#[test]
fn every_value_knows_its_bytes() {
    let (sources, parsed) = read("a:\n  - b: 'x y'\n    c: [1, {d: é}]\ne: z\n");
    let item = &root(&parsed).items("a")[0];
    assert_eq!(sources.slice(item.span), Some("b: 'x y'\n    c: [1, {d: é}]"));
    assert_eq!(sources.slice(item.get("b").unwrap().span), Some("'x y'"));
    let inner = &item.items("c")[1];
    assert_eq!(sources.slice(inner.span), Some("{d: é}"));
    assert_eq!(sources.slice(inner.get("d").unwrap().span), Some("é"));
}

#[test]
fn a_block_that_ends_the_file_without_a_newline_has_none() {
    for (text, value) in [
        ("a: |\n  foo", "foo"),
        ("a: |+\n  foo", "foo"),
        ("a: >\n  foo\n  bar", "foo bar"),
        ("a: |\n  foo\n", "foo\n"),
        ("a: |-\n  foo", "foo"),
        ("a: |\n  foo\n  ", "foo\n"),
    ] {
        let (_, parsed) = read(text);
        assert_eq!(root(&parsed).get("a").unwrap().as_str(), Some(value), "{text:?}");
    }
}

#[test]
fn quoted_text_that_stands_left_of_its_key_is_read_and_reported() {
    let (sources, parsed) = read("a:\n  b: \"x\n y\n z\"\n  c: 'p\nq'\nd: e\n");
    let found = &parsed.documents[0].root;
    assert_eq!(found.at(&["a", "b"]).unwrap().as_str(), Some("x y z"));
    assert_eq!(found.at(&["a", "c"]).unwrap().as_str(), Some("p q"));
    assert_eq!(sources.slice(found.get("d").unwrap().span), Some("e"));
    assert_eq!(sources.slice(found.at(&["a", "c"]).unwrap().span), Some("'p\nq'"));
    let rules: Vec<_> = parsed.diagnostics.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["yaml-quoted-indent", "yaml-quoted-indent"]);
}

#[test]
fn hundreds_of_comment_lines_are_no_error() {
    let text = format!("a:\n{}  b: c\n", "  # comment\n".repeat(500));
    let (_, parsed) = read(&text);
    assert_eq!(root(&parsed).at(&["a", "b"]).unwrap().as_str(), Some("c"));
    assert_eq!(parsed.comments.len(), 500);
}

#[test]
fn a_comment_knows_the_scalar_it_follows() {
    let (sources, parsed) = read("a: 1 # one\nb: | # two\n  t\nc: # three\n  d: x\ne: [f] # four\n# five\n");
    let found: Vec<_> = parsed
        .comments
        .iter()
        .map(|comment| (sources.slice(comment.span).unwrap(), comment.scalar.and_then(|span| sources.slice(span))))
        .collect();
    assert_eq!(
        found,
        [("# one", Some("1")), ("# two", Some("t\n")), ("# three", None), ("# four", None), ("# five", None)]
    );
    assert_eq!(parsed.comments[4].place, CommentPlace::OwnLine);
}

#[test]
fn aliases_and_merge_keys_are_expanded_and_point_at_their_definition() {
    let (sources, parsed) = read("x: &x {p: 1, q: 2}\ny:\n  <<: *x\n  q: 3\nz: *x\n");
    let root = root(&parsed);
    assert_eq!(root.at(&["y", "p"]).unwrap().as_str(), Some("1"));
    assert_eq!(root.at(&["y", "q"]).unwrap().as_str(), Some("3"));
    assert_eq!(sources.slice(root.get("z").unwrap().span), Some("{p: 1, q: 2}"));
}

#[test]
fn a_repeated_key_is_reported_at_both_places_and_the_last_one_stays() {
    let (sources, parsed) = read("a: 1\nb: 2\na: 3\n");
    assert_eq!(parsed.documents[0].root.get("a").unwrap().as_str(), Some("3"));
    let [finding] = &parsed.diagnostics[..] else { panic!("one finding") };
    assert_eq!(finding.rule, "yaml-duplicate-key");
    let starts: Vec<_> = finding.labels.iter().map(|label| sources.start(label.span).unwrap().line).collect();
    assert_eq!(starts, [3, 1]);
}

#[test]
fn a_tab_as_indentation_says_so() {
    let (sources, parsed) = read("a:\n\tb: c\n");
    assert_eq!(parsed.diagnostics[0].message, "a tab is used as indentation");
    assert_eq!(sources.start(parsed.diagnostics[0].span().unwrap()).unwrap().line, 2);
}

#[test]
fn empty_documents_vanish_and_the_others_keep_their_order() {
    let (_, parsed) = read("---\n# nothing\n---\na: 1\n---\n~\n---\nb: 2\n...\n");
    assert_eq!(parsed.documents.len(), 2);
    assert!(parsed.documents[1].root.get("b").is_some());
}

#[test]
fn hostile_texts_meet_a_limit() {
    let nested = "[".repeat(10_000);
    let bomb = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, level| {
        let aliases = vec![format!("*a{}", level - 1); 9].join(",");
        format!("{text}a{level}: &a{level} [{aliases}]\n")
    });
    for text in [nested.as_str(), bomb.as_str()] {
        let (_, parsed) = read(text);
        assert_eq!(parsed.diagnostics[0].rule, "yaml-limit", "{}", parsed.diagnostics[0].message);
    }
    let (_, parsed) = read("a: &a [*a]\n");
    assert_eq!(parsed.diagnostics[0].message, "an alias contains itself");
    let files = FileSet::from_texts([("a.yaml", "")]);
    let limits = Limits { documents: 2, nodes: 5, ..Limits::default() };
    let id = files.iter().next().unwrap().1;
    assert_eq!(parse_with(id, "a\n---\nb\n---\nc\n", &limits).diagnostics[0].rule, "yaml-limit");
    assert_eq!(parse_with(id, "[a,b,c,d,e,f]", &limits).diagnostics[0].rule, "yaml-limit");
}

#[test]
fn places_in_an_inline_patch_are_places_in_its_file() {
    let text = "patches:\n  - patch: |\n      - op: add\n        path: /x\n\n        value: {y: 1}\n  - patch: '{\"kind\": \"A\"}'\n";
    let (sources, parsed) = read(text);
    let patches = root(&parsed).items("patches");
    let block = parse_embedded(text, patches[0].get("patch").unwrap());
    let operation = &block.documents[0].root.as_sequence().unwrap()[0];
    assert_eq!(sources.slice(operation.get("path").unwrap().span), Some("/x"));
    assert_eq!(sources.slice(operation.at(&["value", "y"]).unwrap().span), Some("1"));
    let quoted = parse_embedded(text, patches[1].get("patch").unwrap());
    assert_eq!(sources.slice(quoted.documents[0].root.get("kind").unwrap().span), Some("\"A\""));
}

#[test]
fn a_mistake_is_shown_where_it_was_made() {
    /// Line and text of a label.
    type Place = (usize, &'static str);
    let cases: &[(&str, &[Place])] = &[
        ("a:\n\tb: 1\n", &[(2, "\t")]),
        ("metadata:\n  name: x\n\t\tnamespace: y\n", &[(3, "\t\t")]),
        ("a: |\n\ttext\n", &[(2, "\t")]),
        ("args: [a, b\nname: x\n", &[(2, ":"), (1, "[")]),
        ("list:\n  - {a: 1\n  - b\n", &[(2, "{")]),
        ("args: [\"a\" \"b\"]\n", &[(1, "\""), (1, "[")]),
        ("args: [a, b\n", &[(1, "[")]),
        ("args: [a, b\n---\nc: 1\n", &[(1, "[")]),
        ("args: [\"]\", {b: [1, '}'}, 2]\n", &[(1, "}"), (1, "[")]),
        ("a: \"x\nb: y\n", &[(1, "\"")]),
        ("a: 'x\n---\nb: y\n", &[(1, "'")]),
        ("é: \"\u{1F600}\" x\n", &[(1, "x")]),
    ];
    let mut wrong = Vec::new();
    for (text, places) in cases {
        let (sources, parsed) = read(text);
        let finding = parsed.diagnostics.first().unwrap_or_else(|| panic!("{text:?} is no YAML"));
        assert_eq!(finding.rule, "yaml-syntax", "{text:?}");
        let found: Vec<(usize, &str)> = finding
            .labels
            .iter()
            .map(|label| (sources.start(label.span).unwrap().line, sources.slice(label.span).unwrap()))
            .collect();
        if found != *places {
            wrong.push(format!("{text:?}: {found:?} {finding:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
