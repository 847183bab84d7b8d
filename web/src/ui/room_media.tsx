// The images or the files that were sent to a room, newest first.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { briefTime, fullTime } from "../i18n/format";
import { FoundMessages } from "../model/found_messages";
import { personName } from "../model/labels";
import { drawnPictures, heldHost } from "../model/pictures";
import type { Room } from "../model/rooms";
import { fileUrl } from "../model/urls";
import type { RoomMessage } from "../net/types";
import { addPictureHost } from "../settings/preferences";
import { Empty, Icon, IconButton } from "./common";
import { FileCard, fileNameOf } from "./file_card";
import { Lightbox } from "./lightbox";
import { showMessage } from "./target";

/** More are requested when fewer pixels are left below. */
const PREFETCH_PX = 600;
/** Where the panel covers the conversation; `members.css` has the same width. */
const isNarrow = matchMedia("(max-width: 1100px)");

interface RoomMediaProps {
  room: Room;
  kind: "picture" | "file";
  /** Closes the panel where it covers the conversation. */
  onClose: () => void;
}

export function RoomMedia({ room, kind, onClose }: RoomMediaProps) {
  const box = useRef<HTMLDivElement>(null);
  const found = useMemo(() => new FoundMessages({ room_id: room.id, has: kind }), [room.id, kind]);
  useEffect(() => () => found.stop(), [found]);
  const list = found.messages.value.filter(({ id }) => !room.deletedIds.has(id));
  const state = found.state.value;
  const readOn = () => {
    const element = box.current;
    if (!element || found.state.peek() !== "more") return;
    if (element.scrollHeight - element.scrollTop - element.clientHeight < PREFETCH_PX) void found.more();
  };
  useEffect(readOn, [found.messages.value, state]);
  const show = (message: RoomMessage) => {
    if (isNarrow.matches) onClose();
    showMessage(message.room_id, message.id);
  };
  return (
    <div class="media" ref={box} aria-busy={state === "busy"} onScroll={readOn}>
      {list.length === 0 && state === "done" && (
        <Empty
          icon={kind === "picture" ? "image" : "file"}
          title={t(kind === "picture" ? "details.noPictures" : "details.noFiles")}
        />
      )}
      {kind === "picture" ? (
        <Pictures list={list} onShow={show} />
      ) : (
        <ul class="media-files">
          {list.map((message) => (
            <li key={message.id}>
              <FileLine message={message} onShow={show} />
            </li>
          ))}
        </ul>
      )}
      {state === "busy" && (
        <p class="finder-more" role="status">
          <span class="spinner" /> <span class="sr">{t("room.loading")}</span>
        </p>
      )}
      {state === "failed" && (
        <p class="side-note" role="alert">
          {t("details.error")}{" "}
          <button type="button" class="link" onClick={() => void found.more()}>
            {t("again")}
          </button>
        </p>
      )}
    </div>
  );
}

interface ListProps {
  list: RoomMessage[];
  onShow: (message: RoomMessage) => void;
}

function Pictures({ list, onShow }: ListProps) {
  const [open, setOpen] = useState<{ url: string; name: string } | null>(null);
  return (
    <>
      <ul class="media-pictures">
        {list.map((message) => {
          const url = fileUrl(message.file_url ?? message.content);
          return (
            url && (
              <li key={message.id}>
                <Tile
                  message={message}
                  url={url}
                  onOpen={() => setOpen({ url, name: personName(message.username) })}
                  onShow={onShow}
                />
              </li>
            )
          );
        })}
      </ul>
      {open && <Lightbox {...open} pictures={drawnPictures(list)} onClose={() => setOpen(null)} />}
    </>
  );
}

interface TileProps {
  message: RoomMessage;
  url: string;
  onOpen: () => void;
  onShow: (message: RoomMessage) => void;
}

/** An image as a square. One of another host is loaded on a click only, because the host learns of that. */
function Tile({ message, url, onOpen, onShow }: TileProps) {
  const [isBroken, setBroken] = useState(false);
  const host = heldHost(url);
  const what = `${t("image.alt", { name: personName(message.username) })}, ${fullTime(Date.parse(message.created_at))}`;
  return (
    <>
      {host !== null ? (
        <button type="button" class="tile is-held" onClick={() => addPictureHost(host)}>
          <bdi>{t("image.foreign", { host })}</bdi>
          <span class="held-action">{t("image.show")}</span>
        </button>
      ) : (
        <button type="button" class="tile" aria-label={`${what}. ${t("image.open")}`} onClick={onOpen}>
          {isBroken ? (
            <Icon name="image" size={28} />
          ) : (
            <img
              src={url}
              alt=""
              loading="lazy"
              decoding="async"
              referrerpolicy="no-referrer"
              onError={() => setBroken(true)}
            />
          )}
        </button>
      )}
      <IconButton
        icon="chat"
        size={15}
        class="tile-show"
        label={t("details.show")}
        onClick={() => onShow(message)}
      />
    </>
  );
}

function FileLine({ message, onShow }: { message: RoomMessage; onShow: (message: RoomMessage) => void }) {
  const url = fileUrl(message.file_url ?? message.content);
  const at = Date.parse(message.created_at);
  if (!url) return null;
  return (
    <>
      <FileCard url={url} name={fileNameOf(message, url)} size={message.file_size} />
      <p class="media-about">
        <bdi>{personName(message.username)}</bdi>
        <time dateTime={message.created_at} title={fullTime(at)}>
          {briefTime(at)}
        </time>
        <IconButton icon="chat" size={15} label={t("details.show")} onClick={() => onShow(message)} />
      </p>
    </>
  );
}
