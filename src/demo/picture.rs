//! Pictures of paper, as clients take them: a passport page, a permit, a tenancy agreement on a desk, a stamped certificate. Every
//! identity document says SPECIMEN and is issued by Utopia, the country of ICAO's own samples.

use super::canvas::{Area, Canvas, DESK, PAPER, Ramps, SKIN, STAMP, dot};
use super::dice::Dice;
use super::latin;
use super::names::FIRM;
use super::paper::PaperKind;
use super::story::CaseStory;

const RAMPS: Ramps = [
    ([34, 30, 36], [250, 246, 236]),
    ([46, 34, 26], [176, 142, 108]),
    ([116, 28, 52], [250, 240, 236]),
    ([44, 28, 22], [244, 212, 186]),
];

/// The picture as a PNG file.
pub(crate) fn write(kind: PaperKind, story: &CaseStory, dice: &mut Dice) -> Vec<u8> {
    let canvas = match kind {
        PaperKind::Passport => passport(story, dice),
        PaperKind::Permit => permit(story, dice),
        PaperKind::CertificateScan => certificate(story, dice),
        _ => tenancy(story, dice),
    };
    // Writing to memory does not fail; were it to, the demo would show an empty file rather than stop.
    canvas.png(&RAMPS).unwrap_or_default()
}

/// A desk with the grain of wood and, on it, a sheet of paper with its shadow.
fn on_a_desk(wide: usize, high: usize, sheet: Area, dice: &mut Dice) -> Canvas {
    let mut canvas = Canvas::new(wide, high, DESK);
    let (tone, light) = (dice.between(16, 40) as i32, dice.between(0, 6) as i32);
    canvas.paint(canvas.whole(), |x, y| {
        let streak = (y + (x * 3 + y) / 97) * 37 % 11;
        Some(dot(DESK, tone + streak - x / 60 + (y / 90) - light))
    });
    canvas.fill(Area { x: sheet.x + 7, y: sheet.y + 9, ..sheet }, dot(DESK, tone / 3));
    canvas.paint(sheet, |x, y| Some(dot(PAPER, 62 - light - x / 70 - y / 110)));
    canvas
}

fn finish(mut canvas: Canvas, every: usize, dice: &mut Dice) -> Canvas {
    canvas.lean(every);
    canvas.soften();
    canvas.grain(dice);
    canvas
}

/// Family name and given names, as documents part them.
fn parted(story: &CaseStory) -> (String, String) {
    let family = story.title.split_once(':').map_or("", |(family, _)| family);
    let given = story.client.replacen(family, "", 1);
    (family.to_owned(), given.trim().to_owned())
}

fn passport(story: &CaseStory, dice: &mut Dice) -> Canvas {
    let page = Area { x: 44, y: 40, wide: 640, high: 440 };
    let mut canvas = on_a_desk(740, 530, page, dice);
    guilloche(&mut canvas, page.inset(6), dice);
    canvas.write(page.x + 180, page.y + 22, 2, dot(STAMP, 8), "PASSPORT        UTOPIA");
    portrait(&mut canvas, Area { x: page.x + 26, y: page.y + 62, wide: 150, high: 196 }, dice);
    let (family, given) = parted(story);
    let number = format!("X{:08}", dice.below(100_000_000));
    let birth = Date::between(dice, 60, 99);
    let expiry = Date::between(dice, 27, 36);
    let place = dice.word(&["Amaurot", "Eutopia City", "Port Hythloday"]);
    let fields = [
        ("Type / Code / Passport No.", format!("P   UTO   {number}")),
        ("Surname", family.to_uppercase()),
        ("Given names", given.to_uppercase()),
        ("Nationality", "UTOPIAN".to_owned()),
        ("Date of birth", birth.words()),
        ("Place of birth", place.to_owned()),
        ("Date of expiry", expiry.words()),
    ];
    let mut y = page.y + 58;
    for (label, value) in &fields {
        canvas.write(page.x + 200, y, 1, dot(STAMP, 14), label);
        canvas.write(page.x + 200, y + 11, 2, dot(PAPER, 4), value);
        y += 38;
    }
    specimen(&mut canvas, page.x + 200, page.y + 320, 5);
    let mrz = [first_line(&family, &given), second_line(&number, &birth, &expiry)];
    for (line, y) in mrz.iter().zip([page.y + 368, page.y + 398]) {
        canvas.write(page.x + 52, y, 2, dot(PAPER, 2), line);
    }
    finish(canvas, 44, dice)
}

fn permit(story: &CaseStory, dice: &mut Dice) -> Canvas {
    let front = Area { x: 50, y: 44, wide: 520, high: 328 };
    let back = Area { y: 420, ..front };
    let mut canvas = on_a_desk(640, 800, front, dice);
    canvas.fill(Area { x: back.x + 7, y: back.y + 9, ..back }, dot(DESK, 6));
    canvas.paint(back, |x, y| Some(dot(PAPER, 60 - x / 80 - y / 90)));
    guilloche(&mut canvas, front.inset(4), dice);
    let (family, given) = parted(story);
    let number = format!("ZU{:07}", dice.below(10_000_000));
    let (birth, expiry) = (Date::between(dice, 60, 99), Date::between(dice, 27, 30));
    canvas.write(front.x + 24, front.y + 18, 3, dot(STAMP, 6), "RESIDENCE PERMIT");
    canvas.write(front.x + 360, front.y + 22, 2, dot(PAPER, 6), &number);
    portrait(&mut canvas, Area { x: front.x + 24, y: front.y + 62, wide: 148, high: 190 }, dice);
    let fields = [
        ("Name", format!("{} {}", family.to_uppercase(), given.to_uppercase())),
        ("Valid until", expiry.words()),
        ("Type of permit", dice.word(&["LEAVE TO REMAIN", "STUDENT", "WORKER"]).to_owned()),
        ("Remarks", "NO PUBLIC FUNDS".to_owned()),
    ];
    for ((label, value), row) in fields.iter().zip(0..) {
        canvas.write(front.x + 192, front.y + 66 + row * 48, 1, dot(STAMP, 14), label);
        canvas.write(front.x + 192, front.y + 78 + row * 48, 2, dot(PAPER, 4), value);
    }
    specimen(&mut canvas, front.x + 110, front.y + 262, 6);
    let chip = Area { x: back.x + 40, y: back.y + 50, wide: 92, high: 72 };
    canvas.paint(chip, |x, y| Some(dot(SKIN, 46 + (x + y) / 14)));
    canvas.frame(chip, 2, dot(SKIN, 22));
    canvas.frame(chip.inset(22), 2, dot(SKIN, 22));
    canvas.write(back.x + 170, back.y + 60, 2, dot(PAPER, 10), &format!("Born {}", birth.words()));
    canvas.write(back.x + 170, back.y + 92, 2, dot(PAPER, 10), "Issued by UTOPIA");
    let lines = [
        filled(&format!("IRUTO{number}"), 30),
        filled(&format!("{}F{}UTO", birth.mrz(), expiry.mrz()), 30),
        filled(&names_line(&family, &given), 30),
    ];
    for (line, row) in lines.iter().zip(0..) {
        canvas.write(back.x + 80, back.y + 202 + row * 32, 2, dot(PAPER, 2), line);
    }
    finish(canvas, 90, dice)
}

const CLAUSES: &[&str] = &[
    "1. The landlord lets and the tenant takes",
    "   the property for a term of 12 months.",
    "2. The rent is payable in advance on the",
    "   first day of every month by transfer.",
    "3. The deposit is held by a scheme that",
    "   is approved, and details were given.",
    "4. The tenant will keep the interior in",
    "   good repair, and not sublet it.",
    "5. The landlord will keep in repair the",
    "   structure, heating and hot water.",
    "6. Either side may end the tenancy with",
    "   two months of notice in writing.",
];

fn tenancy(story: &CaseStory, dice: &mut Dice) -> Canvas {
    let sheet = Area { x: 38, y: 42, wide: 548, high: 790 };
    let mut canvas = on_a_desk(640, 880, sheet, dice);
    let ink = dot(PAPER, 8);
    canvas.write(sheet.x + 78, sheet.y + 44, 4, ink, "TENANCY AGREEMENT");
    canvas.fill(Area { x: sheet.x + 30, y: sheet.y + 92, wide: 488, high: 2 }, ink);
    let house =
        format!("{} {}", dice.between(2, 140), dice.word(&["Colliers Row", "Mill Lane", "Ferry Street", "Albion Terrace"]));
    let rows = [
        ("Property", format!("{house}, Flat {}", dice.between(1, 9))),
        ("Landlord", dice.word(&["Harbour Lettings Ltd", "Mrs E. Trevanion", "Alder Homes CIC"]).to_owned()),
        ("Tenant", story.client.clone()),
        ("Rent", format!("£{} a month", dice.between(17, 39) * 50).replace('£', "GBP ")),
    ];
    let mut y = sheet.y + 114;
    for (label, value) in &rows {
        canvas.write(sheet.x + 34, y, 2, dot(PAPER, 26), label);
        canvas.write(sheet.x + 152, y, 2, ink, value);
        y += 28;
    }
    y += 22;
    for clause in CLAUSES {
        canvas.write(sheet.x + 34, y, 2, dot(PAPER, 12), clause);
        y += 27;
    }
    for (x, name) in [(sheet.x + 34, "Landlord"), (sheet.x + 300, "Tenant")] {
        signature(&mut canvas, Area { x: x + 8, y: sheet.y + 646, wide: 150, high: 50 }, dice);
        canvas.fill(Area { x, y: sheet.y + 706, wide: 200, high: 1 }, ink);
        canvas.write(x, sheet.y + 716, 2, dot(PAPER, 26), name);
    }
    let fold = Area { y: sheet.y + 400, high: 7, ..sheet };
    canvas.paint(fold, |x, y| Some(dot(PAPER, 54 - x / 70 + (y - 3).abs())).filter(|_| y != 6));
    finish(canvas, 42, dice)
}

fn certificate(story: &CaseStory, dice: &mut Dice) -> Canvas {
    let sheet = Area { x: 14, y: 14, wide: 612, high: 812 };
    let mut canvas = on_a_desk(640, 840, sheet, dice);
    canvas.frame(sheet.inset(16), 4, dot(STAMP, 20));
    canvas.frame(sheet.inset(24), 1, dot(STAMP, 20));
    for row in 0..10 {
        let line = Area { x: sheet.x + 30, y: sheet.y + 180 + row * 48, wide: 552, high: 40 };
        canvas.wave(line, 5, row as i32 * 40, dot(STAMP, 54));
    }
    canvas.write(sheet.x + 99, sheet.y + 56, 3, dot(STAMP, 8), "CERTIFIED COPY OF ENTRY");
    canvas.write(sheet.x + 126, sheet.y + 96, 2, dot(PAPER, 10), "from the civil register, UTOPIA");
    let number = dice.between(100, 9999).to_string();
    let year = dice.between(1978, 2019);
    let registered = format!("{} {} {year}", dice.between(1, 28), dice.word(MONTHS));
    let rows = [
        ("Entry", number),
        ("Registered", registered),
        ("District", dice.word(&["Amaurot North", "Anyder", "Harbour and Islands"]).to_owned()),
        ("Name", story.client.clone()),
        ("Also named", dice.word(&["the father", "the mother", "the spouse"]).to_owned()),
        ("Informant", "as above".to_owned()),
        ("Registrar", dice.word(&["R. Hythloday", "P. Gilles", "T. Tunstall"]).to_owned()),
    ];
    for ((label, value), row) in rows.iter().zip(0..) {
        let cell = Area { x: sheet.x + 50, y: sheet.y + 150 + row * 58, wide: 512, high: 59 };
        canvas.frame(cell, 1, dot(PAPER, 30));
        canvas.write(cell.x + 10, cell.y + 8, 1, dot(STAMP, 14), label);
        canvas.write(cell.x + 150, cell.y + 26, 2, dot(PAPER, 8), value);
    }
    seal(&mut canvas, Area { x: sheet.x + 380, y: sheet.y + 588, wide: 170, high: 170 });
    signature(&mut canvas, Area { x: sheet.x + 70, y: sheet.y + 630, wide: 190, high: 60 }, dice);
    canvas.write(sheet.x + 60, sheet.y + 720, 1, dot(PAPER, 26), &format!("Copy for {FIRM}. SPECIMEN, not for use."));
    finish(canvas, 160, dice)
}

/// Fine waves behind the text of an identity document.
fn guilloche(canvas: &mut Canvas, area: Area, dice: &mut Dice) {
    let phase = dice.below(256) as i32;
    for (y, row) in (area.y..area.y + area.high.saturating_sub(44)).step_by(11).zip(0..) {
        let shade = if row % 3 == 0 { 48 } else { 56 };
        canvas.wave(Area { y, high: 40, ..area }, 2 + row % 2, phase + row * 23, dot(STAMP, shade));
    }
}

fn specimen(canvas: &mut Canvas, x: usize, y: usize, scale: usize) {
    canvas.write(x, y, scale, dot(STAMP, 40), "SPECIMEN");
}

/// A head and shoulders, nobody's.
fn portrait(canvas: &mut Canvas, area: Area, dice: &mut Dice) {
    let skin = dice.between(16, 50) as i32;
    let hair = dice.between(0, 14) as i32;
    let long = dice.chance(50);
    let (wide, high) = (area.wide as i32, area.high as i32);
    canvas.paint(area, move |x, y| {
        let within = |cx: i32, cy: i32, rx: i32, ry: i32| {
            let (dx, dy) = ((x - cx) * 256 / rx.max(1), (y - cy) * 256 / ry.max(1));
            dx * dx + dy * dy <= 65_536
        };
        let middle = wide / 2;
        let side = (x - middle).abs() / 9;
        let feature = within(middle - 15, high * 44 / 100, 5, 3)
            || within(middle + 15, high * 44 / 100, 5, 3)
            || within(middle, high * 59 / 100, 11, 2);
        let face = within(middle, high * 47 / 100, wide * 20 / 100, high * 22 / 100);
        let crown = within(middle, high * 39 / 100, wide * 24 / 100, high * 23 / 100);
        let locks = long && within(middle, high * 52 / 100, wide * 26 / 100, high * 32 / 100);
        let neck = (x - middle).abs() < wide / 11 && y > high / 2 && y < high * 80 / 100;
        Some(match () {
            _ if feature && face => dot(SKIN, skin - 16),
            _ if face && y > high * 33 / 100 => dot(SKIN, skin + 8 - side),
            _ if crown || locks && !neck => dot(SKIN, hair + (x + y) % 5),
            _ if neck => dot(SKIN, skin - 5),
            _ if within(middle, high * 106 / 100, wide * 47 / 100, high * 34 / 100) => dot(PAPER, 16 + side),
            _ => dot(PAPER, 50 - y / 24),
        })
    });
    canvas.frame(area, 1, dot(PAPER, 28));
}

/// A round rubber stamp.
fn seal(canvas: &mut Canvas, area: Area) {
    let radius = area.wide as i32 / 2;
    canvas.paint(area, |x, y| {
        let (dx, dy) = (x - radius, y - radius);
        let far = dx * dx + dy * dy;
        let ring = |outer: i32, inner: i32| far <= outer * outer && far >= inner * inner;
        let star = far < 900 && (dx.abs() * dy.abs() < 60);
        (ring(radius, radius - 5) || ring(radius - 22, radius - 24) || star).then(|| dot(STAMP, 24 + (x * 7 + y * 3) % 9))
    });
    canvas.write(area.x + 50, area.y + 112, 2, dot(STAMP, 26), "UTOPIA");
}

/// Something written by hand.
fn signature(canvas: &mut Canvas, area: Area, dice: &mut Dice) {
    for turns in [5, 8] {
        let start = dice.below(256) as i32;
        let wide = area.wide * usize::try_from(turns).unwrap_or(0) / 8;
        canvas.wave(Area { wide, ..area }, turns, start, dot(PAPER, 14));
    }
    canvas.fill(Area { y: area.y + area.high * 3 / 4, high: 2, ..area }, dot(PAPER, 16));
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// A day of a document: year with two digits, month and day.
struct Date {
    year: u32,
    month: u32,
    day: u32,
}

impl Date {
    fn between(dice: &mut Dice, first: u32, last: u32) -> Date {
        Date { year: dice.between(first, last), month: dice.between(1, 12), day: dice.between(1, 28) }
    }

    fn words(&self) -> String {
        let month = usize::try_from(self.month).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?)).unwrap_or(&"");
        let century = if self.year < 60 { 20 } else { 19 };
        format!("{:02} {month} {century}{:02}", self.day, self.year)
    }

    /// YYMMDD and its check digit.
    fn mrz(&self) -> String {
        checked(&format!("{:02}{:02}{:02}", self.year, self.month, self.day))
    }
}

/// `text` and its check digit (ICAO Doc 9303, part 3, 4.9).
fn checked(text: &str) -> String {
    let value = |letter: char| letter.to_digit(36).unwrap_or(0);
    let sum: u32 = text.chars().zip([7, 3, 1].into_iter().cycle()).map(|(letter, weight)| value(letter) * weight).sum();
    format!("{text}{}", sum % 10)
}

/// Capitals and fillers only, made as long as a line.
fn filled(text: &str, length: usize) -> String {
    let letters = latin::win_ansi(text).into_iter().filter_map(latin::plain).map(char::from).filter(|c| *c != '\'');
    let capitals = letters.map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '<' });
    capitals.chain(std::iter::repeat('<')).take(length).collect()
}

fn names_line(family: &str, given: &str) -> String {
    format!("{family}<<{given}")
}

fn first_line(family: &str, given: &str) -> String {
    filled(&format!("P<UTO{}", names_line(family, given)), 44)
}

fn second_line(number: &str, birth: &Date, expiry: &Date) -> String {
    let (number, birth, expiry, rest) = (checked(number), birth.mrz(), expiry.mrz(), checked(&"<".repeat(14)));
    let whole = checked(&format!("{number}{birth}{expiry}{rest}"));
    let last = whole.chars().last().unwrap_or('0');
    format!("{number}UTO{birth}<{expiry}{rest}{last}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::story::case;

    #[test]
    fn pictures_can_be_read_and_are_neither_tiny_nor_huge() {
        for (n, kind) in
            [PaperKind::Passport, PaperKind::Permit, PaperKind::TenancyPhoto, PaperKind::CertificateScan].into_iter().enumerate()
        {
            let file = write(kind, &case(1, n as u64, 6), &mut Dice::new(1, 1));
            assert!((30_000..200_000).contains(&file.len()), "{kind:?}: {}", file.len());
            let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
            let mut dots = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut dots).unwrap();
            assert!(info.width >= 600 && info.height >= 500);
        }
    }

    #[test]
    fn the_lines_for_machines_are_right() {
        assert_eq!(checked("L898902C3"), "L898902C36");
        assert_eq!(checked("740812"), "7408122");
        assert_eq!(first_line("O’Brien", "Siân").len(), 44);
        assert!(first_line("O’Brien", "Siân").starts_with("P<UTOOBRIEN<<SIAN<<<"));
        let day = Date { year: 84, month: 2, day: 9 };
        assert_eq!(second_line("X12345678", &day, &day).len(), 44);
        assert_eq!(day.words(), "09 FEB 1984");
    }
}
