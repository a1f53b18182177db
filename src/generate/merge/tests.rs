use proptest::prelude::*;

use super::*;

fn merged(base: &str, ours: &str, theirs: &str) -> Merged {
    merge(base, ours, theirs).unwrap_or_else(|| panic!("not by nodes:\n{ours}"))
}

fn clean(base: &str, ours: &str, theirs: &str) -> String {
    let merged = merged(base, ours, theirs);
    assert!(merged.conflicts.is_empty(), "{merged:#?}");
    merged.text
}

const BASE: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: web
          image: web:1.0.0 # {\"$imagepolicy\": \"flux-system:web\"}
          env:
            - name: A
              value: \"1\"
";

#[test]
fn a_value_that_only_the_generator_changed_is_taken_over_beside_a_persons_edit() {
    let ours = BASE.replace("replicas: 2", "# for the sale\n  replicas: 5");
    let theirs = BASE.replace("value: \"1\"", "value: \"2\"");
    assert_eq!(clean(BASE, &ours, &theirs), ours.replace("value: \"1\"", "value: \"2\""));
}

#[test]
fn a_value_that_both_changed_is_a_conflict_of_its_node_alone() {
    let ours = BASE.replace("replicas: 2", "replicas: 5 # mine");
    let theirs = BASE.replace("replicas: 2", "replicas: 3").replace("value: \"1\"", "value: \"2\"");
    let merged = merged(BASE, &ours, &theirs);
    assert_eq!(merged.conflicts.len(), 1);
    assert_eq!((merged.conflicts[0].path.as_str(), merged.conflicts[0].line), ("spec.replicas", 6));
    assert!(merged.text.contains("value: \"2\""), "{}", merged.text);
    let wanted = "\
spec:
<<<<<<< as it stands here
  replicas: 5 # mine
||||||| as it was generated before
  replicas: 2
=======
  replicas: 3
>>>>>>> as it is generated now
  template:
";
    assert!(merged.text.contains(wanted), "{}", merged.text);
}

#[test]
fn the_same_change_on_both_sides_is_no_conflict() {
    let new = BASE.replace("replicas: 2", "replicas: 3");
    assert_eq!(clean(BASE, &new, &new), new);
}

#[test]
fn a_value_under_a_setter_marker_stays_whatever_is_generated() {
    let ours = BASE.replace("web:1.0.0", "web:1.4.2");
    let theirs = BASE.replace("web:1.0.0", "web:2.0.0").replace("replicas: 2", "replicas: 3");
    assert_eq!(clean(BASE, &ours, &theirs), ours.replace("replicas: 2", "replicas: 3"));
}

#[test]
fn what_is_new_comes_with_its_comments_at_the_place_and_indentation_of_its_neighbours() {
    let ours = BASE
        .replace("      containers:\n        - name", "      containers:\n      - name")
        .replace("\n          ", "\n        ")
        .replace("            - name: A\n              value", "          - name: A\n            value");
    let ours = ours
        .replace("            value: \"1\"", "          value: \"1\"")
        .replace("          - name: A\n          value", "        - name: A\n          value");
    let theirs = BASE.replace("          env:\n", "          # what it listens on\n          ports:\n            - name: http\n              containerPort: 80\n          env:\n            - name: B\n              value: b\n");
    let text = clean(BASE, &ours, &theirs);
    let wanted = "\
        image: web:1.0.0 # {\"$imagepolicy\": \"flux-system:web\"}
        # what it listens on
        ports:
          - name: http
            containerPort: 80
        env:
        - name: B
          value: b
        - name: A
";
    assert!(text.contains(wanted), "{text}");
}

#[test]
fn what_is_no_longer_generated_goes_with_its_comments_unless_a_person_changed_it() {
    let base = BASE.replace("  replicas: 2\n", "  # how many\n  replicas: 2\n");
    assert_eq!(
        clean(&base, &base.replace("name: A", "name: A # mine"), &BASE.replace("  replicas: 2\n", "")),
        BASE.replace("  replicas: 2\n", "").replace("name: A", "name: A # mine")
    );
    let merged = merged(&base, &base.replace("replicas: 2", "replicas: 7"), &BASE.replace("  replicas: 2\n", ""));
    assert_eq!(merged.conflicts.len(), 1, "{}", merged.text);
    assert!(merged.text.contains("replicas: 7"));
}

#[test]
fn what_a_person_removed_does_not_come_back() {
    let ours = BASE.replace("  replicas: 2\n", "");
    let theirs = BASE.replace("replicas: 2", "replicas: 3").replace("value: \"1\"", "value: \"2\"");
    assert_eq!(clean(BASE, &ours, &theirs), ours.replace("value: \"1\"", "value: \"2\""));
}

#[test]
fn lists_of_names_are_sets_and_arguments_are_not() {
    let base = "resources:\n  - a.yaml\n  - b.yaml\nargs:\n  - one\n  - two\n";
    let ours = "resources:\n  - mine.yaml\n  - a.yaml\n  - b.yaml # why\nargs:\n  - one\n  - two\n";
    let theirs = "resources:\n  - b.yaml\n  - c.yaml\nargs:\n  - zero\n  - one\n  - two\n";
    let wanted = "resources:\n  - mine.yaml\n  - b.yaml # why\n  - c.yaml\nargs:\n  - zero\n  - one\n  - two\n";
    assert_eq!(clean(base, ours, theirs), wanted);
}

#[test]
fn documents_are_matched_by_what_they_are_not_by_their_order() {
    let document = |name: &str, value: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  a: {value}\n")
    };
    let join = |documents: &[String]| documents.join("---\n");
    let base = join(&[document("one", "x"), document("two", "x"), document("three", "x")]);
    let ours =
        join(&[document("two", "x"), document("one", "x # kept"), document("three", "x"), document("mine", "x")]);
    let theirs = join(&[document("one", "y"), document("two", "x"), document("four", "x")]);
    let wanted =
        join(&[document("two", "x"), document("one", "y # kept"), document("mine", "x"), document("four", "x")]);
    assert_eq!(clean(&base, &ours, &theirs), wanted);
}

#[test]
fn carriage_returns_and_a_missing_last_newline_stay() {
    let ours = "a: 1\r\nb: 2\r\n";
    assert_eq!(clean("a: 1\nb: 2\n", ours, "a: 1\nb: 2\nc:\n  d: 3\n"), "a: 1\r\nb: 2\r\nc:\r\n  d: 3\r\n");
    assert_eq!(clean("a: 1\nb: 2\n", "a: 1\nb: 2", "a: 1\nb: 2\nc: 3\n"), "a: 1\nb: 2\nc: 3");
}

#[test]
fn a_mapping_in_braces_is_taken_over_as_a_whole_or_is_in_conflict() {
    let (base, theirs) = ("a: {b: 1}\nc: 1\n", "a: {b: 2, d: 3}\nc: 1\n");
    assert_eq!(clean(base, "a: {b: 1} # x\nc: 5\n", theirs), "a: {b: 2, d: 3} # x\nc: 5\n");
    assert_eq!(merged(base, "a: {b: 1, mine: 2}\nc: 1\n", theirs).conflicts.len(), 1);
}

#[test]
fn a_comment_of_a_person_is_never_removed_with_what_it_explains() {
    let base = "a:\n  b: 1\n  c: 2\nd: 1\n";
    let ours = "a:\n  b: 1\n  # it has to be two\n  c: 2\nd: 1\n";
    let merged = merged(base, ours, "a: none\nd: 2\n");
    assert_eq!(merged.conflicts.len(), 1);
    assert!(merged.text.contains("# it has to be two"));
}

#[test]
fn texts_that_cannot_be_merged_by_nodes_are_said_to_be_so() {
    assert_eq!(merge("a: 1\n", "a: [\n", "a: 2\n"), None);
    assert_eq!(merge("a: &x 1\nb: 1\n", "a: &x 1\nb: *x\n", "a: 1\nb: 2\n").map(|merged| merged.conflicts.len()), None);
}

/// A small file of an application: mappings, lists by name, sets, and scalars.
fn tree() -> impl Strategy<Value = String> {
    let values = prop::collection::btree_map("[a-f]", 0..4_u8, 0..5);
    let names = prop::collection::btree_set("[p-t]", 0..4);
    let items = prop::collection::btree_map("[k-o]", 0..3_u8, 0..4);
    (values, names, items).prop_map(|(values, names, items)| {
        let mut text = String::from("kind: A\nmap:\n  fixed: 1\n");
        text.extend(values.iter().map(|(key, value)| format!("  # about {key}\n  {key}: {value}\n")));
        text.push_str("set:\n  - always\n");
        text.extend(names.iter().map(|name| format!("  - {name}\n")));
        text.push_str("list:\n  - name: always\n    value: 0\n");
        text.extend(items.iter().map(|(name, value)| format!("  - name: {name}\n    value: {value}\n")));
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_new_changes_nothing_and_nothing_edited_takes_what_is_new(base in tree(), other in tree()) {
        prop_assert_eq!(clean(&base, &other, &base), other.clone());
        let taken = clean(&base, &base, &other);
        // In the value, not in the order: nobody asked for another one.
        prop_assert_eq!(planned(&other, &taken, &other).map(|(splices, _)| splices.len()), Some(0));
        prop_assert_eq!(clean(&other, &taken, &other), taken.clone());
    }

    #[test]
    fn every_edit_is_kept_or_is_a_conflict_and_a_second_merge_does_nothing(
        base in tree(), ours in tree(), theirs in tree()
    ) {
        let merged = merged(&base, &ours, &theirs);
        if merged.conflicts.is_empty() {
            prop_assert_eq!(clean(&theirs, &merged.text, &theirs), merged.text.clone());
        }
        let lines = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
        let (before, after) = (lines(&base), lines(&merged.text));
        for line in lines(&ours) {
            prop_assert!(before.contains(&line) || after.contains(&line), "lost `{}`:\n{}", line, merged.text);
        }
    }
}
