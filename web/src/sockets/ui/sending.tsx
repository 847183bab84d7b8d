// What to send: a message of the document, which can be edited.

import { t } from "../i18n";
import { channel, frame, isJson, send, state } from "../model/trial";

export function Sending() {
  const examples = channel.value?.examples ?? [];
  const current = examples.findIndex((example) => example.frame === frame.value);
  const isValid = isJson(frame.value);
  return (
    <section class="trial-card" aria-labelledby="sending">
      <h2 id="sending">{t("send.title")}</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <div class="field">
          <label for="message">{t("send.message")}</label>
          <div class="field-box">
            <select
              id="message"
              value={String(current)}
              aria-describedby="message-hint"
              onChange={(event) => {
                frame.value = examples[Number(event.currentTarget.value)]?.frame ?? "";
              }}
            >
              {current < 0 && <option value="-1">–</option>}
              {examples.map(({ message, number }, at) => (
                <option value={String(at)} key={`${message} ${number}`}>
                  {number === null ? message : t("send.example", { name: message, n: number })}
                </option>
              ))}
            </select>
          </div>
          <p class="field-hint muted" id="message-hint" lang="en">
            {examples[current]?.summary}
          </p>
        </div>
        <div class="field">
          <label for="frame">{t("send.frame")}</label>
          <div class="field-box">
            <textarea
              id="frame"
              class="code"
              rows={9}
              value={frame.value}
              spellcheck={false}
              aria-describedby="frame-hint"
              onInput={(event) => {
                frame.value = event.currentTarget.value;
              }}
              onKeyDown={(event) => {
                if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
                event.preventDefault();
                send();
              }}
            />
          </div>
          <p class="field-hint" id="frame-hint" role="status">
            {!isValid && t("send.invalid")}
          </p>
        </div>
        <button type="submit" class="button is-main is-wide" disabled={state.value !== "open"}>
          {t("send.submit")}
        </button>
      </form>
    </section>
  );
}
