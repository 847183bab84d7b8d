import { describe, expect, it } from "vitest";
import { loadTexts } from "../i18n";
import type { AdminUser } from "../model/api";
import { actText } from "./audit";
import { actsFor } from "./user_dialog";

const user: AdminUser = {
  id: 2,
  username: "Bob",
  email: "",
  avatar: "",
  is_admin: false,
  is_banned: false,
  ban_reason: "",
  created_at: "2026-01-01T00:00:00.000Z",
};

describe("a user", () => {
  it("is offered what fits the state, and the account is deleted last", () => {
    expect(actsFor(user)).toEqual(["promote", "sessions", "password", "ban", "delete"]);
    const other = { ...user, is_admin: true, is_banned: true };
    expect(actsFor(other)).toEqual(["demote", "sessions", "password", "unban", "delete"]);
  });
});

describe("an act", () => {
  it("has the words of the server where this version has none", async () => {
    await loadTexts("en");
    expect(actText("user.ban")).toBe("banned");
    expect(actText("planet.move")).toBe("planet.move");
  });
});
