import { beforeEach, expect, it, vi } from "vitest";

const open = async (user: number) => {
  vi.resetModules();
  const drafts = await import("./drafts");
  drafts.openDrafts(user);
  return drafts;
};

beforeEach(() => localStorage.clear());

it("survive a reload, per conversation and user", async () => {
  const before = await open(1);
  before.saveDraft(7, { text: "写了一半", replyTo: 3 });
  before.saveDraft(8, { text: "other", replyTo: null });
  const after = await open(1);
  expect(after.draftOf(7)).toEqual({ text: "写了一半", replyTo: 3 });
  expect(after.draftOf(8).text).toBe("other");
  expect((await open(2)).draftOf(7).text).toBe("");
  expect((await open(11)).draftOf(7).text).toBe("");
});

it("are hidden once they are closed", async () => {
  const drafts = await open(1);
  drafts.saveDraft(7, { text: "secret", replyTo: null });
  drafts.closeDrafts();
  expect(drafts.draftOf(7).text).toBe("");
});

it("are removed when they are empty", async () => {
  const drafts = await open(1);
  drafts.saveDraft(7, { text: "x", replyTo: null });
  drafts.saveDraft(7, { text: "", replyTo: null });
  expect(localStorage.length).toBe(0);
});

it("of two tabs do not overwrite each other, as each has its own key", async () => {
  const one = await open(1);
  const other = await open(1);
  one.saveDraft(7, { text: "in one", replyTo: null });
  other.saveDraft(8, { text: "in the other", replyTo: null });
  const after = await open(1);
  expect([after.draftOf(7).text, after.draftOf(8).text]).toEqual(["in one", "in the other"]);
});

it("that are unreadable count as empty", async () => {
  localStorage.setItem("chinwag.draft.1.7", "{");
  localStorage.setItem("chinwag.draft.1.8", '{"text":5}');
  const drafts = await open(1);
  expect(drafts.draftOf(7).text).toBe("");
  expect(drafts.draftOf(8).text).toBe("");
});
