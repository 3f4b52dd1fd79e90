//! The limit: our own server, with a judge that reads nothing but the uid and allows.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use vigla::review::{Endpoint, Reply};
use vigla::server::dev::DevTls;
use vigla::server::tls;
use vigla::server::{Health, Judge, Server, Stop};

/// Turns the benchmark into the server.
pub(crate) const FLAG: &str = "--serve-allow-all";

#[derive(Deserialize)]
struct Review<'a> {
    #[serde(borrow)]
    request: Request<'a>,
}

#[derive(Deserialize)]
struct Request<'a> {
    uid: &'a str,
}

struct AllowAll;

impl Judge for AllowAll {
    fn judge(&self, _: Endpoint, body: &[u8], _: Timestamp) -> Reply {
        let uid = serde_json::from_slice::<Review<'_>>(body).unwrap().request.uid;
        let answer = format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{{"uid":"{uid}","allowed":true}}}}"#
        );
        Reply::Review(answer.into_bytes())
    }

    fn panicked(&self, _: Endpoint, _: &[u8], _: Timestamp) -> Reply {
        Reply::BadRequest("not a review".to_owned())
    }
}

/// Serves until it is killed, and says the same first lines as `vigla serve --dev`.
pub(crate) async fn serve() {
    let dev = DevTls::make([127, 0, 0, 1].into()).unwrap();
    let server = Server::bind(([127, 0, 0, 1], 0).into(), tls::config(dev.identity(), None).unwrap()).await.unwrap();
    println!("listening on https://{}\nCA certificate: {}", server.address(), dev.ca_path().display());
    let stop = Stop::on_signals().unwrap();
    server.run(Arc::new(AllowAll), Arc::default(), Health::default(), stop, Duration::ZERO).await;
}
