//! What a Service is to the API server: one address, with those servers behind it that are ready. It also stands between
//! the API server and whoever is to lose it.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Passes each connection on to the first of its servers; a connection stays with the server that it has.
pub(crate) struct Balancer {
    pub(crate) port: u16,
    servers: Arc<Mutex<Vec<SocketAddr>>>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Balancer {
    /// Without servers it closes every connection. It ends with the process.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let servers = Arc::<Mutex<Vec<SocketAddr>>>::default();
        let open = Arc::<Mutex<Vec<TcpStream>>>::default();
        let (behind, opened) = (Arc::clone(&servers), Arc::clone(&open));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let first = lock(&behind).first().copied();
                if let Some(server) = first.and_then(|server| TcpStream::connect(server).ok()) {
                    join(&client, &server).expect("two directions");
                    lock(&opened).push(client);
                }
            }
        });
        Self { port, servers, open }
    }

    /// From now on new connections go to the first of these.
    pub(crate) fn route(&self, servers: &[SocketAddr]) {
        *lock(&self.servers) = servers.to_vec();
    }

    /// Ends every connection, and lets none in until there are servers again.
    pub(crate) fn cut(&self) {
        self.route(&[]);
        // Some have ended by themselves.
        lock(&self.open).drain(..).for_each(|client| drop(client.shutdown(Shutdown::Both)));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn join(one: &TcpStream, other: &TcpStream) -> io::Result<()> {
    for (from, to) in [(one, other), (other, one)] {
        let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
        thread::spawn(move || {
            // Either side may end at any time, which is what the tests are about.
            io::copy(&mut from, &mut to).ok();
            to.shutdown(Shutdown::Write).ok();
        });
    }
    Ok(())
}
