import { t } from "../i18n";
import { metrics, receivedAt } from "../model/dashboard";
import { fullTime, zoneText } from "../model/format";

export function Footer() {
  if (!metrics.value) return null;
  return (
    <footer class="foot">
      <span>{t("foot.updated", { time: fullTime(receivedAt.value) })}</span>
      <span>{t("foot.zone", { zone: zoneText() })}</span>
      <span>{t("foot.kept")}</span>
    </footer>
  );
}
