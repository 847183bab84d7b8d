// What a search for messages finds, page by page, newest first.

import { signal } from "@preact/signals";
import { findMessages, type MessageSearch } from "../net/search";
import type { RoomMessage } from "../net/types";
import { retried } from "./search";

const PAGE_SIZE = 30;

/** The next page: "more" can be requested, "busy" is being requested, "failed" can be retried, "done" does not exist. */
type State = "more" | "busy" | "failed" | "done";

export class FoundMessages {
  readonly messages = signal<RoomMessage[]>([]);
  readonly state = signal<State>("more");
  /** Whether rooms are left out, as the server cannot reach them at the moment. */
  readonly isPartial = signal(false);
  private readonly search: MessageSearch;
  private cursor: string | null = null;
  private isWanted = true;

  constructor(search: MessageSearch) {
    this.search = search;
  }

  /** Requests pages until there are messages, or no more pages. A page may be empty and not the last. */
  async more(): Promise<void> {
    if (this.state.peek() === "busy" || this.state.peek() === "done") return;
    this.state.value = "busy";
    try {
      let isEmpty = true;
      while (isEmpty && this.state.peek() === "busy") {
        const ask = () => findMessages(this.search, PAGE_SIZE, this.cursor);
        const page = await retried(ask, () => this.isWanted);
        if (!page || !this.isWanted) return;
        this.cursor = page.next;
        this.isPartial.value ||= page.isPartial;
        isEmpty = page.messages.length === 0;
        if (!isEmpty) this.messages.value = [...this.messages.peek(), ...page.messages];
        if (page.next === null) this.state.value = "done";
      }
      if (this.state.peek() === "busy") this.state.value = "more";
    } catch {
      if (this.isWanted) this.state.value = "failed";
    }
  }

  /** Asks for no more. */
  stop(): void {
    this.isWanted = false;
  }
}
