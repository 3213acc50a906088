//! What is typed or piped in, so that no shell history and no list of processes holds it. Never echoes it.

use std::io::IsTerminal;

use anyhow::{Context, bail};
use secrecy::SecretString;

/// The next line of standard input, without the space around it. Reads no further: a person who pastes a secret
/// presses Enter and nothing else, and the next call gets the next line.
pub(super) fn line() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        eprint!("paste it and press Enter: ");
    }
    line_of(&mut std::io::stdin().lock())
}

/// The secret itself, or the next line of standard input for `-`.
pub(super) fn secret(text: String) -> anyhow::Result<SecretString> {
    match text.as_str() {
        "-" => Ok(line()?.into()),
        _ => Ok(text.into()),
    }
}

fn line_of(input: &mut impl std::io::BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    input.read_line(&mut line).context("standard input could not be read")?;
    match line.trim() {
        "" => bail!("standard input gave an empty line"),
        line => Ok(line.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal: it gives a line and would then wait for ever.
    struct Terminal(Option<&'static [u8]>);

    impl std::io::Read for Terminal {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let line = self.0.take().expect("nobody reads on after the line");
            into[..line.len()].copy_from_slice(line);
            Ok(line.len())
        }
    }

    #[test]
    fn one_line_is_read_and_no_more_is_waited_for() {
        let mut terminal = std::io::BufReader::new(Terminal(Some(b" whsec_x \n")));
        assert_eq!(line_of(&mut terminal).unwrap(), "whsec_x");
    }

    #[test]
    fn two_secrets_are_two_lines_and_none_is_an_error() {
        let mut piped: &[u8] = b"one\ntwo\n";
        assert_eq!(
            (line_of(&mut piped).unwrap(), line_of(&mut piped).unwrap()),
            ("one".into(), "two".into())
        );
        assert!(line_of(&mut piped).is_err());
    }
}
