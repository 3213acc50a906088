//! `tributary endpoint`: who is told of events, and what came of it. Works on the control store alone, also beside a
//! running server, which does the sending.

use super::affiliate::open;
use super::client::Of;
use crate::config::Config;
use crate::endpoints::{
    AttemptDocument, DeliveryDocument, EndpointChange, EndpointDocument, Endpoints, NewEndpoint, NewSecret,
    WantedDeliveries,
};
use crate::outbound::Outbound;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Have somebody told of events; prints the secret they are signed with, this once.
    Add {
        /// https://…
        url: String,
        /// A type of event, such as commission.created; repeat for several. None: all.
        #[arg(long = "event", value_name = "TYPE")]
        events: Vec<String>,
        #[command(flatten)]
        of: Of,
    },
    /// List who is told of events.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Tell an endpoint of events again, and try at once what waits.
    Enable {
        /// end_…
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// Tell an endpoint of nothing.
    Disable {
        /// end_…
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// Remove an endpoint with its deliveries.
    Remove {
        /// end_…
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// Send an endpoint an event that says nothing.
    Test {
        /// end_…
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// Give an endpoint another secret and print it, this once; the old one signs beside it for a while.
    Rotate {
        /// end_…
        id: String,
        /// For how many hours the old secret signs as well; 0 ends it at once.
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        old_hours: u32,
        #[command(flatten)]
        of: Of,
    },
    /// List deliveries, newest first, or show every try of one.
    Deliveries {
        /// dlv_…
        id: Option<String>,
        /// waiting, delivered or failed.
        #[arg(long)]
        state: Option<String>,
        /// Only to this endpoint, end_…
        #[arg(long)]
        endpoint: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Try a delivery again.
    Replay {
        /// dlv_…
        id: String,
        #[command(flatten)]
        of: Of,
    },
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let (Command::Add { of, .. }
        | Command::List { of }
        | Command::Enable { of, .. }
        | Command::Disable { of, .. }
        | Command::Remove { of, .. }
        | Command::Test { of, .. }
        | Command::Rotate { of, .. }
        | Command::Deliveries { of, .. }
        | Command::Replay { of, .. }) = &self;
        let (settings, workspace) = open(config, of).await?;
        let outbound = Outbound::new(&settings.config.outbound)?;
        let endpoints = Endpoints {
            control: &settings.control,
            secrets: &settings.secrets,
            outbound: &outbound,
            workspace_id: &workspace.id,
            now_ms: settings.clock.now_ms(),
        };
        let enabled = |enabled| EndpointChange { enabled: Some(enabled), ..EndpointChange::default() };
        match self {
            Command::Add { url, events, .. } => {
                let made = endpoints.create(NewEndpoint { url, events }).await?;
                println!("{}", told(&made));
                println!("deliveries are signed with {}", made.secret.unwrap_or_default());
            }
            Command::List { .. } => {
                endpoints.list().await?.rows.iter().for_each(|endpoint| println!("{}", told(endpoint)));
            }
            Command::Enable { id, .. } => println!("{}", told(&endpoints.change(&id, enabled(true)).await?)),
            Command::Disable { id, .. } => {
                println!("{}", told(&endpoints.change(&id, enabled(false)).await?))
            }
            Command::Remove { id, .. } => {
                endpoints.remove(&id).await?;
                println!("removed {id}");
            }
            Command::Test { id, .. } => println!("{}", way(&endpoints.test(&id).await?)),
            Command::Rotate { id, old_hours, .. } => {
                let made = endpoints.rotate(&id, &NewSecret { old_hours: Some(old_hours) }).await?;
                println!("deliveries are signed with {}", made.secret.unwrap_or_default());
                if old_hours > 0 {
                    println!("and with the one before for {old_hours} hours");
                }
            }
            Command::Deliveries { id: Some(id), .. } => {
                let delivery = endpoints.delivery(&id).await?;
                println!("{}", way(&delivery));
                for attempt in &delivery.log {
                    let status = attempt.status.map_or("no answer".to_owned(), |status| status.to_string());
                    let error = attempt.error.as_deref().unwrap_or("taken");
                    println!("  {}\t{status}\t{} ms\t{error}", attempt.number, attempt.latency_ms);
                }
            }
            Command::Deliveries { state, endpoint, .. } => {
                let wanted = WantedDeliveries { state, endpoint, ..WantedDeliveries::default() };
                endpoints.deliveries(&wanted).await?.rows.iter().for_each(|one| println!("{}", way(one)));
            }
            Command::Replay { id, .. } => println!("{}", way(&endpoints.replay(&id).await?)),
        }
        settings.control.close().await;
        Ok(())
    }
}

fn told(endpoint: &EndpointDocument) -> String {
    let events = match endpoint.events.as_slice() {
        [] => "all events".to_owned(),
        some => some.join(","),
    };
    let state = endpoint.disabled_why.as_deref().unwrap_or("enabled");
    format!("{}\t{}\t{events}\t{state}", endpoint.id, endpoint.url)
}

fn way(delivery: &DeliveryDocument) -> String {
    let DeliveryDocument { id, endpoint, kind, state, attempts, last, .. } = delivery;
    let last = last.as_ref().map(AttemptDocument::came_to).unwrap_or_default();
    format!("{id}\t{kind}\t{endpoint}\t{state}\t{attempts} tries\t{last}")
}
