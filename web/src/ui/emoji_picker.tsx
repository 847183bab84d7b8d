// Picks an emoji among all of them: by group, by name, or among the last used ones.

import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import {
  type Emoji,
  type EmojiGroup,
  emojiName,
  findEmoji,
  loadEmoji,
  noteEmoji,
  recentEmoji,
} from "../model/emoji";
import { showToast } from "../model/toast";
import { Skeleton } from "./common";
import { Dialog } from "./dialog";
import { isTouch } from "./input";
import { useTabStop } from "./lists";
import "../style/emoji.css";

const MAX_FOUND = 64;
const CELL = ".emoji";

interface EmojiPickerProps {
  title: string;
  onPick: (emoji: string) => void;
  onClose: () => void;
}

export function EmojiPicker({ title, onPick, onClose }: EmojiPickerProps) {
  const [groups, setGroups] = useState<EmojiGroup[] | null>(null);
  const [query, setQuery] = useState("");
  const grid = useRef<HTMLDivElement>(null);
  useTabStop(grid, CELL);
  useEffect(() => {
    loadEmoji().then(setGroups, () => {
      showToast(t("error.network"));
      onClose();
    });
  }, []);
  const pick = (emoji: string) => {
    noteEmoji(emoji);
    onClose();
    onPick(emoji);
  };
  const isSearching = query.trim() !== "";
  const found = isSearching && groups ? findEmoji(groups, query, MAX_FOUND) : [];
  // Picked emoji move to the front of the last used ones, but not while the pointer is on them.
  const [recent] = useState(recentEmoji.peek());
  return (
    // On a touch screen the field would open the keyboard above the emoji.
    <Dialog title={title} class="picker" first={isTouch ? ".icon-button" : "input"} onClose={onClose}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys move among the buttons inside */}
      <div onKeyDown={(event) => moveInGrid(event, grid.current)}>
        <input
          type="search"
          class="input"
          value={query}
          placeholder={t("emoji.search")}
          aria-label={t("emoji.search")}
          onInput={(event) => setQuery(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.isComposing) return;
            // It would submit a form around the dialog.
            event.preventDefault();
            if (found[0]) pick(found[0].emoji);
          }}
        />
        {groups && !isSearching && <Groups groups={groups} grid={grid.current} />}
        <div class="emoji-grid" ref={grid}>
          {!groups && <Skeleton rows={4} kind="list" />}
          {groups && isSearching && <Cells emoji={found} onPick={pick} />}
          {isSearching && found.length === 0 && groups && <p class="muted">{t("emoji.none")}</p>}
          {groups && !isSearching && recent.length > 0 && (
            <section>
              <h3>{t("emoji.recent")}</h3>
              <Cells emoji={known(groups, recent)} onPick={pick} />
            </section>
          )}
          {!isSearching &&
            groups?.map(({ name, emoji }) => (
              <section key={name} data-group={name}>
                <h3>{t(`emoji.${name}`)}</h3>
                <Cells emoji={emoji} onPick={pick} />
              </section>
            ))}
        </div>
      </div>
    </Dialog>
  );
}

/** Those of the table, which may be of another version than the one that kept them. */
function known(groups: EmojiGroup[], wanted: string[]): Emoji[] {
  const all = new Map(groups.flatMap(({ emoji }) => emoji.map((each) => [each.emoji, each])));
  return wanted.flatMap((emoji) => all.get(emoji) ?? []);
}

/** Buttons that lead to the groups. */
function Groups({ groups, grid }: { groups: EmojiGroup[]; grid: HTMLElement | null }) {
  return (
    <div class="emoji-groups">
      {groups.map(({ name, emoji }) => (
        <button
          type="button"
          class="icon-button is-emoji"
          key={name}
          aria-label={t(`emoji.${name}`)}
          title={t(`emoji.${name}`)}
          onClick={() => grid?.querySelector(`[data-group=${name}]`)?.scrollIntoView({ block: "start" })}
        >
          {emoji[0]?.emoji}
        </button>
      ))}
    </div>
  );
}

function Cells({ emoji, onPick }: { emoji: Emoji[]; onPick: (emoji: string) => void }) {
  return (
    <div class="emoji-cells">
      {emoji.map((each) => (
        <button
          type="button"
          class="emoji"
          key={each.emoji}
          aria-label={emojiName(each)}
          title={emojiName(each)}
          onClick={() => onPick(each.emoji)}
        >
          {each.emoji}
        </button>
      ))}
    </div>
  );
}

/** Moves the focus with the arrow keys: to the sides, to the cell above or below, and from and to the field. */
function moveInGrid(event: KeyboardEvent, grid: HTMLElement | null): void {
  if (!grid || event.isComposing) return;
  // The history around the dialog would scroll.
  if (event.key.startsWith("Arrow")) event.stopPropagation();
  const target = event.target as HTMLElement;
  const cells = [...grid.querySelectorAll<HTMLElement>(CELL)];
  const at = cells.indexOf(target);
  const isInField = target instanceof HTMLInputElement;
  if (isInField ? event.key !== "ArrowDown" : at < 0) return;
  const next = isInField ? cells[0] : cellAfter(event.key, cells, at);
  if (!next && event.key !== "ArrowUp") return;
  event.preventDefault();
  (next ?? grid.closest("dialog")?.querySelector("input"))?.focus();
}

function cellAfter(key: string, cells: HTMLElement[], at: number): HTMLElement | undefined {
  const from = cells[at] as HTMLElement;
  const isBelow = (cell: HTMLElement) =>
    cell.offsetTop > from.offsetTop && cell.offsetLeft >= from.offsetLeft;
  const isAbove = (cell: HTMLElement) =>
    cell.offsetTop < from.offsetTop && cell.offsetLeft <= from.offsetLeft;
  if (key === "ArrowRight") return cells[at + 1];
  if (key === "ArrowLeft") return cells[Math.max(0, at - 1)];
  if (key === "ArrowDown") return cells.slice(at).find(isBelow);
  return key === "ArrowUp" ? cells.slice(0, at).findLast(isAbove) : undefined;
}
