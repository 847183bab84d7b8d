import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type AsyncApi, channelsOf, pathOf, withToken } from "./document";

const channels = channelsOf(JSON.parse(readFileSync("../docs/asyncapi.json", "utf8")) as AsyncApi);

it("has the address of each channel, as a browser can open it", () => {
  expect(channels.map(({ name, address }) => `${name} ${address}`)).toEqual([
    "webchat /ws",
    "webchatExtended /ws?ext=1",
    "envelope /api/v1/ws",
    "messenger /ws/chat?dialect=messenger",
    "imtypes /ws/chat",
    "imtypesExtended /ws/chat?ext=1",
  ]);
  expect(withToken("/ws", "a.b")).toBe("/ws?token=a.b");
  expect(withToken("/ws?ext=1", "a b")).toBe("/ws?ext=1&token=a%20b");
});

it("takes whole addresses of this server, and none of others", () => {
  const origin = "http://chat.example:3000";
  expect(pathOf("/ws?ext=1", origin)).toBe("/ws?ext=1");
  expect(pathOf(" ws/chat ", origin)).toBe("/ws/chat");
  expect(pathOf("ws://chat.example:3000/api/v1/ws#top", origin)).toBe("/api/v1/ws");
  for (const other of ["wss://evil.example/ws", "//evil.example/ws", "http://chat.example/ws", "http://"]) {
    expect(pathOf(other, origin), other).toBeNull();
  }
});

it("has an example of every message that a client may send", () => {
  for (const channel of channels) expect(channel.examples.length, channel.name).toBeGreaterThan(0);
  const extended = channels.find(({ name }) => name === "webchatExtended")?.examples ?? [];
  expect(extended.map(({ message }) => message)).toContain("react");
  expect(JSON.parse(extended[0]?.frame ?? "")).toMatchObject({ type: "send_message" });
  const [first, second, history] = channels[0]?.examples ?? [];
  expect([first?.number, second?.number, history?.number]).toEqual([1, 2, null]);
});
