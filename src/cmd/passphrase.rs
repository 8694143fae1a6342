//! A passphrase from whoever runs a command: typed without being shown, or one line of standard input.

use super::Failure;
use rules::Secret;
use rustix::{
    io::{read, retry_on_intr},
    termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr},
};
use std::io::{BufRead, IsTerminal, Read, stdin};

/// Longest line, in bytes: what a terminal takes at once.
const LONGEST: usize = 4096;
/// Ctrl-C.
const INTERRUPT: u8 = 3;

/// Asks for it.
pub(super) fn ask(prompt: &str) -> Result<Secret<String>, Failure> {
    match stdin().is_terminal() {
        true => typed(prompt),
        false => one_line(),
    }
}

/// Asks for a new one: typed twice at a terminal, or one line of standard input.
pub(super) fn ask_new() -> Result<Secret<String>, Failure> {
    let words = ask("New passphrase")?;
    if stdin().is_terminal() && ask("The same once more")?.expose() != words.expose() {
        return Err(Failure::new(2, "The two are not the same. Nothing was changed."));
    }
    Ok(words)
}

fn one_line() -> Result<Secret<String>, Failure> {
    // Room enough from the start, so that no copy is left behind by growing.
    let mut line = Vec::with_capacity(LONGEST + 1);
    let end = u64::try_from(LONGEST).unwrap_or(u64::MAX);
    let got = stdin().lock().take(end).read_until(b'\n', &mut line);
    let line = Secret::new(line);
    match got.map_err(|error| Failure::new(1, format!("Standard input: {error}.")))? {
        LONGEST => Err(Failure::new(2, "What was typed is too long.")),
        _ => meant(&line),
    }
}

fn typed(prompt: &str) -> Result<Secret<String>, Failure> {
    eprint!("{prompt}: ");
    let quiet = Quiet::begin()?;
    let mut line = vec![0_u8; LONGEST];
    let got = retry_on_intr(|| read(stdin(), line.as_mut_slice()));
    drop(quiet);
    eprintln!();
    line.truncate(*got.as_ref().unwrap_or(&0));
    let line = Secret::new(line);
    got.map_err(|error| Failure::new(1, format!("Standard input: {error}.")))?;
    match line.expose().last() {
        None | Some(&INTERRUPT) => Err(Failure::new(1, "Broken off. Nothing was changed.")),
        Some(_) => meant(&line),
    }
}

fn meant(line: &Secret<Vec<u8>>) -> Result<Secret<String>, Failure> {
    let text = std::str::from_utf8(line.expose()).map_err(|_| Failure::new(2, "What was typed is not text in UTF-8."))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    match text.is_empty() {
        true => Err(Failure::new(2, "Nothing was typed. Type it, or give it on one line of standard input.")),
        false => Ok(Secret::new(text.to_owned())),
    }
}

/// While it lives the terminal shows nothing of what is typed. Ctrl-C then ends the line instead of the process, which would leave the
/// terminal as it is.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> Result<Quiet, Failure> {
        let fail = |error| Failure::new(1, format!("The terminal cannot be kept from showing the passphrase: {error}. Give it on standard input instead."));
        let before = tcgetattr(stdin()).map_err(fail)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
        tcsetattr(stdin(), OptionalActions::Flush, &quiet).map_err(fail)?;
        Ok(Quiet(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), OptionalActions::Flush, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_in_any_way_and_blanks_count() {
        let of = |bytes: &[u8]| meant(&Secret::new(bytes.to_vec()));
        for line in [&b" four words \n"[..], b" four words \r\n", b" four words "] {
            assert_eq!(of(line).map_err(|failure| failure.text).unwrap().expose(), " four words ");
        }
        for line in [&b""[..], b"\n", b"\r\n", b"\xff\n"] {
            assert!(of(line).is_err_and(|failure| failure.code == 2), "{line:?}");
        }
    }
}
