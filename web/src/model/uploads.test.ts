import { beforeEach, describe, expect, it, vi } from "vitest";
import * as drafts from "./drafts";
import * as uploads from "./uploads";

/** Replaces the browser's requests. A test decides how they end. */
class FakeRequest {
  static latest: FakeRequest;
  upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
  status = 0;
  response: unknown = null;
  onload = () => {};
  onerror = () => {};
  onabort = () => {};
  body: FormData | null = null;
  constructor() {
    FakeRequest.latest = this;
  }
  path = "";
  open(_: string, path: string) {
    this.path = path;
  }
  setRequestHeader() {}
  getResponseHeader() {
    return null;
  }
  send(body: FormData) {
    this.body = body;
  }
  abort() {
    this.onabort();
  }
  end(status: number, response: unknown) {
    this.status = status;
    this.response = response;
    this.onload();
  }
}

const picture = (size = 3) => new File([new Uint8Array(size)], "猫.png", { type: "image/png" });
const newUpload = (file = picture()) => ({ room: 7, file, batch: "b", caption: "", replyTo: null });
const settle = () => new Promise((resolve) => setTimeout(resolve));
const onDone = vi.fn();

beforeEach(() => {
  vi.stubGlobal("XMLHttpRequest", FakeRequest);
  URL.createObjectURL = () => "blob:x";
  URL.revokeObjectURL = () => {};
  uploads.cancelAllUploads();
  onDone.mockReset();
});

it("accepts pictures and documents up to ten megabytes", () => {
  expect(uploads.rejectionOf(picture())).toBeNull();
  expect(uploads.rejectionOf(picture(uploads.MAX_BYTES))).toBeNull();
  expect(uploads.rejectionOf(picture(uploads.MAX_BYTES + 1))).toBe("upload.size");
  expect(uploads.rejectionOf(new File(["x"], "a.svg", { type: "image/svg+xml" }))).toBe("upload.type");
  expect(uploads.rejectionOf(new File(["x"], "a.png", { type: "" }))).toBe("upload.type");
  expect(uploads.rejectionOf(new File(["x"], "报告.PDF", { type: "" }))).toBeNull();
  expect(uploads.rejectionOf(new File(["x"], "a.pdf.exe", { type: "application/pdf" }))).toBe("upload.type");
  expect(uploads.pictureRejectionOf(new File(["x"], "a.pdf", { type: "application/pdf" }))).toBe(
    "error.image",
  );
});

it("uploads what is no picture as a file", async () => {
  uploads.startUpload(newUpload(new File(["abc"], "报告.pdf", { type: "application/pdf" })), onDone);
  expect(FakeRequest.latest.path).toBe("/api/v1/upload/file?ext=1");
  expect(FakeRequest.latest.body?.get("file")).toMatchObject({ name: "报告.pdf" });
  const [upload] = uploads.pendingUploads.value;
  expect(upload).toMatchObject({ name: "报告.pdf", size: 3, isImage: false, preview: "" });
  FakeRequest.latest.end(201, { url: "/uploads/files/a.pdf", fileName: "报告.pdf", fileSize: 3 });
  await settle();
  expect(onDone).toHaveBeenCalledWith(expect.objectContaining({ isImage: false }), "/uploads/files/a.pdf");
});

it("uploads two pictures at a time", async () => {
  const requests = [0, 1, 2].map(() => {
    uploads.startUpload(newUpload(), onDone);
    return FakeRequest.latest;
  });
  expect(requests[2]).toBe(requests[1]);
  requests[0]?.end(201, { url: "/uploads/images/a.png" });
  await settle();
  expect(FakeRequest.latest).not.toBe(requests[1]);
  expect(uploads.pendingUploads.value).toHaveLength(2);
});

describe("files that are sent together", () => {
  const names = () => onDone.mock.calls.map(([upload]) => upload.name);
  const start = (name: string, room = 7) => {
    uploads.startUpload({ ...newUpload(new File(["x"], name)), room }, onDone);
    return FakeRequest.latest;
  };
  const end = async (request: FakeRequest, status = 201) => {
    request.end(status, status === 201 ? { url: "u" } : { error: "Too large", code: "too_large" });
    await settle();
  };
  const idOf = (name: string) =>
    uploads.pendingUploads.value.find((upload) => upload.name === name)?.clientId ?? "";

  it("come in the order in which they were chosen, whichever is uploaded first", async () => {
    const [large, small] = [start("large.txt"), start("small.txt")];
    await end(small);
    expect(names()).toEqual([]);
    await end(large);
    expect(names()).toEqual(["large.txt", "small.txt"]);
    expect(uploads.pendingUploads.value).toEqual([]);
  });

  it("do not wait for those of other rooms", async () => {
    const [, other] = [start("here.txt"), start("there.txt", 8)];
    await end(other);
    expect(names()).toEqual(["there.txt"]);
  });

  it("do not wait for one that failed or was cancelled", async () => {
    const [failing, second] = [start("failing.txt"), start("second.txt")];
    await end(second);
    await end(failing, 413);
    expect(names()).toEqual(["second.txt"]);
    const [, last] = [start("cancelled.txt"), start("last.txt")];
    await end(last);
    expect(names()).toEqual(["second.txt"]);
    uploads.cancelUpload(idOf("cancelled.txt"));
    expect(names()).toEqual(["second.txt", "last.txt"]);
  });

  it("keep what was written to one that is cancelled, in the composer if it was the last", async () => {
    drafts.saveDraft(7, { text: "since", replyTo: null });
    const begin = (name: string, caption = "", replyTo: number | null = null) =>
      uploads.startUpload({ ...newUpload(new File(["x"], name)), caption, replyTo }, onDone);
    begin("first.txt", "", 3);
    begin("middle.txt");
    begin("last.txt", "words");
    for (const name of ["first.txt", "last.txt"]) uploads.cancelUpload(idOf(name));
    expect(uploads.pendingUploads.value).toMatchObject([
      { name: "middle.txt", caption: "words", replyTo: 3 },
    ]);
    const shown = vi.fn();
    const end = drafts.watchDraft(7, shown);
    uploads.cancelUpload(idOf("middle.txt"));
    end();
    expect(shown).toHaveBeenCalledWith({ text: "words\nsince", replyTo: 3 });
    expect(drafts.draftOf(7)).toEqual({ text: "words\nsince", replyTo: 3 });
  });

  it("are not sent once the session has ended", async () => {
    const [, second] = [start("first.txt"), start("second.txt")];
    await end(second);
    uploads.cancelAllUploads();
    await settle();
    expect(names()).toEqual([]);
  });
});

it("reports its progress and its address", async () => {
  uploads.startUpload(newUpload(), onDone);
  expect(FakeRequest.latest.path).toBe("/api/v1/upload/image?ext=1");
  expect(FakeRequest.latest.body?.get("image")).toMatchObject({ name: "猫.png" });
  FakeRequest.latest.upload.onprogress?.({ loaded: 1, total: 4 });
  expect(uploads.pendingUploads.value).toMatchObject([{ room: 7, progress: 0.25, error: null }]);
  uploads.updateUpload(uploads.pendingUploads.value[0]?.clientId ?? "", { pixels: [4, 3] });
  FakeRequest.latest.end(201, { url: "http://x/uploads/images/a.png" });
  await settle();
  expect(onDone).toHaveBeenCalledWith(
    expect.objectContaining({ room: 7, pixels: [4, 3] }),
    "http://x/uploads/images/a.png",
  );
  expect(uploads.pendingUploads.value).toEqual([]);
});

it("can be retried under the same id after a failure", async () => {
  uploads.startUpload(newUpload(), onDone);
  FakeRequest.latest.end(413, { error: "Too large", code: "too_large" });
  await settle();
  const [failed] = uploads.pendingUploads.value;
  expect(failed).toMatchObject({ error: "too_large" });
  void uploads.runUpload(failed?.clientId ?? "", onDone);
  expect(uploads.pendingUploads.value).toMatchObject([{ error: null, progress: 0 }]);
  FakeRequest.latest.end(201, { url: "u" });
  await settle();
  expect(onDone).toHaveBeenCalledWith(expect.objectContaining({ clientId: failed?.clientId }), "u");
});

it("leaves nothing behind when it is cancelled", async () => {
  uploads.startUpload(newUpload(), onDone);
  uploads.cancelUpload(uploads.pendingUploads.value[0]?.clientId ?? "");
  await settle();
  expect(uploads.pendingUploads.value).toEqual([]);
  expect(onDone).not.toHaveBeenCalled();
});

it("fails as unreachable without a connection", async () => {
  uploads.startUpload(newUpload(), onDone);
  FakeRequest.latest.onerror();
  await settle();
  expect(uploads.pendingUploads.value).toMatchObject([{ error: "unreachable" }]);
});
