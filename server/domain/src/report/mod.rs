//! Reports: the question ([`Query`]), the answer ([`Report`]) and its renderings as JSON, CSV and text.
//!
//! API, command line and dashboard parse their input into one `Query` and show one `Report`, so they cannot
//! disagree. Nothing here asks a store; the server fetches sums and hands them in. Sums and shares are taken
//! in whole numbers, and amounts of different currencies are never added.

mod channels;
mod conversions;
mod csv;
mod dimension;
mod json;
mod models;
mod overlap;
mod period;
mod query;
mod reconciliation;
mod series;
mod table;
mod terminal;
mod timing;

pub use channels::{ChannelReport, ChannelRow, CreditSum, Sums, VisitSum, channels};
pub use conversions::{Conversions, NotConverted};
pub use csv::csv_field;
pub use dimension::{DIMENSIONS, Dimension};
pub use json::number_of_parts;
pub use models::{ModelReport, ModelRow, ModelSum, models};
pub use overlap::{OverlapReport, OverlapSale, OverlapSums, OverlapTouch, overlap};
pub use period::{Interval, Period, PeriodError};
pub use query::{Compare, DateView, Defaults, Filter, Format, Query, QueryError, Sort};
pub use reconciliation::{CreditedSum, ProviderSum, Reconciliation, reconcile};
pub use series::{BucketMoney, BucketVisits, Point, SeriesReport, series};
pub use table::{Cell, Column, Kind, Meta, MetaDays, Report, Table, ratio_ppm};
pub use terminal::{grouped, order_count, percent};
pub use timing::{TimingReport, TimingRow, TimingSum, timing};
