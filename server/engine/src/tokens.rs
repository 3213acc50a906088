//! Cuts SQL text into tokens the way the engine's lexer does, as far as routing a statement needs it. It knows
//! comments, quotes and here-documents, and no syntax.

/// One token: a word, a quoted piece, or a single other character. Blanks and comments are skipped.
#[derive(Clone, Copy)]
pub struct Token<'a> {
    pub bytes: &'a [u8],
    /// Where it stands in the text.
    pub start: usize,
    pub end: usize,
}

impl Token<'_> {
    /// Whether it is this word, in any case.
    pub fn is(&self, word: &str) -> bool {
        self.bytes.eq_ignore_ascii_case(word.as_bytes())
    }

    /// Whether it can be a name without quotes.
    pub fn is_name(&self) -> bool {
        self.bytes.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
    }
}

/// The tokens of a text.
pub struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Tokens { text, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    fn skip_blanks_and_comments(&mut self) {
        loop {
            let rest = self.rest();
            match rest {
                [b, ..] if b.is_ascii_whitespace() || *b == 0x0b => self.at += 1,
                [b'-', b'-', ..] | [b'#', b' ' | b'!', ..] => {
                    self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                }
                [b'/', b'*', ..] => self.at += comment_length(rest),
                _ => return,
            }
        }
    }
}

/// Length of a `/* … */` comment; they nest.
fn comment_length(text: &[u8]) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 && at < text.len() {
        match &text[at..] {
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

/// Length of a quoted piece with backslash escapes and doubled quotes.
fn quoted_length(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b if b == quote && text.get(at + 1) == Some(&quote) => at += 2,
            b if b == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// Length of a `$tag$ … $tag$` text, if one starts here.
fn heredoc_length(text: &[u8]) -> Option<usize> {
    let tag_end = 1 + text[1..].iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'_'))?;
    if text.get(tag_end) != Some(&b'$') {
        return None;
    }
    let tag = &text[..=tag_end];
    let close = text[tag.len()..].windows(tag.len()).position(|window| window == tag)?;
    Some(tag.len() + close + tag.len())
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks_and_comments();
        let rest = self.rest();
        let first = *rest.first()?;
        let length = match first {
            b'\'' | b'"' | b'`' => quoted_length(rest, first),
            b'$' => heredoc_length(rest).unwrap_or(1),
            b if b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80 => rest
                .iter()
                .position(|b| !(b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80 || *b == b'$'))
                .unwrap_or(rest.len()),
            _ => 1,
        };
        let (start, end) = (self.at, (self.at + length).min(self.text.len()));
        self.at = end;
        Some(Token { bytes: &self.text[start..end], start, end })
    }
}
