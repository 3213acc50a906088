//! Reads `multipart/form-data` bodies: fields `query` and `param_*`, as the official clients send them. It knows
//! no files and no nested parts.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::failure::Failure;
use crate::params::Parameters;

/// The boundary, if the body is a form.
pub fn boundary(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let (kind, rest) = value.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    rest.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// Adds the form's fields to `parameters`. A `query` field replaces the one of the URL.
pub fn read(body: &[u8], boundary: &str, parameters: &mut Parameters) -> Result<(), Failure> {
    let broken =
        |what: &str| Failure::refuse(36, "BAD_ARGUMENTS", format_args!("the form cannot be read: {what}"));
    let delimiter = format!("--{boundary}");
    // The first delimiter has no line end before it.
    let mut rest =
        body.strip_prefix(delimiter.as_bytes()).ok_or_else(|| broken("no boundary at its start"))?;
    let delimiter = format!("\r\n--{boundary}");
    loop {
        if rest.starts_with(b"--") {
            return Ok(());
        }
        rest = rest.strip_prefix(b"\r\n").ok_or_else(|| broken("a boundary without a line end"))?;
        let head_end = find(rest, b"\r\n\r\n").ok_or_else(|| broken("a part without a head"))?;
        let (head, tail) = (&rest[..head_end], &rest[head_end + 4..]);
        let end = find(tail, delimiter.as_bytes()).ok_or_else(|| broken("a part without an end"))?;
        let head = std::str::from_utf8(head).map_err(|_| broken("a head that is not UTF-8"))?;
        let value = std::str::from_utf8(&tail[..end]).map_err(|_| broken("a field that is not UTF-8"))?;
        let name = field_name(head).ok_or_else(|| broken("a part without a name"))?;
        parameters.set(&name, value.to_owned());
        rest = &tail[end + delimiter.len()..];
    }
}

fn field_name(head: &str) -> Option<String> {
    let line = head.split("\r\n").find(|line| {
        line.split_once(':').is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
    })?;
    line.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("name").then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_and_params_are_taken_and_a_broken_form_is_refused() {
        let body =
            b"--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT {x:String}\r\n--b\r\n\
            Content-Disposition: form-data; name=\"param_x\"\r\n\r\na\r\n--\r\nb\r\n--b--\r\n";
        let mut parameters = Parameters::default();
        read(body, "b", &mut parameters).unwrap();
        assert_eq!(parameters.query, "SELECT {x:String}");
        assert_eq!(parameters.params, [("x".into(), "a\r\n--\r\nb".into())]);
        for cut in 0..body.len() - 5 {
            assert!(read(&body[..cut], "b", &mut Parameters::default()).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn only_forms_have_a_boundary() {
        let mut headers = HeaderMap::new();
        assert_eq!(boundary(&headers), None);
        headers.insert(CONTENT_TYPE, "multipart/form-data; boundary=\"x y\"".parse().unwrap());
        assert_eq!(boundary(&headers).as_deref(), Some("x y"));
        headers.insert(CONTENT_TYPE, "text/plain; boundary=x".parse().unwrap());
        assert_eq!(boundary(&headers), None);
    }
}
