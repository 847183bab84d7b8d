import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeSocket, message } from "../testing/fixtures";
import { Connection, Refused } from "./socket";
import type { ServerFrame } from "./types";

let token: string | null;
let connection: Connection;
const events: ServerFrame[] = [];
const opened: boolean[] = [];
const onTokenDoubt = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.all = [];
  events.length = opened.length = 0;
  onTokenDoubt.mockReset();
  token = "a b";
  connection = new Connection(() => token);
  connection.listen({
    onEvent: (frame) => events.push(frame),
    onOpen: (isAgain) => opened.push(isAgain),
    onTokenDoubt,
  });
  connection.start();
});

afterEach(() => connection.stop());

const typing = { type: "typing", payload: { room_id: 1 } } as const;

it("puts the token into the address and reports reconnections", async () => {
  expect(FakeSocket.latest().url).toMatch(/\/ws\?ext=1&token=a%20b$/);
  FakeSocket.latest().open();
  FakeSocket.latest().close();
  await vi.advanceTimersByTimeAsync(600);
  FakeSocket.latest().open();
  expect(opened).toEqual([false, true]);
});

it("gives each answer to its command", async () => {
  const socket = FakeSocket.latest();
  socket.open();
  socket.answer = ({ type, payload }) => {
    if (type === "fetch_history") socket.push("message_history", { ...payload, messages: [message(5)] });
    if (type === "join_room") socket.push("error", { message: "Room not found or you are not a member." });
  };
  const history = connection.command({
    type: "fetch_history",
    payload: { room_id: 1, page: 1, page_size: 50 },
  });
  const refused = connection.command({ type: "join_room", payload: { room_id: 9 } });
  const done = connection.command(typing);
  expect((await history).map(({ id }) => id)).toEqual([5]);
  await expect(refused).rejects.toMatchObject({ message: /Room not found/, isLost: false });
  expect(await done).toEqual([]);
  expect(events).toEqual([]);
});

it("rejects pending commands when the connection is lost", async () => {
  const socket = FakeSocket.latest();
  socket.open();
  socket.isSilent = true;
  const lost = connection.command(typing);
  socket.close();
  await expect(lost).rejects.toBeInstanceOf(Refused);
  await expect(connection.command(typing)).rejects.toMatchObject({ isLost: true });
});

it("waits as long as the close reason asks", async () => {
  FakeSocket.latest().open();
  FakeSocket.latest().close(1012, "restart, retry_after_ms=5000");
  expect(connection.status.value).toBe("waiting");
  await vi.advanceTimersByTimeAsync(4990);
  expect(FakeSocket.all).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(20);
  expect(FakeSocket.all).toHaveLength(2);
});

it("waits longer after each failure, and starts over after a stable connection", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1);
  const waits: number[] = [];
  for (let failure = 0; failure < 4; failure += 1) {
    FakeSocket.latest().close();
    waits.push(connection.retryAt.value - Date.now());
    await vi.advanceTimersByTimeAsync(waits.at(-1) ?? 0);
  }
  expect(waits).toEqual([500, 1000, 2000, 4000]);
  FakeSocket.latest().open();
  await vi.advanceTimersByTimeAsync(11_000);
  FakeSocket.latest().close();
  expect(connection.retryAt.value - Date.now()).toBe(500);
  vi.mocked(Math.random).mockRestore();
});

it("replaces a connection that no longer answers", async () => {
  const socket = FakeSocket.latest();
  socket.open();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(connection.status.value).toBe("open");
  socket.isSilent = true;
  await vi.advanceTimersByTimeAsync(40_000);
  expect(FakeSocket.all.length).toBeGreaterThan(1);
});

it("gives up a handshake that hangs", async () => {
  await vi.advanceTimersByTimeAsync(10_100);
  expect(connection.status.value).toBe("waiting");
});

it("reports a failed handshake as a doubt about the token, and stops without a token", async () => {
  onTokenDoubt.mockImplementation(() => {
    token = null;
  });
  FakeSocket.latest().close();
  expect(onTokenDoubt).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(FakeSocket.all).toHaveLength(1);
});

it("reconnects at once when the browser is online again", async () => {
  FakeSocket.latest().close();
  dispatchEvent(new Event("online"));
  expect(FakeSocket.all).toHaveLength(2);
});

it("ignores frames that are not JSON", () => {
  FakeSocket.latest().open();
  FakeSocket.latest().onmessage?.({ data: "{" });
  FakeSocket.latest().push("presence", { room_id: 1, users: [] });
  expect(events.map((frame) => frame.type)).toEqual(["presence"]);
});
