//! `tributary doctor`: is everything as it must be, and if not, what to do. Changes nothing.

mod cookies;
mod inbox;
mod leaving;
mod machine;
mod reach;

use crate::config::Config;

/// Check engine, stores, clock, disk, pixel, webhooks and cookie life, and say what to do.
#[derive(clap::Args)]
pub struct Doctor {}

/// What one check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// Works, but the operator should know.
    Careful,
    /// Does not work until something is done.
    Broken,
}

/// One line of the answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub verdict: Verdict,
    pub what: String,
    /// What was seen and, unless fine, what to do.
    pub detail: String,
}

impl Finding {
    fn new(verdict: Verdict, what: impl Into<String>, detail: impl Into<String>) -> Finding {
        Finding { verdict, what: what.into(), detail: detail.into() }
    }

    pub fn fine(what: impl Into<String>, detail: impl Into<String>) -> Finding {
        Finding::new(Verdict::Fine, what, detail)
    }

    pub fn careful(what: impl Into<String>, detail: impl Into<String>) -> Finding {
        Finding::new(Verdict::Careful, what, detail)
    }

    pub fn broken(what: impl Into<String>, detail: impl Into<String>) -> Finding {
        Finding::new(Verdict::Broken, what, detail)
    }
}

impl Doctor {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let http = super::client::local_client()?;
        let mut findings = machine::check(&config);
        findings.extend(inbox::check(&config).await);
        findings.extend(reach::check(&config, &http).await);
        for Finding { verdict, what, detail } in &findings {
            let mark = match verdict {
                Verdict::Fine => "ok  ",
                Verdict::Careful => "warn",
                Verdict::Broken => "FAIL",
            };
            println!("{mark}  {what}: {detail}");
        }
        let broken = findings.iter().filter(|finding| finding.verdict == Verdict::Broken).count();
        anyhow::ensure!(
            broken == 0,
            "{broken} of {} checks failed; each line says what to do",
            findings.len()
        );
        Ok(())
    }
}
