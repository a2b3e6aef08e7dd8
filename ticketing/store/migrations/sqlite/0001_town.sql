-- +goose Up
-- DATETIME columns hold microseconds since 1970, UTC; the store turns them into times.
-- What an administrator edits, the accounts, and the town's own counters and settings.

CREATE TABLE departments (
    code          TEXT NOT NULL PRIMARY KEY,
    name_fr       TEXT NOT NULL,
    name_en       TEXT NOT NULL,
    visibility    TEXT NOT NULL CHECK (visibility IN ('open', 'sealed', 'hidden')),
    position      INTEGER NOT NULL,
    reopen_within INTEGER NOT NULL
);

CREATE TABLE motives (
    code       TEXT NOT NULL PRIMARY KEY,
    department TEXT NOT NULL REFERENCES departments (code),
    name_fr    TEXT NOT NULL,
    name_en    TEXT NOT NULL,
    priority   TEXT NOT NULL,
    position   INTEGER NOT NULL
);

CREATE TABLE rules (
    code       TEXT NOT NULL PRIMARY KEY,
    position   INTEGER NOT NULL,
    any_words  TEXT NOT NULL,
    all_words  TEXT NOT NULL,
    none_words TEXT NOT NULL,
    channel    TEXT NOT NULL,
    line       TEXT NOT NULL,
    sender     TEXT NOT NULL,
    department TEXT NOT NULL,
    motive     TEXT NOT NULL,
    priority   TEXT NOT NULL
);

CREATE TABLE templates (
    code     TEXT NOT NULL,
    language TEXT NOT NULL,
    subject  TEXT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (code, language)
);

CREATE TABLE lines (
    name           TEXT NOT NULL PRIMARY KEY,
    channel        TEXT NOT NULL,
    address        TEXT NOT NULL,
    department     TEXT NOT NULL,
    plus_addresses BOOLEAN NOT NULL,
    position       INTEGER NOT NULL
);

CREATE TABLE agents (
    id              TEXT NOT NULL PRIMARY KEY,
    email           TEXT NOT NULL,
    name            TEXT NOT NULL,
    signature       TEXT NOT NULL,
    language        TEXT NOT NULL,
    roles           TEXT NOT NULL,
    all_departments BOOLEAN NOT NULL,
    capacity        INTEGER NOT NULL,
    password_hash   TEXT NOT NULL,
    active          BOOLEAN NOT NULL,
    created_at      DATETIME NOT NULL,
    updated_at      DATETIME NOT NULL
);
CREATE UNIQUE INDEX agents_email ON agents (email);

CREATE TABLE memberships (
    agent_id   TEXT NOT NULL REFERENCES agents (id),
    department TEXT NOT NULL REFERENCES departments (code),
    supervisor BOOLEAN NOT NULL,
    PRIMARY KEY (agent_id, department)
);

CREATE TABLE tokens (
    id           TEXT NOT NULL PRIMARY KEY,
    agent_id     TEXT NOT NULL REFERENCES agents (id),
    name         TEXT NOT NULL,
    hash         TEXT NOT NULL,
    scope        TEXT NOT NULL CHECK (scope IN ('read', 'write')),
    created_at   DATETIME NOT NULL,
    expires_at   DATETIME,
    last_used_at DATETIME,
    revoked_at   DATETIME
);
CREATE UNIQUE INDEX tokens_hash ON tokens (hash);

CREATE TABLE sessions (
    hash       TEXT NOT NULL PRIMARY KEY,
    data       BLOB,
    expires_at DATETIME NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- The revision of the town, and the last ticket number of each year.
CREATE TABLE counters (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
);
