// @vitest-environment node
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { keysOf, readSamples, typeErrors } from "./transcripts";

// The compiler runs in each test.
vi.setConfig({ testTimeout: 60_000 });

const TRANSCRIPTS = resolve(import.meta.dirname, "../../../tests/wire");

describe("the types of the wire", () => {
  const samples = readSamples(TRANSCRIPTS);

  it("fit every transcript", () => {
    expect(typeErrors(samples)).toEqual([]);
  });

  it("name no route, frame or command that no transcript has", () => {
    const seen = new Set(samples.map(({ type }) => type));
    const declared = [
      ...keysOf("Answers").map((route) => `Answers["${route}"]`),
      ...keysOf("ServerPayloads").map((type) => `FrameOf<ServerPayloads, "${type}">`),
      ...keysOf("ClientPayloads").map((type) => `FrameOf<ClientPayloads, "${type}">`),
    ];
    expect(declared.length).toBeGreaterThan(30);
    expect(declared.filter((type) => !seen.has(type))).toEqual([]);
  });
});

describe("a planted transcript", () => {
  const typing = { room_id: 2, user_id: "<integer $user>", username: "Bob" };
  const message = {
    id: 7,
    user_id: "$user",
    username: "Bob",
    content: "$long",
    is_image: false,
    created_at: "<millis>",
    client_id: null,
    reply_to: null,
    message_type: "text",
    text: "no. <digits $number>",
    file_url: null,
    file_name: null,
    file_size: null,
    file_pixels: [4, 3],
    resume: "1-$number",
  };
  const receive = (json: object, socket = "a") => ({ receive: { socket, json } });
  const send = (json: object, more = {}) => ({ send: { socket: "a", json, ...more } });
  const answer = (path: string, status: number, json: unknown) => ({
    request: { method: "GET", path },
    response: { status, json },
  });

  function errorsOf(...steps: object[]): string[] {
    const folder = mkdtempSync(join(tmpdir(), "planted-"));
    const open = { open: { socket: "a", path: "/ws?ext=1" } };
    const plain = { open: { socket: "plain", path: "/ws" } };
    writeFileSync(join(folder, "planted.json"), JSON.stringify({ steps: [open, plain, ...steps] }));
    try {
      return typeErrors(readSamples(folder));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it("passes when it fits, placeholders included", () => {
    const errors = errorsOf(
      receive({ type: "typing", payload: typing }),
      receive({ type: "message_history", payload: { room_id: 2, messages: [message] } }),
      send({ type: "ping" }),
      answer("/api/v1/rooms/2/members", 200, [
        { user_id: 1, username: "Alice", role: "owner", avatar: "", status_text: "" },
      ]),
      answer("/api/v1/search?q=b&kind=user", 200, [{ id: 2, username: "Bob" }]),
    );
    expect(errors).toEqual([]);
  });

  it("fails on unknown, missing and mistyped keys at any depth", () => {
    const errors = errorsOf(
      receive({ type: "typing", payload: { ...typing, since: "<time>" } }),
      receive({ type: "typing", payload: { room_id: 2, user_id: 2 } }),
      receive({ type: "typing", payload: { ...typing, user_id: "<digits>" } }),
      receive({
        type: "message_history",
        payload: { room_id: 2, messages: [{ ...message, starred: true }] },
      }),
      receive({
        type: "message_history",
        payload: { room_id: 2, messages: [{ ...message, file_pixels: [4] }] },
      }),
      send({ type: "mark_read", payload: { room_id: 2, id: "7" } }),
      answer("/api/v1/rooms/2/members", 200, [
        { user_id: 1, username: "Alice", role: "king", avatar: "", status_text: "" },
      ]),
      receive({ type: "typing", payload: typing, seq: 1 }),
      {
        receive: {
          socket: "a",
          json: { type: "pong", payload: {} },
          also: { type: "done", payload: { ref: 1 } },
        },
      },
    );
    expect(errors.map((error) => error.slice(0, error.indexOf(":")))).toEqual(
      [3, 4, 5, 6, 7, 8, 9, 10, 11].map((step) => `planted.json, step ${step}`),
    );
    expect(errors[0]).toContain("'\"since\"' does not exist");
    expect(errors[3]).toContain("'\"starred\"' does not exist");
  });

  it("fails on refusals of another form", () => {
    const errors = errorsOf(
      receive({ type: "error", payload: { message: "no", code: "forbidden", ref: "1", retry_after_ms: 5 } }),
      receive({ type: "error", payload: { message: "no", code: "verboten" } }),
      answer("/api/v1/me", 401, { error: "no", code: "unauthenticated" }),
      answer("/api/v1/me", 401, { error: "no", code: 401 }),
      {
        request: { method: "POST", path: "/api/v1/rooms?ext=1" },
        response: { status: 400, json: { error: "no", detail: "x" } },
      },
    );
    expect(errors.map((error) => error.slice(0, error.indexOf(":")))).toEqual(
      [4, 6, 7].map((step) => `planted.json, step ${step}`),
    );
  });

  it("fails on frames and commands that have no type", () => {
    const errors = errorsOf(receive({ type: "edited", payload: {} }), send({ type: "edit", payload: {} }));
    expect(errors).toHaveLength(2);
    expect(errors.join()).toContain(`'"edited"' does not satisfy the constraint`);
  });

  it("leaves out what the client never sees", () => {
    const errors = errorsOf(
      receive({ type: "unknown", payload: {} }, "plain"),
      send({ type: "send_message", payload: 1 }, { malformed: true }),
      answer("/api/v1/rooms", 200, "no route of the client"),
      answer("/api/v1/search?kind=cat", 200, "no route of the client"),
      answer("/api/chat/online-users", 401, { detail: "the words of document 003" }),
      { request: { method: "POST", path: "/api/v1/rooms" }, response: { status: 400, json: "no ext" } },
    );
    expect(errors).toEqual([]);
  });
});
