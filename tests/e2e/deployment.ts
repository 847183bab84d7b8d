// A proxy in front of a node, which can be unreachable, and can serve a new build of the client: all of its files have
// other names then, and those of the build before are gone.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";

/** Names of built files, with the hash of their content. */
const NAME = /(-[\w-]{8})\.(js|css|svg|png)\b/g;
/** What tells the builds of the service worker apart. */
const VERSION = /(["'`])([0-9a-f]{16})\1/g;

export class Deployment {
  readonly url: string;
  /** The number of the build that is served. */
  build = 1;
  /** Without it the server is one from before there was a service worker. */
  hasWorker = true;
  private isReachable = true;
  private readonly open = new Set<Socket>();
  private readonly server: Server;
  private readonly port: number;

  private constructor(server: Server, url: string, port: number) {
    this.server = server;
    this.url = url;
    this.port = port;
  }

  static async inFrontOf(node: string): Promise<Deployment> {
    const server = createServer();
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const address = server.address();
    if (typeof address !== "object" || !address) throw new Error("no port");
    const deployment = new Deployment(server, `http://127.0.0.1:${address.port}`, Number(new URL(node).port));
    server.on("connection", (socket) => deployment.keep(socket));
    server.on("request", (asked, answer) => deployment.serve(asked, answer));
    server.on("upgrade", (asked, socket, head) => deployment.join(asked, socket as Socket, head));
    return deployment;
  }

  /** Lets nobody reach the server. */
  takeDown(): void {
    this.isReachable = false;
    for (const socket of this.open) socket.destroy();
  }

  bringBack(): void {
    this.isReachable = true;
  }

  async close(): Promise<void> {
    this.takeDown();
    await new Promise((closed) => this.server.close(closed));
  }

  private get tag(): string {
    return `.b${this.build}`;
  }

  private serve(asked: IncomingMessage, answer: ServerResponse): void {
    const path = asked.url ?? "/";
    const isOfBuild = !path.startsWith("/assets/") || path.includes(`${this.tag}.`);
    const isMissing = !isOfBuild || (path === "/worker.js" && !this.hasWorker);
    const headers = { ...asked.headers, "accept-encoding": "identity" };
    delete headers["if-none-match"];
    const target = isMissing ? "/assets/none.js" : path.replace(this.tag, "");
    const options = { port: this.port, host: "127.0.0.1", path: target, method: asked.method, headers };
    const passed = request(options, (given) => {
      const isText = /javascript|html|css|manifest/.test(given.headers["content-type"] ?? "");
      const { etag: _, "content-length": __, ...rest } = given.headers;
      answer.writeHead(given.statusCode ?? 502, isText ? rest : given.headers);
      if (!isText) return void given.pipe(answer);
      const parts: Buffer[] = [];
      given.on("data", (part) => parts.push(part));
      given.on("end", () => answer.end(this.rebuilt(Buffer.concat(parts).toString())));
    });
    passed.on("error", () => answer.destroy());
    asked.pipe(passed);
  }

  private rebuilt(text: string): string {
    const known = this.hasWorker ? text : text.replaceAll(".register(", ".getRegistration(");
    return known
      .replace(NAME, (_, hash, type) => `${hash}${this.tag}.${type}`)
      .replace(VERSION, (_, quote, version) => `${quote}${version}${this.tag}${quote}`);
  }

  /** Passes a WebSocket on. */
  private join(asked: IncomingMessage, client: Socket, head: Buffer): void {
    const node = connect(this.port, "127.0.0.1", () => {
      const lines = [`${asked.method} ${asked.url} HTTP/1.1`];
      for (let at = 0; at < asked.rawHeaders.length; at += 2) {
        lines.push(`${asked.rawHeaders[at]}: ${asked.rawHeaders[at + 1]}`);
      }
      node.write(`${lines.join("\r\n")}\r\n\r\n`);
      node.write(head);
      node.pipe(client);
      client.pipe(node);
    });
    this.keep(node);
    node.on("close", () => client.destroy());
    client.on("close", () => node.destroy());
  }

  private keep(socket: Socket): void {
    if (!this.isReachable) return void socket.destroy();
    this.open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.open.delete(socket));
  }
}
