import { describe, expect, it } from "vitest";
import { type Page, PagedList } from "./paged_list";

interface Item {
  id: number;
  name?: string;
}
const items = (...ids: number[]): Item[] => ids.map((id) => ({ id }));
const range = (from: number, count: number) => items(...Array.from({ length: count }, (_, at) => from + at));
const shown = (list: PagedList<Item>) => list.state.value.items.map(({ id }) => id);

/** A list over pages, of which the cursor is the number. */
function listOf(...pages: Item[][]) {
  const asked: (string | null)[] = [];
  const load = async (cursor: string | null): Promise<Page<Item>> => {
    asked.push(cursor);
    const at = Number(cursor ?? 0);
    return { items: pages[at] ?? [], next: at + 1 < pages.length ? String(at + 1) : null };
  };
  return { asked, list: new PagedList(load, ({ id }) => id) };
}

describe("a list", () => {
  it("is read page by page, with each item once", async () => {
    const { list, asked } = listOf(range(1, 30), range(30, 25));
    await list.start();
    expect(shown(list).length).toBe(30);
    expect(list.state.value.hasMore).toBe(true);
    await list.more();
    expect(shown(list)).toEqual(range(1, 54).map(({ id }) => id));
    expect(list.state.value).toMatchObject({ hasMore: false, isLoading: false });
    expect(asked).toEqual([null, "1"]);
  });

  it("goes on by itself past pages with few items, but not for ever", async () => {
    const { list } = listOf([], items(1), [], items(2));
    await list.start();
    expect(shown(list)).toEqual([1, 2]);
    const long = listOf(...Array.from({ length: 15 }, () => []));
    await long.list.start();
    expect(long.asked.length).toBe(10);
    expect(long.list.state.value.hasMore).toBe(true);
  });

  it("drops the answer to a former reading", async () => {
    const answers: ((page: Page<Item>) => void)[] = [];
    const load = () => new Promise<Page<Item>>((answer) => answers.push(answer));
    const list = new PagedList<Item>(load, ({ id }) => id);
    const former = list.start();
    const present = list.start();
    answers[1]?.({ items: items(2), next: null });
    answers[0]?.({ items: items(1), next: null });
    await Promise.all([former, present]);
    expect(shown(list)).toEqual([2]);
  });

  it("keeps what it has when a page fails", async () => {
    let fails = false;
    const load = async (cursor: string | null): Promise<Page<Item>> => {
      if (fails) throw new Error("away");
      return { items: range(cursor ? 21 : 1, 20), next: cursor ? null : "1" };
    };
    const list = new PagedList<Item>(load, ({ id }) => id);
    await list.start();
    fails = true;
    await list.more();
    expect(list.state.value.error).toBeInstanceOf(Error);
    expect(shown(list).length).toBe(20);
    fails = false;
    await list.more();
    expect(shown(list).length).toBe(40);
    expect(list.state.value.error).toBeNull();
  });

  it("changes and removes items", async () => {
    const { list } = listOf(items(1, 2, 3));
    await list.start();
    list.replace(2, { name: "two" });
    list.replace(3, null);
    expect(list.state.value.items).toEqual([{ id: 1 }, { id: 2, name: "two" }]);
  });
});
