//! A real sshd with its own configuration, host key and folder.

use crate::body::{free_port, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use strongroom_ship::sftp::{Sftp, SftpConfig, host_key, new_key};
use tempfile::TempDir;
use zeroize::Zeroizing;

const SSHD: &str = "/usr/sbin/sshd";

pub(crate) struct Sshd {
    home: TempDir,
    pub(crate) port: u16,
    child: Option<Child>,
    key: Zeroizing<String>,
}

impl Sshd {
    pub(crate) fn start() -> Sshd {
        Sshd::start_with("")
    }

    /// With another line of configuration.
    pub(crate) fn start_with(line: &str) -> Sshd {
        assert!(Path::new(SSHD).exists(), "there is no {SSHD}: run tests/servers");
        let home = tempfile::tempdir().unwrap();
        let (key, public) = new_key().unwrap();
        fs::write(home.path().join("authorized"), public).unwrap();
        fs::create_dir(home.path().join("drop")).unwrap();
        let mut sshd = Sshd { home, port: free_port(), child: None, key };
        sshd.new_host_key();
        let config = format!(
            "Port {}\nListenAddress 127.0.0.1\nHostKey {dir}/host\nPidFile none\nAuthorizedKeysFile {dir}/authorized\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nMaxStartups 100\nLogLevel QUIET\n\
             Subsystem sftp internal-sftp\n{line}\n",
            sshd.port,
            dir = sshd.home.path().display()
        );
        fs::write(sshd.home.path().join("config"), config).unwrap();
        sshd.resume();
        sshd
    }

    /// Another key of the server, which it shows from its next start.
    pub(crate) fn new_host_key(&mut self) {
        let path = self.home.path().join("host");
        fs::write(&path, new_key().unwrap().0.as_bytes()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn resume(&mut self) {
        let config = self.home.path().join("config");
        let sshd = |with: &[&str]| {
            let mut command = Command::new(SSHD);
            command.args(with).arg("-f").arg(&config).stdin(Stdio::null());
            command
        };
        // Newer servers shut out an address that came with a wrong key; older ones do not know the option.
        let patient = ["-o", "PerSourcePenalties=no"];
        let knows = sshd(&patient).arg("-t").stderr(Stdio::null()).status().unwrap().success();
        let child = sshd(if knows { &patient } else { &[] }).arg("-D").arg("-e").spawn().unwrap();
        self.child = Some(child);
        wait_for(self.port);
    }

    /// Stops the server and every connection it has where they are.
    pub(crate) fn pause(&self) {
        let Some(child) = &self.child else { return };
        // The connections have processes of their own. It must not take new ones meanwhile.
        kill_process(Pid::from_child(child), Signal::STOP).unwrap();
        for id in below(child.id()) {
            let _ = kill_process(id, Signal::STOP);
        }
    }

    /// Ends the server and every connection it has, at once.
    pub(crate) fn kill(&mut self) {
        self.pause();
        let Some(mut child) = self.child.take() else { return };
        for id in below(child.id()) {
            let _ = kill_process(id, Signal::KILL);
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Lets whoever holds this key in as well.
    #[allow(dead_code)] // the tests of the whole use it
    pub(crate) fn let_in(&self, public: &str) {
        let file = self.home.path().join("authorized");
        let known = fs::read_to_string(&file).unwrap();
        fs::write(file, format!("{known}\n{public}\n")).unwrap();
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.home.path().join("drop")
    }

    /// As it should be.
    pub(crate) fn config(&self) -> SftpConfig {
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        SftpConfig {
            user: String::from_utf8(user).unwrap().trim().into(),
            host: "127.0.0.1".into(),
            port: self.port,
            path: self.folder().display().to_string(),
            fingerprint: host_key("127.0.0.1", self.port).unwrap(),
            key: self.key.clone(),
        }
    }

    pub(crate) fn connect(&self) -> Sftp {
        Sftp::connect(&self.config()).unwrap()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The processes that a process started, and those that they did.
fn below(id: u32) -> Vec<Pid> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let id = entry.unwrap().file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
            Some((id, parent))
        })
        .collect();
    let mut found = vec![id];
    let mut seen = 0;
    while let Some(above) = found.get(seen).copied() {
        found.extend(parents.iter().filter(|(_, parent)| *parent == above).map(|(id, _)| *id));
        seen += 1;
    }
    found.split_off(1).into_iter().filter_map(|id| Pid::from_raw(id.cast_signed())).collect()
}
