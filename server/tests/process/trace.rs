//! What the program asks of the operating system, as strace (Debian's package) tells it: writes to files, cuts of
//! files, syncs and answers to clients, in the order in which they happened.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::Running;

/// One call of the program. A sync is two: its data counts as safe from the second on.
#[derive(Debug)]
pub enum Step {
    Write {
        thread: u32,
        file: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Cut {
        file: String,
        len: usize,
    },
    SyncBegan {
        thread: u32,
        file: String,
    },
    SyncEnded {
        thread: u32,
        file: String,
    },
    /// The first bytes of something written to a socket.
    Told(Vec<u8>),
}

/// Leaves the tests that need strace out, for machines that cannot have it.
const WITHOUT: &str = "TRIBUTARY_TEST_WITHOUT_STRACE";

/// Whether to go on: not where [`WITHOUT`] says so.
///
/// # Panics
/// When strace is missing or may not trace, and nobody said that this is known: a test that passes without having
/// looked proves nothing.
pub fn is_wanted() -> bool {
    if std::env::var_os(WITHOUT).is_some_and(|value| !value.is_empty()) {
        eprintln!("left out, as {WITHOUT} says");
        return false;
    }
    let tried = Command::new("strace").args(["-o", "/dev/null", "--", "true"]).stderr(Stdio::null()).status();
    let advice = match tried {
        Ok(status) if status.success() => return true,
        Ok(_) => "strace may not trace here: allow it (a container needs the capability SYS_PTRACE)",
        Err(_) => "strace is missing: install it (apt-get install strace)",
    };
    panic!("{advice}, or set {WITHOUT}=1 to leave this test out");
}

/// Starts `command` under strace, which writes to `log`.
pub fn start(command: &Command, log: &Path) -> Running {
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "-y", "-xx", "-s", "4194304", "--seccomp-bpf", "-e"])
        .arg("trace=pwrite64,pwritev,write,writev,sendto,sendmsg,fsync,fdatasync,ftruncate")
        .arg("-o")
        .arg(log)
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args())
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if let Some(folder) = command.get_current_dir() {
        traced.current_dir(folder);
    }
    Running::start(traced)
}

/// SIGKILL to the program; strace then ends its log.
pub fn kill(traced: Running) {
    let strace = traced.child.id();
    let children = std::fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).unwrap();
    let program = children.split_whitespace().next().expect("strace has one child");
    assert!(Command::new("kill").args(["-KILL", program]).status().unwrap().success());
    traced.ended();
}

/// Reads a log.
pub fn steps(log: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    // Calls that other threads' calls interrupted in the log: thread and beginning.
    let mut open: Vec<(u32, &str)> = Vec::new();
    for line in log.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let (Ok(thread), call) = (thread.parse::<u32>(), call.trim_start()) else { continue };
        if call.starts_with("<... ") {
            let begun = open.iter().position(|(who, _)| *who == thread).expect("what is resumed was begun");
            end(thread, open.swap_remove(begun).1, call, &mut steps);
        } else if call.contains('(') {
            begin(thread, call, &mut steps);
            match call.ends_with("<unfinished ...>") {
                true => open.push((thread, call)),
                false => end(thread, call, call, &mut steps),
            }
        }
    }
    steps
}

fn begin(thread: u32, call: &str, steps: &mut Vec<Step>) {
    let (name, arguments) = call.split_once('(').expect("looked for before");
    let file = || {
        let (from, to) = (arguments.find('<').expect("-y"), arguments.find('>').expect("-y"));
        String::from_utf8(bytes(&arguments[from + 1..to])).expect("paths here are UTF-8")
    };
    let data = || arguments.split('"').nth(1).map(bytes).unwrap_or_default();
    let last_number = || {
        let numbers = arguments.rsplit('"').next().unwrap_or(arguments).split([',', ')', ' ']);
        numbers.filter_map(|text| text.parse::<usize>().ok()).nth(1).expect("length and place are told")
    };
    match name {
        "pwrite64" => steps.push(Step::Write { thread, file: file(), at: last_number(), bytes: data() }),
        "pwritev" => assert!(!file().contains("inbox"), "SQLite does not write so"),
        "fsync" | "fdatasync" => steps.push(Step::SyncBegan { thread, file: file() }),
        "ftruncate" => {
            let len = arguments.rsplit_once(">, ").expect("a length").1;
            let len = len.chars().take_while(char::is_ascii_digit).collect::<String>();
            steps.push(Step::Cut { file: file(), len: len.parse().expect("a length") });
        }
        _ => steps.push(Step::Told(data())),
    }
}

fn end(thread: u32, begun: &str, ended: &str, steps: &mut Vec<Step>) {
    let result = ended.rsplit_once(" = ").map_or("?", |(_, result)| result.trim());
    let name = begun.split('(').next().unwrap_or_default();
    if matches!(name, "fsync" | "fdatasync") && result == "0" {
        let (from, to) = (begun.find('<').expect("-y"), begun.find('>').expect("-y"));
        let file = String::from_utf8(bytes(&begun[from + 1..to])).expect("paths here are UTF-8");
        steps.push(Step::SyncEnded { thread, file });
    }
    assert!(name != "pwrite64" || !result.starts_with('-'), "a write failed: {result}");
}

/// `\x2f\x74` as bytes.
fn bytes(hex: &str) -> Vec<u8> {
    let digit = |digit: u8| (digit as char).to_digit(16).expect("-xx writes everything so") as u8;
    hex.as_bytes().chunks_exact(4).map(|byte| digit(byte[2]) << 4 | digit(byte[3])).collect()
}
