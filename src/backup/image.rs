//! Images of the program: once a quarter, and with every new version, each destination gets an archive with the executable and
//! the sealed keyring, so that a bare machine needs nothing from anywhere else. It is named by quarter and version. The configuration is not
//! in it, because it names the firm's hosts: the registry holds it, encrypted.

use super::{Backups, runner::Runner};
use jiff::{Timestamp, tz::TimeZone};
use keys::{digest::Sha256, nonce::hex, sign::Purpose};
use ship::{Put, ShipError, Target};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use zip::{ZipWriter, write::SimpleFileOptions};

const README: &str = "This archive holds Strongroom as it ran when it was made: the program, and the keyring, which opens with the recovery kit only. To bring a lost server back, unpack it on a new machine, check it with

    sha256sum -c SHA256SUMS

and run, with the recovery kit at hand:

    ./strongroom restore --help

SHA256SUMS.sig is the Ed25519 signature of SHA256SUMS by the key of the installation, in hexadecimal.
";

/// The name of the image of this version in this quarter.
fn name(now: i64) -> String {
    let day = Timestamp::from_millisecond(now).unwrap_or_default().to_zoned(TimeZone::UTC);
    format!("img/{:04}q{}-{}.zip", day.year(), (day.month() - 1) / 3 + 1, env!("CARGO_PKG_VERSION"))
}

impl Backups {
    /// Brings the image of this quarter to every destination that does not have it.
    pub(super) fn bring_images(&self) {
        let name = name((self.clock)().0);
        for runner in self.runners().iter().filter(|runner| !runner.has_image(&name) && !runner.state().away && runner.state().good.is_some()) {
            match self.bring_image(runner, &name) {
                Ok(()) => runner.image_is_there(&name),
                Err(error) => tracing::warn!(destination = runner.name, "the image of the program could not be brought there: {error}"),
            }
        }
    }

    fn bring_image(&self, runner: &Runner, name: &str) -> Result<(), ShipError> {
        let target = runner.place.open()?;
        if target.list(name)?.iter().any(|object| object.name == name) {
            return Ok(());
        }
        self.doing(&format!("bringing the image of the program to {}", runner.name));
        let path = self.folder.join("image.zip");
        let written = self.write_image(&path).and_then(|()| put(target.as_ref(), name, &path));
        let _ = fs::remove_file(&path);
        written
    }

    fn write_image(&self, path: &Path) -> Result<(), ShipError> {
        let parts: [(&str, PathBuf); 2] = [("strongroom", std::env::current_exe()?), ("keyring.json", self.appliance.dir().join("keyring.json"))];
        let lines = self.lines();
        let registry = lines.iter().find(|line| line.site.is_none()).ok_or(ShipError::Nothing)?;
        let (mut zip, mut sums) = (ZipWriter::new(File::create(path)?), String::new());
        for (name, from) in parts {
            let mode = if name == "strongroom" { 0o755 } else { 0o600 };
            zip.start_file(name, SimpleFileOptions::default().unix_permissions(mode)).map_err(io::Error::other)?;
            sums += &format!("{}  {name}\n", copy(&mut File::open(from)?, &mut zip)?);
        }
        let signature = hex(&registry.watch.source().signer.sign(Purpose::Image, sums.as_bytes()));
        for (name, text) in [("SHA256SUMS", sums), ("SHA256SUMS.sig", signature + "\n"), ("README.txt", README.into())] {
            zip.start_file(name, SimpleFileOptions::default().unix_permissions(0o644)).map_err(io::Error::other)?;
            zip.write_all(text.as_bytes())?;
        }
        Ok(zip.finish().map_err(io::Error::other)?.sync_all()?)
    }
}

/// Copies everything; gives the SHA-256 in hexadecimal.
fn copy(from: &mut File, to: &mut impl Write) -> io::Result<String> {
    let (mut hash, mut gulp) = (Sha256::default(), vec![0; 1 << 18]);
    loop {
        let got = from.read(&mut gulp)?;
        let read = gulp.get(..got).unwrap_or_default();
        if read.is_empty() {
            return Ok(hex(&hash.finish()));
        }
        hash.update(read);
        to.write_all(read)?;
    }
}

fn put(target: &dyn Target, name: &str, path: &Path) -> Result<(), ShipError> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    match target.put_new(name, size, &mut file)? {
        Put::Created | Put::Exists => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_by_quarter_and_version() {
        assert_eq!(name(1_764_000_000_000), format!("img/2025q4-{}.zip", env!("CARGO_PKG_VERSION")));
        assert_eq!(name(0), format!("img/1970q1-{}.zip", env!("CARGO_PKG_VERSION")));
    }
}
