//! Taking text apart, once for everybody: the standard library's splitting is generic and would be compiled anew
//! for every use, with its panic messages; visitors would download each copy.
//!
//! Separators are ASCII, so cutting at one never cuts a character.

/// The words between separators. A text without any is one word; an empty text is one empty word.
pub struct Words<'a> {
    rest: Option<&'a str>,
    separator: u8,
}

/// The words of `text`.
#[must_use]
pub fn words(text: &str, separator: u8) -> Words<'_> {
    Words { rest: Some(text), separator }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    #[inline(never)]
    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest?;
        let (word, rest) = halves(text, self.separator);
        self.rest = rest;
        Some(word)
    }
}

/// The first ten words; empty ones where there are no more.
#[inline(never)]
pub fn fields(text: &str, separator: u8) -> [&str; 10] {
    let mut words = words(text, separator);
    let mut fields = [""; 10];
    for field in &mut fields {
        *field = words.next().unwrap_or_default();
    }
    fields
}

/// What stands before the first separator, and what stands after it if there is one.
#[inline(never)]
#[must_use]
pub fn halves(text: &str, separator: u8) -> (&str, Option<&str>) {
    debug_assert!(separator.is_ascii());
    match text.bytes().position(|byte| byte == separator) {
        // SAFETY: both ends stand beside an ASCII byte of the text, so within it and between characters.
        Some(at) => unsafe { (text.get_unchecked(..at), Some(text.get_unchecked(at + 1..))) },
        None => (text, None),
    }
}

/// The name of a pair and its value, empty when there is none.
#[inline(never)]
#[must_use]
pub fn pair(text: &str) -> (&str, &str) {
    let (name, value) = halves(text, b'=');
    (name, value.unwrap_or_default())
}

/// The next pair of a query that has a value.
#[inline(never)]
pub fn next_param<'a>(query: &mut Words<'a>) -> Option<(&'a str, &'a str)> {
    loop {
        let (name, value) = pair(query.next()?);
        if !value.is_empty() {
            return Some((name, value));
        }
    }
}

/// Whether `word` is one of the words of `list`, capitals and small letters alike.
#[inline(never)]
#[must_use]
pub fn has(list: &str, separator: u8, word: &str) -> bool {
    let words = words(list, separator);
    for one in words {
        if one.eq_ignore_ascii_case(word) && !word.is_empty() {
            return true;
        }
    }
    false
}

/// Reads decimal digits; `None` for anything else. What is longer than a `u64` wraps.
#[must_use]
pub fn number(text: &str) -> Option<u64> {
    let mut sum = 0u64;
    for byte in text.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        sum = sum.wrapping_mul(10).wrapping_add(digit.into());
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers() {
        assert_eq!(number("0"), Some(0));
        assert_eq!(number("1763718000000"), Some(1_763_718_000_000));
        for bad in ["", "-1", "1.5", "x", "1 "] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn lists() {
        assert!(has("ref,via,aff", b',', "via") && has("gclid sccid", b' ', "ScCid"));
        assert!(!has("ref,via", b',', "vi") && !has("ref,,via", b',', ""));
    }

    proptest! {
        #[test]
        fn words_are_those_of_the_standard_library(text in "[a-cé,=]{0,20}") {
            prop_assert!(words(&text, b',').eq(text.split(',')));
            prop_assert_eq!(halves(&text, b'=').1, text.split_once('=').map(|(_, after)| after));
        }
    }
}
