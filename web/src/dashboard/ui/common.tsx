// Small components of the dashboard.

import type { ComponentChildren } from "preact";
import { type Formatted, format, NO_VALUE, type Unit } from "../model/format";

const PATHS = {
  check: "m5 12.5 4.5 4.5L19 7.5",
  alert: "M12 4 3 19.5h18zM12 10v4.5M12 17h.01",
  stop: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM8 12h8",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16Zm0 4v4.5l3 1.5",
  close: "M7 7l10 10M17 7 7 17",
  table: "M4 5.5h16v13H4zM4 10h16M4 14.25h16M10 5.5v13",
  shield: "M12 3.5 5 6.5v5c0 4.5 3 7.5 7 9 4-1.5 7-4.5 7-9v-5z",
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** A number with its unit drawn smaller. */
export function Amount({ value, unit, per }: { value: number | null | undefined; unit: Unit; per?: string }) {
  return <ValueWithUnit value={format(value, unit)} per={per} />;
}

export function ValueWithUnit({ value: { number, unit }, per }: { value: Formatted; per?: string }) {
  const suffix = number === NO_VALUE ? "" : (per ?? unit);
  return (
    <>
      {number}
      {suffix && <small class="unit">{`\u2009${suffix}`}</small>}
    </>
  );
}

/** A state, shown by icon and text as well as by colour. */
export function State({ kind, children }: { kind: "good" | "warn" | "bad"; children: ComponentChildren }) {
  const name = kind === "good" ? "check" : kind === "warn" ? "alert" : "stop";
  return (
    <span class={`state is-${kind}`}>
      <Icon name={name} size={16} />
      <span>{children}</span>
    </span>
  );
}

interface PanelProps {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
  /** Whether the panel is the whole page. */
  isAlone?: boolean;
}

/** Takes the place of the metrics. */
export function Panel({ icon, title, children, isAlone }: PanelProps) {
  return (
    <section class="panel">
      <span class="panel-icon">
        <Icon name={icon} size={28} />
      </span>
      {isAlone ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children}
    </section>
  );
}
