import { render } from "preact";
import { beforeEach, expect, it, vi } from "vitest";
import { loadTexts } from "../i18n";
import { me } from "../model/session";
import { toast } from "../model/toast";
import { account } from "../testing/fixtures";
import { settle } from "../testing/settle";
import { Profile } from "./profile";

let root: HTMLElement;
/** The bodies of the requests. */
let sent: unknown[];
let answer: { status: number; body: object };

const input = (name: string) => root.querySelector(`input[name=${name}]`) as HTMLInputElement;
const button = (text: string) =>
  [...root.querySelectorAll("button")].find((it) => it.textContent?.includes(text)) as HTMLButtonElement;

async function type(name: string, text: string): Promise<void> {
  input(name).value = text;
  input(name).dispatchEvent(new InputEvent("input", { bubbles: true }));
  await settle();
}

async function submit(): Promise<void> {
  root.querySelector("form")?.dispatchEvent(new SubmitEvent("submit", { bubbles: true, cancelable: true }));
  await settle();
}

beforeEach(async () => {
  await loadTexts("en");
  sent = [];
  vi.stubGlobal("fetch", async (_: string, { body }: { body: string }) => {
    sent.push(JSON.parse(body));
    return new Response(JSON.stringify(answer.body), { status: answer.status });
  });
  me.value = { ...account(1, "Alice"), avatar: "https://here/a.png", status_text: "Away" };
  document.body.innerHTML = "<div></div>";
  root = document.body.firstElementChild as HTMLElement;
  render(<Profile />, root);
  await settle();
});

it("shows the profile and saves what was changed", async () => {
  expect(input("username").value).toBe("Alice");
  expect(input("status_text").value).toBe("Away");
  expect(root.querySelector("img")?.src).toBe("https://here/a.png");
  expect(button("Save").getAttribute("aria-disabled")).toBe("true");
  await type("status_text", "At lunch");
  button("Remove picture").click();
  await settle();
  expect(root.querySelector(".avatar img")).toBeNull();
  answer = { status: 200, body: { ...account(1, "Alice"), status_text: "At lunch" } };
  await submit();
  expect(sent).toEqual([{ avatar: "", status_text: "At lunch" }]);
  expect(me.value?.status_text).toBe("At lunch");
  expect(toast.value?.text).toBe("Your profile is saved");
  expect(button("Save").getAttribute("aria-disabled")).toBe("true");
});

it("says under the field what is wrong, and keeps what was typed", async () => {
  await type("username", "x".repeat(33));
  await submit();
  expect(sent).toEqual([]);
  expect(root.querySelector(".field-error")?.textContent).toBe("At most 32 characters");
  await type("username", "Bob");
  expect(root.querySelector(".field-error")).toBeNull();
  answer = { status: 409, body: { error: "Username already exists", code: "name_taken" } };
  await submit();
  expect(sent).toEqual([{ username: "Bob" }]);
  expect(root.querySelector(".field-error")?.textContent).toContain("is taken");
  expect(input("username").value).toBe("Bob");
  expect(me.value?.username).toBe("Alice");
});

it("shows changes from elsewhere where nothing was typed", async () => {
  await type("username", "Anna");
  me.value = { ...account(1, "Alicia"), status_text: "Back" };
  await settle();
  expect(input("username").value).toBe("Anna");
  expect(input("status_text").value).toBe("Back");
});
