// The routes of links with which users join a room themselves.

import { call } from "./http";

export const linkApi = {
  list: (id: number) => call("GET /api/v1/rooms/{id}/links", { path: { id } }),
  make: (id: number, days: number, uses?: number) =>
    call("POST /api/v1/rooms/{id}/links", { path: { id }, body: { days, uses } }),
  revoke: (id: number, link_id: string) =>
    call("DELETE /api/v1/rooms/{id}/links/{link_id}", { path: { id, link_id } }),
  open: (token: string) => call("POST /api/v1/room-links/open", { body: { token } }),
  join: (token: string) => call("POST /api/v1/room-links/join", { body: { token } }),
};
