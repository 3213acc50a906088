//! The hit as it travels from the browser to the collector: its fields, its limits, its JSON.
//!
//! The collector reads it by this crate. The pixel takes only its words from here (ids, limits, names): its loader, which
//! is JavaScript, writes the JSON itself. [`encode`] is for whoever else sends hits: tests, the load generator.
//! Without features it is `no_std`, has no dependencies and only encodes; feature `decode` adds the
//! reading half. It never decides what a hit *means*: channels, bots, signatures and clocks are not here.
//!
//! ```
//! use wire::{Consent, Hit, Kind, Ulid};
//!
//! let hit = Hit {
//!     ws: "ws_demo".into(),
//!     kind: Kind::Page,
//!     id: Ulid::new(1_763_718_000_000, [7; 10]),
//!     visitor: None,
//!     session: Ulid::new(1_763_718_000_000, [8; 10]),
//!     touch: None,
//!     url: "https://shop.example/?utm_source=news".into(),
//!     referrer: "".into(),
//!     at_ms: 1_763_718_000_000,
//!     sent_ms: None,
//!     width: Some(1280),
//!     cookie_domain: None,
//!     consent: Consent::Granted,
//!     engaged_ms: None,
//!     handover: None,
//! };
//! let mut body = String::new();
//! wire::encode(&hit, &mut body);
//! assert!(body.starts_with(r#"{"ws":"ws_demo","kind":"page","id":"01"#));
//! ```
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;
#[cfg(feature = "decode")]
extern crate std;

mod encode;
mod hit;
pub mod limits;
mod ulid;
mod visitor;

#[cfg(feature = "decode")]
mod decode;
#[cfg(feature = "decode")]
mod error;

pub use encode::encode;
pub use hit::{Consent, Hit, Kind, Number, PropValue, Props, Touch};
pub use ulid::Ulid;
pub use visitor::VisitorId;

#[cfg(feature = "decode")]
pub use decode::{decode, decode_within};
#[cfg(feature = "decode")]
pub use error::{BodyError, Field, HitError, Reason};
