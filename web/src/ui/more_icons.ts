// Icons that the list does not need.

import { type IconName, PATHS } from "./common";

const MORE: Record<Exclude<IconName, keyof typeof PATHS>, string> = {
  forward: "M14 6l5.5 5.5L14 17M19 11.5h-9A5.5 5.5 0 0 0 4.5 17v1.5",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
};

Object.assign(PATHS, MORE);
