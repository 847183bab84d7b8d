import { render } from "preact";
import { beforeEach, describe, expect, it } from "vitest";
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

  it.each(["file", "audio", "video"] as const)("are cards: %s", (message_type) => {
    const file_url = "/uploads/chat/a.txt";
    const card = draw({ message_type, file_url, file_name: "notes.txt", content: "发送了文件: notes.txt" });
    expect(card.querySelector("a.card")?.getAttribute("href")).toBe(location.origin + file_url);
    expect(card.querySelector(".card-name")?.textContent).toBe("notes.txt");
    // The host of this server is not named.
    expect(card.querySelector("small")?.textContent).toBe("TXT");
    expect(card.querySelector(".text")).toBeNull();
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
