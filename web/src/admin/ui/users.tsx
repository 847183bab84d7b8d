// The users: found by name, and managed one at a time.

import { useState } from "preact/hooks";
import { briefTime } from "../../i18n/format";
import { me } from "../../model/session";
import { t } from "../i18n";
import { type AdminUser, adminApi } from "../model/api";
import { focusSection, List, Name, Search, useFound } from "./list";
import { UserDialog } from "./user_dialog";

export function Users() {
  const list = useFound(adminApi.users);
  const [managed, setManaged] = useState<number | null>(null);
  const user = list.state.value.items.find(({ id }) => id === managed);
  return (
    <>
      <Search label={t("users.search")} />
      <List
        list={list}
        label={t("section.users")}
        empty={t("users.none")}
        row={(item) => <Row user={item} key={item.id} onManage={() => setManaged(item.id)} />}
      />
      {user && (
        <UserDialog
          user={user}
          onClose={() => setManaged(null)}
          onChange={(change) => {
            list.replace(user.id, change);
            if (change === null) {
              setManaged(null);
              focusSection();
            }
          }}
        />
      )}
    </>
  );
}

function Row({ user, onManage }: { user: AdminUser; onManage: () => void }) {
  return (
    <li class="row" data-user={user.id}>
      <div class="row-main">
        <p class="row-title">
          <Name>{user.username}</Name>
          {user.id === me.value?.id && <span class="mark">{t("you")}</span>}
          {user.is_admin && <span class="mark is-good">{t("users.admin")}</span>}
          {user.is_banned && <span class="mark is-bad">{t("users.banned")}</span>}
        </p>
        <p class="row-facts">
          <span>#{user.id}</span>
          {user.email && <bdi>{user.email}</bdi>}
          <span>{t("users.since", { day: briefTime(Date.parse(user.created_at)) })}</span>
        </p>
        {user.is_banned && user.ban_reason && (
          <p class="row-facts">
            <bdi>{t("users.reason", { reason: user.ban_reason })}</bdi>
          </p>
        )}
      </div>
      <button
        type="button"
        class="button is-small"
        aria-haspopup="dialog"
        aria-label={t("users.manageName", { name: user.username })}
        onClick={onManage}
      >
        {t("users.manage")}
      </button>
    </li>
  );
}
