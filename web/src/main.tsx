import { render } from "preact";
import { useEffect } from "preact/hooks";
import { loadWords, t } from "./i18n";
import { safeNext, token } from "./model/session";
import { lang } from "./model/settings";
import { later } from "./ui/later";
import { go, here, path, query } from "./ui/nav";
import "./style/base.css";

const Chat = later(() => import("./ui/chat").then((it) => it.Chat));
const Sign = later(() => import("./ui/sign").then((it) => it.Sign));

/** The guard: who is not logged in is sent to do so, and comes back. */
function GuardedChat() {
  const isIn = token.value !== null;
  useEffect(() => {
    if (isIn) return;
    const from = here();
    go(from === "/chat" ? "/login" : `/login?next=${encodeURIComponent(from)}`, true);
  }, [isIn]);
  return isIn ? <Chat /> : null;
}

function Home() {
  useEffect(() => go(safeNext(query.peek().next), true), []);
  return null;
}

function Missing() {
  return (
    <main class="missing">
      <div>
        <h1>{t("page.missing")}</h1>
        <a class="button is-main" href="/chat">
          {t("page.home")}
        </a>
      </div>
    </main>
  );
}

function App() {
  switch (path.value) {
    case "/":
      return <Home />;
    case "/chat":
      return <GuardedChat />;
    case "/login":
      return <Sign isNew={false} key="login" />;
    case "/register":
      return <Sign isNew={true} key="register" />;
    default:
      return <Missing />;
  }
}

const root = document.getElementById("app");
void loadWords(lang.value).then(() => root && render(<App />, root));
