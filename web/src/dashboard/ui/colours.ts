// The colours of tokens for canvases, where `var()` does not work.

import { computed, signal } from "@preact/signals";
import { theme } from "../../settings/preferences";

const dark = matchMedia("(prefers-color-scheme: dark)");
const isSystemDark = signal(dark.matches);
dark.addEventListener("change", () => {
  isSystemDark.value = dark.matches;
});

export const scheme = computed(() =>
  theme.value === "system" ? (isSystemDark.value ? "dark" : "light") : theme.value,
);

const known = new Map<string, string>();
let knownFor = "";

/** The colour of a token such as `--chart-1` in the current theme. */
export function colour(token: string, opacity = 1): string {
  if (knownFor !== scheme.peek()) known.clear();
  knownFor = scheme.peek();
  const key = `${token} ${opacity}`;
  const found = known.get(key) ?? withOpacity(resolve(token), opacity);
  known.set(key, found);
  return found;
}

/** Resolves a token on a probe element, as browsers resolve `light-dark()` only for elements. */
function resolve(token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** Adds an opacity to a colour such as `rgb(1, 2, 3)`. */
export function withOpacity(rgb: string, opacity: number): string {
  const parts = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(rgb);
  return parts && opacity < 1 ? `rgba(${parts[1]}, ${parts[2]}, ${parts[3]}, ${opacity})` : rgb;
}
