//! The shop as a process of its own.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use shop::{Options, start};

/// A small shop with Tributary's pixel.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Where to listen.
    #[arg(long, env = "SHOP_LISTEN", default_value = "127.0.0.1:4601")]
    listen: SocketAddr,
    /// The shop's own address, when it is not the listening one.
    #[arg(long, env = "SHOP_PUBLIC_URL")]
    public_url: Option<String>,
    /// Where Tributary serves p.js.
    #[arg(long, env = "SHOP_COLLECTOR_URL", default_value = "http://127.0.0.1:4600")]
    collector_url: String,
    /// The workspace that gets the visits.
    #[arg(long, env = "SHOP_WORKSPACE", default_value = "ws_demo")]
    workspace: String,
    /// Polar's API, or the stand-in's.
    #[arg(long, env = "SHOP_POLAR_URL", default_value = "http://127.0.0.1:4602")]
    polar_url: String,
    /// An organization token that may create checkouts.
    #[arg(long, env = "SHOP_POLAR_TOKEN", default_value = "polar_oat_standin_demo", hide_env_values = true)]
    polar_token: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let listen = args.listen;
    let shop = start(Options {
        listen,
        public_url: args.public_url,
        collector_url: args.collector_url,
        workspace: args.workspace,
        polar_url: args.polar_url,
        polar_token: args.polar_token,
    })
    .await
    .with_context(|| format!("cannot start on {listen}: choose another address with --listen"))?;
    println!("{}", shop.url());
    tokio::signal::ctrl_c().await.context("cannot wait for ctrl-c")
}
