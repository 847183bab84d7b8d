// Giving up what could not be sent.

export { remove as discard } from "./outbox";
export { cancel as discardUpload } from "./uploads";
