//! Properties and traits as they cross from the page: a flat list of name, type letter and text.
//!
//! The loader writes them so because objects are expensive to carry over. What is not text, a finite number or
//! a flag is left out; what is too long is cut, so that a clumsy event still counts.

use alloc::borrow::Cow;

use wire::limits::{NUMBER_BYTES_MAX, PROP_NAME_BYTES_MAX, PROP_VALUE_BYTES_MAX, PROPS_MAX, cut};
use wire::{Number, PropValue, Props};

/// Reads `name NUL typed-text NUL name …`, where typed text begins with the first letter of its `typeof`.
#[must_use]
pub fn read(flat: &str) -> Props<'_> {
    let mut props = Props::new();
    let mut words = flat.split('\0');
    while let (Some(name), Some(typed)) = (words.next(), words.next()) {
        let name = cut(name, PROP_NAME_BYTES_MAX);
        let value = match (typed.get(..1), typed.get(1..)) {
            (Some("s"), Some(text)) => PropValue::Text(Cow::Borrowed(cut(text, PROP_VALUE_BYTES_MAX))),
            (Some("n"), Some(text)) if text.len() <= NUMBER_BYTES_MAX => match Number::parse(text) {
                Some(number) => PropValue::Number(number),
                None => continue,
            },
            (Some("b"), Some("true")) => PropValue::Flag(true),
            (Some("b"), Some("false")) => PropValue::Flag(false),
            _ => continue,
        };
        if props.len() < PROPS_MAX && props.iter().all(|(before, _)| before != name) {
            props.push((Cow::Borrowed(name), value));
        }
    }
    props
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_what_is_flat_and_leaves_the_rest() {
        let props = read(
            "plan\0spro\0seats\0n2.5\0trial\0btrue\0x\0nNaN\0y\0o[object Object]\0z\0uundefined\0w\0bfalse",
        );
        let kept: Vec<_> = props.iter().map(|(name, _)| &**name).collect();
        assert_eq!(kept, ["plan", "seats", "trial", "w"]);
        assert_eq!(props[2].1, PropValue::Flag(true));
        assert_eq!(read(""), []);
    }

    #[test]
    fn cuts_what_is_too_long_and_too_much() {
        let long = format!("{}\0s{}", "é".repeat(200), "é".repeat(900));
        let props = read(&long);
        assert_eq!(props[0].0.len(), PROP_NAME_BYTES_MAX);
        assert_eq!(props[0].1, PropValue::Text("é".repeat(250).into()));
        let many: Vec<String> = (0..50).map(|i| format!("p{i}\0s1")).collect();
        assert_eq!(read(&many.join("\0")).len(), PROPS_MAX);
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(flat in any::<String>(), more in "[a-c\0snb0-9.]{0,40}") {
            let _ = (read(&flat), read(&more));
        }
    }
}
