//! `tributary key rotate-operator`: another operator's key, everything sealed anew under it. The control store changes
//! in one transaction, which is the moment from which the new key counts; the inbox follows in steps, and until it is
//! through its bodies open with what the new key knows of the old one. Never prints a key.

use std::path::Path;

use anyhow::{Context, ensure};
use secrecy::{ExposeSecret, SecretString};

use crate::config::Config;
use crate::control::{Control, ControlError};
use crate::effects::{Clock, random_bytes};
use crate::ingest::inbox::{self, Inbox};
use crate::jobs::apply::sealing_place;
use crate::secrets::{Secrets, hex, write_private};

/// Bodies sealed anew in one transaction.
const STEP_BODIES: usize = 200;

#[derive(clap::Args)]
pub struct Rotate {
    /// The new key, when the present one is configured (secret_key); a key kept in <data_dir>/secret.key is replaced
    /// by one that is made here.
    #[arg(long, env = "TRIBUTARY_NEW_SECRET_KEY", hide_env_values = true)]
    new_key: Option<SecretString>,
}

impl Rotate {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let clock = Clock::system();
        let data_dir = config.data_dir.clone();
        let is_kept = config.secret_key.expose_secret().is_empty();
        // Also proves that no server runs on this data.
        let inbox =
            Inbox::open(&data_dir, inbox::Options { bytes_max: config.inbox.bytes_max, hits_remembered: 1 })?;
        inbox.claim().await.context("stop the server first: it would go on with the old key")?;
        let old = Secrets::load(&config.secret_key, &data_dir)?;
        let (kept, next_file) = (data_dir.join("secret.key"), data_dir.join("secret.key.next"));
        let next = match (is_kept, &self.new_key) {
            (true, None) => {
                if !next_file.exists() {
                    write_private(&next_file, hex(&random_bytes::<32>()).as_bytes())
                        .with_context(|| format!("cannot write {}", next_file.display()))?;
                    sync_folder(&data_dir)?;
                }
                SecretString::from(std::fs::read_to_string(&next_file)?.trim())
            }
            (false, Some(key)) => key.clone(),
            (true, Some(_)) => anyhow::bail!(
                "the present key is kept in secret.key, so the new one is made here: leave --new-key out"
            ),
            (false, None) => {
                anyhow::bail!("secret_key is configured: give its successor in TRIBUTARY_NEW_SECRET_KEY")
            }
        };
        ensure!(next.expose_secret() != config.secret_key.expose_secret(), "the new key is the present one");
        let control = Control::open(&config, clock.now_ms()).await?;
        let new = exchange(&control, old, Secrets::load(&next, &data_dir)?, clock.now_ms()).await?;
        if is_kept {
            std::fs::rename(&next_file, &kept)?;
            sync_folder(&data_dir)?;
        }
        let bodies = reseal_bodies(&inbox, &new).await?;
        inbox.close().await;
        control.close().await;
        println!("the control store and {bodies} webhook bodies are sealed under the new key");
        println!("dashboard sessions have ended; backups from before open with the old key only");
        if !is_kept {
            println!("start the server with the new key as secret_key (TRIBUTARY_SECRET_KEY)");
        }
        Ok(())
    }
}

/// Moves the control store from `old` to `next`; when a run before did, unlocks `next`.
async fn exchange(
    control: &Control,
    old: Secrets,
    next: Secrets,
    now_ms: i64,
) -> Result<Secrets, ControlError> {
    match control.unlock(old, now_ms).await {
        Ok(old) => control.rotate(&old, next, now_ms).await,
        Err(ControlError::OtherKey) => control.unlock(next, now_ms).await,
        Err(error) => Err(error),
    }
}

/// Seals the inbox's bodies anew and answers how many. What no key opens stays as it is, and is told.
async fn reseal_bodies(inbox: &Inbox, secrets: &Secrets) -> anyhow::Result<usize> {
    let (mut after, mut count) = (0, 0);
    loop {
        let webhooks = inbox.sealed_bodies(after, STEP_BODIES).await?;
        let Some(last) = webhooks.last() else { return Ok(count) };
        after = last.id;
        let mut again = Vec::new();
        for webhook in &webhooks {
            let place = sealing_place(&webhook.connection_id, &webhook.event_id);
            match secrets.resealed_bytes(&place, &webhook.sealed_body) {
                Ok(Some(body)) => again.push((webhook.id, body)),
                Ok(None) => {}
                Err(error) => eprintln!("webhook {} of {}: {error}", webhook.event_id, webhook.connection_id),
            }
        }
        count += again.len();
        inbox.replace_bodies(again).await?;
    }
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::connections::Connection;
    use crate::control::workspaces::Workspace;
    use crate::ingest::inbox::NewWebhook;

    const BODIES: usize = STEP_BODIES + 7;

    async fn filled(dir: &Path) -> (Control, Inbox) {
        let config = Config::for_data_dir(dir);
        let secrets = Secrets::load(&config.secret_key, dir).unwrap();
        let control = Control::open(&config, 1).await.unwrap();
        let secrets = control.unlock(secrets, 1).await.unwrap();
        let workspace = Workspace {
            id: "ws_a".into(),
            name: "A".into(),
            timezone: "UTC".into(),
            currency: "USD".into(),
            settings: Default::default(),
        };
        control.create_workspace(&workspace, 1).await.unwrap();
        let connection = Connection {
            id: "con_1".into(),
            workspace_id: "ws_a".into(),
            provider: "polar".into(),
            name: "A".into(),
            environment: "production".into(),
            token: Some("polar_oat_x".into()),
            webhook_secrets: vec!["whsec_x".into()],
            created_at_ms: 1,
        };
        control.save_connection(&connection, &secrets, 1).await.unwrap();
        let options = inbox::Options { bytes_max: 1 << 24, hits_remembered: 1 };
        let inbox = Inbox::open(dir, options).unwrap();
        for number in 0..BODIES {
            let event_id = format!("evt_{number}");
            let sealed_body = secrets.seal_bytes(&sealing_place("con_1", &event_id), event_id.as_bytes());
            let webhook = NewWebhook {
                provider: "polar".into(),
                workspace_id: "ws_a".into(),
                connection_id: "con_1".into(),
                event_id,
                event_type: None,
                received_at_ms: 1,
                sealed_body,
            };
            inbox.keep_webhook(webhook).await.unwrap();
        }
        (control, inbox)
    }

    /// Whether these keys, unlocked, open every secret and every body.
    async fn opens_all(control: &Control, inbox: &Inbox, secrets: &Secrets) -> bool {
        let bodies = inbox.sealed_bodies(0, BODIES + 1).await.unwrap();
        assert_eq!(bodies.len(), BODIES);
        let open = |w: &inbox::Webhook| {
            secrets.open_bytes(&sealing_place("con_1", &w.event_id), &w.sealed_body).ok()
                == Some(w.event_id.clone().into())
        };
        control.connections(secrets).await.is_ok() && bodies.iter().all(open)
    }

    #[tokio::test]
    async fn the_old_key_opens_nothing_afterwards_and_the_new_one_everything_wherever_it_was_interrupted() {
        let dir = tempfile::tempdir().unwrap();
        let (control, inbox) = filled(dir.path()).await;
        let key = |text: &str| Secrets::load(&text.into(), dir.path()).unwrap();
        let old = || Secrets::load(&"".into(), dir.path()).unwrap();
        let next = || key("the next operator's key, long enough to use");

        // Interrupted between the control store and the inbox, twice: nothing is out of reach in between.
        let new = exchange(&control, old(), next(), 2).await.unwrap();
        assert!(opens_all(&control, &inbox, &new).await, "bodies still sealed under the old key open");
        assert!(matches!(control.unlock(old(), 3).await, Err(ControlError::OtherKey)));
        let again = exchange(&control, old(), next(), 3).await.unwrap();
        assert!(opens_all(&control, &inbox, &again).await);

        assert_eq!(reseal_bodies(&inbox, &again).await.unwrap(), BODIES);
        assert_eq!(reseal_bodies(&inbox, &again).await.unwrap(), 0, "once is enough");
        assert!(opens_all(&control, &inbox, &again).await);
        let unlocked = control.unlock(next(), 4).await.unwrap();
        assert!(opens_all(&control, &inbox, &unlocked).await, "as the server starts with it");
        let body = inbox.sealed_bodies(0, 1).await.unwrap().remove(0);
        let place = sealing_place("con_1", &body.event_id);
        assert!(old().open_bytes(&place, &body.sealed_body).is_err(), "a stolen old key is worth nothing");
        assert!(control.connections(&old()).await.is_err());
        assert_eq!(unlocked.email_key(), old().email_key(), "hashes of addresses go on meeting");

        // And once more: keys add up.
        let third =
            exchange(&control, next(), key("the third operator's key, long enough too"), 5).await.unwrap();
        assert!(opens_all(&control, &inbox, &third).await);
    }
}
