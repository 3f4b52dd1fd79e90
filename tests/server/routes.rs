//! Who asks for a review gets one; who asks for something else is told what to ask for.

use std::process::Command;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::http::{Method, StatusCode, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::common::{Http, REVIEW, REVIEW_UID, Vigla, send, soon};

const BOTH: [Http; 2] = [Http::One, Http::Two];

#[tokio::test(flavor = "multi_thread")]
async fn answers_reviews_over_both_versions() {
    let vigla = Vigla::start(&[]);
    for http in BOTH {
        for path in ["/validate", "/mutate", "/validate?timeout=10s"] {
            let answer = vigla.door.post(http, path, REVIEW).await;
            assert_eq!(answer.status, StatusCode::OK, "{http:?} {path}: {}", answer.body);
            assert_eq!(answer.header("content-type"), "application/json");
            assert!(answer.body.contains(REVIEW_UID), "{}", answer.body);
            assert!(answer.body.contains(r#""allowed":true"#), "{}", answer.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn speaks_the_version_that_alpn_chose() {
    let vigla = Vigla::start(&[]);
    for (http, version) in [(Http::One, Version::HTTP_11), (Http::Two, Version::HTTP_2)] {
        let request = vigla.door.request(Method::GET, "/livez").body(Full::<Bytes>::default()).unwrap();
        let response = soon(vigla.door.client(http).request(request)).await.unwrap();
        assert_eq!(response.version(), version);
    }
    let mut stream = vigla.door.raw(&[]).await;
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "without ALPN: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn is_live_and_ready() {
    let vigla = Vigla::start(&[]);
    for http in BOTH {
        for path in ["/livez", "/readyz"] {
            let answer = vigla.door.get(http, path).await;
            assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "ok\n"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_other_paths_and_methods() {
    let vigla = Vigla::start(&[]);
    for http in BOTH {
        for path in ["/", "/validate/", "/VALIDATE", "/validate/x", "/metrics/../validate"] {
            let answer = vigla.door.post(http, path, REVIEW).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert!(answer.body.contains("expected POST /validate"), "{}", answer.body);
        }
        let answer = vigla.door.get(http, "/validate").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow"), "POST");
        assert!(answer.body.contains("expected POST"), "{}", answer.body);

        let answer = vigla.door.post(http, "/readyz", "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow"), "GET,HEAD");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wants_json() {
    let vigla = Vigla::start(&[]);
    for http in BOTH {
        let client = vigla.door.client(http);
        let with = |kind: Option<&str>| {
            let mut request = vigla.door.request(Method::POST, "/validate");
            if let Some(kind) = kind {
                request = request.header("content-type", kind);
            }
            request.body(Full::new(Bytes::from(REVIEW))).unwrap()
        };
        for kind in ["application/json", "application/json; charset=utf-8", "Application/JSON ;charset=UTF-8"] {
            assert_eq!(send(&client, with(Some(kind))).await.status, StatusCode::OK, "{kind}");
        }
        for kind in [None, Some("text/plain"), Some("application/jsonx"), Some("application/yaml"), Some("")] {
            let answer = send(&client, with(kind)).await;
            assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind:?}");
            assert!(answer.body.contains("application/json"), "{}", answer.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_a_timeout_that_is_no_duration() {
    let vigla = Vigla::start(&[]);
    let answer = vigla.door.post(Http::One, "/validate?timeout=soon", REVIEW).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.body, "`timeout=soon` is no duration; expected one above zero such as 10s or 500ms\n");
}

#[test]
fn the_printed_curl_line_works_when_pasted() {
    let mut vigla = Vigla::start(&[]);
    let line = vigla.next_line();
    assert!(line.starts_with("curl "), "{line}");
    let Ok(output) =
        Command::new("sh").args(["-c", &format!("command -v curl >/dev/null || exit 99; {line}")]).output()
    else {
        return;
    };
    if output.status.code() == Some(99) {
        return; // No curl here.
    }
    let answer = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(answer.contains(r#""kind":"AdmissionReview""#) && answer.contains(r#""allowed":false"#), "{answer}");
}
