import { render } from "preact";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { loadTexts } from "../i18n";
import type { RoomMessage } from "../net/types";
import { message } from "../testing/fixtures";
import { MessageBody } from "./message_body";

function draw(part: Partial<RoomMessage>): Element {
  document.body.innerHTML = "<div></div>";
  const root = document.body.firstElementChild as Element;
  render(<MessageBody message={message(1, part)} />, root);
  return root;
}

describe("uploads that an event names by their path", () => {
  beforeEach(() => loadTexts("en"));

  const file_url = "/uploads/chat/a.txt";
  const expectCard = (drawn: Element) => {
    expect(drawn.querySelector("a.card")?.getAttribute("href")).toBe(location.origin + file_url);
    expect(drawn.querySelector(".card-name")?.textContent).toBe("notes.txt");
    // The host of this server is not named.
    expect(drawn.querySelector("small")?.textContent).toBe("TXT");
    expect(drawn.querySelector(".text")).toBeNull();
  };
  const upload = { file_url, file_name: "notes.txt", content: "发送了文件: notes.txt" };

  it("are cards", () => {
    expectCard(draw({ ...upload, message_type: "file" }));
  });

  it.each(["audio", "video"] as const)("play in place, or are cards: %s", async (message_type) => {
    const drawn = draw({ ...upload, message_type });
    const player = drawn.querySelector<HTMLMediaElement>(message_type);
    expect(player?.getAttribute("src")).toBe(location.origin + file_url);
    expect([player?.controls, player?.autoplay, player?.preload]).toEqual([true, false, "metadata"]);
    player?.dispatchEvent(new Event("error"));
    await vi.waitFor(() => expectCard(drawn));
  });

  it("have the caption of their message, unless it is the name or what document 003 gives every file", () => {
    const file = {
      message_type: "file",
      file_url: "/uploads/chat/a.pdf",
      file_name: "a.pdf",
      file_size: 2000,
    } as const;
    const captionOf = (text: string) => draw({ ...file, text }).querySelector(".text")?.textContent;
    expect(captionOf("for **Friday**")).toBe("for Friday");
    for (const text of ["a.pdf", "发送了文件: a.pdf", file.file_url]) expect(captionOf(text)).toBeUndefined();
    expect(document.querySelector("small")?.textContent).toBe("PDF · 2 kB");
  });

  it.each([
    { file_url: "/uploads/images/a.png", content: "/uploads/images/a.png" },
    { file_url: null, content: "/uploads/images/a.png" },
  ])("are pictures", (part) => {
    const picture = draw({ message_type: "image", ...part });
    expect(picture.querySelector("img")?.getAttribute("src")).toBe(`${location.origin}/uploads/images/a.png`);
  });
});

it("draws the path of anything else as a text", () => {
  for (const content of ["/health", "/elsewhere/a.png", "//example.org/a.png"]) {
    const body = draw({ message_type: "image", content });
    expect(body.textContent).toBe(content);
    expect(body.querySelector("img, a")).toBeNull();
  }
});
