//! What an error may repeat of an answer: nothing that is secret about the call.

use percent_encoding::percent_decode_str;

use super::Call;
use super::gateway::encoded;
use crate::secret::Secret;

const HIDDEN: &str = "***";
const WITHHELD: &str = "(withheld: it quotes the request)";
/// As many characters of a secret are told by an excerpt that ends within it.
const TELLING: usize = 6;
/// How often what is quoted may have been encoded on its way into a page.
const DISGUISES: usize = 4;

impl Call<'_> {
    /// `text` without what is secret, should somebody quote it; nothing of it when it is
    /// quoted in a disguise.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets() {
            text = text.replace(secret, HIDDEN).replace(&encoded(secret), HIDDEN);
        }
        if self.is_disguised_in(&text, usize::MAX) { WITHHELD.to_owned() } else { text }
    }

    /// The beginning of a strange answer, which may have been cut anywhere: so much of
    /// it, and none if it has a request in it.
    pub(super) fn quote(&self, text: &str, most: usize) -> String {
        if names_a_secret(text) {
            return WITHHELD.to_owned();
        }
        let text = self.redact(text);
        let text = self.before_a_cut_secret(&text);
        if self.is_disguised_in(text, TELLING) {
            return WITHHELD.to_owned();
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ").chars().take(most).collect()
    }

    fn secrets(&self) -> impl Iterator<Item = &str> {
        let secrets = [Some(self.pswd), self.sid];
        secrets.into_iter().flatten().map(Secret::expose).filter(|secret| !secret.is_empty())
    }

    /// True if so many characters of a secret's beginning, or all of it, are in there.
    fn is_disguised_in(&self, text: &str, characters: usize) -> bool {
        let begin = |secret: &str| secret.chars().take(characters).collect::<String>();
        let begins: Vec<String> = self.secrets().map(begin).collect();
        let mut text = text.to_owned();
        for _ in 0..DISGUISES {
            let resolved = references_resolved(&text);
            let plain = percent_decode_str(&resolved).decode_utf8_lossy().into_owned();
            let spaced = plain.replace('+', " ");
            if begins.iter().any(|begin| plain.contains(begin) || spaced.contains(begin)) {
                return true;
            }
            if plain == text {
                return false;
            }
            text = plain;
        }
        false
    }

    /// All but a secret's beginning at the end.
    fn before_a_cut_secret<'t>(&self, text: &'t str) -> &'t str {
        let begun = |secret: &str| {
            let ends = secret.char_indices().map(|(at, _)| at).skip(1);
            ends.filter(|end| text.ends_with(&secret[..*end])).max().unwrap_or(0)
        };
        let begun = self.secrets().map(|secret| begun(secret).max(begun(&encoded(secret)))).max();
        &text[..text.len() - begun.unwrap_or(0)]
    }
}

/// True if a secret's parameter stands there: `sid=`, `PSWD%3D`, but not `inside`.
fn names_a_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let is_name = |at: usize| !text[at + 3..].starts_with(|c: char| c.is_ascii_lowercase());
    text.contains("pswd") || text.match_indices("sid").any(|(at, _)| is_name(at))
}

/// `text` as a browser would show its references.
fn references_resolved(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let resolved = rest.find(';').and_then(|end| Some((resolve(&rest[1..end])?, end + 1)));
        let (character, taken) = resolved.unwrap_or(('&', 1));
        out.push(character);
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out
}

fn resolve(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        return quick_xml::escape::resolve_predefined_entity(name)?.chars().next();
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    char::from_u32(code.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "Canary&7 <pä>'";

    fn quoted(text: &str) -> String {
        let (password, sid) = (Secret::new(PASSWORD), Secret::new("1744347709"));
        Call::new("login", "u", &password).sid(Some(&sid)).quote(text, 200)
    }

    #[test]
    fn a_secret_is_hidden_as_it_is() {
        assert_eq!(quoted(&format!("for {PASSWORD}, 1744347709!")), "for ***, ***!");
        assert_eq!(quoted("for Canary%267%20%3Cp%C3%A4%3E%27!"), "for ***!");
    }

    #[test]
    fn what_quotes_a_secret_in_disguise_is_withheld() {
        for text in [
            "for Canary&amp;7 &lt;pä&gt;&apos;!",
            "for Canary&#38;7 &#x3C;p&#228;&#62;&#39;!",
            "for Canary&amp;amp;7 &amp;lt;pä&amp;gt;&amp;apos;!",
            "for Canary%267+%3cp%c3%a4%3e%27!",
            "for Canary%25267%2520%253Cp%25C3%25A4%253E%2527!",
        ] {
            assert_eq!(quoted(text), WITHHELD, "{text}");
        }
    }

    #[test]
    fn what_has_a_request_in_it_is_withheld() {
        for text in ["GET /gw?PSWD=x", "&amp;sid=7", "Sid%3D7", "<sid>7"] {
            assert_eq!(quoted(text), WITHHELD, "{text}");
        }
        assert_eq!(
            quoted("not from \n outside &c; the sidebar"),
            "not from outside &c; the sidebar"
        );
    }

    #[test]
    fn a_secret_that_is_cut_is_not_quoted() {
        for text in ["for Canary&7", "for Canary%267", "for 17443", "for C"] {
            assert_eq!(quoted(text), "for", "{text}");
        }
        for text in ["for Canary&amp;7 &l", "for Canary%25267%2"] {
            assert_eq!(quoted(text), WITHHELD, "{text}");
        }
    }
}
