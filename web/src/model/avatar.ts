// Avatars made of names: initials on a colour.

const ALPHABETIC = /^[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]/u;

/** One or two characters that represent a name. */
export function initials(name: string): string {
  const words = name.split(/[\s_.-]+/).filter(Boolean);
  const firstChar = (word: string | undefined) => Array.from(word ?? "")[0] ?? "";
  const first = firstChar(words[0]) || "?";
  const last = words.length > 1 ? firstChar(words[words.length - 1]) : "";
  if (!ALPHABETIC.test(first)) return first;
  return (first + (ALPHABETIC.test(last) ? last : "")).toUpperCase();
}

/** The hue of a name in degrees, always the same for the same name. */
export function hue(name: string): number {
  // FNV-1a.
  let hash = 2166136261;
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
  // Multiples of the golden angle are far apart.
  return Math.round(((hash >>> 8) * 137.508) % 360);
}
