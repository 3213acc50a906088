//! Sorts the parameters of a request: what steers the HTTP interface, what is a statement parameter, and what is
//! an engine setting to be SET. It never interprets a value of a setting.

/// Parameters of the interface itself. Passed to SET they would be rejected as unknown settings.
const INTERFACE: &[&str] = &[
    "add_http_cors_header",
    "buffer_size",
    "client_protocol_version",
    "close_session",
    "compress",
    "database",
    "decompress",
    "default_format",
    "enable_http_compression",
    "framing",
    "http_zlib_compression_level",
    "http_headers_progress_interval_ms",
    "http_make_head_request",
    "http_native_compression_disable_checksumming_on_decompress",
    "http_response_buffer_size",
    "http_wait_end_of_query",
    "http_write_exception_in_output_format",
    "password",
    "query",
    "query_id",
    "quota_key",
    "role",
    "send_progress_in_http_headers",
    "session_check",
    "session_id",
    "session_timeout",
    "stacktrace",
    "user",
    "wait_end_of_query",
];

/// The parameters of one request, sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    pub query: String,
    pub query_id: Option<String>,
    pub database: Option<String>,
    pub default_format: Option<String>,
    pub user: Option<String>,
    pub password: Option<String>,
    /// The body is in the engine's own compressed frames.
    pub decompress: bool,
    /// The answer is wanted in the engine's own compressed frames.
    pub compress: bool,
    pub session_id: Option<String>,
    pub session_timeout_seconds: Option<u64>,
    pub close_session: bool,
    /// `param_x=…` without the prefix, values as the client escaped them.
    pub params: Vec<(String, String)>,
    /// To be SET before the statement.
    pub settings: Vec<(String, String)>,
}

impl Parameters {
    /// Adds the pairs of a URL's query string; a later pair overrides an earlier one.
    pub fn read(&mut self, query_string: &str) {
        for (name, value) in form_urlencoded::parse(query_string.as_bytes()) {
            self.set(&name, value.into_owned());
        }
    }

    /// Adds one pair.
    pub fn set(&mut self, name: &str, value: String) {
        let filled = |value: String| (!value.is_empty()).then_some(value);
        match name {
            "query" => self.query = value,
            "query_id" => self.query_id = filled(value),
            "database" => self.database = filled(value),
            "default_format" => self.default_format = filled(value),
            "user" => self.user = filled(value),
            "password" => self.password = filled(value),
            "decompress" => self.decompress = is_on(&value),
            "compress" => self.compress = is_on(&value),
            "session_id" => self.session_id = filled(value),
            "session_timeout" => self.session_timeout_seconds = value.parse().ok(),
            "close_session" => self.close_session = is_on(&value),
            _ if INTERFACE.contains(&name) => {}
            _ => match name.strip_prefix("param_") {
                Some(name) => replace(&mut self.params, name, value),
                None => replace(&mut self.settings, name, value),
            },
        }
    }

    /// The text that prepares a fresh connection, or `None` when there is nothing to prepare. One plain call runs
    /// both statements.
    pub fn preamble(&self) -> Option<String> {
        let mut text = String::new();
        for (name, value) in &self.settings {
            text.push_str(if text.is_empty() { "SET " } else { ", " });
            text.push_str(&quoted(name, '`'));
            text.push_str(" = ");
            text.push_str(&quoted(value, '\''));
        }
        if let Some(database) = self.database.as_deref().filter(|name| *name != "default") {
            if !text.is_empty() {
                text.push_str("; ");
            }
            text.push_str("USE ");
            text.push_str(&quoted(database, '`'));
        }
        (!text.is_empty()).then_some(text)
    }
}

fn is_on(value: &str) -> bool {
    matches!(value, "1" | "true" | "yes" | "on")
}

fn replace(pairs: &mut Vec<(String, String)>, name: &str, value: String) {
    pairs.retain(|(known, _)| known != name);
    pairs.push((name.to_owned(), value));
}

/// Quotes with backslash escapes, as both literals and identifiers of the engine accept them.
fn quoted(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        if c == quote || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Parameters {
        let mut parameters = Parameters::default();
        parameters.read(text);
        parameters
    }

    #[test]
    fn interface_parameters_never_reach_set() {
        let all: String = INTERFACE.iter().map(|name| format!("{name}=1&")).collect();
        assert_eq!(read(&all).settings, []);
    }

    #[test]
    fn settings_and_params_are_told_apart_and_the_last_wins() {
        let parameters = read("max_threads=1&param_id=a%27b&max_threads=2&session_id=s");
        assert_eq!(parameters.settings, [("max_threads".into(), "2".into())]);
        assert_eq!(parameters.params, [("id".into(), "a'b".into())]);
        assert_eq!(parameters.session_id.as_deref(), Some("s"));
    }

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        let parameters = read("a=x%27%3B+DROP+TABLE+t&database=b%60c%5C");
        assert_eq!(parameters.preamble().unwrap(), r"SET `a` = 'x\'; DROP TABLE t'; USE `b\`c\\`");
    }
}
