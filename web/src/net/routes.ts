import type { Route } from "./types";

/** Routes of document 000. Their errors have a code only if the request says `?ext=1`. */
export const EXTENSIBLE: ReadonlySet<Route> = new Set<Route>([
  "POST /api/v1/auth/register",
  "POST /api/v1/auth/login",
  "POST /api/v1/upload/image",
  "POST /api/v1/upload/file",
  "POST /api/v1/rooms",
]);

/** Routes of documents 001 to 003. Their errors have the form of their documents, without a code. */
export const DOCUMENTED: ReadonlySet<Route> = new Set<Route>([
  "GET /api/chat/online-users",
  "POST /api/chat/message/status",
  "GET /api/v1/chat/messages",
]);
