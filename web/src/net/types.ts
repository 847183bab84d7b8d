// What the server and the client exchange: document 000 with `?ext=1`, and the routes of this client.

/** Width and height. */
export type Pixels = [number, number];

export interface Message {
  id: number;
  room_id?: number;
  user_id: number;
  username: string;
  content: string;
  is_image: boolean;
  created_at: string;
  client_id: string | null;
  reply_to: number | null;
  message_type: "text" | "image" | "file" | "audio" | "video" | "emoji" | "system";
  text: string;
  file_url: string | null;
  file_name: string | null;
  file_size: number | null;
  file_pixels: Pixels | null;
  resume: string;
}

export interface Conversation {
  id: number;
  room_id: string;
  name: string;
  kind: "public" | "group" | "direct";
  is_private: boolean;
  user_id: number | null;
  last_message: Message | null;
  unread: number;
  read_id: number | null;
  read_by_other_id: number | null;
  active_at: string;
}

export interface Member {
  user_id: number;
  username: string;
  role: "owner" | "admin" | "member";
}

export interface Me {
  id: number;
  username: string;
  is_admin: boolean;
}

export interface FoundUser {
  id: number;
  username: string;
}

export interface FoundRoom {
  id: number;
  room_id: string;
  name: string;
  kind: "public" | "group" | "direct";
  is_private: boolean;
}

export interface RoomBrief {
  id: number;
  name: string;
  is_private: boolean;
}

export type ServerFrame =
  | { type: "new_message"; payload: Message & { room_id: number } }
  | { type: "message_history"; payload: { room_id: number; messages: Message[] } }
  | { type: "message_deleted"; payload: { room_id: number; id: number; user_id: number } }
  | {
      type: "message_read";
      payload: { room_id: number; user_id: number; first_id: number; id: number; read_at: string };
    }
  | { type: "typing"; payload: { room_id: number; user_id: number; username: string } }
  | {
      type: "presence";
      payload: { room_id: number; users: { user_id: number; username: string; online: boolean }[] };
    }
  | {
      type: "member_added" | "member_removed";
      payload: { room_id: number; user_id: number; username: string; message: Message & { room_id: number } };
    }
  | { type: "resumed" | "not_recovered"; payload: { room_id: number } }
  | { type: "pong"; payload: Record<string, never> }
  | { type: "error"; payload: { message: string } };

export type ClientFrame =
  | {
      type: "send_message";
      payload: {
        room_id: number;
        content: string;
        is_image: boolean;
        client_id: string;
        reply_to?: number;
      };
    }
  | { type: "fetch_history"; payload: { room_id: number; page: number; page_size: number } }
  | { type: "delete_message" | "mark_read"; payload: { room_id: number; id: number } }
  | { type: "typing" | "join_room" | "leave_room"; payload: { room_id: number } }
  | { type: "resume"; payload: { rooms: Record<string, string> } }
  | { type: "ping"; payload: Record<string, never> };
