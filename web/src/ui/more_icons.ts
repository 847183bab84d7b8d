// Icons that the list does not need.

import { type IconName, PATHS } from "./common";

const MORE: Record<Exclude<IconName, keyof typeof PATHS>, string> = {
  forward: "M14 6l5.5 5.5L14 17M19 11.5h-9A5.5 5.5 0 0 0 4.5 17v1.5",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
  install: "M12 4v10M8 10.5l4 4 4-4M5 17v2.5h14V17",
  compass: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm3.5 5.5-2 5-5 2 2-5z",
  exit: "M14 4.5H5.5v15H14M10 12h10M16.5 8.5 20 12l-3.5 3.5",
  book: "M5 4.5h9.5a3 3 0 0 1 3 3v12H8a3 3 0 0 1-3-3zM5 16.5a3 3 0 0 1 3-3h9.5",
  sound: "M4.5 9.5v5H8l4.5 4v-13L8 9.5zM15.5 9.5a4 4 0 0 1 0 5M18 7a7.5 7.5 0 0 1 0 10",
  keyboard: "M3.5 6.5h17v11h-17zM7 10h.01M10.5 10h.01M14 10h.01M17 10h.01M8 14h8",
  shield: "M12 3.5 5 6.5v5c0 4.5 3 7.5 7 9 4-1.5 7-4.5 7-9v-5z",
  outside: "M10 5.5H5.5v13h13V14M13.5 4.5h6v6M19 5l-8 8",
};

Object.assign(PATHS, MORE);
