//! For any hosts: what is compared as patterns agrees with the names that the patterns stand for.

use proptest::prelude::*;
use vigla::mesh::{Form, Host, ScopedHost, ServiceHost, service_host};

/// Hosts of few letters, so that they meet; some with a wildcard in front.
fn host() -> impl Strategy<Value = String> {
    "\\*?[a-b]?(\\.[a-b]{1,2}){0,3}"
}

fn name() -> impl Strategy<Value = String> {
    "[a-b]{1,2}(\\.[a-b]{1,2}){0,3}"
}

proptest! {
    #[test]
    fn a_name_in_both_makes_them_overlap(one in host(), other in host(), name in name()) {
        let (one, other, name) = (Host(&one), Host(&other), Host(&name));
        if name.is_subset_of(one) && name.is_subset_of(other) {
            prop_assert!(one.matches(other) && other.matches(one));
        }
        if one.is_subset_of(other) && name.is_subset_of(one) {
            prop_assert!(name.is_subset_of(other));
        }
    }

    #[test]
    fn hosts_that_overlap_have_a_name_in_common(one in host(), other in host()) {
        if Host(&one).matches(Host(&other)) {
            // A name is its own; of two wildcards the longer one with a letter in it is in both.
            let narrow = [&one, &other].into_iter().max_by_key(|host| (!host.starts_with('*'), host.len())).unwrap();
            let name = narrow.replacen('*', "x", 1);
            prop_assert!(Host(&name).is_subset_of(Host(&one)) && Host(&name).is_subset_of(Host(&other)), "{}", name);
        }
    }

    #[test]
    fn a_completed_host_stays_as_it_is_and_names_the_same_service(host in host()) {
        let full = Host(&host).fqdn("shop", "cluster.local");
        let again = Host(&full);
        prop_assert_eq!(again.fqdn("other", "cluster.local"), &*full);
        if let ServiceHost::Service { name, namespace, form: Form::Short } = service_host(&host, "shop", "cluster.local") {
            let expected = ServiceHost::Service { name, namespace, form: Form::Full };
            prop_assert_eq!(service_host(&full, "other", "cluster.local"), expected);
        }
    }

    #[test]
    fn a_host_in_its_scope_is_found_again(namespace in "~?(\\*|\\.|[a-b]{1,3})", host in name()) {
        let text = format!("{namespace}/{host}");
        let scoped = ScopedHost::parse(&text).unwrap();
        prop_assert_eq!(scoped.host, Host(&host));
        prop_assert_eq!(scoped.excluded, namespace.starts_with('~'));
    }

    #[test]
    fn no_text_is_too_odd(text in "\\PC*") {
        let _ = (service_host(&text, "shop", "cluster.local"), ScopedHost::parse(&text), Host(&text).wildcard());
        prop_assert!(Host(&text).matches(Host(&text)));
    }
}
