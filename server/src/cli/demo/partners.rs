//! The demo's programme and partners, made by the door that commands and the API use. Changes nothing that is there.

use domain::affiliate::PartnerStatus;

use super::mix::{PARTNERS, Partner};
use crate::affiliate::Affiliates;
use crate::affiliate::links::NewLink;
use crate::affiliate::partners::{NewPartner, PayoutTo};
use crate::affiliate::portal::{Applications, AssetKind, NewAsset};
use crate::affiliate::programs::NewProgram;
use crate::cli::Settings;
use crate::cli::affiliate::affiliates;
use crate::control::workspaces::Workspace;

/// The partners were there before the history begins.
const BEFORE_MS: i64 = 400 * 24 * 3600 * 1000;
const ABOUT: &str =
    "Tell people about the desk that stays tidy, and get your part of what they pay.\nNo followers needed.";
const WORDS: &str = "I keep my desk, my notes and my head tidy with this one. Try it for a month.";

pub(super) async fn prepare(settings: &Settings, workspace: &Workspace, shop: &str) -> anyhow::Result<()> {
    let affiliates = affiliates(settings, workspace);
    if !affiliates.programs().await?.rows.is_empty() {
        return Ok(());
    }
    let since_ms = affiliates.now_ms - BEFORE_MS;
    let terms = serde_json::json!({
        "reward": { "basis_points": 3000 }, "recurring": { "months": 12 }, "hold_days": 30, "window_days": 60,
        "minimum_payout": { "USD": 2_000 },
    });
    let new = NewProgram {
        name: "Friends of the desk".to_owned(),
        terms: serde_json::from_value(terms)?,
        from_ms: Some(since_ms),
    };
    let program = affiliates.create_program(new).await?.id;
    // One after the other, so that lists have them in this order.
    for (partner, since_ms) in PARTNERS.iter().zip(since_ms..) {
        add(&affiliates, &program, partner, since_ms, shop).await?;
    }
    let open = Applications { open: true, about: ABOUT.to_owned(), url: None };
    affiliates.set_applications(&program, &open).await?;
    for (kind, title, content) in [
        (AssetKind::Text, "Words to use", WORDS.to_owned()),
        (AssetKind::Link, "The shop's prices", format!("{shop}/pricing")),
    ] {
        affiliates.add_asset(&program, NewAsset { kind, title: title.to_owned(), content }).await?;
    }
    Ok(())
}

async fn add(
    affiliates: &Affiliates<'_>,
    program: &str,
    partner: &Partner,
    since_ms: i64,
    shop: &str,
) -> anyhow::Result<()> {
    let paid = |(method, recipient): (_, &str)| PayoutTo { method, recipient: recipient.to_owned() };
    let new = NewPartner {
        program: program.to_owned(),
        name: partner.name.to_owned(),
        email: format!("{}@partners.example", partner.code),
        status: Some(PartnerStatus::Approved),
        payout: partner.paid.map(paid),
        since_ms: Some(since_ms),
    };
    let made = affiliates.create_partner(new).await?;
    let (code, destination) = (Some(partner.code.to_owned()), Some(format!("{shop}/")));
    affiliates.create_link(NewLink { partner: made.id, code, destination }).await?;
    Ok(())
}
