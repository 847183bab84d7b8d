//! The commands that list, create and change accounts.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::process::{Process, external};
use crate::support::{client, scratch, shared_redis};

/// Where and how commands are run.
pub struct Shell {
    pub folder: PathBuf,
    pub environment: Vec<(&'static str, String)>,
}

impl Shell {
    /// Runs a command with this standard input.
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chinwag"));
        command.args(arguments).current_dir(&self.folder).env("CHINWAG_AUTH__BCRYPT_COST", "4");
        command.envs(self.environment.iter().map(|(name, value)| (*name, value.as_str())));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        // A command that reads nothing may have ended.
        drop(child.stdin.take().expect("piped").write_all(input.as_bytes()));
        child.wait_with_output().expect("it ends")
    }

    /// Runs a command that succeeds. Returns what it prints.
    pub fn ok(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs a command that fails with this code and one line. Returns the line.
    pub fn fails(&self, arguments: &[&str], input: &str, code: i32) -> String {
        let output = self.run(arguments, input);
        let errors = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        let reasons: Vec<&str> = errors.lines().filter(|line| line.starts_with("chinwag: ")).collect();
        assert_eq!(reasons.len(), 1, "{errors}");
        reasons[0].to_owned()
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn a_command_for_an_existing_chat_makes_none() {
    let shell = Shell { folder: scratch(), environment: Vec::new() };
    std::fs::create_dir(shell.folder.join("empty")).expect("created");
    for arguments in [
        &["user", "list"][..],
        &["user", "add", "bob"],
        &["user", "promote", "bob"],
        &["user", "sessions", "bob"],
        &["invite"],
        &["token", "list"],
        &["token", "create", "bridge", "--scope", "users:write"],
        &["restored"],
    ] {
        let reason = shell.fails(arguments, "your_strong_password\n", 2);
        assert!(reason.contains("./data is no data folder"), "{reason}");
    }
    assert_eq!(entries(&shell.folder), [shell.folder.join("empty")]);
    let empty = Shell { folder: shell.folder.clone(), environment: vec![("CHINWAG_DATA__DIR", "empty".to_owned())] };
    assert!(empty.fails(&["user", "list"], "", 2).contains("empty is no data folder"));
    assert_eq!(entries(&shell.folder.join("empty")), Vec::<PathBuf>::new());
}

#[test]
fn commands_that_need_no_server_read_no_configuration() {
    let environment = vec![("CHINWAG_SERVER__PORT", "no number".to_owned())];
    let shell = Shell { folder: scratch(), environment };
    for (arguments, begins) in [
        (&["secret"][..], ""),
        (&["push-key"], ""),
        (&["openapi"], "{"),
        (&["man"], ".ie"),
        (&["completions", "bash"], "_chinwag"),
        (&["completions", "zsh"], "#compdef chinwag"),
        (&["--help"], "A self-hosted chat server"),
        (&["--version"], "chinwag "),
    ] {
        let printed = shell.ok(&[&["--config", "missing.toml"], arguments].concat(), "");
        assert!(printed.starts_with(begins) && printed.len() > 10, "{arguments:?}: {printed}");
    }
    let reason = shell.fails(&["health"], "", 2);
    assert!(reason.contains("server.port"), "{reason}");
}

#[test]
fn each_command_has_a_page_of_the_manual() {
    let shell = Shell { folder: scratch(), environment: Vec::new() };
    assert!(shell.ok(&["man"], "").contains("chinwag\\-backup(1)"));
    std::fs::create_dir(shell.folder.join("man")).expect("created");
    shell.ok(&["man", "man"], "");
    for (page, says) in [
        ("chinwag.1", "\\-\\-config"),
        ("chinwag-conformance.1", "\\-\\-dialect"),
        ("chinwag-dev.1", "\\-\\-room"),
        ("chinwag-restore.1", "\\-\\-replace"),
        ("chinwag-user-add.1", "\\-\\-email"),
    ] {
        let page = std::fs::read_to_string(shell.folder.join("man").join(page)).expect("written");
        assert!(page.contains(says) && page.contains(".SH NAME"), "{page}");
    }
    shell.fails(&["man", "missing/folder"], "", 1);
}

#[test]
fn what_is_wrong_with_a_setting_is_said_in_one_line() {
    let shell = Shell { folder: scratch(), environment: Vec::new() };
    for (text, expected) in [
        ("[server\nport = 1", "line 1"),
        ("[server]\nport = \"x\"", "server.port: must be a whole number"),
        ("[server]\nprot = 1", "prot"),
        ("[auth]\nregistration = \"shut\"", "auth.registration: must be open or invite or closed"),
        ("auth = \"shut\"", "auth.jwt_secret: is missing"),
        ("[[auth.issuers]]\nissuer = \"a\"", "auth.issuers[0].audience: is missing"),
        (
            "[[auth.issuers]]\nissuer = \"a\"\naudience = \"b\"\nalgorithm = \"none\"",
            "auth.issuers[0].algorithm: must be HS256 or",
        ),
        ("[auth]\nissuers = \"a\"", "auth.issuers: must be a list, not \"a\""),
        ("[auth.issuers]\nissuer = \"a\"", "auth.issuers: must be a list, not a section"),
        ("server = 1", "server: must be a section of settings, not 1"),
        ("[data]\ndir = \"\"", "data.dir must not be empty"),
        ("[auth]\njwt_secret = \"hidden\"", "auth.jwt_secret must have at least 32 bytes"),
    ] {
        std::fs::write(shell.folder.join("chinwag.toml"), text).expect("written");
        for command in ["serve", "audit"] {
            let output = shell.run(&["--config", "chinwag.toml", command], "");
            let errors = String::from_utf8(output.stderr).expect("text");
            assert_eq!((output.status.code(), errors.lines().count()), (Some(2), 1), "{errors}");
            assert!(errors.starts_with("chinwag: configuration: ") && errors.contains(expected), "{errors}");
            let of_rust = ["struct", "enum ", "variant", "tuple", "Config", "::"];
            assert!(!of_rust.iter().any(|word| errors.contains(word)) && !errors.contains("hidden"), "{errors}");
        }
    }
}

#[tokio::test]
async fn accounts_are_listed_created_and_changed() {
    let environment = external(shared_redis());
    let shell = Shell { folder: scratch(), environment: environment.clone() };
    for (name, input) in [("Bob", "your_strong_password\n"), ("alice", "your_strong_password")] {
        assert!(shell.ok(&["user", "add", name], input).ends_with(": done\n"));
    }
    shell.ok(&["user", "add", "carol", "--email", "carol@example.org"], "your_strong_password\r\n");
    assert!(shell.fails(&["user", "add", "BOB"], "your_strong_password\n", 2).contains("taken"));
    shell.fails(&["user", "add", "dave"], "short\n", 2);
    shell.fails(&["user", "add", "a\nb"], "your_strong_password\n", 2);
    shell.fails(&["user", "promote", "nobody"], "", 2);
    shell.ok(&["user", "promote", "alice"], "");
    shell.ok(&["user", "ban", "bob"], "");
    let columns = |text: &str| -> Vec<(String, String)> {
        let line = |line: &str| {
            let words: Vec<&str> = line.split('\t').collect();
            (words[1].to_owned(), words[2].to_owned())
        };
        text.lines().map(line).collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, state)| ((*name).to_owned(), (*state).to_owned())).collect()
    };
    let list = shell.ok(&["user", "list"], "");
    assert_eq!(columns(&list), pairs(&[("alice", "admin"), ("Bob", "banned"), ("carol", "user")]));
    assert!(list.lines().last().expect("a line").ends_with("\tcarol@example.org"), "{list}");
    assert_eq!(columns(&shell.ok(&["user", "list", "CA"], "")), pairs(&[("carol", "user")]));
    assert_eq!(shell.ok(&["user", "list", "x"], ""), "");
    shell.ok(&["user", "unban", "bob"], "");
    shell.ok(&["user", "demote", "alice"], "");
    shell.ok(&["user", "password", "bob"], "another password\n");

    let (client, node) = (client(), Process::start(&environment, &shell.folder));
    let log_in = async |name: &str, password: &str| {
        let body = json!({"username": name, "password": password});
        let url = format!("{}/api/v1/auth/login", node.base);
        client.post(url).json(&body).send().await.expect("answered").status().as_u16()
    };
    assert_eq!((log_in("bob", "your_strong_password").await, log_in("bob", "another password").await), (401, 200));
    let sessions = shell.ok(&["user", "sessions", "bob"], "");
    assert!(sessions.contains("\tvalid\t127.0.0.1"), "{sessions}");
    shell.ok(&["user", "logout", "bob"], "");
    assert!(shell.ok(&["user", "sessions", "bob"], "").contains("\tended\t127.0.0.1"));
    assert_eq!(shell.ok(&["user", "sessions", "carol"], ""), "");
    shell.ok(&["user", "remove", "bob"], "");
    assert_eq!(columns(&shell.ok(&["user", "list", "b"], "")), pairs(&[]));
    shell.fails(&["user", "remove", "bob"], "", 2);
    assert_eq!(log_in("bob", "another password").await, 401);
}

#[tokio::test]
async fn an_invite_is_printed_as_a_link() {
    let mut environment = external(shared_redis());
    environment.push(("CHINWAG_AUTH__REGISTRATION", "invite".to_owned()));
    environment.push(("CHINWAG_SERVER__PUBLIC_URL", "https://chat.example.org/".to_owned()));
    let shell = Shell { folder: scratch(), environment: environment.clone() };
    for wrong in [["--uses", "0"], ["--uses", "1001"], ["--days", "0"], ["--days", "366"], ["--days", "x"]] {
        let output = shell.run(&[&["invite"][..], &wrong].concat(), "");
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
    let link = shell.ok(&["invite", "--uses", "2", "--days", "3"], "");
    let code = link.trim().strip_prefix("https://chat.example.org/register?invite=").expect("a link");
    let (client, node) = (client(), Process::start(&environment, &shell.folder));
    for (name, status) in [("alice", 201), ("bob", 201), ("carol", 403)] {
        let body = json!({"username": name, "password": "your_strong_password", "invite": code});
        let answer = client.post(format!("{}/api/v1/auth/register", node.base)).json(&body).send().await;
        assert_eq!(answer.expect("answered").status().as_u16(), status, "{name}");
    }
}

#[tokio::test]
async fn a_token_of_an_application_is_shown_once_listed_and_revoked() {
    let environment = external(shared_redis());
    let shell = Shell { folder: scratch(), environment: environment.clone() };
    for wrong in [
        &["token", "create", "bridge"][..],
        &["token", "create", "bridge", "--scope", "everything"],
        &["token", "create", "bridge", "--scope", ""],
        &["token", "create", "admin", "--scope", "presence:read"],
        &["token", "create", "a\nb", "--scope", "presence:read"],
        &["token", "revoke", "bridge"],
    ] {
        assert_eq!(shell.run(wrong, "").status.code(), Some(2), "{wrong:?}");
    }
    assert_eq!(shell.ok(&["token", "list"], ""), "");
    shell.ok(&["user", "add", "bob"], "your_strong_password\n");
    assert!(shell.fails(&["token", "create", "Bob", "--scope", "presence:read"], "", 2).contains("taken"));
    let create = ["token", "create", "Bridge", "--scope", "users:write", "--scope", "presence:read"];
    let token = shell.ok(&create, "");
    assert!(token.starts_with("cwa_") && token.lines().count() == 1, "{token}");
    assert!(shell.fails(&create, "", 2).contains("taken"));
    let columns = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let listed = shell.ok(&["token", "list"], "");
    let found = columns(listed.trim_end());
    assert_eq!(
        (found[0].as_str(), found[3].as_str(), found[4].as_str()),
        ("Bridge", "never", "users:write presence:read")
    );
    assert!(!listed.contains(token.trim()), "{listed}");
    let (client, node) = (client(), Process::start(&environment, &shell.folder));
    let status = async || {
        let presence = client.get(format!("{}/api/v1/admin/presence", node.base)).bearer_auth(token.trim());
        presence.send().await.expect("answered").status().as_u16()
    };
    assert_eq!(status().await, 200);
    let used = columns(shell.ok(&["token", "list"], "").trim_end())[3].clone();
    assert!(used.ends_with('Z'), "{used}");
    assert_eq!(shell.ok(&["token", "revoke", "bridge"], ""), "bridge: revoked\n");
    assert_eq!((status().await, shell.ok(&["token", "list"], "").as_str()), (401, ""));
    let audit = shell.ok(&["audit"], "");
    let acts: Vec<String> = audit.lines().map(|line| columns(line)[3].clone()).collect();
    // The attempts that failed behind the record are in it as well.
    assert!(acts.starts_with(&["token.revoke".to_owned()]) && acts.contains(&"token.create".to_owned()), "{audit}");
    assert!(!audit.contains(token.trim()), "{audit}");
}
