import { beforeAll, describe, expect, it } from "vitest";
import { loadTexts, setLang } from "../i18n";
import type { RoomMessage } from "../net/types";
import { conversation, message, systemMessage } from "../testing/fixtures";
import { announcement, lastLine, personName, preview, roomName, systemText } from "./labels";

describe("labels", () => {
  beforeAll(() => loadTexts("en"));

  it("word the notices of system messages", () => {
    expect(systemText(systemMessage(1, "created", "Alice", "Alice"))).toBe("Alice created the room");
    expect(systemText(systemMessage(1, "joined", "Bob", "Bob"))).toBe("Bob joined");
    expect(systemText(systemMessage(1, "left", "李雷", "李雷"))).toBe("李雷 left");
    expect(systemText(systemMessage(1, "added", "Alice", "加入了聊天室"))).toBe("Alice added 加入了聊天室");
    expect(systemText(systemMessage(1, "removed", "Alice", "Bob"))).toBe("Alice removed Bob");
    expect(preview(systemMessage(1, "joined", "Bob", "Bob"))).toBe("Bob joined");
  });

  it("name deleted accounts in the user's language", async () => {
    const gone = "已注销";
    expect(systemText(systemMessage(1, "left", gone, gone))).toBe("Deleted account left");
    expect(announcement(message(1, { username: gone, text: "bye" }))).toBe("Deleted account: bye");
    expect(roomName(conversation(1, { kind: "direct", user_id: 7, name: gone }))).toBe("Deleted account");
    // A group may have any name.
    expect(roomName(conversation(1, { user_id: null, name: gone }))).toBe(gone);
    await setLang("zh");
    expect(personName(gone)).toBe(gone);
    await setLang("en");
  });

  it("leave system messages without a known notice as they are", () => {
    const old = message(1, { user_id: 0, text: "Bob 加入了聊天室" });
    expect(systemText(old)).toBe("Bob 加入了聊天室");
    const unknown = { ...systemMessage(1, "joined", "Bob", "Bob"), text: "Bob did something" };
    unknown.notice = { ...unknown.notice, kind: "renamed" } as unknown as typeof unknown.notice;
    expect(systemText(unknown)).toBe("Bob did something");
  });

  it("stand for pictures and files without a text", () => {
    expect(preview(message(1, { message_type: "image" }))).toBe("[Picture]");
    expect(preview(message(1, { message_type: "file", file_name: "a.pdf" }))).toBe("[File] a.pdf");
    expect(preview(message(1, { message_type: "video" }))).toBe("[File]");
  });

  it("have the captions of pictures, and no address or name of a file", () => {
    const picture = { message_type: "image", file_url: "/uploads/images/a.png" } as const;
    const shown = (part: Partial<RoomMessage>) => preview(message(1, { ...picture, ...part }));
    expect(shown({ text: "what we saw" })).toBe("[Picture] what we saw");
    expect(shown({ text: "" })).toBe("[Picture]");
    expect(shown({ text: "/uploads/images/a.png" })).toBe("[Picture]");
    expect(shown({ text: "https://example.org/a.png" })).toBe("[Picture]");
    expect(shown({ text: "发送了文件: a.png", file_name: "a.png" })).toBe("[Picture]");
  });

  it("have the words of a text, and no marks of its formatting", () => {
    expect(preview(message(1, { content: "**now** `a*b*`" }))).toBe("now a*b*");
    expect(lastLine(conversation(7, { last_message: message(1, { content: "> *so*" }) }), 1)).toBe("Bob: so");
  });

  it("announce messages with their sender, and notices without one", () => {
    expect(announcement(message(1, { content: "hi" }))).toBe("Bob: hi");
    expect(announcement(systemMessage(2, "joined", "Bob", "Bob"))).toBe("Bob joined");
  });

  it("name the sender in rooms with several senders", () => {
    const last_message = message(1, { content: "hi" });
    expect(lastLine(conversation(7, { last_message }), 1)).toBe("Bob: hi");
    expect(lastLine(conversation(7, { last_message }), 2)).toBe("You: hi");
    expect(lastLine(conversation(7, { last_message, is_private: true }), 1)).toBe("hi");
    expect(lastLine(conversation(7, { last_message: null }), 1)).toBe("No messages yet");
  });

  it("have the direction of their text, whatever the name before it", () => {
    const line = (username: string, content: string, own = 1) =>
      lastLine(conversation(7, { last_message: message(1, { username, content }) }), own);
    expect(line("Bob", "مرحبا!", 2)).toBe("\u200fYou: مرحبا!");
    expect(line("Bob", "«مرحبا»")).toBe("\u200fBob: «مرحبا»");
    expect(line("ليلى", "hello!")).toBe("\u200eليلى: hello!");
    expect(line("ليلى", "مرحبا")).toBe("ليلى: مرحبا");
    expect(line("Bob", "hello, ليلى")).toBe("Bob: hello, ليلى");
  });

  it("name the room of everybody", () => {
    expect(roomName(conversation(1, { room_id: "global", name: "全局聊天室" }))).toBe("Lobby");
  });
});
