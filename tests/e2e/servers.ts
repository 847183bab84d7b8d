// The cluster of the tests: one Redis and two nodes on free ports, started before the first test and stopped after the
// last. The binary is CHINWAG_BIN. Tests may start further nodes.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";

const binary = process.env.CHINWAG_BIN ?? resolve(import.meta.dirname, "../../target/debug/chinwag");
const READY_MS = 20_000;
const STOP_MS = 15_000;

interface Cluster {
  folder: string;
  redis: number;
  nodes: string[];
}

/** The cluster that the main process started. Workers find it in the environment. */
const cluster = (): Cluster => JSON.parse(process.env.CHINWAG_TEST_CLUSTER ?? "{}");

/** The addresses of the two nodes. */
export const nodes = (): string[] => cluster().nodes;

/** A free port below the range of outgoing connections. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const isFree = await new Promise<boolean>((found) => {
      const server = createServer();
      server.once("error", () => found(false));
      server.listen(port, "127.0.0.1", () => server.close(() => found(true)));
    });
    if (isFree) return port;
  }
}

class Process {
  readonly name: string;
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;

  constructor(
    folder: string,
    name: string,
    command: string,
    args: string[],
    env: Record<string, string> = {},
  ) {
    this.name = name;
    const log = openSync(join(folder, `${name}.log`), "a");
    this.child = spawn(command, args, {
      stdio: ["ignore", log, log],
      env: { ...plainEnvironment(), ...env },
    });
    this.ended = new Promise((done) => this.child.once("exit", () => done()));
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Ends the process like a crash. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  async stop(): Promise<void> {
    if (!this.isRunning) return;
    this.child.kill("SIGTERM");
    const late = setTimeout(() => this.child.kill("SIGKILL"), STOP_MS);
    await this.ended;
    clearTimeout(late);
  }
}

export type Node = Process & { url: string; port: number };

/** Starts a node, on a free port or on that of a former node. */
export async function startNode(given = cluster(), former?: Node): Promise<Node> {
  const port = former?.port ?? (await freePort());
  const node = new Process(given.folder, `node-${port}`, binary, ["serve"], {
    ...nodeSettings(given),
    CHINWAG_SERVER__PORT: String(port),
  });
  const url = `http://127.0.0.1:${port}`;
  await until(`${url} is ready`, node, () =>
    fetch(`${url}/health/ready`).then(
      (answer) => answer.ok,
      () => false,
    ),
  );
  return Object.assign(node, { url, port });
}

function nodeSettings({ folder, redis }: Cluster): Record<string, string> {
  return {
    CHINWAG_SERVER__DRAIN_SECS: "0",
    CHINWAG_REDIS__URL: `redis://127.0.0.1:${redis}`,
    CHINWAG_AUTH__JWT_SECRET: "only for tests: 0123456789abcdef0123456789",
    CHINWAG_AUTH__BCRYPT_COST: "4",
    CHINWAG_LIMITS__ENABLED: "false",
    CHINWAG_UPLOADS__URL: `file://${folder}/uploads`,
  };
}

/** The environment without settings of Chinwag. */
function plainEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([key]) => !key.startsWith("CHINWAG_"));
  return Object.fromEntries(kept) as Record<string, string>;
}

/** Runs an operator command of the binary. */
export async function runCommand(...args: string[]): Promise<string> {
  const env = { ...plainEnvironment(), ...nodeSettings(cluster()) };
  return (await promisify(execFile)(binary, args, { env })).stdout;
}

async function until(what: string, process: Process, isDone: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (!(await isDone())) {
    if (!process.isRunning || Date.now() > deadline) throw new Error(`timed out: ${what}`);
    await new Promise((again) => setTimeout(again, 50));
  }
}

async function startRedis(folder: string, port: number): Promise<Process> {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const command = ["redis-server", "valkey-server"].find((name) =>
    folders.some((path) => existsSync(join(path, name))),
  );
  if (!command) throw new Error("neither redis-server nor valkey-server is on PATH");
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  const redis = new Process(folder, "redis", command, [...args, "--maxmemory-policy", "noeviction"]);
  await until("Redis is ready", redis, async () =>
    /Ready to accept/i.test(readFileSync(join(folder, "redis.log"), "utf8")),
  );
  return redis;
}

/** Log lines about errors and panics of nodes. */
function loggedErrors(folder: string): string[] {
  const logs = readdirSync(folder).filter((name) => name.startsWith("node-"));
  const lines = logs.flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"));
  return lines.filter((line) => /"level":"ERROR"|panicked at/.test(line));
}

/** Starts the cluster. Returns a function that stops it. */
export async function startCluster(): Promise<() => Promise<void>> {
  if (!existsSync(binary)) throw new Error(`no ${binary}: build it with cargo, or set CHINWAG_BIN`);
  const folder = mkdtempSync(join(tmpdir(), "chinwag-e2e-"));
  const given: Cluster = { folder, redis: await freePort(), nodes: [] };
  const running: Process[] = [];
  const stop = async () => {
    // In reverse order: the nodes need Redis.
    for (const process of running.reverse()) await process.stop();
    const found = loggedErrors(folder);
    rmSync(folder, { recursive: true, force: true });
    if (found.length > 0) throw new Error(`nodes logged errors:\n${found.join("\n")}`);
  };
  try {
    running.push(await startRedis(folder, given.redis));
    for (let count = 0; count < 2; count += 1) {
      const node = await startNode(given);
      running.push(node);
      given.nodes.push(node.url);
    }
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
  process.env.CHINWAG_TEST_CLUSTER = JSON.stringify(given);
  return stop;
}

export default startCluster;
