//! Taking text apart and putting it together, once for everybody: the standard library's ways are generic and
//! would be compiled anew for every use, with their panic messages; visitors would download each copy.
//!
//! Separators are ASCII, so cutting at one never cuts a character. Nothing here allocates.

/// Bytes a [`Text`] holds.
pub const TEXT_BYTES_MAX: usize = 4096;

/// Takes the word before the next separator off the front of `rest`: all of it when there is none.
#[inline(never)]
pub fn take<'a>(rest: &mut &'a str, separator: u8) -> &'a str {
    debug_assert!(separator.is_ascii());
    let bytes = rest.as_bytes();
    let mut at = 0;
    // SAFETY: every index is below the length, and each cut stands beside an ASCII byte or at the end, so between
    // characters.
    unsafe {
        while at < bytes.len() && *bytes.get_unchecked(at) != separator {
            at += 1;
        }
        let word = rest.get_unchecked(..at);
        *rest = rest.get_unchecked((at + 1).min(bytes.len())..);
        word
    }
}

/// Whether two texts are the same. One copy of it, in place of one for each text it is asked of.
#[inline(never)]
#[must_use]
pub fn is(text: &str, other: &str) -> bool {
    text == other
}

/// Whether a text ends with another.
#[inline(never)]
#[must_use]
pub fn ends(text: &str, end: &str) -> bool {
    text.ends_with(end)
}

/// Whether a text starts with another.
#[inline(never)]
#[must_use]
pub fn starts(text: &str, start: &str) -> bool {
    text.starts_with(start)
}

/// Walks over the `name=value` pairs of a query, a cookie header or a plain list. Blanks behind the commas of a list are
/// left out: people write them.
pub struct Pairs<'a> {
    rest: &'a str,
    separator: u8,
    /// The pair [`Pairs::step`] has come to, as it stands.
    pub pair: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its value, empty when there is none.
    pub value: &'a str,
}

impl<'a> Pairs<'a> {
    /// Stands before the first pair of `text`.
    #[must_use]
    pub fn of(text: &'a str, separator: u8) -> Self {
        Self { rest: text, separator, pair: "", name: "", value: "" }
    }

    /// Goes to the next pair; false at the end. No `Iterator`: what that answers would be copied twice.
    #[inline(never)]
    pub fn step(&mut self) -> bool {
        while self.separator == b',' && starts(self.rest, " ") {
            take(&mut self.rest, b' ');
        }
        if self.rest.is_empty() {
            return false;
        }
        self.pair = take(&mut self.rest, self.separator);
        self.value = self.pair;
        self.name = take(&mut self.value, b'=');
        true
    }
}

/// Whether `word` is one of the words of `list`, capitals and small letters alike.
#[inline(never)]
#[must_use]
pub fn has(list: &str, separator: u8, word: &str) -> bool {
    let mut words = Pairs::of(list, separator);
    while words.step() {
        if words.name.eq_ignore_ascii_case(word) && !word.is_empty() {
            return true;
        }
    }
    false
}

/// Reads decimal digits; zero for anything else. What is longer than a `u64` wraps.
#[inline(never)]
#[must_use]
pub fn number(text: &str) -> u64 {
    let mut sum = 0u64;
    for byte in text.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return 0;
        }
        sum = sum.wrapping_mul(10).wrapping_add(digit.into());
    }
    sum
}

/// A text of limited length in a place of its own. What does not fit is left out whole.
pub struct Text {
    len: usize,
    bytes: [u8; TEXT_BYTES_MAX],
}

impl Text {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { len: 0, bytes: [0; TEXT_BYTES_MAX] }
    }

    /// What it holds.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // SAFETY: only whole texts are ever appended, and never beyond the end.
        unsafe { core::str::from_utf8_unchecked(self.bytes.get_unchecked(..self.len)) }
    }

    /// Forgets what it holds.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Holds this and nothing else.
    #[inline(never)]
    pub fn set(&mut self, text: &str) {
        self.clear();
        self.push(text);
    }

    /// Appends.
    #[inline(never)]
    pub fn push(&mut self, text: &str) {
        let len = self.len + text.len();
        if len <= TEXT_BYTES_MAX {
            // SAFETY: it fits, as just seen, and two texts cannot overlap: one is borrowed mutably.
            unsafe {
                core::ptr::copy_nonoverlapping(
                    text.as_ptr(),
                    self.bytes.as_mut_ptr().add(self.len),
                    text.len(),
                );
            }
            self.len = len;
        }
    }

    /// Appends one ASCII character.
    #[inline(never)]
    pub fn push_byte(&mut self, byte: u8) {
        debug_assert!(byte.is_ascii());
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }

    /// Appends decimal digits without `core::fmt`, which alone would outweigh the pixel.
    pub fn push_digits(&mut self, value: u64) {
        if value > 9 {
            self.push_digits(value / 10);
        }
        self.push_byte(b'0' + (value % 10) as u8);
    }

    /// Appends `name=value`.
    #[inline(never)]
    pub fn push_param(&mut self, name: &str, value: &str) {
        self.push(name);
        self.push_byte(b'=');
        self.push(value);
    }

    /// Bytes held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers() {
        assert_eq!(number("0"), 0);
        assert_eq!(number("1763718000000"), 1_763_718_000_000);
        for bad in ["", "-1", "1.5", "x", "1 "] {
            assert_eq!(number(bad), 0, "{bad}");
        }
    }

    #[test]
    fn lists() {
        assert!(has("ref,via,aff", b',', "via") && has("gclid sccid", b' ', "ScCid"));
        assert!(!has("ref,via", b',', "vi") && !has("ref,,via", b',', ""));
    }

    #[test]
    fn blanks_behind_commas_are_no_part_of_a_word() {
        assert!(has("ref, via,  aff", b',', "via") && has(" ref, via,  aff", b',', "aff"));
        assert!(!has("a, ", b',', " ") && !has("a b", b',', "b"));
        let mut cookies = Pairs::of(" a=1", b';');
        assert!(cookies.step() && cookies.name == " a", "only lists");
    }

    #[test]
    fn what_does_not_fit_is_left_out_whole() {
        let mut text = Text::new();
        text.push(&"x".repeat(TEXT_BYTES_MAX - 1));
        text.push("é");
        assert_eq!(text.len(), TEXT_BYTES_MAX - 1);
        text.push_byte(b'y');
        text.push_byte(b'z');
        assert!(text.as_str().ends_with("xy"));
    }

    proptest! {
        #[test]
        fn words_are_those_of_the_standard_library(text in "[a-cé,=]{0,20}") {
            let mut rest = &*text;
            let (first, after) = text.split_once(',').unwrap_or((&text, ""));
            prop_assert_eq!((take(&mut rest, b','), rest), (first, after));
            let mut pairs = Pairs::of(&text, b',');
            let mut seen = Vec::new();
            while pairs.step() {
                prop_assert_eq!((pairs.name, pairs.value), pairs.pair.split_once('=').unwrap_or((pairs.pair, "")));
                seen.push(pairs.pair);
            }
            // An empty last word is none.
            prop_assert_eq!(seen, text.split_terminator(',').collect::<Vec<_>>());
        }

        #[test]
        fn digits_are_read_back(value in any::<u64>()) {
            let mut text = Text::new();
            text.push_digits(value);
            prop_assert_eq!(text.as_str(), value.to_string());
            prop_assert_eq!(number(text.as_str()), value);
        }
    }
}
