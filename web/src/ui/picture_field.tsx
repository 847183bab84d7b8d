// A field for the avatar of a user or a room.

import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { type Crop, pictureOf, portraitOf } from "../model/portrait";
import { showToast } from "../model/toast";
import { IMAGE_TYPES, pictureRejectionOf } from "../model/uploads";
import { upload as startUpload, type Upload } from "../net/http";
import { Refused } from "../net/refused";
import { Avatar, Icon } from "./common";
import { CropDialog } from "./crop_dialog";

interface PictureFieldProps {
  name: string;
  isGroup?: boolean;
  /** The address of the avatar; empty for none. */
  src: string;
  error: string | undefined;
  onChange: (url: string) => void;
}

/** The avatar, with buttons to upload a part of another image and to remove it. */
export function PictureField({ name, isGroup, src, error, onChange }: PictureFieldProps) {
  const input = useRef<HTMLInputElement>(null);
  const upload = useRef<Upload | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => () => upload.current?.cancel(), []);
  /** The image of which a part is to be selected. */
  const [chosen, setChosen] = useState<{ file: File; picture: ImageBitmap } | null>(null);
  const send = async (make: () => Promise<File>) => {
    setBusy(true);
    try {
      const portrait = await make();
      const rejection = pictureRejectionOf(portrait);
      if (rejection) return showToast(t(rejection));
      upload.current = startUpload("image", portrait, () => {});
      onChange(await upload.current.done);
    } catch (failure) {
      const isCancelled = failure instanceof Refused && failure.code === "cancelled";
      if (!isCancelled) showToast(errorText(failure));
    } finally {
      setBusy(false);
    }
  };
  const choose = async (file: File) => {
    const picture = await pictureOf(file);
    if (picture) setChosen({ file, picture });
    // The server may support an image format that this browser does not.
    else void send(async () => file);
  };
  const forget = () => {
    chosen?.picture.close();
    setChosen(null);
  };
  const use = async (crop: Crop) => {
    if (!chosen) return;
    const { file, picture } = chosen;
    setChosen(null);
    await send(async () => (await portraitOf(picture, crop, file.name)) ?? file);
    picture.close();
  };
  return (
    <div class="portrait">
      <Avatar name={name} src={src} size="l" isGroup={isGroup} />
      <div>
        <div class="portrait-actions">
          <button type="button" class="button" disabled={isBusy} onClick={() => input.current?.click()}>
            <Icon name="image" size={18} /> {t(isBusy ? "account.pictureBusy" : "account.picture")}
          </button>
          {src && !isBusy && (
            <button type="button" class="button is-quiet" onClick={() => onChange("")}>
              {t("account.pictureRemove")}
            </button>
          )}
        </div>
        {error && (
          <p class="field-error" role="alert">
            {error}
          </p>
        )}
      </div>
      <input
        ref={input}
        type="file"
        accept={IMAGE_TYPES.join()}
        hidden
        aria-hidden="true"
        tabIndex={-1}
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0];
          currentTarget.value = ""; // the same file may be chosen again
          if (file) void choose(file);
        }}
      />
      {chosen && (
        <CropDialog
          picture={chosen.picture}
          isGroup={isGroup}
          onDone={(crop) => void use(crop)}
          onClose={forget}
        />
      )}
    </div>
  );
}
