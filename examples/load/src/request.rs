//! Requests, built once: of what is sent only that is written anew which differs from one to the next.

use std::ops::Range;

use crate::{Clients, Plan};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ULID_CHARS: usize = 26;
const NOBODY: &str = "00000000000000000000000000";

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
];
const LANDINGS: [(&str, &str); 8] = [
    ("/?utm_source=newsletter&utm_medium=email&utm_campaign=autumn", ""),
    ("/", "https://www.google.com/"),
    ("/blog/how-it-works", "https://news.ycombinator.com/"),
    ("/?gclid=Cj0KCQjw9ZGYBhCEARIsAEUXITW", "https://www.google.com/"),
    ("/pricing?utm_source=linkedin&utm_medium=paid_social&utm_campaign=launch&utm_content=card", ""),
    ("/", ""),
    ("/docs/getting-started", "https://duckduckgo.com/"),
    ("/?ref=ada", "https://example.org/review"),
];
const PAGES: [&str; 4] = ["/pricing", "/docs", "/features/reports", "/checkout?plan=pro"];

/// A request of one or several hits of one visitor.
#[derive(Debug, Clone)]
pub struct Template {
    bytes: Vec<u8>,
    hit_ids: Vec<Range<usize>>,
    visitors: Vec<Range<usize>>,
    sessions: Vec<Range<usize>>,
    times: Vec<Range<usize>>,
    /// Where the client's network stands in the header of a proxy, when it changes.
    network: Option<Range<usize>>,
}

impl Template {
    /// `variant` chooses user agent and page; `is_landing` whether the first hit begins a visit.
    /// `visitor_chars` leaves room for the id: 30 unsigned, more when signed.
    pub fn new(
        workspace: &str,
        variant: usize,
        hits: usize,
        is_landing: bool,
        visitor_chars: usize,
    ) -> Template {
        let mut body = String::new();
        if hits > 1 {
            body.push('[');
        }
        for at in 0..hits {
            if at > 0 {
                body.push(',');
            }
            body.push_str(&hit(workspace, variant + at, is_landing && at == 0, visitor_chars));
        }
        if hits > 1 {
            body.push(']');
        }
        let head = format!(
            "POST /c HTTP/1.1\r\nHost: t.shop.example\r\nOrigin: https://shop.example\r\nUser-Agent: {}\r\n\
             Accept: */*\r\nAccept-Language: en\r\nSec-Fetch-Site: same-site\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n\r\n",
            AGENTS[variant % AGENTS.len()],
            body.len()
        );
        let bytes = (head + &body).into_bytes();
        let all = |mark: &str, chars: usize| places(&bytes, mark, chars);
        Template {
            hit_ids: all("\"id\":\"", ULID_CHARS),
            visitors: all("\"visitor\":\"", visitor_chars),
            sessions: all("\"session\":\"", ULID_CHARS),
            times: all("\"at\":", 13),
            network: None,
            bytes,
        }
    }

    /// The same from a page of another site, or from a client as a proxy names it.
    pub fn coming_from(mut self, plan: &Plan) -> Template {
        if plan.is_foreign {
            self.replace("Origin: https://shop.example", "Origin: https://elsewhere.example");
        }
        match plan.clients {
            Clients::Peer => {}
            Clients::One => self.replace("Accept: */*", "Accept: */*\r\nX-Forwarded-For: 203.0.113.9"),
            Clients::Many => {
                self.replace("Accept: */*", "Accept: */*\r\nX-Forwarded-For: 2001:db8:0000:0000::1");
                self.network = places(&self.bytes, "X-Forwarded-For: 2001:db8:", 9).into_iter().next();
            }
        }
        self
    }

    /// Puts text of the head in another's place.
    fn replace(&mut self, from: &str, to: &str) {
        let at = self
            .bytes
            .windows(from.len())
            .position(|part| part == from.as_bytes())
            .expect("a part of the head");
        self.bytes.splice(at..at + from.len(), to.bytes());
        let moved = [&mut self.hit_ids, &mut self.visitors, &mut self.sessions, &mut self.times];
        for place in moved.into_iter().flatten() {
            *place = place.start + to.len() - from.len()..place.end + to.len() - from.len();
        }
    }

    /// Writes a request of this visitor at this time into `request`, in place of what it held. The ids of its hits
    /// come from `next_id` and are left in `ids`.
    pub fn fill(
        &self,
        request: &mut Vec<u8>,
        visitor: &[u8],
        session: u128,
        at_ms: u64,
        mut next_id: impl FnMut() -> u128,
        ids: &mut Vec<u128>,
    ) {
        request.clear();
        request.extend_from_slice(&self.bytes);
        let session = ulid(session);
        let time = format!("{at_ms:013}");
        ids.clear();
        for at in 0..self.hit_ids.len() {
            let id = next_id();
            ids.push(id);
            request[self.hit_ids[at].clone()].copy_from_slice(&ulid(id));
            request[self.visitors[at].clone()].copy_from_slice(visitor);
            request[self.sessions[at].clone()].copy_from_slice(&session);
            request[self.times[at].clone()].copy_from_slice(time.as_bytes());
        }
        if let Some(network) = &self.network {
            // The hit's counter: another /64 with every request.
            let number = ids.first().map_or(0, |id| (id ^ (id >> 32)) as u32);
            let network_text = format!("{:04x}:{:04x}", number >> 16, number & 0xffff);
            request[network.clone()].copy_from_slice(network_text.as_bytes());
        }
    }
}

fn hit(workspace: &str, variant: usize, is_landing: bool, visitor_chars: usize) -> String {
    let (path, referrer) = LANDINGS[variant % LANDINGS.len()];
    let (path, referrer, touch) = match is_landing {
        true => (path, referrer, ",\"touch\":\"session\""),
        false => (PAGES[variant % PAGES.len()], "", ""),
    };
    let visitor = "v".repeat(visitor_chars);
    format!(
        "{{\"ws\":\"{workspace}\",\"kind\":\"page\",\"id\":\"{NOBODY}\",\"visitor\":\"{visitor}\",\
         \"session\":\"{NOBODY}\"{touch},\"url\":\"https://shop.example{path}\",\"ref\":\"{referrer}\",\
         \"at\":1763718000000,\"width\":1280,\"consent\":\"granted\"}}"
    )
}

fn places(bytes: &[u8], mark: &str, chars: usize) -> Vec<Range<usize>> {
    let found = bytes.windows(mark.len()).enumerate().filter(|(_, window)| *window == mark.as_bytes());
    found.map(|(at, _)| at + mark.len()..at + mark.len() + chars).collect()
}

/// The 26 characters of a ULID.
pub fn ulid(id: u128) -> [u8; ULID_CHARS] {
    std::array::from_fn(|at| ALPHABET[(id >> (5 * (ULID_CHARS - 1 - at)) & 31) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_request_is_whole_json_of_the_announced_length() {
        let template = Template::new("ws_demo", 3, 5, true, 30);
        let (mut request, mut ids) = (b"what was sent before".to_vec(), Vec::new());
        let visitor = [&b"vis_"[..], &ulid(7)].concat();
        let mut id = 41;
        let next = || {
            id += 1;
            id
        };
        template.fill(&mut request, &visitor, 9, 1_763_718_000_123, next, &mut ids);
        let text = String::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
        assert_eq!(ids, [42, 43, 44, 45, 46]);
        assert_eq!(body.matches("\"vis_00000000000000000000000007\"").count(), 5);
        assert_eq!(body.matches("\"touch\"").count(), 1);
        assert_eq!(body.matches("1763718000123").count(), 5);
        assert!(body.starts_with("[{") && body.ends_with("}]"));
    }

    #[test]
    fn a_request_from_elsewhere_is_filled_at_the_same_places() {
        let plan = Plan {
            is_foreign: true,
            clients: Clients::Many,
            ..Plan::new(([127, 0, 0, 1], 1).into(), "ws_demo", 1)
        };
        let template = Template::new("ws_demo", 3, 1, true, 30).coming_from(&plan);
        let visitor = [&b"vis_"[..], &ulid(7)].concat();
        let fill = |id| {
            let mut request = Vec::new();
            template.fill(&mut request, &visitor, 9, 1_763_718_000_123, || id, &mut Vec::new());
            String::from_utf8(request).unwrap()
        };
        let (first, second) = (fill(0x1_0001), fill(0x1_0002));
        assert!(first.contains("Origin: https://elsewhere.example\r\n"), "{first}");
        assert!(first.contains("X-Forwarded-For: 2001:db8:0001:0001::1\r\n"), "{first}");
        assert!(second.contains("X-Forwarded-For: 2001:db8:0001:0002::1\r\n"), "{second}");
        assert!(first.contains("\"vis_00000000000000000000000007\"") && first.contains("1763718000123"));
        let (head, body) = first.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
    }
}
