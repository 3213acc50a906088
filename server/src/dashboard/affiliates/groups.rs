//! Groups on the page of programmes: who is in which, and the terms a group has of its own. A group is never removed, since
//! what was earned in it keeps its terms; with nobody in it, it does nothing.

use axum::Form;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::super::page::Viewer;
use super::{given, programs, refused, told};
use crate::affiliate::groups::{GroupDocument, NewGroup};
use crate::affiliate::partners::{PartnerChange, PartnerDocument};
use crate::affiliate::programs::ProgramDocument;
use crate::affiliate::{AffiliateError, Affiliates};
use crate::app::App;
use crate::control::keys::Scope;

/// What somebody does: with a partner puts them into a group or, with none named, out of theirs; else makes a group.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Doing {
    program: Option<String>,
    name: Option<String>,
    partner: Option<String>,
    group: Option<String>,
}

/// One group as it is shown.
pub(super) struct Card {
    pub id: String,
    pub name: String,
    /// Who is in it: id and name.
    pub members: Vec<(String, String)>,
    /// The version of its own terms; none while it has those of the programme.
    pub version: Option<u32>,
}

/// `POST /affiliates/groups`
pub(super) async fn change(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Form(doing): Form<Doing>,
) -> Response {
    if !reader.key.allows(Scope::Write) {
        return programs::page(&app, &reader, None, Some(refused("change groups", Scope::Write))).await;
    }
    let affiliates = Affiliates::of(&app, &reader.workspace);
    let said = match given(&doing.partner) {
        Some(partner) => {
            let group = given(&doing.group).unwrap_or_default();
            let is_out = group.is_empty();
            let change = PartnerChange { group: Some(group), ..PartnerChange::default() };
            told(affiliates.change_partner(&partner, change).await, |partner| match is_out {
                true => format!("{} has the terms of the programme from now on.", partner.name),
                false => format!("{} is in the group for payments from now on.", partner.name),
            })
        }
        None => {
            let program = given(&doing.program).unwrap_or_default();
            let new = NewGroup { name: given(&doing.name).unwrap_or_default() };
            told(affiliates.create_group(&program, new).await, |made| {
                format!("{} is made. Put partners into it, and give it terms of its own.", made.name)
            })
        }
    };
    programs::page(&app, &reader, None, Some(said)).await
}

/// The groups of a programme.
pub(super) async fn cards(
    affiliates: &Affiliates<'_>,
    program: &ProgramDocument,
    partners: &[PartnerDocument],
) -> Result<Vec<Card>, AffiliateError> {
    let member = |id: &String| {
        let found = partners.iter().find(|partner| partner.id == *id);
        found.map(|partner| (partner.id.clone(), partner.name.clone()))
    };
    let card = |group: GroupDocument| {
        let own = program.terms_at(Some(&group.id), affiliates.now_ms);
        Card {
            members: group.partners.iter().filter_map(member).collect(),
            version: own.filter(|own| own.group.is_some()).map(|own| own.version),
            id: group.id,
            name: group.name,
        }
    };
    Ok(affiliates.groups(&program.id).await?.rows.into_iter().map(card).collect())
}
