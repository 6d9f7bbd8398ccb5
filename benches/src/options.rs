//! The command line, read without a library.

use std::collections::HashMap;

/// Options of the form `--name value` or `--name`, and what stands alone.
#[derive(Debug, Default)]
pub struct Options {
    named: HashMap<String, String>,
    /// What belongs to no option.
    pub rest: Vec<String>,
}

impl Options {
    /// Reads the command line; `flags` are the options without a value, `known` those with one.
    ///
    /// # Errors
    ///
    /// If there is an option that is neither, or one whose value is missing.
    pub fn read(flags: &[&str], known: &[&str]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.strip_prefix("--") {
                None => options.rest.push(argument),
                Some(name) if flags.contains(&name) => {
                    options.named.insert(name.to_string(), String::new());
                }
                Some(name) if known.contains(&name) => {
                    let value = arguments.next().ok_or(format!("--{name} needs a value"))?;
                    options.named.insert(name.to_string(), value);
                }
                Some(_) => return Err(format!("unknown option {argument}")),
            }
        }
        Ok(options)
    }

    /// Whether an option was given.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.named.contains_key(name)
    }

    /// The value of an option.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.named.get(name).map(String::as_str)
    }

    /// The value of an option, which is a list with commas in between.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        Some(self.value(name)?.split(',').map(|part| part.trim().to_lowercase()).collect())
    }
}

/// `1k`, `100k`, `1M`, `10m` or a plain number.
///
/// # Errors
///
/// If it is none of these.
pub fn size(text: &str) -> Result<usize, String> {
    let text = text.trim().to_lowercase();
    let (digits, unit) = match text.strip_suffix(['k', 'm']) {
        Some(digits) if text.ends_with('k') => (digits, 1_000),
        Some(digits) => (digits, 1_000_000),
        None => (text.as_str(), 1),
    };
    let number: usize = digits.parse().map_err(|_| format!("{text} is not a size"))?;
    Ok(number * unit)
}

/// The short form of a size.
#[must_use]
pub fn short(size: usize) -> String {
    match size {
        _ if size >= 1_000_000 && size.is_multiple_of(1_000_000) => {
            format!("{}M", size / 1_000_000)
        }
        _ if size >= 1_000 && size.is_multiple_of(1_000) => format!("{}k", size / 1_000),
        _ => size.to_string(),
    }
}
