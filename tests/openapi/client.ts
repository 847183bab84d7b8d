// Compiles only while the types that are generated from the OpenAPI document say what the server answers.
import type { operations } from "#api";

type Json<Body> = Body extends { content: { "application/json": infer T } } ? T : never;
type Answer<Id extends keyof operations, Status extends keyof operations[Id]["responses"]> = Json<
  operations[Id]["responses"][Status]
>;
type Body<Id extends keyof operations> = Json<NonNullable<operations[Id]["requestBody"]>>;

/** What a list of rooms shows of the last message, which an empty room does not have. */
export function preview(room: Answer<"chatroom_list_rooms", 200>[number]): string {
  return room.last_message === null ? "" : `${room.last_message.sender_name}: ${room.last_message.content}`;
}

/** Two operations of one name in two documents. */
export function texts(
  mine: Answer<"chatroom_list_messages", 200>,
  theirs: Answer<"envelope_list_messages", 200>,
): string[] {
  return [
    ...mine.map((message) => message.content),
    ...theirs.data.messages.map((message) => message.content),
  ];
}

/** A field of a message is `null` when it does not apply, and is never left out. */
export function file(message: Answer<"chatroom_send_message", 200>): {
  url: string | null;
  size: number | null;
} {
  return { url: message.file_url, size: message.file_size };
}

/** All results of a search are of one kind. */
export function found(results: Answer<"webchat_search", 200>): number {
  return results.length;
}

/** Each document has refusals of its own. */
export function reason(
  refusal:
    | Answer<"chatroom_send_message", 403>
    | Answer<"envelope_send_message", 403>
    | Answer<"messenger_get_message_status", 404>
    | Answer<"webchat_create_room", 404>
    | Answer<"imtypes_upload_file", 400>,
): string {
  if ("detail" in refusal) return refusal.detail;
  if ("error" in refusal) return refusal.error;
  return refusal.message;
}

export const logIn: Body<"webchat_log_in"> = { username: "Alice", password: "your_strong_password" };
// @ts-expect-error: the password is required
export const halfLogIn: Body<"envelope_log_in"> = { email: "alice@example.org" };
export const message: Body<"chatroom_send_message"> = { message_type: "text", content: "你好" };
// @ts-expect-error: there is no such type of message
export const shout: Body<"chatroom_send_message"> = { message_type: "shout", content: "你好" };
