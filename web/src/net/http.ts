// Requests to the server over HTTP.

import { type Code, type RefusalDetails, Refused } from "./refused";
import { EXTENSIBLE } from "./routes";
import type {
  Answers,
  ConversationSettings,
  ErrorAnswer,
  ErrorCode,
  ProfileChange,
  RoomChange,
  Route,
} from "./types";

/** The refusal of a request. The status is 0 if the server was not reached. */
export class ApiError extends Refused {
  readonly status: number;
  constructor(status: number, code: Code, message?: string, details?: RefusalDetails) {
    super(code, message, details);
    this.status = status;
  }
}

type Auth = { token: () => string | null; onUnauthorized: () => void };
let auth: Auth = { token: () => null, onUnauthorized: () => {} };

/** Sets whose token requests carry, and what happens when the server refuses it. */
export function setAuth(next: Auth): void {
  auth = next;
}

const TIMEOUT_MS = 15_000;

/**
 * Sends a request and returns the body of its response.
 *
 * # Errors
 * `ApiError` with the status of the server, or 0 if it was not reached. A refused token ends the session.
 */
export async function request(...args: Parameters<typeof exchange>): Promise<unknown> {
  return (await exchange(...args)).answer;
}

/** What a response lacks while a part of the server's store is unavailable: rooms. */
export const isPartial = (headers: Headers) => headers.get("x-partial") === "1";

/** Like `request`, with the headers of the response. */
export async function exchange(
  method: string,
  path: string,
  body?: unknown,
  signal = AbortSignal.timeout(TIMEOUT_MS),
): Promise<{ answer: unknown; headers: Headers }> {
  const headers: Record<string, string> = {};
  const token = auth.token();
  if (token) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    const text = body === undefined ? undefined : JSON.stringify(body);
    response = await fetch(path, { method, headers, body: text, signal });
  } catch {
    throw new ApiError(0, "unreachable");
  }
  const answer: unknown = await response.json().catch(() => undefined);
  // Every response of the server is JSON. One that broke off says nothing.
  if (response.ok && answer === undefined) throw new ApiError(0, "unreachable");
  if (response.ok) return { answer, headers: response.headers };
  const error = refusal(path, response.status, answer, response.headers.get("retry-after"));
  if (error.code === "unauthenticated" && token && auth.token() === token) auth.onUnauthorized();
  throw error;
}

/** The error of a response. Responses without a code get one by their status. */
function refusal(path: string, status: number, answer: unknown, retryAfterSecs: string | null): ApiError {
  const { error, code, field } = (answer ?? {}) as Partial<ErrorAnswer>;
  const retryAfterMs = Number(retryAfterSecs) > 0 ? Number(retryAfterSecs) * 1000 : undefined;
  return new ApiError(status, code ?? codeOf(path, status), error, { field, retryAfterMs });
}

/** What former versions answer without a code. A page may be newer than the node that answers it. */
const FORMER: Record<string, ErrorCode> = {
  "400 /api/v1/upload/image": "unsupported_type",
  "401 /api/v1/auth/login": "bad_credentials",
  "409 /api/v1/auth/register": "name_taken",
};

function codeOf(path: string, status: number): ErrorCode {
  const former = FORMER[`${status} ${path.split("?", 1)[0]}`];
  if (former) return former;
  switch (status) {
    case 401:
      return "unauthenticated";
    case 403:
      return "forbidden";
    case 404:
      return "not_found";
    case 405:
      return "method_not_allowed";
    case 413:
      return "too_large";
    case 415:
      return "unsupported_type";
    case 429:
      return "rate_limited";
    case 502:
    case 503:
    case 504:
      return "unavailable";
    case 507:
      return "storage_full";
    default:
      return status >= 500 ? "internal" : "invalid";
  }
}

interface Call {
  /** Values for the placeholders of the path. */
  path?: Record<string, number | string>;
  query?: Record<string, string | number>;
  body?: unknown;
}

/** Calls a route with its path and query filled in. */
export async function call<R extends Route>(
  route: R,
  { path = {}, query = {}, body }: Call = {},
): Promise<Answers[R]> {
  const [method = "", template = ""] = route.split(" ");
  const [pathname = "", search] = template.split("?");
  const filled = pathname.replace(/\{(\w+)\}/g, (_, name: string) => String(path[name]));
  const params = new URLSearchParams(search);
  if (EXTENSIBLE.has(route)) params.set("ext", "1");
  for (const [key, value] of Object.entries(query)) params.set(key, String(value));
  const text = params.toString();
  const address = text ? `${filled}?${text}` : filled;
  return (await request(method, address, body)) as Answers[R];
}

export const api = {
  register: (username: string, password: string, invite?: string) =>
    call("POST /api/v1/auth/register", { body: { username, password, invite } }),
  logIn: (username: string, password: string) =>
    call("POST /api/v1/auth/login", { body: { username, password } }),
  logOut: (everywhere: boolean) => call("POST /api/v1/auth/logout", { body: { everywhere } }),
  me: () => call("GET /api/v1/me"),
  changeMe: (change: ProfileChange) => call("PATCH /api/v1/me", { body: change }),
  cards: (ids: number[]) => call("GET /api/v1/users", { query: { ids: ids.join() } }),
  deleteAccount: (password: string) => call("DELETE /api/v1/me", { body: { password } }),
  sessions: () => call("GET /api/v1/me/sessions"),
  endSession: (id: string) => call("DELETE /api/v1/me/sessions/{id}", { path: { id } }),
  changePassword: (old: string, password: string) =>
    call("PUT /api/v1/me/password", { body: { old, new: password } }),
  conversations: async () => {
    const { answer, headers } = await exchange("GET", "/api/v1/conversations");
    return { list: answer as Answers["GET /api/v1/conversations"], isPartial: isPartial(headers) };
  },
  findUsers: (q: string) => call("GET /api/v1/search?kind=user", { query: { q } }),
  findRooms: (q: string) => call("GET /api/v1/search?kind=room", { query: { q } }),
  openDirect: (username: string) => call("POST /api/v1/rooms", { body: { is_private: true, username } }),
  createGroup: (name: string) => call("POST /api/v1/rooms", { body: { name, is_private: false } }),
  room: (id: number) => call("GET /api/v1/rooms/{id}", { path: { id } }),
  changeRoom: (id: number, change: RoomChange) =>
    call("PATCH /api/v1/rooms/{id}", { path: { id }, body: change }),
  changeConversation: (id: number, change: Partial<ConversationSettings>) =>
    call("PUT /api/v1/rooms/{id}/settings", { path: { id }, body: change }),
  deleteRoom: (id: number) => call("DELETE /api/v1/rooms/{id}", { path: { id } }),
  blocks: () => call("GET /api/v1/me/blocks"),
  block: (user_id: number) => call("PUT /api/v1/me/blocks/{user_id}", { path: { user_id } }),
  unblock: (user_id: number) => call("DELETE /api/v1/me/blocks/{user_id}", { path: { user_id } }),
  pins: (id: number) => call("GET /api/v1/rooms/{id}/pins", { path: { id } }),
  members: (id: number) => call("GET /api/v1/rooms/{id}/members", { path: { id } }),
  addMember: (id: number, username: string) =>
    call("POST /api/v1/rooms/{id}/members", { path: { id }, body: { username } }),
  removeMember: (id: number, user_id: number) =>
    call("DELETE /api/v1/rooms/{id}/members/{user_id}", { path: { id, user_id } }),
  setRole: (id: number, user_id: number, role: "admin" | "member") =>
    call("PUT /api/v1/rooms/{id}/members/{user_id}", { path: { id, user_id }, body: { role } }),
  pushKey: () => call("GET /api/v1/push/key"),
  subscribePush: (subscription: { endpoint: string; p256dh: string; auth: string }) =>
    call("POST /api/v1/push/subscriptions", { body: subscription }),
  unsubscribePush: (endpoint: string) => call("DELETE /api/v1/push/subscriptions", { body: { endpoint } }),
  onlineUsers: () => call("GET /api/chat/online-users", { query: { limit: 1000 } }),
  status: (message_id: number) => call("POST /api/chat/message/status", { body: { message_id } }),
  /** The ids of the users who have read a message. */
  readers: async (group_id: string, messageId: number) => {
    const { data } = await call("GET /api/v1/chat/messages", { query: { group_id, limit: 200 } });
    const found = data.messages.find(({ message_id }) => message_id === String(messageId));
    return new Set((found?.read_by ?? []).map(({ user_id }) => Number(user_id)));
  },
};

export interface Upload {
  done: Promise<string>;
  cancel: () => void;
}

export type UploadKind = "image" | "file";

/** Uploads an image or a file, through XMLHttpRequest, as `fetch` reports no progress. Resolves with the address. */
export function upload(kind: UploadKind, file: File, onProgress: (progress: number) => void): Upload {
  const path = `/api/v1/upload/${kind}?ext=1`;
  const xhr = new XMLHttpRequest();
  const done = new Promise<string>((resolve, reject) => {
    xhr.open("POST", path);
    xhr.setRequestHeader("authorization", `Bearer ${auth.token() ?? ""}`);
    xhr.responseType = "json";
    xhr.upload.onprogress = (event) => onProgress(event.total ? event.loaded / event.total : 0);
    xhr.onload = () => {
      if (xhr.status === 201) return resolve((xhr.response as Answers["POST /api/v1/upload/image"]).url);
      const error = refusal(path, xhr.status, xhr.response, xhr.getResponseHeader("retry-after"));
      if (error.code === "unauthenticated") auth.onUnauthorized();
      reject(error);
    };
    xhr.onerror = () => reject(new ApiError(0, "unreachable"));
    xhr.onabort = () => reject(new ApiError(0, "cancelled"));
    const form = new FormData();
    form.append(kind, file);
    xhr.send(form);
  });
  return { done, cancel: () => xhr.abort() };
}
