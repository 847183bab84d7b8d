// The users of the measurements: a viewer with 500 conversations, one of which has 1,000 messages.
import { forEach, User } from "../../tests/e2e/fixtures";

const DIRECT = 100;
/** In addition to the long room and the global room. */
const GROUPS = 398;
const MESSAGES = 1000;

export interface People {
  viewer: User;
  /** Writes to the viewer in the long room. */
  friend: User;
  /** The room with 1,000 messages. */
  room: number;
}

const NAMES = ["Reading circle", "读书会", "Release planning", "周末爬山", "Neighbours", "Café Zürich", "值班"];
const TEXTS = [
  "See you at eight, then.",
  "好的，明天见",
  "The new build is on the test machine; could somebody look at the numbers before lunch?",
  "https://example.org/minutes/2026-11",
  "👍",
  "I have read all of it and would rather wait a week: the figures are of one day, and nobody has looked at what " +
    "happens when both nodes restart at once. Let us talk about it tomorrow.",
  "我把会议记录放到共享文件夹里了，大家有空看看，有问题直接在这里说。",
];
const textOf = (n: number) => `${n} ${TEXTS[n % TEXTS.length]}`;

export async function createPeople(): Promise<People> {
  const viewer = await User.named("viewer");
  const friend = await User.named("朋友");
  const named = Array.from({ length: DIRECT }, (_, n) => `someone${n}`);
  const others: User[] = [];
  await forEach(named, async (name) => others.push(await User.named(name)));
  await forEach(others, async (other) => {
    const id = await other.direct(viewer);
    await other.send(id, textOf(id));
  });
  const groups = Array.from({ length: GROUPS }, (_, n) => n);
  await forEach(groups, async (n) => {
    const owner = others[n % others.length] ?? friend;
    const id = await owner.group(`${NAMES[n % NAMES.length]} ${n}`, viewer);
    await owner.send(id, textOf(n));
  });
  const room = await friend.group("长长的历史 · long", viewer, ...others.slice(0, 5));
  const writers = [friend, viewer, ...others.slice(0, 5)];
  for (let n = 0; n < MESSAGES; n += 1) {
    // Three messages in a row have the same sender.
    await writers[Math.floor(n / 3) % writers.length]?.send(room, textOf(n));
  }
  const all = await viewer.call<unknown[]>("GET", "/api/v1/conversations");
  if (all.length !== DIRECT + GROUPS + 2) throw new Error(`${all.length} conversations`);
  return { viewer, friend, room };
}
