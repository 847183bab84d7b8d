import { beforeAll, expect, it } from "vitest";
import { loadTexts } from "../i18n";
import { ApiError } from "../net/http";
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
  expect(serverErrors(new ApiError(409, "Username already exists"))).toEqual({
    username: "That username is taken",
  });
  expect(serverErrors(new ApiError(400, "Username is not valid"))).toEqual({
    username: "Username is not valid",
  });
  expect(serverErrors(new ApiError(400, "Password is too long"))).toEqual({
    password: "Password is too long",
  });
  expect(serverErrors(new ApiError(400, "Username and password are required"))).toEqual({
    form: "Username and password are required",
  });
  expect(serverErrors(new ApiError(401, "Invalid username or password"))).toEqual({
    form: "Wrong username or password",
  });
  expect(serverErrors(new ApiError(429, "Too many requests"))).toHaveProperty("form");
  expect(serverErrors(new ApiError(0, "unreachable"))).toEqual({ form: "The server cannot be reached" });
});
