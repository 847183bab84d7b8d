// What a page downloads before it can be used, and what it preloads later.
import type { Browser, Request, User } from "../../tests/e2e/fixtures";
import { runCommand } from "../../tests/e2e/servers";
import { kb } from "./stats";
import type { People } from "./people";
import { table } from "./report";
import { freshContext, usableAt } from "./visit";

/** Pages have finished preloading by then. */
const PRELOAD_MS = 3000;

interface File {
  path: string;
  bytes: number;
  isLater: boolean;
}

export async function downloads(browser: Browser, { viewer, friend }: People): Promise<string> {
  await runCommand("user", "promote", friend.name);
  const pages: [string, User | null, string][] = [
    ["/chat", viewer, ".items a.item"],
    ["/login", null, "form input"],
    ["/dashboard", friend, ".headline .cell-value"],
  ];
  const rows: string[][] = [];
  for (const [path, user, usable] of pages) {
    const gzip = await download(browser, path, user, usable, "gzip");
    const brotli = await download(browser, path, user, usable, "br");
    const sizes = (select: (all: File[]) => File[]) => `${kb(sum(select(gzip)))} / ${kb(sum(select(brotli)))}`;
    const first = (all: File[]) => all.filter((file) => !file.isLater && !isData(file));
    const names = new Set(gzip.filter((file) => file.isLater && !isData(file)).map(chunkOf));
    const later = [...names].map((name) => `${name} ${sizes((all) => all.filter((file) => file.isLater && chunkOf(file) === name))}`);
    const data = gzip.filter((file) => !file.isLater && isData(file));
    rows.push([path, String(first(gzip).length), sizes(first), `${data.length}: ${kb(sum(data))}`, later.join(", ")]);
  }
  return table(["page", "files", "KB gz / br", "requests for data: KB", "preloaded later, KB gz / br"], rows);
}

const sum = (files: File[]) => files.reduce((total, file) => total + file.bytes, 0);
const isData = (file: File) => file.path.startsWith("/api/") || file.path.endsWith("/figures");
/** The chunk of a file: `chat` for `/assets/chat-Bx1E_HCt.css`. */
const chunkOf = (file: File) => /([\w.]+)-[\w-]{8}\.\w+$/.exec(file.path)?.[1] ?? file.path;

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
  await page.waitForTimeout(PRELOAD_MS);
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
