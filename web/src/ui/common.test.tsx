import { render } from "preact";
import { beforeEach, expect, it, vi } from "vitest";
import { loadTexts } from "../i18n";
import { noteCards, resetCards } from "../model/people";
import { settle } from "../testing/settle";
import { Avatar, UserAvatar } from "./common";

async function draw(node: preact.VNode): Promise<Element> {
  document.body.innerHTML = "<div></div>";
  const root = document.body.firstElementChild as Element;
  render(node, root);
  await settle();
  return root;
}

beforeEach(async () => {
  resetCards();
  await loadTexts("en");
});

it("draws a picture over the initials once it is loaded", async () => {
  const root = await draw(<Avatar name="Alice" src="https://example.org/a.png" isOnline />);
  const image = root.querySelector("img") as HTMLImageElement;
  expect(image.src).toBe("https://example.org/a.png");
  expect(image.alt).toBe("");
  expect(image.referrerPolicy).toBe("no-referrer");
  expect(image.className).toBe("");
  image.dispatchEvent(new Event("load"));
  await settle();
  expect(image.className).toBe("is-shown");
  expect(root.textContent).toBe("Aonline");
});

it("leaves the initials when there is no picture or it cannot be loaded", async () => {
  for (const src of [undefined, "", "javascript:alert(1)", "data:image/png;base64,AAAA"]) {
    const root = await draw(<Avatar name="Alice" src={src} />);
    expect(root.querySelector("img"), src).toBeNull();
    expect(root.textContent).toBe("A");
  }
  const root = await draw(<Avatar name="Alice" src="https://example.org/gone.png" />);
  root.querySelector("img")?.dispatchEvent(new Event("error"));
  await settle();
  expect(root.querySelector("img")).toBeNull();
  expect(root.textContent).toBe("A");
});

it("draws another picture when the address changes", async () => {
  const root = await draw(<Avatar name="Alice" src="https://example.org/broken.png" />);
  root.querySelector("img")?.dispatchEvent(new Event("error"));
  await settle();
  render(<Avatar name="Alice" src="/uploads/images/b.png" />, root);
  await settle();
  expect(root.querySelector("img")?.src).toBe(`${location.origin}/uploads/images/b.png`);
});

it("asks for the picture of a user of whom only the id is known", async () => {
  const fetch = vi.fn(async () => new Response(JSON.stringify([])));
  vi.stubGlobal("fetch", fetch);
  const root = await draw(<UserAvatar id={7} name="Bob" />);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(fetch).toHaveBeenCalledTimes(1);
  expect(fetch).toHaveBeenCalledWith("/api/v1/users?ids=7", expect.anything());
  noteCards([{ id: 7, username: "Bob", avatar: "https://example.org/bob.png", status_text: "" }]);
  await settle();
  expect(root.querySelector("img")?.src).toBe("https://example.org/bob.png");
  expect(root.textContent).toBe("B");
});
