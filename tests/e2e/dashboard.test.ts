// The dashboard for operators, with metrics of real nodes.
import type { Page } from "@playwright/test";
import { scan, scanThemes } from "./axe";
import {
  bubble,
  expect,
  newUsers,
  nodes,
  PASSWORD,
  plainPage,
  sendAll,
  test,
  type User,
  uniqueName,
  write,
} from "./fixtures";
import { payloads } from "./payloads";
import { runCommand, startNode } from "./servers";

const live = (page: Page) => page.locator(".live.is-live");
const metric = (page: Page, id: string) => page.locator(`[data-metric=${id}] .cell-value`);
const rows = (page: Page, table: string) => page.locator(`[data-table=${table}] tbody tr`);
const nodeLink = (page: Page, url: string) =>
  page.locator("[data-table=nodes] tbody tr", { hasText: new URL(url).host });

/** Registers a user with access to the dashboard. */
async function newAdmin(): Promise<User> {
  const [user] = await newUsers("admin");
  await runCommand("user", "promote", user.name);
  return user;
}

async function openDashboard(page: Page, path = "/dashboard"): Promise<void> {
  await page.goto(path);
  await expect(live(page)).toHaveText("Live");
  await expect(page.locator(".plot canvas").first()).toBeVisible();
}

test("only administrators have access, as soon as they are promoted", async ({ visit }) => {
  const [user] = await newUsers("somebody");
  const page = await visit("/dashboard");
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.getByLabel("Username").fill(user.name);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page).toHaveURL(/\/dashboard$/);
  await expect(page.getByRole("heading", { name: "The dashboard is for administrators" })).toBeVisible();
  await expect(page.locator("code")).toHaveText(`chinwag user promote ${user.name}`);
  await runCommand("user", "promote", user.name);
  await page.getByRole("button", { name: "Check again" }).click();
  await expect(live(page)).toHaveText("Live");
  await expect(page.getByRole("heading", { name: "Nodes", exact: true })).toBeVisible();
});

test("shows which webhooks fail, and why", async ({ enter }) => {
  const [user, [alice]] = [await newAdmin(), await newUsers("alice")];
  const room = await alice.group(uniqueName("hooked"));
  const page = await enter(user);
  await openDashboard(page);
  await expect(page.getByRole("heading", { name: "Webhooks" })).toHaveCount(0);
  const [id] = (
    await runCommand("hook", "create", "--room", String(room), "--url", "http://chinwag.invalid/secret")
  ).split("\t");
  await alice.send(room, "one");
  const row = rows(page, "hooks").filter({ has: page.locator(`[title="${id}"]`) });
  await expect(row.locator(".state")).toContainText("Failing for");
  await expect(row.locator("th")).toHaveText("chinwag.invalid");
  await expect(row.locator("td").nth(1)).toHaveText(String(room));
  await expect(row).toContainText("Cannot be reached, or does not answer in time");
  await expect(page.locator("[data-table=hooks]")).not.toContainText("secret");
  await runCommand("hook", "revoke", String(id));
  await expect(row).toHaveCount(0);
});

test("shows activity of the chat within seconds", async ({ browser, contexts, enter }) => {
  const [user, [alice, bob]] = [await newAdmin(), await newUsers("alice", "bob")];
  const room = await alice.group(uniqueName("最忙的房间"), bob);
  const page = await enter(user);
  await openDashboard(page);
  const busiest = rows(page, "rooms").filter({ hasText: "最忙的房间" });
  await expect(busiest).toHaveCount(0);
  // More messages than any other test sends to one room.
  const texts = Array.from({ length: 1500 }, (_, at) => `number ${at + 1}`);
  await sendAll(await plainPage(browser, contexts), alice, room, texts);
  await expect(busiest.locator(".count")).toHaveText("1,500");
  await expect(rows(page, "rooms").first()).toContainText("最忙的房间");
  await alice.send(room, "and one more");
  await expect(busiest.locator(".count")).toHaveText("1,501");

  for (const id of ["online", "messages", "rooms", "deliveries", "sockets"]) {
    await expect(metric(page, id)).toHaveText(/[1-9]/);
  }
  for (const id of ["send", "delivery"]) await expect(metric(page, id)).toHaveText(/\d/);
  await expect(page.locator(".strip")).toContainText(/\d of \d ready/);
  await expect(page.locator(".strip")).toContainText("primary");

  // Every chart has a table.
  const charts = page.locator("[data-chart]");
  const asTables = page.locator("[data-as-table]");
  expect(await charts.count()).toBeGreaterThanOrEqual(15);
  await expect(asTables).toHaveCount(await charts.count());
  await page.getByRole("button", { name: "Messages as a table" }).click();
  await expect(rows(page, "messages").first()).toContainText(/\d/);
  await page.getByRole("button", { name: "6 h", exact: true }).click();
  await expect(live(page)).toBeVisible();
  await expect(page).toHaveURL(/range=6h/);
  await expect(busiest.locator(".count")).toHaveText("1,501");
});

test("shows one node alone, and notices its death", async ({ enter }) => {
  const [user, [alice, bob]] = [await newAdmin(), await newUsers("alice", "bob")];
  const room = await alice.direct(bob);
  const node = await startNode();
  // Alice and Bob use that node alone. The administrator uses another.
  const here = await enter(alice, { url: node.url, room });
  await enter(bob, { url: node.url, room });
  for (const text of ["one", "two", "three"]) await write(here, text);

  const page = await enter(user);
  await openDashboard(page);
  for (const url of [...nodes(), node.url]) await expect(nodeLink(page, url)).toContainText("Ready");
  const line = nodeLink(page, node.url);
  await expect(line.locator("td").nth(1)).toHaveText("2");
  const id = await line.locator("[data-node]").textContent();
  await line.locator("[data-node]").click();
  await expect(page.locator(".chosen")).toContainText(`Showing only node ${id}`);
  await expect(page).toHaveURL(/node=/);
  await expect(metric(page, "sockets")).toHaveText("2");
  await page.getByRole("button", { name: "Messages as a table" }).click();
  const sent = async () => {
    const counts = await rows(page, "messages").locator("td").allTextContents();
    return counts.reduce((sum, count) => sum + (Number(count) || 0), 0);
  };
  await expect.poll(sent).toBe(3);
  await page.reload();
  await expect(metric(page, "sockets")).toHaveText("2");
  await here.context().close();
  await expect(metric(page, "sockets")).toHaveText("1");
  await page.getByRole("button", { name: "All nodes" }).click();
  await expect(page.locator(".chosen")).toHaveCount(0);

  await node.kill();
  await expect(line.filter({ hasText: "Ready" })).toHaveCount(0, { timeout: 30_000 });
  const lost = page.locator("tr", { has: page.locator(`[data-node="${id}"]`) });
  await expect(lost).toContainText("Lost, last seen");
  await expect(page.getByText(/ready · \d+ lost/)).toBeVisible();
  for (const url of nodes()) await expect(nodeLink(page, url)).toContainText("Ready");
});

test("treats no name as markup", async ({ enter }) => {
  const user = await newAdmin();
  const page = await enter(user);
  // Replaces all names, routes and addresses in a real answer by payloads.
  await page.route("**/dashboard/figures?*", async (route) => {
    // Asks for all nodes, as no node has such a name.
    const answer = await route.fetch({
      url: route
        .request()
        .url()
        .replace(/&node=.*/, ""),
    });
    const metrics = await answer.json();
    const [node] = metrics.nodes;
    metrics.top_rooms = payloads.map((name, at) => ({ id: name, number: at, name, messages: 1000 - at }));
    metrics.errors = payloads.map((text, at) => ({ route: `GET ${text}`, status: 404, count: 1000 - at }));
    metrics.nodes = payloads.map((text) => ({ ...node, id: text, address: text, version: text }));
    await route.fulfill({ response: answer, json: metrics });
  });
  await openDashboard(page);
  const texts = async (selector: string) => page.locator(selector).allTextContents();
  expect(await texts("[data-table=rooms] tbody th")).toEqual(payloads);
  expect(await texts("[data-table=errors] tbody th")).toEqual(payloads.map((text) => `GET ${text}`));
  expect(await texts("[data-table=nodes] tbody th")).toEqual(payloads);
  const unexpected = await page.evaluate(() => {
    const elements = [...document.querySelectorAll("[data-table] *")];
    const expected = /^(a|bdi|caption|small|span|svg|path|table|tbody|td|th|thead|tr)$/;
    const bad = elements.filter((element) => {
      const runs = [...element.attributes].some(({ name }) => /^on/i.test(name));
      return runs || !expected.test(element.tagName.toLowerCase());
    });
    const links = [...document.querySelectorAll("a")].filter((link) => !/^https?:$/.test(link.protocol));
    return [...bad, ...links, ...document.querySelectorAll("script:not([src^='/assets/'])")].map(
      (element) => element.outerHTML,
    );
  });
  expect(unexpected).toEqual([]);
  // Neither does selecting such a node run anything.
  await page.locator("[data-table=nodes] [data-node]").first().click();
  await expect(page.locator(".chosen b")).toHaveText(payloads[0] ?? "");
});

test("treats the name of a real room as text", async ({ browser, contexts, enter }) => {
  const [user, [alice]] = [await newAdmin(), await newUsers("alice")];
  const name = `<img src=x onerror="hit=1"> ${uniqueName("room")}`;
  const room = await alice.group(name);
  const texts = Array.from({ length: 1200 }, (_, at) => `number ${at + 1}`);
  await sendAll(await plainPage(browser, contexts), alice, room, texts);
  const page = await enter(user);
  await openDashboard(page);
  await expect(rows(page, "rooms").filter({ hasText: name })).toHaveCount(1);
});

test("shows how far deliveries are in time, the slowest routes, and what happened", async ({
  browser,
  contexts,
  enter,
}) => {
  const [user, [alice, bob]] = [await newAdmin(), await newUsers("alice", "bob")];
  const room = await alice.group(uniqueName("ops"), bob);
  const theirs = await enter(bob, { node: 1, room });
  await sendAll(await plainPage(browser, contexts), alice, room, ["one", "two"]);
  await expect(bubble(theirs, "two")).toBeVisible();
  const page = await enter(user);
  await openDashboard(page);
  await expect(page.locator("[data-objective=hour] .state")).toHaveText(/^[\d.]+% of [\d,]+$/);
  await expect(page.locator("[data-objective=day] .state")).toHaveText(/^[\d.]+% of [\d,]+$/);
  // Which ones are the slowest depends on what other tests have asked for.
  await expect(rows(page, "slow").first()).toHaveText(/^(GET|POST|PUT|PATCH|DELETE) \/.*\d/);
  const started = page.locator("[data-incident=started]");
  await expect(started.first()).toContainText("Node started");
  expect(await started.count()).toBeGreaterThanOrEqual(nodes().length);
});

test("has no serious accessibility violations, wide and narrow", async ({ enter }) => {
  const user = await newAdmin();
  const page = await enter(user, { reducedMotion: "reduce" });
  await openDashboard(page);
  await page.getByRole("button", { name: "Messages as a table" }).click();
  await expect(rows(page, "messages").first()).toBeVisible();
  await scanThemes(page, "wide");
  await page.locator("[data-node]").first().click();
  await expect(page.locator(".chosen")).toBeVisible();
  await expect(live(page)).toBeVisible();
  await scanThemes(page, "one node");
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: "All nodes" }).click();
  await expect(live(page)).toBeVisible();
  const width = () => page.evaluate(() => document.documentElement.scrollWidth);
  await expect.poll(width).toBeLessThanOrEqual(390);
  await scanThemes(page, "narrow");
  // Switches the language without a reload.
  await page.getByRole("button", { name: "中文" }).or(page.locator("button[lang=zh-CN]")).first().click();
  await expect(page.locator("html")).toHaveAttribute("lang", "zh-CN");
  await expect(live(page)).not.toHaveText("Live");
});

test("has no serious accessibility violations without access", async ({ enter }) => {
  const [user] = await newUsers("somebody");
  const page = await enter(user, { reducedMotion: "reduce" });
  await page.goto("/dashboard");
  await expect(page.getByRole("heading", { name: "The dashboard is for administrators" })).toBeVisible();
  await scan(page, "forbidden");
});
