import { beforeEach, describe, expect, it } from "vitest";
import { type Code, Refused } from "../net/refused";
import { loadTexts } from ".";
import { codeText, errorText } from "./errors";

describe("error texts", () => {
  beforeEach(() => loadTexts("en"));

  it("are in the user's language", async () => {
    expect(errorText(new Refused("room_not_found", "Raum fehlt"))).toBe(
      "Room not found, or you are not a member",
    );
    await loadTexts("zh");
    expect(errorText(new Refused("bad_credentials"))).toBe("用户名或密码错误");
  });

  it("are more exact for known fields", () => {
    expect(codeText("length")).toBe("Too short or too long");
    expect(codeText("length", "content")).toBe("A message has 1 to 5000 characters");
    expect(codeText("length", "something_new")).toBe("Too short or too long");
    expect(codeText("missing", "file")).toBe("This is not a file of a type that can be sent");
    expect(codeText("missing", "image")).toBe("Only JPEG, PNG, GIF and WebP pictures can be sent");
  });

  it("say how long to wait", async () => {
    const slow = (retryAfterMs?: number) => errorText(new Refused("slow_mode", "", { retryAfterMs }));
    expect(slow()).toBe("This room is in slow mode. Please wait before you write again.");
    expect(slow(300)).toBe("Slow mode, again in 1 second");
    expect(slow(11_001)).toBe("Slow mode, again in 12 seconds");
    expect(slow(119_500)).toBe("Slow mode, again in 2 minutes");
    expect(slow(6 * 3600_000)).toBe("Slow mode, again in 6 hours");
    expect(codeText("rate_limited", null, 5000)).toBe("Too many requests, again in 5 seconds");
    await loadTexts("zh");
    expect(slow(11_001)).toBe("慢速模式，12 秒后可再发送");
  });

  it("are the words of the server for codes of newer versions", () => {
    const unknown = "too_early" as Code;
    expect(codeText(unknown)).toBe("");
    expect(errorText(new Refused(unknown, "Not before noon"))).toBe("Not before noon");
  });

  it("hide the details of defects", () => {
    expect(errorText(new TypeError("x is undefined"))).toBe("Something went wrong");
    expect(errorText("odd")).toBe("Something went wrong");
  });
});
