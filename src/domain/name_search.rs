//! Where a search finds a name: at any of its words, and at any character of scripts that put no spaces between words.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};

use super::text::{folded, searchable, unmarked};

/// Maximum number of characters of a part that indexes keep, which bounds what a long name costs.
const PART_MAX_CHARS: usize = 32;

/// The text of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameQuery {
    /// Folded like the names that nodes of earlier versions have indexed.
    folded: String,
    /// The form in which it is compared with names.
    form: String,
}

impl NameQuery {
    /// Reads the text of a search; may be empty.
    pub fn new(text: &str) -> Self {
        let folded = folded(text).split_whitespace().collect::<Vec<_>>().join(" ");
        Self { form: unmarked(&folded), folded }
    }

    /// Whether the text is empty, which every name matches.
    pub fn is_empty(&self) -> bool {
        self.folded.is_empty()
    }

    /// As much of the text as indexes keep of a name, in each form in which they may have it.
    pub fn starts(&self) -> Vec<String> {
        let forms = [Some(&self.form), Some(&self.folded).filter(|folded| **folded != self.form)];
        forms.into_iter().flatten().map(|form| start_of(form)).collect()
    }

    /// Whether a name has a part that begins with the text.
    pub fn matches(&self, name: &str) -> bool {
        let name = searchable(name);
        starts(&name).into_iter().any(|at| name[at..].starts_with(&self.form)) || name.starts_with(&self.form)
    }
}

/// The parts of a folded name, but for the whole, that begin where a search finds it. A name with marks has those without
/// them, too.
pub fn name_parts(folded: &str) -> Vec<String> {
    let parts = |name: &str| {
        let starts = starts(name).into_iter().filter(|at| *at > 0);
        starts.map(|at| start_of(&name[at..])).collect::<Vec<_>>()
    };
    let mut found = parts(folded);
    let form = unmarked(folded);
    if form != folded {
        let whole = start_of(&form);
        for part in [whole].into_iter().chain(parts(&form)) {
            if !found.contains(&part) {
                found.push(part);
            }
        }
    }
    found
}

fn start_of(part: &str) -> String {
    part.chars().take(PART_MAX_CHARS).collect()
}

fn starts(name: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut is_in_word = false;
    for (at, c) in name.char_indices() {
        let continues =
            c.general_category_group() == GeneralCategoryGroup::Mark || matches!(c, '\u{200c}' | '\u{200d}');
        if continues {
            continue;
        }
        if c.is_alphanumeric() && (!is_in_word || has_no_spaces(c)) {
            starts.push(at);
        }
        is_in_word = c.is_alphanumeric();
    }
    starts
}

/// Whether a character is of a script that puts no spaces between words.
pub(super) fn has_no_spaces(c: char) -> bool {
    use Script::{Han, Hangul, Hiragana, Katakana, Khmer, Lao, Myanmar, Thai};
    matches!(c.script(), Han | Hangul | Hiragana | Katakana | Khmer | Lao | Myanmar | Thai)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(name: &str) -> Vec<String> {
        name_parts(&folded(name))
    }

    #[test]
    fn names_are_found_at_words_and_at_ideographs() {
        assert_eq!(parts("John Smith"), ["smith"]);
        assert_eq!(parts("王小明"), ["小明", "明"]);
        assert_eq!(parts("Jean-Luc O'Neil"), ["luc o'neil", "o'neil", "neil"]);
        assert_eq!(parts("ශ්‍රී ලංකා"), ["ලංකා"]);
        assert!(parts("alice").is_empty());
        assert_eq!(parts("Zoë Müller"), ["müller", "zoe muller", "muller"]);
        assert_eq!(parts("王 Zoë"), ["zoë", "王 zoe", "zoe"]);
        assert!(parts("ガギ").iter().all(|part| part == "ギ"));
        assert_eq!(parts(&"王".repeat(100))[0].chars().count(), PART_MAX_CHARS);
    }

    #[test]
    fn indexes_are_asked_for_each_form() {
        assert_eq!(NameQuery::new(" Müller  X").starts(), ["muller x", "müller x"]);
        assert_eq!(NameQuery::new("Smith").starts(), ["smith"]);
        assert_eq!(NameQuery::new("").starts(), [""]);
    }

    #[test]
    fn a_query_matches_whatever_its_case_width_and_marks() {
        for (query, name) in [
            ("SMITH", "John Smith"),
            ("ｓｍｉ", "John Smith"),
            ("john  s", "John Smith"),
            ("小明", "王小明"),
            ("muller", "Zoë Müller"),
            ("zoë m", "Zoe Muller"),
        ] {
            assert!(NameQuery::new(query).matches(name), "{query} {name}");
        }
        for (query, name) in [("mith", "John Smith"), ("明王", "王小明"), ("lice", "Alice")] {
            assert!(!NameQuery::new(query).matches(name), "{query} {name}");
        }
    }
}
