// Generated from the server by `npm run types`. Changes belong there.

export interface paths {
    readonly "/invocations": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Start a deliberation and stream it, or act on one
         * @description With `stream: false`, or `Accept: application/json` alone, it waits and answers one JSON document. With `detached: true`, or `Prefer: respond-async`, a start is answered at once, with the id alone. With `action` it does the other verbs. A start that the server has no room for now is refused with 503 `overloaded`, and nothing was begun.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: {
                    /** @description A repeated start under the same key attaches to the first; see also `idempotencyKey` in the body. */
                    readonly "Idempotency-Key"?: string;
                    readonly Prefer?: "respond-async";
                };
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    /**
                     * @example {
                     *       "question": "Should we move the billing service to Rust?"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["StartRequest"] | components["schemas"]["ResumeRequest"] | components["schemas"]["CancelRequest"] | components["schemas"]["GetRequest"] | components["schemas"]["ForgetRequest"] | components["schemas"]["RenameRequest"] | components["schemas"]["ListRequest"] | components["schemas"]["SessionsRequest"] | components["schemas"]["SessionRequest"] | components["schemas"]["CouncilsRequest"] | components["schemas"]["GetCouncilRequest"] | components["schemas"]["PutCouncilRequest"] | components["schemas"]["DeleteCouncilRequest"] | components["schemas"]["ModelsRequest"] | components["schemas"]["ProbeRequest"];
                };
            };
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "text/event-stream": components["schemas"]["Event"];
                        readonly "application/json": components["schemas"]["DeliberationState"];
                    };
                };
                /** @description As asked */
                readonly 202: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly deliberationId: string;
                        };
                    };
                };
                /** @description Deleted */
                readonly 204: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content?: never;
                };
                readonly 400: components["responses"]["Refused"];
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 404: components["responses"]["Refused"];
                readonly 408: components["responses"]["Refused"];
                readonly 409: components["responses"]["Refused"];
                readonly 413: components["responses"]["Refused"];
                readonly 415: components["responses"]["Refused"];
                readonly 421: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/runtimes/{arn}/invocations": {
        readonly parameters: {
            readonly query?: {
                readonly qualifier?: string;
            };
            readonly header?: never;
            readonly path: {
                /** @description Any, percent-encoded; it is not looked at. */
                readonly arn: string;
            };
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * The same under the path of AgentCore's data plane, so that its clients can be pointed here
         * @description With `stream: false`, or `Accept: application/json` alone, it waits and answers one JSON document. With `detached: true`, or `Prefer: respond-async`, a start is answered at once, with the id alone. With `action` it does the other verbs. A start that the server has no room for now is refused with 503 `overloaded`, and nothing was begun.
         */
        readonly post: {
            readonly parameters: {
                readonly query?: {
                    readonly qualifier?: string;
                };
                readonly header?: {
                    /** @description A repeated start under the same key attaches to the first; see also `idempotencyKey` in the body. */
                    readonly "Idempotency-Key"?: string;
                    readonly Prefer?: "respond-async";
                };
                readonly path: {
                    /** @description Any, percent-encoded; it is not looked at. */
                    readonly arn: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    /**
                     * @example {
                     *       "question": "Should we move the billing service to Rust?"
                     *     }
                     */
                    readonly "application/json": components["schemas"]["StartRequest"] | components["schemas"]["ResumeRequest"] | components["schemas"]["CancelRequest"] | components["schemas"]["GetRequest"] | components["schemas"]["ForgetRequest"] | components["schemas"]["RenameRequest"] | components["schemas"]["ListRequest"] | components["schemas"]["SessionsRequest"] | components["schemas"]["SessionRequest"] | components["schemas"]["CouncilsRequest"] | components["schemas"]["GetCouncilRequest"] | components["schemas"]["PutCouncilRequest"] | components["schemas"]["DeleteCouncilRequest"] | components["schemas"]["ModelsRequest"] | components["schemas"]["ProbeRequest"];
                };
            };
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "text/event-stream": components["schemas"]["Event"];
                        readonly "application/json": components["schemas"]["DeliberationState"];
                    };
                };
                /** @description As asked */
                readonly 202: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly deliberationId: string;
                        };
                    };
                };
                /** @description Deleted */
                readonly 204: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content?: never;
                };
                readonly 400: components["responses"]["Refused"];
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 404: components["responses"]["Refused"];
                readonly 408: components["responses"]["Refused"];
                readonly 409: components["responses"]["Refused"];
                readonly 413: components["responses"]["Refused"];
                readonly 415: components["responses"]["Refused"];
                readonly 421: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/ping": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Health */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            /** @constant */
                            readonly status: "healthy";
                            /** Format: date-time */
                            readonly timestamp: string;
                            readonly service: string;
                            readonly version: string;
                            /** @description Unix second of the last change of status. */
                            readonly time_of_last_update: number;
                        };
                    };
                };
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/probe": {
        readonly parameters: {
            readonly query?: {
                readonly seconds?: number;
                readonly intervalMs?: number;
                readonly bytes?: number;
                readonly quietMs?: number;
                readonly keepAliveMs?: number;
                readonly startedAt?: number | null;
                readonly after?: number;
                readonly wait?: number;
            };
            readonly header?: {
                readonly "Last-Event-ID"?: number;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * A probe: frames of no meaning, by whose times a path is measured (`magi doctor`)
         * @description With `wait`, or `Accept: application/json` alone, it answers one page of what is due after the cursor. To go on with a probe on any server: the same parameters, the cursor, and the `startedAt` of its first frame.
         */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly seconds?: number;
                    readonly intervalMs?: number;
                    readonly bytes?: number;
                    readonly quietMs?: number;
                    readonly keepAliveMs?: number;
                    readonly startedAt?: number | null;
                    readonly after?: number;
                    readonly wait?: number;
                };
                readonly header?: {
                    readonly "Last-Event-ID"?: number;
                };
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "text/event-stream": components["schemas"]["ProbeFrame"];
                        readonly "application/json": {
                            readonly events: readonly components["schemas"]["ProbeFrame"][];
                            readonly cursor: number;
                            /** @description Whether the last one is among them or before them. */
                            readonly done: boolean;
                        };
                    };
                };
                readonly 400: components["responses"]["Refused"];
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/councils": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The councils there are, presets first, in the form in which a request gives one whole */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly components["schemas"]["CouncilRequest"][];
                        };
                    };
                };
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/councils/{council_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly council_id: string;
            };
            readonly cookie?: never;
        };
        /** A council */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly council_id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["CouncilRequest"];
                    };
                };
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 404: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        /** Keep a council under an id, in place of what was kept under it */
        readonly put: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly council_id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["CouncilRequest"];
                };
            };
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["CouncilRequest"];
                    };
                };
                /** @description It is new */
                readonly 201: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["CouncilRequest"];
                    };
                };
                readonly 400: components["responses"]["Refused"];
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 408: components["responses"]["Refused"];
                readonly 409: components["responses"]["Refused"];
                readonly 413: components["responses"]["Refused"];
                readonly 415: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly post?: never;
        /** Delete a council that is kept */
        readonly delete: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly council_id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Deleted */
                readonly 204: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content?: never;
                };
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 404: components["responses"]["Refused"];
                readonly 409: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/models": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Which models can be used here, what each of the others lacks, and which one an agent gets that nobody names one for */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": {
                            readonly items: readonly {
                                /** @description What the names of its models begin with, before the colon. */
                                readonly prefix: string;
                                readonly example: string;
                                readonly note: string | null;
                                readonly usable: boolean;
                                /** @description Where it cannot be used: why, and what mends it. */
                                readonly reason: string | null;
                            }[];
                            /** @description By agent id. */
                            readonly default: {
                                readonly [key: string]: string;
                            };
                            /** @description What every other agent gets. */
                            readonly otherwise: string;
                        };
                    };
                };
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/deliberations": {
        readonly parameters: {
            readonly query?: {
                readonly limit?: number;
                readonly cursor?: string | null;
                readonly q?: string;
                readonly outcome?: components["schemas"]["Outcome"] | null;
                readonly decision?: components["schemas"]["Decision"] | null;
                readonly sessionId?: string | null;
                readonly deliberationId?: string | null;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Search and list what there was */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly limit?: number;
                    readonly cursor?: string | null;
                    readonly q?: string;
                    readonly outcome?: components["schemas"]["Outcome"] | null;
                    readonly decision?: components["schemas"]["Decision"] | null;
                    readonly sessionId?: string | null;
                    readonly deliberationId?: string | null;
                };
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["HistoryPage"];
                    };
                };
                readonly 400: components["responses"]["Refused"];
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/sessions": {
        readonly parameters: {
            readonly query?: {
                readonly limit?: number;
                readonly cursor?: string | null;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The conversations, the latest turn first */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly limit?: number;
                    readonly cursor?: string | null;
                };
                readonly header?: never;
                readonly path?: never;
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["SessionPage"];
                    };
                };
                readonly 400: components["responses"]["Refused"];
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/sessions/{session_id}": {
        readonly parameters: {
            readonly query?: {
                readonly limit?: number;
                readonly cursor?: string | null;
            };
            readonly header?: never;
            readonly path: {
                readonly session_id: string;
            };
            readonly cookie?: never;
        };
        /** A conversation's turns, the oldest first */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly limit?: number;
                    readonly cursor?: string | null;
                };
                readonly header?: never;
                readonly path: {
                    readonly session_id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["SessionTurns"];
                    };
                };
                readonly 400: components["responses"]["Refused"];
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 404: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/deliberations/{deliberation_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly deliberation_id: string;
            };
            readonly cookie?: never;
        };
        /** The folded state */
        readonly get: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly deliberation_id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["DeliberationState"];
                    };
                };
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 404: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly put?: never;
        readonly post?: never;
        /** Stop the work and delete the deliberation, its log and its record */
        readonly delete: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly deliberation_id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description Deleted */
                readonly 204: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content?: never;
                };
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 404: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly options?: never;
        readonly head?: never;
        /** Give it a title, or with `null` take its title away */
        readonly patch: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly deliberation_id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody: {
                readonly content: {
                    readonly "application/json": components["schemas"]["TitleRequest"];
                };
            };
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["Renamed"];
                    };
                };
                readonly 400: components["responses"]["Refused"];
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 404: components["responses"]["Refused"];
                readonly 413: components["responses"]["Refused"];
                readonly 415: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly trace?: never;
    };
    readonly "/deliberations/{deliberation_id}/events": {
        readonly parameters: {
            readonly query?: {
                readonly after?: number;
                readonly wait?: number;
            };
            readonly header?: {
                readonly "Last-Event-ID"?: number;
            };
            readonly path: {
                readonly deliberation_id: string;
            };
            readonly cookie?: never;
        };
        /**
         * Follow from a cursor
         * @description With `Accept: application/json` alone it answers one page of what there is after the cursor, waiting up to `wait` seconds for something.
         */
        readonly get: {
            readonly parameters: {
                readonly query?: {
                    readonly after?: number;
                    readonly wait?: number;
                };
                readonly header?: {
                    readonly "Last-Event-ID"?: number;
                };
                readonly path: {
                    readonly deliberation_id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "text/event-stream": components["schemas"]["Event"];
                        readonly "application/json": {
                            readonly events: readonly components["schemas"]["Event"][];
                            readonly cursor: number;
                            /** @description Whether the last one is among them or before them. */
                            readonly done: boolean;
                        };
                    };
                };
                readonly 400: components["responses"]["Refused"];
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 404: components["responses"]["Refused"];
                readonly 409: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/deliberations/{deliberation_id}/cancel": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly deliberation_id: string;
            };
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Stop the work */
        readonly post: {
            readonly parameters: {
                readonly query?: never;
                readonly header?: never;
                readonly path: {
                    readonly deliberation_id: string;
                };
                readonly cookie?: never;
            };
            readonly requestBody?: never;
            readonly responses: {
                /** @description As asked */
                readonly 200: {
                    headers: {
                        readonly [name: string]: unknown;
                    };
                    content: {
                        readonly "application/json": components["schemas"]["DeliberationState"];
                    };
                };
                readonly 401: components["responses"]["Refused"];
                readonly 403: components["responses"]["Refused"];
                readonly 404: components["responses"]["Refused"];
                readonly 429: components["responses"]["Refused"];
                readonly 503: components["responses"]["Refused"];
            };
        };
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        readonly Event: components["schemas"]["Start"] | components["schemas"]["AgentStart"] | components["schemas"]["Chunk"] | components["schemas"]["Thinking"] | components["schemas"]["Traced"] | components["schemas"]["VoteCast"] | components["schemas"]["VerdictGiven"] | components["schemas"]["AgentComplete"] | components["schemas"]["Complete"] | components["schemas"]["Cancelled"] | components["schemas"]["Failed"];
        /** @description RFC 9457. `code` is stable; `field` is the path of the field at fault; `faults` lists all of them. */
        readonly Problem: {
            readonly title: string;
            readonly status: number;
            readonly code: string;
            readonly detail: string;
            readonly retryable?: boolean;
            /** @description Seconds, as in the header `Retry-After`. */
            readonly retryAfter?: number;
            readonly field?: string;
            readonly faults?: readonly {
                readonly field?: string;
                readonly message?: string;
            }[];
        };
        readonly ProbeFrame: components["schemas"]["ProbeStart"] | components["schemas"]["ProbeFill"] | components["schemas"]["ProbeEnd"];
        /**
         * ProbeStarted
         * @description The first frame. Times are Unix milliseconds by the server's clock.
         *
         *         ``headers`` are those of the request that arrived, by their names in lower case: the value of what is harmless to
         *         say, and ``True`` where the value is nobody's business.
         */
        readonly ProbeStart: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly type: "ProbeStart";
            readonly seq: number;
            readonly sentAt: number;
            readonly startedAt: number;
            /** @default  */
            readonly platform?: string;
            /** @default  */
            readonly version?: string;
            /** @default {} */
            readonly headers?: {
                readonly [key: string]: string | boolean;
            };
        };
        /**
         * ProbeFrame
         * @description A frame in the middle; ``fill`` is there for its length.
         */
        readonly ProbeFill: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly type: "ProbeFill";
            readonly seq: number;
            readonly sentAt: number;
            /** @default  */
            readonly fill?: string;
        };
        /**
         * ProbeEnded
         * @description The last frame. A stream that ends without it was cut.
         */
        readonly ProbeEnd: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            readonly type: "ProbeEnd";
            readonly seq: number;
            readonly sentAt: number;
        };
        /**
         * Start
         * @description The first event, appended before any model is called.
         */
        readonly Start: {
            /** @enum {unknown} */
            readonly type: "start";
            readonly seq: number;
            readonly timestamp: string;
            readonly deliberationId: string;
            readonly sessionId: string;
            readonly question: string;
            readonly mode: components["schemas"]["Mode"];
            readonly council: components["schemas"]["CouncilCard"];
        };
        /**
         * Mode
         * @description ``deliberate`` convenes the whole council; in ``chat`` the judge alone answers.
         * @enum {string}
         */
        readonly Mode: "deliberate" | "chat";
        /**
         * CouncilCard
         * @description A council, as `start` shows it. ``agents`` holds the sages in speaking order, then the judge, if it has one.
         */
        readonly CouncilCard: {
            readonly id: string;
            readonly rule: components["schemas"]["Rule"];
            readonly agents: readonly components["schemas"]["AgentCard"][];
        };
        /**
         * Rule
         * @description How a council's votes and verdict become an outcome (council/outcome.py).
         * @enum {string}
         */
        readonly Rule: "judge" | "majority" | "unanimous";
        /**
         * AgentCard
         * @description One agent of a council, as `start` shows it.
         *
         *         ``note`` is said wherever a person could take the model for something it is not ("rule-based, no language model").
         */
        readonly AgentCard: {
            readonly agentId: string;
            readonly name: string;
            readonly role: components["schemas"]["Role"];
            readonly model: string;
            /** @default null */
            readonly note?: string | null;
        };
        /**
         * Role
         * @description What an agent does in a council.
         * @enum {string}
         */
        readonly Role: "sage" | "judge";
        /**
         * AgentStart
         * @description A lane begins. ``attempt`` counts from 1; one above 1 voids the lane's earlier text and thinking.
         */
        readonly AgentStart: {
            /** @enum {unknown} */
            readonly type: "agent_start";
            readonly seq: number;
            readonly timestamp: string;
            readonly agentId: string;
            readonly attempt: number;
            readonly model: string;
        };
        /**
         * Chunk
         * @description Visible text, to be appended to the lane.
         */
        readonly Chunk: {
            /** @enum {unknown} */
            readonly type: "chunk";
            readonly seq: number;
            readonly timestamp: string;
            readonly agentId: string;
            readonly content: string;
        };
        /**
         * Thinking
         * @description Reasoning text, where a model gives it.
         */
        readonly Thinking: {
            /** @enum {unknown} */
            readonly type: "thinking";
            readonly seq: number;
            readonly timestamp: string;
            readonly agentId: string;
            readonly content: string;
        };
        /**
         * Traced
         * @description What happens underneath; of one lane where ``agent_id`` is set.
         */
        readonly Traced: {
            /** @enum {unknown} */
            readonly type: "trace";
            readonly seq: number;
            readonly timestamp: string;
            readonly trace: components["schemas"]["Trace"];
            /** @default null */
            readonly agentId?: string | null;
        };
        /**
         * Trace
         * @description Something that happened underneath. ``action`` is a stable word, ``details`` a sentence for an engineer.
         */
        readonly Trace: {
            readonly action: string;
            readonly details: string;
            /** @default null */
            readonly durationMs?: number | null;
        };
        /**
         * VoteCast
         * @description A sage's vote. ``confidence`` from 0 to 1.
         */
        readonly VoteCast: {
            /** @enum {unknown} */
            readonly type: "vote";
            readonly seq: number;
            readonly timestamp: string;
            readonly agentId: string;
            readonly decision: components["schemas"]["Decision"];
            readonly confidence: number;
            readonly reasoning: string;
        };
        /**
         * Decision
         * @description What a sage votes and what a judge rules.
         * @enum {string}
         */
        readonly Decision: "APPROVED" | "REJECTED" | "ABSTAINED";
        /**
         * VerdictGiven
         * @description The judge's ruling. ``scores`` holds one mark a sage that spoke, in the council's order.
         */
        readonly VerdictGiven: {
            /** @enum {unknown} */
            readonly type: "verdict";
            readonly seq: number;
            readonly timestamp: string;
            readonly agentId: string;
            readonly decision: components["schemas"]["Decision"];
            readonly confidence: number;
            readonly summary: string;
            readonly reasoning: string;
            readonly recommendation: string;
            readonly scores: readonly components["schemas"]["Score"][];
        };
        /**
         * Score
         * @description The judge's mark for one sage's case: ``score`` from 0 to 100.
         */
        readonly Score: {
            readonly agentId: string;
            readonly score: number;
            readonly reasoning: string;
        };
        /**
         * AgentComplete
         * @description A lane ends. ``cause`` is the stable code of why, where it ``failed`` or ``abstained``.
         */
        readonly AgentComplete: {
            /** @enum {unknown} */
            readonly type: "agent_complete";
            readonly seq: number;
            readonly timestamp: string;
            readonly agentId: string;
            readonly status: components["schemas"]["LaneStatus"];
            readonly usage: components["schemas"]["Usage"];
            readonly durationMs: number;
            /** @default null */
            readonly cause?: string | null;
            /** @default null */
            readonly costUsd?: number | null;
        };
        /**
         * LaneStatus
         * @description How a lane ended.
         * @enum {unknown}
         */
        readonly LaneStatus: "abstained" | "answered" | "cancelled" | "failed" | "ruled" | "voted";
        /**
         * Usage
         * @description Tokens as the provider counted them, over all calls of a lane or a deliberation. Absent fields were not reported.
         *
         *         ``input_tokens`` leaves out what was read from or written to a prompt cache. ``uncounted_calls`` is how many calls
         *         ended, cut or cancelled, before the provider had counted them: their tokens are in none of the figures.
         */
        readonly Usage: {
            readonly inputTokens: number;
            readonly outputTokens: number;
            /** @default null */
            readonly cacheReadTokens?: number | null;
            /** @default null */
            readonly cacheWriteTokens?: number | null;
            /** @default null */
            readonly uncountedCalls?: number | null;
        };
        /**
         * Complete
         * @description The terminal event of a deliberation that reached its end.
         *
         *         ``decision`` and ``confidence`` are absent where nothing was decided. ``execution_time`` is in milliseconds from
         *         `start`. ``digest`` is ``sha256:`` and the hex hash over every earlier event's JSON, each followed by one LF.
         */
        readonly Complete: {
            /** @enum {unknown} */
            readonly type: "complete";
            readonly seq: number;
            readonly timestamp: string;
            readonly outcome: components["schemas"]["Outcome"];
            readonly tally: components["schemas"]["Tally"];
            readonly authority: components["schemas"]["Authority"];
            readonly usage: components["schemas"]["Usage"];
            readonly executionTime: number;
            readonly chunkCount: number;
            readonly digest: string;
            /** @default null */
            readonly decision?: components["schemas"]["Decision"] | null;
            /** @default null */
            readonly confidence?: number | null;
            /** @default null */
            readonly costUsd?: number | null;
        };
        /**
         * Outcome
         * @description What the code concludes from votes and verdict; never a model's word.
         *
         *     ``answered`` ends a ``chat``, where nothing is put to a vote.
         * @enum {string}
         */
        readonly Outcome: "decided" | "decided_degraded" | "inconclusive" | "answered";
        /**
         * Tally
         * @description How the sages' votes fell. The four add up to the number of sages.
         */
        readonly Tally: {
            readonly approved: number;
            readonly rejected: number;
            readonly abstained: number;
            readonly failed: number;
        };
        /**
         * Authority
         * @description How much an outcome is worth.
         *
         *         ``judge`` is ``primary`` where the judge ruled, else ``none``. ``overturned`` is true where the judge ruled against
         *         the sages' majority. ``missing`` names every agent that failed or abstained for a technical reason.
         */
        readonly Authority: {
            readonly votersExpected: number;
            readonly votersValid: number;
            readonly judge: string;
            readonly rule: components["schemas"]["Rule"];
            readonly overturned: boolean;
            readonly missing: readonly components["schemas"]["Missing"][];
        };
        /**
         * Missing
         * @description An agent that did not contribute, and the stable code of the reason.
         */
        readonly Missing: {
            readonly agentId: string;
            readonly cause: string;
        };
        /**
         * Cancelled
         * @description The terminal event of a deliberation that somebody stopped.
         */
        readonly Cancelled: {
            /** @enum {unknown} */
            readonly type: "cancelled";
            readonly seq: number;
            readonly timestamp: string;
            readonly by: string;
            readonly receipt: components["schemas"]["Receipt"];
        };
        /**
         * Receipt
         * @description What a cancelled deliberation had cost, a line an agent that had started.
         */
        readonly Receipt: {
            readonly agents: readonly components["schemas"]["ReceiptLine"][];
        };
        /**
         * ReceiptLine
         * @description What a cancelled lane had cost.
         *
         *         Tokens, ``estimated`` or as the provider counted, and whether its stream is closed.
         */
        readonly ReceiptLine: {
            readonly agentId: string;
            readonly outputTokens: number;
            readonly estimated: boolean;
            readonly upstreamClosed: boolean;
        };
        /**
         * Failed
         * @description The terminal event of a deliberation that failed as a whole. ``error`` is a stable code.
         */
        readonly Failed: {
            /** @enum {unknown} */
            readonly type: "error";
            readonly seq: number;
            readonly timestamp: string;
            readonly error: string;
            readonly message: string;
            readonly retryable: boolean;
        };
        /**
         * DeliberationState
         * @description A deliberation as its events tell it.
         *
         *         ``status`` is ``empty`` before the first event, ``running``, then ``complete``, ``cancelled`` or ``error``.
         *         ``cursor`` is the seq of the last event folded, 0 for none.
         */
        readonly DeliberationState: {
            readonly status: string;
            readonly cursor: number;
            readonly lanes: readonly components["schemas"]["LaneState"][];
            /** @default null */
            readonly start?: components["schemas"]["Start"] | null;
            /** @default null */
            readonly verdict?: components["schemas"]["VerdictGiven"] | null;
            /** @default null */
            readonly complete?: components["schemas"]["Complete"] | null;
            /** @default null */
            readonly cancelled?: components["schemas"]["Cancelled"] | null;
            /** @default null */
            readonly error?: components["schemas"]["Failed"] | null;
        };
        /**
         * LaneState
         * @description One agent's part so far. ``status`` is absent while it speaks.
         */
        readonly LaneState: {
            readonly agentId: string;
            readonly text: string;
            readonly thinking: string;
            readonly attempt: number;
            /** @default null */
            readonly decision?: components["schemas"]["Decision"] | null;
            /** @default null */
            readonly confidence?: number | null;
            /** @default null */
            readonly reasoning?: string | null;
            /** @default null */
            readonly status?: components["schemas"]["LaneStatus"] | null;
            /** @default null */
            readonly cause?: string | null;
            /** @default null */
            readonly usage?: components["schemas"]["Usage"] | null;
            /** @default null */
            readonly durationMs?: number | null;
        };
        /**
         * HistoryPage
         * @description A page of deliberations. ``next_cursor`` is ``null`` on the last one.
         */
        readonly HistoryPage: {
            readonly items: readonly components["schemas"]["HistoryItem"][];
            readonly nextCursor: string | null;
        };
        /**
         * HistoryItem
         * @description One deliberation in a list. ``council`` is its council's id; ``status`` as in `DeliberationState`.
         *
         *         ``started_at`` and ``ended_at`` are RFC 3339 in UTC with milliseconds. ``summary`` is the verdict's; in a chat, the
         *         beginning of the answer. ``title`` is what its owner calls it.
         */
        readonly HistoryItem: {
            readonly deliberationId: string;
            readonly sessionId: string;
            readonly question: string;
            readonly mode: components["schemas"]["Mode"];
            readonly council: string;
            readonly status: string;
            readonly outcome: components["schemas"]["Outcome"] | null;
            readonly decision: components["schemas"]["Decision"] | null;
            readonly confidence: number | null;
            readonly startedAt: string;
            readonly endedAt: string | null;
            readonly summary: string | null;
            readonly title: string | null;
        };
        /**
         * Renamed
         * @description A deliberation and its title, as they are from now on.
         */
        readonly Renamed: {
            readonly deliberationId: string;
            readonly title: string | null;
        };
        /**
         * SessionPage
         * @description A page of sessions. ``next_cursor`` is ``null`` on the last one.
         */
        readonly SessionPage: {
            readonly items: readonly components["schemas"]["SessionItem"][];
            readonly nextCursor: string | null;
        };
        /**
         * SessionItem
         * @description A conversation. ``title`` is its first question, ``turns`` their number, ``last_at`` when the last one began.
         */
        readonly SessionItem: {
            readonly sessionId: string;
            readonly title: string;
            readonly turns: number;
            readonly lastAt: string;
        };
        /**
         * SessionTurns
         * @description A page of a session's turns, the oldest first. ``next_cursor`` is ``null`` on the last one.
         */
        readonly SessionTurns: {
            readonly sessionId: string;
            readonly items: readonly components["schemas"]["HistoryItem"][];
            readonly nextCursor: string | null;
        };
        /**
         * AgentRequest
         * @description What is to be different for one agent of the council.
         */
        readonly AgentRequest: {
            /**
             * Model
             * @default null
             */
            readonly model?: string | null;
            /**
             * Temperature
             * @default null
             */
            readonly temperature?: number | null;
            /**
             * Topp
             * @default null
             */
            readonly topP?: number | null;
            /**
             * Topk
             * @default null
             */
            readonly topK?: number | null;
            /**
             * Maxtokens
             * @default null
             */
            readonly maxTokens?: number | null;
            /**
             * Enabled
             * @default true
             */
            readonly enabled?: boolean;
            /**
             * Systemprompt
             * @description The agent's point of view, in place of its own.
             * @default null
             */
            readonly systemPrompt?: string | null;
        };
        /**
         * CancelRequest
         * @description Stops a deliberation.
         */
        readonly CancelRequest: {
            /** Deliberationid */
            readonly deliberationId: string;
            /**
             * Action
             * @constant
             */
            readonly action: "cancel";
        };
        /**
         * ChatMessage
         * @description One message of a chat history. ``content`` is text and nothing else.
         */
        readonly ChatMessage: {
            /**
             * Role
             * @enum {string}
             */
            readonly role: "user" | "assistant";
            /** Content */
            readonly content: string;
        };
        /**
         * CouncilRequest
         * @description A council, given whole.
         */
        readonly CouncilRequest: {
            /**
             * Id
             * @default custom
             */
            readonly id?: string;
            /**
             * Name
             * @description What people call it.
             * @default null
             */
            readonly name?: string | null;
            /** @default judge */
            readonly rule?: components["schemas"]["Rule"];
            /** Agents */
            readonly agents: readonly components["schemas"]["SeatRequest"][];
            /**
             * @default {
             *       "deliberationS": null,
             *       "sageS": null,
             *       "judgeS": null,
             *       "silenceS": null
             *     }
             */
            readonly limits?: components["schemas"]["LimitsRequest"];
            /**
             * Preset
             * @description As it is listed; not read.
             * @default null
             */
            readonly preset?: boolean | null;
            /**
             * Updatedat
             * @description As it is listed; not read.
             * @default null
             */
            readonly updatedAt?: string | null;
        };
        /**
         * CouncilsRequest
         * @description Asks for the councils there are.
         */
        readonly CouncilsRequest: {
            /**
             * Action
             * @constant
             */
            readonly action: "councils";
        };
        /**
         * CriteriaRequest
         * @description What the votes are to hang on, in words.
         */
        readonly CriteriaRequest: {
            /**
             * Approveif
             * @default
             */
            readonly approveIf?: string;
            /**
             * Rejectif
             * @default
             */
            readonly rejectIf?: string;
        };
        /**
         * DeleteCouncilRequest
         * @description Deletes a council that is kept.
         */
        readonly DeleteCouncilRequest: {
            /**
             * Action
             * @constant
             */
            readonly action: "delete_council";
            /** Councilid */
            readonly councilId: string;
        };
        /**
         * ForgetRequest
         * @description Stops a deliberation if it runs, and deletes it.
         */
        readonly ForgetRequest: {
            /** Deliberationid */
            readonly deliberationId: string;
            /**
             * Action
             * @constant
             */
            readonly action: "delete";
        };
        /**
         * GetCouncilRequest
         * @description Asks for a council.
         */
        readonly GetCouncilRequest: {
            /**
             * Action
             * @constant
             */
            readonly action: "get_council";
            /** Councilid */
            readonly councilId: string;
        };
        /**
         * GetRequest
         * @description Asks for a deliberation's folded state.
         */
        readonly GetRequest: {
            /** Deliberationid */
            readonly deliberationId: string;
            /**
             * Action
             * @constant
             */
            readonly action: "get";
        };
        /**
         * LimitsRequest
         * @description How long a council may take, in seconds: at most what the server's own settings say, which hold where none is.
         */
        readonly LimitsRequest: {
            /**
             * Deliberations
             * @default null
             */
            readonly deliberationS?: number | null;
            /**
             * Sages
             * @default null
             */
            readonly sageS?: number | null;
            /**
             * Judges
             * @default null
             */
            readonly judgeS?: number | null;
            /**
             * Silences
             * @default null
             */
            readonly silenceS?: number | null;
        };
        /**
         * ListRequest
         * @description Asks for deliberations of the past, the newest first. Every condition given must hold.
         */
        readonly ListRequest: {
            /**
             * Limit
             * @default 20
             */
            readonly limit?: number;
            /**
             * Cursor
             * @description The `nextCursor` of the page before.
             * @default null
             */
            readonly cursor?: string | null;
            /**
             * Action
             * @default list
             * @constant
             */
            readonly action?: "list";
            /**
             * Q
             * @description Words that must all occur in question, statements or verdict, parts of words included.
             * @default
             */
            readonly q?: string;
            /** @default null */
            readonly outcome?: components["schemas"]["Outcome"] | null;
            /** @default null */
            readonly decision?: components["schemas"]["Decision"] | null;
            /**
             * Sessionid
             * @default null
             */
            readonly sessionId?: string | null;
            /**
             * Deliberationid
             * @description That one alone.
             * @default null
             */
            readonly deliberationId?: string | null;
        };
        /**
         * ModelsRequest
         * @description Asks which models can be used.
         */
        readonly ModelsRequest: {
            /**
             * Action
             * @constant
             */
            readonly action: "models";
        };
        /**
         * ProbeRequest
         * @description Asks for a probe stream, by which a path is measured: numbered frames of no meaning, and no model.
         */
        readonly ProbeRequest: {
            /**
             * Action
             * @constant
             */
            readonly action: "probe";
            /**
             * Seconds
             * @description The whole length.
             * @default 40
             */
            readonly seconds?: number;
            /**
             * Intervalms
             * @description Between two frames.
             * @default 500
             */
            readonly intervalMs?: number;
            /**
             * Bytes
             * @description Of fill, in every frame.
             * @default 64
             */
            readonly bytes?: number;
            /**
             * Quietms
             * @description How long there are no frames, in the middle.
             * @default 0
             */
            readonly quietMs?: number;
            /**
             * Keepalivems
             * @default 10000
             */
            readonly keepAliveMs?: number;
            /**
             * After
             * @description The last seq received: the probe goes on behind it.
             * @default 0
             */
            readonly after?: number;
            /**
             * Startedat
             * @description To go on with a probe on its own schedule: the `startedAt` of its first frame.
             * @default null
             */
            readonly startedAt?: number | null;
            /**
             * Stream
             * @default true
             */
            readonly stream?: boolean;
            /**
             * Wait
             * @description With `stream: false`: seconds to wait for something.
             * @default 0
             */
            readonly wait?: number;
        };
        /**
         * PutCouncilRequest
         * @description Keeps a council under an id, in place of what was kept under it.
         */
        readonly PutCouncilRequest: {
            /**
             * Action
             * @constant
             */
            readonly action: "put_council";
            /** Councilid */
            readonly councilId: string;
            readonly council: components["schemas"]["CouncilRequest"];
        };
        /**
         * RenameRequest
         * @description Gives a deliberation a title.
         */
        readonly RenameRequest: {
            /** Title */
            readonly title: string | null;
            /** Deliberationid */
            readonly deliberationId: string;
            /**
             * Action
             * @constant
             */
            readonly action: "rename";
        };
        /**
         * ResumeRequest
         * @description Follows a deliberation from the event after ``after``.
         */
        readonly ResumeRequest: {
            /** Deliberationid */
            readonly deliberationId: string;
            /**
             * Action
             * @constant
             */
            readonly action: "resume";
            /**
             * After
             * @default 0
             */
            readonly after?: number;
            /**
             * Stream
             * @default true
             */
            readonly stream?: boolean;
            /**
             * Wait
             * @description With `stream: false`: seconds to wait for something.
             * @default 0
             */
            readonly wait?: number;
        };
        /**
         * SeatRequest
         * @description One agent of a council that is given whole.
         */
        readonly SeatRequest: {
            /**
             * Model
             * @default null
             */
            readonly model?: string | null;
            /**
             * Temperature
             * @default null
             */
            readonly temperature?: number | null;
            /**
             * Topp
             * @default null
             */
            readonly topP?: number | null;
            /**
             * Topk
             * @default null
             */
            readonly topK?: number | null;
            /**
             * Maxtokens
             * @default null
             */
            readonly maxTokens?: number | null;
            /**
             * Enabled
             * @default true
             */
            readonly enabled?: boolean;
            /** Agentid */
            readonly agentId: string;
            /** Name */
            readonly name: string;
            readonly role: components["schemas"]["Role"];
            /**
             * Systemprompt
             * @description The agent's point of view.
             */
            readonly systemPrompt: string;
        };
        /**
         * SessionRequest
         * @description Asks for a conversation's turns, the oldest first.
         */
        readonly SessionRequest: {
            /**
             * Limit
             * @default 20
             */
            readonly limit?: number;
            /**
             * Cursor
             * @description The `nextCursor` of the page before.
             * @default null
             */
            readonly cursor?: string | null;
            /**
             * Action
             * @constant
             */
            readonly action: "session";
            /** Sessionid */
            readonly sessionId: string;
        };
        /**
         * SessionsRequest
         * @description Asks for the conversations, the latest turn first.
         */
        readonly SessionsRequest: {
            /**
             * Limit
             * @default 20
             */
            readonly limit?: number;
            /**
             * Cursor
             * @description The `nextCursor` of the page before.
             * @default null
             */
            readonly cursor?: string | null;
            /**
             * Action
             * @constant
             */
            readonly action: "sessions";
        };
        /**
         * StartRequest
         * @description Starts a deliberation. Exactly one of ``messages``, ``question`` and ``prompt`` is given.
         *
         *     In ``messages`` the last one is the user's and is the question; the others are context.
         */
        readonly StartRequest: {
            /**
             * Messages
             * @default null
             */
            readonly messages?: readonly components["schemas"]["ChatMessage"][] | null;
            /**
             * Question
             * @default null
             */
            readonly question?: string | null;
            /**
             * Prompt
             * @default null
             */
            readonly prompt?: string | null;
            /**
             * Sessionid
             * @description The session that this is a turn of; without it, or null, a new one. Through AgentCore, leaving it out means the runtime session, and null a new one.
             * @default null
             */
            readonly sessionId?: string | null;
            /**
             * Council
             * @default magi
             */
            readonly council?: string | components["schemas"]["CouncilRequest"];
            /** Agents */
            readonly agents?: {
                readonly [key: string]: components["schemas"]["AgentRequest"];
            };
            /**
             * @default {
             *       "approveIf": "",
             *       "rejectIf": ""
             *     }
             */
            readonly criteria?: components["schemas"]["CriteriaRequest"];
            /** @default deliberate */
            readonly mode?: components["schemas"]["Mode"];
            /**
             * Language
             * @default null
             */
            readonly language?: string | null;
            /**
             * Idempotencykey
             * @description A repeated start under the same key attaches to the first; it never runs twice.
             * @default null
             */
            readonly idempotencyKey?: string | null;
            /**
             * Stream
             * @description false: wait, and answer one JSON document.
             * @default true
             */
            readonly stream?: boolean;
            /**
             * Detached
             * @description true: answer the id alone and at once, as with the header `Prefer: respond-async`, which does not come through everywhere.
             * @default false
             */
            readonly detached?: boolean;
        };
        /**
         * TitleRequest
         * @description What a deliberation is to be called; ``null`` takes its title away.
         */
        readonly TitleRequest: {
            /** Title */
            readonly title: string | null;
        };
    };
    responses: {
        /** @description A problem */
        readonly Refused: {
            headers: {
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type Event = components['schemas']['Event'];
export type Problem = components['schemas']['Problem'];
export type ProbeFrame = components['schemas']['ProbeFrame'];
export type ProbeStart = components['schemas']['ProbeStart'];
export type ProbeFill = components['schemas']['ProbeFill'];
export type ProbeEnd = components['schemas']['ProbeEnd'];
export type Start = components['schemas']['Start'];
export type Mode = components['schemas']['Mode'];
export type CouncilCard = components['schemas']['CouncilCard'];
export type Rule = components['schemas']['Rule'];
export type AgentCard = components['schemas']['AgentCard'];
export type Role = components['schemas']['Role'];
export type AgentStart = components['schemas']['AgentStart'];
export type Chunk = components['schemas']['Chunk'];
export type Thinking = components['schemas']['Thinking'];
export type Traced = components['schemas']['Traced'];
export type Trace = components['schemas']['Trace'];
export type VoteCast = components['schemas']['VoteCast'];
export type Decision = components['schemas']['Decision'];
export type VerdictGiven = components['schemas']['VerdictGiven'];
export type Score = components['schemas']['Score'];
export type AgentComplete = components['schemas']['AgentComplete'];
export type LaneStatus = components['schemas']['LaneStatus'];
export type Usage = components['schemas']['Usage'];
export type Complete = components['schemas']['Complete'];
export type Outcome = components['schemas']['Outcome'];
export type Tally = components['schemas']['Tally'];
export type Authority = components['schemas']['Authority'];
export type Missing = components['schemas']['Missing'];
export type Cancelled = components['schemas']['Cancelled'];
export type Receipt = components['schemas']['Receipt'];
export type ReceiptLine = components['schemas']['ReceiptLine'];
export type Failed = components['schemas']['Failed'];
export type DeliberationState = components['schemas']['DeliberationState'];
export type LaneState = components['schemas']['LaneState'];
export type HistoryPage = components['schemas']['HistoryPage'];
export type HistoryItem = components['schemas']['HistoryItem'];
export type Renamed = components['schemas']['Renamed'];
export type SessionPage = components['schemas']['SessionPage'];
export type SessionItem = components['schemas']['SessionItem'];
export type SessionTurns = components['schemas']['SessionTurns'];
export type AgentRequest = components['schemas']['AgentRequest'];
export type CancelRequest = components['schemas']['CancelRequest'];
export type ChatMessage = components['schemas']['ChatMessage'];
export type CouncilRequest = components['schemas']['CouncilRequest'];
export type CouncilsRequest = components['schemas']['CouncilsRequest'];
export type CriteriaRequest = components['schemas']['CriteriaRequest'];
export type DeleteCouncilRequest = components['schemas']['DeleteCouncilRequest'];
export type ForgetRequest = components['schemas']['ForgetRequest'];
export type GetCouncilRequest = components['schemas']['GetCouncilRequest'];
export type GetRequest = components['schemas']['GetRequest'];
export type LimitsRequest = components['schemas']['LimitsRequest'];
export type ListRequest = components['schemas']['ListRequest'];
export type ModelsRequest = components['schemas']['ModelsRequest'];
export type ProbeRequest = components['schemas']['ProbeRequest'];
export type PutCouncilRequest = components['schemas']['PutCouncilRequest'];
export type RenameRequest = components['schemas']['RenameRequest'];
export type ResumeRequest = components['schemas']['ResumeRequest'];
export type SeatRequest = components['schemas']['SeatRequest'];
export type SessionRequest = components['schemas']['SessionRequest'];
export type SessionsRequest = components['schemas']['SessionsRequest'];
export type StartRequest = components['schemas']['StartRequest'];
export type TitleRequest = components['schemas']['TitleRequest'];
export type ResponseRefused = components['responses']['Refused'];
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
