// The view of the dashboard: a range and perhaps one node. The address keeps it, so that a view can be shared.

import { signal } from "@preact/signals";

export const RANGES = ["1h", "6h", "24h"] as const;
export type Range = (typeof RANGES)[number];

export interface View {
  range: Range;
  node: string | null;
}

export function parseView(search: string): View {
  const query = new URLSearchParams(search);
  const range = RANGES.find((name) => name === query.get("range")) ?? "1h";
  return { range, node: query.get("node") || null };
}

/** The address of a view, without the parts that are the default. */
export function viewUrl({ range, node }: View): string {
  const query = new URLSearchParams();
  if (range !== "1h") query.set("range", range);
  if (node !== null) query.set("node", node);
  const text = query.toString();
  return text ? `/dashboard?${text}` : "/dashboard";
}

export const view = signal<View>(parseView(location.search));

export function changeView(change: Partial<View>): void {
  const next = { ...view.peek(), ...change };
  if (viewUrl(next) === viewUrl(view.peek())) return;
  history.pushState(null, "", viewUrl(next));
  view.value = next;
}

addEventListener("popstate", () => {
  view.value = parseView(location.search);
});
