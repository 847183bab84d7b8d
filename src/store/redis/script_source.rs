//! The source of a script as Redis gets it.

use std::ops::Range;

/// Returns a script without comment lines and without the functions that it does not call. Redis runs a script from its
/// first line at each call, and so makes each function anew: one that is not called costs as much as a short command.
///
/// A function is what is between a line that begins with `local function` and the next line that is `end`.
pub(super) fn stripped(code: &str) -> String {
    let lines: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let mut kept: Vec<&str> = Vec::new();
    let mut end = lines.len();
    // Functions are called by what follows them.
    while end > 0 {
        let block = block_before(&lines, end);
        let is_needed = match name_of(lines[block.start]) {
            Some(name) => kept.iter().any(|line| contains_word(line, name)),
            None => true,
        };
        if is_needed {
            kept.extend(lines[block.clone()].iter().rev());
        }
        end = block.start;
    }
    kept.reverse();
    kept.join("\n")
}

/// Returns the lines of the function that ends before the line `end`; other lines by themselves.
fn block_before(lines: &[&str], end: usize) -> Range<usize> {
    let last = end - 1;
    let is_function = lines[last] == "end";
    // Other statements at the beginning of a line end with `end` too.
    let begin = lines[..last].iter().rposition(|line| !line.is_empty() && !line.starts_with(' ') && *line != "else");
    match begin {
        Some(begin) if is_function && name_of(lines[begin]).is_some() => begin..end,
        _ => last..end,
    }
}

/// The name of the function that begins with this line.
fn name_of(line: &str) -> Option<&str> {
    line.strip_prefix("local function ")?.split_once('(').map(|(name, _)| name)
}

fn contains_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "\
-- Shared.
local function one(x)
  return x
end

local function two(x)
  if x then
    return one(x)
  end
end

local function three()
  return two(true)
end

-- Calls three() only here.
if KEYS[1] then
  return two(KEYS[2])
end
local threefold = 3";

    #[test]
    fn functions_that_nobody_calls_are_left_out() {
        let code = stripped(CODE);
        assert!(code.contains("local function one") && code.contains("local function two"), "{code}");
        assert!(!code.contains("three()") && !code.contains("two(true)"), "{code}");
        assert!(code.ends_with("if KEYS[1] then\n  return two(KEYS[2])\nend\nlocal threefold = 3"), "{code}");
    }

    #[test]
    fn what_only_an_unused_function_calls_is_left_out() {
        assert_eq!(stripped(&CODE.replace("two(KEYS[2])", "1")).matches("function").count(), 0);
    }
}
