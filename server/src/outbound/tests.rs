//! The table of what may be called, and calls that try to get around it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

fn outbound(allowed: &[&str]) -> Outbound {
    let allowed_networks = allowed.iter().map(|&text| text.to_owned()).collect();
    Outbound::new(&config::Outbound { allowed_networks, delivery_timeout_ms: 1000, disable_after_days: 5 })
        .unwrap()
}

fn check(outbound: &Outbound, address: &str) -> Result<(), Refused> {
    match Url::parse(address) {
        Ok(address) => outbound.check(&address),
        Err(_) => Err(Refused::NotHttp),
    }
}

/// Hosts that are not the public internet's, however they are written.
const PRIVATE: [&str; 69] = [
    "127.0.0.1",
    "127.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "127。0。0。1",
    "①②⑦.0.0.1",
    "%31%32%37.0.0.1",
    "0",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "0xa000001",
    "012.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.169.254.",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.1",
    "3232235521",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::1]",
    "[100::1]",
    "[2001::1]",
    "[2001:0:7f00:1::]",
    "[2001:20::1]",
    "[2001:db8::1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::]",
    "[3fff::1]",
    "[5f00::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[febf::1]",
    "[fec0::1]",
    "[ff02::1]",
];

/// Names that never leave a machine or its network, seen without asking.
const LOCAL_NAMES: [&str; 8] = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "shop.localhost",
    "metadata.google.internal",
    "metadata.google.internal.",
    "printer.local",
    "nas.home.arpa",
];

#[test]
fn what_is_not_the_public_internet_is_refused_however_it_is_written() {
    let outbound = outbound(&[]);
    for host in PRIVATE.iter().chain(&LOCAL_NAMES) {
        for address in [format!("https://{host}/v1"), format!("http://{host}:8080/")] {
            assert_eq!(check(&outbound, &address), Err(Refused::NotPublic), "{address}");
        }
    }
}

#[test]
fn public_addresses_are_called_over_tls_only() {
    let outbound = outbound(&[]);
    for host in [
        "api.polar.sh",
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "[::ffff:1.1.1.1]",
        "[2606:4700::1111]",
        "[2001:4860:4860::8888]",
        "[2003::1]",
        "localhost.example.com",
        "notlocalhost",
    ] {
        assert_eq!(check(&outbound, &format!("https://{host}")), Ok(()), "{host}");
        assert_eq!(check(&outbound, &format!("http://{host}")), Err(Refused::NotEncrypted), "{host}");
    }
}

#[test]
fn schemes_ports_and_credentials_are_as_of_a_web_address() {
    let outbound = outbound(&[]);
    for (address, refused) in [
        ("file:///etc/passwd", Refused::NotHttp),
        ("gopher://api.polar.sh", Refused::NotHttp),
        ("ftp://api.polar.sh", Refused::NotHttp),
        ("https://", Refused::NotHttp),
        ("https://a@127.0.0.1", Refused::Credentials),
        ("https://api.polar.sh@127.0.0.1", Refused::Credentials),
        ("https://127.0.0.1:x@api.polar.sh", Refused::Credentials),
        ("https://api.polar.sh:22", Refused::Port),
        ("https://api.polar.sh:25", Refused::Port),
        ("https://127.0.0.1\\@api.polar.sh", Refused::NotPublic),
        ("https://127.0.0.1#@api.polar.sh", Refused::NotPublic),
        ("https://127.0.0.1?@api.polar.sh", Refused::NotPublic),
        ("https:127.0.0.1", Refused::NotPublic),
        ("https://api.polar.sh\t@127.0.0.1", Refused::Credentials),
    ] {
        assert_eq!(check(&outbound, address), Err(refused), "{address}");
    }
    assert_eq!(check(&outbound, "https://api.polar.sh:8443"), Ok(()));
}

#[test]
fn what_the_operator_allows_is_allowed_and_nothing_beside_it() {
    let outbound = outbound(&["127.0.0.0/8", "::1"]);
    for address in
        ["http://127.0.0.1:1234", "http://[::ffff:127.0.0.1]:1234", "https://[::1]", "http://localhost:1024"]
    {
        assert_eq!(check(&outbound, address), Ok(()), "{address}");
    }
    for address in ["http://10.0.0.1", "https://[fe80::1]", "http://169.254.169.254/latest/meta-data"] {
        assert_eq!(check(&outbound, address), Err(Refused::NotPublic), "{address}");
    }
    assert_eq!(check(&outbound, "http://1.1.1.1"), Err(Refused::NotEncrypted));
    assert_eq!(check(&outbound, "http://127.0.0.1:22"), Err(Refused::Port));
}

#[test]
fn a_name_with_one_private_address_is_refused_as_a_whole() {
    let none = Networks::default();
    let address = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
    let (public, private) = (address("1.1.1.1"), address("10.0.0.1"));
    assert_eq!(callable(&[public], &none, false), Ok(vec![public]));
    assert_eq!(callable(&[public], &none, true), Err(Refused::NotEncrypted));
    for found in [&[private][..], &[public, private], &[private, public], &[address("::ffff:10.0.0.1")]] {
        assert_eq!(callable(found, &none, false), Err(Refused::NotPublic), "{found:?}");
    }
    let ten = Networks::of(&["10.0.0.0/8".to_owned()], "a test").unwrap();
    assert_eq!(callable(&[private], &ten, true), Ok(vec![private]));
}

/// A listener that counts who came; answers each with a redirect to itself.
async fn door() -> (SocketAddr, Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let came = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = Arc::clone(&came);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]).await;
            let answer = format!(
                "HTTP/1.1 302 Found\r\nlocation: http://{address}/again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, came)
}

fn ring() {
    // Chosen once a process; a second test finds it chosen.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// `localhost` stands for every name whose owner lets it resolve to a private address, before or after a check: a
/// name passes [`Outbound::check`] when some network is allowed, and is judged when the connection is made.
#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused_before_anything_is_sent() {
    ring();
    let (address, came) = door().await;
    let outbound = outbound(&["192.0.2.1"]);
    for scheme in ["http", "https"] {
        let url = Url::parse(&format!("{scheme}://localhost:{}/", address.port())).unwrap();
        let failed = outbound.get(url).unwrap().send().await.unwrap_err();
        assert_eq!(refusal(&failed), Some(Refused::NotPublic), "{failed:?}");
    }
    assert_eq!(came.load(std::sync::atomic::Ordering::SeqCst), 0, "nobody knocked");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    ring();
    let (address, came) = door().await;
    let outbound = outbound(&["127.0.0.1"]);
    let url = Url::parse(&format!("http://{address}/")).unwrap();
    let answer = outbound.get(url).unwrap().send().await.unwrap();
    assert_eq!(answer.status(), 302);
    assert_eq!(came.load(std::sync::atomic::Ordering::SeqCst), 1);
}
