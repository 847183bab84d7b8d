// A client that knows only document 000, in a room with the web client.
import {
  bubble,
  composer,
  expect,
  item,
  newUsers,
  picture,
  plainPage,
  sendPicture,
  test,
  tick,
  write,
} from "./fixtures";

type Frame = { type: string; payload: Record<string, unknown> };

/** The keys of messages in document 000, 2.3. */
const PUSHED = ["content", "created_at", "id", "is_image", "room_id", "user_id", "username"];
const LISTED = PUSHED.filter((key) => key !== "room_id");
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

test("a client of document 000 gets the frames of its document only, whatever the web client does", async ({
  browser,
  contexts,
  enter,
}) => {
  const [plain, alice] = await newUsers("plain", "alice");
  const room = await alice.group("Project Alpha", plain);

  // The whole client: a socket and its received frames.
  const client = await plainPage(browser, contexts, 1);
  await client.evaluate((token) => {
    const socket = new WebSocket(`ws://${location.host}/ws?token=${token}`);
    const frames: Frame[] = [];
    socket.onmessage = ({ data }) => frames.push(JSON.parse(data));
    const send = (type: string, payload: object) => socket.send(JSON.stringify({ type, payload }));
    Object.assign(window, { frames, send });
    return new Promise((open) => {
      socket.onopen = open;
    });
  }, plain.token);
  // Without frames of the global room, in which other tests write meanwhile.
  const frames = async () => {
    const all = await client.evaluate(() => (window as unknown as { frames: Frame[] }).frames);
    return all.filter(({ payload }) => payload.room_id === undefined || payload.room_id === room);
  };
  const send = (type: string, payload: object) =>
    client.evaluate(
      ([type, payload]) =>
        (window as unknown as { send: (type: string, payload: object) => void }).send(type, payload),
      [type, payload] as const,
    );

  // Alice uses the web client: reads, types, writes, replies, deletes, sends a picture, leaves and returns.
  const page = await enter(alice, { room });
  await send("send_message", { room_id: room, content: "Hello everyone!", is_image: false });
  await expect(bubble(page, "Hello everyone!")).toBeVisible();
  await composer(page).pressSequentially("typing");
  await bubble(page, "Hello everyone!").hover();
  await page.getByRole("button", { name: "Reply" }).click();
  await write(page, "Hello, plain client!");
  await expect(tick(bubble(page, "Hello, plain client!"), "delivered")).toBeVisible();
  await write(page, "a slip of the tongue");
  const slip = page.locator(".row", { hasText: "a slip of the tongue" });
  await expect(tick(slip, "sending")).toHaveCount(0);
  await slip.hover();
  await slip.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(slip).toHaveCount(0);
  await sendPicture(page, await picture(page));
  await expect(page.locator(".picture:not(.is-uploading) img")).toHaveCount(1);
  await page.reload();
  await write(page, "done");

  await expect.poll(async () => (await frames()).at(-1)?.payload.content).toBe("done");
  await send("fetch_history", { room_id: room, page: 1, page_size: 20 });
  await expect.poll(async () => (await frames()).at(-1)?.type).toBe("message_history");
  await send("send_message", { room_id: 999_999, content: "x", is_image: false });
  await expect.poll(async () => (await frames()).at(-1)?.type).toBe("error");

  const all = await frames();
  const types = [...Array(5).fill("new_message"), "message_history", "error"];
  expect(all.map((frame) => frame.type)).toEqual(types);
  for (const frame of all) expect(Object.keys(frame).sort()).toEqual(["payload", "type"]);
  const pushed = all.slice(0, 5).map((frame) => frame.payload);
  for (const payload of pushed) {
    expect(Object.keys(payload).sort()).toEqual(PUSHED);
    expect(payload).toMatchObject({ id: expect.any(Number), user_id: expect.any(Number), room_id: room });
    expect(payload.created_at).toMatch(TIME);
  }
  const names = [plain.name, alice.name, alice.name, alice.name, alice.name];
  expect(pushed.map(({ username }) => username)).toEqual(names);
  const url = expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/uploads\/images\/[^/]+\.png$/);
  const contents = ["Hello everyone!", "Hello, plain client!", "a slip of the tongue", url, "done"];
  expect(pushed.map(({ content }) => content)).toEqual(contents);
  expect(pushed.map(({ is_image }) => is_image)).toEqual([false, false, false, true, false]);

  const history = all[5]?.payload as { room_id: number; messages: Record<string, unknown>[] };
  expect(Object.keys(history).sort()).toEqual(["messages", "room_id"]);
  expect(history.room_id).toBe(room);
  for (const message of history.messages) expect(Object.keys(message).sort()).toEqual(LISTED);
  const kept = pushed.filter(({ content }) => content !== "a slip of the tongue");
  expect(history.messages).toEqual(kept.map(({ room_id: _, ...message }) => message));
  expect(all[6]?.payload).toEqual({ message: "Room not found or you are not a member." });

  // The same over HTTP.
  const rooms = await plain.call<object[]>("GET", "/api/v1/rooms");
  expect(rooms).toContainEqual({ id: room, name: "Project Alpha", is_private: false });
  for (const each of rooms) expect(Object.keys(each).sort()).toEqual(["id", "is_private", "name"]);
  await expect(item(page, "Project Alpha")).toContainText("done");
});
