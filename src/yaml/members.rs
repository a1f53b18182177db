//! What a mapping or a list holds, in little memory.

use std::iter;
use std::ops::Deref;

use triomphe::Arc;

/// Collections with fewer members are copied when one is added.
const SMALL: usize = 8;

/// The members of a mapping or a list, in the order of the text.
///
/// Clones share them until one is changed. Trees are most of the memory of a run, and most collections never gain or
/// lose a member after they were read: those are one allocation without room to grow.
#[derive(Debug, Clone)]
pub struct Members<T>(Held<T>);

#[derive(Debug, Clone)]
enum Held<T> {
    /// As many as were read.
    Fixed(Arc<[T]>),
    /// Some came or went.
    Growing(Arc<Vec<T>>),
}

impl<T> Members<T> {
    /// Returns a number that no other members have while these live, except clones that share them.
    pub fn identity(&self) -> usize {
        match &self.0 {
            Held::Fixed(fixed) => fixed.heap_ptr().addr(),
            Held::Growing(growing) => growing.heap_ptr().addr(),
        }
    }
}

impl<T: Clone> Members<T> {
    /// Returns the members for change, each in its place; shared ones are copied first.
    pub fn make_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Held::Fixed(fixed) => {
                if !fixed.is_unique() {
                    *fixed = fixed.iter().cloned().collect();
                }
                let Some(members) = Arc::get_mut(fixed) else { unreachable!("shared members were copied just now") };
                members
            }
            Held::Growing(growing) => Arc::make_mut(growing).as_mut_slice(),
        }
    }

    /// Adds `member` at the end; shared ones are copied first.
    pub fn push(&mut self, member: T) {
        match &self.0 {
            // A few are copied sooner than they are given room that they may never need.
            Held::Fixed(fixed) if fixed.len() < SMALL => {
                self.0 = Held::Fixed(fixed.iter().cloned().chain(iter::once(member)).collect());
            }
            _ => self.to_mut().push(member),
        }
    }

    /// Returns the members as a list that others can be added to or taken from; shared ones are copied first.
    pub fn to_mut(&mut self) -> &mut Vec<T> {
        if let Held::Fixed(fixed) = &self.0 {
            self.0 = Held::Growing(Arc::new(fixed.to_vec()));
        }
        let Held::Growing(growing) = &mut self.0 else { unreachable!("fixed members were replaced just now") };
        Arc::make_mut(growing)
    }
}

impl<T> Deref for Members<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Held::Fixed(fixed) => fixed,
            Held::Growing(growing) => growing,
        }
    }
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl<T> From<Vec<T>> for Members<T> {
    fn from(members: Vec<T>) -> Self {
        Self(Held::Fixed(members.into()))
    }
}

impl<T> FromIterator<T> for Members<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        Self(Held::Fixed(members.into_iter().collect()))
    }
}

/// Clones that share their members are equal without a look at them.
impl<T: Eq> PartialEq for Members<T> {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity() || **self == **other
    }
}

impl<T: Eq> Eq for Members<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_by_no_clone() {
        let before: Members<_> = [1, 2].into_iter().collect();
        let mut changed = before.clone();
        changed.make_mut()[0] = 3;
        let mut longer = changed.clone();
        longer.to_mut().push(4);
        let mut longest = longer.clone();
        longest.to_mut().push(5);
        longest.make_mut()[0] = 6;
        let mut pushed = before.clone();
        pushed.push(7);
        assert_eq!([&*before, &*changed, &*longer, &*longest], [&[1, 2][..], &[3, 2], &[3, 2, 4], &[6, 2, 4, 5]]);
        assert_eq!(&*pushed, [1, 2, 7]);
    }

    #[test]
    fn members_that_are_added_one_by_one_are_all_there() {
        let mut members = Members::default();
        (0..100).for_each(|number| members.push(number));
        assert_eq!(&*members, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn members_are_equal_however_they_are_held() {
        let fixed = Members::from(vec![1, 2]);
        let mut growing = Members::from(vec![1]);
        growing.to_mut().push(2);
        assert_eq!(fixed, growing);
        assert_ne!(fixed.identity(), growing.identity());
    }

    #[test]
    fn empty_members_of_two_collections_are_told_apart() {
        let (one, other) = (Members::<u8>::default(), Members::<u8>::default());
        assert_ne!(one.identity(), other.identity());
        assert_eq!(one.identity(), one.clone().identity());
    }
}
