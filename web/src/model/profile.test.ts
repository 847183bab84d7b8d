import { beforeAll, expect, it } from "vitest";
import { loadTexts } from "../i18n";
import { Refused } from "../net/refused";
import { account } from "../testing/fixtures";
import { changesOf, checkProfile, profileErrors } from "./profile";

beforeAll(() => loadTexts("en"));

it("sends only what changes something", () => {
  const own = { ...account(1, "Alice"), avatar: "https://here/a.png", status_text: "x" };
  expect(changesOf(own, {})).toEqual({});
  expect(changesOf(own, { username: "Alice", status_text: "x", avatar: own.avatar })).toEqual({});
  expect(changesOf(own, { username: "Anna", status_text: "", avatar: own.avatar })).toEqual({
    username: "Anna",
    status_text: "",
  });
  expect(changesOf(own, { avatar: "" })).toEqual({ avatar: "" });
});

it("finds what the server would refuse", () => {
  expect(checkProfile({})).toEqual({});
  expect(checkProfile({ username: "王小明", status_text: "🌴".repeat(100), avatar: "" })).toEqual({});
  expect(checkProfile({ username: "  " })).toEqual({ username: "Enter a username" });
  expect(checkProfile({ username: "x".repeat(33), status_text: "字".repeat(101) })).toEqual({
    username: "At most 32 characters",
    status_text: "At most 100 characters",
  });
});

it("puts an error of the server under its field", () => {
  expect(profileErrors(new Refused("name_taken"))).toEqual({
    username: "That username is taken, or looks like one that is",
  });
  expect(profileErrors(new Refused("invalid", "", { field: "avatar" }))).toEqual({
    avatar: "This picture is no longer available",
  });
  expect(profileErrors(new Refused("invalid", "", { field: "status_text" }))).toEqual({
    status_text: "This text has characters that cannot be used",
  });
  expect(profileErrors(new Refused("rate_limited"))).toEqual({
    form: "Too many requests. Please try again later.",
  });
  expect(profileErrors(new Error())).toEqual({ form: "Something went wrong" });
});
