// A file as a card: name, type, size, and the host if it is another one.

import { t } from "../i18n";
import { sizeText } from "../i18n/units";
import { plainFileName } from "../model/labels";
import { foreignHost } from "../model/urls";
import type { Message } from "../net/types";
import { Icon } from "./common";

interface FileCardProps {
  url: string;
  name: string;
  size: number | null;
}

export function FileCard({ url, name: given, size }: FileCardProps) {
  const name = plainFileName(given);
  const host = foreignHost(url);
  const details = [typeOf(name), size === null ? "" : sizeText(size), host].filter(Boolean).join(" · ");
  return (
    <a
      class="card"
      href={url}
      target="_blank"
      rel="noopener noreferrer nofollow"
      aria-label={[t("file.download", { name }), host].filter(Boolean).join(", ")}
    >
      <span class="card-icon">
        <Icon name="file" />
      </span>
      <span class="card-body">
        <bdi class="card-name">{name}</bdi>
        {details && <small>{details}</small>}
      </span>
    </a>
  );
}

/** The type of a file, as its name tells. */
const typeOf = (name: string) => /\.([a-z0-9]{1,5})$/i.exec(name)?.[1]?.toUpperCase() ?? "";

/** The name of a file, or what its address ends with. */
export const fileNameOf = (message: Message, url: string) => message.file_name || lastSegment(url);

function lastSegment(url: string): string {
  const segment = url.split("/").pop() || url;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
