//! Values of a workspace as they are typed: each is read into what it must be, or refused with the reason, before any
//! store is opened. A wrong one is wrong use, exit code 2.

use domain::money::Currency;
use jiff::tz::TimeZone;

/// Longest text of a name, key or parameter.
const CHARS_MAX: usize = 100;

/// An IANA time zone by its name.
pub fn timezone(text: &str) -> Result<String, String> {
    TimeZone::get(text).map_err(|_| "no IANA time zone; use such as Europe/Berlin or UTC".to_owned())?;
    Ok(text.to_owned())
}

/// A currency there is, in any case.
pub fn currency(text: &str) -> Result<String, String> {
    let currency: Currency = text.parse().map_err(|error: domain::money::CurrencyError| error.to_string())?;
    match currency.exponent() {
        Some(_) => Ok(currency.code().to_owned()),
        None => Err("no currency of ISO 4217 that has amounts; use such as USD or EUR".to_owned()),
    }
}

/// A host or domain, with a port where the site has one; never an address with a scheme or a path.
pub fn domain(text: &str) -> Result<String, String> {
    let wrong = || {
        "no host; use such as example.com or localhost:3000, without https:// and without a path".to_owned()
    };
    let place = text.trim_end_matches('.').to_lowercase();
    let address = url::Url::parse(&format!("http://{place}/")).map_err(|_| wrong())?;
    let host = address.host_str().ok_or_else(wrong)?;
    // What the parser had to change or leave out was no plain host: a path, a name and password, a space.
    let written = match place.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => &place,
    };
    if written.contains('*') || (host != written && written.is_ascii()) {
        return Err(wrong());
    }
    Ok(match written == place {
        true => host.to_owned(),
        false => format!("{host}{}", &place[written.len()..]),
    })
}

/// What people call the workspace.
pub fn name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("empty; give a name".to_owned()),
        name if name.chars().count() > CHARS_MAX => Err(format!("more than {CHARS_MAX} characters")),
        name => Ok(name.to_owned()),
    }
}

/// A key of a provider's metadata, or a query parameter.
pub fn key(text: &str) -> Result<String, String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    match text.is_empty() || text.len() > CHARS_MAX || !text.chars().all(plain) {
        true => Err("use up to 100 letters, digits, dots, dashes or underscores".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// `ws_` and what stands in the script tag.
pub fn id(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("ws_").unwrap_or("");
    let plain = rest.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    match !rest.is_empty() && rest.len() <= 40 && plain {
        true => Ok(text.to_owned()),
        false => Err("use ws_ and up to 40 lower-case letters, digits or underscores".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_hosts() {
        for (given, kept) in [
            ("example.com", "example.com"),
            ("Shop.Example.com.", "shop.example.com"),
            ("localhost", "localhost"),
            ("localhost:3000", "localhost:3000"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]:4601", "[::1]:4601"),
            ("bücher.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(domain(given).as_deref(), Ok(kept), "{given}");
        }
        for wrong in [
            "",
            "https://example.com",
            "example.com/t",
            "a b",
            "you@example.com",
            "example.com:99999",
            ":80",
            "*.example.com ",
        ] {
            assert!(domain(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn currencies_and_zones_exist() {
        assert_eq!(currency("eur").as_deref(), Ok("EUR"));
        for wrong in ["EURO", "QQQ", "XAU", "XXX"] {
            assert!(currency(wrong).is_err(), "{wrong}");
        }
        assert_eq!(timezone("Europe/Berlin").as_deref(), Ok("Europe/Berlin"));
        assert!(timezone("Berlin").is_err());
    }

    #[test]
    fn ids_are_those_of_the_script_tag() {
        assert!(id("ws_shop_2").is_ok());
        for wrong in ["shop", "ws_", "ws_Shop", "ws_a-b"] {
            assert!(id(wrong).is_err(), "{wrong}");
        }
    }
}
