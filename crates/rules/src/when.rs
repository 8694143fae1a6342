//! Moments in time. Nothing here asks a clock: time comes in as a parameter.

use jiff::{Timestamp, tz::TimeZone};

/// A moment, in milliseconds since 1970-01-01 UTC, as the database keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

/// Milliseconds in a minute.
pub const MINUTE: i64 = 60_000;
/// Milliseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Milliseconds in a day.
pub const DAY: i64 = 24 * HOUR;

impl Moment {
    /// The moment `ms` milliseconds later (earlier when negative).
    pub fn plus(self, ms: i64) -> Moment {
        Moment(self.0.saturating_add(ms))
    }

    /// Whole seconds since 1970, never negative.
    pub fn seconds(self) -> u64 {
        u64::try_from(self.0 / 1000).unwrap_or(0)
    }

    fn zoned(self, zone: &TimeZone) -> jiff::Zoned {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone())
    }

    /// `2026-11-24T14:07:31Z`, for machines.
    pub fn iso(self) -> String {
        self.zoned(&TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// `2026-11-24T14:07:31.005+00:00`, in the time there: ISO 8601 with its offset from UTC, so that it is one moment for everybody.
    pub fn iso_in(self, zone: &TimeZone) -> String {
        self.zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
    }

    /// The last millisecond of what somebody typed, as `2026-11-24T09:30:00Z` or with another offset from UTC; `None` when it is no time. Without a
    /// fraction it is the whole second: [`iso`](Moment::iso) shows seconds, and who copies one means what had happened in it.
    pub fn typed(text: &str) -> Option<Moment> {
        let text = text.trim();
        let rest = if text.contains(['.', ',']) { 0 } else { 999 };
        text.parse::<jiff::Timestamp>().ok().map(|at| Moment(at.as_millisecond() + rest))
    }

    /// `24 Nov 2026`.
    pub fn day(self, zone: &TimeZone) -> String {
        self.zoned(zone).strftime("%-d %b %Y").to_string()
    }

    /// `Tue 24 Nov 2026`.
    pub fn full_day(self, zone: &TimeZone) -> String {
        self.zoned(zone).strftime("%a %-d %b %Y").to_string()
    }

    /// `Tuesday 24 November`.
    pub fn day_words(self, zone: &TimeZone) -> String {
        self.zoned(zone).strftime("%A %-d %B").to_string()
    }

    /// The day there.
    pub fn date(self, zone: &TimeZone) -> jiff::civil::Date {
        self.zoned(zone).date()
    }

    /// The hour of the day there, 0 to 23.
    pub fn hour_of_day(self, zone: &TimeZone) -> i8 {
        self.zoned(zone).hour()
    }

    /// `14:07`.
    pub fn hour(self, zone: &TimeZone) -> String {
        self.zoned(zone).strftime("%H:%M").to_string()
    }

    /// `14:07:31`.
    pub fn clock(self, zone: &TimeZone) -> String {
        self.zoned(zone).strftime("%H:%M:%S").to_string()
    }

    /// The year in which the moment falls.
    pub fn year(self, zone: &TimeZone) -> i64 {
        i64::from(self.zoned(zone).year())
    }

    /// As short as it can be said at `now`: `Today 14:07`, `Yesterday 14:07`, `Mon 23 Nov`, `3 Nov 2025`.
    pub fn short(self, now: Moment, zone: &TimeZone) -> String {
        let (then, today) = (self.zoned(zone), now.zoned(zone));
        let days = today.date().since(then.date()).map_or(i32::MAX, |span| span.get_days());
        match days {
            0 => then.strftime("Today %H:%M").to_string(),
            1 => then.strftime("Yesterday %H:%M").to_string(),
            2..=6 => then.strftime("%a %-d %b %H:%M").to_string(),
            _ if then.year() == today.year() => then.strftime("%-d %b").to_string(),
            _ => then.strftime("%-d %b %Y").to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_that_was_shown_and_is_typed_again_includes_its_whole_second() {
        let shown = Moment(1_795_456_543_950);
        assert_eq!(Moment::typed(&shown.iso()), Some(Moment(1_795_456_543_999)));
        assert_eq!(Moment::typed("2026-11-23T18:35:43.950+01:00"), Some(Moment(1_795_455_343_950)));
        assert_eq!(["yesterday", "2026-11-24", "2026-11-31T10:00:00Z"].map(Moment::typed), [None; 3]);
    }

    #[test]
    fn says_it_short_in_the_zone_of_the_firm() {
        let london = TimeZone::get("Europe/London").unwrap();
        let at = |s: &str| Moment(s.parse::<Timestamp>().unwrap().as_millisecond());
        let now = at("2026-06-24T23:30:00Z"); // 00:30 on the 25th in London
        let rows = [
            ("2026-06-24T23:10:00Z", "Today 00:10"),
            ("2026-06-24T12:00:00Z", "Yesterday 13:00"),
            ("2026-06-20T12:00:00Z", "Sat 20 Jun 13:00"),
            ("2026-01-20T12:00:00Z", "20 Jan"),
            ("2025-12-31T12:00:00Z", "31 Dec 2025"),
        ];
        for (then, words) in rows {
            assert_eq!(at(then).short(now, &london), words);
        }
        assert_eq!(now.iso(), "2026-06-24T23:30:00Z");
        assert_eq!((now.iso_in(&london).as_str(), now.plus(-7).iso_in(&TimeZone::UTC).as_str()), ("2026-06-25T00:30:00.000+01:00", "2026-06-24T23:29:59.993+00:00"));
        assert_eq!(now.day_words(&london), "Thursday 25 June");
        assert_eq!(format!("{}, {}", now.full_day(&london), now.hour(&london)), "Thu 25 Jun 2026, 00:30");
    }
}
