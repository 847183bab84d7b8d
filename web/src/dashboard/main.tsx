// The operators' board: a page of its own, so that the chat does not carry it.

import { render } from "preact";
import { useEffect } from "preact/hooks";
import { token } from "../model/session";
import { lang } from "../settings/preferences";
import { loadWords } from "./i18n";
import { place, placeUrl } from "./model/place";
import { Board } from "./ui/board";
import "../style/base.css";
import "./style/tokens.css";
import "./style/frame.css";
import "./style/metrics.css";
import "./style/cards.css";
import "./style/tables.css";
import "./style/states.css";

/** Who is not logged in is sent to do so, and comes back to the same view. */
function Guarded() {
  const isIn = token.value !== null;
  useEffect(() => {
    if (!isIn) location.replace(`/login?next=${encodeURIComponent(placeUrl(place.peek()))}`);
  }, [isIn]);
  return isIn ? <Board /> : null;
}

const root = document.getElementById("app");
void loadWords(lang.value).then(() => root && render(<Guarded />, root));
