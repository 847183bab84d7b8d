// Settings of conversations: changed at once, on the server, and by other pages.
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Conversation } from "../net/types";
import { account, conversation, message } from "../testing/fixtures";
import { connection } from "./connection";
import { refreshList } from "./conversation_list";
import { changeSettings, hide } from "./conversation_settings";
import { applyEvent } from "./events";
import {
  activeRoomId,
  conversations,
  listedConversations,
  listState,
  patchConversation,
  resetRooms,
  sortedConversations,
  unreadTotal,
} from "./rooms";
import { me } from "./session";

/** The changes that the server was asked for. */
let asked: unknown[];
let status: number;
/** What the server lists. */
let list: Conversation[];

const [ALICE, BOB] = [1, 2];
const idsOf = (list: { id: number }[]) => list.map(({ id }) => id);
const put = (...list: ReturnType<typeof conversation>[]) => {
  conversations.value = new Map(list.map((each) => [each.id, each]));
  listState.value = "ready";
};

beforeEach(() => {
  asked = [];
  status = 200;
  vi.stubGlobal("fetch", async (path: string, { method, body }: { method: string; body?: string }) => {
    if (method === "PUT") asked.push([path, JSON.parse(body ?? "")]);
    return new Response(JSON.stringify(path.endsWith("/conversations") ? list : {}), { status });
  });
  vi.spyOn(connection, "command").mockResolvedValue(undefined);
  resetRooms();
  me.value = account(ALICE, "Alice");
});

it("lists pinned conversations first", () => {
  const at = (hour: number) => `2026-01-05T${hour}:00:00.000Z`;
  put(
    conversation(1, { active_at: at(10) }),
    conversation(2, { active_at: at(11), pinned: true }),
    conversation(3, { active_at: at(12) }),
    conversation(4, { active_at: at(13), pinned: true }),
  );
  expect(idsOf(sortedConversations.value)).toEqual([4, 2, 3, 1]);
});

it("counts what the user wants to hear of", () => {
  put(
    conversation(1, { unread: 3, mentions: 1 }),
    conversation(2, { unread: 20, mentions: 2, notify: "mentions" }),
    conversation(3, { unread: 100, mentions: 50, notify: "none" }),
  );
  expect(unreadTotal.value).toBe(5);
});

it("changes settings at once, and back if the server refuses", async () => {
  put(conversation(1));
  const change = changeSettings(1, { pinned: true });
  expect(conversations.value.get(1)?.pinned).toBe(true);
  await change;
  expect(asked).toEqual([["/api/v1/rooms/1/settings", { pinned: true }]]);
  status = 503;
  await expect(changeSettings(1, { notify: "none" })).rejects.toThrow();
  expect(conversations.value.get(1)).toMatchObject({ notify: "all", pinned: true });
});

it("follows changes on other devices", () => {
  put(conversation(1));
  const settings = { notify: "none", pinned: true, hidden: false } as const;
  applyEvent({ type: "settings_changed", payload: { room_id: 1, ...settings } });
  expect(conversations.value.get(1)).toMatchObject(settings);
  expect(conversations.value.get(1)).not.toHaveProperty("room_id", 1);
});

describe("a hidden conversation", () => {
  const hidden = (part = {}) => conversation(1, { hidden: true, last_message: message(5), ...part });

  it("is read, and not listed unless it is open", async () => {
    put(conversation(1, { unread: 2, last_message: message(5) }), conversation(2));
    await hide(1);
    expect(connection.command).toHaveBeenCalledWith({ type: "mark_read", payload: { room_id: 1, id: 5 } });
    expect(asked).toEqual([["/api/v1/rooms/1/settings", { hidden: true }]]);
    expect(idsOf(listedConversations.value)).toEqual([2]);
    expect(idsOf(sortedConversations.value)).toHaveLength(2);
    activeRoomId.value = 1;
    expect(idsOf(listedConversations.value)).toContain(1);
  });

  it.each([
    ["somebody writes", BOB],
    ["the user writes, on any device", ALICE],
  ])("comes back when %s", async (_, user_id) => {
    put(hidden());
    expect(asked).toEqual([]);
    applyEvent({ type: "new_message", payload: message(6, { room_id: 1, user_id }) });
    expect(asked).toEqual([["/api/v1/rooms/1/settings", { hidden: false }]]);
    expect(idsOf(listedConversations.value)).toEqual([1]);
  });

  it("comes back if somebody wrote while no page was open", async () => {
    list = [hidden({ unread: 1 }), conversation(2, { hidden: true })];
    await refreshList();
    expect(asked).toEqual([["/api/v1/rooms/1/settings", { hidden: false }]]);
    expect(idsOf(listedConversations.value)).toEqual([1]);
  });

  it("stays hidden when members come and go, when it is read elsewhere, and when that is heard late", () => {
    put(conversation(1, { unread: 1, last_message: message(5) }));
    const payload = { room_id: 1, notify: "all", pinned: false, hidden: true } as const;
    applyEvent({ type: "settings_changed", payload });
    patchConversation(1, () => ({ unread: 0 }));
    applyEvent({ type: "new_message", payload: message(6, { room_id: 1, user_id: 0 }) });
    expect(asked).toEqual([]);
    expect(listedConversations.value).toEqual([]);
  });
});
