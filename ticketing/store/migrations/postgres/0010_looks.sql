-- +goose Up
-- Who looked at whose file: plain rows, of which a leader seals a group every few seconds. Nothing older is touched.
CREATE TABLE consultations (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         TIMESTAMPTZ NOT NULL,
    agent_id   TEXT COLLATE "C" NOT NULL,
    page       TEXT COLLATE "C" NOT NULL, -- the pattern of the route
    citizen_id TEXT COLLATE "C" NOT NULL,
    ticket_id  TEXT COLLATE "C" NOT NULL,
    purpose    TEXT NOT NULL,
    digest     TEXT COLLATE "C" NOT NULL,
    seal       BIGINT NOT NULL DEFAULT 0 -- the number of its seal; 0: not yet
);
CREATE INDEX consultations_agent ON consultations (agent_id, at);
CREATE INDEX consultations_citizen ON consultations (citizen_id, id) WHERE citizen_id <> '';
CREATE INDEX consultations_ticket ON consultations (ticket_id, id) WHERE ticket_id <> '';
CREATE INDEX consultations_seal ON consultations (seal, id);

CREATE TABLE seals (
    number    BIGINT NOT NULL PRIMARY KEY,
    at        TIMESTAMPTZ NOT NULL,
    epoch     BIGINT NOT NULL, -- of the lease it was made under
    size      BIGINT NOT NULL,
    previous  TEXT COLLATE "C" NOT NULL,
    hash      TEXT COLLATE "C" NOT NULL,
    pruned_at TIMESTAMPTZ -- its rows, and all seals before it, have had their time
);

-- A sealed department's ticket that somebody opened with a reason, for a while.
CREATE TABLE openings (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    ticket_id  TEXT COLLATE "C" NOT NULL REFERENCES tickets (id),
    agent_id   TEXT COLLATE "C" NOT NULL REFERENCES agents (id),
    department TEXT COLLATE "C" NOT NULL, -- it had then
    reason     TEXT NOT NULL,
    at         TIMESTAMPTZ NOT NULL,
    until      TIMESTAMPTZ NOT NULL
);
CREATE INDEX openings_agent ON openings (agent_id, until);
CREATE INDEX openings_department ON openings (department, at);
