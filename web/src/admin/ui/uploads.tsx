// Who uploads how much.

import { sizeText } from "../../i18n/units";
import { t } from "../i18n";
import { adminApi, type Uploader } from "../model/api";
import { List, Name, usePagedList } from "./list";

export function Uploads() {
  const list = usePagedList(adminApi.uploads, (user) => user.id);
  const most = list.state.value.items[0]?.bytes ?? 0;
  return (
    <>
      <p class="section-hint muted">{t("uploads.hint")}</p>
      <List
        list={list}
        label={t("section.uploads")}
        empty={t("uploads.none")}
        row={(user) => <Row user={user} most={most} key={user.id} />}
      />
    </>
  );
}

function Row({ user, most }: { user: Uploader; most: number }) {
  const { bytes, day_bytes, day_limit_bytes: limit } = user;
  return (
    <li class="row" data-user={user.id}>
      <div class="row-main">
        <p class="row-title">
          <Name>{user.username}</Name>
          <span class="row-amount">{t("uploads.stored", { size: sizeText(bytes) })}</span>
        </p>
        <div class="part" aria-hidden="true">
          <i style={{ "--part": String(most > 0 ? bytes / most : 0) }} />
        </div>
        <p class="row-facts">
          <span>#{user.id}</span>
          <span>
            {limit === null
              ? t("uploads.todayUnlimited")
              : t("uploads.today", { size: sizeText(day_bytes), limit: sizeText(limit) })}
          </span>
        </p>
      </div>
    </li>
  );
}
