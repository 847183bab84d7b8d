// Notifications while Chinwag is closed.
import { expect, newUsers, pick, test } from "./fixtures";

/** Stands in for the push service of the browser, which needs one of its maker. */
function stub(): void {
  const keys = { p256dh: "", auth: "BTBZMqHH6r4Tts7J_aSIgg" };
  keys.p256dh = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
  const state = { subscription: null as object | null };
  PushManager.prototype.getSubscription = async () => state.subscription as PushSubscription | null;
  PushManager.prototype.subscribe = async (options = {}) => {
    const endpoint = "https://push.example/1";
    const unsubscribe = async () => {
      state.subscription = null;
      return true;
    };
    const applicationServerKey = (options.applicationServerKey as Uint8Array).buffer;
    const toJSON = () => ({ endpoint, keys });
    state.subscription = { endpoint, options: { applicationServerKey }, toJSON, unsubscribe };
    return state.subscription as PushSubscription;
  };
}

test("a user subscribes, is notified without a window, and unsubscribes by the log-out", {
  tag: "@chromium",
}, async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  const page = await enter(bob, {
    serviceWorkers: "allow",
    permissions: ["notifications"],
  });
  await page.addInitScript(stub);
  await page.evaluate(stub);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.getByRole("button", { name: /Account and settings/ }).click();
  const toggle = page.getByRole("switch", { name: "Also while Chinwag is closed" });
  await expect(toggle).toHaveAttribute("aria-checked", "false");
  const told = page.waitForResponse((answer) => answer.url().endsWith("/api/v1/push/subscriptions"));
  await toggle.click();
  expect((await told).status()).toBe(201);
  await expect(toggle).toHaveAttribute("aria-checked", "true");
  await page.keyboard.press("Escape");

  // No page of the client is open.
  const session = await page.context().newCDPSession(page);
  const registered = new Promise<string>((resolve) => {
    session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const [first] = registrations;
      if (first) resolve(first.registrationId);
    });
  });
  await session.send("ServiceWorker.enable");
  const registrationId = await registered;
  const { origin } = new URL(page.url());
  await page.goto(`${origin}/docs/`);
  const message = {
    room,
    id: 11,
    direct: true,
    from: "Alice",
    name: "",
    kind: "text",
    text: "are you there?",
  };
  const data = JSON.stringify(message);
  await session.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data });
  const shown = () =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration("/chat");
      const all = (await registration?.getNotifications()) ?? [];
      return all.map(({ title, body, tag }) => `${title}: ${body} (${tag})`);
    });
  await expect.poll(shown).toEqual([`Alice: are you there? (chinwag-room-${room})`]);

  await page.goto(`${origin}/chat`);
  await pick(page, /Account and settings/, "Log out");
  await expect.poll(() => page.evaluate(() => localStorage.getItem("chinwag.push"))).toBeNull();
});
