//! The one table of close codes, and the pages that are generated from it.

use std::path::Path;

use chinwag::websocket::{CUT, CloseCode};

use crate::support::World;

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("readable")
}

#[test]
fn the_documentation_has_the_table() {
    let mut table = "| code | reason | reconnect? |\n|---|---|---|\n".to_owned();
    for code in CloseCode::ALL {
        table += &format!("| {} | {} | {} |\n", code.number(), code.meaning(), code.advice());
    }
    assert!(file("docs/protocols/README.md").contains(&table), "docs/protocols/README.md should have:\n{table}");
}

#[test]
fn the_dashboard_has_words_for_every_code() {
    let codes: Vec<String> = CloseCode::ALL.iter().map(|code| code.number().to_string()).collect();
    let line = format!("export const CLOSE_CODES = [{}] as const;", codes.join(", "));
    // TypeScript refuses a code of this list without words in every language.
    let path = "web/src/dashboard/model/close_codes.ts";
    assert!(file(path).contains(&line), "{path} should have:\n{line}");
}

#[tokio::test]
async fn every_code_is_counted_by_itself() {
    let world = World::start(1).await;
    let answer = world.client.get(world.url(0, "/metrics")).send().await.expect("answered");
    let text = answer.text().await.expect("text");
    for code in CloseCode::ALL.map(CloseCode::number).into_iter().chain([CUT]) {
        let line = format!("chinwag_sockets_closed_total{{code=\"{code}\"}} 0");
        assert!(text.lines().any(|shown| shown == line), "{line}");
    }
    world.stop().await;
}
