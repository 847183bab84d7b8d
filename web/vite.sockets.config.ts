import { mergeConfig } from "vite";
import chat from "./vite.config";

/** Built separately from the chat, like the dashboard and the administration. */
export default mergeConfig(chat, {
  build: { emptyOutDir: false, rolldownOptions: { input: "sockets.html" } },
});
