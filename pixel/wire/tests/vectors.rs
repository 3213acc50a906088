//! Shared vectors: bodies as browsers send them, what the collector reads of each, and how the pixel writes what was
//! read. `vectors.json` is the one file; `TRIBUTARY_BLESS=1` writes its answers anew, to be looked at before a commit.

use std::path::Path;

use serde::{Deserialize, Serialize};
use wire::{decode, encode};

#[derive(Deserialize, Serialize)]
struct Vector {
    /// What it shows.
    name: String,
    /// The body of `POST /c`.
    body: String,
    /// For each hit its canonical text, or `refused: field.reason`; one entry `refused: …` for a whole body.
    read: Vec<String>,
}

fn read(body: &str) -> Vec<String> {
    let hits = match decode(body.as_bytes()) {
        Ok(hits) => hits,
        Err(error) => return vec![format!("refused: {error:?}")],
    };
    let text = |hit: Result<wire::Hit<'_>, wire::HitError>| match hit {
        Ok(hit) => {
            let mut text = String::new();
            encode(&hit, &mut text);
            text
        }
        Err(error) => format!("refused: {}", error.code()),
    };
    hits.into_iter().map(text).collect()
}

#[test]
fn every_vector_is_read_and_written_as_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors.json");
    let mut vectors: Vec<Vector> =
        serde_json::from_str(&std::fs::read_to_string(&path).expect("the vectors are there"))
            .expect("they are JSON");
    assert!(vectors.len() >= 20, "{}", vectors.len());
    if std::env::var_os("TRIBUTARY_BLESS").is_some() {
        vectors.iter_mut().for_each(|vector| vector.read = read(&vector.body));
        let text = serde_json::to_string_pretty(&vectors).expect("vectors are JSON") + "\n";
        std::fs::write(&path, text).expect("the file is writable");
    }
    for Vector { name, body, read: expected } in vectors {
        assert_eq!(read(&body), expected, "{name}");
        // What was written reads as itself: the two halves agree.
        for text in expected.iter().filter(|text| text.starts_with('{')) {
            assert_eq!(&read(text), std::slice::from_ref(text), "{name}");
        }
    }
}
