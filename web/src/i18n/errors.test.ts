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
