//! A refusal reaches whoever is still sending.

use crate::common::Vigla;
use crate::frames::{DATA, END, Frames, HEADERS, RESET, frame, post};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Every refusal that can be made before the body is there, over HTTP/2: the answer, and no reset of the stream, on which
/// curl would drop it.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_waits_for_the_body() {
    let vigla = Vigla::start(&[]);
    for (path, headers, status) in [
        ("/validate", &[("content-type", "text/plain")][..], "415"),
        ("/validate?timeout=0s", &[JSON], "400"),
        ("/elsewhere", &[JSON], "404"),
        ("/livez", &[JSON], "405"),
        ("/validate", &[JSON, ("content-length", "20000000")], "413"),
    ] {
        let mut frames = Frames::open(&vigla.door).await;
        frames.write(&post(1, path, headers)).await;
        let early = frames.settle().await;
        assert!(early.iter().all(|frame| frame.stream == 0), "{status} came before the body");
        if status == "413" {
            continue; // The rest of it is for `limits`.
        }
        frames.write(&frame(DATA, END, 1, b"{}")).await;
        let mut kinds = Vec::new();
        while kinds.last() != Some(&(DATA, END)) {
            let frame = frames.next().await.unwrap();
            if frame.stream == 1 {
                kinds.push((frame.kind, frame.flags & END));
            }
        }
        let after = frames.settle().await.into_iter().filter(|frame| frame.stream == 1);
        kinds.extend(after.map(|frame| (frame.kind, 0)));
        assert!(!kinds.iter().any(|(kind, _)| *kind == RESET), "{status}: {kinds:?}");
        assert_eq!(kinds[0].0, HEADERS);
    }
}
