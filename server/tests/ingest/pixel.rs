//! The pixel's files as browsers get them.

use axum::body::Body;
use axum::http::StatusCode;

use crate::support::{Testing, request};

async fn with_pixel() -> (Testing, tempfile::TempDir) {
    let dist = tempfile::tempdir().unwrap();
    std::fs::create_dir(dist.path().join("p")).unwrap();
    for (name, content) in [
        ("p.js", "script"),
        ("p.js.br", "script, brotli"),
        ("p.js.gz", "script, gzip"),
        ("p/abc123.wasm", "module"),
        ("p/abc123.wasm.br", "module, brotli"),
    ] {
        std::fs::write(dist.path().join(name), content).unwrap();
    }
    let folder = dist.path().to_owned();
    (Testing::with(move |config| config.pixel.dir = folder).await, dist)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_smallest_form_a_browser_takes_is_sent() {
    let (testing, _dist) = with_pixel().await;
    for (path, accepts, encoding, content) in [
        ("/p.js", "gzip, deflate, br, zstd", "br", "script, brotli"),
        ("/p.js", "gzip", "gzip", "script, gzip"),
        ("/p.js", "br;q=0, identity", "", "script"),
        ("/p.js", "", "", "script"),
        ("/p/abc123.wasm", "br", "br", "module, brotli"),
        ("/p/abc123.wasm", "gzip", "", "module"),
    ] {
        let answer = testing.send(request("GET", path, &[("accept-encoding", accepts)], Body::empty())).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(
            (answer.header("content-encoding"), String::from_utf8(answer.body.clone()).unwrap().as_str()),
            (encoding, content)
        );
        assert_eq!(
            (answer.header("vary"), answer.header("access-control-allow-origin")),
            ("Accept-Encoding", "*")
        );
        assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_are_immutable_and_the_script_is_asked_for_again() {
    let (testing, _dist) = with_pixel().await;
    let module = testing.send(request("GET", "/p/abc123.wasm", &[], Body::empty())).await;
    assert_eq!(module.header("content-type"), "application/wasm");
    assert!(module.header("cache-control").contains("immutable"));
    let script = testing.send(request("GET", "/p.js", &[], Body::empty())).await;
    assert!(!script.header("cache-control").contains("immutable"));
    let again = testing
        .send(request("GET", "/p.js", &[("if-none-match", script.header("etag"))], Body::empty()))
        .await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    for path in ["/p/none.wasm", "/p/abc123.wasm.br", "/p/..%2Fp.js"] {
        assert_eq!(
            testing.send(request("GET", path, &[], Body::empty())).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_pixel_says_how_to_build_it() {
    let empty = tempfile::tempdir().unwrap();
    let folder = empty.path().to_owned();
    let testing = Testing::with(move |config| config.pixel.dir = folder).await;
    let answer = testing.send(request("GET", "/p.js", &[], Body::empty())).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "pixel_missing"));
    assert!(answer.json()["detail"].as_str().unwrap().contains("make pixel"));
}
