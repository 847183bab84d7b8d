// Parts of the page that come when they are needed.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

/** Draws nothing until the part has come. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>) {
  let Part: ComponentType<P> | null = null;
  return (props: P) => {
    const [, redraw] = useState(0);
    useEffect(() => {
      if (Part) return;
      load().then(
        (part) => {
          Part = part;
          redraw(1);
        },
        () => {}, // the next time asks again
      );
    }, []);
    return Part ? <Part {...props} /> : null;
  };
}
