//! Dates without a time of day, as people type them: birthdays, the end of a passport, a limitation.

use crate::Problem;
use jiff::civil::Date;

/// Months by their first letters, as people write them.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// What somebody typed: `2026-11-24`, `24/11/2026`, `24.11.2026` or `24 Nov 2026`. Day before month, as it is written here; empty is `None`.
pub fn typed(field: &'static str, label: &str, text: &str) -> Result<Option<Date>, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let pieces: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|piece| !piece.is_empty()).collect();
    let unreadable = || Problem::new(field, format!("{label}: “{text}” is not read as a date. Type it as 24 Nov 2026 or 24/11/2026."));
    let [first, month, last] = pieces.as_slice() else { return Err(unreadable()) };
    let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
    let month = month.parse().ok().or_else(|| named(month)).ok_or_else(unreadable)?;
    let (year, day): (i16, i8) = year.parse().ok().filter(|_| year.len() == 4).zip(day.parse().ok()).ok_or_else(unreadable)?;
    let missing = || Problem::new(field, format!("{label}: there is no {day} {} {year}. Look at the day and the month.", month_word(month)));
    if !(1..=12).contains(&month) {
        return Err(Problem::new(field, format!("{label}: there is no month {month}. Type it as 24 Nov 2026 or 24/11/2026.")));
    }
    let date = Date::new(year, month, day).map_err(|_| missing())?;
    match (1850..=2200).contains(&date.year()) {
        true => Ok(Some(date)),
        false => Err(Problem::new(field, format!("{label}: the year {year} cannot be meant. Type it with four digits."))),
    }
}

fn named(month: &str) -> Option<i8> {
    let month = month.to_lowercase();
    let place = MONTHS.iter().position(|name| month.starts_with(name))?;
    i8::try_from(place + 1).ok()
}

fn month_word(month: i8) -> String {
    let name = usize::try_from(month - 1).ok().and_then(|place| MONTHS.get(place));
    name.map_or_else(|| month.to_string(), |name| crate::text::capital(name))
}

/// `24 Nov 2026`.
pub fn words(date: Date) -> String {
    date.strftime("%-d %b %Y").to_string()
}

/// As the database keeps it, `2026-11-24`; what cannot be one, which only a change from outside can cause, is `None`.
pub fn stored(text: &str) -> Option<Date> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_people_type_them() {
        let date = Some(Date::constant(2026, 11, 24));
        for text in ["2026-11-24", "24/11/2026", "24.11.2026", " 24 Nov 2026 ", "24 november 2026", "24-11-2026"] {
            assert_eq!(typed("born", "Date", text).unwrap(), date, "{text}");
        }
        assert_eq!(typed("born", "Date", " ").unwrap(), None);
    }

    #[test]
    fn what_is_no_date_is_said() {
        for (text, words) in [
            ("31/02/2026", "there is no 31 Feb 2026"),
            ("29 Feb 2025", "there is no 29 Feb 2025"),
            ("24/13/2026", "no month 13"),
            ("tomorrow", "not read as a date"),
            ("24/11/26", "not read as a date"),
            ("0024-11-24", "cannot be meant"),
            ("24 Nov", "not read as a date"),
        ] {
            let text_of = typed("born", "Born", text).unwrap_err().text;
            assert!(text_of.contains(words), "{text}: {text_of}");
        }
    }
}
