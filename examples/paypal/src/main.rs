//! The stand-in as a process of its own.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use paypal_standin::{CLIENT_ID, CLIENT_SECRET, start};

/// A stand-in for PayPal's Payouts API.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Where to listen; port 0 takes a free one and prints it.
    #[arg(long, env = "PAYPAL_STANDIN_LISTEN", default_value = "127.0.0.1:4603")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let listen = Args::parse().listen;
    let mut paypal = start(listen, true)
        .await
        .with_context(|| format!("cannot start on {listen}: choose another address with --listen"))?;
    println!("{}", paypal.url());
    eprintln!("client id {CLIENT_ID}, secret {CLIENT_SECRET}");
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
        () = paypal.served() => {}
    }
    Ok(())
}
