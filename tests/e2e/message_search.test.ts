// The search for messages in all conversations: filters, pages, the way to a message and back.
import {
  bubble,
  expect,
  item,
  newUsers,
  type Page,
  pick,
  plainPage,
  sendAll,
  test,
  title,
  uniqueName,
} from "./fixtures";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const panel = (page: Page) => page.getByRole("complementary", { name: "Search messages" });
const field = (page: Page) => panel(page).getByRole("searchbox");
const hits = (page: Page) => panel(page).locator(".hit .item");
const texts = (page: Page) => panel(page).locator(".hit-text");

/** A day of the browser, so many days from today. */
const day = (page: Page, from: number) =>
  page.evaluate((days) => {
    const date = new Date();
    date.setDate(date.getDate() + days);
    const two = (number: number) => String(number).padStart(2, "0");
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  }, from);

test("messages of all conversations are found, narrowed, shown, and the way back leads to where one was", async ({
  enter,
}) => {
  const [alice, bob, carol] = await newUsers("alice", "bob", "carol");
  const [garden, kitchen] = [uniqueName("garden"), uniqueName("kitchen")];
  const outside = await alice.group(garden, bob);
  const inside = await alice.group(kitchen, bob, carol);
  await alice.send(outside, "Green TEA grows here");
  await bob.send(inside, "the tea is ready, tea for two");
  await carol.send(inside, "see https://example.org/tea");
  await alice.upload(inside, "tea list.txt", "black");
  const page = await enter(bob, { node: 1, room: outside });
  await page.getByRole("searchbox", { name: "Search", exact: true }).fill("tea");
  await page.getByRole("button", { name: "Search all messages for “tea”" }).click();
  await expect(field(page)).toBeFocused();
  await expect(field(page)).toHaveValue("tea");
  await expect(texts(page)).toHaveText([
    /tea list\.txt/,
    "see https://example.org/tea",
    "the tea is ready, tea for two",
    "Green TEA grows here",
  ]);
  await expect(hits(page).nth(2).locator("mark")).toHaveText(["tea", "tea"]);
  await expect(hits(page).nth(3).locator("mark")).toHaveText(["TEA"]);
  await expect(hits(page).nth(3)).toContainText(garden);
  await expect(hits(page).nth(2)).toContainText(kitchen);
  // All words count, in any order.
  await field(page).fill("two TEA");
  await expect(texts(page)).toHaveText(["the tea is ready, tea for two"]);
  await expect(hits(page).locator("mark")).toHaveText(["tea", "tea", "two"]);
  await field(page).fill("tea");
  await expect(hits(page)).toHaveCount(4);

  // Each filter by itself.
  await panel(page).getByLabel("With").selectOption("Files");
  await expect(texts(page)).toHaveText([/tea list\.txt/]);
  await panel(page).getByLabel("With").selectOption("Links");
  await expect(texts(page)).toHaveText(["see https://example.org/tea"]);
  await panel(page).getByLabel("With").selectOption("Anything");
  await panel(page).getByLabel("In", { exact: true }).selectOption(garden);
  await expect(texts(page)).toHaveText(["Green TEA grows here"]);
  await panel(page).getByLabel("In", { exact: true }).selectOption("All conversations");
  await panel(page).getByRole("button", { name: "From", exact: false }).click();
  const people = page.getByRole("dialog", { name: "Whose messages?" });
  await people.getByRole("searchbox").fill(carol.name);
  await people.getByRole("searchbox").press("Enter");
  await expect(texts(page)).toHaveText(["see https://example.org/tea"]);
  await panel(page).getByRole("button", { name: "From anyone" }).click();
  await panel(page)
    .getByLabel("Before")
    .fill(await day(page, 0));
  await expect(panel(page)).toContainText("No messages found");
  await panel(page)
    .getByLabel("Before")
    .fill(await day(page, 1));
  await expect(hits(page)).toHaveCount(4);

  // A hit leads to its message, and the panel stays.
  await hits(page).nth(2).click();
  await expect(title(page)).toHaveText(kitchen);
  await expect(page.locator(".row.is-flashed")).toContainText("the tea is ready");
  await expect(hits(page)).toHaveCount(4);
  await page.goBack();
  await expect(title(page)).toHaveText(garden);
  await expect(hits(page)).toHaveCount(4);
  await field(page).press("Escape");
  await expect(panel(page)).toHaveCount(0);
  await expect(title(page)).toHaveText(garden);
});

test("words and filters outlive a reload and a visit elsewhere", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const name = uniqueName("kitchen");
  const room = await alice.group(name, bob);
  await alice.send(room, "the tea is ready");
  await alice.send(await alice.direct(bob), "tea for two");
  const page = await enter(bob, { room });
  await page.getByRole("button", { name: "Search in this conversation" }).click();
  await field(page).fill("tea");
  await expect(texts(page)).toHaveText(["the tea is ready"]);
  for (const load of [() => page.reload(), () => page.goto("/dashboard").then(() => page.goBack())]) {
    await load();
    await expect(field(page)).toHaveValue("tea");
    await expect(panel(page).getByLabel("In", { exact: true }).locator(":checked")).toHaveText(name);
    await expect(texts(page)).toHaveText(["the tea is ready"]);
  }
});

test("a search waits for the end of a composition, and can be worked by keys", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await alice.send(room, "明天去爬山");
  await alice.send(room, "ni hao");
  const page = await enter(bob, { room });
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("kind=message"))
      asked.push(new URL(request.url()).searchParams.get("q") ?? "");
  });
  await page.getByRole("button", { name: "Search in this conversation" }).click();
  await expect(field(page)).toBeFocused();
  await expect(panel(page).getByLabel("In", { exact: true })).toHaveValue(String(room));
  const client = await page.context().newCDPSession(page);
  await client.send("Input.imeSetComposition", { text: "pashan", selectionStart: 6, selectionEnd: 6 });
  await expect(field(page)).toHaveValue("pashan");
  await client.send("Input.insertText", { text: "爬山" });
  await expect(texts(page)).toHaveText(["明天去爬山"]);
  expect(asked).toEqual(["爬山"]);
  await expect(texts(page).locator("mark")).toHaveText("爬山");

  await page.keyboard.press("ArrowDown");
  await expect(hits(page).first()).toBeFocused();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: alice.name })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await expect(page.locator(".row.is-flashed")).toContainText("明天去爬山");
  await field(page).focus();
  await page.keyboard.press("Escape");
  await expect(panel(page)).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Search in this conversation" })).toBeFocused();
});

test("more is found as one scrolls, each message once", async ({ browser, contexts, enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const [one, two] = [await alice.group(uniqueName("one"), bob), await alice.direct(bob)];
  const plain = await plainPage(browser, contexts);
  const numbered = (from: number) => Array.from({ length: 40 }, (_, at) => `needle ${from + at}`);
  await sendAll(plain, alice, one, numbered(0));
  await sendAll(plain, alice, two, numbered(40));
  const page = await enter(bob, { node: 1 });
  await page.getByRole("searchbox", { name: "Search", exact: true }).fill("needle");
  await page.getByRole("button", { name: "Search all messages for “needle”" }).click();
  await expect(texts(page).first()).toHaveText("needle 79");
  await expect(async () => {
    await panel(page)
      .locator(".finder-list")
      .evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await expect(hits(page)).toHaveCount(80, { timeout: 500 });
  }).toPass();
  const found = await texts(page).allTextContents();
  expect(found).toEqual(Array.from({ length: 80 }, (_, at) => `needle ${79 - at}`));
  await expect(panel(page)).toContainText("That is all there is.");
});

test("on a phone the search takes the page, and one can go back to it from a message", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const name = uniqueName("walks");
  const room = await alice.group(name, bob);
  const other = await alice.direct(bob);
  for (let number = 0; number < 12; number += 1) await alice.send(room, `along the river ${number}`);
  await alice.send(other, "the river again");
  const page = await enter(bob, { ...PHONE, node: 1 });
  await item(page, name).tap();
  await page.getByRole("button", { name: "Search in this conversation" }).tap();
  await expect(page.locator(".pane")).toBeHidden();
  await field(page).fill("river");
  await expect(hits(page)).toHaveCount(12);
  await hits(page).nth(8).scrollIntoViewIfNeeded();
  await hits(page).nth(8).tap();
  await expect(panel(page)).toHaveCount(0);
  await expect(bubble(page, "along the river 3")).toBeInViewport({ ratio: 1 });
  await page.getByRole("button", { name: "Back to the results" }).tap();
  await expect(hits(page)).toHaveCount(12);
  await expect(hits(page).nth(8)).toBeFocused();
  await expect(hits(page).nth(8)).toBeInViewport();
  await panel(page).getByLabel("In", { exact: true }).selectOption("All conversations");
  await expect(hits(page)).toHaveCount(13);
  await hits(page).first().tap();
  await expect(title(page)).toHaveText(alice.name);
  await page.goBack();
  await expect(hits(page)).toHaveCount(13);
  await panel(page).getByRole("button", { name: "Close" }).tap();
  await expect(title(page)).toHaveText(name);
});

test("what was found is gone after a log-out", async ({ enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  await alice.send(await alice.direct(bob), "a secret plan");
  const page = await enter(bob);
  await page.getByRole("searchbox", { name: "Search", exact: true }).fill("secret");
  await page.getByRole("button", { name: "Search all messages for “secret”" }).click();
  await expect(hits(page)).toHaveCount(1);
  await pick(page, /Account and settings/, "Log out");
  await page.getByLabel("Username").fill(alice.name);
  await page.getByLabel("Password", { exact: true }).fill("correct horse");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.locator(".me-name")).toHaveText(alice.name);
  await page.evaluate(() => history.pushState(null, "", "/chat?search=1"));
  await page.evaluate(() => dispatchEvent(new PopStateEvent("popstate")));
  await expect(panel(page)).toContainText("Find a message");
  await expect(hits(page)).toHaveCount(0);
});
