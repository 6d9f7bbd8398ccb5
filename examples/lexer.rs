//! The lexer of a toy language, whose tokens hold interned names.
//!
//! ```sh
//! cargo run --example lexer [FILE]
//! ```
//!
//! Each name is stored once, in an [`Interner`]; a token holds its two-word handle. Comparing names
//! and looking them up in tables never touches their text again, and keywords are names like others
//! that the lexer happens to know. Dropping the tokens of a file frees the names that only it used.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use rcmap::{Interned, Interner};

/// An interned name. Reads like a `str`, compares by identity.
pub(crate) type Name = Interned<Box<str>>;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Token {
    Name(Name),
    Keyword(Keyword),
    Number(u64),
    Symbol(char),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keyword {
    Let,
    Function,
    Return,
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) enum LexError {
    UnknownCharacter { line: usize, character: char },
    NumberTooLarge { line: usize },
}

impl fmt::Display for LexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCharacter { line, character } => {
                write!(f, "line {line}: no token begins with {character:?}")
            }
            Self::NumberTooLarge { line } => write!(f, "line {line}: the number is too large"),
        }
    }
}

impl std::error::Error for LexError {}

/// What all files of a program share.
pub(crate) struct Lexer {
    names: Interner<Box<str>>,
    /// Holds the keywords' names, so they stay. Finding one hashes a handle, not a string.
    keywords: HashMap<Name, Keyword>,
}

impl Lexer {
    pub(crate) fn new() -> Self {
        let names = Interner::new();
        let keywords =
            [("let", Keyword::Let), ("fn", Keyword::Function), ("return", Keyword::Return)];
        let keywords =
            keywords.into_iter().map(|(text, keyword)| (names.intern_ref(text), keyword)).collect();
        Self { names, keywords }
    }

    /// The tokens of a source text. A `#` begins a comment that ends with the line.
    pub(crate) fn tokens(&self, source: &str) -> Result<Vec<Token>, LexError> {
        let mut tokens = Vec::new();
        for (line, text) in (1..).zip(source.lines()) {
            let code = text.split('#').next().unwrap_or_default();
            self.tokens_of_line(line, code, &mut tokens)?;
        }
        Ok(tokens)
    }

    fn tokens_of_line(
        &self,
        line: usize,
        code: &str,
        tokens: &mut Vec<Token>,
    ) -> Result<(), LexError> {
        let mut rest = code.trim_start();
        while let Some(first) = rest.chars().next() {
            let (token, end) = if first.is_alphabetic() || first == '_' {
                let end = end_of(rest, |c| c.is_alphanumeric() || c == '_');
                (self.word(&rest[..end]), end)
            } else if first.is_ascii_digit() {
                let end = end_of(rest, |c| c.is_ascii_digit());
                let number = rest[..end].parse().map_err(|_| LexError::NumberTooLarge { line })?;
                (Token::Number(number), end)
            } else if "+-*/=(){},;".contains(first) {
                (Token::Symbol(first), first.len_utf8())
            } else {
                return Err(LexError::UnknownCharacter { line, character: first });
            };
            tokens.push(token);
            rest = rest[end..].trim_start();
        }
        Ok(())
    }

    fn word(&self, text: &str) -> Token {
        let name = self.names.intern_ref(text);
        match self.keywords.get(&name) {
            Some(keyword) => Token::Keyword(*keyword),
            None => Token::Name(name),
        }
    }

    /// How many names somebody holds, keywords included.
    pub(crate) fn names(&self) -> usize {
        self.names.len()
    }
}

/// Where the characters end that `belongs` accepts.
fn end_of(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// How often each name occurs, in alphabetical order.
pub(crate) fn occurrences(tokens: &[Token]) -> Vec<(Name, usize)> {
    let mut counts: HashMap<&Name, usize> = HashMap::new();
    for token in tokens {
        if let Token::Name(name) = token {
            *counts.entry(name).or_default() += 1;
        }
    }
    let mut counts: Vec<_> =
        counts.into_iter().map(|(name, count)| (name.clone(), count)).collect();
    counts.sort_unstable();
    counts
}

const SAMPLE: &str = "\
fn area(width, height) {
    let product = width * height;  # no units
    return product;
}
";

fn main() -> ExitCode {
    let source = match std::env::args_os().nth(1).map(PathBuf::from) {
        None => SAMPLE.to_string(),
        Some(path) => match std::fs::read_to_string(&path) {
            Ok(source) => source,
            Err(error) => {
                eprintln!("lexer: {}: {error}", path.display());
                return ExitCode::FAILURE;
            }
        },
    };
    let lexer = Lexer::new();
    let tokens = match lexer.tokens(&source) {
        Ok(tokens) => tokens,
        Err(error) => {
            eprintln!("lexer: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{} tokens, {} names", tokens.len(), lexer.names());
    for (name, count) in occurrences(&tokens) {
        println!("{count:>4}  {name}");
    }
    drop(tokens);
    println!("tokens dropped: {} names, the keywords", lexer.names());
    ExitCode::SUCCESS
}
