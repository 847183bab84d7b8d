import type { Conversation, FoundRoom, FoundUser, Me, Member, Message, RoomBrief } from "./types";

/** The refusal of a request, with the words of the server. The status is 0 if the server was not reached. */
export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Access = { token: () => string | null; onUnauthorized: () => void };
let access: Access = { token: () => null, onUnauthorized: () => {} };

export function useAccess(given: Access): void {
  access = given;
}

export async function call<T>(
  method: string,
  path: string,
  body?: unknown,
  signal = AbortSignal.timeout(15_000),
): Promise<T> {
  const headers: Record<string, string> = {};
  const token = access.token();
  if (token) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    const text = body === undefined ? undefined : JSON.stringify(body);
    response = await fetch(path, { method, headers, body: text, signal });
  } catch {
    throw new ApiError(0, "unreachable");
  }
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer as T;
  if (response.status === 401 && token && access.token() === token && !path.includes("/auth/")) {
    access.onUnauthorized();
  }
  throw new ApiError(response.status, errorText(answer) ?? `HTTP ${response.status}`);
}

function errorText(answer: unknown): string | null {
  if (typeof answer !== "object" || answer === null) return null;
  const { error, message } = answer as { error?: unknown; message?: unknown };
  if (typeof error === "string" && error) return error;
  return typeof message === "string" ? message : null;
}

const query = (values: Record<string, string | number>) =>
  new URLSearchParams(Object.entries(values).map(([key, value]) => [key, String(value)])).toString();

export const api = {
  register: (username: string, password: string) =>
    call<{ message: string }>("POST", "/api/v1/auth/register", { username, password }),
  logIn: (username: string, password: string) =>
    call<{ token: string }>("POST", "/api/v1/auth/login", { username, password }),
  me: () => call<Me>("GET", "/api/v1/me"),
  conversations: () => call<Conversation[]>("GET", "/api/v1/conversations"),
  findUsers: (q: string) => call<FoundUser[]>("GET", `/api/v1/search?${query({ kind: "user", q })}`),
  findRooms: (q: string) => call<FoundRoom[]>("GET", `/api/v1/search?${query({ kind: "room", q })}`),
  findMessages: (room_id: number, q: string, limit = 5) =>
    call<(Message & { room_id: number })[]>(
      "GET",
      `/api/v1/search?${query({ kind: "message", q, room_id, limit })}`,
    ),
  openDirect: (username: string) => call<RoomBrief>("POST", "/api/v1/rooms", { is_private: true, username }),
  createGroup: (name: string) => call<RoomBrief>("POST", "/api/v1/rooms", { name, is_private: false }),
  members: (room: number) => call<Member[]>("GET", `/api/v1/rooms/${room}/members`),
  addMember: (room: number, username: string) =>
    call<unknown>("POST", `/api/v1/rooms/${room}/members`, { username }),
  removeMember: (room: number, user: number) =>
    call<unknown>("DELETE", `/api/v1/rooms/${room}/members/${user}`),
  setRole: (room: number, user: number, role: "admin" | "member") =>
    call<unknown>("PUT", `/api/v1/rooms/${room}/members/${user}`, { role }),
  /** Document 003: the users of the last half hour. */
  onlineUsers: () =>
    call<{ user_id: number; last_activity: string }[]>("GET", "/api/chat/online-users?limit=1000"),
  /** Document 002: how far a message has come. */
  status: (message_id: number) =>
    call<{ status: "sent" | "delivered" | "read" }>("POST", "/api/chat/message/status", { message_id }),
  /** Document 001: who has read a message. */
  readers: async (group_id: string, message: number) => {
    const path = `/api/v1/chat/messages?${query({ group_id, limit: 200 })}`;
    const page = await call<ReadersPage>("GET", path);
    const found = page.data.messages.find(({ message_id }) => message_id === String(message));
    return new Set((found?.read_by ?? []).map(({ user_id }) => Number(user_id)));
  },
};

interface ReadersPage {
  data: { messages: { message_id: string; read_by: { user_id: string }[] }[] };
}

export interface Upload {
  done: Promise<string>;
  cancel: () => void;
}

/** Uploads a picture, through XMLHttpRequest, as `fetch` reports no progress. */
export function uploadImage(file: File, onProgress: (progress: number) => void): Upload {
  const request = new XMLHttpRequest();
  const done = new Promise<string>((resolve, reject) => {
    request.open("POST", "/api/v1/upload/image");
    request.setRequestHeader("authorization", `Bearer ${access.token() ?? ""}`);
    request.responseType = "json";
    request.upload.onprogress = (event) => onProgress(event.total ? event.loaded / event.total : 0);
    request.onload = () => {
      if (request.status === 201) return resolve((request.response as { url: string }).url);
      if (request.status === 401) access.onUnauthorized();
      reject(new ApiError(request.status, errorText(request.response) ?? `HTTP ${request.status}`));
    };
    request.onerror = () => reject(new ApiError(0, "unreachable"));
    request.onabort = () => reject(new ApiError(0, "cancelled"));
    const form = new FormData();
    form.append("image", file);
    request.send(form);
  });
  return { done, cancel: () => request.abort() };
}
