//! Puts several changes together into one that leads to the same state: of each page only its last image. Needs no key of the database.

use crate::{
    ShipError,
    base::after,
    follow::{count, size_of_files},
    head::{Chain, Head, Hex, Signed},
    name::Named,
    payload::{FileRecord, PAGE, Payload, page_head},
    spool::Spool,
    wal::Frame,
};
use keys::{digest::Sha256, sign::Signer};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufReader, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
};

/// Where the last image of a page stands: in which change, and at which byte of it.
type Places = BTreeMap<u32, (usize, u64)>;

/// An hour and a day, in milliseconds.
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Which changes of a log are to be put together at this time (milliseconds since 1970): those of each hour that is over, and all of each
/// day that is over. Pure.
pub fn due(log: &[Named], now: i64) -> Vec<Vec<Named>> {
    let Some(newest) = log.last().map(|named| (named.fence, named.generation)) else { return Vec::new() };
    let log: Vec<&Named> = log.iter().filter(|named| (named.fence, named.generation) == newest).collect();
    let single = |named: &&&Named| named.first == named.last;
    let mut due = together(log.iter().filter(single).copied(), HOUR, now);
    due.extend(together(log.iter().copied(), DAY, now));
    let covered = |group: &[Named]| match group {
        [first, .., last] => log.iter().any(|named| named.first <= first.first && named.last >= last.last),
        _ => true,
    };
    due.retain(|group| !covered(group));
    due
}

/// Of each span of time that is over: what follows one another in it, by the longest steps.
fn together<'n>(log: impl Iterator<Item = &'n Named>, unit: i64, now: i64) -> Vec<Vec<Named>> {
    let mut steps: Vec<&Named> = log.filter(|named| named.made.div_euclid(unit) < now.div_euclid(unit)).collect();
    steps.sort_by_key(|named| (named.first, std::cmp::Reverse(named.last)));
    let mut groups: Vec<Vec<Named>> = Vec::new();
    for named in steps {
        let (last, span) = match groups.last().and_then(|group| group.last()) {
            Some(last) => (last.last, last.made.div_euclid(unit)),
            None => (0, i64::MIN),
        };
        match (named.first == last + 1 && named.made.div_euclid(unit) == span, groups.last_mut()) {
            // Within what a longer step has taken already.
            _ if named.first <= last => {}
            (true, Some(group)) => group.push(named.clone()),
            _ => groups.push(vec![named.clone()]),
        }
    }
    groups
}

/// Writes the one change that stands for all of these into `out`. They follow one another, and are at least two.
pub fn compact(spool: &Spool, out: &Spool, of: &Chain, signer: &Signer, names: &[Named]) -> Result<Signed, ShipError> {
    let (mut places, mut files, mut heads, mut changes): (Places, BTreeSet<FileRecord>, Vec<Signed>, Vec<File>) = Default::default();
    for named in names {
        let signed = spool.head(&named.text, of, &signer.public())?;
        if heads.last().is_some_and(|last| signed.head.before != after(last) || signed.head.first != last.head.last + 1) {
            return Err(ShipError::not_genuine(&named.text, "it does not follow the change before it"));
        }
        let change = spool.read(&named.text)?;
        read(&signed, &change, changes.len(), &mut places, &mut files)?;
        changes.push(change);
        heads.push(signed);
    }
    let (Some(first), Some(last)) = (heads.first(), heads.last().filter(|_| heads.len() > 1)) else { return Err(ShipError::Nothing) };
    places.retain(|page, _| *page <= last.head.pages);
    let mut hash = Sha256::default();
    let size = u64::from(last.head.page_size);
    write(&places, &changes, &last.head, &mut hash)?;
    files.iter().for_each(|file| hash.update(&file.bytes()));
    let head = Head {
        first: first.head.first,
        before: first.head.before,
        link: Some(after(last)),
        ring: 0,
        files: count(files.len())?,
        items: count(places.len())?,
        size: places.len() as u64 * (PAGE as u64 + size) + size_of_files(&Vec::from_iter(files.iter().copied())),
        sha256: Hex(hash.finish()),
        ..last.head.clone()
    };
    out.put_signed(&head, signer, |out| {
        write(&places, &changes, &last.head, out)?;
        Ok(files.iter().try_for_each(|file| out.write_all(&file.bytes()))?)
    })
}

/// Notes where the pages of a change stand, and checks it whole.
fn read(signed: &Signed, mut change: &File, number: usize, places: &mut Places, files: &mut BTreeSet<FileRecord>) -> Result<(), ShipError> {
    change.seek(SeekFrom::Start(signed.payload))?;
    let mut payload = Payload::new(&signed.head, BufReader::with_capacity(1 << 18, change));
    payload.ring()?;
    let mut at = signed.payload + u64::from(signed.head.ring);
    payload.pages(|frame| {
        places.insert(frame.page, (number, at + PAGE as u64));
        at += (PAGE + frame.image.len()) as u64;
        Ok(())
    })?;
    payload.files(|file| {
        files.insert(file);
    })?;
    payload.finish()
}

/// The pages in order; with the last one the transaction ends.
fn write(places: &Places, changes: &[File], last: &Head, out: &mut impl Write) -> Result<(), ShipError> {
    let mut image = vec![0; last.page_size as usize];
    let end = places.keys().next_back();
    for (page, (number, at)) in places {
        let change = changes.get(*number).ok_or(ShipError::Nothing)?;
        change.read_exact_at(&mut image, *at)?;
        out.write_all(&page_head(&Frame { page: *page, pages: if Some(page) == end { last.pages } else { 0 }, image: &image }))?;
        out.write_all(&image)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::Kind;

    fn named(first: u64, last: u64, minute: i64) -> Named {
        Named { kind: Kind::Log, fence: 1, generation: 1, first, last, made: minute * 60_000, text: format!("{first}-{last}") }
    }

    fn due_of(log: &[Named], minute: i64) -> Vec<(u64, u64, usize)> {
        due(log, minute * 60_000).iter().map(|group| (group[0].first, group[group.len() - 1].last, group.len())).collect()
    }

    #[test]
    fn hours_and_days_that_are_over_are_put_together_once() {
        // Two changes in the first hour, one in the second, three in the third, one on the next day.
        let mut log = vec![named(1, 1, 5), named(2, 2, 50), named(3, 3, 70), named(4, 4, 121), named(5, 5, 122), named(6, 6, 179), named(7, 7, 1450)];
        assert_eq!(due_of(&log, 59), []);
        assert_eq!(due_of(&log, 130), [(1, 2, 2)]);
        assert_eq!(due_of(&log, 1451), [(1, 2, 2), (4, 6, 3), (1, 6, 6)]);
        log.extend([named(1, 2, 50), named(4, 6, 179)]);
        log.sort_by_key(|named| (named.last, named.first));
        assert_eq!(due_of(&log, 1451), [(1, 6, 3)], "the day is put together of hours");
        log.push(named(1, 6, 179));
        log.sort_by_key(|named| (named.last, named.first));
        assert_eq!(due_of(&log, 1451), []);
        log.retain(|named| named.first == named.last);
        log.remove(1);
        assert_eq!(due_of(&log, 1451), [(4, 6, 3), (3, 6, 4)], "what is missing parts them");
        assert_eq!(due(&[], 0), Vec::<Vec<Named>>::new());
    }
}
