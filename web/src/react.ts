// What the virtual list needs of React, out of Preact: `preact/compat` would be five times the size.

import { type FunctionComponent, options, type Ref, type RefObject } from "preact";
import { jsx as preactJsx } from "preact/jsx-runtime";

export {
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
} from "preact/hooks";

type Props = Record<string, unknown>;

/** Preact hands `ref` to function components as any other property. */
export function forwardRef<T>(render: (props: Props, ref: Ref<T>) => preact.ComponentChild) {
  return (props: Props & { ref?: RefObject<T> }) => {
    const { ref, ...rest } = props;
    return render(rest, ref ?? null);
  };
}

export const memo = (component: FunctionComponent) => component;

/** Renders at once what `change` causes. */
export function flushSync(change: () => void): void {
  const before = options.debounceRendering;
  options.debounceRendering = (render) => render();
  change();
  options.debounceRendering = before;
}

const UNITLESS = new Set(["flex", "opacity", "zIndex"]);

/** Numbers of styles are pixels in React. */
export function jsx(type: string, props: Props, key?: string) {
  if (typeof type !== "string" || typeof props.style !== "object" || props.style === null) {
    return preactJsx(type, props, key);
  }
  const entries = Object.entries(props.style).map(([name, value]) => [
    name,
    typeof value === "number" && !UNITLESS.has(name) ? `${value}px` : value,
  ]);
  return preactJsx(type, { ...props, style: Object.fromEntries(entries) }, key);
}
export { jsx as jsxs };
