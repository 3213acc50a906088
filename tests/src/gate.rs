//! A gate in front of the store, for bad days: it lets everything through, or nothing, or lets a request reach
//! the store and loses the answer. Bytes only; it knows nothing of what they say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use engine::Access;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::stores::{Place, Server, place};

const OPEN: u8 = 0;
const SHUT: u8 = 1;
const MUTE: u8 = 2;

/// A listener on loopback that leads to the store of this process.
pub struct Gate {
    state: Arc<AtomicU8>,
    server: Server,
}

impl Gate {
    /// An open gate. The embedded engine is reached over a port of its own.
    pub async fn open() -> Gate {
        let (target, user, password) = match place() {
            Place::Embedded(engine) => {
                let listener = listener().await;
                let target = address(&listener).to_string();
                let engine = engine.clone();
                tokio::spawn(async move {
                    engine.listen(listener, Access::default(), std::future::pending()).await
                });
                (target, "default".to_owned(), String::new())
            }
            Place::Server(server) => {
                let target = server.url.trim_start_matches("http://").to_owned();
                (target, server.user.clone(), server.password.clone())
            }
        };
        let listener = listener().await;
        let url = format!("http://{}", address(&listener));
        let state = Arc::new(AtomicU8::new(OPEN));
        tokio::spawn(keep(listener, target, state.clone()));
        Gate { state, server: Server { url, user, password } }
    }

    /// Nothing passes; open connections break.
    pub fn shuts(&self) {
        self.state.store(SHUT, Ordering::SeqCst);
    }

    /// Requests pass and are carried out; their answers are lost.
    pub fn loses_answers(&self) {
        self.state.store(MUTE, Ordering::SeqCst);
    }

    pub fn opens(&self) {
        self.state.store(OPEN, Ordering::SeqCst);
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port")
}

fn address(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("a bound listener has an address")
}

async fn keep(listener: TcpListener, target: String, state: Arc<AtomicU8>) {
    while let Ok((near, _)) = listener.accept().await {
        if state.load(Ordering::SeqCst) == SHUT {
            continue;
        }
        let (target, state) = (target.clone(), state.clone());
        tokio::spawn(async move {
            if let Ok(far) = TcpStream::connect(target).await {
                // A broken connection is what gates are for.
                let _ = pass(near, far, &state).await;
            }
        });
    }
}

async fn pass(mut near: TcpStream, mut far: TcpStream, state: &AtomicU8) -> std::io::Result<()> {
    let (mut up, mut down) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            count = near.read(&mut up) => {
                let count = count?;
                if count == 0 || state.load(Ordering::SeqCst) == SHUT {
                    return Ok(());
                }
                far.write_all(&up[..count]).await?;
            }
            count = far.read(&mut down) => {
                let count = count?;
                if count == 0 || state.load(Ordering::SeqCst) != OPEN {
                    return Ok(());
                }
                near.write_all(&down[..count]).await?;
            }
        }
    }
}
