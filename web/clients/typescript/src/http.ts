// Requests, typed by what `openapi-typescript` makes of the server's OpenAPI document.

import type { paths } from "./generated/api.ts";
import type { ErrorCode } from "./generated/types.ts";
import { Refused } from "./refused.ts";

type Method = "get" | "post" | "put" | "patch" | "delete";
type MethodOf<P extends keyof paths> = {
  [M in Method]: paths[P][M] extends { responses: unknown } ? M : never;
}[Method];

/** A method and a path of the document, as `POST /api/v1/rooms`. */
export type Route = { [P in keyof paths]: `${Uppercase<MethodOf<P>>} ${P}` }[keyof paths];

type Operation<R extends Route> = R extends `${infer M} ${infer P extends keyof paths}`
  ? paths[P][Lowercase<M> & Method]
  : never;
type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;

/** The body of the successful answer of a route. */
export type Answer<R extends Route> =
  Operation<R> extends { responses: infer All } ? Json<All[keyof All & (200 | 201)]> : never;

type Parameters<R extends Route> =
  Operation<R> extends { parameters: infer All } ? Pick<All, keyof All & ("path" | "query")> : object;
type Body<R extends Route> =
  Operation<R> extends { requestBody?: never }
    ? object
    : Operation<R> extends { requestBody: { content: infer Content } }
      ? { body: Content extends { "application/json": infer Value } ? Value : FormData }
      : Operation<R> extends { requestBody?: { content: { "application/json": infer Value } } }
        ? { body?: Value }
        : object;

/** What a route takes: values for the placeholders of its path, a query, a body. Forms are a `FormData`. */
export type Call<R extends Route> = Parameters<R> & Body<R> & { signal?: AbortSignal };
type Arguments<R extends Route> = Partial<Call<R>> extends Call<R> ? [call?: Call<R>] : [call: Call<R>];

interface AnyCall {
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  signal?: AbortSignal;
}

const TIMEOUT_MS = 30_000;

/** The codes of documents whose errors have none. */
const CODES: Record<number, ErrorCode> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  413: "too_large",
  415: "unsupported_type",
  429: "rate_limited",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
  507: "storage_full",
};

export class HttpClient {
  /** The server's address, without a slash at its end. */
  readonly url: string;
  /** The token that requests and sockets carry from now on. */
  token: string | null;

  constructor(url: string, token: string | null = null) {
    this.url = url.replace(/\/+$/, "");
    this.token = token;
  }

  /**
   * Calls a route and returns the body of its answer.
   *
   * # Errors
   * `Refused` with the status and the code of the server, or `unreachable`.
   */
  async call<R extends Route>(route: R, ...[call]: Arguments<R>): Promise<Answer<R>> {
    const { path = {}, query = {}, body, signal = AbortSignal.timeout(TIMEOUT_MS) } = (call ?? {}) as AnyCall;
    const [method = "", template = ""] = route.split(" ");
    const filled = template.replace(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(String(path[name])),
    );
    // All errors of document 000 have a code then.
    const params = new URLSearchParams({ ext: "1" });
    for (const [key, value] of Object.entries(query)) if (value != null) params.set(key, String(value));
    const headers: Record<string, string> = {};
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    const isForm = body instanceof FormData;
    if (body !== undefined && !isForm) headers["content-type"] = "application/json";
    const init = body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) };
    let response: Response;
    try {
      response = await fetch(`${this.url}${filled}?${params}`, { method, headers, signal, ...init });
    } catch (cause) {
      throw new Refused("unreachable", String(cause));
    }
    const answer: unknown = await response.json().catch(() => null);
    if (!response.ok) throw refusal(response, answer);
    return answer as Answer<R>;
  }
}

function refusal({ status, headers }: Response, answer: unknown): Refused {
  const { code, error, detail, message, field } = (answer ?? {}) as Record<string, unknown>;
  const retryAfterSecs = Number(headers.get("retry-after"));
  const text = [error, detail, message].find((it) => typeof it === "string");
  const byStatus = CODES[status] ?? (status >= 500 ? "internal" : "invalid");
  return new Refused(typeof code === "string" ? (code as ErrorCode) : byStatus, text as string | undefined, {
    status,
    field: field as string | undefined,
    retryAfterMs: retryAfterSecs > 0 ? retryAfterSecs * 1000 : undefined,
  });
}
