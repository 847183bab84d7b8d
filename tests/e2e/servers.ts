// Starts a Redis and two nodes, and stops them in the end. The binary is CHINWAG_BIN.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const binary = process.env.CHINWAG_BIN ?? resolve(import.meta.dirname, "../../target/debug/chinwag");

function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => found(typeof address === "object" && address ? address.port : 0));
    });
  });
}

async function ready(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const isUp = await fetch(url).then((answer) => answer.ok).catch(() => false);
    if (isUp) return;
    await new Promise((again) => setTimeout(again, 100));
  }
  throw new Error(`${url} is not ready`);
}

export default async function start(): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "chinwag-e2e-"));
  const running: ChildProcess[] = [];
  const run = (command: string, args: string[], env: Record<string, string>) => {
    const log = openSync(join(folder, `${running.length}.log`), "w");
    running.push(spawn(command, args, { stdio: ["ignore", log, log], env: { ...process.env, ...env } }));
  };
  const [redis, first, second] = [await freePort(), await freePort(), await freePort()];
  const store = ["--save", "", "--maxmemory-policy", "noeviction", "--dir", folder];
  run("redis-server", ["--port", String(redis), ...store], {});
  const nodes = [first, second].map((port) => `http://127.0.0.1:${port}`);
  for (const port of [first, second]) {
    run(binary, ["serve"], {
      CHINWAG_SERVER__PORT: String(port),
      CHINWAG_SERVER__DRAIN_SECS: "0",
      CHINWAG_REDIS__URL: `redis://127.0.0.1:${redis}`,
      CHINWAG_AUTH__JWT_SECRET: "only for tests: 0123456789abcdef0123456789",
      CHINWAG_AUTH__BCRYPT_COST: "4",
      CHINWAG_UPLOADS__URL: `file://${folder}/uploads`,
    });
  }
  for (const node of nodes) await ready(`${node}/health/ready`);
  process.env.NODES = nodes.join(" ");
  return async () => {
    for (const process of running.reverse()) {
      const gone = new Promise((exited) => process.once("exit", exited));
      process.kill("SIGTERM");
      await gone;
    }
    rmSync(folder, { recursive: true, force: true });
  };
}
