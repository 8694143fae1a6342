//! Settings: a flag beats `STRONGROOM_*` beats `/etc/strongroom/conf.d/*.toml` beats `/etc/strongroom/strongroom.toml` beats the default.
//! Every setting has a name, a type and a sentence; an unknown one is refused with the nearest that exists.

use clap::Args;
use figment::{
    Figment, Metadata, Profile, Source,
    providers::{Env, Format, Serialized, Toml},
    value::{Dict, Value},
};
use serde::{Deserialize, Serialize};
use std::{
    fmt::Write,
    net::IpAddr,
    path::{Path, PathBuf},
};
use store::error::OpenError;

const FOLDER: &str = "/etc/strongroom";

/// Everything that can be set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Data directory.
    pub(crate) data: PathBuf,
    /// Address to listen on.
    pub(crate) bind: IpAddr,
    /// Port for https; 0 lets the system choose.
    pub(crate) port: u16,
    /// Port for plain http, which only redirects; none by default.
    pub(crate) http_port: Option<u16>,
    /// Host names that are answered besides localhost and the machine's own.
    pub(crate) hosts: Vec<String>,
    /// File with the root key.
    pub(crate) key_file: Option<PathBuf>,
    /// Certificate chain in PEM.
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its key in PEM.
    pub(crate) tls_key: Option<PathBuf>,
    /// Largest file that is taken, in MB.
    pub(crate) upload_limit_mb: u64,
}

/// The names, for "did you mean".
const NAMES: [&str; 9] = ["data", "bind", "port", "http_port", "hosts", "key_file", "tls_cert", "tls_key", "upload_limit_mb"];

impl Default for Settings {
    fn default() -> Self {
        Settings {
            data: "/var/lib/strongroom".into(),
            bind: IpAddr::from([127, 0, 0, 1]),
            port: 8443,
            http_port: None,
            hosts: Vec::new(),
            key_file: None,
            tls_cert: None,
            tls_key: None,
            upload_limit_mb: 2000,
        }
    }
}

/// The settings as flags.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Flags {
    /// Data directory
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<IpAddr>,
    /// Port for https; 0 lets the system choose
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Port for plain http, which only redirects to https
    #[arg(long, value_name = "N")]
    http_port: Option<u16>,
    /// Another host name that is answered; can be given several times
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// File with the root key
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Certificate chain in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Key of the certificate in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Largest file that is taken, in MB
    #[arg(long, value_name = "MB")]
    upload_limit_mb: Option<u64>,
}

impl Flags {
    /// The flags that name the same installation again, as they are typed in a shell: each with a space before it.
    pub(crate) fn typed_again(&self) -> String {
        let paths = [("--data", &self.data), ("--key-file", &self.key_file)];
        let typed = |(flag, path): (&str, &Option<PathBuf>)| path.as_ref().map(|path| format!(" {flag} {}", quoted(&std::path::absolute(path).unwrap_or_else(|_| path.clone()))));
        paths.into_iter().filter_map(typed).collect()
    }
}

/// A path as a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    match text.chars().all(|c| c.is_alphanumeric() || "/._-+@%:,".contains(c)) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

impl figment::Provider for Flags {
    fn metadata(&self) -> Metadata {
        Metadata::named("a flag")
    }

    fn data(&self) -> Result<figment::value::Map<Profile, Dict>, figment::Error> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| Value::from(path.display().to_string()));
        let hosts = (!self.hosts.is_empty()).then(|| Value::from(self.hosts.iter().map(|host| Value::from(host.as_str())).collect::<Vec<_>>()));
        let given = [
            ("data", path(&self.data)),
            ("bind", self.bind.map(|bind| Value::from(bind.to_string()))),
            ("port", self.port.map(Value::from)),
            ("http_port", self.http_port.map(Value::from)),
            ("hosts", hosts),
            ("key_file", path(&self.key_file)),
            ("tls_cert", path(&self.tls_cert)),
            ("tls_key", path(&self.tls_key)),
            ("upload_limit_mb", self.upload_limit_mb.map(Value::from)),
        ];
        let dict = given.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value))).collect();
        Ok(Profile::Default.collect(dict))
    }
}

/// The files of the configuration below `folder`; a later one counts more.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut parts: Vec<PathBuf> = std::fs::read_dir(folder.join("conf.d")).map(|dir| dir.filter_map(|entry| entry.ok().map(|e| e.path())).collect()).unwrap_or_default();
    parts.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    parts.sort();
    Some(folder.join("strongroom.toml")).filter(|path| path.exists()).into_iter().chain(parts).collect()
}

/// What stands in the files of the configuration, one after the other, each under its name; `None` where there are none.
pub(crate) fn text() -> Option<String> {
    let parts: Vec<String> = files(Path::new(FOLDER)).iter().filter_map(|path| Some(format!("# {}\n{}\n", path.display(), std::fs::read_to_string(path).ok()?))).collect();
    Some(parts.concat()).filter(|text| !text.is_empty())
}

fn figment(flags: &Flags, folder: &Path) -> Figment {
    let figment = files(folder).into_iter().fold(Figment::from(Serialized::defaults(Settings::default())), |figment, path| figment.merge(Toml::file_exact(path)));
    figment.merge(Env::prefixed("STRONGROOM_").only(&NAMES)).merge(flags.clone())
}

/// A sentence for every variable of the environment that looks like a setting and is none.
pub(crate) fn unknown_variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter_map(|name| unknown_variable(&name)).collect()
}

fn unknown_variable(name: &str) -> Option<String> {
    let setting = name.to_lowercase().strip_prefix("strongroom_")?.to_owned();
    if setting == "log" || NAMES.contains(&setting.as_str()) {
        return None;
    }
    Some(format!("{name} in the environment is no setting and is ignored. Did you mean STRONGROOM_{}?", nearest(&setting).to_uppercase()))
}

/// The setting whose name is most like `name`.
fn nearest(name: &str) -> &'static str {
    NAMES.into_iter().min_by_key(|known| distance(known, name)).unwrap_or("data")
}

/// The settings in force.
pub(crate) fn load(flags: &Flags) -> Result<Settings, OpenError> {
    load_from(flags, Path::new(FOLDER))
}

fn load_from(flags: &Flags, folder: &Path) -> Result<Settings, OpenError> {
    let settings: Settings = figment(flags, folder).extract().map_err(|error| OpenError::config(sentence(&error)))?;
    if settings.tls_cert.is_some() != settings.tls_key.is_some() {
        return Err(OpenError::config("tls_cert and tls_key belong together: give both, or neither."));
    }
    Ok(settings)
}

/// Every setting with its value and where that comes from, one line each.
pub(crate) fn origins(flags: &Flags) -> Result<String, OpenError> {
    load(flags)?;
    let figment = figment(flags, Path::new(FOLDER));
    let mut out = String::new();
    for name in NAMES {
        let value = figment.find_value(name).map(|value| shown(&value)).unwrap_or_default();
        let origin = figment.find_metadata(name).map_or_else(|| "default".to_owned(), origin);
        let _ = writeln!(out, "{name:<16} {value:<32} {origin}");
    }
    Ok(out)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(_, text) => text.clone(),
        Value::Array(_, items) => items.iter().map(shown).collect::<Vec<_>>().join(" "),
        Value::Empty(..) => "-".into(),
        other => other.to_u128().map(|n| n.to_string()).or_else(|| other.to_i128().map(|n| n.to_string())).unwrap_or_else(|| other.to_actual().to_string()),
    }
}

fn origin(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(Source::File(path)) => path.display().to_string(),
        _ if metadata.name.contains("environment") => "environment".into(),
        _ if metadata.name == "a flag" => "flag".into(),
        _ => "default".into(),
    }
}

/// One line that names the setting, where it stands, and the nearest name when it is unknown.
fn sentence(error: &figment::Error) -> String {
    let place = error.metadata.as_ref().map(origin).filter(|place| place != "default").map(|place| format!(" (from {place})")).unwrap_or_default();
    match &error.kind {
        figment::error::Kind::UnknownField(name, _) => {
            format!("There is no setting {name:?}{place}. Did you mean {:?}?", nearest(name))
        }
        kind => format!("The setting {:?} cannot be used{place}: {kind}.", error.path.join(".")),
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            let cost = (diagonal + usize::from(x != *y)).min(left + 1).min(above + 1);
            diagonal = *above;
            left = cost;
            next.push(cost);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

impl Settings {
    /// Host names that are answered, without repeats.
    pub(crate) fn host_names(&self) -> Vec<String> {
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        names.extend([machine.trim().to_lowercase()].into_iter().chain(self.hosts.iter().map(|host| host.to_lowercase())).filter(|host| !host.is_empty()));
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// Bytes of the largest file.
    pub(crate) fn upload_limit(&self) -> u64 {
        self.upload_limit_mb.saturating_mul(1_000_000)
    }

    /// What to type into a browser on this machine.
    pub(crate) fn url(&self, port: u16) -> String {
        let host = self.hosts.first().map_or("localhost", String::as_str);
        match port {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_merged_in_order_and_flags_beat_them() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("strongroom.toml"), "port = 1\nhttp_port = 80\n").unwrap();
        std::fs::create_dir(dir.path().join("conf.d")).unwrap();
        std::fs::write(dir.path().join("conf.d/20-b.toml"), "port = 3\n").unwrap();
        std::fs::write(dir.path().join("conf.d/10-a.toml"), "port = 2\n").unwrap();
        let settings = load_from(&Flags::default(), dir.path()).unwrap();
        assert_eq!((settings.port, settings.http_port), (3, Some(80)));
        let flags = Flags { port: Some(9), ..Flags::default() };
        assert_eq!(load_from(&flags, dir.path()).unwrap().port, 9);
    }

    #[test]
    fn an_unknown_setting_is_refused_with_the_nearest() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("strongroom.toml"), "prot = 1\n").unwrap();
        let said = load_from(&Flags::default(), dir.path()).unwrap_err().to_string();
        assert!(said.contains("\"prot\"") && said.contains("Did you mean \"port\"?"), "{said}");
        std::fs::write(dir.path().join("strongroom.toml"), "port = \"x\"\n").unwrap();
        let said = load_from(&Flags::default(), dir.path()).unwrap_err().to_string();
        assert!(said.contains("\"port\"") && said.contains("strongroom.toml"), "{said}");
    }

    #[test]
    fn a_variable_that_is_no_setting_is_told() {
        assert!(unknown_variable("STRONGROOM_PROT").unwrap().contains("STRONGROOM_PORT?"));
        for name in ["STRONGROOM_PORT", "strongroom_port", "STRONGROOM_LOG", "STRONGROOM", "PATH"] {
            assert_eq!(unknown_variable(name), None, "{name}");
        }
    }

    #[test]
    fn flags_are_typed_again_as_one_word_each() {
        let flags = Flags { data: Some("/a b/it's".into()), key_file: Some("/k".into()), port: Some(1), ..Flags::default() };
        assert_eq!(flags.typed_again(), " --data '/a b/it'\\''s' --key-file /k");
        assert_eq!(Flags::default().typed_again(), "");
    }
}
