//! Which orders and visits a question is about, as several commands ask it: the period, the account, the filters.

use anyhow::bail;

/// What every listing and report can be narrowed to.
#[derive(clap::Args)]
pub struct Selection {
    /// First day, YYYY-MM-DD; 30 days back when left out.
    #[arg(long)]
    from: Option<String>,
    /// Last day, included.
    #[arg(long)]
    to: Option<String>,
    /// today, yesterday, 7d, 30d, 90d, 365d, month, last_month, year.
    #[arg(long)]
    period: Option<String>,
    #[arg(long)]
    provider: Option<String>,
    #[arg(long)]
    connection: Option<String>,
    /// dimension=value, or dimension!=value; repeat for several. Of where visits came from, in a list of orders: those
    /// that earned such a visit something.
    #[arg(long = "filter", value_name = "DIMENSION=VALUE")]
    filters: Vec<String>,
}

impl Selection {
    /// As the API takes it, with what else the command asks.
    pub fn pairs(&self, more: &[(&str, &Option<String>)]) -> anyhow::Result<Vec<(String, String)>> {
        let own = [
            ("from", &self.from),
            ("to", &self.to),
            ("period", &self.period),
            ("provider", &self.provider),
            ("connection", &self.connection),
        ];
        let given = own.iter().chain(more);
        let given = given.filter_map(|(key, value)| Some(((*key).to_owned(), (*value).clone()?)));
        given.map(Ok).chain(self.filters.iter().map(|filter| filter_pair(filter))).collect()
    }
}

/// `dimension=value` or `dimension!=value`, as the API takes it.
fn filter_pair(filter: &str) -> anyhow::Result<(String, String)> {
    let Some((name, value)) = filter.split_once('=') else {
        bail!("--filter {filter:?}: write dimension=value or dimension!=value");
    };
    let key = match name.strip_suffix('!') {
        Some(name) => format!("filter[{name}][not]"),
        None => format!("filter[{name}]"),
    };
    Ok((key, value.to_owned()))
}
