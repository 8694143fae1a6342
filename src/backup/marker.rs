//! What says whose backups lie at a destination: `instance.json`, put there when it is added. Where it is missing, a disk is not mounted; where
//! it names another installation, nothing is written.

use serde::{Deserialize, Serialize};
use ship::{Put, Reach, ShipError, Target, head::Hex};

/// The name of the object.
const NAME: &str = "instance.json";

/// What it says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    strongroom: u32,
    instance: Hex<16>,
}

/// Whose backups lie there; `None` where there are none.
pub(crate) fn look(target: &dyn Target) -> Result<Option<Hex<16>>, ShipError> {
    let bytes = match target.get(NAME, 0, 4096) {
        Err(ShipError::Missing(_)) => return Ok(None),
        bytes => bytes?,
    };
    let marker: Marker = serde_json::from_slice(&bytes).map_err(|_| ShipError::not_genuine(NAME, "it cannot be read"))?;
    match marker.strongroom {
        1 => Ok(Some(marker.instance)),
        _ => Err(ShipError::not_genuine(NAME, "it was written by a newer Strongroom; use that version")),
    }
}

/// Makes the destination ours, or finds that it is.
pub(crate) fn claim(target: &dyn Target, instance: Hex<16>) -> Result<(), ShipError> {
    if look(target)?.is_none() {
        let text = serde_json::to_string(&Marker { strongroom: 1, instance }).map_err(std::io::Error::other)? + "\n";
        target.put_new(NAME, text.len() as u64, &mut text.as_bytes())?;
    }
    check(target, instance)
}

/// Refuses a destination that is not ours.
pub(crate) fn check(target: &dyn Target, instance: Hex<16>) -> Result<(), ShipError> {
    match look(target)? {
        Some(found) if found == instance => Ok(()),
        Some(_) => Err(ShipError::Refused("It holds the backups of another installation. Give another folder or bucket.".into())),
        None => Err(ShipError::Refused("It holds no backups where there were some: a disk that is not mounted, or a folder that was emptied. Mount the disk; if the backups are lost, remove the destination and add it again.".into())),
    }
}

/// What a destination was found to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tried {
    /// What was put there can be taken away again by us.
    pub(crate) removes: bool,
    /// For how long it keeps what is put there even if it is removed, in its own words.
    pub(crate) locks: Option<String>,
    /// Free bytes there, if it tells.
    pub(crate) free: Option<u64>,
    /// The time by its clock, seconds since 1970, if it tells.
    pub(crate) clock: Option<i64>,
}

/// Writes, reads and removes a small object.
pub(crate) fn probe(target: &dyn Reach) -> Result<Tried, ShipError> {
    let name = format!("test/{}", Hex(keys::nonce::random::<16>().map_err(std::io::Error::other)?));
    let content = keys::nonce::random::<32>().map_err(std::io::Error::other)?;
    if target.put_new(&name, 32, &mut &content[..])? != Put::Created {
        return Err(ShipError::not_genuine(&name, "it was there before it was written"));
    }
    if target.get(&name, 0, 33)? != content {
        return Err(ShipError::not_genuine(&name, "what came back is not what was written"));
    }
    let listed = target.list("test/")?.into_iter().find(|object| object.name == name);
    let listed = listed.ok_or_else(|| ShipError::not_genuine(&name, "the list leaves out what was written"))?;
    let removes = target.remove(&name).is_ok() && matches!(target.get(&name, 0, 1), Err(ShipError::Missing(_)));
    Ok(Tried { removes, locks: target.locks()?, free: target.free_space()?, clock: listed.arrived })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ship::dir::Directory;

    #[test]
    fn a_destination_is_ours_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let target = Directory::open(dir.path()).unwrap();
        let (ours, other) = (Hex([1; 16]), Hex([2; 16]));
        assert!(check(&target, ours).unwrap_err().to_string().contains("not mounted"));
        claim(&target, ours).unwrap();
        claim(&target, ours).unwrap();
        check(&target, ours).unwrap();
        assert!(claim(&target, other).unwrap_err().to_string().contains("another installation"));
        assert_eq!(look(&target).unwrap(), Some(ours));
        let tried = probe(&target).unwrap();
        assert!(tried.removes && tried.free.is_some());
        assert_eq!(target.list("").unwrap().len(), 1);
    }
}
