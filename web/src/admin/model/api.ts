// The routes for administrators.

import { ApiError, request } from "../../net/http";
import type { UserRef } from "../../net/types";
import { loseAccess } from "./access";
import type { Page } from "./paged_list";
import type { Trace } from "./trace";
import type { Kind } from "./view";

export interface AdminUser extends UserRef {
  email: string;
  avatar: string;
  is_admin: boolean;
  is_banned: boolean;
  ban_reason: string;
  created_at: string;
}

export interface Invite {
  id: string;
  created_at: string;
  created_by: UserRef | null;
  uses: number;
  used: number;
  expires_at: string;
}

export interface NewInvite {
  id: string;
  url: string;
  uses: number;
  expires_at: string;
}

export interface AdminRoom {
  id: number;
  kind: "public" | "group";
  name: string;
  owner_id: number | null;
  members: number;
  created_at: string;
}

export interface RoomMember {
  user_id: number;
  username: string;
  role: "owner" | "admin" | "member";
}

export interface Uploader extends UserRef {
  bytes: number;
  day_bytes: number;
  /** The same for all; `null` without a limit. */
  day_limit_bytes: number | null;
}

export interface AuditEntry {
  id: string;
  at: string;
  actor: UserRef | null;
  address: string;
  act: string;
  target: { kind: "user" | "room"; id: number; name: string } | null;
  reason: string;
}

/** Sends a request. An error that concerns the whole page is recorded. */
async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  try {
    return (await request(method, `/api/v1/${path}`, body)) as T;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) loseAccess();
    throw error;
  }
}

/** A path with those parts of a query that are set. */
function withQuery(path: string, query: Record<string, string | null>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value) params.set(key, value);
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}

type Cursor = string | null;

/** Reads a page of a list, which is under a key of the response. */
async function page<T, N extends string>(
  name: N,
  path: string,
  query: Record<string, string | null>,
): Promise<Page<T>> {
  const answer = await ask<Record<N, T[]> & { next: Cursor }>("GET", withQuery(path, query));
  return { items: answer[name], next: answer.next };
}

export const adminApi = {
  users: (q: string, cursor: Cursor) => page<AdminUser, "users">("users", "admin/users", { q, cursor }),
  promote: (id: number) => ask("PUT", `admin/users/${id}/admin`),
  demote: (id: number) => ask("DELETE", `admin/users/${id}/admin`),
  ban: (id: number, reason: string) => ask("PUT", `admin/users/${id}/ban`, { reason }),
  unban: (id: number) => ask("DELETE", `admin/users/${id}/ban`),
  endSessions: (id: number) => ask("DELETE", `admin/users/${id}/sessions`),
  oneTimePassword: async (id: number) =>
    (await ask<{ password: string }>("POST", `admin/users/${id}/password`)).password,
  deleteUser: (id: number) => ask("DELETE", `admin/users/${id}`),
  invites: (cursor: Cursor) => page<Invite, "invites">("invites", "auth/invites", { cursor }),
  makeInvite: (uses: number, days: number) => ask<NewInvite>("POST", "auth/invites", { uses, days }),
  revokeInvite: (id: string) => ask("DELETE", `auth/invites/${encodeURIComponent(id)}`),
  rooms: (q: string, cursor: Cursor) => page<AdminRoom, "rooms">("rooms", "admin/rooms", { q, cursor }),
  members: (room: number, cursor: Cursor) =>
    page<RoomMember, "members">("members", `admin/rooms/${room}/members`, { cursor }),
  deleteRoom: (id: number) => ask("DELETE", `admin/rooms/${id}`),
  uploads: async (cursor: Cursor): Promise<Page<Uploader>> => {
    type Answer = { users: Uploader[]; day_limit_bytes: number | null; next: Cursor };
    const { users, day_limit_bytes, next } = await ask<Answer>("GET", withQuery("admin/uploads", { cursor }));
    return { items: users.map((user) => ({ ...user, day_limit_bytes })), next };
  },
  trace: (id: string) => ask<Trace>("GET", `messages/${encodeURIComponent(id)}/trace`),
  audit: (q: string, act: Kind | null, cursor: Cursor) =>
    page<AuditEntry, "entries">("entries", "admin/audit", { q, act, cursor }),
};
