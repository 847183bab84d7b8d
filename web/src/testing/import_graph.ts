// Finds cyclic imports among source files and among their folders.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** For each file or folder, what it imports. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>;

const IMPORT = /\b(?:from|import)\s*\(?\s*["'](\.[^"']*)["']/g;

/** The graph of the files below a folder, tests aside. Dynamic and type-only imports count like any other. */
export function readGraph(root: string): Graph {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" });
  const sources = names.filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name)).sort();
  return new Map(sources.map((name) => [name, importsOf(root, name)]));
}

function importsOf(root: string, name: string): Set<string> {
  const text = readFileSync(join(root, name), "utf8");
  const found = new Set<string>();
  for (const [, specifier = ""] of text.matchAll(IMPORT)) {
    const target = join(root, dirname(name), specifier.replace(/\.tsx?$/, ""));
    const file = [`${target}.ts`, `${target}.tsx`, join(target, "index.ts")].find((path) => existsSync(path));
    if (file) found.add(relative(root, file));
  }
  return found;
}

/** The same graph with folders in the place of files. Imports within a folder do not count. */
export function folderGraph(files: Graph): Graph {
  const folders = new Map<string, Set<string>>();
  for (const [name, imports] of files) {
    const folder = dirname(name);
    const found = folders.get(folder) ?? new Set();
    for (const imported of imports) if (dirname(imported) !== folder) found.add(dirname(imported));
    folders.set(folder, found);
  }
  return folders;
}

/** A cycle as the path that leads back to its first node, or `null` when there is none. */
export function findCircle(graph: Graph): string[] | null {
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): string[] | null => {
    if (finished.has(node)) return null;
    const start = path.indexOf(node);
    if (start >= 0) return [...path.slice(start), node];
    path.push(node);
    for (const next of graph.get(node) ?? []) {
      const circle = visit(next);
      if (circle) return circle;
    }
    path.pop();
    finished.add(node);
    return null;
  };
  for (const node of graph.keys()) {
    const circle = visit(node);
    if (circle) return circle;
  }
  return null;
}
