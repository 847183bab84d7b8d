import { beforeAll, describe, expect, it } from "vitest";
import { loadTexts } from "../i18n";
import { conversation, message } from "../testing/fixtures";
import { lastLine, preview, roomName, systemText } from "./labels";

describe("labels", () => {
  beforeAll(() => loadTexts("en"));

  it("translate what the server says of rooms, names and all", () => {
    expect(systemText("Alice 邀请 加入了聊天室 加入了聊天室")).toBe("Alice added 加入了聊天室");
    expect(systemText("李雷 离开了聊天室")).toBe("李雷 left");
    expect(systemText("公告：明天维护")).toBe("公告：明天维护");
  });

  it("stand for pictures and files without a text", () => {
    expect(preview(message(1, { message_type: "image" }))).toBe("[Picture]");
    expect(preview(message(1, { message_type: "file", file_name: "a.pdf" }))).toBe("[File] a.pdf");
    expect(preview(message(1, { message_type: "video" }))).toBe("[File]");
  });

  it("name the sender in rooms with several senders", () => {
    const last_message = message(1, { content: "hi" });
    expect(lastLine(conversation(7, { last_message }), 1)).toBe("Bob: hi");
    expect(lastLine(conversation(7, { last_message }), 2)).toBe("You: hi");
    expect(lastLine(conversation(7, { last_message, is_private: true }), 1)).toBe("hi");
    expect(lastLine(conversation(7, { last_message: null }), 1)).toBe("No messages yet");
    expect(roomName(conversation(1, { room_id: "global", name: "全局聊天室" }))).toBe("Lobby");
  });
});
