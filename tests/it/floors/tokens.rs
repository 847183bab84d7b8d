//! Rust source as a list of tokens, without comments, literals and unit tests.

/// An identifier, a number, `::`, or one character.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub text: String,
    /// From 1.
    pub line: usize,
}

/// The tokens of a file. What `#[cfg(test)]` stands before is left out.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { rest: text, line: 1, tokens: Vec::new() };
    while !lexer.rest.is_empty() {
        lexer.step();
    }
    without_tests(lexer.tokens)
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    /// Takes one token, or what is no token.
    fn step(&mut self) {
        let rest = self.rest;
        let first = rest.chars().next().expect("not at the end");
        if rest.starts_with("//") {
            return self.skip(rest.find('\n').unwrap_or(rest.len()));
        }
        if rest.starts_with("/*") {
            return self.skip(rest.find("*/").map_or(rest.len(), |at| at + 2));
        }
        if let Some(length) = raw_string(rest).or_else(|| string(rest)).or_else(|| character(rest)) {
            return self.skip(length);
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            _ if rest.starts_with("::") => 2,
            word if is_word(word) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            other => other.len_utf8(),
        };
        if !first.is_whitespace() {
            self.tokens.push(Token { text: rest[..length].to_owned(), line: self.line });
        }
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        let (skipped, rest) = self.rest.split_at(length);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }
}

/// The length of a string literal.
fn string(rest: &str) -> Option<usize> {
    let rest_of = rest.strip_prefix('"').or_else(|| rest.strip_prefix("b\""))?;
    let begin = rest.len() - rest_of.len();
    let mut is_escaped = false;
    for (at, c) in rest_of.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some(begin + at + 1),
            _ => {}
        }
    }
    Some(rest.len())
}

/// The length of a string literal without escapes: `r"…"`, `r#"…"#`.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes_on = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = hashes_on.len() - hashes_on.trim_start_matches('#').len();
    let text = hashes_on[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let begin = rest.len() - text.len();
    Some(text.find(&end).map_or(rest.len(), |at| begin + at + end.len()))
}

/// The length of a character literal; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let text = rest.strip_prefix('\'').or_else(|| rest.strip_prefix("b'"))?;
    let begin = rest.len() - text.len();
    let end = match text.starts_with('\\') {
        true => 2 + text.get(2..)?.find('\'')?,
        false => text.chars().next()?.len_utf8(),
    };
    text[end..].starts_with('\'').then_some(begin + end + 1)
}

/// Leaves out every item behind `#[cfg(test)]`.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    const ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_test = tokens[at..].iter().map(|token| token.text.as_str()).take(ATTRIBUTE.len()).eq(ATTRIBUTE);
        if is_test {
            at = end_of_item(&tokens, at + ATTRIBUTE.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Where the item that begins at `at` is over: behind its `;` or its last `}`.
pub fn end_of_item(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            ";" if depth == 0 => return index + 1,
            _ => continue,
        }
        if depth == 0 && token.text == "}" {
            return index + 1;
        }
    }
    tokens.len()
}
