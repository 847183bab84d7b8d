import { mergeConfig } from "vite";
import chat from "./vite.config";

/** Built apart: what two pages share would otherwise come in more and larger pieces, and the chat must stay small. */
export default mergeConfig(chat, {
  build: { emptyOutDir: false, rolldownOptions: { input: "dashboard.html" } },
});
