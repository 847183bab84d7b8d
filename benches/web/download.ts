// What a page downloads before it can be used, and what comes later by itself.
import type { Browser, Request, User } from "../../tests/e2e/world";
import { operate } from "../../tests/e2e/servers";
import { kb } from "./stats";
import type { People } from "./people";
import { table } from "./report";
import { freshContext, usableAt } from "./visit";

/** What is fetched once a page stands has come by then. */
const LATER_MS = 3000;

interface File {
  path: string;
  bytes: number;
  isLater: boolean;
}

export async function downloads(browser: Browser, { viewer, friend }: People): Promise<string> {
  await operate("user", "promote", friend.name);
  const pages: [string, User | null, string][] = [
    ["/chat", viewer, ".items a.item"],
    ["/login", null, "form input"],
    ["/dashboard", friend, ".headline .cell-value"],
  ];
  const rows: string[][] = [];
  for (const [path, user, usable] of pages) {
    const gzip = await download(browser, path, user, usable, "gzip");
    const brotli = await download(browser, path, user, usable, "br");
    const sizes = (part: (all: File[]) => File[]) => `${kb(sum(part(gzip)))} / ${kb(sum(part(brotli)))}`;
    const first = (all: File[]) => all.filter((it) => !it.isLater && !isData(it));
    const names = new Set(gzip.filter((it) => it.isLater && !isData(it)).map(partOf));
    const later = [...names].map((name) => `${name} ${sizes((all) => all.filter((it) => it.isLater && partOf(it) === name))}`);
    const data = gzip.filter((it) => !it.isLater && isData(it));
    rows.push([path, String(first(gzip).length), sizes(first), `${data.length}: ${kb(sum(data))}`, later.join(", ")]);
  }
  return table(["page", "files", "KB gz / br", "requests for data: KB", "later by itself, KB gz / br"], rows);
}

const sum = (files: File[]) => files.reduce((total, it) => total + it.bytes, 0);
const isData = (file: File) => file.path.startsWith("/api/") || file.path.endsWith("/figures");
/** `pane` of `/assets/pane-Bx1E_HCt.css`. */
const partOf = (file: File) => /([\w.]+)-[\w-]{8}\.\w+$/.exec(file.path)?.[1] ?? file.path;

async function download(
  browser: Browser,
  path: string,
  user: User | null,
  usable: string,
  encoding: "gzip" | "br",
): Promise<File[]> {
  const context = await freshContext(browser, user, usable);
  const page = await context.newPage();
  await page.setExtraHTTPHeaders({ "accept-encoding": encoding });
  const finished: Request[] = [];
  page.on("requestfinished", (request) => finished.push(request));
  await page.goto(path);
  const usableMs = (await usableAt(page)) + (await page.evaluate(() => performance.timeOrigin));
  await page.waitForTimeout(LATER_MS);
  const files = await Promise.all(
    finished.map(async (request) => ({
      path: new URL(request.url()).pathname,
      bytes: (await request.sizes()).responseBodySize,
      isLater: request.timing().startTime > usableMs,
    })),
  );
  await context.close();
  return files;
}
