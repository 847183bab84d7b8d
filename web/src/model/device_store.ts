// A few named values on this device, in IndexedDB, all of one user. `session.ts` deletes them with the session.

import { KEPT } from "./session";

const STORE = "kept";

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(KEPT);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  }).then((database) => {
    // The database is deleted here or in another tab.
    database.onversionchange = () => {
      database.close();
      opened = null;
    };
    database.onclose = () => {
      opened = null;
    };
    return database;
  });
  opened.catch(() => {
    opened = null;
  });
  return opened;
}

async function transact(mode: IDBTransactionMode, act: (store: IDBObjectStore) => void): Promise<void> {
  const database = await open();
  await new Promise<void>((resolve, reject) => {
    const transaction = database.transaction(STORE, mode);
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    act(transaction.objectStore(STORE));
  });
}

/**
 * Reads values by their names; those that do not exist are `undefined`.
 *
 * # Errors
 * Browsers may refuse it, as in private windows.
 */
export async function read(...names: string[]): Promise<unknown[]> {
  let requests: IDBRequest[] = [];
  await transact("readonly", (store) => {
    requests = names.map((name) => store.get(name));
  });
  return requests.map(({ result }) => result);
}

/**
 * Writes values, all or none, and removes those that are `undefined`.
 *
 * # Errors
 * As `read`, or there is no space.
 */
export async function write(values: ReadonlyMap<string, unknown>): Promise<void> {
  await transact("readwrite", (store) => {
    for (const [name, value] of values) {
      if (value === undefined) store.delete(name);
      else store.put(value, name);
    }
  });
}

export async function clear(): Promise<void> {
  await transact("readwrite", (store) => store.clear());
}
