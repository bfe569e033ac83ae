//! A PostgreSQL server of its own: Debian's package, on a port and socket that nothing else uses, gone afterwards.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Who runs it where the tests are run by root, which PostgreSQL refuses: `nobody`.
const NOBODY: u32 = 65534;

/// A server that runs.
pub struct Postgres {
    programs: Programs,
    folder: tempfile::TempDir,
    port: u16,
    server: Child,
}

/// Where the programs are, and the libraries they need.
struct Programs {
    folder: PathBuf,
    libraries: Option<PathBuf>,
}

impl Programs {
    /// In the path, where Debian installs them, or fetched once below the target directory.
    fn find() -> Self {
        let complete = |folder: &Path| {
            let mut names = ["initdb", "postgres", "psql"].into_iter();
            names.all(|name| folder.join(name).exists())
        };
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = std::env::split_paths(&paths).collect();
        folders.extend(versions(Path::new("/usr/lib/postgresql")));
        if std::env::var_os("MIDFLIGHT_FETCH_POSTGRES").is_none()
            && let Some(folder) = folders.into_iter().find(|folder| complete(folder))
        {
            // Links into a folder of all programs would hide the files that belong to them.
            let folder = fs::canonicalize(folder.join("initdb")).expect("a program");
            return Self {
                folder: folder.parent().expect("a folder").to_owned(),
                libraries: None,
            };
        }
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgresql");
        let found = || {
            versions(&root.join("usr/lib/postgresql"))
                .into_iter()
                .find(|folder| complete(folder))
        };
        if found().is_none() {
            fetch(&root);
        }
        let folder = found().expect("Debian's package holds a server");
        let libraries = fs::read_dir(root.join("usr/lib"))
            .expect("libraries")
            .flatten();
        let libraries = libraries
            .map(|entry| entry.path())
            .find(|path| path.to_string_lossy().ends_with("-linux-gnu"));
        Self { folder, libraries }
    }

    fn command(&self, name: &str) -> Command {
        let program = self.folder.join(name);
        let mut command = match rustix::process::geteuid().is_root() {
            true => {
                let mut command = Command::new("setpriv");
                let own = [
                    format!("--reuid={NOBODY}"),
                    format!("--regid={NOBODY}"),
                    "--clear-groups".to_owned(),
                ];
                command.args(own).arg(program);
                command
            }
            false => Command::new(program),
        };
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
            .env_remove("PGHOST")
            .env_remove("PGPORT")
            .env("LC_ALL", "C");
        command
    }
}

/// The folders of programs of every version, the newest first.
fn versions(below: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(below).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries.map(|entry| entry.path().join("bin")).collect();
    found.sort();
    found.reverse();
    found
}

/// Unpacks Debian's package, with what it needs and this machine lacks, into a folder.
///
/// # Panics
/// When Debian's mirror cannot be reached.
fn fetch(root: &Path) {
    let _ = fs::remove_dir_all(root);
    fs::create_dir_all(root).expect("a folder");
    let output = |command: &mut Command| {
        let output = command
            .stdin(Stdio::null())
            .output()
            .expect("a program of Debian");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let listed = output(Command::new("apt-cache").args([
        "depends",
        "--recurse",
        "--no-recommends",
        "--no-suggests",
        "--no-conflicts",
        "--no-breaks",
        "--no-replaces",
        "--no-enhances",
        "postgresql",
    ]));
    let names = listed
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    let installed = |name: &str| {
        let mut query = Command::new("dpkg-query");
        output(query.args(["-W", "-f", "${Status}", name])).contains("ok installed")
    };
    let wanted: Vec<&str> = names
        .filter(|name| name.starts_with("postgresql") || !installed(name))
        .collect();
    assert!(
        !wanted.is_empty(),
        "these tests run PostgreSQL: install Debian's `postgresql`, or run `apt-get update` so that it can be fetched"
    );
    for name in wanted {
        // What is only a name for another package cannot be fetched.
        let mut download = Command::new("apt-get");
        output(download.args(["download", name]).current_dir(root));
    }
    for entry in fs::read_dir(root).expect("a folder").flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            output(
                Command::new("dpkg-deb")
                    .arg("-x")
                    .arg(entry.path())
                    .arg(root),
            );
        }
    }
}

impl Postgres {
    /// Starts a server with an empty cluster.
    ///
    /// # Panics
    /// When there is none and it cannot be fetched, or it does not start.
    pub fn start() -> Self {
        let programs = Programs::find();
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        fs::create_dir(&data).expect("a folder");
        if rustix::process::geteuid().is_root() {
            for path in [folder.path(), &data] {
                chown(path, Some(NOBODY), Some(NOBODY)).expect("another owner");
            }
        }
        let mut initdb = programs.command("initdb");
        initdb.args([
            "--username=tests",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--pgdata",
        ]);
        let made = initdb
            .arg(&data)
            .current_dir(folder.path())
            .output()
            .expect("initdb starts");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let port = free_port();
        let mut server = programs.command("postgres");
        server
            .args(["-D".as_ref(), data.as_os_str()])
            .args(["-p", &port.to_string(), "-k"])
            .arg(folder.path())
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let server = server.spawn().expect("postgres starts");
        let started = Self {
            programs,
            folder,
            port,
            server,
        };
        let until = Instant::now() + Duration::from_secs(60);
        while started.psql("postgres", "SELECT 1").is_err() {
            assert!(Instant::now() < until, "PostgreSQL does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        started
    }

    /// Runs a script in a database, stopping at the first error; gives what it prints, without frills.
    pub fn psql(&self, database: &str, script: &str) -> Result<String, String> {
        let mut psql = self.programs.command("psql");
        psql.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "tests",
        ])
        .args([
            "-h",
            &self.folder.path().to_string_lossy(),
            "-p",
            &self.port.to_string(),
        ])
        .args(["-d", database, "-f", "-"])
        .current_dir(self.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
        let mut running = psql.spawn().expect("psql starts");
        let mut stdin = running.stdin.take().expect("stdin");
        // A server that is not up yet closes it early.
        let _ = std::io::Write::write_all(&mut stdin, script.as_bytes());
        drop(stdin);
        let output = running.wait_with_output().expect("psql ends");
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }
}

/// A port that nobody listens on; nobody else asks for it in the moment before the server does.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let pid = i32::try_from(self.server.id()).ok();
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            // Fast shutdown: sessions are ended, and what the server made is taken down.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        }
        let _ = self.server.wait();
    }
}
