//! What a visit is and where it came from: address, source, channel, agent.
//!
//! [`classify`] is the front door: it takes a [`Landing`] (page, referrer, what the workspace calls its own)
//! and says whether the landing starts a touch, of which source, in which channel, and which rule decided.
//! The rest are its parts, and the pure steps of the collector beside them.
//!
//! ```
//! use domain::visit::{Channel, Landing, PageAddress, Site, Verdict, classify};
//!
//! let page = PageAddress::parse("https://example.com/?utm_source=newsletter&utm_medium=email").unwrap();
//! let site = Site { domains: vec!["example.com".into()], ..Site::default() };
//! let landing = Landing { page: &page, referrer: "", user_agent_hint: None, site: &site, is_session_start: true };
//! let Verdict::Touch(touch) = classify(&landing) else { panic!("a tagged landing is a touch") };
//! assert_eq!((touch.channel, touch.source.as_str()), (Channel::Email, "newsletter"));
//! ```
//!
//! The lists of hosts, click ids and agents are files in `server/domain/data`, read at first use. Nothing here
//! keeps a person's data: click ids that name a person are dropped, network addresses are cut short.

pub mod address;
pub mod agent;
pub mod channel;
pub mod classify;
pub mod click_id;
pub mod exclusion;
pub mod facets;
pub mod network;
pub mod prefetch;
pub mod referrer;
pub mod signals;
pub mod source;

mod bots;
mod data;
mod evidence;
pub(crate) mod medium;
mod rules;

pub use address::{AddressError, PageAddress};
pub use agent::{Agent, BotReason, Device};
pub use channel::{Channel, RULES_VERSION};
pub use classify::{Classification, Landing, NoTouch, Site, Verdict, campaign_identity, classify};
pub use click_id::ClickId;
pub use evidence::Warning;
pub use exclusion::Exclusion;
pub use facets::{Facets, facet_id};
pub use referrer::Referrer;
pub use rules::{RULES_MAX, RuleError, RuleField, RuleTest, WorkspaceRule};
pub use source::{Category, Source};
