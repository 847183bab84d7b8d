// The states of the client beyond its plain pages: what is open, pointed at, typed, or missing.
import { bubble, expect, item, type Locator, type Page, silence } from "../fixtures";
import type { Cast } from "./casts";
import { adminWordsOf, socketWordsOf, wordsOf } from "./words";

export interface Stage {
  page: Page;
  cast: Cast;
  isPhone: boolean;
  pictures: Buffer[];
  take: (page: Page, name: string) => Promise<void>;
}

/** Waits until fonts and pictures are loaded and the list is at rest. */
export async function settled(page: Page): Promise<void> {
  await page.waitForLoadState("networkidle");
  await page.evaluate(async () => {
    await document.fonts.ready;
    const frame = () => new Promise((next) => requestAnimationFrame(next));
    for (let still = 0, last = ""; still < 20; still += 1) {
      await frame();
      const box = document.querySelector(".rows");
      const now = `${box?.scrollTop} ${box?.scrollHeight} ${document.images.length}`;
      const isLoaded = [...document.images].every(({ complete }) => complete);
      if (now !== last || !isLoaded) still = 0;
      last = now;
    }
  });
}

/** Clicks on what may have to be scrolled into view, once nothing moves any more. */
async function clickAtRest(thing: Locator): Promise<void> {
  await thing.scrollIntoViewIfNeeded();
  await settled(thing.page());
  await thing.click();
}

const dialog = (page: Page) => page.getByRole("dialog");
const isGone = (thing: Locator) => expect(thing).toHaveCount(0);

/** Closes what is open, one layer at a time. */
async function close(page: Page): Promise<void> {
  while ((await dialog(page).count()) > 0) {
    const before = await dialog(page).count();
    await page.keyboard.press("Escape");
    await expect.poll(() => dialog(page).count()).toBeLessThan(before);
  }
}

/** The button that a label names exactly. */
const button = (place: Page | Locator, name: string) => place.getByRole("button", { name, exact: true });

const input = (page: Page) => page.locator(".composer textarea");

const inTray = ({ pictures }: Stage) => [
  ...pictures.map((buffer, at) => ({ name: `${at + 1}.jpg`, mimeType: "image/jpeg", buffer })),
  { name: "ridge.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(48_000, "%PDF") },
];

/** What stands around the composer. */
async function writing(stage: Stage): Promise<void> {
  const { page, cast, take } = stage;
  const t = wordsOf(cast.locale);
  for (const [key, name] of [
    ["emoji.title", "emoji"],
    ["format.help", "formatting-help"],
  ] as const) {
    await button(page.locator(".composer"), t(key)).click();
    await expect(dialog(page)).toBeVisible();
    await take(page, name);
    await close(page);
  }
  await page.locator(".composer input[type=file]").first().setInputFiles(inTray(stage));
  await expect(page.locator(".tray-item")).toHaveCount(stage.pictures.length + 1);
  await take(page, "tray");
  while ((await page.locator(".tray-item").count()) > 0) {
    await page.locator(".tray-item").first().getByRole("button").click();
  }
  for (const [text, name] of [
    ["@", "mention-completion"],
    [":smi", "emoji-completion"],
  ] as const) {
    await input(page).fill("");
    await input(page).pressSequentially(text);
    await expect(page.getByRole("option").first()).toBeVisible();
    await take(page, name);
  }
  await input(page).fill("");
}

/** Opens what a message offers: beside it with a mouse, in a sheet on a phone. */
async function openActions(stage: Stage, row: Locator, action?: string): Promise<void> {
  const { page, cast, isPhone } = stage;
  const t = wordsOf(cast.locale);
  if (isPhone) {
    await row.locator(".more").focus();
    await page.keyboard.press("Enter");
  } else {
    await row.hover();
    await row.getByRole("button", { name: t("msg.moreActions") }).click();
  }
  await expect(dialog(page)).toBeVisible();
  if (action) await button(dialog(page), t(action)).click();
}

/** What is done with messages. */
async function acting(stage: Stage): Promise<void> {
  const { page, cast, isPhone, take } = stage;
  const t = wordsOf(cast.locale);
  const [, text = ""] = cast.afterPictures[0] ?? [];
  const own = page.locator(".row", { has: bubble(page, text) });
  await own.scrollIntoViewIfNeeded();
  if (!isPhone) {
    await own.hover();
    await take(page, "message-tools");
    await own.getByRole("button", { name: t("react.add") }).click();
    await take(page, "message-reactions");
    await page.mouse.move(0, 0);
  }
  await openActions(stage, own);
  await take(page, "message-menu");
  await close(page);
  await openActions(stage, own, "msg.forward");
  await dialog(page).getByRole("checkbox").first().click();
  await take(page, "forward");
  await close(page);
  await page.locator(".pinned .link").click();
  await expect(dialog(page)).toBeVisible();
  await take(page, "pinned");
  await close(page);
  await clickAtRest(page.locator(".row-main .person").first());
  await expect(dialog(page)).toBeVisible();
  await take(page, "user-card");
  await close(page);
  await clickAtRest(page.locator(".picture-grid .picture").first());
  await expect(page.locator(".lightbox img")).toBeVisible();
  await take(page, "lightbox");
  await close(page);
}

/** The panels beside the conversation. */
async function panels(stage: Stage): Promise<void> {
  const { page, cast, take } = stage;
  const t = wordsOf(cast.locale);
  await button(page, t("room.members")).click();
  await expect(page.locator(".member").first()).toBeVisible();
  await take(page, "details");
  await page.getByRole("tab", { name: t("details.pictures") }).click();
  await expect(page.locator(".tile").first()).toBeVisible();
  await take(page, "details-pictures");
  await page.getByRole("tab", { name: t("details.files") }).click();
  await take(page, "details-files");
  await page
    .locator(".members")
    .getByRole("button", { name: t("close") })
    .click();
  await button(page, t("find.here")).click();
  await page.getByRole("searchbox", { name: t("find.hint") }).fill(cast.sought);
  await expect(page.locator(".hit").first()).toBeVisible();
  await take(page, "search-panel");
  await page
    .locator(".finder")
    .getByRole("button", { name: t("close") })
    .click();
  await isGone(page.locator(".finder"));
}

/** The list, its menus, and the account. */
async function list(stage: Stage): Promise<void> {
  const { page, cast, isPhone, take } = stage;
  const t = wordsOf(cast.locale);
  await page.getByRole("searchbox", { name: t("search.label"), exact: true }).fill(cast.sought);
  await expect(page.locator(".side section").first()).toBeVisible();
  await take(page, "search");
  await button(page, t("search.clear")).click();
  await button(page, t("list.unreadOnly")).click();
  await take(page, "unread");
  await button(page, t("list.unreadOnly")).click();
  if (isPhone) await item(page, cast.group).dispatchEvent("contextmenu");
  else await item(page, cast.group).click({ button: "right" });
  await expect(dialog(page)).toBeVisible();
  await take(page, "conversation-menu");
  await close(page);
  for (const [entry, name] of [
    ["new.chat", "new-chat"],
    ["new.group", "new-group"],
    ["new.browse", "browse"],
  ] as const) {
    await button(page, t("new.label")).click();
    await page
      .locator(".menu")
      .getByRole("button", { name: t(entry) })
      .click();
    await expect(dialog(page)).toBeVisible();
    await take(page, name);
    await close(page);
  }
  await page.evaluate(() => dispatchEvent(new Event("beforeinstallprompt", { cancelable: true })));
  await page.locator(".me").click();
  await expect(page.locator(".menu")).toContainText(t("menu.install"));
  await take(page, "menu");
  await page
    .locator(".menu")
    .getByRole("button", { name: t("menu.account") })
    .click();
  await expect(page.locator(".session").first()).toBeVisible();
  await take(page, "profile");
  await page.locator(".session").first().scrollIntoViewIfNeeded();
  await take(page, "sessions");
  await button(page, t("account.delete")).click();
  await expect(dialog(page)).toHaveCount(2);
  await take(page, "delete-account");
  await page.keyboard.press("Escape");
  await expect(dialog(page)).toHaveCount(1);
  const [portrait] = inTray(stage);
  await page.locator(".portrait input").setInputFiles(portrait ?? []);
  await expect(page.locator(".crop-area")).toBeVisible();
  await take(page, "crop");
  await close(page);
  if (isPhone) return;
  await page.keyboard.press("Control+/");
  await expect(dialog(page)).toBeVisible();
  await take(page, "shortcuts");
  await close(page);
}

export async function takeStates(stage: Stage): Promise<void> {
  const { page, cast, isPhone, take } = stage;
  const t = wordsOf(cast.locale);
  await list(stage);
  await item(page, cast.more.find(({ isLong }) => isLong)?.name ?? "").click();
  await expect(page.locator(".catch-up")).toBeVisible();
  await take(page, "catch-up");
  if (isPhone) await page.getByRole("button", { name: t("room.back") }).click();
  await item(page, cast.group).click();
  await expect(page.locator(".picture img")).toHaveCount(stage.pictures.length);
  await writing(stage);
  await acting(stage);
  await panels(stage);
}

/** What is left without a connection. The page has read its conversations before. */
export async function takeOffline(stage: Stage): Promise<void> {
  const { page, cast, isPhone, take } = stage;
  const t = wordsOf(cast.locale);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
  await page.context().setOffline(true);
  await page.goto("/chat");
  await expect(page.locator(".net.is-shown")).toBeVisible();
  await take(page, "offline-list");
  await item(page, cast.group).click();
  await expect(page.locator(".pane-note")).toBeVisible();
  await take(page, "offline-kept");
  if (isPhone) await page.getByRole("button", { name: t("room.back") }).click();
  await item(page, cast.more.at(-1)?.name ?? "").click();
  await expect(page.locator(".pane .empty")).toBeVisible();
  await take(page, "offline-none");
}

/** What owners do with their room. Returns an address by which others join it. */
export async function takeOwner({ page, cast, take }: Stage): Promise<string> {
  const t = wordsOf(cast.locale);
  await item(page, cast.group).click();
  await button(page, t("room.members")).click();
  await button(page, t("settings.edit")).click();
  await take(page, "room-settings");
  await close(page);
  await button(page, t("links.title")).click();
  await button(dialog(page), t("links.make")).click();
  const address = dialog(page).getByLabel(t("links.made"));
  await expect(address).toHaveValue(/join=/);
  await take(page, "room-links");
  return address.inputValue();
}

/** What those see who open an invitation. */
export async function takeInvitation({ page, cast, take }: Stage, address: string): Promise<void> {
  await page.goto(address);
  await expect(button(dialog(page), wordsOf(cast.locale)("join.submit"))).toBeVisible();
  await take(page, "invitation");
}

/** Where the audio of the conversations comes from. */
export const MEDIA_HOST = "media.example";

/** A conversation with somebody whose account is gone, and a song that is played in it. */
export async function takeDeleted({ page, cast, take }: Stage, room: number): Promise<void> {
  await page.route(`https://${MEDIA_HOST}/**`, (route) =>
    route.fulfill({ body: silence(180), contentType: "audio/wav" }),
  );
  await page.goto(`/chat?room=${room}`);
  const held = page.getByRole("button", { name: wordsOf(cast.locale)("media.audio", { host: MEDIA_HOST }) });
  await expect(held).toBeVisible();
  await take(page, "deleted-account");
  await held.click();
  await expect(page.locator("audio")).toHaveJSProperty("duration", 180);
  await take(page, "audio");
}

/** The page to try the WebSockets, with the answers to a message. */
export async function takeSockets({ page, cast, take }: Stage, token: string): Promise<void> {
  const t = socketWordsOf(cast.locale);
  await page.goto("/docs/sockets/try");
  await page.getByLabel(t("connect.token"), { exact: true }).fill(token);
  await page.keyboard.press("Enter");
  await expect(page.locator("[data-kind=opened]")).toBeVisible();
  await page.getByLabel(t("send.frame"), { exact: true }).press("Control+Enter");
  await expect(page.locator("[data-kind=received]").first()).toBeVisible();
  await take(page, "sockets");
}

/** The pages for administrators. */
export async function takeAdmin({ page, cast, take }: Stage, message: number): Promise<void> {
  const t = adminWordsOf(cast.locale);
  const open = async (section: string) => {
    await page.goto(`/admin?section=${section}`);
    await expect(page.locator(".rows-box")).toHaveAttribute("aria-busy", "false");
  };
  for (const section of ["users", "invites", "rooms", "uploads", "audit"]) {
    await open(section);
    await take(page, `admin-${section}`);
  }
  // Not one who is entered as later: a one-time password ends the sessions.
  const other = cast.others.at(-1) ?? "";
  await open("users");
  await page.getByRole("button", { name: t("users.manageName", { name: other }) }).click();
  await expect(dialog(page)).toBeVisible();
  await take(page, "admin-user");
  await button(dialog(page), t("ban.action")).click();
  await take(page, "admin-ban");
  await open("users");
  await page.getByRole("button", { name: t("users.manageName", { name: other }) }).click();
  await button(dialog(page), t("password.action")).click();
  await button(dialog(page), t("password.yes")).click();
  await expect(dialog(page).getByLabel(t("password.label"))).toBeVisible();
  await take(page, "admin-password");
  await page.goto(`/admin?section=trace`);
  await page.getByLabel(t("trace.label")).fill(String(message));
  await page.keyboard.press("Enter");
  await expect(page.locator("[data-trace]")).toBeVisible();
  await take(page, "admin-trace");
  await open("rooms");
  await page.getByRole("button", { name: t("rooms.showName", { name: cast.group }) }).click();
  await expect(dialog(page).locator(".row").first()).toBeVisible();
  await take(page, "admin-members");
}
