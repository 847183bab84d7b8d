import { beforeAll, expect, it } from "vitest";
import { loadTexts } from "../i18n";
import { type Code, Refused } from "../net/refused";
import { serverErrors, validate } from "./validation";

beforeAll(() => loadTexts("en"));

it("requires all fields of a registration", () => {
  expect(Object.keys(validate("", "", ""))).toEqual(["username", "password"]);
  expect(Object.keys(validate("  ", "secret", "secret"))).toEqual(["username"]);
  expect(Object.keys(validate("bob", "secret", "Secret"))).toEqual(["confirm"]);
  expect(validate("bob", "secret", "secret")).toEqual({});
});

it("counts characters of names and bytes of passwords", () => {
  expect(validate("李".repeat(32), "secret", "secret")).toEqual({});
  expect(validate("李".repeat(33), "secret", "secret").username).toBe("At most 32 characters");
  expect(validate("bob", "12345", "12345").password).toBe("At least 6 characters");
  expect(validate("bob", "密".repeat(24), "密".repeat(24)).password).toBe("At most 71 bytes");
  expect(validate("bob", "x".repeat(71), "x".repeat(71))).toEqual({});
});

it("accepts any password of a login", () => {
  expect(validate("bob", "x", null)).toEqual({});
});

it("puts an error of the server under its field", () => {
  const errors = (code: Code, field?: string) => serverErrors(new Refused(code, "in English", { field }));
  expect(errors("name_taken")).toEqual({ username: "That username is taken, or looks like one that is" });
  expect(errors("weak_password")).toEqual({ password: "This password is too easy to guess" });
  expect(errors("invalid", "username")).toEqual({
    username: "This username mixes alphabets or has characters that cannot be used",
  });
  expect(errors("length", "username")).toEqual({ username: "At most 32 characters" });
  expect(errors("length", "password")).toEqual({ password: "At least 6 characters and at most 71 bytes" });
  expect(errors("missing", "credentials")).toEqual({ form: "Username and password are required" });
  expect(errors("bad_credentials")).toEqual({ form: "Wrong username or password" });
  expect(errors("rate_limited")).toEqual({ form: "Too many requests. Please try again later." });
  expect(errors("unreachable")).toEqual({ form: "The server cannot be reached" });
  expect(serverErrors(new Error("a defect"))).toEqual({ form: "Something went wrong" });
});
