//! `chinwag conformance`: tests whether a server behaves as an API specification says.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{EXIT_FAILURE, EXIT_USAGE, fail, print};
use crate::conformance::{self, Given, Played, Server, Stage};

#[derive(Args)]
pub(super) struct ConformanceArguments {
    /// Number of the specification: document 003 is 003.
    #[arg(long, value_name = "NUMBER", value_parser = conformance::DOCUMENTS)]
    dialect: String,
    /// The server's URL without a path, such as http://127.0.0.1:8000.
    url: String,
    /// Account for the first user of each transcript; repeat it for further users. The others are registered.
    #[arg(long = "user", value_name = "NAME:PASSWORD", value_parser = with_password)]
    users: Vec<Given>,
    /// The same with a token, for servers whose login is not that of a specification.
    #[arg(long = "token", value_name = "NAME:TOKEN", value_parser = with_token)]
    tokens: Vec<Given>,
    /// The room that all users are in; by default number 1 (documents 000 and 002) or "global" (the others).
    #[arg(long, value_name = "ID")]
    room: Option<String>,
    /// Plays only transcripts whose name contains this; repeat it for several.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Timeout for each response and each frame.
    #[arg(long = "timeout", value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout_secs: u64,
    /// Prints one JSON object per line.
    #[arg(long)]
    json: bool,
}

fn with_password(text: &str) -> Result<Given, String> {
    let (name, password) = text.split_once(':').ok_or("expected NAME:PASSWORD")?;
    Ok(Given::Password(name.to_owned(), password.to_owned()))
}

fn with_token(text: &str) -> Result<Given, String> {
    let (name, token) = text.split_once(':').ok_or("expected NAME:TOKEN")?;
    Ok(Given::Token(name.to_owned(), token.to_owned()))
}

/// Plays the transcripts of a specification. Prints one line per step, and fails if the server differs.
pub(super) async fn run(arguments: ConformanceArguments) -> ExitCode {
    let server = match Server::at(&arguments.url, Duration::from_secs(arguments.timeout_secs)) {
        Ok(server) => server,
        Err(reason) => return fail(&reason, EXIT_USAGE),
    };
    if let Err(reason) = server.reach().await {
        return fail(&format!("{}: {reason}", arguments.url), EXIT_FAILURE);
    }
    let accounts = arguments.users.into_iter().chain(arguments.tokens).collect();
    let stage = Stage { server, accounts, room: arguments.room };
    let is_wanted = |name: &str| arguments.only.is_empty() || arguments.only.iter().any(|part| name.contains(part));
    let transcripts = conformance::of_document(&arguments.dialect).iter().filter(|(name, _)| is_wanted(name));
    let mut printer = Printer { json: arguments.json, same: 0, different: 0, unplayed: 0, is_closed: false };
    for (name, text) in transcripts {
        printer.play(&stage, name, text).await;
        if printer.is_closed {
            return ExitCode::FAILURE; // standard output is closed
        }
    }
    printer.end(&arguments.dialect)
}

/// Prints and counts the outcomes of steps.
struct Printer {
    json: bool,
    same: usize,
    different: usize,
    unplayed: usize,
    is_closed: bool,
}

impl Printer {
    async fn play(&mut self, stage: &Stage, name: &str, text: &str) {
        let mut steps = 0;
        let played = stage.play(text, |played| {
            steps += usize::from(played.number.is_some());
            self.step(name, &played);
        });
        if let Err(reason) = played.await {
            self.step(
                name,
                &Played { number: None, name: "begin".to_owned(), note: String::new(), differences: vec![reason] },
            );
        }
        let left = conformance::Transcript::parse(text).map_or(0, |transcript| transcript.step_count()) - steps;
        self.unplayed += left;
        if left > 0 {
            let value = json!({"transcript": name, "outcome": "not_played", "steps": left});
            self.line(&value, &format!("-       {name}: {left} more steps are not played"));
        }
    }

    fn step(&mut self, transcript: &str, played: &Played) {
        let is_same = played.differences.is_empty();
        *(if is_same { &mut self.same } else { &mut self.different }) += 1;
        let number = played.number.map_or_else(String::new, |number| format!(" {number}"));
        let note = if played.note.is_empty() { String::new() } else { format!(" ({})", played.note) };
        let line = match is_same {
            true => format!("ok      {transcript}{number}: {}{note}", played.name),
            false => format!("differs {transcript}{number}: {}{note}: {}", played.name, played.differences.join("; ")),
        };
        let value = json!({
            "transcript": transcript, "step": played.number, "name": played.name, "note": played.note,
            "outcome": if is_same { "ok" } else { "differs" }, "differences": played.differences
        });
        self.line(&value, &line);
    }

    fn line(&mut self, value: &serde_json::Value, line: &str) {
        let printed = if self.json { print(&value.to_string()) } else { print(&line.replace(['\r', '\n'], " ")) };
        self.is_closed |= printed != ExitCode::SUCCESS;
    }

    /// Prints the summary.
    fn end(mut self, document: &str) -> ExitCode {
        let Self { same, different, unplayed, .. } = self;
        let value = json!({"document": document, "ok": same, "differs": different, "not_played": unplayed});
        let line =
            format!("document {document}: {same} steps as documented, {different} differ, {unplayed} not played");
        self.line(&value, &line);
        if different == 0 && same > 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FAILURE) }
    }
}
