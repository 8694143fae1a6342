//! Codes for cameras (ISO/IEC 18004): drawn as one path of an SVG, on the page itself, so that no secret goes through a picture file.

use qrcode::{Color, QrCode};
use rules::Refusal;
use serde::Serialize;

/// Light modules around the code, without which cameras do not find it.
const QUIET: usize = 4;

/// What the template draws: a square of `size` modules a side, and the dark ones as a path.
#[derive(Serialize)]
pub(super) struct Qr {
    size: usize,
    path: String,
}

impl Qr {
    /// The code of a text. Fails only when the text is too long: above 2,300 bytes.
    pub(super) fn new(text: &str) -> Result<Qr, Refusal> {
        let code = QrCode::new(text).map_err(Refusal::fault)?;
        let mut path = String::new();
        for (y, row) in code.to_colors().chunks(code.width().max(1)).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|one, other| one == other) {
                if run.first() == Some(&Color::Dark) {
                    path.push_str(&module_run(x + QUIET, y + QUIET, run.len()));
                }
                x += run.len();
            }
        }
        Ok(Qr { size: code.width() + 2 * QUIET, path })
    }
}

/// Dark modules side by side, as one rectangle: no hairlines between them.
fn module_run(x: usize, y: usize, length: usize) -> String {
    format!("M{x} {y}h{length}v1h-{length}z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dark_module_is_drawn_once_and_within_the_quiet_zone() {
        let text = "otpauth://totp/Pell%20Harrow:ann@firm.example?secret=JBSWY3DPEHPK3PXP&issuer=Pell%20Harrow";
        let (qr, code) = (Qr::new(text).unwrap(), QrCode::new(text).unwrap());
        assert_eq!(qr.size, code.width() + 8);
        let mut drawn = vec![0; qr.size * qr.size];
        for run in qr.path.split('z').filter(|run| !run.is_empty()) {
            let (at, rest) = run.trim_start_matches('M').split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let (x, y, length): (usize, usize, usize) = (x.parse().unwrap(), y.parse().unwrap(), rest.split_once('v').unwrap().0.parse().unwrap());
            (x..x + length).for_each(|x| drawn[y * qr.size + x] += 1);
        }
        for y in 0..qr.size {
            for x in 0..qr.size {
                let inside = (4..qr.size - 4).contains(&x) && (4..qr.size - 4).contains(&y);
                let dark = inside && code[(x - 4, y - 4)] == Color::Dark;
                assert_eq!(drawn[y * qr.size + x], i32::from(dark), "{x} {y}");
            }
        }
        assert!(qr.path.starts_with("M4 4h7v1h-7z"), "the corner that a camera looks for");
    }

    #[test]
    fn what_is_too_long_is_refused() {
        assert!(Qr::new(&"x".repeat(4000)).is_err());
    }
}
