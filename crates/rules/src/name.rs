//! Names of people and organisations, as a check for conflicts compares them: without accents, in Latin letters, by their sound, and by how
//! many of their letters they share. Pure: the store keeps what [`parts`] gives, and asks [`likeness`] about what it finds by them.

use rphonetic::{DoubleMetaphone, Encoder};

/// Least [`likeness`] at which two names may be one: found on pairs of spellings of one name and of different names (test below).
pub const ALIKE: f64 = 0.88;

/// Words of a name that say what it is and not which: they are left out of comparing.
const COMMON: [&str; 22] = [
    "the", "and", "of", "mr", "mrs", "ms", "miss", "dr", "sir", "ltd", "limited", "llp", "plc", "inc", "gmbh", "sarl", "co", "company", "group", "holdings", "services", "uk",
];

/// One word of a name, ready to be looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Part {
    /// In small Latin letters without accents: `garcia`, `olena`.
    pub fold: String,
    /// By its sound (Double Metaphone, L. Philips 2000): `KRS`. Empty for numbers and for words of one letter.
    pub sound: String,
}

/// A name in small Latin letters without accents, one space between words. Other scripts are written as they are read, as far as that is known.
pub fn fold(name: &str) -> String {
    let latin = deunicode::deunicode(name).to_lowercase();
    let kept: String = latin.chars().filter(|c| *c != '\'').map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of a name that tell it from others. A name of common words alone keeps them.
pub fn parts(name: &str) -> Vec<Part> {
    let folded = fold(name);
    let all: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let telling: Vec<&str> = all.iter().copied().filter(|word| !COMMON.contains(word)).collect();
    let mut words = if telling.is_empty() { all } else { telling };
    words.sort_unstable();
    words.dedup();
    words.into_iter().map(|word| Part { fold: word.to_owned(), sound: sound(word) }).collect()
}

fn sound(word: &str) -> String {
    match word.len() > 1 && word.bytes().all(|b| b.is_ascii_alphabetic()) {
        true => DoubleMetaphone::default().encode(word),
        false => String::new(),
    }
}

/// How alike two names are, from 0 to 1: each word of the shorter one beside its best match in the other, whatever their order
/// (Jaro-Winkler, W. Winkler 1990). Words of equal sound count as 0.95 at least.
pub fn likeness(a: &str, b: &str) -> f64 {
    let (a, b) = (parts(a), parts(b));
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.is_empty() {
        return 0.0;
    }
    let best = |part: &Part| long.iter().map(|other| pair(part, other)).fold(0.0, f64::max);
    short.iter().map(best).sum::<f64>() / short.len() as f64
}

fn pair(a: &Part, b: &Part) -> f64 {
    let letters = strsim::jaro_winkler(&a.fold, &b.fold);
    match !a.sound.is_empty() && a.sound == b.sound {
        true => letters.max(0.95),
        false => letters,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_alike() {
        for (a, b) in [
            ("Folake Adeyemi", "Adeyemi, Folake"),
            ("Folake Adeyemi", "ADEYEMI"),
            ("Olena Kovalenko", "Олена Коваленко"),
            ("José García", "Jose Garcia"),
            ("Catherine Philips", "Kathryn Phillips"),
            ("Nguyễn Thị Hương", "Nguyen Thi Huong"),
            ("O’Brien", "OBrien"),
            ("Mohammed Al-Hassan", "Muhammad al Hassan"),
            ("Northgate Care Ltd", "The Northgate Care Company Limited"),
            ("Zoë Müller", "Zoe Muller"),
            ("Siobhan Byrne", "Siobhán Byrne"),
            ("Adeyemi", "Adegemi"),
        ] {
            assert!(likeness(a, b) >= ALIKE, "{a} and {b}: {}", likeness(a, b));
        }
    }

    #[test]
    fn different_names_are_not() {
        for (a, b) in [
            ("James Smith", "James Brown"),
            ("Folake Adeyemi", "Folake Okoye"),
            ("Northgate Care Ltd", "Southgate Foods Ltd"),
            ("Pell & Harrow", "Harper"),
            ("Chen Wei", "Li Na"),
            ("", "Smith"),
        ] {
            assert!(likeness(a, b) < ALIKE, "{a} and {b}: {}", likeness(a, b));
        }
    }

    #[test]
    fn parts_leave_out_what_tells_nothing() {
        let folds: Vec<String> = parts("The Northgate Care Group Ltd").into_iter().map(|part| part.fold).collect();
        assert_eq!(folds, ["care", "northgate"]);
        assert_eq!(parts("The Company").len(), 2, "a name of such words alone keeps them");
        assert!(parts("№ 7").iter().all(|part| !part.fold.is_empty()));
        assert!(parts("\u{202e}").is_empty());
    }
}
