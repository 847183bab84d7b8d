//! Look-alike names: forms that are equal for names that look alike, and names that nobody may have.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_security::skeleton;

/// Names of the server, of the roles that administer it, and those that mention everyone.
const RESERVED: [&str; 50] = [
    "系统",
    "系統",
    "系统消息",
    "系統訊息",
    "系统管理员",
    "系統管理員",
    "管理员",
    "管理員",
    "全局聊天室",
    "全域聊天室",
    "已注销",
    "已註銷",
    "所有人",
    "全体成员",
    "全體成員",
    "chinwag",
    "system",
    "server",
    "global",
    "lobby",
    "deleted",
    "admin",
    "administrator",
    "root",
    "everyone",
    "all",
    "here",
    "channel",
    "sistema",
    "système",
    "systeem",
    "systém",
    "sistem",
    "rendszer",
    "järjestelmä",
    "hệ thống",
    "σύστημα",
    "система",
    "сістэма",
    "համակարգ",
    "სისტემა",
    "מערכת",
    "النظام",
    "نظام",
    "سیستم",
    "सिस्टम",
    "প্রণালী",
    "ระบบ",
    "システム",
    "시스템",
];

static RESERVED_LOOKS: LazyLock<HashSet<String>> =
    LazyLock::new(|| RESERVED.iter().flat_map(|name| looks(name)).map(|look| bare(&look)).collect());

/// Whether a name is reserved, or looks like one that is, whatever decorates it.
pub(super) fn is_reserved(name: &str) -> bool {
    looks(name).iter().any(|look| RESERVED_LOOKS.contains(&bare(look)))
}

fn bare(look: &str) -> String {
    look.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The forms of a name that its look-alikes share: as it is, in small letters and in capitals. Two names
/// look alike when they have one in common.
pub(super) fn looks(name: &str) -> Vec<String> {
    let mut looks: Vec<String> =
        [name.to_owned(), name.to_lowercase(), name.to_uppercase()].iter().map(|name| look(name)).collect();
    looks.sort();
    looks.dedup();
    looks
}

/// The skeleton of UTS #39 in small letters. The skeleton turns `I` into `l`, which is wrong among capitals: there both
/// become `i`, so that `ALlCE` meets `ALICE`, but `Elia` does not meet `Ella`.
fn look(name: &str) -> String {
    let glyphs: Vec<char> = name.nfd().map(plain).collect();
    let mut look = String::new();
    for (at, glyph) in glyphs.iter().enumerate() {
        if !is_stroke(*glyph) {
            look.extend(prototype(*glyph).chars().flat_map(char::to_lowercase));
        } else if is_among_capitals(&glyphs, at) {
            look.push('i');
        } else {
            look.push('l');
        }
    }
    look.nfkc().collect()
}

fn prototype(c: char) -> String {
    skeleton(c.encode_utf8(&mut [0; 4])).collect()
}

/// Whether a character is drawn as one upright stroke, as `l`, `I`, `1` and `|`.
fn is_stroke(c: char) -> bool {
    prototype(c) == "l"
}

/// The nearest letter that has a case and is no stroke decides: the next one, or else the one before, unless it is a
/// capital at the beginning, behind which `II` may as well be the end of `All`.
fn is_among_capitals(glyphs: &[char], at: usize) -> bool {
    let has_case = |c: &&char| (c.is_uppercase() || c.is_lowercase()) && !is_stroke(**c);
    let mut before = glyphs[..at].iter().rev().filter(has_case);
    match glyphs[at..].iter().find(has_case) {
        Some(next) => next.is_uppercase(),
        None => before.next().is_some_and(|c| c.is_uppercase()) && before.next().is_some(),
    }
}

/// Letters in disguise that the tables of UTS #39 lack.
fn plain(c: char) -> char {
    match c {
        '丨' => 'l',
        '🅰' => 'A',
        '🅱' => 'B',
        '🅾' => 'O',
        '🅿' => 'P',
        '\u{1f1e6}'..='\u{1f1ff}' => char::from_u32(u32::from(c) - 0x1f1e6 + u32::from('A')).unwrap_or(c),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meet(one: &str, other: &str) -> bool {
        looks(one).iter().any(|look| looks(other).contains(look))
    }

    #[test]
    fn look_alikes_meet() {
        let pairs = [
            ("Alice", "AIice"),
            ("alice", "aIice"),
            ("alice", "ALlCE"),
            ("ALICE", "aIice"),
            ("Bob", "ВОВ"),
            ("mike", "rnike"),
            ("MIKE", "rnike"),
            ("user0", "userO"),
            ("Bill", "BlLL"),
            ("Bill", "Bi11"),
            ("Iris", "lRIS"),
            ("III", "lll"),
            ("All", "AII"),
            ("Ala", "A丨a"),
            ("❤️", "❤"),
            ("علی‌رضا", "علیرضا"),
            ("Alice", "Alıce"),
        ];
        for (one, other) in pairs {
            assert!(meet(one, other), "{one} {:?}, {other} {:?}", looks(one), looks(other));
        }
    }

    #[test]
    fn other_names_do_not_meet() {
        for (one, other) in [("Elia", "Ella"), ("ELIA", "Ella"), ("Mila", "Miia"), ("ALI", "All"), ("小明", "小朋")]
        {
            assert!(!meet(one, other), "{one} {:?}, {other} {:?}", looks(one), looks(other));
        }
    }

    #[test]
    fn reserved_names_are_recognised_in_disguise() {
        for name in ["系统", "系統", "Admin", "ADMlN", "adm1n", "r00t", "@All", "A11", "[系统]", "ⓐ", "S y s t e m"]
        {
            assert_eq!(is_reserved(&name.nfkc().collect::<String>()), name != "ⓐ", "{name}");
        }
        for name in ["Ali", "ALI", "Adam", "Ella", "Theresa", "系晓", "Roots"] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
