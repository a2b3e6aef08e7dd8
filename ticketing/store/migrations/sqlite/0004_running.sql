-- +goose Up
-- The journal, and what running processes need to remember.

-- One writer at a time: ids are in the order of commits, and tx has nothing to add.
CREATE TABLE events (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    tx         INTEGER NOT NULL DEFAULT 0,
    at         DATETIME NOT NULL,
    type       TEXT NOT NULL,
    ticket_id  TEXT,
    citizen_id TEXT,
    department TEXT NOT NULL,
    agent_id   TEXT,
    message_id TEXT,
    data       TEXT NOT NULL
);
CREATE INDEX events_order ON events (tx, id);
CREATE INDEX events_ticket ON events (ticket_id, id) WHERE ticket_id IS NOT NULL;
CREATE INDEX events_citizen ON events (citizen_id, id) WHERE citizen_id IS NOT NULL;

CREATE TABLE requests (
    actor       TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    ticket_id   TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    created_at  DATETIME NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX requests_created ON requests (created_at);

CREATE TABLE cursors (
    mailbox      TEXT NOT NULL PRIMARY KEY,
    epoch        INTEGER NOT NULL,
    uid_validity INTEGER NOT NULL,
    done         INTEGER NOT NULL,
    gaps         TEXT NOT NULL
);

CREATE TABLE leases (
    name       TEXT NOT NULL PRIMARY KEY,
    owner      TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    held_until DATETIME NOT NULL
);

CREATE TABLE healths (
    line         TEXT NOT NULL PRIMARY KEY,
    channel      TEXT NOT NULL,
    state        TEXT NOT NULL,
    last_contact DATETIME,
    last_message DATETIME,
    server_count INTEGER NOT NULL,
    pending      INTEGER NOT NULL,
    last_error   TEXT NOT NULL,
    at           DATETIME NOT NULL
);
