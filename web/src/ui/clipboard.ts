// Copies texts.

import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { showToast } from "../model/toast";

export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    showToast(t("msg.copied"));
  } catch (error) {
    // Browsers offer no clipboard on insecure pages.
    showToast(navigator.clipboard ? errorText(error) : t("msg.notCopied"));
  }
}
