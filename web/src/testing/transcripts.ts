// Reads the transcripts of the wire (`tests/wire`), and type-checks what they exchange with this client.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DOCUMENTED, EXTENSIBLE } from "../net/routes";
import type { Route } from "../net/types";

const SOURCE = resolve(import.meta.dirname, "..");
const TYPES = join(SOURCE, "net/types");
const TSC = resolve(SOURCE, "../node_modules/.bin/tsc");

/** A value of a transcript, with the TypeScript type that it must have. */
export interface Sample {
  /** The transcript and the step. */
  origin: string;
  type: string;
  value: unknown;
}

interface Step {
  open?: { socket: string; path: string };
  send?: { socket: string; json?: Frame; malformed?: boolean };
  /** `also` arrives directly before or after. */
  receive?: { socket: string; json: Frame; also?: Frame };
  request?: { method: string; path: string };
  response?: { status: number; json: unknown };
}

interface Frame {
  type: string;
  payload?: unknown;
}

/** The keys of an interface of `net/types.ts`. */
export function keysOf(name: string): string[] {
  const text = readFileSync(`${TYPES}.ts`, "utf8");
  const [, body = ""] = new RegExp(`^export interface ${name} \\{\\n(.*?)^\\}`, "ms").exec(text) ?? [];
  return [...body.matchAll(/^ {2}(?:"([^"]+)"|(\w+))\??:/gm)].map(
    ([, quoted, plain]) => quoted ?? plain ?? "",
  );
}

/** The frames of sockets with `?ext=1`, and the responses of the client's routes, in all transcripts of a folder. */
export function readSamples(folder: string): Sample[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const transcripts = names.filter((name) => name.endsWith(".json")).sort();
  return transcripts.flatMap((name) => {
    const { steps } = JSON.parse(readFileSync(join(folder, name), "utf8")) as { steps: Step[] };
    return samplesOf(name, steps);
  });
}

function samplesOf(name: string, steps: Step[]): Sample[] {
  const routes = keysOf("Answers") as Route[];
  /** Names of remembered numbers. */
  const numbers = new Set(
    [...JSON.stringify(steps).matchAll(/<integer \$(\w+)>/g)].map(([, found = ""]) => found),
  );
  const sockets = new Map<string, boolean>();
  const samples: Sample[] = [];
  for (const [index, { open, send, receive, request, response }] of steps.entries()) {
    const add = (type: string, value: unknown) =>
      samples.push({ origin: `${name}, step ${index + 1}`, type, value: fill(value, numbers) });
    if (open) sockets.set(open.socket, /^\/ws\?ext=1(&|$)/.test(open.path));
    const frames = receive && sockets.get(receive.socket) ? [receive.json, receive.also] : [];
    for (const frame of frames) if (frame) add(`FrameOf<ServerPayloads, "${frame.type}">`, frame);
    if (send?.json && !send.malformed && sockets.get(send.socket))
      add(`FrameOf<ClientPayloads, "${send.json.type}">`, send.json);
    const route = request && routes.find((candidate) => isCall(candidate, request));
    if (route && response && response.status < 300) add(`Answers["${route}"]`, response.json);
    if (route && response && response.status >= 400 && hasCodes(route, request.path)) {
      add("ErrorAnswer", response.json);
    }
  }
  return samples;
}

/** Whether the errors of a request are those of this client. */
function hasCodes(route: Route, path: string): boolean {
  return !DOCUMENTED.has(route) && (!EXTENSIBLE.has(route) || /[?&]ext=1(&|$)/.test(path));
}

/** Whether a request calls a route such as `GET /rooms/{id}?kind=x`. */
function isCall(route: string, { method, path }: { method: string; path: string }): boolean {
  const [routeMethod, template = ""] = route.split(" ");
  const [routePath = "", routeQuery] = template.split("?");
  const [pathname = "", search] = path.split("?");
  const pattern = new RegExp(`^${routePath.replace(/\{\w+\}/g, "[^/]+")}$`);
  const query = new URLSearchParams(search);
  const hasQuery = [...new URLSearchParams(routeQuery)].every(([key, value]) => query.get(key) === value);
  return method === routeMethod && pattern.test(pathname) && hasQuery;
}

/**
 * A value of a transcript with its placeholders filled in. Their grammar is that of `tests/it/wire/pattern.rs`:
 * `<integer>` stands for a number, every other placeholder for a text, and `$name` for a value that was seen before.
 */
function fill(value: unknown, numbers: ReadonlySet<string>): unknown {
  if (typeof value === "string") {
    const isNumber =
      /^<integer( \$\w+)?>$/.test(value) || (value.startsWith("$") && numbers.has(value.slice(1)));
    return isNumber ? 0 : value;
  }
  if (Array.isArray(value)) return value.map((item) => fill(item, numbers));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, numbers)]));
}

/** The type errors of samples, unknown and missing keys included. Each names the origin of its sample. */
export function typeErrors(samples: Sample[]): string[] {
  const head = [
    `import type { Answers, ClientPayloads, ErrorAnswer, FrameOf, ServerPayloads } from ${JSON.stringify(TYPES)};`,
  ];
  // One line per sample, so that the line of an error tells its sample.
  const lines = samples.map(
    ({ type, value }, index) => `export const sample${index}: ${type} = ${JSON.stringify(value)};`,
  );
  return compile([...head, ...lines].join("\n")).map(({ line, message }) => {
    const sample = samples[line - 1 - head.length];
    return sample ? `${sample.origin}: ${message}` : message;
  });
}

function compile(source: string): { line: number; message: string }[] {
  const folder = mkdtempSync(join(tmpdir(), "wire-"));
  try {
    const compilerOptions = {
      strict: true,
      noEmit: true,
      module: "ESNext",
      moduleResolution: "bundler",
      types: [],
    };
    writeFileSync(join(folder, "samples.ts"), source);
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["samples.ts"] }));
    execFileSync(TSC, ["--project", folder, "--pretty", "false"], { encoding: "utf8", cwd: folder });
    return [];
  } catch (error) {
    const output = (error as { stdout?: string }).stdout ?? "";
    const found = [...output.matchAll(/^\S*samples\.ts\((\d+),\d+\): error TS\d+: (.*)$/gm)];
    if (found.length === 0) throw error;
    return found.map(([, line, message = ""]) => ({ line: Number(line), message }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
