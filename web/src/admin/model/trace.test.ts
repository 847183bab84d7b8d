import { expect, it } from "vitest";
import { messageIdOf } from "./trace";

const UUID = "0199a1b2-c3d4-8000-8000-0650000000ab";

it.each([
  [" 10305 ", "10305"],
  [UUID, UUID],
  ["https://chat.example/chat?room=101&message=10305", "10305"],
  ["/chat?message=7#x", "7"],
  ["https://chat.example/chat?room=101", null],
  ["https://chat.example/chat?message=1x", null],
  ["hello", null],
  ["", null],
])("%j names message %j", (text, id) => expect(messageIdOf(text)).toBe(id));
