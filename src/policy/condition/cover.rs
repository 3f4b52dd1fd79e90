//! Which conditions hold whenever others do. `false` where that is not sure.

use super::{Conditions, Namespaces, Operator, SaidRequirement, Selector, Users};
use crate::mesh::Glob;

impl Conditions<'_> {
    /// Whether these hold for every request for which `later` do.
    pub(in crate::policy) fn cover(&self, later: &Self) -> bool {
        // A condition on namespaces never holds for what is in none.
        let places = later.is_on_namespaces() || !self.is_on_namespaces();
        places
            && self.namespaces.is_none_or(|own| match later.namespaces {
                Some(later) => own.cover(later),
                None => own.hold_everywhere(),
            })
            && self.selector.is_none_or(|own| own.covers(later.selector))
            && self.users.is_none_or(|own| later.users.is_some_and(|later| own.cover(later)))
    }

    fn is_on_namespaces(&self) -> bool {
        self.namespaces.is_some() || self.selector.is_some()
    }
}

impl Namespaces {
    fn hold_everywhere(&self) -> bool {
        let any = |globs: &Vec<Glob>| globs.iter().any(|glob| glob.matches(""));
        self.exclude.is_empty() && self.include.as_ref().is_none_or(any)
    }

    fn cover(&self, later: &Self) -> bool {
        let any = |globs: &[Glob], one: &Glob| globs.iter().any(|glob| glob.covers(one));
        let included = self.include.as_deref().is_none_or(|own| match &later.include {
            Some(later) => later.iter().all(|one| any(own, one)),
            None => own.iter().any(|glob| glob.matches("")),
        });
        // What this one excludes, the other must exclude too, or not have included.
        let names = later.include.as_deref().filter(|later| later.iter().all(|glob| !glob.as_str().contains('*')));
        let never = |excluded: &Glob| names.is_some_and(|names| !names.iter().any(|name| excluded.covers(name)));
        included && self.exclude.iter().all(|excluded| any(&later.exclude, excluded) || never(excluded))
    }
}

impl Users {
    fn cover(&self, later: &Self) -> bool {
        let all = |own: &[String], later: &[String]| later.iter().all(|name| own.contains(name));
        let included = self.is_anyone()
            || (!later.is_anyone() && all(&self.users, &later.users) && all(&self.groups, &later.groups));
        included && all(&later.exclude_users, &self.exclude_users) && all(&later.exclude_groups, &self.exclude_groups)
    }
}

impl Selector {
    fn covers(&self, later: Option<&Self>) -> bool {
        let later: Vec<SaidRequirement> = later.into_iter().flat_map(Self::requirements).collect();
        self.requirements().all(|own| later.iter().any(|given| own.follows_from(given)))
    }

    /// All of it as one list.
    fn requirements(&self) -> impl Iterator<Item = SaidRequirement> {
        let equal = self.match_labels.iter().map(|(key, value)| SaidRequirement {
            key: key.clone(),
            operator: Operator::In,
            values: vec![value.clone()],
        });
        equal.chain(self.match_expressions.iter().map(|requirement| requirement.0.clone()))
    }
}

impl SaidRequirement {
    fn follows_from(&self, given: &Self) -> bool {
        let all = |these: &Self, those: &Self| these.values.iter().all(|value| those.values.contains(value));
        let none = |these: &Self, those: &Self| !these.values.iter().any(|value| those.values.contains(value));
        self.key == given.key
            && match (self.operator, given.operator) {
                (Operator::Exists, Operator::Exists | Operator::In) => true,
                (Operator::DoesNotExist | Operator::NotIn, Operator::DoesNotExist) => true,
                (Operator::In, Operator::In) => all(given, self),
                (Operator::NotIn, Operator::NotIn) => all(self, given),
                (Operator::NotIn, Operator::In) => none(self, given),
                _ => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::object::{read_yaml, split_documents};

    fn read<T: for<'de> Deserialize<'de>>(text: &str) -> T {
        let document = split_documents(text).into_iter().next().unwrap();
        T::deserialize(read_yaml(document).unwrap().root()).unwrap()
    }

    /// Conditions on namespaces, their labels and users, each as YAML or empty for none.
    fn covers(earlier: [&str; 3], later: [&str; 3]) -> bool {
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let [one, other] = [earlier, later].map(|[namespaces, selector, users]| {
            (
                said(namespaces).map(|text| read::<Namespaces>(&text)),
                said(selector).map(|text| read::<Selector>(&text)),
                said(users).map(|text| read::<Users>(&text)),
            )
        });
        let [one, other] = [&one, &other].map(|(namespaces, selector, users)| Conditions {
            namespaces: namespaces.as_ref(),
            selector: selector.as_ref(),
            users: users.as_ref(),
        });
        one.cover(&other)
    }

    #[test]
    fn names_of_namespaces_cover_those_that_are_among_them() {
        let covers = |earlier, later| covers([earlier, "", ""], [later, "", ""]);
        assert!(covers("", "include: [dev]"));
        assert!(covers("{include: ['*']}", "include: [dev]"));
        assert!(covers("{include: ['*']}", "exclude: [dev]"));
        assert!(covers("include: ['dev-*', test]", "include: ['dev-*-eu', test]"));
        assert!(covers("exclude: [prod]", "include: [dev]"));
        assert!(covers("exclude: [prod]", "exclude: ['prod*']"));
        assert!(!covers("include: ['dev-*']", "include: ['dev*']"));
        assert!(!covers("include: [dev]", "exclude: [prod]"));
        assert!(!covers("exclude: [dev]", "include: ['d*']"));
        assert!(!covers("exclude: ['*-prod']", "include: [eu-prod]"));
        // What is in no namespace goes by neither of these.
        assert!(!covers("include: ['*']", ""));
    }

    #[test]
    fn labels_cover_those_that_say_more() {
        let covers = |earlier, later| covers(["", earlier, ""], ["", later, ""]);
        assert!(covers("matchLabels: {env: dev}", "matchLabels: {env: dev, team: a}"));
        assert!(covers("matchLabels: {}", "matchLabels: {env: dev}"));
        assert!(covers("matchExpressions: [{key: env, operator: Exists}]", "matchLabels: {env: dev}"));
        assert!(covers("matchExpressions: [{key: env, operator: In, values: [dev, test]}]", "matchLabels: {env: dev}"));
        assert!(covers("matchExpressions: [{key: env, operator: NotIn, values: [prod]}]", "matchLabels: {env: dev}"));
        assert!(covers(
            "matchExpressions: [{key: env, operator: NotIn, values: [prod]}]",
            "matchExpressions: [{key: env, operator: DoesNotExist}]"
        ));
        assert!(covers(
            "matchExpressions: [{key: env, operator: NotIn, values: [prod]}]",
            "matchExpressions: [{key: env, operator: NotIn, values: [prod, test]}]"
        ));
        assert!(!covers("matchLabels: {env: dev, team: a}", "matchLabels: {env: dev}"));
        assert!(!covers(
            "matchExpressions: [{key: env, operator: Exists}]",
            "matchExpressions: [{key: env, operator: NotIn, values: [a]}]"
        ));
        assert!(!covers("matchExpressions: [{key: env, operator: NotIn, values: [dev]}]", "matchLabels: {env: dev}"));
        assert!(!covers("matchLabels: {env: dev}", ""));
    }

    #[test]
    fn users_cover_those_that_are_among_them() {
        let covers = |earlier, later| covers(["", "", earlier], ["", "", later]);
        assert!(covers("users: [ann, bob]", "users: [ann]"));
        assert!(covers("excludeUsers: [ann]", "{users: [bob], excludeUsers: [ann]}"));
        assert!(covers("{users: [ann], groups: [admins]}", "groups: [admins]"));
        assert!(!covers("users: [ann]", "excludeUsers: [bob]"));
        assert!(!covers("users: [ann]", ""));
        assert!(!covers("excludeUsers: [ann]", "users: [ann]"));
    }

    #[test]
    fn conditions_of_different_kinds_cover_only_where_each_does() {
        assert!(covers(["include: ['*']", "", ""], ["", "matchLabels: {env: dev}", ""]));
        assert!(covers(["", "", ""], ["include: [dev]", "", "users: [ann]"]));
        assert!(!covers(["include: [dev]", "", ""], ["", "matchLabels: {env: dev}", ""]));
        assert!(!covers(["include: ['*']", "", "users: [ann]"], ["include: [dev]", "", ""]));
    }
}
