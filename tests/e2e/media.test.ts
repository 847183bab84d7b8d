// Audio and video that play in place. Those of other hosts are loaded when the user wants that.
import {
  bubble,
  expect,
  newUsers,
  type Page,
  plainPage,
  sendAll,
  silence,
  test,
  type User,
} from "./fixtures";

const HOST = "media.example";

/** Sends a file by its address, through a WebSocket of document 000 with our additions. */
async function sendFile(
  plain: Page,
  user: User,
  room: number,
  kind: "audio" | "video",
  url: string,
): Promise<void> {
  const message = { message_type: kind, content: "listen", file_url: url, file_name: `a.${kind}` };
  const answer = await plain.evaluate(
    ({ token, payload }) =>
      new Promise<string>((done) => {
        const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws?ext=1&token=${token}`);
        socket.onopen = () => socket.send(JSON.stringify({ type: "send_message", payload }));
        socket.onmessage = ({ data }) => {
          const frame = JSON.parse(data);
          if (frame.payload?.ref !== payload.ref) return;
          socket.close();
          done(frame.type);
        };
      }),
    { token: user.token, payload: { ...message, room_id: room, ref: "sent" } },
  );
  expect(answer).toBe("done");
}

/** Serves a host that is not there, and counts its requests. */
async function serve(page: Page, body: Buffer, contentType: string): Promise<string[]> {
  const asked: string[] = [];
  await page.route(`https://${HOST}/**`, (route) => {
    asked.push(route.request().url());
    return route.fulfill({ body, contentType, headers: { "accept-ranges": "bytes" } });
  });
  return asked;
}

test("audio of another host is loaded after a click, and plays in place", async ({
  browser,
  contexts,
  enter,
}) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await sendFile(await plainPage(browser, contexts), alice, room, "audio", `https://${HOST}/a.wav`);
  const page = await enter(bob, { node: 1, room });
  const asked = await serve(page, silence(60), "audio/wav");
  await page.reload();
  const held = page.getByRole("button", { name: `Audio from ${HOST}` });
  await expect(held).toBeVisible();
  expect(asked).toEqual([]);
  const before = await held.boundingBox();
  await held.click();
  const player = page.locator("audio");
  await expect(player).toHaveJSProperty("duration", 60);
  expect(await player.evaluate((audio: HTMLAudioElement) => [audio.paused, audio.autoplay])).toEqual([
    true,
    false,
  ]);
  expect((await player.boundingBox())?.height).toBe(before?.height);
  await player.evaluate((audio: HTMLAudioElement) => audio.play());
  await expect.poll(() => player.evaluate((audio: HTMLAudioElement) => audio.currentTime)).toBeGreaterThan(0);
  // It goes on when its message is far out of view.
  const texts = Array.from({ length: 80 }, (_, at) => `message ${at}`);
  await sendAll(await plainPage(browser, contexts), alice, room, texts);
  await expect(bubble(page, "message 79")).toBeInViewport();
  await expect(bubble(page, "message 20")).toHaveCount(0);
  const now = await player.evaluate((audio: HTMLAudioElement) => audio.currentTime);
  await expect
    .poll(() => player.evaluate((audio: HTMLAudioElement) => audio.currentTime))
    .toBeGreaterThan(now);
});

test("what cannot be played is offered as a file", async ({ browser, contexts, enter }) => {
  const [alice, bob] = await newUsers("alice", "bob");
  const room = await alice.direct(bob);
  await sendFile(await plainPage(browser, contexts), alice, room, "video", `https://${HOST}/v.mp4`);
  const page = await enter(bob, { node: 1, room });
  const asked = await serve(page, Buffer.from("no video"), "video/mp4");
  await page.getByRole("button", { name: `Video from ${HOST}` }).click();
  await expect(page.getByRole("link", { name: "Open a.video" })).toBeVisible();
  expect(asked.length).toBeGreaterThan(0);
});
