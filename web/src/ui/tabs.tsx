// Tabs, of which the arrow keys choose one.

import { useRef } from "preact/hooks";

interface TabsProps<Name extends string> {
  label: string;
  /** The id of the element that shows what belongs to the chosen tab. */
  controls: string;
  tabs: readonly { name: Name; text: string }[];
  chosen: Name;
  onChoose: (name: Name) => void;
}

export function Tabs<Name extends string>({ label, controls, tabs, chosen, onChoose }: TabsProps<Name>) {
  const box = useRef<HTMLDivElement>(null);
  const at = tabs.findIndex(({ name }) => name === chosen);
  const onKey = (event: KeyboardEvent) => {
    const last = tabs.length - 1;
    const next = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    };
    const to = next[event.key as keyof typeof next];
    const tab = to === undefined ? undefined : tabs[to];
    if (!tab) return;
    event.preventDefault();
    onChoose(tab.name);
    box.current?.querySelectorAll<HTMLElement>("[role=tab]")[to ?? 0]?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} ref={box} onKeyDown={onKey}>
      {tabs.map(({ name, text }) => (
        <button
          type="button"
          role="tab"
          key={name}
          id={`${controls}-${name}`}
          aria-selected={name === chosen}
          aria-controls={controls}
          tabIndex={name === chosen ? 0 : -1}
          onClick={() => onChoose(name)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
