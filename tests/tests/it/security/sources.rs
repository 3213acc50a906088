//! Rules about the code itself: unsafe code and careless comparisons of secrets cannot come in unseen.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn sources(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in folders {
        files(&root().join(folder), &mut found);
    }
    found.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap_or_default())).collect()
}

#[test]
fn unsafe_code_is_forbidden_outside_the_engine_and_the_pixel() {
    for file in [
        "server/src/lib.rs",
        "server/src/main.rs",
        "server/domain/src/lib.rs",
        "pixel/wire/src/lib.rs",
        "examples/polar/src/lib.rs",
        "examples/shop/src/lib.rs",
        "examples/load/src/lib.rs",
    ] {
        let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
        assert!(text.contains("#![forbid(unsafe_code)]"), "{file}");
    }
}

#[test]
fn macs_and_signatures_are_compared_in_constant_time_only() {
    let secret = ["mac", "signature", "digest", "hmac"];
    for (path, text) in sources(&["server/src", "server/domain/src"]) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            for operator in ["==", "!="] {
                let Some((left, right)) = line.split_once(operator) else { continue };
                let word = |text: &str, at_end: bool| {
                    let mut words = text
                        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                        .filter(|w| !w.is_empty());
                    let word = if at_end { words.next_back() } else { words.next() };
                    word.unwrap_or_default().to_owned()
                };
                for side in [word(left, true), word(right, false)] {
                    assert!(!secret.contains(&side.as_str()), "{}:{}: {line}", path.display(), number + 1);
                }
            }
        }
    }
    // And where they are judged, by the comparison that takes the same time for every answer.
    for file in
        ["server/src/billing/signature.rs", "server/src/http/auth.rs", "server/domain/src/visitor_token.rs"]
    {
        let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
        assert!(
            text.contains("ct_eq") || text.contains("verify_truncated_left") || text.contains("verify_slice"),
            "{file}"
        );
    }
}

#[test]
fn templates_never_turn_escaping_off() {
    for entry in std::fs::read_dir(root().join("server/templates")).expect("templates").flatten() {
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        let name = entry.file_name();
        for trap in ["|safe", "| safe", "autoescape", "style=\"", "onclick", "javascript:", "<script>"] {
            assert!(!text.contains(trap), "{name:?} has {trap}");
        }
    }
}
