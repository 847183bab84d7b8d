// Says that an act is done, or why it is not.

import { useEffect, useState } from "preact/hooks";
import { toast } from "../../model/toast";

const SHOWN_MS = 6_000;

export function Toast() {
  const shown = toast.value;
  const [hidden, setHidden] = useState<number | null>(null);
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(() => setHidden(shown.id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [shown]);
  return (
    <div class="admin-toasts" role="status">
      {shown && shown.id !== hidden && <p class="admin-toast">{shown.text}</p>}
    </div>
  );
}
