// Forwarded messages go through the outbox, each under a client id of its own.
import { beforeEach, expect, it, vi } from "vitest";
import { Refused } from "../net/refused";
import { account, message } from "../testing/fixtures";
import { canEdit } from "./amending";
import { connection } from "./connection";
import { forward, refusedOf } from "./forwarding";
import * as outbox from "./outbox";
import { flush } from "./sending";
import { me } from "./session";

const sent = vi.fn();

beforeEach(() => {
  localStorage.clear();
  outbox.closeOutbox();
  outbox.openOutbox(1);
  me.value = account(1, "Alice");
  connection.status.value = "closed";
  sent.mockReset().mockResolvedValue(undefined);
  vi.spyOn(connection, "command").mockImplementation((frame) => sent(frame.payload));
});

it("sends one copy to each conversation, named by the id of the message and nothing else", async () => {
  connection.status.value = "open";
  const clientIds = forward(message(5, { room_id: 7, content: "hello" }), [8, 9]);
  expect(await refusedOf(clientIds)).toEqual([]);
  const frames = sent.mock.calls.map(([payload]) => payload);
  expect(frames).toMatchObject([
    { room_id: 8, forwarded_from: 5, content: "", client_id: clientIds[0] },
    { room_id: 9, forwarded_from: 5, content: "", client_id: clientIds[1] },
  ]);
  expect(new Set(clientIds).size).toBe(2);
});

it("keeps the copies over a reload without a connection", async () => {
  const clientIds = forward(message(5), [8, 9]);
  outbox.closeOutbox();
  outbox.openOutbox(1);
  connection.status.value = "open";
  await flush();
  expect(sent.mock.calls.map(([{ client_id }]) => client_id).sort()).toEqual([...clientIds].sort());
});

it("tells which conversations have refused it", async () => {
  connection.status.value = "open";
  sent.mockImplementation(async ({ room_id }) => {
    if (room_id === 9) throw new Refused("blocked");
  });
  const refused = await refusedOf(forward(message(5), [8, 9, 10]));
  expect(refused.map(({ room, error }) => [room, error])).toEqual([[9, "blocked"]]);
});

it("makes copies that cannot be edited", () => {
  const mine = { user_id: 1, created_at: new Date().toISOString() };
  expect(canEdit(message(5, mine))).toBe(true);
  expect(canEdit(message(5, { ...mine, forwarded_from: message(3) }))).toBe(false);
});
