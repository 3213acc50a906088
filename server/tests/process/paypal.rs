//! The worst moment of a payout: PayPal has the money on its way, and the server is killed before it knows. Killed there
//! over and over, it sends one batch, and the ledger is paid once.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use domain::affiliate::ledger::{Balance, Reason};
use paypal_standin::{CLIENT_ID, CLIENT_SECRET, Handle};
use serde_json::json;
use tributary::affiliate::Affiliates;
use tributary::affiliate::imports::ImportParams;
use tributary::affiliate::payouts::NewAccount;
use tributary::affiliate::programs::NewProgram;
use tributary::app::App;
use tributary::config::Config;
use tributary::control::Control;
use tributary::control::ledger::Which;
use tributary::control::payouts::PayoutState;
use tributary::jobs::{self, paypal};
use tributary::secrets::Secrets;

use crate::program::{Chance, Running, WORKSPACE, asked, folder, opened_as, prepare, program};

/// Two partners, and what another tool still owed them.
const OWED: &str = "First Name,Last Name,Email,Token,PayPal Email,State,Unpaid,Currency\r\n\
    Ann,Ant,ann@partners.example,ann,ann@pay.example,active,30.00,USD\r\n\
    Bob,Bee,bob@partners.example,bob,bob@pay.example,active,6.00,USD\r\n";
/// Of both.
const OWED_MINOR: i64 = 36_00;
/// A server that has not called PayPal by then never will.
const LIFE_MAX: Duration = Duration::from_secs(60);
/// Kills a moment after PayPal has answered, unless KILL_ROUNDS says otherwise.
const KILLS: u64 = 3;

fn may_call_this_machine(config: &mut Config) {
    config.outbound.allowed_networks = vec!["127.0.0.0/8".to_owned()];
}

fn payer(data_dir: &Path) -> Command {
    let mut command = program(data_dir, &["serve"]);
    command.env("TRIBUTARY_OUTBOUND_ALLOWED_NETWORKS", "127.0.0.0/8");
    command
}

/// A payout that is approved and planned, and not yet sent.
async fn planned(app: &App, paypal: &Handle) -> String {
    let workspace = app.directory().workspaces[WORKSPACE].clone();
    let affiliates = Affiliates::of(app, &workspace);
    let terms = serde_json::from_value(json!({ "reward": { "basis_points": 3000 } })).unwrap();
    let new = NewProgram { name: "Friends".to_owned(), terms, from_ms: None };
    let program = affiliates.create_program(new).await.unwrap().id;
    let mut params = ImportParams::default();
    let told =
        affiliates.preview_import(&program, "rewardful", &params, OWED.as_bytes()).await.expect("a file");
    params.token = told.token;
    affiliates.apply_import(&program, "rewardful", &params, OWED.as_bytes()).await.expect("goes in");
    let account = NewAccount {
        environment: paypal.url(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned(),
    };
    affiliates.set_paypal_account(account, &app.outbound).await.unwrap();
    let token = affiliates.preview_payout("USD").await.unwrap().token.expect("somebody is owed");
    let payout = affiliates.approve_payout("USD", &token).await.unwrap();
    assert_eq!(payout.total, OWED_MINOR);
    affiliates.send_payout(&payout.id).await.unwrap().id
}

/// One life of the server, killed a moment after it has made `calls` calls for batches.
async fn one_life(data_dir: &Path, paypal: &Handle, calls: usize, moment: Duration) {
    let before = paypal.calls();
    let command = payer(data_dir);
    let server = tokio::task::spawn_blocking(move || Running::start(command)).await.unwrap();
    let began = Instant::now();
    while paypal.calls() < before + calls {
        assert!(began.elapsed() < LIFE_MAX, "{} calls: {}", paypal.calls() - before, server.killed());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(moment).await;
    let log = server.killed();
    assert!(!log.contains("panicked"), "{log}");
}

/// Whether PayPal has yet to be asked about the payout: an item of it is under way by what was written down.
async fn is_open(data_dir: &Path, payout: &str) -> bool {
    let config = Config::for_data_dir(data_dir);
    let control = Control::open(&config, 0).await.unwrap();
    let secrets = Secrets::load(&config.secret_key, data_dir).unwrap();
    let stored = control.payouts(WORKSPACE, Some(payout), &secrets).await.unwrap().remove(0);
    control.close().await;
    stored.items.iter().any(|item| item.state == PayoutState::Processing)
}

/// Due, on its way and paid, over every commission; and how often a payment was entered.
async fn stands(app: &App) -> ([i64; 3], usize) {
    let commissions = app.control.commissions(WORKSPACE, Which::All).await.unwrap();
    let mut sums = [0; 3];
    let mut paid = 0;
    for stored in &commissions {
        let Balance { due, processing, paid: arrived, .. } = Balance::of(&stored.commission.entries);
        for (sum, minor) in sums.iter_mut().zip([due, processing, arrived]) {
            *sum += minor;
        }
        paid += stored.commission.entries.iter().filter(|entry| entry.reason == Reason::PayoutPaid).count();
    }
    (sums, paid)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_whose_answers_were_never_recorded_is_sent_once_and_paid_once() {
    let (seed, kills) = (asked("KILL_SEED", 20_261_123), asked("KILL_ROUNDS", KILLS));
    println!("seed {seed} (KILL_SEED chooses another)");
    let mut chance = Chance(seed);
    let mut moment = || Duration::from_millis(chance.below(25));
    let dir = folder();
    prepare(dir.path()).await;
    let paypal = paypal_standin::start(([127, 0, 0, 1], 0).into(), true).await.expect("a free port");
    let (turn, app) = opened_as(dir.path(), may_call_this_machine).await;
    let payout = planned(&app, &paypal).await;
    app.close().await;
    drop(turn);

    // PayPal accepts the batch, and the server dies before it hears so; and again when it has asked under the same key.
    paypal.is_silent(true);
    one_life(dir.path(), &paypal, 1, Duration::ZERO).await;
    assert_eq!(paypal.batches(), [(payout.clone(), 2)], "PayPal has it");
    one_life(dir.path(), &paypal, 1, Duration::ZERO).await;
    // It hears so, and dies anywhere from before it is written down to after.
    paypal.is_silent(false);
    for _ in 0..kills {
        // A life that got as far as the ledger leaves nothing to ask for.
        if !is_open(dir.path(), &payout).await {
            break;
        }
        one_life(dir.path(), &paypal, 1, moment()).await;
    }
    let (turn, app) = opened_as(dir.path(), may_call_this_machine).await;
    let batch = &app.control.paypal_batches(&payout).await.unwrap()[0];
    assert!(batch.first_try_at_ms.is_some() && batch.state != "refused", "{batch:?}");
    app.close().await;
    drop(turn);

    // The last life is this process, which two at once ask how it ended: both hear that it was paid.
    let (_turn, app) = opened_as(dir.path(), may_call_this_machine).await;
    let began = Instant::now();
    while !app.control.due_paypal_batches(i64::MAX, 1).await.unwrap().is_empty() {
        assert!(began.elapsed() < LIFE_MAX, "it does not end");
        let (one, other) = tokio::join!(paypal::step(&app), paypal::step(&app));
        assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    }
    assert_eq!(paypal.batches(), [(payout.clone(), 2)], "one batch, whatever was not recorded");
    assert_eq!(stands(&app).await, ([0, 0, OWED_MINOR], 2), "each partner is paid once");
    // As a kill leaves it between the ledger and the batch: PayPal confirms once more, and nothing is added.
    let mut batch = app.control.paypal_batches(&payout).await.unwrap().remove(0);
    (batch.state, batch.next_at_ms) = ("sent".to_owned(), 0);
    app.control.save_batch(&batch).await.unwrap();
    while paypal::step(&app).await.unwrap() {}
    assert_eq!(stands(&app).await, ([0, 0, OWED_MINOR], 2));
    let workspace = app.directory().workspaces[WORKSPACE].clone();
    let told = Affiliates::of(&app, &workspace).payout(&payout).await.unwrap();
    assert_eq!((told.state, told.paypal[0].state.as_str()), (PayoutState::Paid, "done"));
    jobs::settle(&app).await.unwrap();
    let verified = jobs::verify::verify(&app, WORKSPACE).await.unwrap();
    let failing: Vec<&String> =
        verified.checks.iter().filter(|check| !check.passed).map(|check| &check.check).collect();
    assert!(failing.is_empty(), "{failing:?}");
    app.close().await;
}
