// Blocks and unblocks users, and says so.

import { t } from "../i18n";
import { errorText } from "../i18n/errors";
import { setBlocked } from "../model/blocks";
import { showToast } from "../model/toast";

export async function changeBlock(userId: number, name: string, toBlocked: boolean): Promise<void> {
  try {
    await setBlocked(userId, name, toBlocked);
    showToast(t(toBlocked ? "block.done" : "block.undone", { name }));
  } catch (error) {
    showToast(errorText(error));
  }
}
