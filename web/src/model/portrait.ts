// Avatars of users and rooms: the square part of an image that is shown, scaled down before it is uploaded.

/** Twice the size at which the largest avatar is drawn, for dense screens. */
const SIDE_PX = 256;
const QUALITY = 0.9;
export const MAX_ZOOM = 4;

export interface Size {
  width: number;
  height: number;
}

/** The square part of an image that is used: its middle in pixels, and how much smaller it is than the largest one. */
export interface Crop {
  x: number;
  y: number;
  zoom: number;
}

/** The side of the part in pixels of the image. */
export const sideOf = ({ zoom }: Crop, { width, height }: Size) => Math.min(width, height) / zoom;

/** The largest part, in the middle. */
export const middle = ({ width, height }: Size): Crop => ({ x: width / 2, y: height / 2, zoom: 1 });

/** The nearest part that lies within the image. */
export function within(crop: Crop, size: Size): Crop {
  const zoom = clamp(crop.zoom, 1, MAX_ZOOM);
  const half = sideOf({ ...crop, zoom }, size) / 2;
  return { x: clamp(crop.x, half, size.width - half), y: clamp(crop.y, half, size.height - half), zoom };
}

const clamp = (value: number, least: number, most: number) => Math.min(Math.max(value, least), most);

/** Draws the part, as large as the canvas. */
export function drawPart(canvas: HTMLCanvasElement, picture: ImageBitmap, crop: Crop): boolean {
  const context = canvas.getContext("2d");
  if (!context) return false;
  const side = sideOf(crop, picture);
  context.imageSmoothingQuality = "high";
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(
    picture,
    crop.x - side / 2,
    crop.y - side / 2,
    side,
    side,
    0,
    0,
    canvas.width,
    canvas.height,
  );
  return true;
}

/** The image of a file; `null` if this browser cannot draw it. */
export const pictureOf = (file: File): Promise<ImageBitmap | null> =>
  createImageBitmap(file).catch(() => null);

/** The part as a small file; `null` if this browser cannot encode it. */
export async function portraitOf(picture: ImageBitmap, crop: Crop, name: string): Promise<File | null> {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.min(Math.round(sideOf(crop, picture)), SIDE_PX);
  if (!drawPart(canvas, picture, crop)) return null;
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/webp", QUALITY));
  return blob && new File([blob], name, { type: blob.type });
}
