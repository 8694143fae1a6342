//! A real S3 server over a directory.

use crate::body::{free_port, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use strongroom_ship::s3::{S3, S3Config};
use tempfile::TempDir;

pub(crate) const SECRET: &str = "the-secret-half-of-the-key";

pub(crate) struct S3s {
    root: TempDir,
    pub(crate) port: u16,
    child: Option<Child>,
}

impl S3s {
    pub(crate) fn start() -> S3s {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("drop")).unwrap();
        let mut server = S3s { root, port: free_port(), child: None };
        server.resume();
        server
    }

    pub(crate) fn resume(&mut self) {
        self.resume_with(SECRET);
    }

    /// With another secret than before.
    pub(crate) fn resume_with(&mut self, secret: &str) {
        let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let binary = above.map(|folder| folder.join("target/servers/bin/s3s-fs")).find(|binary| binary.exists()).expect("there is no target/servers/bin/s3s-fs: run tests/servers");
        let child = Command::new(binary)
            .args(["--host", "127.0.0.1", "--port", &self.port.to_string(), "--access-key", "AKEXAMPLE", "--secret-key", secret])
            .arg(self.root.path())
            .env("RUST_LOG", "off")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        wait_for(self.port);
    }

    /// Stops the server where it is.
    pub(crate) fn pause(&self) {
        if let Some(child) = &self.child {
            kill_process(Pid::from_child(child), Signal::STOP).unwrap();
        }
    }

    pub(crate) fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Where the server keeps the bucket.
    pub(crate) fn folder(&self) -> PathBuf {
        self.root.path().join("drop")
    }

    /// As it should be.
    pub(crate) fn config(&self) -> S3Config {
        S3Config {
            endpoint: format!("http://127.0.0.1:{}", self.port),
            region: "us-east-1".into(),
            bucket: "drop".into(),
            prefix: Some("site/one".into()),
            access_key: "AKEXAMPLE".into(),
            secret_key: SECRET.to_string().into(),
            ca_pem: None,
            virtual_host: false,
        }
    }

    pub(crate) fn connect(&self) -> S3 {
        S3::connect(&self.config()).unwrap()
    }
}

impl Drop for S3s {
    fn drop(&mut self) {
        self.kill();
    }
}
