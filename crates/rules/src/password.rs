//! Which passwords are taken. Length and guessability decide; no rule about kinds of characters, no expiry (ASVS 6.2).

use crate::Problem;

/// Fewest characters (ASVS 6.2.1 asks for 8, and recommends 15 where the password is all there is; here a factor comes on top).
pub const MIN: usize = 12;
/// Most characters (ASVS 6.2.9 asks for at least 64).
pub const MAX: usize = 256;

/// Fewest characters besides the words that are near at hand.
const REST: usize = 8;

/// Whether a new password is taken. `about` holds words that are near at hand: the firm's name, the person's name and address.
///
/// Guessability is measured by zxcvbn (Wheeler, USENIX Security 2016), which knows the 30,000 most common passwords, names, words,
/// dates, keyboard walks and the usual disguises of them; fewer than 10^8 guesses is too few (ASVS 6.2.4, 6.2.11).
pub fn check(field: &'static str, password: &str, about: &[&str]) -> Result<(), Problem> {
    let length = password.chars().count();
    if length == 0 {
        return Err(Problem::new(field, format!("Type a password of {MIN} characters or more: four words that do not belong together do well.")));
    }
    if length < MIN {
        return Err(Problem::new(field, format!("The password has {length} characters. Make it {MIN} or more: four words that do not belong together do well.")));
    }
    if length > MAX {
        return Err(Problem::new(field, format!("The password has {length} characters. Make it {MAX} or fewer.")));
    }
    let words: Vec<String> = about.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).filter(|word| word.chars().count() > 2).map(str::to_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // What is near at hand counts for nothing: the rest must be a password by itself.
    let rest = words.iter().fold(password.to_lowercase(), |rest, word| rest.replace(word, ""));
    match zxcvbn::zxcvbn(password, &words).score() {
        zxcvbn::Score::Three | zxcvbn::Score::Four if rest.chars().count() >= REST => Ok(()),
        _ => Err(Problem::new(field, "This password is easy to guess: it is common, or made of your name, the firm’s name, a date or a row of keys. Four words that do not belong together do better.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_unguessable_is_taken_and_nothing_else_is_asked() {
        for good in ["lantern orbit velvet cactus", "правильная лошадь батарейка", "kettle-umbrella-93-fjord", "x9!LqT2v&rB7zK0w"] {
            assert_eq!(check("p", good, &["Pell & Harrow", "Priya Nair"]), Ok(()), "{good}");
        }
    }

    #[test]
    fn short_long_common_and_near_at_hand_are_refused() {
        let says = |password: &str| check("p", password, &["Pell & Harrow Immigration", "Priya Nair", "priya@pellharrow.example"]).unwrap_err().text;
        assert!(says("").starts_with("Type a password of 12"));
        assert!(says("Ab1!Ab1!x").contains("9 characters"));
        assert!(says(&"ab".repeat(129)).contains("258 characters"));
        for bad in ["password1234", "qwertyuiop123", "123456789012", "pellharrow2026", "Priya.Nair.1", "aaaaaaaaaaaaaa", "p@ssw0rdp@ssw0rd"] {
            assert!(check("p", bad, &["Pell & Harrow Immigration", "Priya Nair"]).is_err_and(|problem| problem.text.contains("easy to guess")), "{bad}");
        }
    }
}
