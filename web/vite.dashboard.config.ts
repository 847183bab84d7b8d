import { mergeConfig } from "vite";
import chat from "./vite.config";

/** Built separately from the chat: shared chunks would make the first download of the chat larger. */
export default mergeConfig(chat, {
  build: { emptyOutDir: false, rolldownOptions: { input: "dashboard.html" } },
});
