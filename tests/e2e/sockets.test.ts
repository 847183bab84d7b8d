// The page to try the WebSockets by hand.
import AxeBuilder from "@axe-core/playwright";
import { expect, newUsers, PASSWORD, type Page, test, uniqueName } from "./fixtures";

const PATH = "/docs/sockets/try";
const status = (page: Page) => page.locator(".trial-state");
const lines = (page: Page, kind: string) => page.locator(`[data-kind=${kind}]`);

async function logIn(page: Page, name: string): Promise<void> {
  await page.getByText("Get a token with a name and a password").click();
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByLabel("Token", { exact: true })).toHaveValue(/^\S+\.\S+\.\S+$/);
}

test("a message of document 000 is sent by hand, with the keyboard", async ({ visit }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.group(uniqueName("by hand"), bob);
  const page = await visit(PATH);
  await expect(page.getByLabel("Address on this server")).toHaveValue("/ws");
  await page.getByText("Get a token with a name and a password").click();
  await page.getByLabel("Username").fill(alice.name);
  await page.getByLabel("Password").fill("wrong wrong");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("alert")).toHaveText("Wrong username or password");
  await page.getByText("Get a token with a name and a password").click();
  await logIn(page, alice.name);
  await expect(page.getByText("The token is filled in above.")).toBeVisible();
  await page.getByLabel("Token", { exact: true }).press("Enter");
  await expect(status(page)).toHaveText("Connected");
  await expect(lines(page, "opened")).toContainText("Connected to /ws");
  await expect(page.getByRole("button", { name: "Disconnect" })).toBeFocused();

  const frame = page.getByLabel("Frame", { exact: true });
  await expect(frame).toHaveValue(/"send_message"/);
  await frame.fill((await frame.inputValue()).replace("101", String(room)));
  await frame.press("Control+Enter");
  await expect(lines(page, "sent")).toContainText('"room_id": ');
  await expect(lines(page, "received")).toContainText('"type": "new_message"');
  await expect(lines(page, "received").locator("time")).toHaveText(/^\d\d:\d\d:\d\d\.\d{3}$/);
  await bob.send(room, "from elsewhere");
  await expect(lines(page, "received").last()).toContainText("from elsewhere");
  await expect(lines(page, "received").last()).toBeInViewport();
  // On a phone the frames are further down, and new ones do not move the page away from what is being typed.
  await page.setViewportSize({ width: 390, height: 600 });
  await frame.scrollIntoViewIfNeeded();
  const top = await page.evaluate(() => scrollY);
  for (const text of ["while", "typing"]) {
    await bob.send(room, text);
    await expect(lines(page, "received").last()).toContainText(`"content": "${text}"`);
  }
  expect(await page.evaluate(() => scrollY)).toBe(top);
  await page.setViewportSize({ width: 1280, height: 800 });

  await frame.fill("no JSON");
  await expect(page.getByText("This is not JSON")).toBeVisible();
  await page.getByRole("button", { name: "Send" }).click();
  await expect(lines(page, "received").last()).toContainText("Malformed request");

  // Beyond 128 KiB: the server closes.
  await frame.fill("x".repeat(131_073));
  await page.getByRole("button", { name: "Send" }).click();
  await expect(lines(page, "closed")).toContainText("Closed with 1009");
  await expect(status(page)).toHaveText("Not connected");
  await page.getByRole("button", { name: "Clear" }).click();
  await expect(page.getByText("Frames that are sent and received appear here.")).toBeVisible();
});

test("every dialect opens at the address that is filled in", async ({ visit }) => {
  const [alice] = await newUsers("alice");
  const page = await visit(PATH);
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await expect(lines(page, "refused")).toContainText("Not connected: the server refused the handshake");
  await logIn(page, alice.name);
  const channel = page.getByLabel("Dialect");
  const values = await channel
    .locator("option")
    .evaluateAll((all) => all.map((one) => (one as HTMLOptionElement).value));
  expect(values).toHaveLength(6);
  for (const value of values) {
    await channel.selectOption(value);
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await expect(status(page)).toHaveText("Connected");
    // What each dialect answers to what it cannot read shows which one it is.
    await page.getByLabel("Frame", { exact: true }).fill("{}");
    await page.getByRole("button", { name: "Send" }).click();
    const answer = {
      webchat: '"payload"',
      envelope: '"请求参数错误"',
      messenger: '"code": 400',
      imtypes: '"senderId": "0"',
    };
    const expected = answer[value.replace("Extended", "") as keyof typeof answer];
    await expect(lines(page, "received").filter({ hasText: expected }).last()).toBeVisible();
    await page.getByRole("button", { name: "Disconnect" }).click();
    await expect(status(page)).toHaveText("Not connected");
    await page.getByRole("button", { name: "Clear" }).click();
  }
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`has no serious violations and fits a phone (${colorScheme})`, async ({ visit }) => {
    const page = await visit(PATH, {
      colorScheme,
      reducedMotion: "reduce",
      viewport: { width: 390, height: 844 },
    });
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await expect(lines(page, "refused")).toBeVisible();
    await page.getByText("Get a token with a name and a password").click();
    const { violations } = await new AxeBuilder({ page }).analyze();
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
    await page.getByRole("button", { name: "中文" }).click();
    await expect(page.getByRole("heading", { name: "连接" })).toBeVisible();
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(await overflow()).toBeLessThanOrEqual(0);
    await page.goto("/docs/sockets");
    await expect(page.getByRole("heading", { name: "WebSockets" })).toBeVisible();
    expect(await overflow()).toBeLessThanOrEqual(0);
  });
}
