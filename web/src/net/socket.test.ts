import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeSocket } from "../testing/fake_socket";
import { message } from "../testing/fixtures";
import { Refused } from "./refused";
import { Connection } from "./socket";
import type { EventFrame } from "./types";

let token: string | null;
let connection: Connection;
let since: [number, string][];
const events: EventFrame[] = [];
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
  since = [];
  connection.listen({
    since: () => since,
    onEvent: (frame) => events.push(frame),
    onOpen: (isAgain) => opened.push(isAgain),
    onTokenDoubt,
  });
  connection.start();
});

afterEach(() => connection.stop());

const typing = { type: "typing", payload: { room_id: 1 } } as const;
const join = { type: "join_room", payload: { room_id: 9 } } as const;
const page = { room_id: 1, page: 1, page_size: 50 };

function open(): FakeSocket {
  FakeSocket.latest().open();
  return FakeSocket.latest();
}

/** The outcome of a command: `done`, or the code of its refusal. */
const outcome = (command: Promise<unknown>) =>
  command.then(
    () => "done",
    (error: unknown) => (error instanceof Refused ? error.code : error),
  );

it("puts the token into the address and reports reconnections", async () => {
  expect(FakeSocket.latest().url).toMatch(/\/ws\?ext=1&token=a%20b$/);
  open().close();
  await vi.advanceTimersByTimeAsync(600);
  open();
  expect(opened).toEqual([false, true]);
});

it("resumes rooms in the handshake of a reconnection", async () => {
  since = [
    [7, "3-1761480000000"],
    [101, "5-1"],
  ];
  expect(open().since).toEqual({});
  FakeSocket.latest().close();
  await vi.advanceTimersByTimeAsync(600);
  expect(FakeSocket.latest().url).toMatch(/&since=7:3-1761480000000&since=101:5-1$/);
  expect(FakeSocket.latest().since).toEqual({ 7: "3-1761480000000", 101: "5-1" });
});

describe("commands", () => {
  it("carry distinct refs, also after a reconnection, and no ping follows them", async () => {
    const first = open();
    void outcome(connection.command(typing));
    void outcome(connection.command(join));
    expect(first.sent).toEqual([
      { type: "typing", payload: { room_id: 1, ref: "1" } },
      { type: "join_room", payload: { room_id: 9, ref: "2" } },
    ]);
    first.close();
    await vi.advanceTimersByTimeAsync(600);
    expect(open().sent).toEqual([]);
    void outcome(connection.command(typing));
    expect(FakeSocket.latest().refOf("typing")).toBe("3");
  });

  it("get their answers by ref, in any order", async () => {
    const socket = open();
    socket.isSilent = true;
    const order: string[] = [];
    const one = outcome(connection.command(typing)).then((result) => order.push(`one ${result}`));
    const two = outcome(connection.command(join)).then((result) => order.push(`two ${result}`));
    const three = outcome(connection.command(typing)).then((result) => order.push(`three ${result}`));
    socket.push("done", { ref: "3" });
    socket.push("error", { message: "no", code: "room_not_found", ref: "2" });
    socket.push("pong", { ref: "1" });
    await Promise.all([one, two, three]);
    expect(order).toEqual(["three done", "two room_not_found", "one done"]);
    expect(events).toEqual([]);
  });

  it("are refused with the details of the error", async () => {
    const socket = open();
    socket.answer = () => ({ code: "rate_limited", field: "content", retry_after_ms: 700 });
    const refusal = {
      code: "rate_limited",
      field: "content",
      retryAfterMs: 700,
      message: "refused: rate_limited",
    };
    await expect(connection.command(join)).rejects.toMatchObject(refusal);
    socket.answer = () => ({ code: "forbidden" });
    await expect(connection.command(join)).rejects.toMatchObject({ field: null, retryAfterMs: null });
  });

  it("ignore errors and answers of others", async () => {
    const socket = open();
    socket.isSilent = true;
    const command = outcome(connection.command(typing));
    socket.push("error", { message: "Malformed request", code: "malformed" });
    socket.push("error", { message: "no", code: "forbidden", ref: "77" });
    socket.push("pong", {});
    socket.push("done", { ref: "77" });
    socket.push("done", { ref: "1" });
    socket.push("error", { message: "late", code: "internal", ref: "1" });
    expect(await command).toBe("done");
  });

  it("time out one by one while the connection answers others", async () => {
    const socket = open();
    socket.answer = ({ type }) => {
      socket.isSilent = type === "join_room";
      return undefined;
    };
    const lost = outcome(connection.command(join));
    await vi.advanceTimersByTimeAsync(5000);
    socket.isSilent = false;
    expect(await outcome(connection.command(typing))).toBe("done");
    await vi.advanceTimersByTimeAsync(5000);
    expect(await lost).toBe("timeout");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(connection.status.value).toBe("open");
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("end the connection when nothing at all comes back", async () => {
    open().isSilent = true;
    const command = outcome(connection.command(typing));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await command).toBe("lost");
    expect(connection.status.value).toBe("waiting");
  });

  it("are refused as lost when the connection ends, and without one", async () => {
    const socket = open();
    socket.isSilent = true;
    const commands = [connection.command(typing), connection.fetchHistory(page)].map(outcome);
    socket.close();
    expect(await Promise.all(commands)).toEqual(["lost", "lost"]);
    expect(await outcome(connection.command(typing))).toBe("lost");
  });
});

describe("a history", () => {
  it("is the page that carries the ref; the done after it is ignored", async () => {
    const socket = open();
    socket.answer = ({ payload }) => {
      socket.push("message_history", { room_id: 1, messages: [message(4)], ref: "other" });
      socket.push("message_history", { room_id: 1, messages: [message(5)], ref: payload.ref });
      return undefined;
    };
    const { messages, isCut } = await connection.fetchHistory(page);
    expect([messages.map(({ id }) => id), isCut]).toEqual([[5], false]);
    expect(socket.frames("fetch_history")).toEqual([page]);
    expect(events).toEqual([]);
  });

  it("is never empty by mistake: a done without a page is an error", async () => {
    open();
    expect(await outcome(connection.fetchHistory(page))).toBe("internal");
  });

  it("may take longer than other answers", async () => {
    const socket = open();
    socket.answer = ({ type }) => {
      if (type === "fetch_history") socket.isSilent = true;
      return undefined;
    };
    const history = outcome(connection.fetchHistory(page));
    for (let elapsed = 0; elapsed < 20; elapsed += 5) {
      await vi.advanceTimersByTimeAsync(5000);
      socket.push("presence", { room_id: 1, users: [] });
    }
    socket.push("message_history", { room_id: 1, messages: [], ref: "1" });
    expect(await history).toBe("done");
  });
});

describe("the connection", () => {
  it("waits as long as the close reason asks", async () => {
    open().close(1012, "restart, retry_after_ms=5000");
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
    open();
    await vi.advanceTimersByTimeAsync(11_000);
    FakeSocket.latest().close();
    expect(connection.retryAt.value - Date.now()).toBe(500);
    vi.mocked(Math.random).mockRestore();
  });

  it("is kept alive by plain pings", async () => {
    const socket = open();
    await vi.advanceTimersByTimeAsync(65_000);
    expect(socket.sent.length).toBeGreaterThanOrEqual(3);
    expect(socket.sent.length).toBeLessThanOrEqual(4);
    for (const frame of socket.sent) expect(frame).toEqual({ type: "ping", payload: {} });
  });

  it("is replaced when it no longer answers", async () => {
    const socket = open();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(connection.status.value).toBe("open");
    socket.isSilent = true;
    await vi.advanceTimersByTimeAsync(40_000);
    expect(FakeSocket.all.length).toBeGreaterThan(1);
  });

  it("is alive as long as frames arrive, even without a pong", async () => {
    const socket = open();
    socket.isSilent = true;
    for (let elapsed = 0; elapsed < 100; elapsed += 5) {
      await vi.advanceTimersByTimeAsync(5000);
      socket.push("presence", { room_id: 1, users: [] });
    }
    expect(connection.status.value).toBe("open");
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
    const socket = open();
    socket.onmessage?.({ data: "{" });
    socket.push("presence", { room_id: 1, users: [] });
    expect(events.map((frame) => frame.type)).toEqual(["presence"]);
  });
});

describe("events", () => {
  const ids = () => events.map((frame) => ("id" in frame.payload ? frame.payload.id : null));
  const burst = (socket: FakeSocket, from: number, to: number) => {
    for (let id = from; id <= to; id += 1) socket.push("message_deleted", { room_id: 1, id });
  };

  it("that follow one at once are gathered, and applied in order", async () => {
    const socket = open();
    burst(socket, 1, 40);
    expect(ids()).toEqual([1]);
    await vi.advanceTimersByTimeAsync(50);
    expect(ids()).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
    await vi.advanceTimersByTimeAsync(50);
    burst(socket, 41, 41);
    expect(ids().at(-1)).toBe(41);
  });

  it("are applied before what follows from an answer or a loss", async () => {
    const socket = open();
    socket.isSilent = true;
    const known: unknown[][] = [];
    const note = () => known.push(ids());
    void connection.command(join).then(note);
    burst(socket, 1, 3);
    socket.push("done", { ref: socket.refOf("join_room") });
    await vi.advanceTimersByTimeAsync(0);
    expect(known).toEqual([[1, 2, 3]]);
    void connection.command(join).catch(note);
    burst(socket, 4, 6);
    socket.close();
    expect(ids()).toEqual([1, 2, 3, 4, 5, 6]);
    await vi.advanceTimersByTimeAsync(0);
    expect(known[1]).toEqual(ids());
  });

  it("of an ended session are not applied", async () => {
    const socket = open();
    burst(socket, 1, 3);
    connection.stop();
    await vi.advanceTimersByTimeAsync(100);
    expect(ids()).toEqual([1]);
  });

  it("are not held back on a hidden page, whose timers are slow", () => {
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    burst(open(), 1, 3);
    expect(ids()).toEqual([1, 2, 3]);
    hidden.mockRestore();
  });
});

describe("a server that goes away on purpose", () => {
  it.each([1001, 1012])("is told from a lost connection until there is another: %i", async (code) => {
    open().close(code, "restart, retry_after_ms=100");
    expect(connection.isServerAway.value).toBe(true);
    expect(connection.status.value).toBe("waiting");
    await vi.advanceTimersByTimeAsync(100);
    // It is still away when an attempt fails.
    FakeSocket.latest().close();
    expect(connection.isServerAway.value).toBe(true);
    await vi.advanceTimersByTimeAsync(1000);
    open();
    expect(connection.isServerAway.value).toBe(false);
  });

  it.each([1000, 1006, 1008, 1011, 1013])("does not close with %i", (code) => {
    open().close(code);
    expect(connection.isServerAway.value).toBe(false);
  });
});
