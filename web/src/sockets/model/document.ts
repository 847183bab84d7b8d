// The channels of the AsyncAPI document, as far as they can be tried: addresses, and what a client may send.

interface Reference {
  $ref: string;
}

interface Message {
  title: string;
  summary?: string;
  examples: { payload: unknown }[];
}

interface Fields {
  required?: string[];
  properties?: Record<string, { const?: string }>;
}

/** What is read of the document. */
export interface AsyncApi {
  channels: Record<
    string,
    {
      address: string;
      title: string;
      description: string;
      messages: Record<string, Reference>;
      bindings: { ws: { query?: Fields; headers?: Fields } };
    }
  >;
  operations: Record<string, { action: string; channel: Reference; messages: Reference[] }>;
  components: { messages: Record<string, Message> };
}

/** A frame that a client may send. */
export interface Example {
  /** The name of its message, and which of its examples it is where there are several. */
  message: string;
  number: number | null;
  summary: string;
  frame: string;
}

export interface Channel {
  name: string;
  title: string;
  description: string;
  /** Path and query, without the token. */
  address: string;
  examples: Example[];
}

const last = (path: string) => path.slice(path.lastIndexOf("/") + 1);
/** Texts have code between backticks. */
const plain = (text: string) => text.replaceAll("`", "");

export function channelsOf(document: AsyncApi): Channel[] {
  const channels = Object.entries(document.channels).map(([name, channel]) => ({
    name,
    title: plain(channel.title),
    description: plain(channel.description),
    address: addressOf(document, name),
    examples: examplesOf(document, name),
  }));
  return channels.sort((a, b) => a.title.localeCompare(b.title, "en"));
}

function addressOf(document: AsyncApi, name: string): string {
  const { address, bindings } = document.channels[name] as AsyncApi["channels"][string];
  const { query, headers } = bindings.ws;
  const fixed = new URLSearchParams();
  for (const key of query?.required ?? []) {
    const value = query?.properties?.[key]?.const;
    if (value !== undefined) fixed.set(key, value);
  }
  // Browsers set no headers. Where these choose the channel, its name does.
  const isShared = Object.values(document.channels).filter((other) => other.address === address).length > 1;
  if (headers && isShared) fixed.set("dialect", name);
  return fixed.size > 0 ? `${address}?${fixed}` : address;
}

function examplesOf(document: AsyncApi, name: string): Example[] {
  const channel = document.channels[name] as AsyncApi["channels"][string];
  const operations = Object.values(document.operations).filter(
    ({ action, channel }) => action === "receive" && last(channel.$ref) === name,
  );
  return operations.flatMap(({ messages }) =>
    messages.flatMap(({ $ref }) => {
      const id = last($ref);
      const target = channel.messages[id]?.$ref ?? "";
      const { summary = "", examples } = document.components.messages[last(target)] as Message;
      return examples.map(({ payload }, at) => ({
        message: id,
        number: examples.length > 1 ? at + 1 : null,
        summary: plain(summary),
        frame: JSON.stringify(payload, null, 2),
      }));
    }),
  );
}

/**
 * Path and query of an address that was typed, which may be whole. `null` for another server, which must not get the
 * token.
 */
export function pathOf(typed: string, origin = location.origin): string | null {
  try {
    const { host, pathname, search } = new URL(typed.trim(), origin);
    return host === new URL(origin).host ? pathname + search : null;
  } catch {
    return null;
  }
}

/** The address with a token. */
export function withToken(address: string, token: string): string {
  if (!token) return address;
  return `${address}${address.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`;
}
