// Texts that would run or draw something if a page treated them as markup.

const tags = [
  "script",
  "img",
  "svg",
  "iframe",
  "object",
  "embed",
  "video",
  "audio",
  "body",
  "details",
  "math",
  "style",
  "link",
  "meta",
  "base",
  "form",
  "input",
  "marquee",
  "a",
  "template",
];
const events = [
  "onerror",
  "onload",
  "onclick",
  "onmouseover",
  "onfocus",
  "ontoggle",
  "onanimationstart",
  "onbeforeinput",
  "onpointerenter",
  "onscroll",
];

/** Distinct names of at most 32 characters. */
export const names = (mark: string): string[] =>
  tags.flatMap((tag, at) =>
    events.map((_, of) => `<${tag} ${SHORT[of]}=hit=${mark}${(at * events.length + of).toString(36)}>`),
  );

const SHORT = [
  "onerror",
  "onload",
  "onclick",
  "onblur",
  "onfocus",
  "ontoggle",
  "oncopy",
  "oncut",
  "onwheel",
  "onkeyup",
];

const made = tags.flatMap((tag, at) =>
  events.map((event) => `<${tag} src=x ${event}="hit=${at}" autofocus open>`),
);

export const payloads: string[] = [
  ...made,
  "<script>hit=1</script>",
  "</p></div><script>hit=1</script>",
  "</textarea><script>hit=1</script>",
  '"><script>hit=1</script>',
  "javascript:hit=1",
  "JaVaScRiPt:hit=1",
  'http://example.org/" onmouseover="hit=1',
  "http://example.org/'onmouseover='hit=1",
  "https://javascript:hit=1@example.org",
  "data:text/html,<script>hit=1</script>",
  "vbscript:msgbox(1)",
  "{{constructor.constructor('hit=1')()}}",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as someone might write it
  "${hit=1}",
  "<svg><animate onbegin=hit=1 attributeName=x dur=1s>",
  "<svg><script>hit=1</script></svg>",
  "<math><mtext><table><mglyph><style><img src=x onerror=hit=1>",
  "<iframe srcdoc='<script>parent.hit=1</script>'>",
  "<a href=javascript:hit=1>click</a>",
  "[link](javascript:hit=1)",
  '![img](x" onerror="hit=1)',
  "&lt;script&gt;hit=1&lt;/script&gt;",
  "&#60;script&#62;hit=1&#60;/script&#62;",
  "\u202e<script>hit=1</script>",
  "<scr\u0000ipt>hit=1</script>",
  "<ſcript>hit=1</ſcript>",
  "＜script＞hit=1＜/script＞",
  '{"__html":"<img src=x onerror=hit=1>"}',
  "__proto__",
  "constructor",
  "%3Cscript%3Ehit%3D1%3C%2Fscript%3E",
];
