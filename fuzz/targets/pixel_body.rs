//! The body of `POST /c`: any bytes are hits or a typed refusal, and a hit that was read is written and read again
//! as the same hit.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(hits) = wire::decode(body) else { return };
    for hit in hits.iter().flatten() {
        let mut text = String::new();
        wire::encode(hit, &mut text);
        let again = wire::decode(text.as_bytes()).expect("what we write is a body");
        // Escapes may make a hit longer than it came; then it is refused for its length, not misread.
        match again.first() {
            Some(Ok(again)) => assert_eq!(again, hit),
            Some(Err(error)) => assert_eq!(error.reason, wire::Reason::TooLong, "{text}"),
            None => panic!("a hit was lost"),
        }
    }
});
