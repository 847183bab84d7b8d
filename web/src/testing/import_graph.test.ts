import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { findCircle, folderGraph, readGraph } from "./import_graph";

const SOURCE = join(import.meta.dirname, "..");

describe("the sources", () => {
  const files = readGraph(SOURCE);

  it("are all read", () => {
    expect([...(files.get("ui/chat.tsx") ?? [])]).toEqual(
      expect.arrayContaining(["i18n/index.ts", "model/chat.ts"]),
    );
  });

  it("have no circle of imports among files", () => {
    expect(findCircle(files)).toBeNull();
  });

  it("have no circle of imports among folders", () => {
    expect(findCircle(folderGraph(files))).toBeNull();
  });
});

describe("a planted circle", () => {
  let root = "";
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function plant(files: Record<string, string>) {
    root = mkdtempSync(join(tmpdir(), "imports-"));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    return readGraph(root);
  }

  it("is found among files, whatever the form of the import", () => {
    const graph = plant({
      "a.ts": 'import "./style.css";\nimport { b } from "./b";',
      "b.tsx": 'export type { C } from "./c";',
      "c/index.ts": 'const later = () => import("../a");',
      "style.css": "",
    });
    expect(findCircle(graph)).toEqual(["a.ts", "b.tsx", "c/index.ts", "a.ts"]);
  });

  it("is found among folders whose files form none", () => {
    const graph = plant({
      "model/a.ts": 'import { t } from "../i18n/texts";',
      "model/time.ts": "",
      "i18n/texts.ts": 'import {\n  day,\n} from "../model/time";',
    });
    expect(findCircle(graph)).toBeNull();
    expect(findCircle(folderGraph(graph))).toEqual(["i18n", "model", "i18n"]);
  });

  it("is not reported where tests import what they test", () => {
    const graph = plant({
      "a.test.ts": 'import { a } from "./a";',
      "a.ts": 'import { b } from "./b";',
      "b.ts": "",
    });
    expect(findCircle(graph)).toBeNull();
  });
});
