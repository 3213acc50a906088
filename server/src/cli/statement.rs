//! `tributary statement`: monthly statements of a connection or a partner, exported, and the proof that none was changed.

mod partner;

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use domain::affiliate::statement::PartnerStatement;
use domain::books::{Chained, Sealed, Statement, faults, to_csv};
use serde::de::DeserializeOwned;

use super::client::{Errand, Of, Server};
use crate::config::Config;
use crate::control::workspaces::Workspace;
use crate::http::statements::{ChainsDocument, chains, month};
use crate::statements;

#[derive(clap::Subcommand)]
pub enum Command {
    /// The statement of a month that is over, made on first export and the same bytes ever after.
    Export {
        /// con_…
        connection: String,
        /// Such as 2026-10.
        #[arg(long)]
        month: String,
        #[command(flatten)]
        of: Of,
        /// CSV instead of JSON.
        #[arg(long)]
        csv: bool,
        /// Write it there instead of printing it.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// A partner's statements: listed, or one exported.
    Partner(partner::Partner),
    /// Prove that no statement was changed and none is missing: those in the store, or exported JSON files, which
    /// needs neither a server nor its data.
    Verify {
        /// Exported files of one connection, or of one partner.
        files: Vec<PathBuf>,
        #[command(flatten)]
        of: Of,
    },
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        match self {
            Command::Export { connection, month, of, csv, out } => {
                let text = export(config, &connection, &month, &of, csv).await?;
                match out {
                    Some(path) => std::fs::write(&path, text)
                        .with_context(|| format!("{} cannot be written", path.display())),
                    None => {
                        print!("{text}");
                        Ok(())
                    }
                }
            }
            Command::Partner(partner) => partner.run(config).await,
            Command::Verify { files, of } if files.is_empty() => verify_stored(config, &of).await,
            Command::Verify { files, .. } => verify_files(&files),
        }
    }
}

async fn export(
    config: Config,
    connection: &str,
    wanted: &str,
    of: &Of,
    csv: bool,
) -> anyhow::Result<String> {
    let first_day = month(wanted).with_context(|| format!("--month {wanted:?}: use such as 2026-10"))?;
    if let Some(server) = Server::find(&config).await? {
        let client = server.client(of, Errand::Work).await?;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let format = if csv { "csv" } else { "json" };
        let pairs = [pair("connection", connection), pair("month", wanted), pair("format", format)];
        return client.post_text("/v1/statements", &pairs).await;
    }
    let app = super::open(config).await?;
    let all = app.control.connections(&app.secrets).await?;
    let known = all.into_iter().find(|known| known.id == connection);
    let known = known.with_context(|| format!("there is no connection {connection:?}"))?;
    let workspace = app.directory().workspaces.get(&known.workspace_id).cloned();
    let workspace = workspace.context("its workspace is gone")?;
    let sealed = statements::export(&app, &workspace, &known, first_day).await;
    app.close().await;
    let sealed = sealed?;
    Ok(if csv { to_csv(&sealed) } else { serde_json::to_string(&sealed)? })
}

async fn verify_stored(config: Config, of: &Of) -> anyhow::Result<()> {
    let mut found: Vec<ChainsDocument> = Vec::new();
    match Server::find(&config).await? {
        Some(server) => {
            for client in server.clients(of, Errand::Ask).await? {
                found.push(client.read("/v1/statements/verify", &[]).await?);
            }
        }
        None => {
            let app = super::open(config).await?;
            let directory = app.directory();
            let wanted = |id: &str| of.workspace.as_deref().is_none_or(|wanted| wanted == id);
            let meant: Vec<&Workspace> = directory
                .workspaces
                .values()
                .map(AsRef::as_ref)
                .filter(|workspace: &&Workspace| wanted(&workspace.id))
                .collect();
            for workspace in meant {
                let proved = chains(&app, workspace).await;
                found.push(proved.map_err(|problem| anyhow::anyhow!(problem.detail))?);
            }
            app.close().await;
        }
    }
    let chains = || found.iter().flat_map(|found| &found.chains);
    for chain in chains() {
        let mark = if chain.whole { "ok  " } else { "FAIL" };
        let newest = chain.hash.as_deref().unwrap_or("none");
        println!("{mark}  {}: {} statements, newest {newest}", chain.connection, chain.statements);
        chain.faults.iter().for_each(|fault| println!("      {fault}"));
        if chain.changed_since > 0 {
            println!(
                "      {} lines are otherwise now: the next statement corrects them",
                chain.changed_since
            );
        }
    }
    for chain in found.iter().flat_map(|found| &found.partners) {
        let mark = if chain.whole { "ok  " } else { "FAIL" };
        let newest = chain.hash.as_deref().unwrap_or("none");
        println!("{mark}  {}: {} statements, newest {newest}", chain.partner, chain.statements);
        chain.faults.iter().for_each(|fault| println!("      {fault}"));
    }
    ensure!(found.iter().all(|found| found.passed), "a chain is not whole; each line says where");
    Ok(())
}

fn verify_files(files: &[PathBuf]) -> anyhow::Result<()> {
    let mut texts = Vec::new();
    for path in files {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("{name} cannot be read"))?;
        texts.push((name, text));
    }
    let of_partner = |(_, text): &(String, String)| {
        serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| value.get("partner").is_some())
    };
    let (found, newest) = match texts.iter().any(of_partner) {
        true => proved::<PartnerStatement>(&texts)?,
        false => proved::<Statement>(&texts)?,
    };
    if found.is_empty() {
        println!("ok    {} statements, newest {newest}", texts.len());
        return Ok(());
    }
    found.iter().for_each(|fault| println!("FAIL  {fault}"));
    bail!("the chain is not whole")
}

/// What is wrong with exported statements, and the hash of the newest.
fn proved<S: Chained + DeserializeOwned>(
    texts: &[(String, String)],
) -> anyhow::Result<(Vec<String>, String)> {
    let mut made: Vec<Sealed<S>> = Vec::new();
    for (name, text) in texts {
        made.push(serde_json::from_str(text).with_context(|| format!("{name} is no exported statement"))?);
    }
    made.sort_by_key(|sealed| sealed.statement.number());
    let newest = made.last().map_or_else(String::new, |last| last.hash.clone());
    Ok((faults(&made), newest))
}
