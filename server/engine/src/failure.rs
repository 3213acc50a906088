//! Errors of the engine as the HTTP interface shows them: a code, a status, a message. It never hides a message.

use http::StatusCode;

/// A statement that failed, with the engine's error code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: u16,
    pub message: String,
}

impl Failure {
    /// Takes the code out of the engine's own words (`Code: 60. DB::Exception: …`). Text without one is a logical
    /// error (49) of the seam.
    pub fn of_engine(message: String) -> Failure {
        let code = message
            .find("Code: ")
            .map(|at| &message[at + "Code: ".len()..])
            .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
            .unwrap_or(49);
        Failure { code, message }
    }

    /// A refusal of the interface itself, worded the way the engine words its own.
    pub fn refuse(code: u16, name: &str, reason: impl std::fmt::Display) -> Failure {
        Failure { code, message: format!("Code: {code}. DB::Exception: {reason}. ({name})") }
    }

    /// The status ClickHouse's HTTP interface gives this code.
    pub fn status(&self) -> StatusCode {
        match self.code {
            // Authentication and rights.
            194 => StatusCode::UNAUTHORIZED,
            192 | 193 | 497 | 516 => StatusCode::FORBIDDEN,
            // What the caller wrote cannot be parsed or has the wrong type.
            6 | 26 | 27 | 36 | 38 | 41 | 43 | 53 | 62 | 69 | 72 | 131 | 321 | 358 | 427 | 456 | 457 => {
                StatusCode::BAD_REQUEST
            }
            // Unknown table, column, function, database, setting, …
            16 | 46 | 47 | 50 | 56 | 60 | 63 | 73 | 81 | 114 | 115 | 372 => StatusCode::NOT_FOUND,
            48 => StatusCode::NOT_IMPLEMENTED,
            307 | 445 => StatusCode::PAYLOAD_TOO_LARGE,
            202 | 439 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The trailer that tells a client of an error behind a 200 (ClickHouse 25.11 and later): blank line, marker,
    /// tag, message, then the message's length and the tag again. Clients look for it at the end of what they read,
    /// so it must go out in one write.
    pub fn trailer(&self, tag: &str) -> Vec<u8> {
        let mut message: String = self.message.trim_end().chars().take(TRAILER_MESSAGE_CHARS_MAX).collect();
        message.push('\n');
        format!("\r\n__exception__\r\n{tag}\r\n{message}{} {tag}\r\n__exception__\r\n", message.len())
            .into_bytes()
    }
}

/// A trailer stays below the smallest buffer a reader uses (8 KiB): no character takes more than four bytes.
const TRAILER_MESSAGE_CHARS_MAX: usize = 1_500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_first_one_named() {
        let nested = "Code: 241. DB::Exception: Code: 241. DB::Exception: limit".to_owned();
        assert_eq!(Failure::of_engine(nested).code, 241);
        assert_eq!(Failure::of_engine("no code here".into()).code, 49);
    }

    #[test]
    fn the_trailer_counts_bytes_and_stays_small() {
        let failure = Failure { code: 1, message: "ä".repeat(5_000) };
        let trailer = String::from_utf8(failure.trailer("tag")).unwrap();
        assert!(trailer.len() < 8_192 - 64);
        let message = "ä".repeat(TRAILER_MESSAGE_CHARS_MAX) + "\n";
        assert_eq!(
            trailer,
            format!("\r\n__exception__\r\ntag\r\n{message}{} tag\r\n__exception__\r\n", message.len())
        );
    }
}
