//! A small drawing board for the demo's pictures. A dot is one byte: two bits name a ramp of colours, six the shade on it from dark
//! to light, so that softening and grain are sums of bytes and the file stays small.

use super::dice::Dice;
use super::glyphs;
use super::latin;

/// Darkest and lightest colour of each ramp.
pub(crate) type Ramps = [([u8; 3], [u8; 3]); 4];

/// The ramps by name; a dot is a ramp plus a shade from 0 to 63.
pub(crate) const PAPER: u8 = 0;
pub(crate) const DESK: u8 = 64;
pub(crate) const STAMP: u8 = 128;
pub(crate) const SKIN: u8 = 192;
const RAMP: u8 = 0b1100_0000;

/// A rectangle in dots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) wide: usize,
    pub(crate) high: usize,
}

impl Area {
    /// The rectangle that leaves `by` dots on each side.
    pub(crate) fn inset(self, by: usize) -> Area {
        let less = |side: usize| side.saturating_sub(2 * by);
        Area { x: self.x + by, y: self.y + by, wide: less(self.wide), high: less(self.high) }
    }
}

/// A picture being drawn. What falls outside is left out.
pub(crate) struct Canvas {
    wide: usize,
    high: usize,
    dots: Vec<u8>,
}

impl Canvas {
    pub(crate) fn new(wide: usize, high: usize, dot: u8) -> Canvas {
        Canvas { wide, high, dots: vec![dot; wide * high] }
    }

    pub(crate) fn whole(&self) -> Area {
        Area { x: 0, y: 0, wide: self.wide, high: self.high }
    }

    fn rows(&mut self, area: Area) -> impl Iterator<Item = &mut [u8]> {
        let end = (area.x + area.wide).min(self.wide);
        let start = area.x.min(end);
        self.dots.chunks_exact_mut(self.wide.max(1)).skip(area.y).take(area.high).filter_map(move |row| row.get_mut(start..end))
    }

    pub(crate) fn fill(&mut self, area: Area, dot: u8) {
        self.rows(area).for_each(|row| row.fill(dot));
    }

    /// Sets each dot of an area to what `dot` gives for its place in the area; `None` leaves it.
    pub(crate) fn paint(&mut self, area: Area, dot: impl Fn(i32, i32) -> Option<u8>) {
        for (row, y) in self.rows(area).zip(0..) {
            for (place, x) in row.iter_mut().zip(0..) {
                *place = dot(x, y).unwrap_or(*place);
            }
        }
    }

    /// A frame of lines `thick` dots wide.
    pub(crate) fn frame(&mut self, area: Area, thick: usize, dot: u8) {
        let Area { x, y, wide, high } = area;
        self.fill(Area { high: thick, ..area }, dot);
        self.fill(Area { y: (y + high).saturating_sub(thick), high: thick, ..area }, dot);
        self.fill(Area { wide: thick, ..area }, dot);
        self.fill(Area { x: (x + wide).saturating_sub(thick), wide: thick, ..area }, dot);
    }

    /// Writes text with letters of 5 by 7 squares of `scale` dots; returns where the next letter would stand.
    pub(crate) fn write(&mut self, x: usize, y: usize, scale: usize, dot: u8, text: &str) -> usize {
        let mut x = x;
        for letter in latin::win_ansi(text).into_iter().filter_map(latin::plain) {
            for (column, bits) in glyphs::columns(letter).into_iter().enumerate() {
                for row in (0..7).filter(|row| bits >> row & 1 == 1) {
                    self.fill(Area { x: x + column * scale, y: y + row * scale, wide: scale, high: scale }, dot);
                }
            }
            x += 6 * scale;
        }
        x
    }

    /// A wavy line over the width of an area, around its middle and as high as it.
    pub(crate) fn wave(&mut self, area: Area, turns: i32, start: i32, dot: u8) {
        let reach = area.high as i32 / 2;
        let height = |step: i32| area.y as i32 + reach + swell(step * turns + start) * reach / 64;
        for (step, x) in (0..area.wide as i32).zip(area.x..) {
            let (from, to) = (height(step), height(step + 1));
            let y = usize::try_from(from.min(to)).unwrap_or(0);
            let high = usize::try_from((to - from).abs()).unwrap_or(0).max(1) + 1;
            self.fill(Area { x, y, wide: 1, high }, dot);
        }
    }

    /// Shifts the rows to the right, one dot more every `every` rows, as on a sheet that lies askew.
    pub(crate) fn lean(&mut self, every: usize) {
        for (at, row) in self.dots.chunks_exact_mut(self.wide.max(1)).enumerate() {
            row.rotate_right((at / every.max(1)).min(row.len()));
        }
    }

    /// Blurs a little, within each ramp, as a lens does.
    pub(crate) fn soften(&mut self) {
        let wide = self.wide.max(1);
        let mut above: Vec<u8> = self.dots.iter().take(wide).copied().collect();
        for row in self.dots.chunks_exact_mut(wide) {
            let sharp = row.to_vec();
            let sides = sharp.iter().zip(sharp.iter().skip(2)).zip(above.iter().skip(1));
            for (dot, ((left, right), up)) in row.iter_mut().skip(1).zip(sides) {
                if ((left ^ *dot) | (right ^ *dot) | (up ^ *dot)) & RAMP == 0 {
                    let sum = u16::from(*left) + u16::from(*right) + 4 * u16::from(*dot) + 2 * u16::from(*up);
                    *dot = u8::try_from((sum + 4) / 8).unwrap_or(*dot);
                }
            }
            above = sharp;
        }
    }

    /// Adds the grain of a small sensor: an eighth of the dots a shade up or down.
    pub(crate) fn grain(&mut self, dice: &mut Dice) {
        for dots in self.dots.chunks_mut(16) {
            let mut bits = dice.bits();
            for dot in dots {
                let shade = *dot & !RAMP;
                let grained = match bits & 15 {
                    0 => shade.saturating_sub(1),
                    1 => (shade + 1).min(63),
                    _ => shade,
                };
                *dot = (*dot & RAMP) | grained;
                bits >>= 4;
            }
        }
    }

    /// The picture as a PNG file with a palette.
    pub(crate) fn png(&self, ramps: &Ramps) -> Result<Vec<u8>, png::EncodingError> {
        let mut file = Vec::new();
        let side = |length: usize| u32::try_from(length).unwrap_or(0);
        let mut encoder = png::Encoder::new(&mut file, side(self.wide), side(self.high));
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(palette(ramps));
        encoder.set_compression(png::Compression::Fast);
        encoder.set_filter(png::Filter::Sub);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.dots)?;
        writer.finish()?;
        Ok(file)
    }
}

/// 256 colours: 64 steps between the ends of each ramp.
fn palette(ramps: &Ramps) -> Vec<u8> {
    let step = |dark: u8, light: u8, at: u16| {
        u8::try_from((u16::from(dark) * (63 - at) + u16::from(light) * at) / 63).unwrap_or(u8::MAX)
    };
    let mut colours = Vec::with_capacity(768);
    for (dark, light) in ramps {
        for at in 0..64 {
            colours.extend(dark.iter().zip(light).map(|(dark, light)| step(*dark, *light, at)));
        }
    }
    colours
}

/// A smooth wave from -64 to 64 with a period of 256, in whole numbers so that it is the same on every machine.
fn swell(at: i32) -> i32 {
    let turn = at.rem_euclid(256);
    let half = turn % 128;
    let height = half * (128 - half) / 64;
    if turn < 128 { height } else { -height }
}

/// A dot of the ramp `ramp` with a shade, kept within the ramp.
pub(crate) fn dot(ramp: u8, shade: i32) -> u8 {
    ramp | u8::try_from(shade.clamp(0, 63)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_outside_is_left_out() {
        let mut canvas = Canvas::new(20, 10, PAPER);
        canvas.fill(Area { x: 15, y: 8, wide: 100, high: 100 }, 9);
        canvas.fill(Area { x: 50, y: 50, wide: 5, high: 5 }, 9);
        canvas.write(18, 8, 3, 5, "Ñandú");
        canvas.wave(Area { x: 0, y: 0, wide: 90, high: 90 }, 3, 0, 1);
        assert_eq!(canvas.dots.len(), 200);
    }

    #[test]
    fn grain_and_softening_stay_on_the_ramp() {
        let mut canvas = Canvas::new(64, 64, STAMP);
        canvas.fill(Area { x: 0, y: 0, wide: 32, high: 64 }, dot(SKIN, 99));
        canvas.grain(&mut Dice::new(1, 1));
        canvas.soften();
        let ramps: std::collections::BTreeSet<u8> = canvas.dots.iter().map(|dot| dot & RAMP).collect();
        assert_eq!(ramps.into_iter().collect::<Vec<_>>(), [STAMP, SKIN]);
    }

    #[test]
    fn waves_swing_evenly() {
        assert_eq!((swell(0), swell(64), swell(128), swell(192), swell(-64)), (0, 64, 0, -64, -64));
    }
}
