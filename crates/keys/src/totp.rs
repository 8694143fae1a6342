//! Time-based one-time codes (RFC 6238): SHA-1, six digits, 30 seconds, the current step and the one before.
//!
//! This says which step a code belongs to; that a step is used once is the store's work, by one atomic update.

use crate::{KeyError, nonce};
use rules::Secret;
use totp_rs::{Algorithm, Builder, Totp};

/// Seconds in a step.
pub const STEP: u64 = 30;

/// A new 160-bit secret (RFC 4226, 4).
pub fn new_secret() -> Result<Secret<[u8; 20]>, KeyError> {
    Ok(Secret::new(nonce::random()?))
}

/// The step for which `code` is right at `seconds` since 1970, if it is the current one or the one before.
pub fn step_of(secret: &[u8; 20], code: &str, seconds: u64) -> Option<i64> {
    let now = seconds / STEP;
    let is_right = |step: &u64| aws_lc_rs::constant_time::verify_slices_are_equal(code_at(secret, step * STEP).as_bytes(), code.as_bytes()).is_ok();
    let right = [now, now.saturating_sub(1)].into_iter().find(is_right);
    right.and_then(|step| i64::try_from(step).ok())
}

/// The code at `seconds` since 1970, as an authenticator app shows it.
pub fn code_at(secret: &[u8; 20], seconds: u64) -> String {
    totp(secret).generate(seconds).to_string()
}

fn totp(secret: &[u8; 20]) -> Totp {
    Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_step_duration(STEP).with_secret(*secret).build_noncompliant()
}

/// The secret in the base32 form that authenticator apps take (RFC 4648, no padding).
pub fn base32(secret: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Vec<u8> = secret.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    bits.chunks(5)
        .filter_map(|five| {
            let value = five.iter().chain([0; 4].iter()).take(5).fold(0usize, |value, bit| value << 1 | usize::from(*bit));
            LETTERS.get(value).map(|letter| char::from(*letter))
        })
        .collect()
}


#[cfg(test)]
mod tests {
    use super::*;

    const RFC: &[u8; 20] = b"12345678901234567890";

    #[test]
    fn rfc_6238_appendix_b() {
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")] {
            assert_eq!(code_at(RFC, seconds), code);
        }
    }

    #[test]
    fn the_current_and_the_previous_step_count_and_no_other() {
        let at = 1_234_567_890;
        let code = code_at(RFC, at);
        let step = i64::try_from(at / STEP).unwrap();
        assert_eq!(step_of(RFC, &code, at), Some(step));
        assert_eq!(step_of(RFC, &code, at + STEP), Some(step));
        assert_eq!(step_of(RFC, &code, at + 2 * STEP), None);
        assert_eq!(step_of(RFC, &code, at - STEP), None);
        assert_eq!(step_of(RFC, "", at), None);
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (plain, text) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(plain.as_bytes()), text);
        }
    }
}
