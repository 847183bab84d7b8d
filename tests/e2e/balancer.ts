// A TCP load balancer: each connection goes to the first node that accepts it. It can hold back bytes, so that a node
// dies at a chosen moment.
import { connect, createServer, type Socket } from "node:net";

type Way = "requests" | "answers";

export class Balancer {
  readonly url: string;
  /** How many bytes were held back. */
  held = 0;
  private way: Way | null = null;
  private readonly open = new Set<Socket>();
  private readonly server;

  private constructor(server: ReturnType<typeof createServer>, port: number) {
    this.server = server;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async inFrontOf(...ports: number[]): Promise<Balancer> {
    const server = createServer();
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const address = server.address();
    if (typeof address !== "object" || !address) throw new Error("no port");
    const balancer = new Balancer(server, address.port);
    server.on("connection", (client) => balancer.serve(client, ports));
    return balancer;
  }

  /** Swallows everything in one direction from now on, so that the open connections are dead. */
  hold(way: Way): void {
    this.way = way;
    this.held = 0;
  }

  /** Serves new connections again. Those that were held stay unusable. */
  release(): void {
    this.way = null;
  }

  async close(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise((closed) => this.server.close(closed));
  }

  private serve(client: Socket, ports: number[]): void {
    const [port, ...others] = ports;
    this.keep(client);
    if (port === undefined) return void client.destroy();
    const node = connect(port, "127.0.0.1");
    this.keep(node);
    let isConnected = false;
    node.on("connect", () => {
      isConnected = true;
      this.pass(client, node, "requests");
      this.pass(node, client, "answers");
    });
    node.on("close", () => (isConnected ? client.destroy() : this.serve(client, others)));
    client.on("close", () => node.destroy());
  }

  private pass(from: Socket, to: Socket, way: Way): void {
    from.on("data", (bytes) => {
      if (this.way === way) this.held += bytes.length;
      else to.write(bytes);
    });
  }

  private keep(socket: Socket): void {
    this.open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.open.delete(socket));
  }
}
