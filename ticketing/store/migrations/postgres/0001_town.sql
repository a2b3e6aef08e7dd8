-- +goose Up
-- What an administrator edits, the accounts, and the town's own counters and settings.

CREATE TABLE departments (
    code          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name_fr       TEXT NOT NULL,
    name_en       TEXT NOT NULL,
    visibility    TEXT COLLATE "C" NOT NULL CHECK (visibility IN ('open', 'sealed', 'hidden')),
    position      INTEGER NOT NULL,
    reopen_within INTEGER NOT NULL
);

CREATE TABLE motives (
    code       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    department TEXT COLLATE "C" NOT NULL REFERENCES departments (code),
    name_fr    TEXT NOT NULL,
    name_en    TEXT NOT NULL,
    priority   TEXT COLLATE "C" NOT NULL,
    position   INTEGER NOT NULL
);

CREATE TABLE rules (
    code       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    position   INTEGER NOT NULL,
    any_words  TEXT NOT NULL,
    all_words  TEXT NOT NULL,
    none_words TEXT NOT NULL,
    channel    TEXT COLLATE "C" NOT NULL,
    line       TEXT COLLATE "C" NOT NULL,
    sender     TEXT COLLATE "C" NOT NULL,
    department TEXT COLLATE "C" NOT NULL,
    motive     TEXT COLLATE "C" NOT NULL,
    priority   TEXT COLLATE "C" NOT NULL
);

CREATE TABLE templates (
    code     TEXT COLLATE "C" NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    subject  TEXT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (code, language)
);

CREATE TABLE lines (
    name           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    channel        TEXT COLLATE "C" NOT NULL,
    address        TEXT COLLATE "C" NOT NULL,
    department     TEXT COLLATE "C" NOT NULL,
    plus_addresses BOOLEAN NOT NULL,
    position       INTEGER NOT NULL
);

CREATE TABLE agents (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    email           TEXT COLLATE "C" NOT NULL,
    name            TEXT NOT NULL,
    signature       TEXT NOT NULL,
    language        TEXT COLLATE "C" NOT NULL,
    roles           TEXT NOT NULL,
    all_departments BOOLEAN NOT NULL,
    capacity        INTEGER NOT NULL,
    password_hash   TEXT COLLATE "C" NOT NULL,
    active          BOOLEAN NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX agents_email ON agents (email);

CREATE TABLE memberships (
    agent_id   TEXT COLLATE "C" NOT NULL REFERENCES agents (id),
    department TEXT COLLATE "C" NOT NULL REFERENCES departments (code),
    supervisor BOOLEAN NOT NULL,
    PRIMARY KEY (agent_id, department)
);

CREATE TABLE tokens (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    agent_id     TEXT COLLATE "C" NOT NULL REFERENCES agents (id),
    name         TEXT NOT NULL,
    hash         TEXT COLLATE "C" NOT NULL,
    scope        TEXT COLLATE "C" NOT NULL CHECK (scope IN ('read', 'write')),
    created_at   TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    revoked_at   TIMESTAMPTZ
);
CREATE UNIQUE INDEX tokens_hash ON tokens (hash);

CREATE TABLE sessions (
    hash       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    data       BYTEA,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE settings (
    key   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- The revision of the town, and the last ticket number of each year.
CREATE TABLE counters (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
