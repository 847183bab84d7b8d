// @vitest-environment node
// What `Connection` does with it is in `socket.test.ts`.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeSocket } from "../testing/fake_socket";
import { message } from "../testing/fixtures";
import { type Close, CommandSocket } from "./command_socket";
import { Refused } from "./refused";
import type { EventFrame } from "./types";

let socket: CommandSocket;
let opened: number;
const events: EventFrame[] = [];
const losses: [Close | null, boolean][] = [];

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  opened = events.length = losses.length = 0;
  socket = new CommandSocket({
    makeSocket: (url) => new FakeSocket(url),
    Refused,
    onOpen: () => {
      opened += 1;
    },
    onEvent: (frame) => events.push(frame),
    onLoss: (...loss) => losses.push(loss),
  });
  socket.open("https://chat.example", "a b", [[7, "3-1"]]);
});

afterEach(() => {
  socket.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const typing = () => socket.command("typing", { room_id: 1 });
const refusal = (command: Promise<unknown>) => command.catch((error: Refused) => error.code);

it("needs nothing of a browser", () => {
  expect(typeof window).toBe("undefined");
  expect(FakeSocket.latest().url).toBe("wss://chat.example/ws?ext=1&token=a%20b&since=7:3-1");
  socket.open("http://127.0.0.1:8000", "t", []);
  expect(FakeSocket.latest().url).toBe("ws://127.0.0.1:8000/ws?ext=1&token=t");
});

it("takes commands from the opening on, and tells its owner of events", async () => {
  expect(await refusal(typing())).toBe("lost");
  const server = FakeSocket.latest();
  server.open();
  expect(opened).toBe(1);
  await typing();
  expect(server.frames("typing")).toEqual([{ room_id: 1 }]);
  server.push("presence", { room_id: 1, users: [] });
  server.onmessage?.({ data: "{" });
  expect(events.map(({ type }) => type)).toEqual(["presence"]);
});

it("refuses what the server refuses, and histories without a page", async () => {
  FakeSocket.latest().open();
  expect(await refusal(socket.fetchHistory({ room_id: 1, page_size: 20 }))).toBe("internal");
  FakeSocket.latest().answer = ({ payload }) => {
    FakeSocket.latest().push("message_history", { room_id: 1, messages: [message(5)], ref: payload.ref });
    return undefined;
  };
  const page = await socket.fetchHistory({ room_id: 1, page_size: 20 });
  expect([page.messages.map(({ id }) => id), page.isCut]).toEqual([[5], false]);
  FakeSocket.latest().answer = () => ({ code: "rate_limited", retry_after_ms: 700 });
  await expect(typing()).rejects.toMatchObject({ code: "rate_limited", retryAfterMs: 700 });
});

it("tells how a connection was lost, once", async () => {
  FakeSocket.latest().close(1006, "no handshake");
  FakeSocket.latest().close();
  expect(losses).toEqual([[{ code: 1006, reason: "no handshake" }, false]]);
  for (const isStable of [false, true]) {
    socket.open("http://a", "t", []);
    FakeSocket.latest().open();
    await vi.advanceTimersByTimeAsync(isStable ? 10_001 : 10_000);
    FakeSocket.latest().close(1012, "restart");
    expect(losses.at(-1)).toEqual([{ code: 1012, reason: "restart" }, isStable]);
  }
});

it("gives up handshakes that hang and connections without a pong", async () => {
  await vi.advanceTimersByTimeAsync(10_000);
  expect(losses).toEqual([[null, false]]);
  socket.open("http://a", "t", []);
  FakeSocket.latest().open();
  FakeSocket.latest().isSilent = true;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(losses.slice(1)).toEqual([[null, true]]);
});

it("is closed without a loss, and gives up only what there is", async () => {
  FakeSocket.latest().open();
  FakeSocket.latest().isSilent = true;
  const command = refusal(typing());
  socket.close();
  expect(await command).toBe("lost");
  socket.giveUp();
  expect(losses).toEqual([]);
  socket.open("http://a", "t", []);
  socket.giveUp();
  expect(losses).toHaveLength(1);
});

it("hears no more of a connection that another has replaced", () => {
  const former = FakeSocket.latest();
  socket.open("http://a", "t", []);
  former.open();
  former.push("presence", { room_id: 1, users: [] });
  former.close();
  expect([opened, events, losses]).toEqual([0, [], []]);
});
