//! Where the objects of each kind stand, so that who wants a few kinds does not look at everything else.

use smol_str::SmolStr;

use crate::kustomize::Resource;

/// Places of objects in a list of them, by group and kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Census {
    /// Sorted by group, then kind.
    kinds: Vec<Kind>,
}

/// A kind, and the ascending places of its objects.
#[derive(Debug, Clone)]
struct Kind {
    group: SmolStr,
    name: SmolStr,
    places: Vec<usize>,
}

impl Census {
    /// Returns the places of `resources`.
    pub(crate) fn of(resources: &[Resource]) -> Self {
        let mut census = Self::default();
        for (place, resource) in resources.iter().enumerate() {
            let (group, kind) = (resource.group(), resource.kind());
            match census.find(group, kind) {
                Ok(at) => census.kinds[at].places.push(place),
                Err(at) => {
                    let new = Kind { group: group.into(), name: kind.into(), places: vec![place] };
                    census.kinds.insert(at, new);
                }
            }
        }
        census
    }

    fn find(&self, group: &str, kind: &str) -> Result<usize, usize> {
        self.kinds.binary_search_by(|known| (known.group.as_str(), known.name.as_str()).cmp(&(group, kind)))
    }

    /// Returns the places of the objects of a kind, ascending.
    pub(crate) fn places(&self, group: &str, kind: &str) -> &[usize] {
        self.find(group, kind).map_or(&[], |at| &self.kinds[at].places)
    }

    /// Returns the places of the objects of every kind that `is_wanted`, by its group and name, ascending.
    pub(crate) fn places_of(&self, is_wanted: impl Fn(&str, &str) -> bool) -> Vec<usize> {
        let kinds = self.kinds.iter().filter(|known| is_wanted(&known.group, &known.name));
        let mut places: Vec<usize> = kinds.flat_map(|known| &known.places).copied().collect();
        places.sort_unstable();
        places
    }

    /// Returns every group and kind with its places.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = (&SmolStr, &SmolStr, &[usize])> {
        self.kinds.iter().map(|known| (&known.group, &known.name, known.places.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{FileSet, Span};
    use crate::yaml;

    #[test]
    fn objects_are_found_by_group_and_kind_in_their_order() {
        let text = "{apiVersion: v1, kind: Secret}\n---\n{apiVersion: apps/v1, kind: Deployment}\n---\n{apiVersion: \
                    v1, kind: Secret}\n---\n{apiVersion: example.com/v1, kind: Secret}\n---\n{}\n";
        let files = FileSet::from_texts([("a.yaml", text)]);
        let (_, source) = files.iter().next().unwrap();
        let documents = yaml::parse(source, text).documents;
        let resources: Vec<Resource> =
            documents.into_iter().map(|document| Resource::new(document.root, Span::new(source, 0..0))).collect();
        let census = Census::of(&resources);
        assert_eq!(census.places("", "Secret"), [0, 2]);
        assert_eq!(census.places("example.com", "Secret"), [3]);
        assert_eq!(census.places("apps", "Secret"), [0_usize; 0]);
        assert_eq!(census.places_of(|_, kind| kind == "Secret"), [0, 2, 3]);
        assert_eq!(census.kinds().count(), 4, "what has no kind is counted too");
    }
}
