//! A call's text as the loader writes it: for the tests, here and of the whole, on machines without a browser.

use alloc::string::String;
use alloc::vec::Vec;

use crate::text::take;

/// What the browser and the tag say, before it is put into the words of a [`crate::config::Call`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Draft<'a> {
    /// See [`crate::pixel::Pixel::call`].
    pub letter: char,
    /// The browser's clock, milliseconds since the epoch.
    pub now_ms: u64,
    /// A new ULID.
    pub fresh: &'a str,
    /// `document.cookie`.
    pub cookies: &'a str,
    /// What storage holds.
    pub stored: &'a str,
    /// The page's address.
    pub url: &'a str,
    /// `document.referrer`.
    pub referrer: &'a str,
    /// See [`crate::config::Call::is_return`].
    pub is_return: bool,
    /// The browser asks not to be tracked.
    pub has_gpc: bool,
    /// The attributes, from `data-respect-gpc` to `data-spa`.
    pub tag: [&'a str; 8],
    /// A link for `d` and `D`, else see [`crate::config::Call::about`].
    pub about: &'a str,
}

impl Draft<'_> {
    /// The text.
    #[must_use]
    pub fn write(&self) -> String {
        let letter = String::from(self.letter);
        // A letter of NUL, the default, is none: it would be a separator.
        let letter = letter.trim_end_matches('\0');
        let now_ms = alloc::format!("{}", self.now_ms);
        let cookies = alloc::format!(" {}", self.cookies);
        let flag = |is_so: bool| if is_so { "1" } else { "" };
        let is_of_link = matches!(self.letter, 'd' | 'D');
        let parts = parts(if is_of_link { self.about } else { self.url });
        let utm = utm(parts[3]);
        let mut all = alloc::vec![letter, &now_ms, self.fresh, &cookies, self.stored];
        all.extend(parts);
        all.extend([&utm, parts_host(self.referrer), flag(self.is_return), flag(self.has_gpc)]);
        all.extend(self.tag);
        all.push(if is_of_link { "" } else { self.about });
        all.join("\0")
    }
}

fn parts_host(address: &str) -> &str {
    parts(address)[1]
}

/// Front, host, path, query and fragment of an address, as the loader's expression takes them apart.
fn parts(address: &str) -> [&str; 5] {
    let mut fragment = address;
    let mut query = take(&mut fragment, b'#');
    let front = take(&mut query, b'?');
    let web = ["https://", "http://", "//"].iter().find_map(|scheme| front.strip_prefix(scheme));
    let (host, path) = web.map_or(("", ""), |rest| rest.split_at(rest.find('/').unwrap_or(rest.len())));
    // `user@host` is not the host `user`.
    [front, host.rsplit('@').next().unwrap_or_default(), path, query, fragment]
}

fn utm(query: &str) -> String {
    let has_value = |pair: &&str| pair.split_once('=').is_some_and(|(_, value)| !value.is_empty());
    let mut pairs: Vec<&str> =
        query.split('&').filter(|pair| pair.starts_with("utm_")).filter(has_value).collect();
    pairs.sort_unstable();
    pairs.iter().flat_map(|pair| ["&", pair]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_addresses_apart() {
        assert_eq!(
            parts("https://me@shop.example:8443/a/b?utm_source=x&empty=&y=1#/r?z=2"),
            [
                "https://me@shop.example:8443/a/b",
                "shop.example:8443",
                "/a/b",
                "utm_source=x&empty=&y=1",
                "/r?z=2"
            ]
        );
        assert_eq!(parts("//buy.polar.sh/x")[1], "buy.polar.sh");
        for odd in
            ["", "/a?b=c", "mailto:a@b", "android-app://com.google", "a?b=https://x.example/", "about:blank"]
        {
            assert_eq!(parts(odd)[1], "", "{odd}");
        }
    }

    #[test]
    fn the_utm_set_is_the_same_in_any_order() {
        assert_eq!(utm("utm_source=b&x=1&utm_medium=a&utm_term="), "&utm_medium=a&utm_source=b");
        assert_eq!(utm("xutm_source=b&x"), "");
    }
}
