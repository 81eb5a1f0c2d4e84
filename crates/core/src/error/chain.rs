use std::error::Error;
use std::fmt;

/// An error and all that led to it, in a sentence, for a log: many loggers show no
/// sources, and what the remote end said is the last of them. An error that tells its
/// source itself does not have it told twice.
///
/// ```
/// use sessionpool_core::Chain;
///
/// fn log(error: &(dyn std::error::Error + 'static)) {
///     eprintln!("giving up: {}", Chain(error));
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "it is a way to print what is in it, and no more")]
pub struct Chain<'e>(pub &'e (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = self.0.to_string();
        f.write_str(&told)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            let text = error.to_string();
            if !told.contains(&text) {
                write!(f, ": {text}")?;
                told = text;
            }
            next = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failed {
        #[error("line dead")]
        Line,
        #[error("cannot open the database")]
        Open { source: Box<Self> },
        #[error("configuration: {0}")]
        TellsItsSource(#[source] Box<Self>),
    }

    #[test]
    fn what_led_to_an_error_is_told_once() {
        let open = Box::new(Failed::Open { source: Box::new(Failed::Line) });
        let error = Failed::TellsItsSource(open);
        assert_eq!(Chain(&error).to_string(), "configuration: cannot open the database: line dead");
    }
}
