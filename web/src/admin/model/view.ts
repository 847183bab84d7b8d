// The view of the administration: a section and the search in it. The address keeps it.

import { signal } from "@preact/signals";

export const SECTIONS = ["users", "invites", "rooms", "uploads", "trace", "audit"] as const;
export type Section = (typeof SECTIONS)[number];

/** Kinds of actions in the audit log, by the first words of their names. */
export const KINDS = ["user", "room", "invite", "message", "token", "hook"] as const;
export type Kind = (typeof KINDS)[number];

export interface View {
  section: Section;
  /** The text to search for; empty for none. */
  q: string;
  /** The kind of actions in the audit log; `null` for all. */
  kind: Kind | null;
}

export function parseView(search: string): View {
  const query = new URLSearchParams(search);
  const section = SECTIONS.find((name) => name === query.get("section")) ?? "users";
  const kind = KINDS.find((name) => name === query.get("kind")) ?? null;
  return { section, q: query.get("q") ?? "", kind };
}

/** The address of a view, without the parts that are the default. */
export function viewUrl({ section, q, kind }: View): string {
  const query = new URLSearchParams();
  if (section !== "users") query.set("section", section);
  if (q) query.set("q", q);
  if (kind) query.set("kind", kind);
  const text = query.toString();
  return text ? `/admin?${text}` : "/admin";
}

export const view = signal<View>(parseView(location.search));

/** Shows another section, as a step back in the history. */
export function showSection(section: Section): void {
  const next: View = { section, q: "", kind: null };
  if (viewUrl(next) === viewUrl(view.peek())) return;
  history.pushState(null, "", viewUrl(next));
  view.value = next;
}

/** Looks for something else in the section. */
export function filterView(change: Partial<Pick<View, "q" | "kind">>): void {
  const next = { ...view.peek(), ...change };
  history.replaceState(null, "", viewUrl(next));
  view.value = next;
}

addEventListener("popstate", () => {
  view.value = parseView(location.search);
});
