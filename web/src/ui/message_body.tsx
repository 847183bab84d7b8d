// The content of a message: text, an image, a file.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { sizeText } from "../i18n/units";
import { captionOf, personName, plainFileName } from "../model/labels";
import type { PendingMessage } from "../model/outbox";
import { heldHost, noteSize, sizeOf } from "../model/pictures";
import { me } from "../model/session";
import { cancelUpload, type PendingUpload } from "../model/uploads";
import { fileUrl } from "../model/urls";
import type { Message, Pixels } from "../net/types";
import { addPictureHost } from "../settings/preferences";
import { Icon, IconButton } from "./common";
import { FileCard, fileNameOf } from "./file_card";
import { lazy } from "./lazy";
import { UserCard } from "./lazy_user_card";
import { Media } from "./media";
import { CardOfMention, type Fold, Text } from "./text";

const Lightbox = lazy(() => import("./lazy_components").then((module) => module.Lightbox));

interface MessageBodyProps {
  message: Message;
  fold?: Fold;
}

export function MessageBody(props: MessageBodyProps) {
  return (
    <CardOfMention.Provider value={UserCard}>
      <Content {...props} />
    </CardOfMention.Provider>
  );
}

function Content({ message, fold }: MessageBodyProps) {
  const url = fileUrl(message.file_url ?? message.content);
  const rest = { mentions: message.mentions, fold };
  switch (message.message_type) {
    case "image":
      if (!url) return <Text text={message.content} />;
      return (
        <Picture url={url} name={personName(message.username)} pixels={message.file_pixels}>
          {captionOf(message) && <Text text={captionOf(message)} {...rest} />}
        </Picture>
      );
    case "file":
    case "audio":
    case "video":
      if (url) {
        const card = <FileCard url={url} name={fileNameOf(message, url)} size={message.file_size} />;
        const kind = message.message_type;
        return (
          <>
            {kind === "file" ? card : <Media kind={kind} url={url} message={message} card={card} />}
            {captionOf(message) && <Text text={captionOf(message)} {...rest} />}
          </>
        );
      }
      return <Text text={message.content} />;
    case "text":
    case "emoji":
    case "system":
      return <Text text={message.text || message.content} {...rest} />;
  }
}

export function PendingBody({ pending, fold }: { pending: PendingMessage; fold?: Fold }) {
  const { file, forwarded } = pending;
  if (forwarded) return <MessageBody message={forwarded} fold={fold} />;
  const address = file && fileUrl(pending.fileUrl ?? "");
  if (address) {
    return (
      <>
        <FileCard url={address} name={file.name} size={file.size} />
        {pending.text !== file.name && <Text text={pending.text} fold={fold} />}
      </>
    );
  }
  const url = pending.isImage ? fileUrl(pending.fileUrl ?? pending.text) : null;
  if (!url) return <Text text={pending.text} fold={fold} />;
  return (
    <Picture url={url} name={me.value?.username ?? ""} pixels={pending.pixels ?? null}>
      {pending.fileUrl && <Text text={pending.text} fold={fold} />}
    </Picture>
  );
}

const MAX_PX = 320;
const MIN_PX = 56;
/** The box of an image whose size is unknown. */
const DEFAULT_SIZE: Pixels = [280, 200];

/** The size of an image on the page, which is reserved before the image is loaded. */
function boxOf(pixels: Pixels | null | undefined): { width: number; height: number } {
  const [width, height] = pixels ?? DEFAULT_SIZE;
  const scale = Math.min(1, MAX_PX / width, MAX_PX / height);
  const scaled = (length: number) => Math.max(MIN_PX, Math.round(length * scale));
  return { width: scaled(width), height: scaled(height) };
}

interface PictureProps {
  url: string;
  name: string;
  pixels: Pixels | null;
}

/** An image and its caption. One of another host is loaded on a click only, because the host learns of that. */
function Picture({ children, ...props }: PictureProps & { children?: ComponentChildren }) {
  const host = heldHost(props.url);
  const isHeld = host !== null;
  return (
    <>
      {isHeld ? <HeldPicture host={host} {...boxOf(props.pixels)} /> : <DrawnPicture {...props} />}
      {children}
    </>
  );
}

function HeldPicture({ host, width, height }: { host: string; width: number; height: number }) {
  return (
    <button
      type="button"
      class="picture is-held"
      style={{ width: `${width}px`, aspectRatio: `${width} / ${height}` }}
      onClick={() => addPictureHost(host)}
    >
      <Icon name="image" size={28} />
      <bdi>{t("image.foreign", { host })}</bdi>
      <span class="held-action">{t("image.show")}</span>
    </button>
  );
}

function DrawnPicture({ url, name, pixels }: PictureProps) {
  const [isOpen, setOpen] = useState(false);
  const [isBroken, setBroken] = useState(false);
  // What is learned of the size counts from the next time on, so that nothing moves.
  const [size] = useState(pixels ?? sizeOf(url));
  if (isBroken) {
    return (
      <a class="card" href={url} target="_blank" rel="noopener noreferrer nofollow">
        <span class="card-icon">
          <Icon name="image" />
        </span>
        <span class="card-body">{t("image.broken")}</span>
      </a>
    );
  }
  const { width, height } = boxOf(size);
  const alt = t("image.alt", { name });
  return (
    <>
      <button
        type="button"
        class="picture"
        style={{ width: `${width}px`, aspectRatio: `${width} / ${height}` }}
        aria-label={`${alt}. ${t("image.open")}`}
        onClick={() => setOpen(true)}
      >
        <img
          src={url}
          alt=""
          loading="lazy"
          decoding="async"
          referrerpolicy="no-referrer"
          onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
            noteSize(url, [naturalWidth, naturalHeight])
          }
          onError={() => setBroken(true)}
        />
      </button>
      {isOpen && <Lightbox url={url} name={name} onClose={() => setOpen(false)} />}
    </>
  );
}

/** A file that is being uploaded, in the size of its card. */
function UploadCard({ upload }: { upload: PendingUpload }) {
  const { name, size, error, clientId } = upload;
  return (
    <div class="card is-uploading">
      <span class="card-icon">
        <Icon name="file" />
      </span>
      <span class="card-body">
        <bdi class="card-name">{plainFileName(name)}</bdi>
        {error === null ? <Progress upload={upload} /> : <small>{sizeText(size)}</small>}
      </span>
      {error === null && (
        <IconButton
          icon="close"
          size={16}
          label={t("upload.cancel")}
          onClick={() => cancelUpload(clientId)}
        />
      )}
    </div>
  );
}

function Progress({ upload }: { upload: PendingUpload }) {
  const percent = Math.round(upload.progress * 100);
  return (
    <span class="upload-progress">
      <progress max={100} value={percent} aria-label={t("upload.progress", { n: percent })} />
      <span class="upload-part" aria-hidden="true">
        {percent}%
      </span>
    </span>
  );
}

export function UploadBody({ upload }: { upload: PendingUpload }) {
  if (upload.isImage) return <UploadPicture upload={upload} />;
  return (
    <>
      <UploadCard upload={upload} />
      {upload.caption && <Text text={upload.caption} />}
    </>
  );
}

function UploadPicture({ upload }: { upload: PendingUpload }) {
  const { width, height } = boxOf(upload.pixels);
  return (
    <>
      <div class="picture is-uploading" style={{ width: `${width}px`, aspectRatio: `${width} / ${height}` }}>
        <img src={upload.preview} alt={upload.name} />
        {upload.error === null && (
          <div class="upload">
            <Progress upload={upload} />
            <IconButton
              icon="close"
              size={16}
              label={t("upload.cancel")}
              onClick={() => cancelUpload(upload.clientId)}
            />
          </div>
        )}
      </div>
      {upload.caption && <Text text={upload.caption} />}
    </>
  );
}
