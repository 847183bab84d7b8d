// The card of a user, loaded when it is first shown.

import { lazy } from "./lazy";

export const UserCard = lazy(() => import("./lazy_components").then((module) => module.UserCard));
