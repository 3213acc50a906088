//! `tributary engine --listen`: the embedded engine over ClickHouse's HTTP interface, for SQL by hand and
//! for ClickHouse clients of other languages. Never runs beside a server: the data directory has one user.

use anyhow::{Context, ensure};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::store::Store;

/// Serve the embedded engine's data to ClickHouse clients on this machine.
#[derive(clap::Args)]
pub struct Engine {
    /// Address to listen on; port 0 picks a free one. Other than loopback needs store.password.
    #[arg(long, default_value = "127.0.0.1:8123")]
    listen: String,
}

impl Engine {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        ensure!(
            config.store.url.is_empty(),
            "store.url names a ClickHouse server, so there is no embedded engine here; ask that server"
        );
        let listener = TcpListener::bind(&self.listen)
            .await
            .with_context(|| format!("cannot listen on {}", self.listen))?;
        let store = Store::open(&config)?;
        let engine = store.engine().expect("opened without store.url").clone();
        let password = config.store.password.expose_secret();
        let access = engine::Access {
            user: Some(config.store.user.clone()),
            password: Some(password.to_owned()).filter(|password| !password.is_empty()),
        };
        println!("http://{}", listener.local_addr()?);
        engine.listen(listener, access, super::serve::stop_signal()).await?;
        store.close().await;
        Ok(())
    }
}
