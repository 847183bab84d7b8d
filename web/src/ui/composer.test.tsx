import { render } from "preact";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { loadTexts } from "../i18n";
import { connection } from "../model/connection";
import { draftOf, openDrafts } from "../model/drafts";
import { pendingMessages } from "../model/outbox";
import { Room } from "../model/rooms";
import { me } from "../model/session";
import { toast } from "../model/toast";
import { Refused } from "../net/refused";
import { account, message } from "../testing/fixtures";
import { settle } from "../testing/settle";
import { Composer } from "./composer";

const onReplyDone = vi.fn();
const onFiles = vi.fn();
let room: Room;
let box: HTMLTextAreaElement;
let send: HTMLButtonElement;

let root: Element | undefined;

async function mount(replyTo: number | null = null): Promise<void> {
  // What an earlier composer has still to do must not reach the draft of this one.
  if (root) render(null, root);
  document.body.innerHTML = "<div></div>";
  root = document.body.firstElementChild as Element;
  room = new Room(7);
  await draw(replyTo);
}

async function draw(replyTo: number | null = null): Promise<void> {
  if (!root) return;
  const input = { current: null };
  render(<Composer {...{ room, input, replyTo, onReplyDone, onFiles }} />, root);
  await settle();
  box = root.querySelector("textarea") as HTMLTextAreaElement;
  send = root.querySelector(".is-send") as HTMLButtonElement;
}

async function type(text: string): Promise<void> {
  box.value = text;
  box.dispatchEvent(new InputEvent("input", { bubbles: true }));
  await settle();
}

function press(init: KeyboardEventInit): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...init });
  box.dispatchEvent(event);
  return event;
}

beforeEach(async () => {
  localStorage.clear();
  await loadTexts("en");
  openDrafts(1);
  pendingMessages.value = [];
  me.value = account(1, "Alice");
  onReplyDone.mockReset();
  onFiles.mockReset();
  await mount();
});

it("sends with Enter and breaks the line with Shift+Enter", async () => {
  await type("你好");
  expect(press({ shiftKey: true }).defaultPrevented).toBe(false);
  expect(pendingMessages.value).toEqual([]);
  expect(press({}).defaultPrevented).toBe(true);
  expect(pendingMessages.value).toMatchObject([{ room: 7, text: "你好", replyTo: null }]);
  await settle();
  expect(box.value).toBe("");
});

it("leaves the Enter that ends a composition to the input method", async () => {
  await type("nihao");
  press({ isComposing: true });
  press({ keyCode: 229 });
  expect(pendingMessages.value).toEqual([]);
});

it("sends no empty text, and cuts one that is too long", async () => {
  expect(send.disabled).toBe(true);
  await type("  \n ");
  press({});
  expect(pendingMessages.value).toEqual([]);
  await type("😀".repeat(5000));
  expect(send.disabled).toBe(false);
  expect(document.querySelector(".composer-count b")?.textContent).toBe("");
  await type("好".repeat(500_000));
  expect(box.value).toBe("好".repeat(5000));
  expect(draftOf(7).text).toHaveLength(5000);
  expect(document.querySelector(".composer-count b")?.textContent).not.toBe("");
  await type("好");
  expect(document.querySelector(".composer-count b")?.textContent).toBe("");
});

it("shows what another tab writes into the draft", async () => {
  await type("half");
  const newValue = JSON.stringify({ text: "half a thought", replyTo: null });
  dispatchEvent(new StorageEvent("storage", { key: "chinwag.draft.1.7", newValue }));
  await settle();
  expect(box.value).toBe("half a thought");
  expect(draftOf(7).text).toBe("half a thought");
  dispatchEvent(new StorageEvent("storage", { key: "chinwag.draft.1.8", newValue }));
  dispatchEvent(new StorageEvent("storage", { key: "chinwag.draft.2.7", newValue: null }));
  await settle();
  expect(box.value).toBe("half a thought");
  dispatchEvent(new StorageEvent("storage", { key: "chinwag.draft.1.7", newValue: null }));
  await settle();
  expect(box.value).toBe("");
});

it("saves a draft while typing, and removes it on sending", async () => {
  await type("half a thought");
  expect(draftOf(7).text).toBe("half a thought");
  await mount();
  expect(box.value).toBe("half a thought");
  press({});
  await settle();
  expect(draftOf(7).text).toBe("");
});

it("replies to a message until Esc", async () => {
  await mount(3);
  press({ key: "Escape" });
  expect(onReplyDone).toHaveBeenCalledTimes(1);
  await type("yes");
  press({});
  expect(pendingMessages.value).toMatchObject([{ replyTo: 3 }]);
});

describe("pasting", () => {
  const picture = new File(["x"], "image.png", { type: "image/png" });
  const paste = (files: File[], text: string) => {
    const event = new Event("paste", { bubbles: true, cancelable: true });
    const getData = (type: string) => (type === "text/plain" ? text : "");
    Object.assign(event, { clipboardData: { files, getData } });
    box.dispatchEvent(event);
    return event.defaultPrevented;
  };

  it.each([
    ["a picture", ""],
    ["a picture with blank lines", " \r\n"],
    ["a file and its name", "image.png"],
    ["a file and its path", "file:///home/bob/image.png\n"],
    ["a file and its path on Windows", "C:\\Users\\bob\\image.png"],
  ])("takes %s", (_, text) => {
    expect(paste([picture], text)).toBe(true);
    expect(onFiles).toHaveBeenCalledExactlyOnceWith([picture]);
  });

  it.each([
    ["a text", [], "a text"],
    ["cells, which come with a picture of them", [picture], "1\t2\n3\t4"],
    ["a text about a file", [picture], "image.png\nis what I mean"],
  ])("leaves %s to the browser", (_, files, text) => {
    expect(paste(files, text)).toBe(false);
    expect(onFiles).not.toHaveBeenCalled();
  });
});

it("keeps the text until the user is known", async () => {
  me.value = null;
  await settle();
  await type("early");
  press({});
  await settle();
  expect(pendingMessages.value).toEqual([]);
  expect(box.value).toBe("early");
  expect(send.disabled).toBe(true);
  me.value = account(1, "Alice");
  await settle();
  press({});
  expect(pendingMessages.value).toMatchObject([{ room: 7, text: "early" }]);
});

describe("editing", () => {
  const own = (id: number, part = {}) =>
    message(id, { user_id: 1, created_at: new Date().toISOString(), ...part });
  const command = vi.spyOn(connection, "command");

  beforeEach(() => {
    command.mockReset().mockResolvedValue();
    room.messages.value = [own(3), own(4, { content: "**last** one" }), message(5)];
  });

  async function edits(): Promise<object[]> {
    await settle();
    return command.mock.calls.map(([frame]) => frame).filter(({ type }) => type === "edit_message");
  }

  it("begins with ArrowUp in an empty box, at the last own message", async () => {
    expect(press({ key: "ArrowUp" }).defaultPrevented).toBe(true);
    await vi.waitFor(() => expect(box.value).toBe("**last** one"));
    expect(document.querySelector(".replying")?.textContent).toContain("last one");
    await type("the last one");
    press({});
    const payload = { room_id: 7, id: 4, content: "the last one" };
    expect(await edits()).toEqual([{ type: "edit_message", payload }]);
    await vi.waitFor(() => expect([box.value, room.editing.value]).toEqual(["", null]));
    expect(pendingMessages.value).toEqual([]);
  });

  it("leaves ArrowUp to a box that has a text", async () => {
    await type("half");
    expect(press({ key: "ArrowUp" }).defaultPrevented).toBe(false);
    expect(room.editing.value).toBeNull();
  });

  it.each([
    ["of others", message(6, { created_at: new Date().toISOString() })],
    ["older than a day", own(6, { created_at: new Date(Date.now() - 86_400_001).toISOString() })],
    ["with a file", own(6, { message_type: "image", file_url: "/uploads/a.png" })],
  ])("does not begin at messages %s", async (_, last) => {
    room.messages.value = [last];
    expect(press({ key: "ArrowUp" }).defaultPrevented).toBe(false);
    expect(room.editing.value).toBeNull();
  });

  it("leaves the draft alone, which is back after Escape", async () => {
    await type("a draft");
    room.editing.value = 3;
    await settle();
    await type("another text");
    expect(draftOf(7).text).toBe("a draft");
    press({ key: "Escape" });
    await settle();
    expect([box.value, draftOf(7).text]).toEqual(["a draft", "a draft"]);
    expect(await edits()).toEqual([]);
  });

  it("sends nothing for the same text", async () => {
    room.editing.value = 3;
    await settle();
    press({});
    expect(await edits()).toEqual([]);
    expect(room.editing.value).toBeNull();
  });

  it("tells why an edit was refused, and keeps its text", async () => {
    command.mockRejectedValue(new Refused("too_late"));
    room.editing.value = 3;
    await settle();
    await type("too late");
    press({});
    await settle();
    expect([box.value, room.editing.value]).toEqual(["too late", 3]);
    expect(toast.value?.text).toContain("for a day");
  });

  it("ends when the message is deleted", async () => {
    room.editing.value = 3;
    await settle();
    room.messages.value = [own(4)];
    await settle();
    expect([box.value, room.editing.value]).toEqual(["", null]);
  });

  it("leaves what was typed in the box when the message is deleted meanwhile", async () => {
    await type("a draft");
    room.editing.value = 3;
    await settle();
    await type("changed");
    room.messages.value = [own(4)];
    await vi.waitFor(() => expect([box.value, room.editing.value]).toEqual(["changed\na draft", null]));
    expect(draftOf(7).text).toBe("changed\na draft");
  });

  it("keeps what was typed for an edit until the user comes back", async () => {
    await type("a draft");
    room.editing.value = 3;
    await settle();
    await type("changed");
    render(null, root as Element);
    await vi.waitFor(() => expect(room.editing.value).toBeNull());
    await draw();
    await vi.waitFor(() => expect([box.value, room.editing.value]).toEqual(["changed", 3]));
    press({ key: "Escape" });
    await settle();
    expect(box.value).toBe("a draft");
    render(null, root as Element);
    await draw();
    expect([box.value, room.editing.value]).toEqual(["a draft", null]);
  });
});
