//! Where a destination is: as it is kept in the registry, as it is shown, and the way there.

use rules::Secret;
use serde::{Deserialize, Serialize};
use ship::{
    Reach, ShipError,
    dir::Directory,
    s3::{S3, S3Config},
    sftp::{Sftp, SftpConfig},
};
use std::path::{Path, PathBuf};

/// A place where backups go. It may hold what lets us in, and is kept in the encrypted registry only.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub(crate) enum Place {
    /// A directory that is always there: an office drive.
    Dir {
        /// Its path.
        path: PathBuf,
    },
    /// A removable disk, wherever it is mounted.
    Disk {
        /// The label of its file system.
        label: String,
        /// The folder on it.
        folder: String,
    },
    /// A folder on an SSH server.
    Sftp {
        /// The account there.
        user: String,
        /// A name or an address.
        host: String,
        /// Mostly 22.
        port: u16,
        /// The folder.
        path: String,
        /// Fingerprint of the key that the server must show.
        host_key: String,
        /// Our private key; empty for the one of this installation.
        key: String,
    },
    /// A bucket of an S3 server.
    S3 {
        /// Where the server is.
        endpoint: String,
        /// Its region.
        region: String,
        /// The bucket.
        bucket: String,
        /// A folder in it.
        prefix: Option<String>,
        /// The public half of the credential.
        access_key: String,
        /// The secret half.
        secret_key: String,
        /// A certificate authority that is trusted beside those of this machine, in PEM.
        ca: Option<String>,
        /// The bucket stands before the host.
        virtual_host: bool,
    },
}

/// As a shell reads it as one word (POSIX, 2.2.2): what is copied from a page does nothing but what it says.
fn quoted(word: &str) -> String {
    match !word.is_empty() && word.chars().all(|sign| sign.is_ascii_alphanumeric() || "@%+=:,./_-".contains(sign)) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

impl Place {
    /// As it is kept.
    pub(crate) fn text(&self) -> Result<Secret<String>, String> {
        serde_json::to_string(self).map(Secret::new).map_err(|error| error.to_string())
    }

    /// From how it is kept.
    pub(crate) fn read(text: &str) -> Result<Place, String> {
        serde_json::from_str(text).map_err(|error| format!("the registry holds a place that this version does not know: {error}"))
    }

    /// As it is shown: nothing in it lets anybody in.
    pub(crate) fn words(&self) -> String {
        match self {
            Place::Dir { path } => path.display().to_string(),
            Place::Disk { label, folder } => format!("disk “{label}”, folder {folder}"),
            Place::Sftp { user, host, port, path, .. } => format!("sftp://{user}@{host}:{port}/{path}"),
            Place::S3 { endpoint, bucket, prefix, .. } => format!("{endpoint}, bucket {bucket}{}", prefix.as_ref().map(|prefix| format!(", folder {prefix}")).unwrap_or_default()),
        }
    }

    /// Whether the same objects lie at both.
    pub(crate) fn is_that_of(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::Dir { path }, Place::Dir { path: other }) => path == other || path.canonicalize().ok().is_some_and(|path| other.canonicalize().ok() == Some(path)),
            _ => self.words() == other.words(),
        }
    }

    /// As it is typed behind `restore` on a bare machine. What lets us in is not in it.
    pub(crate) fn flags(&self) -> String {
        match self {
            Place::Dir { path } => format!("--dir {}", quoted(&path.display().to_string())),
            Place::Disk { label, folder } => format!("--disk {} --folder {}", quoted(label), quoted(folder)),
            Place::Sftp { user, host, port, path, host_key, .. } => format!("--sftp {} --host-key {} --identity FILE", quoted(&format!("{user}@{host}:{port}/{path}")), quoted(host_key)),
            Place::S3 { endpoint, bucket, access_key, prefix, region, .. } => {
                let folder = prefix.as_ref().map(|prefix| format!(" --prefix {}", quoted(prefix))).unwrap_or_default();
                format!("--s3 {} --bucket {} --region {} --access-key {}{folder}", quoted(endpoint), quoted(bucket), quoted(region), quoted(access_key))
            }
        }
    }

    /// Refuses what cannot be shown in one line, nor typed again from paper.
    pub(crate) fn in_one_line(self) -> Result<Place, String> {
        match self.flags().chars().any(char::is_control) {
            true => Err("The place has a line end or another control character in it. Give it as one line.".into()),
            false => Ok(self),
        }
    }

    /// The same with the key of this installation, where one is wanted and none was given.
    pub(crate) fn with_key(self, own: impl FnOnce() -> Result<String, String>) -> Result<Place, String> {
        Ok(match self {
            Place::Sftp { user, host, port, path, host_key, key } if key.is_empty() => Place::Sftp { user, host, port, path, host_key, key: own()? },
            other => other,
        })
    }

    /// Whether it is a disk that is not here now: carried away, which is no fault.
    pub(crate) fn is_away(&self) -> bool {
        matches!(self, Place::Disk { label, .. } if matches!(mounted(label), Err(ShipError::Missing(_))))
    }

    /// Goes there.
    pub(crate) fn open(&self) -> Result<Box<dyn Reach>, ShipError> {
        Ok(match self {
            Place::Dir { path } => Box::new(Directory::open(path)?),
            Place::Disk { label, folder } => Box::new(Directory::open(&mounted(label)?.join(folder))?),
            Place::Sftp { user, host, port, path, host_key, key } => {
                let (user, host, path, fingerprint) = (user.clone(), host.clone(), path.clone(), host_key.clone());
                Box::new(Sftp::connect(&SftpConfig { user, host, port: *port, path, fingerprint, key: key.clone().into() })?)
            }
            Place::S3 { endpoint, region, bucket, prefix, access_key, secret_key, ca, virtual_host } => Box::new(S3::connect(&S3Config {
                endpoint: endpoint.clone(),
                region: region.clone(),
                bucket: bucket.clone(),
                prefix: prefix.clone(),
                access_key: access_key.clone(),
                secret_key: secret_key.clone().into(),
                ca_pem: ca.clone(),
                virtual_host: *virtual_host,
            })?),
        })
    }
}

/// Where the file system with this label is mounted.
fn mounted(label: &str) -> Result<PathBuf, ShipError> {
    let away = || ShipError::Missing(format!("the disk “{label}”"));
    let device = std::fs::canonicalize(Path::new("/dev/disk/by-label").join(escaped(label))).map_err(|_| away())?;
    let mounts = std::fs::read_to_string("/proc/self/mounts")?;
    mount_of(&mounts, &device).ok_or_else(away)
}

/// A label as it stands in the name of a link: all but plain characters by their code (udev).
fn escaped(label: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"#+-.:=@_".contains(&byte) || !byte.is_ascii();
    let mut out = Vec::new();
    for byte in label.bytes() {
        match plain(byte) {
            true => out.push(byte),
            false => out.extend(format!("\\x{byte:02x}").into_bytes()),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The mount point of a device in the words of `/proc/self/mounts`, where blanks are written in octal.
fn mount_of(mounts: &str, device: &Path) -> Option<PathBuf> {
    let line = mounts.lines().find(|line| line.split(' ').next().is_some_and(|source| Path::new(source) == device))?;
    let point = line.split(' ').nth(1)?;
    Some(point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_is_copied_is_what_it_says() {
        let dir = |path: &str| Place::Dir { path: path.into() };
        assert_eq!(dir("/mnt/office").flags(), "--dir /mnt/office");
        assert_eq!(dir("/mnt/my office").flags(), "--dir '/mnt/my office'");
        assert_eq!(dir("/a; rm -rf ~ $(id) `id`").flags(), "--dir '/a; rm -rf ~ $(id) `id`'");
        assert_eq!(dir("/it's").flags(), r"--dir '/it'\''s'");
        assert!(dir("/a\nb").in_one_line().is_err() && dir("/a\u{1b}]0;x").in_one_line().is_err() && dir("/a b").in_one_line().is_ok());
        for hostile in ["/a b", "/it's", "/$HOME", "/`id`", "/a;b|c&d", "/\\", "/*?[x]", "/\"q\""] {
            let said = std::process::Command::new("sh").args(["-c", &format!("printf %s {}", quoted(hostile))]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), hostile);
        }
    }

    #[test]
    fn a_place_comes_back_and_its_form_never_changes() {
        let place = Place::Disk { label: "Friday".into(), folder: "strongroom".into() };
        let text = place.text().unwrap();
        assert_eq!(text.expose(), r#"{"kind":"disk","label":"Friday","folder":"strongroom"}"#);
        assert_eq!(Place::read(text.expose()).unwrap().words(), "disk “Friday”, folder strongroom");
        assert!(matches!(Place::read(r#"{"kind":"dir","path":"/x"}"#), Ok(Place::Dir { .. })));
        assert!(Place::read(r#"{"kind":"tape"}"#).is_err());
    }

    #[test]
    fn a_disk_is_found_where_it_is_mounted() {
        assert_eq!(escaped("My Disk/1"), "My\\x20Disk\\x2f1");
        let mounts = "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /media/it/My\\040Disk exfat rw 0 0\n";
        assert_eq!(mount_of(mounts, Path::new("/dev/sdb1")), Some("/media/it/My Disk".into()));
        assert_eq!(mount_of(mounts, Path::new("/dev/sdc1")), None);
        assert!(matches!(Place::Disk { label: "no such disk".into(), folder: "x".into() }.open(), Err(ShipError::Missing(_))));
    }
}
