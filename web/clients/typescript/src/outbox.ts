// Messages that are not known to be stored yet. The server stores each client id once, however often its message is sent,
// for a day.

import { MAX_AGE_MS, newClientId } from "./generated/resending.ts";
import type { ClientPayloads, RoomMessage } from "./generated/types.ts";
import { Refused } from "./refused.ts";

/** What is sent. A `client_id` is made if there is none. */
export type OutgoingMessage = Omit<ClientPayloads["send_message"], "ref">;

/** Keeps the outbox of one connection of one user where it survives the end of the program. */
export interface OutboxStorage {
  load: () => string | null;
  save: (text: string) => void;
}

export interface Entry {
  message: OutgoingMessage & { client_id: string };
  /** When it was first to be sent. */
  at: number;
}

interface Sender {
  resolve: (message: RoomMessage) => void;
  reject: (error: Refused) => void;
}

/** With its frame it stays below what closes a connection. */
const MAX_BYTES = 128_000;

export class Outbox {
  private entries: Entry[];
  /** Entries that the server has stored, with the time, and whose message has not arrived. */
  private readonly done = new Map<Entry, number>();
  /** Those who wait. Nobody waits for the entries of an earlier run of the program. */
  private readonly senders = new Map<string, Sender>();
  private readonly storage: OutboxStorage | undefined;

  constructor(storage: OutboxStorage | undefined) {
    this.storage = storage;
    this.entries = JSON.parse(storage?.load() ?? "[]");
  }

  /** Adds a message. Resolves with what the server has stored. */
  add(message: OutgoingMessage): Promise<RoomMessage> {
    const client_id = message.client_id ?? newClientId();
    const { length } = new TextEncoder().encode(JSON.stringify(message));
    if (length > MAX_BYTES) return Promise.reject(new Refused("too_large"));
    this.entries.push({ message: { ...message, client_id }, at: Date.now() });
    this.save();
    return new Promise((resolve, reject) => this.senders.set(client_id, { resolve, reject }));
  }

  /** The oldest entry that is to be sent. */
  next(): Entry | undefined {
    return this.entries.find((entry) => !this.done.has(entry));
  }

  isTooOld({ at }: Entry): boolean {
    return Date.now() - at > MAX_AGE_MS;
  }

  /** The server has stored the message, which will arrive. */
  markDone(entry: Entry): void {
    if (this.entries.includes(entry)) this.done.set(entry, Date.now());
  }

  /** Lets those entries be sent again whose message has not arrived for so long. */
  sendAgainAfter(ms: number): void {
    const latest = Date.now() - ms;
    for (const [entry, at] of this.done) if (at <= latest) this.done.delete(entry);
  }

  /** The message has arrived. */
  settle(message: RoomMessage): void {
    if (message.client_id) this.take(message.client_id)?.resolve(message);
  }

  /** The server does not take the message. */
  refuse({ message }: Entry, error: Refused): void {
    this.take(message.client_id)?.reject(error);
  }

  private take(clientId: string): Sender | undefined {
    const entry = this.entries.find(({ message }) => message.client_id === clientId);
    if (!entry) return undefined;
    this.entries = this.entries.filter((it) => it !== entry);
    this.done.delete(entry);
    this.save();
    const sender = this.senders.get(clientId);
    this.senders.delete(clientId);
    return sender;
  }

  private save(): void {
    this.storage?.save(JSON.stringify(this.entries));
  }
}
