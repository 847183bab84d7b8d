import { expect, it, vi } from "vitest";
import { api } from "../net/http";
import type { RoomSettings } from "../net/types";
import { changeSettings, changesOf, loadSettings } from "./room_settings";
import { Room } from "./rooms";

const settings: RoomSettings = {
  id: 7,
  room_id: "room_00000007",
  kind: "group",
  name: "Tea",
  description: "",
  avatar: "",
  slow_mode_secs: 0,
};

it("sends what differs and nothing else", () => {
  expect(changesOf(settings, {})).toEqual({});
  expect(changesOf(settings, { name: "Tea", slow_mode_secs: 0 })).toEqual({});
  expect(changesOf(settings, { name: "Tea", description: "Leaves", slow_mode_secs: 30 })).toEqual({
    description: "Leaves",
    slow_mode_secs: 30,
  });
});

it("keeps what the server says", async () => {
  const room = new Room(7);
  vi.spyOn(api, "room").mockResolvedValue(settings);
  await loadSettings(room);
  expect(room.settings.value).toEqual(settings);
  const change = vi.spyOn(api, "changeRoom").mockResolvedValue({ ...settings, name: "Green tea" });
  await changeSettings(room, { name: " Green tea " });
  expect(change).toHaveBeenCalledWith(7, { name: " Green tea " });
  expect(room.settings.value?.name).toBe("Green tea");
});
