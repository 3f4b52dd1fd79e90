//! HTTP/2 by hand: what no client would do, and what a client would not show.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::common::{Door, soon};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;

pub(crate) const END: u8 = 1;
const ACK: u8 = 1;
const END_OF_HEADERS: u8 = 4;

pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// A connection whose frames are ours.
pub(crate) struct Frames(TlsStream<TcpStream>);

impl Frames {
    pub(crate) async fn open(door: &Door) -> Self {
        let mut frames = Self(door.raw(&["h2"]).await);
        let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        hello.extend(frame(SETTINGS, 0, 0, &[]));
        frames.write(&hello).await;
        frames
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        soon(self.0.write_all(bytes)).await.unwrap();
    }

    /// The next frame; none at the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        soon(self.0.read_exact(&mut head)).await.ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]).try_into().unwrap()];
        soon(self.0.read_exact(&mut payload)).await.ok()?;
        Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }

    /// Everything that comes before the answer to a ping: the server has read what was written until now.
    pub(crate) async fn settle(&mut self) -> Vec<Frame> {
        self.write(&frame(PING, 0, 0, b"are you?")).await;
        let mut before = Vec::new();
        loop {
            match self.next().await.unwrap() {
                Frame { kind: PING, flags: ACK, .. } => return before,
                frame => before.push(frame),
            }
        }
    }
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A POST on this stream, its body still to come.
pub(crate) fn post(stream: u32, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    let pseudo = [(":method", "POST"), (":scheme", "https"), (":path", path), (":authority", "x")];
    for (name, value) in pseudo.iter().chain(headers) {
        // HPACK: spelt out, not to be remembered.
        block.push(0);
        for text in [name, value] {
            block.push(text.len().try_into().unwrap());
            block.extend(text.bytes());
        }
    }
    frame(HEADERS, END_OF_HEADERS, stream, &block)
}
