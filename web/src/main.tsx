import { render } from "preact";
import { useEffect } from "preact/hooks";
import { loadWords, t } from "./i18n";
import { safeNext, token } from "./model/session";
import { lang } from "./settings/preferences";
import { later } from "./ui/later";
import { go, here, path, query } from "./ui/nav";
import "./style/base.css";

const loadChat = () => import("./ui/chat").then((it) => it.Chat);
const Chat = later(loadChat, true);
const Sign = later(() => import("./ui/sign").then((it) => it.Sign), true);

/** The guard: who is not logged in is sent to do so, and comes back. */
function GuardedChat() {
  const given = token.value;
  useEffect(() => {
    if (given) return;
    const from = here();
    go(from === "/chat" ? "/login" : `/login?next=${encodeURIComponent(from)}`, true);
  }, [given]);
  // Another user, in another tab perhaps, begins anew.
  return given ? <Chat key={given} /> : null;
}

function Home() {
  useEffect(() => go(safeNext(query.peek().next), true), []);
  return null;
}

function Missing() {
  return (
    <main class="missing">
      <h1>{t("page.missing")}</h1>
      <a class="button is-main" href="/chat">
        {t("page.home")}
      </a>
    </main>
  );
}

function App() {
  switch (path.value) {
    case "/chat":
      return <GuardedChat />;
    case "/login":
      return token.value ? <Home /> : <Sign isNew={false} key="login" />;
    case "/register":
      return token.value ? <Home /> : <Sign isNew={true} key="register" />;
    case "/":
      return <Home />;
    default:
      return <Missing />;
  }
}

// What will be shown is fetched while the words come.
if (token.peek()) {
  void loadChat().catch(() => {});
  if (query.peek().room) void import("./ui/pane").catch(() => {});
}
const root = document.getElementById("app");
loadWords(lang.value).then(
  () => root && render(<App />, root),
  () => root && render(<p class="missing">Chinwag could not be loaded. 页面加载失败，请刷新。</p>, root),
);
