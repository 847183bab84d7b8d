// Selects the part of an image that is shown as an avatar: by dragging, with the wheel, two fingers, or the keys.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { type Crop, drawPart, MAX_ZOOM, middle, sideOf, within } from "../model/portrait";
import { Dialog } from "./dialog";

/** The size of the area on the page; on a dense screen it has more pixels. */
const AREA_PX = 288;
/** How far a key moves the image, in parts of the area. */
const KEY_STEP = 0.05;
const ZOOM_STEP = 0.1;
const WHEEL_STEP = 0.002;

interface CropDialogProps {
  picture: ImageBitmap;
  isGroup?: boolean;
  onDone: (crop: Crop) => void;
  onClose: () => void;
}

export function CropDialog({ picture, isGroup, onDone, onClose }: CropDialogProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [crop, setCrop] = useState(() => middle(picture));
  /** The fingers or the mouse on the area, and where they were last. */
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const pixels = Math.round(AREA_PX * Math.min(devicePixelRatio, 3));
  useLayoutEffect(() => {
    if (canvas.current) drawPart(canvas.current, picture, crop);
  }, [crop]);

  /** Moves the picture by a part of the area. */
  const move = (right: number, down: number) =>
    setCrop((known) => {
      const side = sideOf(known, picture);
      return within({ ...known, x: known.x - right * side, y: known.y - down * side }, picture);
    });
  const zoomTo = (zoom: (known: number) => number) =>
    setCrop((known) => within({ ...known, zoom: zoom(known.zoom) }, picture));

  const onPointerMove = (event: PointerEvent) => {
    const known = pointers.current;
    const before = known.get(event.pointerId);
    const area = canvas.current?.clientWidth;
    if (!before || !area) return;
    const [dx, dy] = [event.clientX - before.x, event.clientY - before.y];
    const other = [...known].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const distance = (point: { x: number; y: number }) => Math.hypot(point.x - other.x, point.y - other.y);
      const factor = distance({ x: event.clientX, y: event.clientY }) / Math.max(distance(before), 1);
      zoomTo((zoom) => zoom * factor);
    }
    // Two fingers move it by what they have in common.
    move(dx / area / known.size, dy / area / known.size);
    known.set(event.pointerId, { x: event.clientX, y: event.clientY });
  };
  const onKey = (event: KeyboardEvent) => {
    const step = event.shiftKey ? KEY_STEP * 4 : KEY_STEP;
    if (event.key === "ArrowLeft") move(-step, 0);
    else if (event.key === "ArrowRight") move(step, 0);
    else if (event.key === "ArrowUp") move(0, -step);
    else if (event.key === "ArrowDown") move(0, step);
    else if (event.key === "+" || event.key === "=") zoomTo((zoom) => zoom + ZOOM_STEP);
    else if (event.key === "-") zoomTo((zoom) => zoom - ZOOM_STEP);
    else return;
    event.preventDefault();
  };
  const forget = (event: PointerEvent) => void pointers.current.delete(event.pointerId);
  return (
    <Dialog title={t("crop.title")} onClose={onClose} class="crop" first=".crop-area" staysOpen>
      <div
        class={`crop-area ${isGroup ? "is-group" : ""}`}
        role="application"
        aria-label={t("crop.area")}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the keys move the picture
        tabIndex={0}
        onKeyDown={onKey}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
        }}
        onPointerMove={onPointerMove}
        onPointerUp={forget}
        onPointerCancel={forget}
        onWheel={(event) => {
          event.preventDefault();
          zoomTo((zoom) => zoom - event.deltaY * WHEEL_STEP);
        }}
      >
        <canvas ref={canvas} width={pixels} height={pixels} />
      </div>
      <label class="crop-zoom">
        <span>{t("crop.zoom")}</span>
        <input
          type="range"
          min={1}
          max={MAX_ZOOM}
          step={0.01}
          value={crop.zoom}
          onInput={({ currentTarget: { valueAsNumber } }) => zoomTo(() => valueAsNumber)}
        />
      </label>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          {t("cancel")}
        </button>
        <button type="button" class="button is-main" onClick={() => onDone(crop)}>
          {t("crop.use")}
        </button>
      </div>
    </Dialog>
  );
}
