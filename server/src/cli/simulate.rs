//! `tributary program simulate`: partner by partner, what other terms would have earned.

use domain::money::Money;

use super::client::{Errand, Of, Server, Source};
use crate::affiliate::simulator::{SimulationDocument, Supposed, simulation};
use crate::config::Config;
use crate::jobs::settle;

pub(super) async fn run(config: Config, of: &Of, program: &str, supposed: Supposed) -> anyhow::Result<()> {
    let told: SimulationDocument = match Server::find(&config).await? {
        Some(server) => {
            let Supposed { terms, group, from, to } = supposed;
            let terms = terms.map(|terms| serde_json::to_string(&terms).expect("terms are plain values"));
            let named = [("terms", terms), ("group", group), ("from", from), ("to", to)];
            let given = named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
            let path = format!("/v1/programs/{program}/simulate");
            server.client(of, Errand::Ask).await?.post_with(&path, &given.collect::<Vec<_>>()).await?
        }
        None => {
            let Source::Stores(app, workspace) = Source::find(config, of).await? else {
                anyhow::bail!("the server has just begun to answer; try again")
            };
            settle(&app).await?;
            let told = simulation(&app, &workspace, program, supposed).await;
            app.close().await;
            told?
        }
    };
    print(&told);
    Ok(())
}

fn print(told: &SimulationDocument) {
    println!("payments of {} to {}", told.from, told.to);
    for row in &told.rows {
        let amounts = amounts(row.now, row.then, row.difference, &row.currency);
        println!(
            "{}\t{}\t{amounts}\t{} of {} orders changed",
            row.partner, row.name, row.changed, row.orders
        );
    }
    for total in &told.totals {
        let amounts = amounts(total.now, total.then, total.difference, &total.currency);
        println!("all\t\t{amounts}\t{} of {} orders changed", total.changed, total.orders);
    }
    if told.unbooked > 0 {
        println!("{} orders wait to be booked; `tributary commission run` books them", told.unbooked);
    }
}

fn amounts(now: i64, then: i64, difference: i64, currency: &str) -> String {
    let shown = |minor: i64| match currency.parse() {
        Ok(code) => Money::new(minor, code).format(),
        Err(_) => format!("{minor} {currency}"),
    };
    let sign = if difference > 0 { "+" } else { "" };
    format!("now {}\tthen {}\tdifference {sign}{}", shown(now), shown(then), shown(difference))
}
