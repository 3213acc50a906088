//! Which user agents are programs.
//!
//! A list of known names alone finds about half of them. So three things are asked: does it hold a word that
//! programs call themselves by, does it give an address to complain to, and has it the shape of a program's
//! name. The tests hold the rule to real samples of both kinds: no browser may be refused.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::BotReason;

/// Words in lower case: anywhere, or with `^` before them at the start.
struct Words {
    anywhere: AhoCorasick,
    at_start: Vec<&'static str>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let files = [include_str!("../../data/bot-words.txt"), include_str!("../../data/bot-names.txt")];
    let lines =
        files.iter().flat_map(|file| file.lines()).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (at_start, anywhere): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with('^'));
    Words {
        anywhere: AhoCorasick::new(anywhere).expect("a few thousand short words fit into an automaton"),
        at_start: at_start.into_iter().map(|word| &word[1..]).collect(),
    }
});

/// Why `agent`, in lower case and trimmed, is a program; `None` for browsers.
pub fn reason(agent: &str) -> Option<BotReason> {
    if agent.is_empty() {
        Some(BotReason::Missing)
    } else if gives_contact(agent) {
        Some(BotReason::Contact)
    } else if holds_word(agent) {
        Some(BotReason::Word)
    } else if has_program_shape(agent) {
        Some(BotReason::Shape)
    } else {
        None
    }
}

fn holds_word(agent: &str) -> bool {
    // A text browser names its `libhttp`, a telephone maker is called Cubot.
    let is_part_of_word = |at: usize, whole: &str| agent[..at].ends_with(whole);
    let names_http = agent.match_indices("http").any(|(at, _)| !is_part_of_word(at, "lib"));
    let names_bot = agent.match_indices("bot").any(|(at, word)| {
        let rest = &agent[at + word.len()..];
        let ends = !rest.strip_prefix('s').unwrap_or(rest).starts_with(|c: char| c.is_alphanumeric());
        ends && !is_part_of_word(at, " cu")
    });
    names_http
        || names_bot
        || WORDS.at_start.iter().any(|word| agent.starts_with(word))
        || WORDS.anywhere.is_match(agent)
}

/// A web or mail address.
fn gives_contact(agent: &str) -> bool {
    let is_boundary = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let is_site = agent.match_indices(".com").any(|(at, found)| is_boundary(&agent[at + found.len()..]));
    let is_mail = agent.match_indices('@').any(|(at, _)| {
        let domain = &agent[at + 1..];
        let name = domain.find(|c: char| !(c.is_alphanumeric() || c == '-')).unwrap_or(domain.len());
        name > 1 && domain.starts_with(|c: char| c.is_ascii_alphabetic()) && domain[name..].starts_with('.')
    });
    is_site || is_mail || agent.contains("http:") || agent.contains("https:")
}

fn has_program_shape(agent: &str) -> bool {
    let number = agent.find(|c: char| !c.is_ascii_digit()).unwrap_or(agent.len());
    let begins_with_number = number > 0 && !agent[number..].starts_with(|c: char| c.is_alphanumeric());
    let is_one_long_word = agent.len() >= 50 && !agent.contains(' ');
    begins_with_number
        || is_one_long_word
        || agent.starts_with('<')
        || agent.contains('|')
        || is_bare_product(agent)
        || is_bare_mozilla(agent)
}

/// `axios/0.19.2`, `site monitor`: a name, perhaps with a version, and nothing about the machine.
fn is_bare_product(agent: &str) -> bool {
    let agent = agent.split(',').next().unwrap_or(agent);
    let (name, version) =
        agent.rsplit_once('/').map_or((agent, None), |(name, version)| (name, Some(version)));
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ._-():%".contains(&byte));
    let is_version = version.is_none_or(|version| {
        version
            .strip_prefix('v')
            .unwrap_or(version)
            .split('.')
            .all(|part| matches!(part.len(), 1..=10) && part.bytes().all(|byte| byte.is_ascii_digit()))
    });
    is_name && is_version
}

/// `mozilla/5.0 xtate/2.12.4`, `mozilla/5.0 (compatible; trance/1.0)`: the greeting and one name.
fn is_bare_mozilla(agent: &str) -> bool {
    let Some((greeting, rest)) = agent.split_once(' ') else { return false };
    let names_engine =
        ["gecko", "webkit", "khtml", "opera", "firefox"].iter().any(|engine| rest.contains(engine));
    if !greeting.starts_with("mozilla/") || names_engine {
        return false;
    }
    let rest = rest.trim();
    let comment = rest.strip_prefix("(compatible").and_then(|comment| comment.strip_suffix(')'));
    match comment {
        Some(comment) => {
            let name = comment.trim_start_matches(';').trim();
            name.is_empty() || (name.contains('/') && !name.contains([' ', ';', '(']))
        }
        None => !rest.contains([' ', '(']),
    }
}
