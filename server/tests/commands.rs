//! Commands beside a running server, as an operator runs them: the real program, which with the embedded engine
//! leaves the stores to the server and has it answer and work; and the same commands when no server runs.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tributary::billing::signature;
use tributary::effects::Clock;

const SECRET: &str = "polar_whs_of_the_commands_test";
const ORDER: &str = include_str!("../../tests/fixtures/polar/order.paid.json");

/// A data directory, and the server on it while one runs.
struct Place {
    dir: tempfile::TempDir,
    server: Option<Child>,
    listen: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        // Nobody listens there: commands do not find a server that another test started.
        Place { dir, server: None, listen: "127.0.0.1:1".into() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
        command
            .args(arguments)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .env_remove("TRIBUTARY_API_KEY")
            .env("TRIBUTARY_DATA_DIR", self.dir.path())
            .env("TRIBUTARY_HTTP_LISTEN", &self.listen)
            .env("TRIBUTARY_HTTP_PUBLIC_URL", format!("http://{}", self.listen))
            .env("TRIBUTARY_LOG_FILTER", "info");
        command
    }

    fn run(&self, arguments: &[&str]) -> Told {
        Told::of(self.command(arguments).output().unwrap())
    }

    /// Runs a command that must succeed; what it printed.
    fn said(&self, arguments: &[&str]) -> String {
        let told = self.run(arguments);
        assert_eq!(told.code, Some(0), "{arguments:?}: {told:?}");
        told.out
    }

    fn start(&mut self) {
        self.listen = "127.0.0.1:0".into();
        let mut server =
            self.command(&["serve"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(server.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = log.by_ref().find(|line| line.contains("serving on ")).expect("the server starts");
        let place = line.split_once("serving on ").unwrap().1;
        self.listen = place.split(['\u{1b}', ',', ' ']).next().unwrap().to_owned();
        // Nobody may block on a full pipe.
        std::thread::spawn(move || log.for_each(drop));
        self.server = Some(server);
    }

    fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
        self.listen = "127.0.0.1:1".into();
    }

    /// A signed webhook, as Polar sends it.
    async fn tell(&self, workspace: &str, event_id: &str, body: &str) {
        let now_s = Clock::system().now_ms() / 1000;
        let signature = signature::sign(SECRET, event_id, now_s, body.as_bytes());
        let sent = reqwest::Client::builder()
            .build()
            .unwrap()
            .post(format!("http://{}/webhooks/polar/{workspace}", self.listen))
            .header("webhook-id", event_id)
            .header("webhook-timestamp", now_s.to_string())
            .header("webhook-signature", signature)
            .body(body.to_owned())
            .send();
        assert_eq!(sent.await.unwrap().status(), 202);
    }

    fn connect(&self, workspace: &str) {
        self.said(&["workspace", "create", workspace]);
        self.said(&["connection", "add", "polar", "--workspace", workspace, "--webhook-secret", SECRET]);
    }
}

#[derive(Debug)]
struct Told {
    code: Option<i32>,
    out: String,
    error: String,
}

impl Told {
    fn of(output: Output) -> Told {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Told { code: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_server_commands_have_it_answer_and_work_and_exit_as_they_should() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut place = Place::new();
    place.connect("ws_a");
    place.connect("ws_b");
    place.start();
    place.tell("ws_a", "evt_1", ORDER).await;

    assert_eq!(place.said(&["reconcile"]), "nothing waits; 0 webhooks lie aside with an error\n");
    let listed: Value = serde_json::from_str(&place.said(&[
        "report",
        "models",
        "--period",
        "365d",
        "--json",
        "--workspace",
        "ws_a",
    ]))
    .unwrap();
    assert_eq!(listed["meta"]["report"], "models");
    assert_eq!(place.said(&["attribute"]), "credits are up to date\n");
    // The order of the fixture is unmatched: one touchless credit, without its tax and with it.
    assert_eq!(place.said(&["attribute", "--all"]), "1 orders, 2 credits\n");

    let every = place.said(&["verify"]);
    assert!(every.starts_with("ws_a\n") && every.contains("\nws_b\n") && !every.contains("FAIL"), "{every}");
    let one: Value = serde_json::from_str(&place.said(&["verify", "--workspace", "ws_b", "--json"])).unwrap();
    assert_eq!((&one["workspace"], &one["passed"]), (&"ws_b".into(), &true.into()));

    // A webhook that does not read lies aside: verify fails, and says where.
    place.tell("ws_a", "evt_broken", &ORDER[..ORDER.len() / 2]).await;
    assert_eq!(place.said(&["reconcile"]), "nothing waits; 1 webhooks lie aside with an error\n");
    let failed = place.run(&["verify"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.out.contains("FAIL  applied") && failed.out.contains("evt_broken"), "{failed:?}");
    assert!(failed.error.contains("1 checks failed"), "{failed:?}");
    assert_eq!(place.run(&["verify", "--workspace", "ws_b"]).code, Some(0));

    for kept in ["cli.ws_a.ask.key", "cli.ws_a.work.key", "cli.ws_b.ask.key"] {
        assert_eq!(mode(&place.dir.path().join(kept)), 0o600, "{kept}");
    }
    // All of some days again: the one that applied changes nothing, the broken one lies aside once more.
    let again = "webhooks are applied again by the running server, or by `tributary reconcile`\n";
    assert_eq!(place.said(&["replay", "--since", "2026-01-01"]), format!("2 {again}"));
    assert_eq!(place.said(&["reconcile"]), "nothing waits; 1 webhooks lie aside with an error\n");
    assert_eq!(place.said(&["attribute", "--all"]), "1 orders, 2 credits\n");
    assert_eq!(place.said(&["replay", "--since", "2999-01-01"]), format!("0 {again}"));
    assert_eq!(place.run(&["replay", "--since", "2026-01-01", "--failed"]).code, Some(2));

    // A command that looks elsewhere for the server meets the data held, and says so.
    let elsewhere = place
        .command(&["verify"])
        .env("TRIBUTARY_HTTP_LISTEN", "127.0.0.1:1")
        .env("TRIBUTARY_HTTP_PUBLIC_URL", "http://127.0.0.1:1")
        .output();
    let elsewhere = Told::of(elsewhere.unwrap());
    assert!(
        elsewhere.code == Some(1) && elsewhere.error.contains("did not answer at 127.0.0.1:1"),
        "{elsewhere:?}"
    );
    let unknown = place.run(&["verify", "--workspace", "ws_none"]);
    assert!(unknown.code == Some(1) && unknown.error.contains("workspace list"), "{unknown:?}");
    assert_eq!(place.run(&["verify", "--nonsense"]).code, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_key_may_do_what_its_scopes_say_and_only_in_its_workspace() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut place = Place::new();
    place.connect("ws_a");
    place.connect("ws_b");
    place.start();
    let key = place.said(&["key", "create", "--workspace", "ws_a"]);
    let with_key = |arguments: &[&str]| {
        Told::of(place.command(arguments).env("TRIBUTARY_API_KEY", key.trim()).output().unwrap())
    };
    let verified = with_key(&["verify"]);
    assert!(verified.code == Some(0) && !verified.out.contains("ws_b"), "{verified:?}");
    let elsewhere = with_key(&["report", "channels", "--workspace", "ws_b"]);
    assert_eq!(elsewhere.code, Some(1), "{elsewhere:?}");
    assert!(elsewhere.error.contains("for the workspace ws_a"), "{elsewhere:?}");
    let refused = with_key(&["attribute", "--all"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.error.contains("lacks the scope"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_the_same_commands_open_the_stores() {
    let place = Place::new();
    place.connect("ws_a");
    assert_eq!(place.said(&["reconcile"]), "nothing waits; 0 webhooks lie aside with an error\n");
    assert_eq!(place.said(&["attribute", "--all"]), "0 orders, 0 credits\n");
    assert!(place.said(&["verify"]).starts_with("ws_a\n"));
}

#[test]
fn a_command_writes_to_partners_as_the_api_does_and_works_where_no_mail_goes() {
    let place = Place::new();
    place.said(&["workspace", "create", "ws_a", "--domain", "shop.example"]);
    place.said(&["program", "create", "Friends", "--percent", "30"]);
    let mails = place.dir.path().join("mails");
    let with_mail = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("TRIBUTARY_MAIL_URL", format!("file:{}", mails.display()));
        command.env("TRIBUTARY_MAIL_FROM", "Partners <partners@shop.example>");
        let told = Told::of(command.output().unwrap());
        assert_eq!(told.code, Some(0), "{arguments:?}: {told:?}");
        told.out.trim().split('\t').next().unwrap().to_owned()
    };
    let written = || {
        let files = std::fs::read_dir(&mails).into_iter().flatten().flatten();
        let mut subjects: Vec<String> = files
            .filter_map(|file| {
                let text = std::fs::read_to_string(file.path()).ok()?;
                text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned))
            })
            .collect();
        subjects.sort();
        subjects
    };
    with_mail(&["partner", "add", "Ann", "--email", "ann@example.net"]);
    assert_eq!(written(), ["ws_a invites you to become a partner"]);
    let bob = with_mail(&["partner", "add", "Bob", "--email", "bob@example.net", "--status", "applied"]);
    assert_eq!(written().len(), 1, "who applied knows");
    with_mail(&["partner", "approve", &bob]);
    with_mail(&["partner", "pay-to", &bob, "paypal", "bob@pay.example"]);
    let subjects = [
        "How ws_a pays you was changed",
        "You are a partner of ws_a",
        "ws_a invites you to become a partner",
    ];
    assert_eq!(written(), subjects);
    // Without mail, and with settings that cannot be, the partner is there all the same.
    place.said(&["partner", "add", "Cem", "--email", "cem@example.net"]);
    let mut command = place.command(&["partner", "add", "Dan", "--email", "dan@example.net"]);
    command.env("TRIBUTARY_MAIL_URL", "imap://mail.example").env("TRIBUTARY_MAIL_FROM", "p@shop.example");
    let told = Told::of(command.output().unwrap());
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.error.contains("no mail is sent: mail.url"), "{told:?}");
    assert_eq!(written().len(), 3);
}
