import { beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError, api, request, setAuth } from "./http";

const requests: { method?: string; path: string; body: unknown }[] = [];
const onUnauthorized = vi.fn();
let token: string | null;
let respond: () => Response | Promise<Response>;

const json = (status: number, body: unknown, headers = {}) =>
  new Response(JSON.stringify(body), { status, headers });

beforeEach(() => {
  requests.length = 0;
  onUnauthorized.mockReset();
  token = "t";
  setAuth({ token: () => token, onUnauthorized });
  respond = () => json(200, {});
  vi.stubGlobal("fetch", async (path: string, { method, body }: RequestInit = {}) => {
    requests.push({ method, path, body: body ? JSON.parse(String(body)) : undefined });
    return respond();
  });
});

describe("routes", () => {
  it("of document 000 ask for codes, others are called as they are", async () => {
    await api.register("bob", "secret");
    await api.logIn("bob", "secret");
    await api.openDirect("alice");
    await api.createGroup("Alpha");
    await api.me();
    respond = () => json(200, []);
    await api.onlineUsers();
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /api/v1/auth/register?ext=1",
      "POST /api/v1/auth/login?ext=1",
      "POST /api/v1/rooms?ext=1",
      "POST /api/v1/rooms?ext=1",
      "GET /api/v1/me",
      "GET /api/chat/online-users?limit=1000",
    ]);
    expect(requests[0]?.body).toEqual({ username: "bob", password: "secret" });
  });

  it("have their path and query filled in", async () => {
    await api.setRole(7, 2, "admin");
    await api.findUsers("a&b =c");
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "PUT /api/v1/rooms/7/members/2",
      "GET /api/v1/search?kind=user&q=a%26b+%3Dc",
    ]);
  });
});

it("takes an answer that breaks off for none", async () => {
  respond = () => new Response('[{"id": 1}, {"i', { status: 200 });
  await expect(api.pins(7)).rejects.toMatchObject({ status: 0, code: "unreachable" });
});

describe("refusals", () => {
  const refusal = () =>
    request("GET", "/x").then(
      () => null,
      (error: unknown) => error as ApiError,
    );

  it("carry the code, the field and the wait of the server", async () => {
    respond = () => json(400, { error: "Username is not valid", code: "invalid", field: "username" });
    expect(await refusal()).toMatchObject({
      status: 400,
      code: "invalid",
      field: "username",
      retryAfterMs: null,
    });
    respond = () => json(429, { error: "Too many requests", code: "rate_limited" }, { "retry-after": "3" });
    expect(await refusal()).toMatchObject({ status: 429, code: "rate_limited", retryAfterMs: 3000 });
  });

  it("get a code by their status where the server gives none", async () => {
    const statuses = [400, 401, 403, 404, 405, 413, 415, 429, 500, 502, 503, 504, 507];
    const codes: string[] = [];
    for (const status of statuses) {
      respond = () => json(status, { code: undefined, message: "words" });
      codes.push((await refusal())?.code ?? "");
    }
    expect(codes).toEqual([
      "invalid",
      "unauthenticated",
      "forbidden",
      "not_found",
      "method_not_allowed",
      "too_large",
      "unsupported_type",
      "rate_limited",
      "internal",
      "unavailable",
      "unavailable",
      "unavailable",
      "storage_full",
    ]);
  });

  it("of former versions are known by route and status", async () => {
    respond = () => json(409, { error: "Username already exists" });
    await expect(api.register("bob", "secret")).rejects.toMatchObject({ code: "name_taken" });
    respond = () => json(401, { error: "Invalid username or password" });
    await expect(api.logIn("bob", "secret")).rejects.toMatchObject({ code: "bad_credentials" });
    expect(onUnauthorized).not.toHaveBeenCalled();
  });

  it("survive answers that are not JSON, and servers that do not answer", async () => {
    respond = () => new Response("<html>", { status: 502 });
    expect(await refusal()).toMatchObject({ status: 502, code: "unavailable" });
    respond = () => Promise.reject(new TypeError("failed to fetch"));
    expect(await refusal()).toMatchObject({ status: 0, code: "unreachable" });
    expect(await refusal()).toBeInstanceOf(ApiError);
  });

  it("end the session only for its own, current token", async () => {
    respond = () => json(401, { error: "no", code: "bad_credentials" });
    await refusal();
    expect(onUnauthorized).not.toHaveBeenCalled();
    respond = () => {
      token = "newer";
      return json(401, { error: "no", code: "unauthenticated" });
    };
    await refusal();
    expect(onUnauthorized).not.toHaveBeenCalled();
    await refusal();
    expect(onUnauthorized).toHaveBeenCalledTimes(1);
  });
});
