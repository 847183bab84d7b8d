import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { address, clearLog, connect, disconnect, log, pretty, state, token } from "./trial";

/** A connection of the page, whose server does nothing by itself. */
class StillSocket extends EventTarget {
  static all: StillSocket[] = [];
  constructor(readonly url: string) {
    super();
    StillSocket.all.push(this);
  }
  close(): void {}
  /** Ends it, as the browser reports it later. */
  end(code: number): void {
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason: "" }));
  }
}

beforeEach(() => {
  StillSocket.all = [];
  vi.stubGlobal("WebSocket", StillSocket);
  clearLog();
  address.value = "/ws";
  token.value = "a.b.c";
});
afterEach(() => vi.unstubAllGlobals());

it("says nothing of a refusal when the user did not wait for the connection", () => {
  connect();
  expect(state.value).toBe("opening");
  disconnect();
  expect(state.value).toBe("closed");
  StillSocket.all[0]?.end(1006);
  expect(log.value).toEqual([]);
  connect();
  StillSocket.all[1]?.end(1006);
  expect(log.value.map(({ kind }) => kind)).toEqual(["refused"]);
});

it("gives no other server the token", () => {
  address.value = "@evil.example/ws";
  connect();
  expect(StillSocket.all[0]?.url).toBe(
    `${location.origin.replace("http", "ws")}/@evil.example/ws?token=a.b.c`,
  );
  StillSocket.all[0]?.end(1006);
  address.value = "//evil.example/ws";
  connect();
  expect(StillSocket.all).toHaveLength(1);
  expect(log.value.at(-1)?.kind).toBe("foreign");
});

it("shows JSON with line breaks, and all else as it is", () => {
  expect(pretty('{"type":"ping"}')).toBe('{\n  "type": "ping"\n}');
  expect(pretty("not JSON {")).toBe("not JSON {");
});

it("keeps numbers that JavaScript cannot hold", () => {
  expect(pretty('{"id":9007199254740993}')).toContain("9007199254740993");
});
