import { afterEach, expect, it } from "vitest";
import { currentUrl, navigate } from "./router";
import { isOfChat, messageAddress, showMessage, targetMessage } from "./target";

afterEach(() => {
  targetMessage.value = null;
  navigate("/chat");
});

it("an address of a message leads to it, once", () => {
  const address = new URL(messageAddress(7, 4294967301));
  expect(isOfChat(address.href)).toBe(true);
  navigate(address.pathname + address.search);
  expect(targetMessage.value).toMatchObject({ room: 7, message: 4294967301 });
  expect(currentUrl()).toBe("/chat?room=7");
});

it.each([
  "/chat?room=7",
  "/chat?message=5",
  "/chat?room=x&message=5",
  "/chat?room=7&message=5.5",
  "/login?room=7&message=5",
])("%s leads to no message", (address) => {
  navigate(address);
  expect(targetMessage.value).toBeNull();
  expect(currentUrl()).toBe(address);
});

it("other addresses are not of the chat", () => {
  for (const address of [
    "https://evil.example/chat?room=1",
    `${location.origin}/docs`,
    "mailto:a@b.example",
  ]) {
    expect(isOfChat(address), address).toBe(false);
  }
});

it("a message is shown in its conversation", () => {
  showMessage(9, 5);
  expect(currentUrl()).toBe("/chat?room=9");
  expect(targetMessage.value).toMatchObject({ room: 9, message: 5 });
});

it("is forgotten in another conversation", () => {
  showMessage(9, 5);
  navigate("/chat?room=9&search=x");
  expect(targetMessage.value).not.toBeNull();
  navigate("/chat?room=8");
  navigate("/chat?room=9");
  expect(targetMessage.value).toBeNull();
});
