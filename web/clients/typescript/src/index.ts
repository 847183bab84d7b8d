export { ChatConnection } from "./connection.ts";
export type { components, operations, paths } from "./generated/api.ts";
export type * from "./generated/types.ts";
export { type Answer, type Call, HttpClient, type Route } from "./http.ts";
export type { Command, ConnectionOptions, Events, Socket, SocketConstructor, Status } from "./options.ts";
export type { OutboxStorage, OutgoingMessage } from "./outbox.ts";
export { type LocalCode, type RefusalDetails, Refused } from "./refused.ts";
