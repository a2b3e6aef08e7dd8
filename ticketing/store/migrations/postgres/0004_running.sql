-- +goose Up
-- The journal, and what running processes need to remember.

-- Ids are not in the order of commits: readers order by (tx, id) and stop where a transaction is still open.
CREATE TABLE events (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tx         BIGINT NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    at         TIMESTAMPTZ NOT NULL,
    type       TEXT COLLATE "C" NOT NULL,
    ticket_id  TEXT COLLATE "C",
    citizen_id TEXT COLLATE "C",
    department TEXT COLLATE "C" NOT NULL,
    agent_id   TEXT COLLATE "C",
    message_id TEXT COLLATE "C",
    data       TEXT NOT NULL
);
CREATE INDEX events_order ON events (tx, id);
CREATE INDEX events_ticket ON events (ticket_id, id) WHERE ticket_id IS NOT NULL;
CREATE INDEX events_citizen ON events (citizen_id, id) WHERE citizen_id IS NOT NULL;

CREATE TABLE requests (
    actor       TEXT COLLATE "C" NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    ticket_id   TEXT COLLATE "C" NOT NULL,
    message_id  TEXT COLLATE "C" NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX requests_created ON requests (created_at);

CREATE TABLE cursors (
    mailbox      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    epoch        BIGINT NOT NULL,
    uid_validity BIGINT NOT NULL,
    done         BIGINT NOT NULL,
    gaps         TEXT NOT NULL
);

CREATE TABLE leases (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner      TEXT COLLATE "C" NOT NULL,
    epoch      BIGINT NOT NULL,
    held_until TIMESTAMPTZ NOT NULL
);

CREATE TABLE healths (
    line         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    channel      TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL,
    last_contact TIMESTAMPTZ,
    last_message TIMESTAMPTZ,
    server_count INTEGER NOT NULL,
    pending      INTEGER NOT NULL,
    last_error   TEXT NOT NULL,
    at           TIMESTAMPTZ NOT NULL
);
