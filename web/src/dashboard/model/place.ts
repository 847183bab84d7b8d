// What is looked at: the range and perhaps one node. The address keeps it, so that a view can be shared.

import { signal } from "@preact/signals";

export const RANGES = ["1h", "6h", "24h"] as const;
export type Range = (typeof RANGES)[number];

export interface Place {
  range: Range;
  node: string | null;
}

export function parsePlace(search: string): Place {
  const asked = new URLSearchParams(search);
  const range = RANGES.find((it) => it === asked.get("range")) ?? "1h";
  return { range, node: asked.get("node") || null };
}

/** The address of a place; what goes without saying is left out. */
export function placeUrl({ range, node }: Place): string {
  const query = new URLSearchParams();
  if (range !== "1h") query.set("range", range);
  if (node !== null) query.set("node", node);
  const text = query.toString();
  return text ? `/dashboard?${text}` : "/dashboard";
}

export const place = signal<Place>(parsePlace(location.search));

export function show(change: Partial<Place>): void {
  const next = { ...place.peek(), ...change };
  if (placeUrl(next) === placeUrl(place.peek())) return;
  history.pushState(null, "", placeUrl(next));
  place.value = next;
}

addEventListener("popstate", () => {
  place.value = parsePlace(location.search);
});
