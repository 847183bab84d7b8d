// Accounts of programs are marked as such wherever people are shown, and are neither online nor offline.
import { type ComponentChild, render } from "preact";
import { beforeEach, expect, it, vi } from "vitest";
import { loadTexts } from "../i18n";
import { noteCards } from "../model/people";
import { online } from "../model/presence";
import { conversations, Room } from "../model/rooms";
import { me } from "../model/session";
import { account, conversation } from "../testing/fixtures";
import { settle } from "../testing/settle";
import { UserAvatar } from "./common";
import { ConversationItem } from "./conversation_item";
import { Members } from "./members";
import { UserCard } from "./user_card";

const BOT = { id: 5, username: "Build", avatar: "", status_text: "", is_bot: true } as const;

async function draw(what: ComponentChild): Promise<HTMLElement> {
  document.body.innerHTML = "<div></div>";
  const root = document.body.firstElementChild as HTMLElement;
  render(what, root);
  await settle();
  return root;
}

beforeEach(async () => {
  await loadTexts("en");
  vi.stubGlobal("fetch", async () => new Response("[]"));
  me.value = account(1, "Alice");
  online.value = new Set([2, 5]);
  noteCards([BOT]);
});

it("an avatar has no dot", async () => {
  const avatar = async (id: number) =>
    (await draw(<UserAvatar id={id} name="n" isOnline />)).querySelector(".dot");
  expect(await avatar(5)).toBeNull();
  expect(await avatar(2)).not.toBeNull();
  // A response that does not say so changes nothing.
  noteCards([{ id: 5, username: "Build", avatar: "", status_text: "busy" }]);
  expect(await avatar(5)).toBeNull();
});

it("a card and a conversation say so", async () => {
  const card = await draw(<UserCard id={5} name="Build" onClose={() => {}} />);
  expect(card.textContent).toContain("Bot");
  expect(card.textContent).not.toMatch(/online|offline/);
  const direct = conversation(3, {
    kind: "direct",
    is_private: true,
    user_id: 5,
    name: "Build",
    is_bot: true,
  });
  const item = await draw(<ConversationItem conversation={direct} />);
  expect(item.querySelector(".item-top")?.textContent).toContain("BuildBot");
  expect(item.querySelector(".dot")).toBeNull();
});

it("the list of members says so, and has them after those who are online", async () => {
  const room = new Room(7);
  conversations.value = new Map([[7, conversation(7)]]);
  const named = (user_id: number, username: string) =>
    ({ user_id, username, role: "member", avatar: "", status_text: "" }) as const;
  const members = [{ ...named(5, "Build"), is_bot: true as const }, named(2, "Bob"), named(1, "Alice")];
  vi.stubGlobal("fetch", async (path: string) => {
    return new Response(JSON.stringify(path.includes("/members") ? members : []));
  });
  const root = await draw(<Members room={room} onClose={() => {}} />);
  await vi.waitFor(() => expect(root.querySelectorAll(".member")).toHaveLength(3));
  const rows = [...root.querySelectorAll(".member")];
  expect(rows.map((row) => row.querySelector("bdi")?.textContent)).toEqual(["Bob", "Build", "Alice"]);
  expect(rows.map((row) => row.querySelector("small")?.textContent)).toEqual(["", "Bot", "you"]);
  expect(rows.map((row) => row.querySelector(".dot") !== null)).toEqual([true, false, true]);
});
