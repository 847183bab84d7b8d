import { useEffect } from "preact/hooks";
import { loadFirstTexts, loadTexts, t } from "./i18n";
import "./model/install";
import { safeNext, token } from "./model/session";
import { Chat } from "./ui/chat";
import { lazy } from "./ui/lazy";
import { mount } from "./ui/mount";
import { currentUrl, navigate, path, query } from "./ui/router";
import "./style/base.css";

/** What the page itself says until its scripts are there. */
const Loading = () => <p class="missing loading">Chinwag</p>;
const SignIn = lazy(() => import("./ui/sign_in").then((module) => module.SignIn), Loading);

/** The chat for users who are logged in. Others are sent to the login, which leads back here. */
function GuardedChat() {
  const currentToken = token.value;
  useEffect(() => {
    if (currentToken) return;
    const from = currentUrl();
    navigate(from === "/chat" ? "/login" : `/login?next=${encodeURIComponent(from)}`, true);
  }, [currentToken]);
  // The key starts a fresh chat when another user logs in, perhaps in another tab.
  return currentToken ? <Chat key={currentToken} /> : <Loading />;
}

function Home() {
  useEffect(() => navigate(safeNext(query.peek().next), true), []);
  return <Loading />;
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
      return token.value ? <Home /> : <SignIn isNew={false} key="login" />;
    case "/register":
      return token.value ? <Home /> : <SignIn isNew={true} key="register" />;
    case "/":
      return <Home />;
    default:
      return <Missing />;
  }
}

// Loads what a conversation needs together with the first texts.
if (token.peek() && query.peek().room) {
  void import("./ui/conversation_pane").catch(() => {});
  void loadTexts().catch(() => {});
}
loadFirstTexts().then(
  () => mount(<App />),
  () => mount(<p class="missing">Chinwag could not be loaded. 页面加载失败，请刷新。</p>),
);
