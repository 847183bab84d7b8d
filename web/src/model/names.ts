// Pictures for names: initials on a colour.

const ALPHABETIC = /^[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]/u;

/** One or two signs for a name. */
export function initials(name: string): string {
  const words = name.split(/[\s_.-]+/).filter(Boolean);
  const sign = (word: string | undefined) => Array.from(word ?? "")[0] ?? "";
  const first = sign(words[0]) || "?";
  const last = words.length > 1 ? sign(words[words.length - 1]) : "";
  if (!ALPHABETIC.test(first)) return first;
  return (first + (ALPHABETIC.test(last) ? last : "")).toUpperCase();
}

/** A hue, in degrees, that a name always has. */
export function hue(name: string): number {
  let hash = 2166136261;
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
  // Steps of the golden angle keep neighbours apart.
  return Math.round(((hash >>> 8) * 137.508) % 360);
}
