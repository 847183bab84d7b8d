// The codes with which a node closes WebSockets. Made from the table in src/websocket/close.rs, which a test
// (tests/it/close_codes.rs) keeps in step with this file.

export const CLOSE_CODES = [1000, 1001, 1002, 1007, 1008, 1009, 1011, 1012, 1013] as const;
