//! Serves the engine on a loopback port for clients of other languages, until INT or TERM.
//! `cargo run -p engine --example listen -- [data directory] [address]` prints the address it listens on.

use engine::{Access, Engine, Options};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let data_dir = arguments.next().unwrap_or_else(|| ".data/engine-listen".into());
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".into());
    let engine = Engine::open(&Options::new(data_dir))?;
    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    engine.listen(listener, Access::default(), stop).await?;
    engine.close().await;
    Ok(())
}
