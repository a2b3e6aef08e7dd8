-- +goose Up
-- Who looked at whose file: plain rows, of which a leader seals a group every few seconds. Nothing older is touched.
CREATE TABLE consultations (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at         DATETIME NOT NULL,
    agent_id   TEXT NOT NULL,
    page       TEXT NOT NULL, -- the pattern of the route
    citizen_id TEXT NOT NULL,
    ticket_id  TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    digest     TEXT NOT NULL,
    seal       INTEGER NOT NULL DEFAULT 0 -- the number of its seal; 0: not yet
);
CREATE INDEX consultations_agent ON consultations (agent_id, at);
CREATE INDEX consultations_citizen ON consultations (citizen_id, id) WHERE citizen_id <> '';
CREATE INDEX consultations_ticket ON consultations (ticket_id, id) WHERE ticket_id <> '';
CREATE INDEX consultations_seal ON consultations (seal, id);

CREATE TABLE seals (
    number    INTEGER NOT NULL PRIMARY KEY,
    at        DATETIME NOT NULL,
    epoch     INTEGER NOT NULL, -- of the lease it was made under
    size      INTEGER NOT NULL,
    previous  TEXT NOT NULL,
    hash      TEXT NOT NULL,
    pruned_at DATETIME -- its rows, and all seals before it, have had their time
);

-- A sealed department's ticket that somebody opened with a reason, for a while.
CREATE TABLE openings (
    id         TEXT NOT NULL PRIMARY KEY,
    ticket_id  TEXT NOT NULL REFERENCES tickets (id),
    agent_id   TEXT NOT NULL REFERENCES agents (id),
    department TEXT NOT NULL, -- it had then
    reason     TEXT NOT NULL,
    at         DATETIME NOT NULL,
    until      DATETIME NOT NULL
);
CREATE INDEX openings_agent ON openings (agent_id, until);
CREATE INDEX openings_department ON openings (department, at);
