// Pictures of users, made small before they are uploaded.

/** Twice the size at which the largest avatar is drawn, for dense screens. */
const SIDE_PX = 256;
const QUALITY = 0.9;

/** The middle of a picture as a small square. The picture as it is if this browser cannot draw it. */
export async function portraitOf(file: File): Promise<File> {
  try {
    const picture = await createImageBitmap(file);
    const side = Math.min(picture.width, picture.height);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = Math.min(side, SIDE_PX);
    const context = canvas.getContext("2d");
    if (!context) return file;
    context.imageSmoothingQuality = "high";
    const [left, top] = [(picture.width - side) / 2, (picture.height - side) / 2];
    context.drawImage(picture, left, top, side, side, 0, 0, canvas.width, canvas.height);
    picture.close();
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/webp", QUALITY));
    return blob ? new File([blob], file.name, { type: blob.type }) : file;
  } catch {
    return file;
  }
}
