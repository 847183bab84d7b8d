import { render } from "preact";
import { beforeEach, expect, it, vi } from "vitest";
import { loadTexts } from "../i18n";
import { connection } from "../model/connection";
import { noteCards } from "../model/people";
import { Room } from "../model/rooms";
import { me } from "../model/session";
import { account, message } from "../testing/fixtures";
import { Reactions } from "./reactions";

const root = document.createElement("div");
const buttons = () => [...root.querySelectorAll("button")];
const command = vi.spyOn(connection, "command");

beforeEach(async () => {
  await loadTexts("en");
  vi.stubGlobal("fetch", async () => new Response("[]"));
  me.value = account(1, "Alice");
  noteCards([{ id: 2, username: "Bob", avatar: "", status_text: "" }]);
  command.mockReset().mockResolvedValue();
  const reactions = [
    { emoji: "👍", users: [2, 1] },
    { emoji: "🎉", users: [2, 9] },
  ];
  render(<Reactions room={new Room(7)} message={message(5, { reactions })} />, root);
});

it("shows the number and the names of users, and which are own", () => {
  expect(buttons().map((button) => button.textContent)).toEqual(["👍2", "🎉2"]);
  expect(buttons().map((button) => button.title)).toEqual(["Bob, You", "Bob and 1 more"]);
  expect(buttons().map((button) => button.getAttribute("aria-label"))).toEqual([
    "👍 2: Bob, You",
    "🎉 2: Bob and 1 more",
  ]);
  expect(buttons().map((button) => button.getAttribute("aria-pressed"))).toEqual(["true", "false"]);
});

it("takes an own reaction back, and joins those of others", () => {
  for (const button of buttons()) button.click();
  expect(command.mock.calls).toEqual([
    [{ type: "react", payload: { room_id: 7, id: 5, emoji: "👍", on: false } }],
    [{ type: "react", payload: { room_id: 7, id: 5, emoji: "🎉", on: true } }],
  ]);
});
