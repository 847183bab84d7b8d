// Small components that all pages use.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { hue, initials } from "../model/avatar";
import { cards, wantCard } from "../model/people";
import { httpUrl } from "../model/urls";
import type { Card } from "../net/types";

export const PATHS = {
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14Zm5 12 4 4",
  plus: "M12 5v14M5 12h14",
  send: "M5 12h13M12.5 6l6 6-6 6",
  image:
    "M4 6.5A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.5v11a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5zM4.5 17l5-5 4 4 2.5-2.5 3.5 3.5M15.5 9h.01",
  clip: "M19.5 11.5 12 19a4.6 4.6 0 0 1-6.5-6.5l8-8a3.1 3.1 0 0 1 4.4 4.4l-8 7.9a1.6 1.6 0 0 1-2.2-2.2l7.3-7.3",
  back: "M14.5 5.5 8 12l6.5 6.5",
  close: "M6 6l12 12M18 6 6 18",
  down: "M12 5v13M6.5 12.5 12 18l5.5-5.5",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6 9a6 6 0 0 1 12 0M16 4.3a3.5 3.5 0 0 1 0 6.5M18 14.5a6 6 0 0 1 3 5.5",
  person: "M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM5 20.5a7 7 0 0 1 14 0",
  reply: "M10 6 4.5 11.5 10 17M5 11.5h9a5.5 5.5 0 0 1 5.5 5.5v1.5",
  trash: "M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v5.5M13.5 10.5v5.5",
  copy: "M9 9h10v10.5H9zM15 9V4.5H5V15h4",
  smile: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM8.5 14a4 4 0 0 0 7 0M9 9.5h.01M15 9.5h.01",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  info: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 11v5M12 8h.01",
  check: "m5 12.5 4.5 4.5L19 7.5",
  checks: "m2.5 12.5 4.5 4.5 8.5-9.5M12 16l1 1 8.5-9.5",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16Zm0 4v4.5l3 1.5",
  alert: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16Zm0 4v5M12 16h.01",
  file: "M7 3.5h7l4 4v13H7zM14 3.5v4h4",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z",
  chat: "M5.5 5h13A1.5 1.5 0 0 1 20 6.5v9a1.5 1.5 0 0 1-1.5 1.5H11l-4.5 3.5V17h-1A1.5 1.5 0 0 1 4 15.5v-9A1.5 1.5 0 0 1 5.5 5ZM8.5 9.5h7M8.5 12.5h4.5",
  globe:
    "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM3 12h18M12 3c3 2.5 3.5 6 3.5 9s-.5 6.5-3.5 9c-3-2.5-3.5-6-3.5-9S9 5.5 12 3Z",
  bell: "M6.5 16.5v-6a5.5 5.5 0 0 1 11 0v6l1.5 1.5H5zM10 20.5h4",
  mute: "M6.5 16.5v-6a5.5 5.5 0 0 1 11 0v6l1.5 1.5H5zM10 20.5h4M4 4l16 16",
  pin: "M9 4h6l-1 6 3 4H7l3-4zM12 14v6",
  ban: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM6.5 6.5l11 11",
  unread:
    "M13 5H5.5A1.5 1.5 0 0 0 4 6.5v9A1.5 1.5 0 0 0 5.5 17h1v3.5L11 17h7.5a1.5 1.5 0 0 0 1.5-1.5V12M18.5 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  filter: "M4 6.5h16M7 12h10M10 17.5h4",
  pen: "M4.5 19.5l1-4.5L16 4.5l3.5 3.5L9 18.5zM14 6.5l3.5 3.5",
} as const;
/** The icons that are there from the start, and those that `more_icons.ts` adds. */
export type IconName = keyof typeof PATHS | LaterIcon;
type LaterIcon =
  | "book"
  | "compass"
  | "exit"
  | "forward"
  | "install"
  | "keyboard"
  | "link"
  | "outside"
  | "shield"
  | "sound";

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name as keyof typeof PATHS]} />
    </svg>
  );
}

type ButtonProps = {
  icon: IconName;
  label: string;
  size?: number;
} & Omit<JSX.IntrinsicElements["button"], "icon" | "label" | "size">;

export function IconButton({ icon, label, size, class: extra, ...rest }: ButtonProps) {
  return (
    <button type="button" class={`icon-button ${extra ?? ""}`} aria-label={label} title={label} {...rest}>
      <Icon name={icon} size={size} />
    </button>
  );
}

/** An avatar: an image, or the initials of a name on its colour, with a dot if `isOnline` is known. */
export function Avatar({ name, src, size = "m", isOnline, isGroup }: AvatarProps) {
  const url = httpUrl(src, location.origin);
  return (
    <span class={`avatar avatar-${size} ${isGroup ? "is-group" : ""}`} style={{ "--hue": String(hue(name)) }}>
      <span aria-hidden="true">{initials(name)}</span>
      {url && <Portrait url={url} key={url} />}
      {isOnline !== undefined && (
        <span class={`dot ${isOnline ? "is-online" : ""}`}>
          <span class="sr">{t(isOnline ? "room.online" : "room.offline")}</span>
        </span>
      )}
    </span>
  );
}
interface AvatarProps {
  name: string;
  /** The address of the picture. */
  src?: string;
  size?: "s" | "m" | "l";
  isOnline?: boolean;
  isGroup?: boolean;
}

/** Images that were drawn: the browser has them in its cache. */
const drawn = new Set<string>();

/** Covers the initials once it is loaded. They stay if it cannot be. */
function Portrait({ url }: { url: string }) {
  const [state, setState] = useState<"hidden" | "shown" | "broken">(drawn.has(url) ? "shown" : "hidden");
  if (state === "broken") return null;
  return (
    <img
      class={state === "shown" ? "is-shown" : ""}
      src={url}
      alt=""
      loading="lazy"
      decoding="async"
      draggable={false}
      referrerpolicy="no-referrer"
      onLoad={() => {
        drawn.add(url);
        setState("shown");
      }}
      onError={() => setState("broken")}
    />
  );
}

/** The card of a user, requested when it is drawn; `undefined` until it is known. */
export function useCard(id: number | null): Card | undefined {
  useEffect(() => {
    if (id) wantCard(id);
  }, [id]);
  return id ? cards.value.get(id) : undefined;
}

/** The avatar of a user of whom no more than the id and a name is known. */
export function UserAvatar({ id, isOnline, ...rest }: { id: number } & Omit<AvatarProps, "src" | "isGroup">) {
  const card = useCard(id);
  return <Avatar src={card?.avatar} isOnline={card?.is_bot ? undefined : isOnline} {...rest} />;
}

/** Marks the account of a program, which looks like one of a person. */
export const BotTag = () => <span class="tag is-bot">{t("user.bot")}</span>;

export function Empty({ icon, title, hint, isPage, children }: EmptyProps) {
  const Title = isPage ? "h1" : "p";
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name={icon} size={28} />
      </span>
      <Title class="empty-title">{title}</Title>
      {hint && <p class="empty-hint">{hint}</p>}
      {children}
    </div>
  );
}
interface EmptyProps {
  icon: IconName;
  title: string;
  hint?: string;
  /** Whether it stands for the whole page, whose heading the title is. */
  isPage?: boolean;
  children?: ComponentChildren;
}

export function Skeleton({ rows, kind }: { rows: number; kind: "list" | "chat" }) {
  return (
    <div class={`skeleton skeleton-${kind}`} aria-hidden="true">
      {Array.from({ length: rows }, (_, row) => (
        <div class={`skeleton-row skeleton-${row % 4}`} key={row}>
          <i />
          <b />
        </div>
      ))}
    </div>
  );
}
