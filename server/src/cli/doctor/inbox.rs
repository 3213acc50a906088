//! Whether the inbox reads: what was put aside as damaged, and the whole file's own check.

use super::Finding;
use crate::config::Config;
use crate::ingest::inbox::{FILE, Inbox, InboxError, Options, damaged_logs};

const WHAT: &str = "inbox";
const ADVICE: &str = "check the disk (dmesg, smartctl); missing sales come back with `tributary reconcile`";

pub async fn check(config: &Config) -> Vec<Finding> {
    let path = config.data_dir.join(FILE);
    if !path.exists() {
        return vec![Finding::fine(WHAT, "will be made at the first start")];
    }
    let mut findings = match look(config).await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::broken(WHAT, error.to_string())],
    };
    for log in damaged_logs(&path) {
        let said = format!("a part of the log was damaged and not read; its copy is {}", log.display());
        findings.push(Finding::careful(WHAT, format!("{said}; {ADVICE}, then remove the copy")));
    }
    findings
}

async fn look(config: &Config) -> Result<Vec<Finding>, InboxError> {
    // Only looks: remembers no hit.
    let options = Options { bytes_max: config.inbox.bytes_max, hits_remembered: 0 };
    let inbox = Inbox::open(&config.data_dir, options)?;
    let mut findings = Vec::new();
    for batch in inbox.damaged_batches().await? {
        let said = format!("batch {} does not read ({}) and was not delivered", batch.batch_id, batch.why);
        findings.push(Finding::broken(WHAT, format!("{said}; {ADVICE}")));
    }
    for unit in inbox.refused_units().await? {
        let said = format!("{} hits were refused by the store and put aside ({})", unit.hits, unit.why);
        let advice = "mend what it says, or start a newer Tributary: they are sent again at every start";
        findings.push(Finding::broken(WHAT, format!("{said}; {advice}")));
    }
    for line in inbox.inspect().await? {
        findings.push(Finding::broken(WHAT, format!("{line}; {ADVICE}")));
    }
    if findings.is_empty() {
        let waiting = inbox.waiting_bytes();
        findings
            .push(Finding::fine(WHAT, format!("reads from end to end; {waiting} bytes wait for the store")));
    }
    inbox.close().await;
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[tokio::test]
    async fn a_sound_inbox_is_fine_and_a_damaged_one_is_broken_with_advice() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::for_data_dir(dir.path());
        assert_eq!(check(&config).await[0].verdict, Verdict::Fine);
        Inbox::open(dir.path(), Options { bytes_max: 1 << 20, hits_remembered: 0 }).unwrap().close().await;
        assert_eq!(check(&config).await[0].verdict, Verdict::Fine);
        let path = dir.path().join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[8192..16384].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
        let found = check(&config).await;
        assert_eq!(found[0].verdict, Verdict::Broken, "{found:?}");
        assert!(found[0].detail.contains("tributary reconcile"), "{found:?}");
    }
}
