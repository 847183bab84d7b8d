// Writes a .br and a .gz next to every built file that shrinks, for the server to choose from. Fails if the first
// download of the chat is too large.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const compressible = new Set([".html", ".js", ".css", ".svg", ".webmanifest"]);
/** The most that the chat may download, gzipped, before its list can be used. */
const MAX_CHAT_BYTES = 40_000;
const gzipped = new Map();

for (const name of readdirSync("dist", { recursive: true })) {
  const path = join("dist", name);
  if (!statSync(path).isFile() || !compressible.has(extname(path))) continue;
  const bytes = readFileSync(path);
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  const gzip = gzipSync(bytes, { level: 9 });
  if (brotli.length < bytes.length) writeFileSync(`${path}.br`, brotli);
  if (gzip.length < bytes.length) writeFileSync(`${path}.gz`, gzip);
  gzipped.set(name, Math.min(gzip.length, bytes.length));
  console.log(`${name}  ${bytes.length}  gz ${gzip.length}  br ${brotli.length}`);
}

// The page names everything of its first download except the texts, of which the larger language counts.
const page = readFileSync("dist/index.html", "utf8");
// Browsers fetch the manifest when all else is done, and the icon of the app when it is installed.
const named = [...page.matchAll(/(?:href|src)="\/(assets\/[^"]+)"/g)]
  .map(([, name]) => name)
  .filter((name) => !name.endsWith(".png"));
const scripts = named
  .filter((name) => name.endsWith(".js"))
  .map((name) => readFileSync(join("dist", name), "utf8"));
const isFirst = (name) =>
  /^assets\/(en|zh)-/.test(name) && scripts.some((script) => script.includes(basename(name)));
const texts = [...gzipped].filter(([name]) => isFirst(name)).map(([, size]) => size);
if (named.length < 4 || texts.length === 0)
  throw new Error("the built page does not name the files that were expected");
const total =
  named.reduce((sum, name) => sum + gzipped.get(name), gzipped.get("index.html")) + Math.max(...texts);
console.log(`/chat downloads ${total} of at most ${MAX_CHAT_BYTES} bytes (gz) before it can be used`);
if (total > MAX_CHAT_BYTES) process.exit(1);
