// A list that is read page by page.

import { signal } from "@preact/signals";

export interface Page<T> {
  items: T[];
  /** The cursor of the next page; `null` at the end. */
  next: string | null;
}

export interface ListState<T> {
  items: readonly T[];
  /** Whether there is more. */
  hasMore: boolean;
  isLoading: boolean;
  error: unknown;
}

/** A page of a search may have few items: so many items are collected, from at most so many pages. */
const WANTED = 20;
const PAGES_AT_ONCE = 10;

export class PagedList<T> {
  readonly state = signal<ListState<T>>({ items: [], hasMore: false, isLoading: true, error: null });
  readonly #load: (cursor: string | null) => Promise<Page<T>>;
  readonly #keyOf: (item: T) => string | number;
  #next: string | null = null;
  /** The number of the current read: responses to earlier ones are dropped. */
  #reading = 0;

  constructor(load: (cursor: string | null) => Promise<Page<T>>, keyOf: (item: T) => string | number) {
    this.#load = load;
    this.#keyOf = keyOf;
  }

  /** Reads the beginning. What was shown stays until it is there. */
  start(): Promise<void> {
    return this.#read(null, []);
  }

  /** Reads what follows. */
  more(): Promise<void> {
    return this.#read(this.#next, this.state.peek().items);
  }

  /** Changes an item that is shown, or removes it with `null`. */
  replace(key: string | number, change: Partial<T> | null): void {
    const { items, ...rest } = this.state.peek();
    const changed = items.flatMap((item) => {
      if (this.#keyOf(item) !== key) return [item];
      return change ? [{ ...item, ...change }] : [];
    });
    this.state.value = { ...rest, items: changed };
  }

  async #read(from: string | null, known: readonly T[]): Promise<void> {
    this.#reading += 1;
    const reading = this.#reading;
    this.state.value = { ...this.state.peek(), isLoading: true, error: null };
    let items = known;
    let cursor = from;
    try {
      for (let pages = 0; pages < PAGES_AT_ONCE; pages += 1) {
        const page = await this.#load(cursor);
        if (this.#reading !== reading) return;
        items = this.#joined(items, page.items);
        cursor = page.next;
        if (cursor === null || items.length - known.length >= WANTED) break;
      }
      this.#next = cursor;
      this.state.value = { items, hasMore: cursor !== null, isLoading: false, error: null };
    } catch (error) {
      if (this.#reading === reading) this.state.value = { ...this.state.peek(), isLoading: false, error };
    }
  }

  /** An item that has moved meanwhile may be on two pages. */
  #joined(items: readonly T[], more: readonly T[]): T[] {
    const known = new Set(items.map(this.#keyOf));
    return [...items, ...more.filter((item) => !known.has(this.#keyOf(item)))];
  }
}
