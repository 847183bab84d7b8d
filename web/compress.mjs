// Writes a .br and a .gz beside every built file that shrinks, for the server to choose from. Fails when the chat's
// first download has grown too large.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const compressible = new Set([".html", ".js", ".css", ".svg"]);
/** What the chat may download, in the gzip form, before its list can be used. */
const CHAT_BYTES = 40_000;
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

// The page names all that comes with it, except the words: one of the languages, the larger one.
const page = readFileSync("dist/index.html", "utf8");
const named = [...page.matchAll(/(?:href|src)="\/([^"]+)"/g)].map(([, name]) => name);
const words = [...gzipped].filter(([name]) => /^assets\/(en|zh)-/.test(name)).map(([, size]) => size);
if (named.length < 4 || words.length === 0) throw new Error("the page's files are not where they were");
const total =
  named.reduce((sum, name) => sum + gzipped.get(name), gzipped.get("index.html")) + Math.max(...words);
console.log(`/chat downloads ${total} of at most ${CHAT_BYTES} bytes (gz) before it can be used`);
if (total > CHAT_BYTES) process.exit(1);
