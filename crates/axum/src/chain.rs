use std::error::Error;
use std::fmt;

/// An error and what led to it, in one line, for the log.
pub(crate) struct Chain<'e>(pub(crate) &'e (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = self.0.to_string();
        f.write_str(&told)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            let text = error.to_string();
            // Some errors tell their source themselves.
            if !told.contains(&text) {
                write!(f, ": {text}")?;
                told = text;
            }
            next = error.source();
        }
        Ok(())
    }
}
