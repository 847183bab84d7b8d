// The part of React that the virtual list needs, built on Preact. `preact/compat` would be five times the size.

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

/** Preact passes `ref` to function components like any other property. */
export function forwardRef<T>(render: (props: Props, ref: Ref<T>) => preact.ComponentChild) {
  return (props: Props & { ref?: RefObject<T> }) => {
    const { ref, ...rest } = props;
    return render(rest, ref ?? null);
  };
}

export const memo = (component: FunctionComponent) => component;

/** Renders the effects of `change` synchronously. */
export function flushSync(change: () => void): void {
  const before = options.debounceRendering;
  options.debounceRendering = (render) => render();
  change();
  options.debounceRendering = before;
}

const UNITLESS = new Set(["flex", "opacity", "zIndex"]);

/** React takes numbers in styles as pixels. */
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
