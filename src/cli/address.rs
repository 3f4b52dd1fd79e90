//! Where the API server finds Vigla, as it is written: what the API server would refuse, or not find, is refused here.
//! And where Vigla listens.

use std::net::SocketAddr;

use hyper::Uri;
use rustls::pki_types::ServerName;

use crate::cluster::webhook_configuration::Address;
use crate::mesh::is_dns_label;

/// Reads `https://HOST[:PORT]`.
pub(super) fn url(text: &str) -> Result<Address, String> {
    let bad = |what: &str| Err(format!("{what}; expected https://HOST[:PORT]"));
    let Ok(uri) = text.parse::<Uri>() else { return bad("no URL") };
    let Some(authority) = uri.authority().filter(|_| uri.scheme_str() == Some("https")) else {
        return bad("the API server calls webhooks over HTTPS only");
    };
    if authority.as_str().contains('@') {
        return bad("a webhook's URL may not name a user");
    }
    // The parser drops a fragment without a word.
    if uri.query().is_some() || text.contains('#') {
        return bad("a webhook's URL may have neither query nor fragment");
    }
    if !matches!(uri.path(), "" | "/") {
        return bad("the paths /validate and /mutate are added to the URL, which may have none");
    }
    let host = authority.host();
    let port = match authority.as_str().strip_prefix(host).map(|rest| rest.strip_prefix(':')) {
        Some(None) => None,
        Some(Some(port)) => Some(self::port(port)?),
        None => return bad("no host"),
    };
    if ServerName::try_from(host.trim_matches(['[', ']'])).is_err() {
        return bad("no host that a certificate could name");
    }
    Ok(Address::Url(port.map_or_else(|| format!("https://{host}"), |port| format!("https://{host}:{port}"))))
}

/// Reads `NAMESPACE/NAME[:PORT]`.
pub(super) fn service(text: &str) -> Result<Address, String> {
    let (service, port) = match text.split_once(':') {
        Some((service, port)) => (service, Some(self::port(port)?)),
        None => (text, None),
    };
    match service.split_once('/') {
        Some((namespace, name)) if is_dns_label(namespace) && is_dns_label(name) => {
            Ok(Address::Service { namespace: namespace.to_owned(), name: name.to_owned(), port })
        }
        _ => Err("expected NAMESPACE/NAME[:PORT], names in lower-case letters, digits and `-`".to_owned()),
    }
}

/// Reads `ADDR:PORT`.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an IP address and a port, such as 0.0.0.0:8443 or [::]:8443".to_owned())
}

fn port(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|&port: &u16| digits && port != 0);
    port.ok_or_else(|| "bad port; expected a number from 1 to 65535".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_an_api_server_can_call() {
        for (text, expected) in [
            ("https://vigla.test:8443", "https://vigla.test:8443"),
            ("https://vigla.test/", "https://vigla.test"),
            ("https://127.0.0.1:443", "https://127.0.0.1:443"),
            ("https://[::1]:8443", "https://[::1]:8443"),
            ("https://[::1]", "https://[::1]"),
            ("HTTPS://localhost:1", "https://localhost:1"),
        ] {
            assert_eq!(url(text), Ok(Address::Url(expected.to_owned())), "{text}");
        }
        let service_of = |port| Address::Service { namespace: "vigla".to_owned(), name: "door".to_owned(), port };
        assert_eq!(service("vigla/door"), Ok(service_of(None)));
        assert_eq!(service("vigla/door:8443"), Ok(service_of(Some(8443))));
    }

    #[test]
    fn rejects_a_place_to_listen_that_is_no_address_with_a_port() {
        assert_eq!(listen("[::1]:0"), Ok(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 0))));
        for text in ["", "8443", ":8443", "localhost:8443", "127.0.0.1", "127.0.0.1:70000", "[::1]"] {
            assert!(listen(text).is_err_and(|error| error.contains("0.0.0.0:8443")), "{text}");
        }
    }

    #[test]
    fn rejects_what_the_api_server_would_refuse() {
        for (text, expected) in [
            ("", "no URL"),
            ("vigla.test", "HTTPS only"),
            ("vigla.test:8443", "HTTPS only"),
            ("http://vigla.test", "HTTPS only"),
            ("/validate", "HTTPS only"),
            ("https://", "no URL"),
            ("https://:8443", "no host"),
            ("https://me@vigla.test", "user"),
            ("https://me:secret@vigla.test:8443", "user"),
            ("https://vigla.test?x=1", "query"),
            ("https://vigla.test/?", "query"),
            ("https://vigla.test#top", "fragment"),
            ("https://vigla.test#", "fragment"),
            ("https://vigla.test/validate", "paths"),
            ("https://vigla.test:0", "bad port"),
            ("https://vigla.test:", "bad port"),
            ("https://vigla.test:65536", "bad port"),
            ("https://vigla.test:+1", "bad port"),
            ("https://vigla test", "no URL"),
            ("https://-vigla.test", "no host"),
            ("https://vigla..test", "no host"),
        ] {
            assert!(url(text).is_err_and(|error| error.contains(expected)), "{text}: {:?}", url(text));
        }
        for text in
            ["", "vigla", "/vigla", "vigla/", "a/b/c", "Vigla/door", "a/b:", "a/b:0", "a/b:70000", "a/b:x", "a:1/b"]
        {
            assert!(service(text).is_err(), "{text}: {:?}", service(text));
        }
    }
}
