// An enlarged image, from which the keys and buttons lead to the other images of the conversation.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { drawnPictures, type Shown } from "../model/pictures";
import { activeRoom } from "../model/rooms";
import { foreignHost } from "../model/urls";
import { Icon, IconButton } from "./common";
import { Dialog } from "./dialog";

interface LightboxProps {
  url: string;
  /** Who has sent it. */
  name: string;
  /** The images that the keys lead to; those of the open conversation by default. */
  pictures?: Shown[];
  onClose: () => void;
}

/** How far an image is enlarged at least. */
const ZOOM = 2;

export function Lightbox({ url, name, pictures, onClose }: LightboxProps) {
  const [shown, show] = useState(url);
  const all = pictures ?? drawnPictures(activeRoom()?.messages.value ?? []);
  const at = all.findIndex((picture) => picture.url === shown);
  const alt = t("image.alt", { name: all[at]?.sender ?? name });
  const step = (by: number) => {
    const next = at < 0 ? undefined : all[at + by];
    if (next) show(next.url);
  };
  return (
    <Dialog title={alt} onClose={onClose} class="lightbox" isBare staysOpen>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys do what the buttons inside do */}
      <div
        class="lightbox-page"
        onKeyDown={({ key }) => {
          if (key === "ArrowLeft") step(-1);
          if (key === "ArrowRight") step(1);
        }}
      >
        <View url={shown} alt={alt} />
        <div class="lightbox-bar">
          {all.length > 1 && at >= 0 && (
            <span class="lightbox-count">
              {at + 1} / {all.length}
            </span>
          )}
          {foreignHost(shown) === null && (
            <a
              class="icon-button"
              href={shown}
              download
              aria-label={t("image.download")}
              title={t("image.download")}
            >
              <Icon name="down" />
            </a>
          )}
          <a
            class="icon-button"
            href={shown}
            target="_blank"
            rel="noopener noreferrer nofollow"
            aria-label={t("image.original")}
            title={t("image.original")}
          >
            <Icon name="outside" />
          </a>
          <IconButton icon="close" label={t("close")} onClick={onClose} />
        </div>
        {all.length > 1 && at >= 0 && (
          <>
            <IconButton
              icon="back"
              class="lightbox-step"
              label={t("image.previous")}
              aria-disabled={at === 0}
              onClick={() => step(-1)}
            />
            <IconButton
              icon="back"
              class="lightbox-step is-next"
              label={t("image.next")}
              aria-disabled={at === all.length - 1}
              onClick={() => step(1)}
            />
          </>
        )}
      </div>
    </Dialog>
  );
}

/** The image, as large as fits; a click enlarges it around the point, and the next click makes it fit again. */
function View({ url, alt }: { url: string; alt: string }) {
  const box = useRef<HTMLButtonElement>(null);
  /** The image that is enlarged, and its width. Another one fits again. */
  const [zoomed, setZoomed] = useState<{ url: string; width: number } | null>(null);
  /** The point to be in the middle, in parts of the image. */
  const centre = useRef({ x: 0.5, y: 0.5 });
  const width = zoomed?.url === url ? zoomed.width : null;
  const isZoomed = width !== null;
  useLayoutEffect(() => {
    const view = box.current;
    if (!view || !isZoomed) return;
    view.scrollTo(
      centre.current.x * view.scrollWidth - view.clientWidth / 2,
      centre.current.y * view.scrollHeight - view.clientHeight / 2,
    );
  }, [isZoomed]);
  const toggle = (event: MouseEvent) => {
    const image = box.current?.querySelector("img");
    if (isZoomed || !image) return setZoomed(null);
    const { left, top, width: drawn, height } = image.getBoundingClientRect();
    const isKey = event.detail === 0;
    centre.current = isKey
      ? { x: 0.5, y: 0.5 }
      : { x: (event.clientX - left) / drawn, y: (event.clientY - top) / height };
    setZoomed({ url, width: Math.max(image.naturalWidth, drawn * ZOOM) });
  };
  return (
    <button
      type="button"
      ref={box}
      class={`lightbox-view ${isZoomed ? "is-zoomed" : ""}`}
      aria-label={`${alt}. ${t(isZoomed ? "image.shrink" : "image.enlarge")}`}
      onClick={toggle}
    >
      <img src={url} alt="" referrerpolicy="no-referrer" style={{ width: isZoomed ? `${width}px` : "" }} />
    </button>
  );
}
