import { beforeEach, expect, it, vi } from "vitest";
import { conversation, message, systemMessage } from "../testing/fixtures";

const shown: string[] = [];

class FakeNotification {
  static permission = "granted";
  static requestPermission = vi.fn(async () => "granted");
  onclick = null;
  constructor(title: string, { body }: { body: string }) {
    shown.push(`${title}: ${body}`);
  }
  close() {}
}

/** The locks of a browser, shared by its tabs. */
function fakeLocks() {
  const held = new Set<string>();
  return {
    query: async () => ({ held: [...held].map((name) => ({ name })) }),
    request: async (
      name: string,
      options: { ifAvailable?: boolean },
      run: (lock: object | null) => unknown,
    ) => {
      if (options.ifAvailable && held.has(name)) return run(null);
      held.add(name);
      await run({});
      held.delete(name);
    },
  };
}

/** Another tab of the same browser. */
async function tab() {
  vi.resetModules();
  await (await import("../i18n")).loadTexts("en");
  return import("./notifications");
}

beforeEach(() => {
  shown.length = 0;
  localStorage.clear();
  vi.stubGlobal("Notification", FakeNotification);
  FakeNotification.permission = "granted";
  vi.spyOn(document, "hasFocus").mockReturnValue(false);
  Object.defineProperty(navigator, "locks", { value: fakeLocks(), configurable: true });
});

it("show each message once, whatever the number of tabs", async () => {
  const [one, other] = [await tab(), await tab()];
  const room = conversation(7);
  for (const each of [one, other]) void each.notify(message(1), room);
  for (const each of [one, other]) void each.notify(message(2, { message_type: "image" }), room);
  await vi.waitFor(() => expect(shown).toHaveLength(2));
  expect(shown).toEqual(["Bob · Room 7: text 1", "Bob · Room 7: [Picture]"]);
});

it("name the room alone when somebody has added the user to it", async () => {
  void (await tab()).notify(systemMessage(3, "added", "Bob", "Alice"), conversation(7));
  await vi.waitFor(() => expect(shown).toEqual(["Room 7: Bob added Alice"]));
});

it("are suppressed while one of the tabs has the focus", async () => {
  const [one, other] = [await tab(), await tab()];
  dispatchEvent(new Event("focus"));
  await one.notify(message(1), conversation(7));
  expect(shown).toEqual([]);
  dispatchEvent(new Event("blur"));
  await Promise.resolve();
  void other.notify(message(2), conversation(7, { is_private: true, name: "Bob" }));
  await vi.waitFor(() => expect(shown).toEqual(["Bob: text 2"]));
});

it("ask for permission once, and never if they are disabled", async () => {
  FakeNotification.permission = "default";
  localStorage.setItem("chinwag.notify", "off");
  (await tab()).requestPermissionOnce();
  expect(FakeNotification.requestPermission).not.toHaveBeenCalled();
  localStorage.removeItem("chinwag.notify");
  const enabled = await tab();
  enabled.requestPermissionOnce();
  enabled.requestPermissionOnce();
  expect(FakeNotification.requestPermission).toHaveBeenCalledTimes(1);
});
