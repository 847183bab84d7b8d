// The text of a message with its formatting, as elements. A text is never interpreted as markup.

import { type ComponentType, createContext } from "preact";
import { useContext, useMemo, useState } from "preact/hooks";
import { t } from "../i18n";
import { foldAt } from "../model/fold";
import { type Block, cutBlocks, parseText } from "../model/formatting";
import type { Inline } from "../model/marks";
import { me } from "../model/session";
import type { Mention } from "../net/types";
import { copyText } from "./clipboard";
import { IconButton } from "./common";
import { isOfChat } from "./target";
import type { UserCardProps } from "./user_card";

/** Whether a long text is shown whole, and how the user changes that. */
export interface Fold {
  isOpen: boolean;
  onToggle: () => void;
}

/** One to three emoji and nothing else, which are drawn large. */
const ONLY_EMOJI = /^(\p{Extended_Pictographic}(️|‍\p{Extended_Pictographic}|\p{Emoji_Modifier})*\s?){1,3}$/u;

const NOBODY: Mention[] = [];

/** What draws the card of a mentioned user; `null` where there is none to show. */
export const CardOfMention = createContext<ComponentType<UserCardProps> | null>(null);

interface TextProps {
  text: string;
  /** Whom the text mentions. */
  mentions?: Mention[];
  fold?: Fold;
}

export function Text({ text, mentions = NOBODY, fold }: TextProps) {
  const end = fold ? foldAt(text) : null;
  const isFolded = end !== null && !fold?.isOpen;
  const blocks = useMemo(() => {
    const all = parseText(text, mentions);
    return isFolded ? cutBlocks(all, end) : all;
  }, [text, mentions, isFolded]);
  const shown = <Blocks text={text} blocks={blocks} isFolded={isFolded} />;
  if (end === null) return shown;
  return (
    <>
      {shown}
      <button type="button" class="link fold" aria-expanded={!isFolded} onClick={fold?.onToggle}>
        {t(isFolded ? "msg.more" : "msg.less")}
      </button>
    </>
  );
}

/** A paragraph if there is nothing else, beside whose last line the time fits. */
function Blocks({ text, blocks, isFolded }: { text: string; blocks: Block[]; isFolded: boolean }) {
  const [first] = blocks;
  const rest = isFolded && "…";
  if (!first || (blocks.length === 1 && first.kind === "lines")) {
    const isBig = text.length < 40 && ONLY_EMOJI.test(text);
    return (
      <p class={`text ${isBig ? "is-emoji" : ""}`} dir="auto">
        {first && <Lines block={first} />}
        {rest}
      </p>
    );
  }
  return (
    <div class="text has-blocks">
      {blocks.map(drawOuter)}
      {rest}
    </div>
  );
}

/** Its first letter decides on which side the marks of a list and of a quote stand. */
const drawOuter = (block: Block, key: number) => drawBlock(block, key, "auto");
/** What is inside follows, as a direction of its own would hide its letters from what is around. */
const drawInner = (block: Block, key: number) => drawBlock(block, key);

function drawBlock(block: Block, key: number, dir?: "auto") {
  switch (block.kind) {
    case "lines":
      return (
        <p key={key} dir={dir}>
          <Lines block={block} />
        </p>
      );
    case "code":
      return <Code key={key} block={block} />;
    case "quote":
      return (
        <blockquote key={key} dir={dir}>
          {block.blocks.map(drawInner)}
        </blockquote>
      );
    case "list": {
      const items = block.items.map(({ number, blocks }, at) => (
        <li key={at} value={number ?? undefined}>
          {blocks.map(drawInner)}
        </li>
      ));
      if (block.isOrdered) return <ol key={key} dir={dir} children={items} />;
      return <ul key={key} dir={dir} children={items} />;
    }
  }
}

function Lines({ block }: { block: Block }) {
  if (block.kind !== "lines") return null;
  return <>{block.lines.map(({ parts }, at) => [at > 0 && "\n", ...parts.map(drawPart)])}</>;
}

function drawPart(part: Inline, key: number) {
  switch (part.kind) {
    case "text":
      return part.text;
    case "code":
      return <code key={key}>{showControls(part.text)}</code>;
    case "bold":
      return <strong key={key}>{part.parts.map(drawPart)}</strong>;
    case "italic":
      return <em key={key}>{part.parts.map(drawPart)}</em>;
    case "strike":
      return <s key={key}>{part.parts.map(drawPart)}</s>;
    case "mention":
      return <Mentioned key={key} {...part} />;
    case "link":
      return (
        <a
          key={key}
          href={part.href}
          data-host={part.host}
          target={isOfChat(part.href) ? undefined : "_blank"}
          rel="noopener noreferrer nofollow"
        >
          {part.text}
        </a>
      );
  }
}

/**
 * A name, which shows the card of its user. The user's own name, or the word for all members, stands out more than the names
 * of others.
 */
function Mentioned({ text, user }: { text: string; user: number | null }) {
  const [isOpen, setOpen] = useState(false);
  const Card = useContext(CardOfMention);
  const Tag = user === null || user === me.value?.id ? "mark" : "span";
  if (user === null || !Card) return <Tag class="mention">{text}</Tag>;
  const open = () => setOpen(true);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    open();
  };
  return (
    <>
      {/* A button would neither break into lines nor be selected with the text around it. */}
      <Tag
        class="mention"
        role="button"
        tabIndex={0}
        aria-haspopup="dialog"
        onClick={open}
        onKeyDown={onKeyDown}
      >
        {text}
      </Tag>
      {isOpen && <Card id={user} name={text.slice(1)} onClose={() => setOpen(false)} />}
    </>
  );
}

function Code({ block }: { block: Block & { kind: "code" } }) {
  const code = block.lines.map(({ text }) => text).join("\n");
  return (
    <div class="code">
      {block.language && <span class="code-language">{block.language}</span>}
      <IconButton icon="copy" size={16} label={t("format.copy")} onClick={() => void copyText(code)} />
      <pre dir="ltr">
        <code>{showControls(code)}</code>
      </pre>
    </div>
  );
}

/** Code is read exactly. Characters that would make it look like other code are shown by their numbers. */
function showControls(code: string) {
  return code.split(/(\p{Bidi_Control})/u).map((part, at) => {
    if (at % 2 === 0) return part;
    const number = part.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    return <bdi key={at} class="control" data-number={number} children={part} />;
  });
}
